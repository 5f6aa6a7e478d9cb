//! What is asked of interfaces, flows and devices.

use std::collections::BTreeMap;

use dataplane::{Binding, BindingReport, Dataplane, Drops};
use model::{NetworkInterfaceId, node as model_node};

use super::Worker;
use crate::{
    enforcer::{InterfaceView, chain},
    runtime::{
        listing::{Counting, Listing, by_reason},
        measure::Measures,
        order::Sight,
    },
    status::{DeviceStatus, InterfaceState, InterfaceStatus},
};

impl<D: Dataplane> Worker<D> {
    /// What the kernel counts.
    pub(super) fn measure(&mut self) -> Measures {
        let dropped = self.enforcer.dropped().clone();
        let bindings: Vec<_> = self.enforcer.bindings().map(|(_, binding)| binding).collect();
        let dataplane = self.enforcer.dataplane();
        let flows = bindings.into_iter().filter_map(|binding| dataplane.flow_count(binding).ok()).sum();
        Measures { flows, dropped }
    }

    /// What lists the flows of an interface.
    pub(super) fn flows(&mut self, interface: NetworkInterfaceId) -> Result<Listing, String> {
        let binding = self.bound(interface)?;
        let flows = self.enforcer.dataplane().flow_reader(binding).map_err(|error| chain(&error))?;
        Ok(Listing { flows, rules: self.rules.in_force(&self.enforcer, interface) })
    }

    /// What adds up what an interface counts.
    pub(super) fn counters(&mut self, interface: NetworkInterfaceId) -> Result<Counting, String> {
        let listing = self.flows(interface)?;
        let drops = self.dropped(interface)?;
        let class = self.enforcer.class_in_force(interface);
        let decisions = match class {
            Some(class) => self.enforcer.dataplane().rule_counts(class).map_err(|error| chain(&error))?,
            None => Vec::new(),
        };
        Ok(Counting { listing, drops, decisions })
    }

    /// Packets that were dropped at an interface since it was bound.
    pub(super) fn dropped(&mut self, interface: NetworkInterfaceId) -> Result<Drops, String> {
        let binding = self.bound(interface)?;
        self.enforcer.dataplane().drops(Some(binding)).map_err(|error| chain(&error))
    }

    /// How interfaces and devices stand, read from the kernel.
    pub(super) fn look(&mut self) -> Sight {
        let mut reports = self.reports();
        // Whoever decides is not to know less than whoever looks, and it is not left so until the next audit.
        if self.enforcer.interfaces().any(|view| is_changed(&view, &reports)) {
            self.audit();
            self.publish();
            reports = self.reports();
        }
        let measures = self.measure();
        let drops = self.enforcer.drops();
        let interface = |view: InterfaceView<'_>| {
            let report = view.binding.and_then(|binding| reports.get(&binding));
            let dropped = view.binding.and_then(|binding| drops.get(&Some(binding)));
            interface_status(&view, report, dropped)
        };
        let interfaces = self.enforcer.interfaces().map(interface).collect();
        let closed = self.enforcer.closed_devices().iter().map(|(ifindex, name)| DeviceStatus {
            device: name.to_string(),
            ifindex: *ifindex,
            closed: true,
            problem: None,
        });
        let open = self.enforcer.open_devices().iter().map(|(ifindex, device)| DeviceStatus {
            device: device.name.to_string(),
            ifindex: *ifindex,
            closed: false,
            problem: Some(device.why.clone()),
        });
        let devices = closed.chain(open).collect();
        Sight { interfaces, devices, measures }
    }

    fn reports(&mut self) -> BTreeMap<Binding, BindingReport> {
        let reports = self.enforcer.dataplane().bindings().unwrap_or_default();
        reports.into_iter().map(|report| (report.binding, report)).collect()
    }

    pub(super) fn release(&mut self, device: &str, force: bool) -> Result<(), String> {
        if force && self.shared.session().connected {
            return Err("the control plane is reached: end the binding with `ravelin unbind`, and release the device without --force".into());
        }
        let released = if force { self.enforcer.let_go(device) } else { self.enforcer.release(device) };
        released.map_err(|error| chain(&error))?;
        self.settle();
        tracing::warn!(device, "a device is open now: an operator has released it");
        Ok(())
    }
}

/// Whether the kernel says something else of an interface than what was read back, and nobody was told yet.
fn is_changed(view: &InterfaceView<'_>, reports: &BTreeMap<Binding, BindingReport>) -> bool {
    let report = view.binding.and_then(|binding| reports.get(&binding)).filter(|report| report.present);
    report.is_some_and(|report| view.problem.is_none() && (!report.enforced() || report.class != view.class))
}

fn interface_status(
    view: &InterfaceView<'_>,
    report: Option<&BindingReport>,
    dropped: Option<&Drops>,
) -> InterfaceStatus {
    let class = report.and_then(|report| report.class);
    let enforced = report.is_some_and(BindingReport::enforced);
    let state = match (view.device, class, view.problem) {
        (None, ..) => InterfaceState::Absent,
        (Some(_), Some(_), None) if enforced => InterfaceState::InForce,
        (Some(_), None, _) if enforced => InterfaceState::Closed,
        _ => InterfaceState::Troubled,
    };
    let device = report.map(|report| &report.device).filter(|device| !device.name.is_empty()).or(view.device);
    InterfaceStatus {
        network_interface_id: view.interface.to_string(),
        device: device.map(|device| device.name.to_string()),
        ifindex: device.map(|device| device.ifindex),
        wanted_device: match &view.wanted.device {
            model_node::Device::Named(name) => name.to_string(),
            model_node::Device::Aliased => "alias".to_owned(),
        },
        security_groups: view.wanted.groups.iter().map(ToString::to_string).collect(),
        class: class.map(|class| class.0),
        state,
        problem: view.problem.map(ToString::to_string),
        flows: report.map_or(0, |report| report.flows),
        dropped_packets: dropped.map(by_reason).unwrap_or_default(),
    }
}
