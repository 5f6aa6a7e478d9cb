//! Why something cannot be enforced.

use std::io;

use model::NetworkInterfaceId;
use thiserror::Error;

use crate::interface::{Binding, ClassId};

/// Why a dataplane does not do what it is asked.
#[derive(Debug, Error)]
pub enum DataplaneError {
    /// The process may not load programs.
    #[error(
        "this process may not load programs into the kernel: run it as root, or with CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON and CAP_SYS_ADMIN"
    )]
    NotPermitted,
    /// The kernel is too old or was built without something.
    #[error(
        "this kernel cannot enforce security groups: it has no {feature}; run Linux {release} or newer with {option}"
    )]
    KernelLacks {
        /// What is missing.
        feature: &'static str,
        /// Since when Linux has it.
        release: &'static str,
        /// What it has to be built with.
        option: &'static str,
    },
    /// There is no file system for pins, and none can be mounted.
    #[error("no BPF file system at {path}: mount one with `mount -t bpf bpf {path}`")]
    NoBpfFileSystem {
        /// Where it should be.
        path: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// Somebody else may change the pins.
    #[error(
        "the directory {path} belongs to user {owner} and has the mode {mode:o}: only user {user} may be able to write it; remove it, or correct owner and mode"
    )]
    OthersMayWrite {
        /// A directory of pins.
        path: String,
        /// Whose it is.
        owner: u32,
        /// Its permissions.
        mode: u32,
        /// As whom this process runs.
        user: u32,
    },
    /// Another process has the dataplane open.
    #[error("the dataplane {name} is open in another process: stop that one first")]
    InUse {
        /// Its name.
        name: String,
    },
    /// There is none of this name.
    #[error("there is no dataplane {name}")]
    Missing {
        /// Its name.
        name: String,
    },
    /// A name that is no name of a directory.
    #[error("{name:?} is no name of a dataplane: use 1 to 64 letters, digits, '-' and '_'")]
    Name {
        /// What was given.
        name: String,
    },
    /// Pins of a layout that this program does not know.
    #[error(
        "the dataplane {name} has the layout v{found}, made by a newer program than this one, which knows v{known}: run that one, or unbind everything with it first"
    )]
    NewerLayout {
        /// Whose.
        name: String,
        /// Its version.
        found: u32,
        /// The newest that is known here.
        known: u32,
    },
    /// A pinned map is not the one that the programs need.
    #[error(
        "the pinned map {map} has {property} {found}, and {wanted} is wanted: open the dataplane with the settings it was made with, or remove it first"
    )]
    PinMismatch {
        /// Its name.
        map: String,
        /// What differs.
        property: &'static str,
        /// What it has.
        found: u64,
        /// What it should have.
        wanted: u64,
    },
    /// The settings contradict each other or exceed a bound.
    #[error("the setting {setting} is {value}: it is to be from {least} to {most}")]
    Setting {
        /// Which one.
        setting: &'static str,
        /// What was given.
        value: u64,
        /// The least it may be.
        least: u64,
        /// The most it may be.
        most: u64,
    },
    /// The kernel does not take the object.
    #[error("the kernel does not take the programs: {message}")]
    Object {
        /// What it or the loader says.
        message: String,
    },
    /// There is no such device.
    #[error(
        "there is no device {name} with index {ifindex} in this network namespace: list the devices with `ip link`"
    )]
    NoDevice {
        /// Its name, as it was given; may be empty.
        name: String,
        /// Its index, as it was given; 0 where none was.
        ifindex: u32,
    },
    /// The device has another name than the one that was given: it may be another device.
    #[error("the device {ifindex} is called {found} and not {name}: look it up again")]
    OtherName {
        /// Its index.
        ifindex: u32,
        /// What was given.
        name: String,
        /// What it is called.
        found: String,
    },
    /// The device is of a kind whose packets cannot be judged.
    #[error(
        "the device {name} is not an Ethernet device (its hardware type is {hardware}): bind a tap, or the host's end of a veth"
    )]
    NotEthernet {
        /// Its name.
        name: String,
        /// ARPHRD_*, as Linux numbers it.
        hardware: u16,
    },
    /// The device stands for an interface already.
    #[error("the device {name} is bound as {binding}: unbind that first")]
    Bound {
        /// Its name.
        name: String,
        /// As what.
        binding: Binding,
    },
    /// Programs of others run before ours, and decide before them.
    #[error(
        "other programs run before this dataplane's at the device {name}, and it cannot move before them: detach them (`bpftool net show dev {name}` lists them), or attach by tcx"
    )]
    NotFirst {
        /// The device's name.
        name: String,
    },
    /// A program at XDP sees what comes from the device before ours, and nothing at tc can move before it.
    #[error(
        "a program at XDP runs before this dataplane's at the device {name}, and may answer packets or take them away: detach it (`ip link set dev {name} xdp off`, or `bpftool link` where it hangs by a link)"
    )]
    XdpFirst {
        /// The device's name.
        name: String,
    },
    /// An address that no interface can have.
    #[error(
        "{address} is no address of an interface: give one that is not IPv4-mapped, multicast, broadcast or unspecified"
    )]
    Address {
        /// Which one.
        address: String,
    },
    /// A binding stands for another interface.
    #[error("binding {binding} stands for {found}, not for {wanted}: unbind it and bind the device anew")]
    OtherInterface {
        /// Which one.
        binding: Binding,
        /// What it stands for.
        found: NetworkInterfaceId,
        /// What was given.
        wanted: NetworkInterfaceId,
    },
    /// There is no such binding.
    #[error("there is no binding {0}: list them")]
    UnknownBinding(Binding),
    /// There is no such class.
    #[error("there is no class {0}: list them")]
    UnknownClass(ClassId),
    /// The class has no plan.
    #[error("class {0} has no plan in force: switch it to one")]
    NoPlan(ClassId),
    /// Bindings have the class.
    #[error("class {class} is that of binding {binding}: give that another one first")]
    ClassInUse {
        /// Which one.
        class: ClassId,
        /// One of its bindings.
        binding: Binding,
    },
    /// Every place for an interface is taken.
    #[error("there are {most} interfaces already: make the dataplane with room for more")]
    InterfacesFull {
        /// How many it was made for.
        most: u32,
    },
    /// Every place for a class is taken.
    #[error("there are {most} classes already: make the dataplane with room for more")]
    ClassesFull {
        /// How many it was made for.
        most: u32,
    },
    /// The plan does not fit into what is free.
    #[error(
        "a plan of {words} words does not fit into the arena of {arena}: remove classes, or make the dataplane with a bigger one"
    )]
    ArenaFull {
        /// How long the plan is.
        words: u32,
        /// How long the arena is.
        arena: u32,
    },
    /// Every place for a further address or prefix is taken.
    #[error("there are {most} further addresses and prefixes already: make the dataplane with room for more")]
    PrefixesFull {
        /// How many it was made for, of all interfaces.
        most: u32,
    },
    /// Stamps or ids are used up.
    #[error("every {what} has been used: remove this dataplane and make a new one")]
    UsedUp {
        /// What of.
        what: &'static str,
    },
    /// What lies in the kernel contradicts itself.
    #[error("the pinned state of the dataplane is damaged: {what}; remove it and bind everything anew")]
    Damaged {
        /// How.
        what: String,
    },
    /// A system call failed.
    #[error("{call} failed")]
    System {
        /// Which one, and on what.
        call: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
}
