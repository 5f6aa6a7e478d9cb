//! Programs at XDP, which see what comes from a device before any at tc does, and may answer it or take it away.

use std::{collections::BTreeMap, io};

use super::netlink::{ACKNOWLEDGE, DUMP, Request, find_attribute};

const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const IFLA_EXT_MASK: u16 = 29;
const IFLA_XDP: u16 = 43;
const IFLA_XDP_ATTACHED: u16 = 2;
/// `RTEXT_FILTER_SKIP_STATS`: what nobody reads here is not gathered.
const WITHOUT_STATISTICS: u32 = 1 << 3;
/// The length of `struct ifinfomsg`.
const HEADER: usize = 16;

/// Whether one is attached to a device, by its driver, by the kernel for every kind of device, or in its hardware.
pub(crate) fn is_attached(ifindex: u32) -> io::Result<bool> {
    match ask(ifindex, ACKNOWLEDGE) {
        Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(false),
        answer => answer.map(|attached| attached.get(&ifindex).copied().unwrap_or(false)),
    }
}

/// Where they are attached, for whoever asks about many devices at once.
#[derive(Debug, Default)]
pub(crate) struct Attached(BTreeMap<u32, bool>);

impl Attached {
    /// As it is now at the devices of the thread's network namespace, by one question.
    pub(crate) fn everywhere() -> io::Result<Self> {
        ask(0, DUMP).map(Self)
    }

    /// Whether one is attached to a device. Of a device that was not told of, the kernel is asked now.
    pub(crate) fn is_at(&self, ifindex: u32) -> io::Result<bool> {
        self.0.get(&ifindex).map_or_else(|| is_attached(ifindex), |attached| Ok(*attached))
    }
}

/// Asks about a device, or where that is 0 and `flags` say so about all.
fn ask(ifindex: u32, flags: u16) -> io::Result<BTreeMap<u32, bool>> {
    let mut request = Request::new(RTM_GETLINK, flags);
    request.fields(&[0, ifindex, 0, 0]);
    request.attribute(IFLA_EXT_MASK, &WITHOUT_STATISTICS.to_ne_bytes());
    let mut attached = BTreeMap::new();
    request.send(|kind, body| {
        if kind == RTM_NEWLINK {
            attached.extend(read_link(body));
        }
    })?;
    Ok(attached)
}

/// The device that a message is about, and whether one is attached to it.
fn read_link(body: &[u8]) -> Option<(u32, bool)> {
    let ifindex = u32::from_ne_bytes(body.get(4..8)?.try_into().ok()?);
    let xdp = find_attribute(body.get(HEADER..)?, IFLA_XDP);
    let how = xdp.and_then(|xdp| find_attribute(xdp, IFLA_XDP_ATTACHED));
    Some((ifindex, how.is_some_and(|how| how != [0])))
}
