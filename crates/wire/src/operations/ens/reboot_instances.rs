//! `RebootInstances`.

use super::{
    batch::{ANSWER, INSTANCE_IDS, answer, description, each},
    instance::STATE_ERRORS,
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "RebootInstances",
    family: "instance",
    summary: "Stops instances that are Running and starts them again.",
    description: description!("They are Stopping, then Starting, then Running."),
    methods: Methods::Post,
    parameters: &[INSTANCE_IDS],
    exactly_one: &[],
    answer: ANSWER,
    errors: STATE_ERRORS,
    ram: Ram::all("ens:RebootInstances", Access::Update),
    handler: Handler::ChangeEach { commands, answer },
};

fn commands(call: &Call<'_>) -> Result<Vec<Item>, Fault> {
    each(call, |instance| InstanceCommand::Reboot { instance })
}
