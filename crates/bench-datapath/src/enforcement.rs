//! A dataplane of this process, of which nothing is left when it ends.

use std::{fs, io, net::IpAddr, process, thread, time::Duration};

use anyhow::{Context as _, ensure};
use dataplane::{Binding, ClassId, Dataplane as _, Device, EbpfDataplane, Generation, Interface, Options};
use model::{NetworkInterfaceId, address::Mac};
use policy::plan::Plan;

/// A dataplane. Its devices are those of the network namespace of the thread that uses it.
pub struct Enforcement {
    dataplane: EbpfDataplane,
    generation: u64,
}

impl Enforcement {
    /// Opens one with this name, beside others of this process.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn open(name: &str) -> anyhow::Result<Self> {
        let options = Options::new(format!("bench-{}-{name}", process::id()));
        Ok(Self { dataplane: EbpfDataplane::open(options)?, generation: 0 })
    }

    /// What it is.
    pub fn dataplane(&mut self) -> &mut EbpfDataplane {
        &mut self.dataplane
    }

    /// Makes a class, and puts a plan in force for it.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn class(&mut self, plan: &Plan) -> anyhow::Result<ClassId> {
        let class = self.dataplane.create_class(0)?;
        self.switch(class, plan)?;
        Ok(class)
    }

    /// Puts another plan in force.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn switch(&mut self, class: ClassId, plan: &Plan) -> anyhow::Result<()> {
        self.generation += 1;
        self.dataplane.switch(class, Generation(self.generation), plan)?;
        Ok(())
    }

    /// Binds a device, and gives it a class. It is enforced when this returns.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn bind(
        &mut self,
        device: &str,
        mac: Mac,
        address: IpAddr,
        flows_max: u32,
        class: ClassId,
    ) -> anyhow::Result<Binding> {
        let device = Device::named(device)?;
        let id = NetworkInterfaceId::from_entropy(u128::from(device.ifindex));
        let mut interface = Interface::new(id, mac, [address]);
        interface.flows_max = flows_max;
        let binding = self.dataplane.bind(&device, &interface)?;
        self.dataplane.assign(binding, Some(class))?;
        let report = self.dataplane.read_back(binding)?;
        ensure!(report.enforced(), "{} is bound, but packets do not meet the programs", device.name);
        Ok(binding)
    }
}

impl Drop for Enforcement {
    fn drop(&mut self) {
        let directory = self.dataplane.directory();
        // Another process may have looked at it just now: removing is tried again.
        for _ in 0..10 {
            match fs::remove_dir_all(directory) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    thread::sleep(Duration::from_millis(10));
                }
                _ => return,
            }
        }
        eprintln!("what is pinned below {} could not be removed: remove it", directory.display());
    }
}

/// What happened must be what was meant to: packets met the class, and none was refused.
///
/// # Errors
/// They did not, or one was; the kernel refuses.
pub fn check(dataplane: &EbpfDataplane, binding: Binding, class: ClassId) -> anyhow::Result<()> {
    let refused = dataplane.drops(Some(binding))?;
    ensure!(refused.total() == 0, "packets were dropped: {:?}", refused.iter().collect::<Vec<_>>());
    let asked: u64 = dataplane.rule_counts(class)?.iter().map(|rule| rule.count).sum();
    ensure!(asked > 0, "no rule of class {class} was ever asked");
    dataplane.read_back(binding).context("reading back")?;
    Ok(())
}
