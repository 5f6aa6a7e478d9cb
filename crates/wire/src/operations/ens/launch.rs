//! What `RunInstances` and `CreateInstance` have in common: how the parameters of a request become a wish.

use model::{
    command::{AddressFamily, ChargeWish, DiskWish, InstanceWish, Placement},
    tag::Tag,
};

use super::instance::{HOST_NAME, NAME, OFFERED};
use crate::catalogue::prelude::*;

/// Days of a month of a subscription.
pub(super) const MONTH_DAYS: u32 = 30;

/// The name.
pub(super) const INSTANCE_NAME: Parameter = Parameter::optional(
    "InstanceName",
    NAME,
    "The name of the instances; their ids where it is not given.",
    "web",
);

/// The host name.
pub(super) const HOST: Parameter =
    Parameter::optional("HostName", HOST_NAME, "Their host name; their ids where it is not given.", "web-1");

/// The image.
pub(super) const IMAGE_ID: Parameter = Parameter::optional(
    "ImageId",
    OFFERED,
    "The image; the first that the server offers where it is not given.",
    "m-debian-12",
);

/// The addresses.
pub(super) const IP_TYPE: Parameter = Parameter::optional(
    "IpType",
    Kind::OneOf(&["ipv4", "ipv6", "ipv4Andipv6", "ipv4Withipv6"]),
    "Which addresses the instances get. Everything but `ipv4` means IPv6 besides IPv4 and needs a vSwitch with an IPv6 block: instances without an IPv4 address do not exist here.",
    "ipv4",
);

/// The key pair.
pub(super) const KEY_PAIR_NAME: Parameter = Parameter::optional(
    "KeyPairName",
    Kind::text(128),
    "The name of a key pair. It is kept and shown, and looked up nowhere.",
    "operators",
);

/// Whether the password of the image stays.
pub(super) const PASSWORD_INHERIT: Parameter = Parameter::optional(
    "PasswordInherit",
    Kind::Ignored,
    "Whether the password of the image stays. Without effect: images here have none.",
    "false",
);

/// How public traffic is charged for.
pub(super) const INTERNET_CHARGE_TYPE: Parameter = Parameter::optional(
    "InternetChargeType",
    Kind::Ignored,
    "How public traffic is charged for. Without effect: nothing is charged for here.",
    "BandwidthByDay",
);

/// The address.
pub(super) const PRIVATE_IP_ADDRESS: Parameter = Parameter::optional(
    "PrivateIpAddress",
    Kind::Ipv4,
    "The private address, for one instance in the vSwitch that is named; a free one where it is not given.",
    "10.0.0.120",
);

/// Whether names get a number.
pub(super) const UNIQUE_SUFFIX: Parameter = Parameter::optional(
    "UniqueSuffix",
    Kind::Boolean,
    "Whether `001`, `002`, ... is put behind name and host name.",
    "true",
);

/// The vSwitch.
pub(super) const V_SWITCH_ID: Parameter = Parameter::optional(
    "VSwitchId",
    Kind::Id,
    "The vSwitch that the addresses are from, at the same edge site; the account's default one there, which is made if there is none, where neither it nor a network is given.",
    "vsw-5sagnw7m613oulalkd10nv0ob",
);

/// The size of a disk. 0 is what some clients send for none.
pub(super) const DISK_SIZE: Kind = Kind::Integer { min: 0, max: i32::MAX as i64 };

/// The faults that a new instance may end with.
pub(super) const ERRORS: &[&code::ErrorCode] = &[
    &code::ENS_REGION_NOT_FOUND,
    &code::IMAGE_NOT_FOUND,
    &code::INSTANCE_TYPE_NOT_FOUND,
    &code::SECURITY_GROUP_NOT_FOUND,
    &code::NETWORK_NOT_FOUND,
    &code::VSWITCH_NOT_FOUND,
    &code::GROUP_LIMIT,
    &code::MEMBER_LIMIT,
    &code::RULE_LIMIT,
    &code::QUOTA_EXCEEDED,
];

/// The wish of a call, from the parameters that both operations have. What only one of them has is left as it is
/// where nothing is said.
pub(super) fn wish(
    arguments: &Arguments,
    amount: usize,
    placement: Placement,
) -> Result<InstanceWish, Fault> {
    let address = arguments.ipv4("PrivateIpAddress");
    if address.is_some() && !arguments.has("VSwitchId") {
        return Err(Fault::invalid("PrivateIpAddress needs VSwitchId"));
    }
    Ok(InstanceWish {
        amount,
        placement,
        image: arguments.boxed("ImageId"),
        instance_type: arguments.boxed("InstanceType"),
        name: arguments.boxed("InstanceName"),
        host_name: arguments.boxed("HostName"),
        unique_suffix: arguments.boolean("UniqueSuffix").unwrap_or(false),
        vswitch: arguments.id("VSwitchId"),
        network: None,
        address,
        family: match arguments.text("IpType") {
            None | Some("ipv4") => AddressFamily::Ipv4,
            Some(_) => AddressFamily::Dual,
        },
        ipv6_count: 1,
        group: None,
        charge: ChargeWish::PostPaid,
        auto_release_at: None,
        deletion_protection: false,
        key_pair: arguments.boxed("KeyPairName"),
        user_data: None,
        public_address: false,
        internet_bandwidth_mbps: 0,
        system_disk: disk(arguments.object("SystemDisk")),
        data_disks: arguments.objects("DataDisk").map(|fields| disk(Some(fields))).collect(),
        tags: tags(arguments),
    })
}

/// A disk. Some clients send 0 and empty texts for what they do not say.
fn disk(fields: Option<&Arguments>) -> DiskWish {
    let text = |name| fields.and_then(|fields| fields.boxed(name)).filter(|text| !text.is_empty());
    DiskWish {
        size_gib: fields.and_then(|fields| small(fields, "Size")).filter(|size| *size > 0),
        category: text("Category"),
        encrypted: fields.and_then(|fields| fields.boolean("Encrypted")).unwrap_or(false),
        key_id: text("KMSKeyId").unwrap_or_default(),
    }
}

/// A number whose constraint keeps it small.
pub(super) fn small(arguments: &Arguments, name: &str) -> Option<u32> {
    arguments.integer(name).and_then(|number| u32::try_from(number).ok())
}

fn tags(arguments: &Arguments) -> Vec<Tag> {
    let tag = |fields: &Arguments| Tag {
        key: fields.boxed("Key").unwrap_or_default(),
        value: fields.boxed("Value").unwrap_or_default(),
    };
    arguments.objects("Tag").map(tag).collect()
}

#[cfg(test)]
mod tests;
