//! `ReinitInstances`.

use super::{
    batch::{ANSWER, INSTANCE_IDS, answer, description, each},
    instance::{OFFERED, PASSWORD},
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "ReinitInstances",
    family: "instance",
    summary: "Resets the system disks of instances.",
    description: description!(
        "The instances must be Running or Stopped. They are Resetting for a while, and then as they were before."
    ),
    methods: Methods::Post,
    parameters: &[
        INSTANCE_IDS,
        Parameter::optional(
            "ImageId",
            OFFERED,
            "The image; the one that each instance has where it is not given.",
            "m-debian-12",
        ),
        PASSWORD,
    ],
    exactly_one: &[],
    answer: ANSWER,
    errors: &[&code::INSTANCE_ID_NOT_FOUND, &code::INCORRECT_INSTANCE_STATUS, &code::IMAGE_NOT_FOUND],
    ram: Ram::all("ens:ReinitInstances", Access::Update),
    handler: Handler::ChangeEach { commands, answer },
};

fn commands(call: &Call<'_>) -> Result<Vec<Item>, Fault> {
    each(call, |instance| InstanceCommand::Reinit { instance, image: call.arguments.boxed("ImageId") })
}
