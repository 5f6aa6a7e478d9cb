//! What was changed behind a lab's back is put in order by applying again, and nothing else is touched.

use dataplane::Dataplane;
use host::{Netlink, namespace};
use lab::{
    EXAMPLE, LabError, Step, TemporaryLab, kernel, name,
    status::{FlowChoice, status},
};

use crate::support::{answers, assert_connects, connect, is_root, serve};

/// Removes a device of the lab's host.
fn remove(lab: &TemporaryLab, device: &str) {
    lab.on_host(|| {
        let netlink = Netlink::open()?;
        netlink.remove_link(netlink.link(device)?.index)
    })
    .unwrap()
    .unwrap();
}

fn texts(steps: &[Step]) -> Vec<String> {
    steps.iter().map(Step::to_string).collect()
}

#[test]
fn what_is_gone_is_made_anew_and_the_rest_goes_on() {
    if !is_root() {
        return;
    }
    let mut lab = TemporaryLab::new(EXAMPLE).unwrap();
    serve(&lab, "web-1", "10.77.1.11:80");
    serve(&lab, "database", "10.77.2.10:5432");
    let mut stream = connect(&lab, "web-1", "10.77.2.10:5432", true).unwrap();

    // A device.
    remove(&lab, "client-0");
    let repaired = texts(&lab.change(EXAMPLE).unwrap().steps);
    assert_eq!(repaired.len(), 2, "{repaired:?}");
    assert!(repaired[0].starts_with("remove binding"), "{repaired:?}");
    assert_eq!(repaired[1], "make eth0 of client, in class no groups");
    assert_connects(&lab, "client", "10.77.1.11:80", true);

    // A bridge: its three ports are made anew.
    remove(&lab, "br_front");
    let repaired = texts(&lab.change(EXAMPLE).unwrap().steps);
    assert_eq!(repaired.iter().filter(|step| step.starts_with("make eth0 of")).count(), 3, "{repaired:?}");
    assert_connects(&lab, "client", "10.77.1.11:80", true);

    // An instance: what ran in it is elsewhere now, and its devices are not its own any more.
    namespace::remove(&name::instance_namespace(lab.name(), "web-2")).unwrap();
    let repaired = texts(&lab.change(EXAMPLE).unwrap().steps);
    assert!(repaired.contains(&"make instance web-2".to_owned()), "{repaired:?}");

    // A binding.
    kernel::with_dataplane(lab.name(), |mut dataplane| {
        let bindings = dataplane.bindings()?;
        let client = bindings.iter().find(|binding| &*binding.device.name == "client-0").unwrap();
        Ok::<(), LabError>(dataplane.unbind(client.binding)?)
    })
    .unwrap();
    assert_connects(&lab, "client", "10.77.1.11:80", false);
    assert_eq!(texts(&lab.change(EXAMPLE).unwrap().steps), ["bind eth0 of client again"]);
    assert_connects(&lab, "client", "10.77.1.11:80", true);

    // Whoever was not concerned has noticed nothing.
    assert!(answers(&mut stream, true));
}

#[test]
fn an_instance_that_goes_takes_its_rights_with_it() {
    if !is_root() {
        return;
    }
    let mut lab = TemporaryLab::new(EXAMPLE).unwrap();
    let start = EXAMPLE.find("[instances.web-2]").unwrap();
    let end = EXAMPLE.find("[instances.database]").unwrap();
    let without = EXAMPLE.replace(&EXAMPLE[start..end], "");
    let steps = texts(&lab.change(&without).unwrap().steps);
    assert_eq!(steps, ["remove the interface at web-2-0", "remove instance web-2"]);
    assert!(!namespace::exists(&name::instance_namespace(lab.name(), "web-2")));
    let steps = texts(&lab.change(EXAMPLE).unwrap().steps);
    assert_eq!(steps, ["make instance web-2", "make eth0 of web-2, in class web"]);
}

#[test]
fn the_status_is_what_the_kernel_says() {
    if !is_root() {
        return;
    }
    let mut lab = TemporaryLab::new(EXAMPLE).unwrap();
    serve(&lab, "web-1", "10.77.1.11:80");
    let mut stream = connect(&lab, "client", "10.77.1.11:80", true).unwrap();
    assert!(answers(&mut stream, true));
    assert_connects(&lab, "client", "10.77.1.11:81", false);

    let seen = status(lab.name(), &FlowChoice::Of("web-1/eth0".into())).unwrap();
    assert_eq!((seen.generation, seen.complete), (1, true));
    assert_eq!((seen.interfaces.len(), seen.classes.len()), (5, 3));
    let web = seen.interfaces.iter().find(|of| of.host_device == "web-1-0").unwrap();
    assert!(web.enforced);
    assert_eq!((web.generation, web.flows, &web.groups[..]), (Some(1), 1, &["web".to_owned()][..]));
    assert!(web.drops["implicit"] >= 1, "{:?}", web.drops);
    let class = seen.classes.iter().find(|class| Some(class.class) == web.class).unwrap();
    assert_eq!((class.interfaces, class.current), (2, true));
    let http = class.rules.iter().find(|rule| rule.rule == "ingress accept tcp to port 80").unwrap();
    assert_eq!((http.decisions, http.group.as_deref()), (1, Some("web")));
    let [flow] = &seen.flows.unwrap()[..] else { panic!("one flow") };
    let from = stream.local_addr().unwrap();
    assert_eq!(flow.flow, format!("ingress tcp {from} > 10.77.1.11:80"));
    assert_eq!((flow.rule.as_str(), flow.state), ("web: ingress accept tcp to port 80", "established"));
    assert!(flow.alive && flow.packets >= 5);

    // Other rules are in force, and no packet has met them yet.
    lab.change(&EXAMPLE.replace("tcp to port 80\"", "tcp to port 80/81\"")).unwrap();
    let flows = status(lab.name(), &FlowChoice::Of("web-1".into())).unwrap().flows.unwrap();
    assert_eq!(flows[0].rule, "one of earlier rules; its next packet is judged anew");
    assert!(answers(&mut stream, true));
    let flows = status(lab.name(), &FlowChoice::Of("web-1".into())).unwrap().flows.unwrap();
    assert_eq!(flows[0].rule, "web: ingress accept tcp to port 80/81");

    let unknown = status(lab.name(), &FlowChoice::Of("web-1/eth7".into())).unwrap_err();
    let names = "client/eth0, database/eth0, web-1/eth0, web-1/eth1, web-2/eth0";
    let message = format!("lab {:?} has no interface \"web-1/eth7\"; it has {names}", lab.name());
    assert_eq!(unknown.to_string(), message);
}
