//! What an operator offers: edge sites, images and instance types. Configuration, not state.

use std::{borrow::Borrow, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// A text that many resources share, such as the id of an edge site. The state keeps one copy of each.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Symbol(pub Arc<str>);

impl Symbol {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Symbol {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl Borrow<str> for Symbol {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// An edge site: what ENS calls a node and names by `EnsRegionId`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnsRegion {
    /// Its id, such as `cn-hangzhou-telecom`.
    pub id: String,
    /// Its name, as people of the place write it.
    pub name: String,
    /// Its name in English.
    pub english_name: String,
    /// The larger area, such as `EastChina`.
    pub area: String,
    /// The province, such as `Zhejiang`.
    pub province: String,
    /// The code of the district, for scheduling by area (`NetDistrictCode`).
    pub district_code: String,
    /// Its providers: `telecom`, `unicom`, `cmcc`, ...
    pub isps: Vec<String>,
}

/// An image that instances can be made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `linux` or `windows`.
    pub os_type: String,
    /// The operating system's name and version.
    pub os_name: String,
    /// The platform, such as `Debian`.
    pub platform: String,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// The version of the image.
    pub version: String,
    /// Its size, in GiB.
    pub size_gib: u32,
}

/// An instance type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstanceType {
    /// Its id, such as `ens.sn1.small`.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// The family, such as `ens.sn1`.
    pub family: String,
    /// Virtual CPUs.
    pub cpu_cores: u32,
    /// Memory, in MiB.
    pub memory_mib: u32,
}

/// Everything that an operator offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Catalogue {
    /// The edge sites.
    pub regions: Vec<EnsRegion>,
    /// The images.
    pub images: Vec<Image>,
    /// The instance types.
    pub instance_types: Vec<InstanceType>,
    /// The largest system disk, in GiB.
    pub system_disk_gib_max: u32,
    /// The smallest data disk, in GiB.
    pub data_disk_gib_min: u32,
    /// The largest data disk, in GiB.
    pub data_disk_gib_max: u32,
    /// The largest public bandwidth, in Mbit/s.
    pub bandwidth_mbps_max: u32,
}

impl Catalogue {
    /// The edge site with this id.
    pub fn region(&self, id: &str) -> Option<&EnsRegion> {
        self.regions.iter().find(|region| region.id == id)
    }

    /// The image with this id.
    pub fn image(&self, id: &str) -> Option<&Image> {
        self.images.iter().find(|image| image.id == id)
    }

    /// The instance type with this id.
    pub fn instance_type(&self, id: &str) -> Option<&InstanceType> {
        self.instance_types.iter().find(|instance_type| instance_type.id == id)
    }
}

impl Default for Catalogue {
    fn default() -> Self {
        Self {
            regions: default_regions(),
            images: default_images(),
            instance_types: default_instance_types(),
            system_disk_gib_max: 500,
            data_disk_gib_min: 20,
            data_disk_gib_max: 32_768,
            bandwidth_mbps_max: 1_000,
        }
    }
}

fn default_regions() -> Vec<EnsRegion> {
    [
        ("cn-hangzhou-telecom", "Hangzhou Telecom", "EastChina", "Zhejiang", "330100", "telecom"),
        ("cn-shanghai-cmcc", "Shanghai Mobile", "EastChina", "Shanghai", "310000", "cmcc"),
        ("cn-beijing-unicom", "Beijing Unicom", "NorthChina", "Beijing", "110000", "unicom"),
        ("cn-tianjin-cmcc", "Tianjin Mobile", "NorthChina", "Tianjin", "120000", "cmcc"),
        ("cn-xian-unicom", "Xi'an Unicom", "NorthWestChina", "Shaanxi", "610100", "unicom"),
        (
            "cn-chenzhou-telecom_unicom_cmcc",
            "Chenzhou",
            "CenterChina",
            "Hunan",
            "431000",
            "telecom,unicom,cmcc",
        ),
        ("id-jakarta-1", "Jakarta 1", "SouthEastAsia", "Jakarta", "id-jakarta", "multicarrier"),
        ("edge-1", "Edge site 1", "Edge", "Edge", "edge", "local"),
    ]
    .map(|(id, name, area, province, district, isps)| EnsRegion {
        id: id.into(),
        name: name.into(),
        english_name: name.into(),
        area: area.into(),
        province: province.into(),
        district_code: district.into(),
        isps: isps.split(',').map(Into::into).collect(),
    })
    .into()
}

fn default_images() -> Vec<Image> {
    [
        ("m-debian-12", "debian_12_x64_20G", "linux", "Debian 12 64-bit", "Debian"),
        ("m-ubuntu-24-04", "ubuntu_24_04_x64_20G", "linux", "Ubuntu 24.04 64-bit", "Ubuntu"),
        ("centos_6_08_64_20G_alibase_20171208", "centos_6_08_64_20G", "linux", "CentOS 6.8 64-bit", "CentOS"),
        ("m-windows-2022", "windows_2022_x64_40G", "windows", "Windows Server 2022 64-bit", "Windows Server"),
    ]
    .map(|(id, name, os_type, os_name, platform)| Image {
        id: id.into(),
        name: name.into(),
        os_type: os_type.into(),
        os_name: os_name.into(),
        platform: platform.into(),
        architecture: "x86_64".into(),
        version: "1.0".into(),
        size_gib: if os_type == "windows" { 40 } else { 20 },
    })
    .into()
}

fn default_instance_types() -> Vec<InstanceType> {
    [
        ("ens.sn1.tiny", "ens.sn1", 1, 1),
        ("ens.sn1.stiny", "ens.sn1", 1, 2),
        ("ens.sn1.small", "ens.sn1", 2, 4),
        ("ens.sn1.medium", "ens.sn1", 4, 8),
        ("ens.sn1.large", "ens.sn1", 8, 16),
        ("ens.sn2.small", "ens.sn2", 2, 8),
        ("ens.se1.tiny", "ens.se1", 1, 1),
        ("ens.se1.small", "ens.se1", 2, 16),
    ]
    .map(|(id, family, cpu_cores, memory_gib)| InstanceType {
        id: id.into(),
        name: format!("{cpu_cores} vCPU, {memory_gib} GiB"),
        family: family.into(),
        cpu_cores,
        memory_mib: memory_gib * 1024,
    })
    .into()
}
