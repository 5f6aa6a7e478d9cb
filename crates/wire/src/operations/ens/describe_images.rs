//! `DescribeImages`.

use model::site::Image;

use super::{
    instance::{OFFERED, with_code},
    page::{PAGE_NUMBER, PAGE_SIZE, Page},
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "DescribeImages",
    family: "region, image, disk",
    summary: "Lists the images that the server offers, page by page.",
    description: "Every image can be used at every edge site. There are no snapshots here, so that `SnapshotId` matches nothing.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::optional("ImageId", OFFERED, "This image alone.", "m-debian-12"),
        Parameter::optional("ImageName", OFFERED, "Images of exactly this name.", "debian_12_x64_20G"),
        Parameter::optional(
            "EnsRegionId",
            OFFERED,
            "Images that can be used at this edge site: all, if the server offers it.",
            "edge-1",
        ),
        Parameter::optional(
            "SnapshotId",
            Kind::Id,
            "Images made from this snapshot: none.",
            "sp-5xg63dmojc1oaa3pk",
        ),
        Parameter::optional(
            "Status",
            Kind::Ignored,
            "The state of the image. Without effect, with the vendor too.",
            "",
        ),
        PAGE_NUMBER,
        PAGE_SIZE,
    ],
    exactly_one: &[],
    answer: &[
        Field::integer("Code", "0"),
        Field::text("Images.Image[].Architecture", "x86_64"),
        Field::text("Images.Image[].CreationTime", "2017-12-08T12:10:03Z"),
        Field::text("Images.Image[].DiskDeviceMappings.DiskDeviceMapping[].Format", "raw"),
        Field::text("Images.Image[].DiskDeviceMappings.DiskDeviceMapping[].Size", "20"),
        Field::text("Images.Image[].DiskDeviceMappings.DiskDeviceMapping[].Type", "System"),
        Field::text("Images.Image[].DiskDeviceMappings.DiskDeviceMapping[].imageId", "m-debian-12"),
        Field::text("Images.Image[].ImageId", "m-debian-12"),
        Field::text("Images.Image[].ImageName", "debian_12_x64_20G"),
        Field::text("Images.Image[].ImageOwnerAlias", "system"),
        Field::text("Images.Image[].ImageSize", "20"),
        Field::text("Images.Image[].Platform", "Debian"),
        Field::text("Images.Image[].RegionId", "edge-1"),
        Field::text("Images.Image[].SnapshotId", ""),
        Field::integer("PageNumber", "1"),
        Field::integer("PageSize", "10"),
        Field::integer("TotalCount", "4"),
    ],
    errors: &[],
    ram: Ram::all("ens:DescribeImages", Access::List),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, _: &State) -> Result<Answer, Fault> {
    let arguments = call.arguments;
    let (id, name) = (arguments.text("ImageId"), arguments.text("ImageName"));
    let region = arguments.text("EnsRegionId");
    let any = !arguments.has("SnapshotId") && region.is_none_or(|region| call.site.region(region).is_some());
    let found = call.site.images.iter().filter(|image| {
        any && id.is_none_or(|id| image.id == id) && name.is_none_or(|name| image.name == name)
    });
    let (page, images) = Page::of(arguments, 10).cut(found);
    let mut answer = with_code(0);
    answer.extend(page);
    let shown: Vec<Value> = images.into_iter().map(|image| shown(image, region)).collect();
    answer.insert("Images".into(), json!({ "Image": shown }));
    Ok(answer)
}

fn shown(image: &Image, region: Option<&str>) -> Value {
    json!({
        "ImageId": image.id,
        "ImageName": image.name,
        "ImageOwnerAlias": "system",
        "ImageSize": image.size_gib.to_string(),
        "Architecture": image.architecture,
        "Platform": image.platform,
        "RegionId": region.unwrap_or_default(),
        "SnapshotId": "",
        "DiskDeviceMappings": disk_device_mappings(image),
    })
}

/// The one disk that an image makes.
pub(super) fn disk_device_mappings(image: &Image) -> Value {
    let disk = json!({
        "Type": "System",
        "Format": "raw",
        "Size": image.size_gib.to_string(),
        "imageId": image.id,
    });
    json!({ "DiskDeviceMapping": [disk] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::ens::testing::World;

    /// The values of a field of a list that a call answers.
    fn listed(operation: &str, parameters: &[(&str, &str)], path: &str) -> Vec<String> {
        let answer = Value::Object(World::new().call(operation, parameters).unwrap());
        let values = crate::catalogue::value_at(&answer, path);
        values.into_iter().map(|value| value.as_str().unwrap().into()).collect()
    }

    #[test]
    fn images_are_found_by_id_name_and_site() {
        let ids =
            |parameters: &[(&str, &str)]| listed("DescribeImages", parameters, "Images.Image[].ImageId");
        assert_eq!(ids(&[]).len(), 4);
        assert_eq!(ids(&[("ImageId", "m-debian-12")]), ["m-debian-12"]);
        assert_eq!(ids(&[("ImageName", "debian_12_x64_20G")]), ["m-debian-12"]);
        assert_eq!(ids(&[("EnsRegionId", "edge-1"), ("PageSize", "2"), ("PageNumber", "2")]).len(), 2);
        for (name, value) in [("ImageId", "m-none"), ("EnsRegionId", "nowhere"), ("SnapshotId", "sp-1")] {
            assert!(ids(&[(name, value)]).is_empty(), "{name}");
        }
    }

    #[test]
    fn what_the_server_offers_is_listed_whole_or_by_one_name() {
        for (operation, filter, path, all, one) in [
            ("DescribeImageInfos", ("OsType", "Windows"), "Images.Image[].ImageId", 4, "m-windows-2022"),
            (
                "DescribeEnsRegions",
                ("EnsRegionId", "edge-1"),
                "EnsRegions.EnsRegions[].EnsRegionId",
                8,
                "edge-1",
            ),
            ("DescribeRegionIsps", ("EnsRegionId", "cn-shanghai-cmcc"), "Isps[].Name", 5, "China Mobile"),
            (
                "DescribeInstanceTypes",
                ("InstanceType", "ens.sn1.small"),
                "InstanceTypes.InstanceType[].InstanceTypeName",
                8,
                "ens.sn1.small",
            ),
        ] {
            assert_eq!(listed(operation, &[], path).len(), all, "{operation}");
            assert_eq!(listed(operation, &[filter], path), [one], "{operation}");
        }
        assert!(
            listed("DescribeEnsRegions", &[("EnsRegionId", "x")], "EnsRegions.EnsRegions[].Name").is_empty()
        );
        let cores = listed("DescribeInstanceSpec", &[], "InstanceSpecs.InstanceSpec[].Core");
        assert_eq!((cores.len(), &*cores[0]), (8, "1"));
    }
}
