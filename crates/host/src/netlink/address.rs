//! Addresses of devices.

use std::net::IpAddr;

use nix::errno::Errno;
use rtnetlink::packet_route::{
    AddressFamily,
    address::{AddressAttribute, AddressFlags, AddressMessage, AddressProtocol},
};

use super::{Netlink, NetlinkError, code, refused};

/// What addresses that were given here are marked with (IFA_PROTO, since Linux 5.18): those of the kernel and of others
/// have another number or none.
const MARK: AddressProtocol = AddressProtocol::Other(0x72);

/// An address of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// The index of the device.
    pub device: u32,
    /// The address; of a point-to-point one, the own end.
    pub address: IpAddr,
    /// The length of its prefix.
    pub length: u8,
    /// Whether [`Netlink::add_address`] gave it. A kernel before 5.18 does not tell.
    pub marked: bool,
}

impl Netlink {
    /// Gives a device an address. Nobody else is asked whether they have it: it can be used at once.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn add_address(&self, device: u32, address: IpAddr, length: u8) -> Result<(), NetlinkError> {
        let mut request = self.handle.address().add(device, address, length).replace();
        let own = [AddressAttribute::Flags(AddressFlags::Nodad), AddressAttribute::Protocol(MARK)];
        request.message_mut().attributes.extend(own);
        self.ask(|| format!("give the device {device} the address {address}"), request.execute())
    }

    /// Takes an address from a device; does nothing where it has not got it.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn remove_address(&self, address: &Address) -> Result<(), NetlinkError> {
        let Address { device, address, length, .. } = *address;
        let mut message = AddressMessage::default();
        message.header.family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        message.header.index = device;
        message.header.prefix_len = length;
        message.attributes.push(AddressAttribute::Local(address));
        match self.runtime.block_on(self.handle.address().del(message).execute()) {
            Err(error) if code(&error) == Errno::EADDRNOTAVAIL => Ok(()),
            removed => {
                let what = || format!("take the address {address} from the device {device}");
                removed.map_err(|error| refused(what(), error))
            }
        }
    }

    /// Every address.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn addresses(&self) -> Result<Vec<Address>, NetlinkError> {
        let messages = self.all("list addresses", self.handle.address().get().execute())?;
        Ok(messages.iter().filter_map(address).collect())
    }
}

fn address(message: &AddressMessage) -> Option<Address> {
    Some(Address {
        device: message.header.index,
        address: local(message)?,
        length: message.header.prefix_len,
        marked: message.attributes.contains(&AddressAttribute::Protocol(MARK)),
    })
}

/// The address itself; of a point-to-point one, the own end.
fn local(message: &AddressMessage) -> Option<IpAddr> {
    let own = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Local(address) => Some(*address),
        _ => None,
    });
    own.or_else(|| {
        message.attributes.iter().find_map(|attribute| match attribute {
            AddressAttribute::Address(address) => Some(*address),
            _ => None,
        })
    })
}
