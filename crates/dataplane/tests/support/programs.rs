//! Programs at devices: those of a dataplane, and others.
#![allow(unsafe_code, reason = "bpf is a call of the C library")]

use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
};

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

/// A program that lets every packet pass before any at tc sees it, attached to a device as XDP until this is dropped.
pub struct Xdp(OwnedFd);

impl Xdp {
    /// Attaches it as the kernel does for every kind of device.
    pub fn attach(device: &Device) -> Self {
        const PROG_LOAD: libc::c_int = 5;
        const LINK_CREATE: libc::c_int = 28;
        const TYPE_XDP: u32 = 6;
        const ATTACH_XDP: u32 = 37;
        const GENERIC: u32 = 2;
        // r0 = XDP_PASS; exit
        let code = [[0xb7u32, 2], [0x95, 0]];
        let licence = c"GPL";
        let [code, licence] =
            [code.as_ptr().cast::<u8>(), licence.as_ptr().cast()].map(|at| at.addr() as u64);
        let program = bpf(PROG_LOAD, &[u64::from(TYPE_XDP) | 2 << 32, code, licence, 0, 0, 0]);
        let of = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        let number = u32::try_from(program.as_raw_fd()).unwrap();
        Self(bpf(LINK_CREATE, &[of(number, device.ifindex), of(ATTACH_XDP, GENERIC), 0, 0]))
    }

    /// Takes it away, also where a child that another test is just starting has its descriptor.
    pub fn detach(self) {
        const LINK_DETACH: libc::c_int = 34;
        let number = u64::try_from(self.0.as_raw_fd()).unwrap();
        // SAFETY: the attribute is read, within its length.
        let result = unsafe { libc::syscall(libc::SYS_bpf, LINK_DETACH, &raw const number, 8) };
        assert_eq!(result, 0, "detaching: {}", io::Error::last_os_error());
    }
}

/// Calls bpf(2) for a new object.
fn bpf(command: libc::c_int, attribute: &[u64]) -> OwnedFd {
    // SAFETY: the attribute is read, within its length; so is what its pointers lead to, which outlives the call.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, attribute.as_ptr(), size_of_val(attribute)) };
    let fd = i32::try_from(result).unwrap();
    assert!(fd >= 0, "bpf {command}: {}", io::Error::last_os_error());
    // SAFETY: it is a new one, and nobody else's.
    unsafe { OwnedFd::from_raw_fd(fd) }
}
