//! `ReinitInstance`.

use super::instance::{INSTANCE_ID, OFFERED, PASSWORD, instance};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "ReinitInstance",
    family: "instance",
    summary: "Resets the system disk of an instance to an image.",
    description: "The instance must be Running or Stopped. It is ImageDownloading (if the image is another one than it has) and Resetting for a while, and then as it was before. While its disk is being reset, it can neither join nor leave security groups: IncorrectInstanceStatus.",
    methods: Methods::Post,
    parameters: &[
        INSTANCE_ID,
        Parameter::required("ImageId", OFFERED, "The image.", "m-debian-12"),
        PASSWORD,
    ],
    exactly_one: &[],
    answer: &[],
    errors: &[&code::INSTANCE_ID_NOT_FOUND, &code::INCORRECT_INSTANCE_STATUS, &code::IMAGE_NOT_FOUND],
    ram: Ram::all("ens:ReinitInstance", Access::Update),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    let image = call.arguments.boxed("ImageId");
    Ok(Command::Instance(InstanceCommand::Reinit { instance: instance(call), image }))
}
