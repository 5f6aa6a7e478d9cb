//! A kernel in memory that outlives agents.

use std::sync::{Arc, mpsc};

use agent::FoundDevice;
use dataplane::{
    Binding, BindingReport, ClassId, ClassReport, Dataplane, DataplaneError, Device, Drops, Event, Flow,
    FlowReader, Generation, Interface, RuleCount, SimulatedDataplane, Stamp,
};
use parking_lot::Mutex;
use policy::Plan;

/// A kernel that outlives those who open it.
#[derive(Clone, Default)]
pub(crate) struct Kernel(pub(crate) Arc<Mutex<SimulatedDataplane>>, Arc<Mutex<Option<Gate>>>);

/// Where whoever reads a table of flows waits.
#[derive(Clone)]
struct Gate {
    came: mpsc::Sender<()>,
    open: Arc<Mutex<mpsc::Receiver<()>>>,
}

/// Holds up those who read flows.
pub(crate) struct HeldUp {
    /// Told when somebody is held up.
    pub(crate) came: mpsc::Receiver<()>,
    /// Lets one on.
    pub(crate) go_on: mpsc::Sender<()>,
}

impl Kernel {
    pub(crate) fn add_device(&self, name: &str) -> FoundDevice {
        FoundDevice { device: self.0.lock().add_device(name), alias: "".into(), unfit: None }
    }

    /// From now on whoever reads a table of flows is held up before its first flow, until the test lets it on or is over.
    pub(crate) fn hold_up_readers(&self) -> HeldUp {
        let (came, told) = mpsc::channel();
        let (go_on, open) = mpsc::channel();
        *self.1.lock() = Some(Gate { came, open: Arc::new(Mutex::new(open)) });
        HeldUp { came: told, go_on }
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
        flows(&; binding: Binding, most: usize) -> Vec<Flow>;
        drops(&; binding: Option<Binding>) -> Drops;
        rule_counts(&; class: ClassId) -> Vec<RuleCount>;
        events(&mut; most: usize) -> Vec<Event>;
    }

    fn flow_reader(&self, binding: Binding) -> Result<FlowReader, DataplaneError> {
        let mut flows = self.0.lock().flow_reader(binding)?;
        let gate = self.1.lock().clone();
        Ok(FlowReader::new(move |visit| {
            if let Some(gate) = &gate {
                // Whoever holds the other ends is gone when the test is over.
                let _ = gate.came.send(());
                let _ = gate.open.lock().recv();
            }
            flows.each(visit)
        }))
    }
}
