//! `ModifyAccountEnforcement`.

use model::node::ENFORCEMENT_WAIT_SECONDS_MAX;

use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ravelin,
    name: "ModifyAccountEnforcement",
    family: "enforcement",
    summary: "Sets how long the account's changes wait for nodes.",
    description: "The answer to a change that concerns nodes is held back until each of them has confirmed it from its kernel, for `WaitSeconds` at most; then it is `ens.interface.error`, and the change stays made. Changes that concern no node are answered at once.\n\nThe header `x-ravelin-wait: <seconds>` of a request counts before this setting, and this setting before the server's (`ravelin serve --wait-for-enforcement`). It is for clients that send no headers of their own, such as Terraform. Without `WaitSeconds` the account has no setting of its own any more.",
    methods: Methods::GetOrPost,
    parameters: &[Parameter::optional(
        "WaitSeconds",
        Kind::Integer { min: 0, max: ENFORCEMENT_WAIT_SECONDS_MAX as i64 },
        "For how many seconds; 0 is not at all. As the server's setting says, where it is not given.",
        "5",
    )],
    exactly_one: &[],
    answer: &[],
    errors: &[],
    ram: Ram::all("ravelin:ModifyAccountEnforcement", Access::Update),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    let seconds = call.arguments.integer("WaitSeconds").and_then(|seconds| u8::try_from(seconds).ok());
    Ok(Command::Node(NodeCommand::ModifyEnforcementWait { seconds }))
}
