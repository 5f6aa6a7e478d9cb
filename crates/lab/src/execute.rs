//! Steps, carried out. The order inside of each is closed first: a device is switched on when it is bound and closed,
//! and gets its class when it is wired.

use host::{Link, Netlink, in_namespace, namespace, wire::prepare_instance};
use std::{collections::BTreeMap, thread, time::Duration};

use dataplane::{Binding, ClassId, Dataplane, DataplaneError, Device, Generation};
use policy::intent::ClassKey;

use crate::{
    desired::{Desired, DesiredInterface},
    error::LabError,
    name,
    observed::{Observed, inner_devices},
    step::Step,
};

/// How long a device may take to carry packets.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait between two looks.
const PAUSE: Duration = Duration::from_millis(2);

/// A lab while it is changed. The calling thread is in the host's namespace.
pub struct Execution<'a, D> {
    desired: &'a Desired,
    dataplane: &'a mut D,
    netlink: Netlink,
    generation: Generation,
    /// The classes that are there, by label.
    classes: BTreeMap<u128, ClassId>,
}

impl<'a, D: Dataplane> Execution<'a, D> {
    /// Begins a change.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn begin(
        desired: &'a Desired,
        observed: &Observed,
        dataplane: &'a mut D,
        generation: u64,
    ) -> Result<Self, LabError> {
        let classes = observed.classes.iter().map(|class| (class.label, class.class)).collect();
        let generation = Generation(generation);
        Ok(Self { desired, dataplane, netlink: Netlink::open()?, generation, classes })
    }

    /// Carries out a step.
    ///
    /// # Errors
    /// [`LabError::Step`].
    pub fn run(&mut self, step: &Step) -> Result<(), LabError> {
        self.run_plain(step)
            .map_err(|error| LabError::Step { step: step.to_string(), source: Box::new(error) })
    }

    fn run_plain(&mut self, step: &Step) -> Result<(), LabError> {
        match step {
            // Made before a dataplane can be opened, and removed after it.
            Step::MakeHost { .. } | Step::RemoveHost { .. } | Step::RemoveDataplane => Ok(()),
            Step::RemoveInterface { index, .. } => self.remove_interface(*index),
            Step::Unbind { binding } => self.unbind(*binding),
            Step::SwitchClass { key, class, .. } => self.switch(key, *class),
            Step::MakeClass { key, .. } => self.make_class(key),
            Step::Bind { interface, instead_of, .. } => self.bind_again(*interface, *instead_of),
            Step::Configure { interface, binding, .. } => {
                let desired = self.desired;
                Ok(self.dataplane.configure(*binding, &desired.interfaces[*interface].bindable)?)
            }
            Step::Assign { binding, key, .. } => self.assign(*binding, key),
            Step::MakeInstance { instance } => {
                let name = name::instance_namespace(&self.desired.lab, instance);
                namespace::create(&name, || prepare_instance().map_err(LabError::from))
            }
            Step::MakeBridge { bridge } => self.make_bridge(bridge),
            Step::MakeInterface { interface, .. } => self.make_interface(*interface),
            Step::RemoveClass { class } => Ok(self.dataplane.remove_class(*class)?),
            Step::RemoveInstance { instance } => {
                Ok(namespace::remove(&name::instance_namespace(&self.desired.lab, instance))?)
            }
            Step::RemoveBridge { index, .. } => Ok(self.netlink.remove_link(*index)?),
        }
    }

    /// The device goes first: a binding that ended while it is there would leave it guarded.
    fn remove_interface(&mut self, index: u32) -> Result<(), LabError> {
        self.netlink.remove_link(index)?;
        let bindings = self.dataplane.bindings()?;
        let of_device = bindings.iter().filter(|found| found.device.ifindex == index);
        for found in of_device {
            self.unbind(found.binding)?;
        }
        Ok(())
    }

    /// A dataplane may have noticed by itself that a device is gone, which then is no binding any more.
    fn unbind(&mut self, binding: Binding) -> Result<(), LabError> {
        match self.dataplane.unbind(binding) {
            Ok(()) | Err(DataplaneError::UnknownBinding(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn switch(&mut self, key: &ClassKey, class: ClassId) -> Result<(), LabError> {
        let desired = self.desired;
        if let Some(wanted) = desired.class(key) {
            self.dataplane.switch(class, self.generation, &wanted.plan)?;
        }
        Ok(())
    }

    fn make_class(&mut self, key: &ClassKey) -> Result<(), LabError> {
        let class = self.dataplane.create_class(key.label())?;
        self.classes.insert(key.label(), class);
        self.switch(key, class)
    }

    fn assign(&mut self, binding: Binding, key: &ClassKey) -> Result<(), LabError> {
        let class = self.classes.get(&key.label()).copied();
        Ok(self.dataplane.assign(binding, class)?)
    }

    fn bind_again(&mut self, interface: usize, instead_of: Option<Binding>) -> Result<(), LabError> {
        let wanted = &self.desired.interfaces[interface];
        if let Some(binding) = instead_of {
            self.unbind(binding)?;
        }
        let link = self.netlink.link(&wanted.wire.device)?;
        let binding = self.bind(wanted, &link)?;
        self.assign(binding, &wanted.class)
    }

    fn bind(&mut self, wanted: &DesiredInterface, link: &Link) -> Result<Binding, LabError> {
        let device = Device { ifindex: link.index, name: link.name.as_str().into() };
        Ok(self.dataplane.bind(&device, &wanted.bindable)?)
    }

    fn make_bridge(&mut self, bridge: &str) -> Result<(), LabError> {
        if let Some(link) = self.netlink.links()?.into_iter().find(|link| link.name == bridge) {
            return Ok(self.netlink.set_up(link.index)?);
        }
        self.netlink.add_bridge(bridge, name::bridge_mac(bridge), crate::desired::DEVICE_GROUP)?;
        Ok(self.netlink.set_up(self.netlink.link(bridge)?.index)?)
    }

    fn make_interface(&mut self, interface: usize) -> Result<(), LabError> {
        let wanted = &self.desired.interfaces[interface];
        let link = wanted.wire.make(&self.netlink)?;
        let binding = self.bind(wanted, &link)?;
        wanted.wire.connect(&self.netlink, &link)?;
        self.assign(binding, &wanted.class)?;
        Ok(self.netlink.set_alias(link.index, &wanted.alias)?)
    }

    /// Waits until every device carries packets.
    ///
    /// # Errors
    /// [`LabError::NotReady`].
    pub fn wait_until_ready(&self) -> Result<(), LabError> {
        let mut left = PATIENCE.as_millis() / PAUSE.as_millis();
        while let Some((namespace, device)) = self.not_ready()? {
            if left == 0 {
                return Err(LabError::NotReady { device, namespace });
            }
            left -= 1;
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// A device that does not carry packets yet, and its namespace.
    fn not_ready(&self) -> Result<Option<(String, String)>, LabError> {
        let links = self.netlink.links()?;
        let ready = |name: &str| links.iter().any(|link| link.name == name && link.ready);
        if let Some(waiting) = self.desired.interfaces.iter().find(|wanted| !ready(&wanted.wire.device)) {
            return Ok(Some((name::host_namespace(&self.desired.lab), waiting.wire.device.clone())));
        }
        for of in self.desired.interfaces.chunk_by(|one, other| one.instance == other.instance) {
            let namespace = &of[0].wire.namespace;
            let devices = in_namespace(namespace, inner_devices)??;
            let ready = |name: &str| devices.iter().any(|device| device.name == name && device.ready);
            if let Some(waiting) = of.iter().find(|wanted| !ready(&wanted.wire.inner_device)) {
                return Ok(Some((namespace.clone(), waiting.wire.inner_device.clone())));
            }
        }
        Ok(None)
    }
}
