//! Programs at XDP, which see what comes from a device before any at tc does, and may answer it or take it away.

use std::io;

use super::netlink::{ACKNOWLEDGE, Request, find_attribute};

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
    let mut request = Request::new(RTM_GETLINK, ACKNOWLEDGE);
    request.fields(&[0, ifindex, 0, 0]);
    request.attribute(IFLA_EXT_MASK, &WITHOUT_STATISTICS.to_ne_bytes());
    let mut attached = false;
    let result = request.send(|kind, body| {
        let attributes = body.get(HEADER..).filter(|_| kind == RTM_NEWLINK);
        let xdp = attributes.and_then(|attributes| find_attribute(attributes, IFLA_XDP));
        let how = xdp.and_then(|xdp| find_attribute(xdp, IFLA_XDP_ATTACHED));
        attached |= how.is_some_and(|how| how != [0]);
    });
    match result {
        Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(false),
        other => other.map(|()| attached),
    }
}
