//! `StopInstance`.

use super::instance::{FORCE_STOP, INSTANCE_ID, STATE_ERRORS, accepted, instance};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "StopInstance",
    family: "instance",
    summary: "Stops an instance that is Running.",
    description: "It is Stopping for a while, then Stopped.",
    methods: Methods::GetOrPost,
    parameters: &[INSTANCE_ID, FORCE_STOP],
    exactly_one: &[],
    answer: &[Field::integer("Code", "0")],
    errors: STATE_ERRORS,
    ram: Ram::named("ens:StopInstance", Access::Update, "instance", "InstanceId"),
    handler: Handler::Change { command, answer: accepted },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::Instance(InstanceCommand::Stop { instance: instance(call) }))
}
