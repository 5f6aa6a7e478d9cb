//! Programs at devices: those of a dataplane, and others.

use aya::{Ebpf, EbpfLoader, programs::SchedClassifier};
use dataplane::{Attachment, Binding, Dataplane, Device, Generation, Options, Reason};
use model::rule::Direction;
use policy::{PolicyClass, plan::Plan};

use super::{Host, address, frame};

/// A copy of the programs that is none of a dataplane's: it knows no device and drops everything.
pub fn other_programs() -> Ebpf {
    let mut loader = EbpfLoader::new();
    for map in ["flows", "devices", "allowed"] {
        loader.map_max_entries(map, 64);
    }
    loader.load(aya::include_bytes_aligned!("../../bpf/ravelin.bpf.o")).unwrap()
}

pub fn classifier<'a>(object: &'a mut Ebpf, name: &str) -> &'a mut SchedClassifier {
    let program: &mut SchedClassifier = object.program_mut(name).unwrap().try_into().unwrap();
    program.load().unwrap();
    program
}

/// A bound interface with a class of no groups: what it begins passes.
pub fn bound(host: &mut Host) -> (Device, Binding) {
    let device = super::veth("v0");
    let binding = host.bind(&device, &super::interface(1)).unwrap();
    let class = host.create_class(0).unwrap();
    host.switch(class, Generation(1), &Plan::compile(&PolicyClass::default())).unwrap();
    host.assign(binding, Some(class)).unwrap();
    (device, binding)
}

/// A dataplane in a network namespace of this thread's own, with the interface of [`bound`].
pub fn bound_host(options: Options) -> (Host, Device, Binding) {
    super::enter_namespace();
    let mut host = Host::new(options);
    let (device, binding) = bound(&mut host);
    (host, device, binding)
}

pub fn send(host: &Host, device: &Device, direction: Direction) -> Option<Reason> {
    let [own, peer] = ["10.0.0.1", "10.0.0.2"].map(address);
    let bytes = match direction {
        Direction::Egress => frame::frame(direction, own, peer, frame::UDP, &frame::udp(1, 2, b"x")),
        Direction::Ingress => frame::frame(direction, peer, own, frame::UDP, &frame::udp(2, 1, b"x")),
    };
    host.try_packet(device.ifindex, direction, &bytes).unwrap().reason
}

/// The filters at a device's ingress, as `tc` lists them.
pub fn filters(device: &str) -> String {
    super::run("tc", &format!("filter show dev {device} ingress"))
}

pub fn attachments(host: &Host, binding: Binding) -> [Attachment; 2] {
    let report = host.read_back(binding).unwrap();
    [report.from_instance, report.to_instance]
}
