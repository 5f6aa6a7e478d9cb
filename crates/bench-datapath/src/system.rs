//! This process: its user, its CPU, how long it has had that, and whether somebody wants it to stop.
#![allow(unsafe_code, reason = "affinity and signals are calls of the C library")]

use std::{
    fs, io, mem,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
/// Where the kernel says how long its thread for deferred packets has run on our CPU.
static DEFERRED: OnceLock<String> = OnceLock::new();

/// Whether programs can be loaded.
pub fn is_root() -> bool {
    // SAFETY: no pointers are given.
    unsafe { libc::geteuid() == 0 }
}

/// Keeps this thread, and those that it starts, on one CPU: sender, receiver and the kernel between them then share
/// it, and what is saved on one side is not lost in waiting for another. Other processes come last there.
///
/// # Errors
/// There is no such CPU.
pub fn pin_to(cpu: Option<usize>) -> anyhow::Result<()> {
    let last = thread::available_parallelism().map_or(0, |count| count.get() - 1);
    let cpu = cpu.unwrap_or(last);
    // SAFETY: all zero is the empty set.
    let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
    if cpu >= 8 * mem::size_of_val(&set) {
        bail!("there is no CPU {cpu}");
    }
    // SAFETY: the number is within the set, as was just checked.
    unsafe { libc::CPU_SET(cpu, &mut set) };
    // SAFETY: the set lives through the call, and its length is given.
    let result = unsafe { libc::sched_setaffinity(0, mem::size_of_val(&set), &raw const set) };
    if result < 0 {
        return Err(io::Error::last_os_error()).with_context(|| format!("running on CPU {cpu} alone"));
    }
    // SAFETY: no pointers are given.
    if unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, -20) } < 0 {
        return Err(io::Error::last_os_error()).context("running before other processes");
    }
    if let Some(process) = process_named(&format!("ksoftirqd/{cpu}")) {
        let _ = DEFERRED.set(format!("/proc/{process}/schedstat"));
    }
    Ok(())
}

fn process_named(name: &str) -> Option<String> {
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let comm = fs::read_to_string(entry.path().join("comm")).ok()?;
        (comm.trim() == name).then(|| entry.file_name().to_string_lossy().into_owned())
    })
}

/// How long this process has had a CPU, all its threads together, and with it the kernel's thread for packets that are
/// deferred on ours. Packets that are handled at once are in the time of the thread that sends them.
fn worked() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it writes one timespec; this clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    let own = Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0));
    let deferred = DEFERRED.get().and_then(|path| fs::read_to_string(path).ok());
    let nanoseconds = deferred.and_then(|text| text.split_whitespace().next()?.parse().ok());
    own + Duration::from_nanos(nanoseconds.unwrap_or(0))
}

/// Measures how long something takes, on the clock and of the CPU.
pub struct Meter {
    begun: Instant,
    worked: Duration,
}

impl Meter {
    /// Begins now.
    pub fn start() -> Self {
        Self { worked: worked(), begun: Instant::now() }
    }

    /// How long ago that was.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// How long we have had the CPU since. Less than [`elapsed`](Self::elapsed) by what other processes, or other
    /// virtual machines, took meanwhile.
    pub fn worked(&self) -> Duration {
        worked().saturating_sub(self.worked)
    }
}

extern "C" fn interrupt(_: libc::c_int) {
    INTERRUPTED.store(true, Relaxed);
}

/// From now on, interrupts and requests to end are noticed where [`go_on`] asks, so that everything is tidied up.
pub fn notice_interrupts() {
    let handler: extern "C" fn(libc::c_int) = interrupt;
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        // SAFETY: the handler stores to an atomic, which is all that it does.
        unsafe { libc::signal(signal, handler as libc::sighandler_t) };
    }
}

/// An error where the process was interrupted.
///
/// # Errors
/// It was.
pub fn go_on() -> anyhow::Result<()> {
    if INTERRUPTED.load(Relaxed) {
        bail!("interrupted");
    }
    Ok(())
}
