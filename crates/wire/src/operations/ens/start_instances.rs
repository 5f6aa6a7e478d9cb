//! `StartInstances`.

use super::{
    batch::{ANSWER, INSTANCE_IDS, answer, description, each},
    instance::STATE_ERRORS,
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "StartInstances",
    family: "instance",
    summary: "Starts instances that are Stopped.",
    description: description!("They are Starting for a while, then Running."),
    methods: Methods::Post,
    parameters: &[INSTANCE_IDS],
    exactly_one: &[],
    answer: ANSWER,
    errors: STATE_ERRORS,
    ram: Ram::all("ens:StartInstances", Access::Update),
    handler: Handler::ChangeEach { commands, answer },
};

fn commands(call: &Call<'_>) -> Result<Vec<Item>, Fault> {
    each(call, |instance| InstanceCommand::Start { instance })
}
