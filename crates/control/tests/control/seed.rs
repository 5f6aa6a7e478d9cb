//! Records to begin with: an account, its groups and interfaces, made without the writer.

use model::{
    AccountId, Entity, Id, NetworkInterfaceId, SecurityGroupId, UnixMillis,
    account::Account,
    address::Mac,
    interface::{InterfaceStatus, NetworkInterface},
    security_group::SecurityGroup,
};
use store::{Batch, Store};

/// Whose everything is.
pub const ACCOUNT: AccountId = AccountId(1_000_000_000_000_001);

/// The group with this number.
pub fn group_id(number: u32) -> SecurityGroupId {
    Id::from_entropy(u128::from(number))
}

/// The interface with this number. The ids of neighbours are far from each other, as real ones are.
pub fn interface_id(number: u32) -> NetworkInterfaceId {
    Id::from_entropy(u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835))
}

/// An interface that belongs to no instance and is a member of `groups`.
pub fn interface(number: u32, groups: &[SecurityGroupId]) -> NetworkInterface {
    NetworkInterface {
        id: interface_id(number),
        account: ACCOUNT,
        serial: 1_000_000 + u64::from(number),
        vswitch: Id::from_entropy(0),
        instance: None,
        primary: false,
        status: InterfaceStatus::Available,
        due_at: None,
        address: std::net::Ipv4Addr::from(0x0a00_0000 + number),
        secondary_addresses: Box::default(),
        ipv6_addresses: Box::default(),
        mac: Mac([0; 6]),
        name: "".into(),
        description: "".into(),
        created_at: UnixMillis(0),
        groups: groups.into(),
    }
}

/// Commits, as revision 1, the account with `groups` groups and `interfaces` interfaces, all of them members of group 0.
pub fn fill(store: &mut dyn Store, groups: u32, interfaces: u32) {
    let mut batch = Batch::new();
    control::records::put_schema(&mut batch);
    let mut put = |entity: Entity| control::records::put_entity(&mut batch, &entity).unwrap();
    put(Account { id: ACCOUNT, name: "edge".into(), created_at: UnixMillis(0) }.into());
    for number in 0..groups {
        let group = SecurityGroup {
            id: group_id(number),
            account: ACCOUNT,
            serial: u64::from(number),
            name: "".into(),
            description: "".into(),
            created_at: UnixMillis(0),
            rules: Vec::new(),
        };
        put(group.into());
    }
    (0..interfaces).for_each(|number| put(interface(number, &[group_id(0)]).into()));
    store.commit(1, &batch).unwrap();
}
