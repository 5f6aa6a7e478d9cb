//! A dataplane that remembers when it changed something last.

use std::time::Instant;

use dataplane::{
    Binding, BindingReport, ClassId, ClassReport, Dataplane, DataplaneError, Device, Drops, Event, Flow,
    FlowReader, Generation, Interface, RuleCount, Stamp,
};
use policy::Plan;

/// A dataplane, and when it changed something last that packets meet.
pub(crate) struct Timed<D> {
    dataplane: D,
    changed: Option<Instant>,
}

impl<D> Timed<D> {
    pub(crate) fn new(dataplane: D) -> Self {
        Self { dataplane, changed: None }
    }

    /// When something changed last since this was asked.
    pub(crate) fn take_changed(&mut self) -> Option<Instant> {
        self.changed.take()
    }
}

macro_rules! changing {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $output:ty;)*) => {$(
        fn $name(&mut self, $($argument: $kind),*) -> Result<$output, DataplaneError> {
            let result = self.dataplane.$name($($argument),*);
            self.changed = Some(Instant::now());
            result
        }
    )*};
}

macro_rules! looking {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $output:ty;)*) => {$(
        fn $name(&self, $($argument: $kind),*) -> Result<$output, DataplaneError> {
            self.dataplane.$name($($argument),*)
        }
    )*};
}

impl<D: Dataplane> Dataplane for Timed<D> {
    changing! {
        guard(device: &Device) -> ();
        bind(device: &Device, interface: &Interface) -> Binding;
        configure(binding: Binding, interface: &Interface) -> ();
        unbind(binding: Binding) -> ();
        switch(class: ClassId, generation: Generation, plan: &Plan) -> Stamp;
        assign(binding: Binding, class: Option<ClassId>) -> ();
    }

    fn release(&mut self, device: &Device) -> Result<(), DataplaneError> {
        self.dataplane.release(device)
    }

    fn create_class(&mut self, label: u128) -> Result<ClassId, DataplaneError> {
        self.dataplane.create_class(label)
    }

    fn remove_class(&mut self, class: ClassId) -> Result<(), DataplaneError> {
        self.dataplane.remove_class(class)
    }

    fn events(&mut self, most: usize) -> Result<Vec<Event>, DataplaneError> {
        self.dataplane.events(most)
    }

    looking! {
        bindings() -> Vec<BindingReport>;
        classes() -> Vec<ClassReport>;
        read_back(binding: Binding) -> BindingReport;
        comes_first(binding: Binding) -> bool;
        read_back_class(class: ClassId) -> ClassReport;
        flows(binding: Binding, most: usize) -> Vec<Flow>;
        flow_reader(binding: Binding) -> FlowReader;
        flow_count(binding: Binding) -> u64;
        drops(binding: Option<Binding>) -> Drops;
        rule_counts(class: ClassId) -> Vec<RuleCount>;
    }
}
