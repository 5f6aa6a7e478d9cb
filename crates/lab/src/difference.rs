//! The smallest way from what is there to what is wanted. It is pure: it looks at both, and gives steps.
//!
//! What takes rights away comes first: interfaces that go, classes with other rules, other memberships. What is new
//! comes after it. What nothing uses any more is removed last.

use host::wire::Medium;
use std::collections::BTreeSet;

use dataplane::{BindingReport, Interface as Bindable};

use crate::{
    desired::{Desired, DesiredInterface},
    name,
    observed::Observed,
    step::Step,
};

/// The steps from what is there to what is wanted.
pub fn difference(observed: &Observed, desired: &Desired) -> Vec<Step> {
    let kept: Vec<bool> = desired.interfaces.iter().map(|wanted| is_whole(observed, wanted)).collect();
    let mut steps = Vec::new();
    if !observed.host {
        steps.push(Step::MakeHost { namespace: name::host_namespace(&desired.lab) });
    }
    remove_interfaces(observed, desired, &kept, &mut steps);
    load_classes(observed, desired, &mut steps);
    change_interfaces(observed, desired, &kept, &mut steps);
    make(observed, desired, &kept, &mut steps);
    remove_rest(observed, desired, &mut steps);
    steps
}

/// The steps that leave nothing.
pub fn removal(lab: &str, observed: &Observed, has_dataplane: bool) -> Vec<Step> {
    let bridge = |link: &&host::Link| link.name.starts_with("br_");
    let ports = observed.links.iter().filter(|link| !bridge(link));
    let mut steps: Vec<Step> =
        ports.map(|link| Step::RemoveInterface { device: link.name.clone(), index: link.index }).collect();
    let bridges = observed.links.iter().filter(bridge);
    steps.extend(bridges.map(|link| Step::RemoveBridge { bridge: link.name.clone(), index: link.index }));
    if has_dataplane {
        steps.push(Step::RemoveDataplane);
    }
    steps.extend(observed.instances.keys().map(|of| Step::RemoveInstance { instance: of.clone() }));
    if observed.host {
        steps.push(Step::RemoveHost { namespace: name::host_namespace(lab) });
    }
    steps
}

/// An interface as people call it.
fn title(wanted: &DesiredInterface) -> String {
    format!("{} of {}", wanted.wire.inner_device, wanted.instance)
}

/// Whether the devices of an interface are there and as they should be.
fn is_whole(observed: &Observed, wanted: &DesiredInterface) -> bool {
    let Some(link) = observed.link(&wanted.wire.device) else { return false };
    let master = match &wanted.wire.medium {
        Medium::Bridged { bridge, .. } => match observed.link(bridge) {
            Some(bridge) => Some(bridge.index),
            None => return false,
        },
        Medium::Routed => None,
    };
    link.up && link.alias == wanted.alias && link.master == master && is_whole_inside(observed, wanted)
}

fn is_whole_inside(observed: &Observed, wanted: &DesiredInterface) -> bool {
    let Some(Some(devices)) = observed.instances.get(&wanted.instance) else { return false };
    let device = devices.iter().find(|device| device.name == wanted.wire.inner_device);
    device.is_some_and(|device| {
        device.up
            && device.mac == Some(wanted.wire.mac)
            && wanted.wire.addresses.iter().all(|address| device.addresses.contains(address))
    })
}

/// The binding of an interface at the device that it has now.
fn binding_of<'a>(observed: &'a Observed, wanted: &DesiredInterface) -> Option<&'a BindingReport> {
    let index = observed.link(&wanted.wire.device)?.index;
    let fits = |found: &&BindingReport| found.present && found.device.ifindex == index;
    observed.bindings.iter().find(fits)
}

fn remove_interfaces(observed: &Observed, desired: &Desired, kept: &[bool], steps: &mut Vec<Step>) {
    let kept_devices: BTreeSet<&str> = desired
        .interfaces
        .iter()
        .zip(kept)
        .filter(|(_, kept)| **kept)
        .map(|(wanted, _)| wanted.wire.device.as_str())
        .collect();
    for link in &observed.links {
        if !kept_devices.contains(link.name.as_str()) && !link.name.starts_with("br_") {
            steps.push(Step::RemoveInterface { device: link.name.clone(), index: link.index });
        }
    }
    let at = |index| observed.links.iter().any(|link| link.index == index);
    let gone = observed.bindings.iter().filter(|found| !at(found.device.ifindex));
    steps.extend(gone.map(|found| Step::Unbind { binding: found.binding }));
}

fn load_classes(observed: &Observed, desired: &Desired, steps: &mut Vec<Step>) {
    for wanted in &desired.classes {
        let (key, name) = (wanted.key.clone(), desired.class_name(&wanted.key));
        match observed.classes.iter().find(|found| found.label == wanted.label) {
            None => steps.push(Step::MakeClass { key, name }),
            Some(found) => {
                let same = found.plan.is_some_and(|plan| plan.intact && plan.digest == wanted.digest);
                if !same {
                    steps.push(Step::SwitchClass { key, class: found.class, name });
                }
            }
        }
    }
}

fn change_interfaces(observed: &Observed, desired: &Desired, kept: &[bool], steps: &mut Vec<Step>) {
    let whole = desired.interfaces.iter().enumerate().zip(kept).filter(|(_, kept)| **kept);
    for ((interface, wanted), _) in whole {
        let name = title(wanted);
        let found = match binding_of(observed, wanted) {
            Some(found) if found.enforced() && found.interface == wanted.id => found,
            other => {
                let instead_of = other.map(|found| found.binding);
                steps.push(Step::Bind { interface, name, instead_of });
                continue;
            }
        };
        let binding = found.binding;
        if !same_configuration(&found.configuration, &wanted.bindable) {
            steps.push(Step::Configure { interface, binding, name: name.clone() });
        }
        let label = desired.class(&wanted.class).map(|class| class.label);
        let has = found.class.and_then(|class| observed.classes.iter().find(|of| of.class == class));
        if has.map(|class| class.label) != label {
            let groups = desired.class_name(&wanted.class);
            steps.push(Step::Assign { binding, key: wanted.class.clone(), name, groups });
        }
    }
}

fn same_configuration(found: &Bindable, wanted: &Bindable) -> bool {
    let sorted = |interface: &Bindable| {
        let mut addresses = interface.addresses.clone();
        addresses.sort_unstable();
        addresses
    };
    found.mac == wanted.mac
        && found.source_check == wanted.source_check
        && found.flows_max == wanted.flows_max
        && sorted(found) == sorted(wanted)
}

fn make(observed: &Observed, desired: &Desired, kept: &[bool], steps: &mut Vec<Step>) {
    for instance in &desired.instances {
        if !matches!(observed.instances.get(instance), Some(Some(_))) {
            steps.push(Step::MakeInstance { instance: instance.clone() });
        }
    }
    for bridge in &desired.bridges {
        if observed.link(bridge).is_none_or(|link| !link.up) {
            steps.push(Step::MakeBridge { bridge: bridge.clone() });
        }
    }
    let new = desired.interfaces.iter().enumerate().zip(kept).filter(|(_, kept)| !**kept);
    steps.extend(new.map(|((interface, wanted), _)| Step::MakeInterface {
        interface,
        name: title(wanted),
        groups: desired.class_name(&wanted.class),
    }));
}

fn remove_rest(observed: &Observed, desired: &Desired, steps: &mut Vec<Step>) {
    let unwanted =
        observed.classes.iter().filter(|found| !desired.classes.iter().any(|of| of.label == found.label));
    steps.extend(unwanted.map(|found| Step::RemoveClass { class: found.class }));
    let unwanted = observed.instances.keys().filter(|instance| !desired.instances.contains(instance));
    steps.extend(unwanted.map(|instance| Step::RemoveInstance { instance: instance.clone() }));
    for link in &observed.links {
        if link.name.starts_with("br_") && !desired.bridges.contains(&link.name) {
            steps.push(Step::RemoveBridge { bridge: link.name.clone(), index: link.index });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use host::Link;

    use crate::{definition::Definition, observed::InnerDevice};

    fn example() -> Desired {
        Desired::of(&Definition::parse(crate::EXAMPLE).unwrap()).unwrap()
    }

    fn texts(steps: &[Step]) -> String {
        steps.iter().map(|step| format!("{step}\n")).collect()
    }

    #[test]
    fn where_nothing_is_everything_is_made_and_bound_before_it_is_open() {
        let steps = texts(&difference(&Observed::default(), &example()));
        assert_eq!(
            steps,
            "make the host, namespace ravelin-shop\n\
             make class no groups\n\
             make class web\n\
             make class database+quiet\n\
             make instance client\n\
             make instance database\n\
             make instance web-1\n\
             make instance web-2\n\
             make bridge br_front\n\
             make eth0 of client, in class no groups\n\
             make eth0 of database, in class database+quiet\n\
             make eth0 of web-1, in class web\n\
             make eth1 of web-1, in class no groups\n\
             make eth0 of web-2, in class web\n"
        );
    }

    fn link(index: u32, name: &str, alias: &str) -> Link {
        let (name, alias) = (name.to_owned(), alias.to_owned());
        Link { index, name, alias, mac: None, master: None, group: 0, up: true, ready: true }
    }

    #[test]
    fn a_device_that_a_crash_left_half_done_is_made_anew() {
        let desired = example();
        let wanted = desired.interfaces.iter().find(|of| of.wire.device == "database-0").unwrap();
        let inner = InnerDevice {
            name: "eth0".into(),
            mac: Some(wanted.wire.mac),
            up: true,
            ready: true,
            addresses: wanted.wire.addresses.clone(),
        };
        let mut observed = Observed {
            host: true,
            links: vec![link(7, "database-0", "")],
            instances: BTreeMap::from([("database".to_owned(), Some(vec![inner]))]),
            ..Observed::default()
        };
        let steps = texts(&difference(&observed, &desired));
        assert!(steps.starts_with("remove the interface at database-0\n"), "{steps}");
        assert!(steps.contains("make eth0 of database, in class database+quiet\n"), "{steps}");

        // With its alias it was done, and is but bound again.
        observed.links[0].alias.clone_from(&wanted.alias);
        let steps = texts(&difference(&observed, &desired));
        assert!(steps.contains("bind eth0 of database again\n"), "{steps}");
        assert!(!steps.contains("database-0"), "{steps}");
        // An address that somebody took away.
        let Some(Some(devices)) = observed.instances.get_mut("database") else { panic!("it is there") };
        devices[0].addresses.clear();
        let steps = texts(&difference(&observed, &desired));
        assert!(steps.contains("make eth0 of database, in class database+quiet\n"), "{steps}");
    }

    #[test]
    fn a_removal_takes_what_is_there_and_the_host_last() {
        let observed = Observed {
            host: true,
            links: vec![link(2, "br_front", ""), link(3, "web-1-0", "")],
            instances: BTreeMap::from([("web-1".to_owned(), None)]),
            ..Observed::default()
        };
        assert_eq!(
            texts(&removal("shop", &observed, true)),
            "remove the interface at web-1-0\n\
             remove bridge br_front\n\
             remove the dataplane, its programs and pins\n\
             remove instance web-1\n\
             remove the host, namespace ravelin-shop\n"
        );
        assert_eq!(removal("shop", &Observed::default(), false), vec![]);
    }
}
