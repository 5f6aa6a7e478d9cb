//! What is asked of interfaces, flows and devices.

use std::{collections::BTreeMap, time::Duration};

use dataplane::{Binding, BindingReport, Dataplane, DataplaneError, Drops, Flow};
use model::{NetworkInterfaceId, node as model_node};
use protocol::node::{self, answer::Answer};

use super::{Worker, sample::direction};
use crate::{
    enforcer::{InterfaceView, chain},
    runtime::{measure::Measures, order::Sight},
    status::{DeviceStatus, InterfaceState, InterfaceStatus},
};

impl<D: Dataplane> Worker<D> {
    /// What was dropped, by binding, and where nobody bound.
    pub(super) fn count_drops(&mut self) -> BTreeMap<Option<Binding>, Drops> {
        let bindings: Vec<_> = self.enforcer.bindings().map(|(_, binding)| Some(binding)).collect();
        let dataplane = self.enforcer.dataplane();
        let of = bindings.into_iter().chain([None]);
        of.filter_map(|binding| Some((binding, dataplane.drops(binding).ok()?))).collect()
    }

    /// What the kernel counts.
    pub(super) fn measure(&mut self) -> Measures {
        let drops = self.count_drops();
        self.sum.add(drops);
        let bindings: Vec<_> = self.enforcer.bindings().map(|(_, binding)| binding).collect();
        let dataplane = self.enforcer.dataplane();
        let flows = bindings.into_iter().filter_map(|binding| dataplane.flow_count(binding).ok()).sum();
        Measures { flows, dropped: self.sum.sum().clone() }
    }

    pub(super) fn flows(&mut self, interface: NetworkInterfaceId, most: usize) -> Answer {
        let listed = self.bound(interface).and_then(|binding| {
            let dataplane = self.enforcer.dataplane();
            let listed = dataplane.flows(binding, most).and_then(|flows| {
                let all = dataplane.flow_count(binding)?;
                Ok((flows, all))
            });
            listed.map_err(|error| chain(&error))
        });
        match listed {
            Ok((flows, all)) => Answer::Flows(node::Flows {
                left_out: all.saturating_sub(flows.len() as u64),
                flows: flows.iter().map(|flow| self.flow(interface, flow)).collect(),
            }),
            Err(why) => Answer::Failed(why),
        }
    }

    fn flow(&mut self, interface: NetworkInterfaceId, flow: &Flow) -> node::Flow {
        let place = (flow.begun, flow.rule);
        let rule = self.rules.find(&self.enforcer, interface, Some(flow.stamp), place);
        let milliseconds = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        node::Flow {
            direction: direction(flow.begun),
            protocol: flow.tuple.protocol.into(),
            local_address: flow.tuple.local.to_string(),
            remote_address: flow.tuple.remote.to_string(),
            local_port: flow.tuple.local_port.into(),
            remote_port: flow.tuple.remote_port.into(),
            alive: flow.alive,
            security_group_id: rule.map(|(group, _)| group.to_string()).unwrap_or_default(),
            rule: rule.map_or(0, |(_, place)| u32::try_from(place).unwrap_or(u32::MAX)),
            age_ms: milliseconds(flow.age),
            idle_ms: milliseconds(flow.idle),
            packets_in: flow.packets_remote,
            bytes_in: flow.bytes_remote,
            packets_out: flow.packets_local,
            bytes_out: flow.bytes_local,
            state: flow.state.name().to_owned(),
        }
    }

    pub(super) fn counters(&mut self, interface: NetworkInterfaceId) -> Answer {
        let counted = self.bound(interface).and_then(|binding| {
            let dataplane = self.enforcer.dataplane();
            let counted = (|| {
                let drops = dataplane.drops(Some(binding))?;
                Ok::<_, DataplaneError>((drops, dataplane.flows(binding, usize::MAX)?))
            })();
            counted.map_err(|error| chain(&error))
        });
        let (drops, flows) = match counted {
            Ok(counted) => counted,
            Err(why) => return Answer::Failed(why),
        };
        let sum = |of: fn(&Flow) -> u64| flows.iter().map(of).fold(0, u64::saturating_add);
        Answer::Counters(node::Counters {
            dropped_packets: by_reason(&drops).into_iter().collect(),
            flow_count: flows.len() as u64,
            packets_in: sum(|flow| flow.packets_remote),
            packets_out: sum(|flow| flow.packets_local),
            bytes_in: sum(|flow| flow.bytes_remote),
            bytes_out: sum(|flow| flow.bytes_local),
        })
    }

    /// How interfaces and devices stand, read from the kernel.
    pub(super) fn look(&mut self) -> Sight {
        let measures = self.measure();
        let reports = self.enforcer.dataplane().bindings().unwrap_or_default();
        let reports: BTreeMap<Binding, BindingReport> =
            reports.into_iter().map(|report| (report.binding, report)).collect();
        let drops = self.count_drops();
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

    pub(super) fn release(&mut self, device: &str) -> Result<(), String> {
        self.enforcer.release(device).map_err(|error| chain(&error))?;
        tracing::warn!(device, "a device is open now: an operator has released it");
        Ok(())
    }
}

fn by_reason(drops: &Drops) -> BTreeMap<String, u64> {
    drops.iter().map(|(reason, count)| (reason.name().to_owned(), count)).collect()
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
