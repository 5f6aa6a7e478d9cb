//! A kernel in memory that outlives agents.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use agent::FoundDevice;
use dataplane::{
    Binding, BindingReport, ClassId, ClassReport, Dataplane, DataplaneError, Device, Drops, Event, Flow,
    Generation, Interface, RuleCount, SimulatedDataplane, Stamp,
};
use parking_lot::Mutex;
use policy::Plan;

/// A kernel that outlives those who open it.
#[derive(Clone, Default)]
pub(crate) struct Kernel(pub(crate) Arc<Mutex<SimulatedDataplane>>, Arc<AtomicU64>);

impl Kernel {
    pub(crate) fn add_device(&self, name: &str) -> FoundDevice {
        FoundDevice { device: self.0.lock().add_device(name), alias: "".into() }
    }

    /// How long it takes to list flows from now on.
    pub(crate) fn list_flows_in(&self, time: Duration) {
        self.1.store(u64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
    }

    /// How many interfaces are open, and the newest generation of a class.
    pub(crate) fn open(&self) -> (usize, u64) {
        let kernel = self.0.lock();
        let open = kernel.bindings().unwrap().iter().filter(|of| of.class.is_some()).count();
        let generations = kernel.classes().unwrap().into_iter().filter_map(|of| Some(of.plan?.generation.0));
        (open, generations.max().unwrap_or(0))
    }
}

macro_rules! delegated {
    ($($name:ident(&$($mutable:ident)?; $($argument:ident: $kind:ty),*) -> $output:ty;)*) => {$(
        fn $name(& $($mutable)? self, $($argument: $kind),*) -> Result<$output, DataplaneError> {
            self.0.lock().$name($($argument),*)
        }
    )*};
}

impl Dataplane for Kernel {
    delegated! {
        guard(&mut; device: &Device) -> ();
        release(&mut; device: &Device) -> ();
        bind(&mut; device: &Device, interface: &Interface) -> Binding;
        configure(&mut; binding: Binding, interface: &Interface) -> ();
        unbind(&mut; binding: Binding) -> ();
        bindings(&;) -> Vec<BindingReport>;
        create_class(&mut; label: u128) -> ClassId;
        switch(&mut; class: ClassId, generation: Generation, plan: &Plan) -> Stamp;
        remove_class(&mut; class: ClassId) -> ();
        classes(&;) -> Vec<ClassReport>;
        assign(&mut; binding: Binding, class: Option<ClassId>) -> ();
        read_back(&; binding: Binding) -> BindingReport;
        read_back_class(&; class: ClassId) -> ClassReport;
        drops(&; binding: Option<Binding>) -> Drops;
        rule_counts(&; class: ClassId) -> Vec<RuleCount>;
        events(&mut; most: usize) -> Vec<Event>;
    }

    fn flows(&self, binding: Binding, most: usize) -> Result<Vec<Flow>, DataplaneError> {
        thread::sleep(Duration::from_millis(self.1.load(Ordering::Relaxed)));
        self.0.lock().flows(binding, most)
    }
}
