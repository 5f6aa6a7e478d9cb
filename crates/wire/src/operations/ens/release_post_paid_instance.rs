//! `ReleasePostPaidInstance`.

use model::command::ReleaseCharge;

use super::instance::{INSTANCE_ID, instance};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "ReleasePostPaidInstance",
    family: "instance",
    summary: "Releases an instance that is paid by use.",
    description: "The instance must be Running, Stopped or Expired, and not protected by DeletionProtection. It leaves its security groups at once, is Releasing for a while, and then does not exist any more; its secondary network interfaces stay. A subscription is refused: InvalidParameter.",
    methods: Methods::GetOrPost,
    parameters: &[INSTANCE_ID],
    exactly_one: &[],
    answer: &[],
    errors: &[&code::INSTANCE_ID_NOT_FOUND, &code::INCORRECT_INSTANCE_STATUS, &code::DELETION_PROTECTED],
    ram: Ram::all("ens:ReleasePostPaidInstance", Access::Delete),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    let charge = Some(ReleaseCharge::PostPaid);
    Ok(Command::Instance(InstanceCommand::Release { instance: instance(call), charge }))
}
