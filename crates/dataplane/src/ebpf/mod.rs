//! The dataplane of Linux: eBPF programs at tc.
//!
//! Everything that has to outlive the process lies in the kernel; what this process keeps beside it is read from there
//! when it opens, so that it may be killed at any instruction.

mod addresses;
mod arena;
mod attach;
mod bindings;
mod classes;
mod clsact;
mod features;
mod host;
mod ledger;
mod mapped;
mod netlink;
mod open;
mod options;
mod readers;
mod reading;
mod sweeper;
mod sys;
mod xdp;

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    path::{Path, PathBuf},
};

use policy::plan::Plan;

pub(crate) use self::addresses::check_addresses;
use self::{
    arena::Arena,
    attach::Attacher,
    bindings::Bound,
    classes::{Class, Retired},
    host::system,
    ledger::Ledger,
    mapped::Words,
    open::{Absent, Maps, Opened},
    readers::{Moment, Readers},
    sweeper::Sweeper,
};
pub use self::{
    options::{Attach, Options, Timeouts},
    reading::Verified,
};
use crate::{
    contract::Dataplane,
    error::DataplaneError,
    flow::{Event, Flow, FlowReader},
    interface::{Binding, ClassId, Device, Generation, Interface, Stamp},
    reason::Reason,
    report::{BindingReport, ClassReport, Drops, RuleCount},
};

/// The dataplane of Linux, for the devices of the network namespace in which it is used.
pub struct EbpfDataplane {
    /// Before the lock: when that is let go nothing is deleted any more.
    sweeper: Sweeper,
    options: Options,
    /// The directory of the name.
    directory: PathBuf,
    /// Held as long as this process has the dataplane open.
    _lock: host::Lock,
    maps: Maps,
    ledger: Ledger,
    attacher: Attacher,
    attach: Attach,
    /// By number.
    bindings: BTreeMap<u32, Bound>,
    /// By number.
    classes: BTreeMap<u32, Class>,
    arena: Arena,
    /// Plans that packets may still read, the oldest first.
    retired: VecDeque<Retired>,
    /// When nobody reads the oldest of them any more, and how many those are; none where that was not asked.
    unread: Option<(Moment, usize)>,
    readers: Readers,
}

/// What a program says about a packet that is only tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trial {
    /// Whether it would pass.
    pub passes: bool,
    /// Why not.
    pub reason: Option<Reason>,
    /// The rule that decided, where the rules were asked.
    pub rule: Option<crate::report::RulePlace>,
    /// How long one run took, in nanoseconds.
    pub duration_ns: u32,
}

impl EbpfDataplane {
    /// Opens a dataplane, or makes it. What was in force goes on being so; programs that are not those of this version
    /// are replaced in place, without a packet lost, and what a killed process left half done is undone.
    ///
    /// # Errors
    /// The process may not load programs; the kernel lacks something; another process has it open; what is pinned does not
    /// fit the settings, is damaged or newer.
    pub fn open(options: Options) -> Result<Self, DataplaneError> {
        let opened = open::open(&options, Absent::Make)?;
        Self::recover(options, opened)
    }

    /// Opens a dataplane that is there, as [`Self::open`] does; for those who only look.
    ///
    /// # Errors
    /// [`DataplaneError::Missing`]: it is not there, and nothing was made. Otherwise as [`Self::open`].
    pub fn open_existing(options: Options) -> Result<Self, DataplaneError> {
        let opened = open::open(&options, Absent::Refuse)?;
        Self::recover(options, opened)
    }

    fn recover(options: Options, opened: Opened) -> Result<Self, DataplaneError> {
        let flows = opened.maps.flows.try_clone().map_err(system("keeping the table of flows"))?;
        let shares = Words::of(&opened.maps.shares.map).map_err(system("mapping shares"))?;
        let mut dataplane = Self {
            sweeper: Sweeper::new(flows, shares).map_err(system("starting a thread"))?,
            options,
            directory: opened.directory,
            _lock: opened.lock,
            maps: opened.maps,
            ledger: opened.ledger,
            attacher: opened.attacher,
            attach: opened.attach,
            bindings: BTreeMap::new(),
            classes: BTreeMap::new(),
            arena: Arena::empty(),
            retired: VecDeque::new(),
            unread: None,
            readers: Readers::new().map_err(system("starting a thread"))?,
        };
        dataplane.recover_classes()?;
        dataplane.recover_bindings()?;
        Ok(dataplane)
    }

    /// How programs are attached.
    pub fn attachment(&self) -> Attach {
        self.attach
    }

    /// Where everything of this dataplane is pinned.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Lets every device go and removes all pins. Nothing is enforced any more. The directory of all dataplanes goes with
    /// the last of them.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn remove(mut self) -> Result<(), DataplaneError> {
        let all: Vec<Binding> = self.bindings.keys().copied().map(Binding).collect();
        self.end_bindings(&all)?;
        self.attacher.detach_all()?;
        fs::remove_dir_all(&self.directory).map_err(system("removing pins"))?;
        // It stays where others are in it.
        self.directory.parent().into_iter().for_each(|of_all| drop(fs::remove_dir(of_all)));
        Ok(())
    }
}

impl Dataplane for EbpfDataplane {
    fn guard(&mut self, device: &Device) -> Result<(), DataplaneError> {
        device.check()?;
        self.unbind_gone_at(device.ifindex)?;
        self.attacher.attach(device.ifindex)
    }

    fn release(&mut self, device: &Device) -> Result<(), DataplaneError> {
        if let Some(binding) = self.binding_at(device.ifindex) {
            return Err(DataplaneError::Bound { name: device.name.to_string(), binding });
        }
        self.attacher.detach(device.ifindex)
    }

    fn bind(&mut self, device: &Device, interface: &Interface) -> Result<Binding, DataplaneError> {
        self.bind_device(device, interface)
    }

    fn configure(&mut self, binding: Binding, interface: &Interface) -> Result<(), DataplaneError> {
        self.configure_binding(binding, interface)
    }

    fn unbind(&mut self, binding: Binding) -> Result<(), DataplaneError> {
        self.end_bindings(&[binding])
    }

    fn bindings(&self) -> Result<Vec<BindingReport>, DataplaneError> {
        self.report_bindings()
    }

    fn create_class(&mut self, label: u128) -> Result<ClassId, DataplaneError> {
        self.make_class(label)
    }

    fn switch(
        &mut self,
        class: ClassId,
        generation: Generation,
        plan: &Plan,
    ) -> Result<Stamp, DataplaneError> {
        self.switch_class(class, generation, plan)
    }

    fn remove_class(&mut self, class: ClassId) -> Result<(), DataplaneError> {
        self.unmake_class(class)
    }

    fn classes(&self) -> Result<Vec<ClassReport>, DataplaneError> {
        self.classes.keys().map(|class| self.read_back_class(ClassId(*class))).collect()
    }

    fn assign(&mut self, binding: Binding, class: Option<ClassId>) -> Result<(), DataplaneError> {
        self.assign_class(binding, class)
    }

    fn read_back(&self, binding: Binding) -> Result<BindingReport, DataplaneError> {
        self.report_binding(binding, &xdp::Attached::default())
    }

    fn comes_first(&self, binding: Binding) -> Result<bool, DataplaneError> {
        match self.attacher.come_first(self.bound(binding)?.ifindex) {
            Some(first) => Ok(first),
            None => Ok(self.read_back(binding)?.enforced()),
        }
    }

    fn read_back_class(&self, class: ClassId) -> Result<ClassReport, DataplaneError> {
        self.report_class(class)
    }

    fn flows(&self, binding: Binding, most: usize) -> Result<Vec<Flow>, DataplaneError> {
        self.list_flows(binding, most)
    }

    fn flow_reader(&self, binding: Binding) -> Result<FlowReader, DataplaneError> {
        self.read_flows(binding)
    }

    fn flow_count(&self, binding: Binding) -> Result<u64, DataplaneError> {
        let slot = self.bound(binding)?.slot;
        Ok(self.share(slot).load(std::sync::atomic::Ordering::SeqCst))
    }

    fn drops(&self, binding: Option<Binding>) -> Result<Drops, DataplaneError> {
        self.count_drops(binding)
    }

    fn rule_counts(&self, class: ClassId) -> Result<Vec<RuleCount>, DataplaneError> {
        self.count_rules(class)
    }

    fn events(&mut self, most: usize) -> Result<Vec<Event>, DataplaneError> {
        Ok(self.take_events(most))
    }
}

#[cfg(test)]
mod tests {
    use super::EbpfDataplane;

    #[test]
    fn a_dataplane_may_move_to_another_thread() {
        fn moves<T: Send + 'static>() {}
        moves::<EbpfDataplane>();
    }
}
