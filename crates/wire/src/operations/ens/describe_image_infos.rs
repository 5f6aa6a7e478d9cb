//! `DescribeImageInfos`.

use super::{describe_images::disk_device_mappings, instance::with_code};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "DescribeImageInfos",
    family: "region, image, disk",
    summary: "Lists the images that the server offers, all at once.",
    description: "",
    methods: Methods::GetOrPost,
    parameters: &[Parameter::optional(
        "OsType",
        Kind::OneOf(&["linux", "Linux", "windows", "Windows"]),
        "Images of this operating system alone.",
        "linux",
    )],
    exactly_one: &[],
    answer: &[
        Field::integer("Code", "0"),
        Field::text("Images.Image[].ComputeType", "ens_vm"),
        Field::text("Images.Image[].Description", "debian_12_x64_20G"),
        Field::text("Images.Image[].DiskDeviceMappings.DiskDeviceMapping[].Format", "raw"),
        Field::text("Images.Image[].DiskDeviceMappings.DiskDeviceMapping[].Size", "20"),
        Field::text("Images.Image[].DiskDeviceMappings.DiskDeviceMapping[].Type", "System"),
        Field::text("Images.Image[].DiskDeviceMappings.DiskDeviceMapping[].imageId", "m-debian-12"),
        Field::text("Images.Image[].ImageId", "m-debian-12"),
        Field::text("Images.Image[].ImageOwnerAlias", "system"),
        Field::text("Images.Image[].ImageSize", "20"),
        Field::text("Images.Image[].ImageVersion", "1.0"),
        Field::text("Images.Image[].OSName", "Debian 12 64-bit"),
        Field::text("Images.Image[].OSType", "linux"),
        Field::text("Images.Image[].RegionId", ""),
    ],
    errors: &[],
    ram: Ram::all("ens:DescribeImageInfos", Access::List),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, _: &State) -> Result<Answer, Fault> {
    let wanted = call.arguments.text("OsType");
    let offered = call.site.images.iter();
    let offered = offered.filter(|image| wanted.is_none_or(|os| image.os_type.eq_ignore_ascii_case(os)));
    let shown: Vec<Value> = offered
        .map(|image| {
            json!({
                "ImageId": image.id,
                "Description": image.name,
                "ComputeType": "ens_vm",
                "ImageOwnerAlias": "system",
                "ImageSize": image.size_gib.to_string(),
                "ImageVersion": image.version,
                "OSName": image.os_name,
                "OSType": image.os_type,
                "RegionId": "",
                "DiskDeviceMappings": disk_device_mappings(image),
            })
        })
        .collect();
    let mut answer = with_code(0);
    answer.insert("Images".into(), json!({ "Image": shown }));
    Ok(answer)
}
