//! `RebootInstance`.

use super::instance::{FORCE_STOP, INSTANCE_ID, STATE_ERRORS, accepted, instance};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "RebootInstance",
    family: "instance",
    summary: "Stops an instance that is Running and starts it again.",
    description: "It is Stopping, then Starting, then Running.",
    methods: Methods::GetOrPost,
    parameters: &[INSTANCE_ID, FORCE_STOP],
    exactly_one: &[],
    answer: &[Field::integer("Code", "0")],
    errors: STATE_ERRORS,
    ram: Ram::all("ens:RebootInstance", Access::Update),
    handler: Handler::Change { command, answer: accepted },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::Instance(InstanceCommand::Reboot { instance: instance(call) }))
}
