//! `StartInstance`.

use super::instance::{INSTANCE_ID, STATE_ERRORS, accepted, instance};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "StartInstance",
    family: "instance",
    summary: "Starts an instance that is Stopped.",
    description: "It is Starting for a while, then Running.",
    methods: Methods::GetOrPost,
    parameters: &[INSTANCE_ID],
    exactly_one: &[],
    answer: &[Field::integer("Code", "0")],
    errors: STATE_ERRORS,
    ram: Ram::all("ens:StartInstance", Access::Update),
    handler: Handler::Change { command, answer: accepted },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::Instance(InstanceCommand::Start { instance: instance(call) }))
}
