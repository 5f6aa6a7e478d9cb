//! What tests against the kernel share: a network namespace of their own, a dataplane that is removed, and frames.
#![allow(dead_code, reason = "not every test uses all of it")]
#![allow(unsafe_code, reason = "unshare is a call of the C library")]

pub mod frame;
pub mod programs;

use std::{
    io, mem,
    net::IpAddr,
    ops::{Deref, DerefMut},
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use dataplane::{Attach, DataplaneError, Device, EbpfDataplane, Interface, Options};
use model::{NetworkInterfaceId, address::Mac};

/// The MAC of the interfaces of tests.
pub const MAC: Mac = Mac([0x00, 0x16, 0x3e, 0, 0, 1]);
/// The MAC of whoever is at the other end.
pub const PEER_MAC: Mac = Mac([0x00, 0x16, 0x3e, 0, 0, 2]);

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// Whether this process may test the kernel. Where it may not, it says so.
pub fn may_test_the_kernel() -> bool {
    // SAFETY: no pointers are given.
    let root = unsafe { libc::geteuid() } == 0;
    if !root {
        println!("skipped: only root can load programs");
    }
    root
}

/// Moves this thread into a new network namespace, which ends with the thread, and all devices in it.
pub fn enter_namespace() {
    // SAFETY: no pointers are given.
    let result = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    assert_eq!(result, 0, "unshare: {}", io::Error::last_os_error());
    ip("link set lo up");
}

/// Moves this thread into a mount namespace with a file system of pins of its own, which ends with the thread.
pub fn enter_own_pins() {
    // SAFETY: no pointers are given.
    let result = unsafe { libc::unshare(libc::CLONE_NEWNS) };
    assert_eq!(result, 0, "unshare: {}", io::Error::last_os_error());
    run("mount", "--make-rprivate /");
    run("mount", "-t bpf bpf /sys/fs/bpf");
}

/// Takes all privileges from this thread, as if somebody else than root had started it.
pub fn drop_privileges() {
    // `struct __user_cap_header_struct` of version 3, and two of `struct __user_cap_data_struct`.
    let header = [0x2008_0522u32, 0];
    let nothing = [0u32; 6];
    // SAFETY: both are read, and as long as this version has them; the call is about this thread alone.
    let result = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), nothing.as_ptr()) };
    assert_eq!(result, 0, "capset: {}", io::Error::last_os_error());
}

/// Runs `ip` in this thread's namespace.
pub fn ip(arguments: &str) {
    run("ip", arguments);
}

/// Runs a program of iproute2 in this thread's namespace. Gives what it says.
pub fn run(program: &str, arguments: &str) -> String {
    let output = Command::new(program).args(arguments.split_whitespace()).output().expect(program);
    assert!(output.status.success(), "{program} {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A veth of this thread's namespace, up, on which the host says nothing of its own; its other end has the name with `p`
/// before it.
pub fn veth(name: &str) -> Device {
    ip(&format!("link add {name} type veth peer name p{name}"));
    for end in [name.to_owned(), format!("p{name}")] {
        ip(&format!("link set {end} addrgenmode none arp off multicast off"));
        ip(&format!("link set {end} up"));
    }
    Device::named(name).unwrap()
}

/// Options of a dataplane of this process alone, small enough to be made often.
pub fn options() -> Options {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let mut options = Options::new(format!("test-{}-{number}", std::process::id()));
    options.interfaces_max = 16;
    options.classes_max = 16;
    options.flows_max = 4096;
    options.prefixes_max = 64;
    options.arena_words = 1 << 20;
    options.event_bytes = 1 << 16;
    options
}

/// As [`options`], of a dataplane that attaches in this way.
pub fn attaching(attach: Attach) -> Options {
    let mut options = options();
    options.attach = attach;
    options
}

/// A dataplane that is removed with everything that it has pinned, whatever happens.
pub struct Host {
    dataplane: Option<EbpfDataplane>,
    options: Options,
}

impl Host {
    pub fn new(options: Options) -> Self {
        // Where opening fails, this removes what it has pinned until then.
        let mut host = Self::closed(options);
        host.open().unwrap_or_else(|error| panic!("{error}: {error:?}"));
        host
    }

    /// One that another process makes, to be removed here all the same.
    pub fn closed(options: Options) -> Self {
        Self { dataplane: None, options }
    }

    /// Where everything of it is pinned, whether it is open or not.
    pub fn directory_of_pins(&self) -> PathBuf {
        Path::new("/sys/fs/bpf/ravelin").join(&self.options.name)
    }

    /// Opens it where it is closed.
    pub fn open(&mut self) -> Result<(), DataplaneError> {
        self.dataplane = Some(EbpfDataplane::open(self.options.clone())?);
        Ok(())
    }

    /// Closes the dataplane as if the process had been killed: nothing is tidied up. Then opens it again.
    pub fn kill(&mut self) {
        self.close();
        self.open().unwrap();
    }

    /// Closes it; what it has pinned is removed when this is dropped.
    pub fn close(&mut self) {
        drop(self.dataplane.take());
    }

    pub fn is_open(&self) -> bool {
        self.dataplane.is_some()
    }

    /// Removes it.
    pub fn remove(&mut self) {
        self.dataplane.take().unwrap().remove().unwrap();
    }

    pub fn options(&self) -> &Options {
        &self.options
    }
}

impl Deref for Host {
    type Target = EbpfDataplane;
    fn deref(&self) -> &EbpfDataplane {
        self.dataplane.as_ref().unwrap()
    }
}

impl DerefMut for Host {
    fn deref_mut(&mut self) -> &mut EbpfDataplane {
        self.dataplane.as_mut().unwrap()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(mem::take(&mut self.dataplane));
        let _ = std::fs::remove_dir_all(self.directory_of_pins());
    }
}

/// An interface with an address of each family.
pub fn interface(number: u128) -> Interface {
    let id = NetworkInterfaceId::from_entropy(number);
    Interface::new(id, MAC, [address("10.0.0.1"), address("2001:db8::1")])
}

pub fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The seed of a random test: that of `RAVELIN_SEED`, or a new one, printed.
pub fn seed() -> u64 {
    let given =
        std::env::var("RAVELIN_SEED").ok().map(|text| text.parse().expect("RAVELIN_SEED is a number"));
    let seed = given.unwrap_or_else(|| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        since.as_secs() ^ u64::from(since.subsec_nanos()) << 20
    });
    println!("RAVELIN_SEED={seed}");
    seed
}

/// Waits until a condition holds, with a bound that only a failure reaches.
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Sends frames from a device, as they are.
pub struct Wire {
    socket: OwnedFd,
    address: libc::sockaddr_ll,
}

impl Wire {
    pub fn at(device: &Device) -> Self {
        let protocol = 0;
        // SAFETY: no pointers are given.
        let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, protocol) };
        assert!(fd >= 0, "socket: {}", io::Error::last_os_error());
        // SAFETY: all zero is a value of it.
        let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
        address.sll_family = u16::try_from(libc::AF_PACKET).unwrap();
        address.sll_ifindex = i32::try_from(device.ifindex).unwrap();
        // SAFETY: it was just made.
        Self { socket: unsafe { OwnedFd::from_raw_fd(fd) }, address }
    }

    /// Whether the kernel took it: it says no where the programs have dropped it on its way out.
    pub fn send(&self, frame: &[u8]) -> bool {
        let length = u32::try_from(mem::size_of_val(&self.address)).unwrap();
        // SAFETY: the frame and the address are read, within their lengths.
        let sent = unsafe {
            libc::sendto(
                self.socket.as_raw_fd(),
                frame.as_ptr().cast(),
                frame.len(),
                0,
                (&raw const self.address).cast(),
                length,
            )
        };
        sent >= 0
    }
}
