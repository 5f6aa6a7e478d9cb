//! Filters of the clsact queueing discipline, for kernels without tcx: the four requests of rtnetlink that it takes.

use std::{
    io,
    os::fd::{AsFd, AsRawFd},
};

use super::{
    netlink::{ACKNOWLEDGE, CREATE, DUMP, EXCLUSIVE, Request, find_attribute, push_attribute},
    sys::Hook,
};

const RTM_NEWQDISC: u16 = 36;
const RTM_NEWTFILTER: u16 = 44;
const RTM_DELTFILTER: u16 = 45;
const RTM_GETTFILTER: u16 = 46;

const TCA_KIND: u16 = 1;
const TCA_OPTIONS: u16 = 2;
const TCA_CHAIN: u16 = 11;
const TCA_BPF_FD: u16 = 6;
const TCA_BPF_NAME: u16 = 7;
const TCA_BPF_FLAGS: u16 = 8;
const TCA_BPF_ID: u16 = 11;
/// The program's result is the verdict.
const DIRECT_ACTION: u32 = 1;
/// The parent of the discipline, of its filters at ingress and at egress.
const CLSACT: u32 = 0xffff_fff1;
const CLSACT_INGRESS: u32 = 0xffff_fff2;
const CLSACT_EGRESS: u32 = 0xffff_fff3;
/// The discipline's own handle.
const CLSACT_HANDLE: u32 = 0xffff_0000;
/// Our filter: the first priority, every protocol (`ETH_P_ALL`), the first handle.
const PRIORITY: u32 = 1;
const EVERY_PROTOCOL: u16 = 3;
pub(crate) const HANDLE: u32 = 1;

/// A filter at a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) priority: u32,
    pub(crate) handle: u32,
    /// The program's id; 0 where it is another kind of filter.
    pub(crate) program: u32,
    /// What whoever attached it called it: whose it is.
    pub(crate) name: Box<[u8]>,
}

impl Filter {
    /// Whether it stands where ours does.
    pub(crate) fn in_our_place(&self) -> bool {
        self.priority == PRIORITY && self.handle == HANDLE
    }
}

fn parent(hook: Hook) -> u32 {
    match hook {
        Hook::Ingress => CLSACT_INGRESS,
        Hook::Egress => CLSACT_EGRESS,
    }
}

fn information() -> u32 {
    PRIORITY << 16 | u32::from(EVERY_PROTOCOL.to_be())
}

/// Attaches a program as a filter of the first priority, before those that have it already; or puts it in the place of
/// the one with this handle, which is atomic.
pub(crate) fn attach(
    program: &impl AsFd,
    ifindex: u32,
    hook: Hook,
    handle: u32,
    name: &str,
) -> io::Result<()> {
    let mut discipline = Request::new(RTM_NEWQDISC, CREATE | EXCLUSIVE | ACKNOWLEDGE);
    discipline.fields(&[0, ifindex, CLSACT_HANDLE, CLSACT, 0]);
    discipline.attribute(TCA_KIND, b"clsact\0");
    match discipline.send(|_, _| {}) {
        Err(error) if error.raw_os_error() != Some(libc::EEXIST) => return Err(error),
        _ => {}
    }
    let mut filter = Request::new(RTM_NEWTFILTER, CREATE | ACKNOWLEDGE);
    filter.fields(&[0, ifindex, handle, parent(hook), information()]);
    filter.attribute(TCA_KIND, b"bpf\0");
    let mut options = Vec::new();
    let fd = program.as_fd().as_raw_fd().cast_unsigned();
    push_attribute(&mut options, TCA_BPF_FD, &fd.to_ne_bytes());
    push_attribute(&mut options, TCA_BPF_NAME, &[name.as_bytes(), &[0]].concat());
    push_attribute(&mut options, TCA_BPF_FLAGS, &DIRECT_ACTION.to_ne_bytes());
    filter.attribute(TCA_OPTIONS, &options);
    filter.send(|_, _| {})
}

/// Removes the filter of the first priority with this handle; nothing where it is not there.
pub(crate) fn detach(ifindex: u32, hook: Hook, handle: u32) -> io::Result<()> {
    let mut filter = Request::new(RTM_DELTFILTER, ACKNOWLEDGE);
    filter.fields(&[0, ifindex, handle, parent(hook), information()]);
    filter.attribute(TCA_KIND, b"bpf\0");
    match filter.send(|_, _| {}) {
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EINVAL | libc::ENODEV)) => {
            Ok(())
        }
        other => other,
    }
}

/// The filters at a hook, in the order in which they run: of those of one priority the newest first, as they are told.
pub(crate) fn filters(ifindex: u32, hook: Hook) -> io::Result<Vec<Filter>> {
    let mut request = Request::new(RTM_GETTFILTER, DUMP);
    request.fields(&[0, ifindex, 0, parent(hook), 0]);
    let mut found = Vec::new();
    let result = request.send(|kind, body| {
        if kind == RTM_NEWTFILTER && body.len() >= 20 {
            found.extend(read_filter(body));
        }
    });
    match result {
        Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENODEV | libc::ENOENT)) => {}
        other => other?,
    }
    found.sort_by_key(|filter: &Filter| filter.priority);
    Ok(found)
}

/// A filter from a message; none for what only announces a priority, and for a chain that only another filter leads to.
fn read_filter(body: &[u8]) -> Option<Filter> {
    let number = |from: usize| Some(u32::from_ne_bytes(body.get(from..from + 4)?.try_into().ok()?));
    let (handle, information) = (number(8)?, number(16)?);
    if find_attribute(&body[20..], TCA_CHAIN).is_some_and(|chain| chain != [0; 4]) {
        return None;
    }
    let options = find_attribute(&body[20..], TCA_OPTIONS)?;
    let program =
        find_attribute(options, TCA_BPF_ID).and_then(|id| Some(u32::from_ne_bytes(id.try_into().ok()?)));
    let name = find_attribute(options, TCA_BPF_NAME).unwrap_or_default();
    let name = name.strip_suffix(&[0]).unwrap_or(name).into();
    Some(Filter { priority: information >> 16, handle, program: program.unwrap_or(0), name })
}
