//! An instance as `DescribeInstances` shows it.

use std::sync::Arc;

use model::{
    SecurityGroupId, UnixMillis,
    instance::{Charge, Disk, Instance, InstanceStatus},
    interface::NetworkInterface,
    site::Catalogue,
};

use crate::catalogue::prelude::*;

const MIB_OF_GIB: u64 = 1024;
/// After what time instances that are paid by use are said to expire: 36,500 days.
const NEVER_MS: u64 = 36_500 * 86_400_000;

macro_rules! fields {
    ($($scalar:ident $path:literal = $example:literal;)*) => {
        &[
            Field::integer("Code", "0"),
            Field::integer("PageNumber", "1"),
            Field::integer("PageSize", "10"),
            Field::integer("TotalCount", "1"),
            $(Field::$scalar(concat!("Instances.Instance[].", $path), $example)),*
        ]
    };
}

/// The fields of the answer.
pub(super) static FIELDS: &[Field] = fields! {
    text "AutoReleaseTime" = "2027-06-28T14:38:52Z";
    text "Cpu" = "2";
    text "CreationTime" = "2026-07-26T06:40:43Z";
    text "DataDisk.DataDisk[].Category" = "cloud_efficiency";
    text "DataDisk.DataDisk[].DiskId" = "d-5ip4c2dhmas0vjd5u1r7v69e0";
    text "DataDisk.DataDisk[].DiskName" = "d-5ip4c2dhmas0vjd5u1r7v69e0";
    integer "DataDisk.DataDisk[].DiskSize" = "50";
    text "DataDisk.DataDisk[].EncryptKeyId" = "0e478b7a-4262-4802-b8cb-00d3fb408263";
    boolean "DataDisk.DataDisk[].Encrypted" = "true";
    integer "DataDisk.DataDisk[].Size" = "51200";
    text "DataDisk.DataDisk[].device_type" = "cloud_efficiency";
    text "DataDisk.DataDisk[].disk_type" = "data";
    text "DataDisk.DataDisk[].name" = "d-5ip4c2dhmas0vjd5u1r7v69e0";
    integer "DataDisk.DataDisk[].storage" = "51200";
    text "DataDisk.DataDisk[].uuid" = "d-5ip4c2dhmas0vjd5u1r7v69e0";
    boolean "DeletionProtection" = "false";
    integer "Disk" = "71680";
    text "EnsRegionId" = "edge-1";
    text "ExpiredTime" = "2126-07-02T06:40:43Z";
    text "HostName" = "web-1";
    text "ImageId" = "m-debian-12";
    text "InnerIpAddress.IpAddress[]" = "10.0.0.2";
    text "InstanceId" = "i-5vn4n3y4laeb2ii9zxxltlvzi";
    text "InstanceName" = "web";
    text "InstanceResourceType" = "EnsPostPaidInstance";
    text "InstanceTypeFamily" = "x86_vm";
    integer "InternetMaxBandwidthIn" = "100";
    integer "InternetMaxBandwidthOut" = "100";
    text "KeyPairName" = "operators";
    integer "Memory" = "4096";
    text "NetworkAttributes.NetworkId" = "n-5tkmrb4kdjzc5p5qsl0y2hbq7";
    text "NetworkAttributes.PrivateIpAddress.IpAddress[]" = "10.0.0.2";
    text "NetworkAttributes.VSwitchId" = "vsw-5sagnw7m613oulalkd10nv0ob";
    text "NetworkInterfaces.NetworkInterfaces[].Ipv6Sets.Ipv6Set[].Ipv6Address" = "fd00::7";
    text "NetworkInterfaces.NetworkInterfaces[].MacAddress" = "00:16:3e:4f:5f:ca";
    text "NetworkInterfaces.NetworkInterfaces[].NetworkInterfaceId" = "eni-50wlonoy6jo8532gfzuamaxd1";
    text "NetworkInterfaces.NetworkInterfaces[].PrimaryIpAddress" = "10.0.0.2";
    boolean "NetworkInterfaces.NetworkInterfaces[].PrivateIpSets.PrivateIpSet[].Primary" = "true";
    text "NetworkInterfaces.NetworkInterfaces[].PrivateIpSets.PrivateIpSet[].PrivateIpAddress" = "10.0.0.2";
    text "NetworkInterfaces.NetworkInterfaces[].Type" = "Primary";
    text "NetworkInterfaces.NetworkInterfaces[].VpdId" = "";
    text "NetworkInterfaces.NetworkInterfaces[].VpdVSwitchId" = "";
    text "OSName" = "Debian 12 64-bit";
    text "PrivateIpAddresses.PrivateIpAddress[].GateWay" = "10.0.0.1";
    text "PrivateIpAddresses.PrivateIpAddress[].Ip" = "10.0.0.2";
    text "PrivateIpAddresses.PrivateIpAddress[].Isp" = "local";
    text "PublicIpAddress.IpAddress[]" = "198.18.0.7";
    text "PublicIpAddresses.PublicIpAddress[].GateWay" = "198.18.0.1";
    text "PublicIpAddresses.PublicIpAddress[].Ip" = "198.18.0.7";
    text "PublicIpAddresses.PublicIpAddress[].Isp" = "local";
    text "SecurityGroupIds.SecurityGroupId[]" = "sg-5kyicq2kfcapxrdds6tar7jqb";
    text "ServiceStatus" = "Normal";
    text "SpecName" = "ens.sn1.small";
    text "SpotStrategy" = "NoSpot";
    text "Status" = "Running";
    text "SystemDisk.Category" = "cloud_efficiency";
    text "SystemDisk.DiskId" = "d-5ip4c2dhmas0rn7rt0p96c1xk";
    text "SystemDisk.DiskName" = "d-5ip4c2dhmas0rn7rt0p96c1xk";
    integer "SystemDisk.Size" = "20480";
    text "SystemDisk.device_type" = "cloud_efficiency";
    text "SystemDisk.disk_type" = "system";
    text "SystemDisk.name" = "d-5ip4c2dhmas0rn7rt0p96c1xk";
    integer "SystemDisk.storage" = "20480";
    text "SystemDisk.uuid" = "d-5ip4c2dhmas0rn7rt0p96c1xk";
    text "Tags.Tags[].TagKey" = "team";
    text "Tags.Tags[].TagValue" = "network";
};

/// The state of the service that an instance is a part of.
pub(super) fn service_status(instance: &Instance) -> &'static str {
    if instance.status == InstanceStatus::Expired { "Expired" } else { "Normal" }
}

/// When an instance expires.
pub(super) fn expires_at(instance: &Instance) -> UnixMillis {
    match instance.charge {
        Charge::PrePaid { expires_at, .. } => expires_at,
        Charge::PostPaid => instance.created_at.plus(NEVER_MS),
    }
}

/// An instance. `group` is the group that was asked for.
pub(super) fn shown(
    instance: &Instance,
    group: Option<SecurityGroupId>,
    state: &State,
    site: &Catalogue,
) -> Value {
    let image = site.image(instance.image.as_str());
    let instance_type = site.instance_type(instance.instance_type.as_str());
    let arm = image.is_some_and(|image| image.architecture.starts_with("arm"));
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| shown.insert(name.into(), value);
    put("InstanceId", json!(instance.id.to_string()));
    put("InstanceName", json!(instance.display_name()));
    put("HostName", json!(instance.host_name.as_deref().map_or_else(|| instance.id.to_string(), Into::into)));
    put("Status", json!(instance.status.name()));
    put("ServiceStatus", json!(service_status(instance)));
    put("EnsRegionId", json!(instance.region.as_str()));
    put("SpecName", json!(instance.instance_type.as_str()));
    put("InstanceTypeFamily", json!(if arm { "arm_vm" } else { "x86_vm" }));
    put("Cpu", json!(instance_type.map_or_else(String::new, |own| own.cpu_cores.to_string())));
    put("Memory", json!(instance_type.map_or(0, |own| own.memory_mib)));
    put("ImageId", json!(instance.image.as_str()));
    put("OSName", json!(image.map_or("", |image| &image.os_name)));
    put("KeyPairName", json!(instance.key_pair.as_deref().unwrap_or_default()));
    put("DeletionProtection", json!(instance.deletion_protection));
    put(
        "InstanceResourceType",
        json!(match instance.charge {
            Charge::PrePaid { .. } => "EnsInstance",
            Charge::PostPaid => "EnsPostPaidInstance",
        }),
    );
    put("SpotStrategy", json!("NoSpot"));
    put("CreationTime", json!(instance.created_at.to_text()));
    put("ExpiredTime", json!(expires_at(instance).to_text()));
    if let Some(at) = instance.auto_release_at {
        put("AutoReleaseTime", json!(at.to_text()));
    }
    put("InternetMaxBandwidthIn", json!(instance.internet_bandwidth_mbps));
    put("InternetMaxBandwidthOut", json!(instance.internet_bandwidth_mbps));
    put("Disk", json!(instance.disks().map(|disk| u64::from(disk.size_gib)).sum::<u64>() * MIB_OF_GIB));
    put("SystemDisk", Value::Object(disk(&instance.system_disk, "system")));
    let data_disks: Vec<_> = instance.data_disks.iter().map(data_disk).collect();
    put("DataDisk", json!({ "DataDisk": data_disks }));
    let tag = |tag: &model::tag::Tag| json!({ "TagKey": tag.key, "TagValue": tag.value });
    put("Tags", json!({ "Tags": instance.tags.iter().map(tag).collect::<Vec<_>>() }));
    network(&mut shown, instance, group, state, site);
    Value::Object(shown)
}

fn disk(disk: &Disk, disk_type: &str) -> Map<String, Value> {
    let (id, size_mib) = (json!(disk.id.to_string()), json!(u64::from(disk.size_gib) * MIB_OF_GIB));
    let mut shown = Map::new();
    shown.insert("Category".into(), json!(disk.category.as_str()));
    shown.insert("Size".into(), size_mib.clone());
    shown.insert("storage".into(), size_mib);
    shown.insert("disk_type".into(), json!(disk_type));
    shown.insert("device_type".into(), json!(disk.category.as_str()));
    for name in ["DiskId", "DiskName", "name"] {
        shown.insert(name.into(), id.clone());
    }
    shown.insert("uuid".into(), id);
    shown
}

fn data_disk(own: &Disk) -> Map<String, Value> {
    let mut shown = disk(own, "data");
    shown.insert("DiskSize".into(), json!(own.size_gib));
    shown.insert("Encrypted".into(), json!(own.encrypted));
    shown.insert("EncryptKeyId".into(), json!(own.key_id));
    shown
}

/// Addresses, interfaces and groups.
fn network(
    shown: &mut Map<String, Value>,
    instance: &Instance,
    group: Option<SecurityGroupId>,
    state: &State,
    site: &Catalogue,
) {
    let region = site.region(instance.region.as_str());
    let isp = region.and_then(|region| region.isps.first()).map_or("", String::as_str);
    let interfaces: Vec<&Arc<NetworkInterface>> =
        instance.interfaces().filter_map(|id| state.interfaces().get(&id)).collect();
    let mut private = Vec::new();
    let mut inner = Vec::new();
    for interface in &interfaces {
        let vswitch = state.vswitches().get(&interface.vswitch);
        let gateway = vswitch.map_or_else(String::new, |vswitch| vswitch.gateway().to_string());
        for address in interface.addresses() {
            private.push(json!({ "Ip": address.to_string(), "GateWay": gateway, "Isp": isp }));
            inner.push(address.to_string());
        }
    }
    if let Some(primary) = interfaces.first() {
        let network = state.vswitches().get(&primary.vswitch).map(|vswitch| vswitch.network.to_string());
        let addresses: Vec<_> = primary.addresses().map(|address| address.to_string()).collect();
        shown.insert(
            "NetworkAttributes".into(),
            json!({
                "NetworkId": network.unwrap_or_default(),
                "VSwitchId": primary.vswitch.to_string(),
                "PrivateIpAddress": { "IpAddress": addresses },
            }),
        );
        shown.insert("SecurityGroupIds".into(), json!({ "SecurityGroupId": groups(primary, group) }));
    }
    shown.insert("PrivateIpAddresses".into(), json!({ "PrivateIpAddress": private }));
    shown.insert("InnerIpAddress".into(), json!({ "IpAddress": inner }));
    let public: Vec<_> = instance.public_address.iter().map(ToString::to_string).collect();
    let with_gateway = public.iter().map(|address| json!({ "Ip": address, "GateWay": "", "Isp": isp }));
    let with_gateway: Vec<_> = with_gateway.collect();
    shown.insert("PublicIpAddresses".into(), json!({ "PublicIpAddress": with_gateway }));
    shown.insert("PublicIpAddress".into(), json!({ "IpAddress": public }));
    let interfaces: Vec<_> = interfaces.into_iter().map(|interface| self::interface(interface)).collect();
    shown.insert("NetworkInterfaces".into(), json!({ "NetworkInterfaces": interfaces }));
}

/// The groups of the primary interface, the newest membership first, but the one that was asked for before all:
/// clients that wait for a Join look at the first one.
fn groups(primary: &NetworkInterface, asked: Option<SecurityGroupId>) -> Vec<String> {
    let asked = asked.filter(|asked| primary.groups.contains(asked));
    let others = primary.groups.iter().copied().filter(|own| Some(*own) != asked);
    asked.into_iter().chain(others).map(|group| group.to_string()).collect()
}

fn interface(interface: &NetworkInterface) -> Value {
    let private = |address: std::net::Ipv4Addr| json!({ "PrivateIpAddress": address.to_string(), "Primary": address == interface.address });
    let ipv6 = interface.ipv6_addresses.iter().map(|address| json!({ "Ipv6Address": address.to_string() }));
    json!({
        "NetworkInterfaceId": interface.id.to_string(),
        "Type": if interface.primary { "Primary" } else { "Secondary" },
        "MacAddress": interface.mac.to_string(),
        "PrimaryIpAddress": interface.address.to_string(),
        "PrivateIpSets": { "PrivateIpSet": interface.addresses().map(private).collect::<Vec<_>>() },
        "Ipv6Sets": { "Ipv6Set": ipv6.collect::<Vec<_>>() },
    })
}
