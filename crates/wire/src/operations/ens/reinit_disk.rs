//! `ReInitDisk`.

use super::instance::{OFFERED, accepted};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "ReInitDisk",
    family: "region, image, disk",
    summary: "Resets one disk of an instance to an image.",
    description: "The instance must be Running or Stopped. It is ImageDownloading (if the image is another one than it has) and Resetting for a while, and then as it was before. While its disk is being reset, it can neither join nor leave security groups: IncorrectInstanceStatus.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::required(
            "DiskId",
            Kind::Id,
            "The disk; DescribeInstances shows the disks of an instance.",
            "d-5r7v69e0bejrnzger09w71yjv",
        ),
        Parameter::required("ImageId", OFFERED, "The image.", "m-debian-12"),
    ],
    exactly_one: &[],
    answer: &[Field::integer("Code", "0")],
    errors: &[&code::DISK_NOT_FOUND, &code::IMAGE_NOT_FOUND, &code::INCORRECT_INSTANCE_STATUS],
    ram: Ram::all("ens:ReInitDisk", Access::Update),
    handler: Handler::Change { command, answer: accepted },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    let disk = call.arguments.required_id("DiskId");
    let image = call.arguments.required_text("ImageId").into();
    Ok(Command::Instance(InstanceCommand::ReinitDisk { disk, image }))
}
