//! The trait: what a kernel does for this program.

use policy::plan::Plan;

use crate::{
    audit::{Drift, Intent},
    error::DataplaneError,
    flow::{Event, Flow, FlowReader},
    interface::{Binding, ClassId, Device, Generation, Interface, Stamp},
    report::{BindingReport, ClassReport, Drops, RuleCount},
};

/// Enforces plans at devices. Calls return when the kernel has done what they say: the next packet meets it.
///
/// Everything here fails closed. A binding is closed in both directions until it has a class, and a class is closed until
/// it has a plan. A call that fails leaves what was in force before, or less.
///
/// What is in force outlives the process; another one that opens the same dataplane finds it with
/// [`bindings`](Self::bindings) and [`classes`](Self::classes).
pub trait Dataplane {
    /// Drops every packet of a device that nobody bound yet, with the reason `unbound`. Does nothing where it is guarded
    /// or bound already, but for what [`BindingReport::enforced`] lacks. A binding of a device that is gone and had the same
    /// index ends.
    ///
    /// # Errors
    /// The device is gone or has another name now; it is not an Ethernet device; programs of others run before this
    /// dataplane's and it cannot move before them; the kernel refuses.
    fn guard(&mut self, device: &Device) -> Result<(), DataplaneError>;

    /// Lets a device that is guarded go: its packets pass as if this dataplane did not exist.
    ///
    /// # Errors
    /// The device is bound; the kernel refuses.
    fn release(&mut self, device: &Device) -> Result<(), DataplaneError>;

    /// Makes a device stand for an interface, closed in both directions until it is given a class. Bindings of devices
    /// that are gone are removed first: a device that is made anew under an old name has none of the old one's rights.
    ///
    /// # Errors
    /// As [`guard`](Self::guard); the device is bound; there is no room for another interface or for
    /// its addresses; an address is one that no interface can have.
    fn bind(&mut self, device: &Device, interface: &Interface) -> Result<Binding, DataplaneError>;

    /// Changes what a bound interface may be: its addresses, MAC, prefixes, flags. A packet sees all of the old
    /// configuration or all of the new one, except prefixes, which are taken away before and given after. Flows stay.
    ///
    /// # Errors
    /// There is no such binding; it stands for another interface; as [`bind`](Self::bind).
    fn configure(&mut self, binding: Binding, interface: &Interface) -> Result<(), DataplaneError>;

    /// Ends a binding. Its flows are nobody's from then on, and are deleted soon. Its device, where it is still there, is
    /// guarded: it stays closed until it is bound anew or [released](Self::release).
    ///
    /// # Errors
    /// There is no such binding; the kernel refuses.
    fn unbind(&mut self, binding: Binding) -> Result<(), DataplaneError>;

    /// Every binding, as the kernel has it, by number.
    ///
    /// # Errors
    /// The kernel refuses.
    fn bindings(&self) -> Result<Vec<BindingReport>, DataplaneError>;

    /// Makes a class, closed until the first switch. `label` is kept with it, for whoever has to find it again.
    ///
    /// # Errors
    /// There is no room for another class.
    fn create_class(&mut self, label: u128) -> Result<ClassId, DataplaneError>;

    /// Puts a plan in force for every interface of a class, with one atomic store. Flows that run are judged again under
    /// it by their next packet. The generation is kept with the plan and read back, and has no further meaning here: one
    /// that is lower than that before is put in force as well.
    ///
    /// # Errors
    /// There is no such class; the plan does not fit into the arena; the kernel refuses.
    fn switch(
        &mut self,
        class: ClassId,
        generation: Generation,
        plan: &Plan,
    ) -> Result<Stamp, DataplaneError>;

    /// Removes a class.
    ///
    /// # Errors
    /// There is no such class; a binding has it.
    fn remove_class(&mut self, class: ClassId) -> Result<(), DataplaneError>;

    /// Every class, as the kernel has it, by number.
    ///
    /// # Errors
    /// The kernel refuses.
    fn classes(&self) -> Result<Vec<ClassReport>, DataplaneError>;

    /// Gives a binding a class, with one atomic store; none closes it.
    ///
    /// # Errors
    /// There is no such binding or class.
    fn assign(&mut self, binding: Binding, class: Option<ClassId>) -> Result<(), DataplaneError>;

    /// What the kernel says about a binding, read with system calls.
    ///
    /// # Errors
    /// There is no such binding; the kernel refuses.
    fn read_back(&self, binding: Binding) -> Result<BindingReport, DataplaneError>;

    /// Whether the kernel says that our programs come first of those at tc, at both hooks of a binding's device, asked with as
    /// few system calls as there are: for whoever has read the binding back before, and has not touched it since. Programs at
    /// XDP are not asked about. Where this says no, [`read_back`](Self::read_back) says why.
    ///
    /// # Errors
    /// There is no such binding; the kernel refuses.
    fn comes_first(&self, binding: Binding) -> Result<bool, DataplaneError> {
        Ok(self.read_back(binding)?.enforced())
    }

    /// What the kernel says about a class: its word, and the plan that the word points to, whose digest is computed from
    /// the words that are there. Read with system calls.
    ///
    /// # Errors
    /// There is no such class; the kernel refuses.
    fn read_back_class(&self, class: ClassId) -> Result<ClassReport, DataplaneError>;

    /// Flows of a binding, `most` of them, in no order.
    ///
    /// # Errors
    /// There is no such binding; the kernel refuses.
    fn flows(&self, binding: Binding, most: usize) -> Result<Vec<Flow>, DataplaneError>;

    /// What reads all flows of a binding beside this dataplane, however many there are in its table.
    ///
    /// # Errors
    /// There is no such binding; the kernel refuses.
    fn flow_reader(&self, binding: Binding) -> Result<FlowReader, DataplaneError>;

    /// How many flows a binding has, alive or dead.
    ///
    /// # Errors
    /// There is no such binding; the kernel refuses.
    fn flow_count(&self, binding: Binding) -> Result<u64, DataplaneError> {
        self.read_back(binding).map(|report| report.flows)
    }

    /// Packets of a binding that were dropped since it was bound; of none, those of devices that nobody bound.
    ///
    /// # Errors
    /// There is no such binding; the kernel refuses.
    fn drops(&self, binding: Option<Binding>) -> Result<Drops, DataplaneError>;

    /// How often each rule of the plan in force has decided. A rule that is the same in the plan before goes on counting
    /// where this process has put that plan in force; otherwise it begins at 0. So counts last as long as a plan does,
    /// whatever happens to the process, and begin anew with the first switch of a class after the dataplane was opened.
    ///
    /// # Errors
    /// There is no such class, or it has no plan; the kernel refuses.
    fn rule_counts(&self, class: ClassId) -> Result<Vec<RuleCount>, DataplaneError>;

    /// Takes `most` events at most, the oldest first. Returns at once where there are none.
    ///
    /// # Errors
    /// The kernel refuses.
    fn events(&mut self, most: usize) -> Result<Vec<Event>, DataplaneError>;

    /// Compares all that the kernel says with what is wanted.
    ///
    /// # Errors
    /// The kernel refuses.
    fn audit(&self, intent: &Intent) -> Result<Vec<Drift>, DataplaneError> {
        Ok(intent.compare(&self.bindings()?, &self.classes()?))
    }
}
