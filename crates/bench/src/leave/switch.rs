//! The floor under a switch: a plan put in force for one device, and read back.

use std::{net::IpAddr, os::fd::AsFd as _, sync::Arc, time::Instant};

use anyhow::ensure;
use dataplane::{Binding, ClassId, Dataplane as _, Device, EbpfDataplane, Generation, Interface, Options};
use host::{Netlink, netlink::Pair};
use model::{NetworkInterfaceId, SecurityGroupId, address::Mac, rule::Rule};
use policy::{Group, Plan, PolicyClass};

use super::{namespace::Namespace, rules::rules};
use crate::statistics::Measured;

const DEVICE: &str = "floor";
const MAC: Mac = Mac([2, 0x7f, 2, 0, 0, 1]);

/// A dataplane with one device, in a namespace of its own.
pub struct Switches {
    namespace: Namespace,
    dataplane: EbpfDataplane,
    class: ClassId,
    binding: Binding,
    plan: Plan,
    generation: u64,
}

impl Switches {
    /// Makes one, with a class of so many rules.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn open(rule_count: usize) -> anyhow::Result<Self> {
        let namespace = Namespace::new()?;
        let plan = Plan::compile(&class(rule_count)?);
        let (dataplane, class, binding) = namespace.within(|| {
            let netlink = Netlink::open()?;
            netlink.add_pair(&Pair {
                name: DEVICE,
                mac: Mac([2, 0x7f, 2, 0, 0, 2]),
                group: 0,
                peer_name: "peer",
                peer_mac: MAC,
                peer_namespace: namespace.as_fd(),
            })?;
            let mut dataplane = EbpfDataplane::open(Options::new("bench-floor"))?;
            let class = dataplane.create_class(0)?;
            let address: IpAddr = [10, 254, 0, 1].into();
            let interface = Interface::new(NetworkInterfaceId::from_entropy(1), MAC, [address]);
            let binding = dataplane.bind(&Device::named(DEVICE)?, &interface)?;
            dataplane.assign(binding, Some(class))?;
            Ok((dataplane, class, binding))
        })?;
        Ok(Self { namespace, dataplane, class, binding, plan, generation: 0 })
    }

    /// Puts the plan in force and reads it back, so many times.
    ///
    /// # Errors
    /// The kernel refuses; what is read is not what was put in force.
    pub fn measure(&mut self, times: usize) -> anyhow::Result<Measured> {
        let Self { namespace, dataplane, class, binding, plan, generation } = self;
        namespace.within(|| {
            let (mut latencies, started) = (Vec::new(), Instant::now());
            for _ in 0..times {
                *generation += 1;
                let begun = Instant::now();
                dataplane.switch(*class, Generation(*generation), plan)?;
                let intact = dataplane.read_back_class(*class)?.plan.is_some_and(|plan| plan.intact);
                let enforced = dataplane.read_back(*binding)?.enforced();
                latencies.push(begun.elapsed());
                ensure!(intact && enforced, "what was read back is not what was put in force");
            }
            Ok(Measured::of(latencies, started.elapsed()))
        })
    }
}

/// The class of a group of so many rules.
fn class(rule_count: usize) -> anyhow::Result<PolicyClass> {
    let rules = rules(rule_count).iter().map(|rule| rule.parsed()).collect::<anyhow::Result<Vec<Rule>>>()?;
    let group = Group { id: SecurityGroupId::from_entropy(1), rules: Arc::from(rules) };
    Ok(PolicyClass::new([group])?)
}

#[cfg(test)]
mod tests {
    use nix::unistd::Uid;

    use super::*;
    use crate::leave::namespace::mount_own;

    #[test]
    fn what_is_switched_is_read_back() {
        if !Uid::effective().is_root() {
            println!("skipped: only root can load programs");
            return;
        }
        // What is pinned ends with the thread.
        let measured = Namespace::new().unwrap().within(|| {
            mount_own(&[("bpf", "/sys/fs/bpf")])?;
            Switches::open(10)?.measure(5)
        });
        assert_eq!(measured.unwrap().calls, 5);
    }
}
