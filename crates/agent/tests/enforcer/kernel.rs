//! A kernel of the test's own: it outlives the enforcers that open it, refuses and lies when it is told to.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use dataplane::{
    Attachment, Binding, BindingReport, ClassId, ClassReport, Dataplane, DataplaneError, Device, Drops,
    Event, Flow, FlowReader, Generation, Interface, RuleCount, SimulatedDataplane, Stamp,
};
use policy::Plan;

/// A kernel that outlives those who open it, and that refuses when it is told to.
#[derive(Clone, Default)]
pub struct Kernel {
    pub kernel: Rc<RefCell<SimulatedDataplane>>,
    /// How many calls succeed before one fails; none: all of them.
    pub fails_after: Rc<Cell<Option<u32>>>,
    /// The calls that fail whenever they are made, with a blank between them; to close an interface never does.
    pub refuses: Rc<Cell<&'static str>>,
    /// The devices that were let go, and not closed again.
    pub let_go: Rc<RefCell<Vec<String>>>,
    pub switches: Rc<Cell<u32>>,
    /// What it says wrongly when it is read back.
    pub lies: Rc<Cell<&'static str>>,
}

impl Kernel {
    fn refuse(&self, call: &str) -> Result<(), DataplaneError> {
        if self.refuses.get().split(' ').any(|refused| refused == call) {
            return Err(DataplaneError::NotPermitted);
        }
        match self.fails_after.get() {
            Some(0) => {
                self.fails_after.set(None);
                Err(DataplaneError::NotPermitted)
            }
            left => {
                self.fails_after.set(left.map(|left| left - 1));
                Ok(())
            }
        }
    }
}

macro_rules! changing {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $output:ty;)*) => {$(
        fn $name(&mut self, $($argument: $kind),*) -> Result<$output, DataplaneError> {
            self.refuse(stringify!($name))?;
            self.kernel.borrow_mut().$name($($argument),*)
        }
    )*};
}

macro_rules! reading {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $output:ty;)*) => {$(
        fn $name(&self, $($argument: $kind),*) -> Result<$output, DataplaneError> {
            self.kernel.borrow().$name($($argument),*)
        }
    )*};
}

impl Dataplane for Kernel {
    changing! {
        bind(device: &Device, interface: &Interface) -> Binding;
        configure(binding: Binding, interface: &Interface) -> ();
        unbind(binding: Binding) -> ();
        create_class(label: u128) -> ClassId;
        remove_class(class: ClassId) -> ();
        events(most: usize) -> Vec<Event>;
    }

    fn guard(&mut self, device: &Device) -> Result<(), DataplaneError> {
        self.refuse("guard")?;
        if self.lies.get() == "programs are missing" {
            self.lies.set("");
        }
        self.let_go.borrow_mut().retain(|name| **name != *device.name);
        self.kernel.borrow_mut().guard(device)
    }

    fn release(&mut self, device: &Device) -> Result<(), DataplaneError> {
        self.refuse("release")?;
        self.let_go.borrow_mut().push(device.name.to_string());
        self.kernel.borrow_mut().release(device)
    }

    fn assign(&mut self, binding: Binding, class: Option<ClassId>) -> Result<(), DataplaneError> {
        self.refuse(if class.is_some() { "assign" } else { "close" })?;
        self.kernel.borrow_mut().assign(binding, class)
    }

    fn switch(
        &mut self,
        class: ClassId,
        generation: Generation,
        plan: &Plan,
    ) -> Result<Stamp, DataplaneError> {
        self.refuse("switch")?;
        self.switches.set(self.switches.get() + 1);
        self.kernel.borrow_mut().switch(class, generation, plan)
    }

    fn read_back(&self, binding: Binding) -> Result<BindingReport, DataplaneError> {
        let mut report = self.kernel.borrow().read_back(binding)?;
        match self.lies.get() {
            "class of a binding" => report.class = None,
            "another program is first" | "programs are missing" => report.to_instance = Attachment::NotFirst,
            _ => {}
        }
        Ok(report)
    }

    fn read_back_class(&self, class: ClassId) -> Result<ClassReport, DataplaneError> {
        let mut report = self.kernel.borrow().read_back_class(class)?;
        match (self.lies.get(), &mut report.plan) {
            ("plan of a class", Some(plan)) => plan.digest ^= 1,
            ("damaged plan", Some(plan)) => plan.intact = false,
            _ => {}
        }
        Ok(report)
    }

    reading! {
        bindings() -> Vec<BindingReport>;
        classes() -> Vec<ClassReport>;
        flows(binding: Binding, most: usize) -> Vec<Flow>;
        flow_reader(binding: Binding) -> FlowReader;
        drops(binding: Option<Binding>) -> Drops;
        rule_counts(class: ClassId) -> Vec<RuleCount>;
    }
}
