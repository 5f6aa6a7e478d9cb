//! `ModifyInstanceAttribute`.

use super::instance::{
    HOST_NAME, INSTANCE_ID, NAME, PASSWORD, STATE_ERRORS, USER_DATA, instance, user_data, with_code,
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "ModifyInstanceAttribute",
    family: "instance",
    summary: "Changes name, host name, user data, protection or password of an instance.",
    description: "What is not given stays as it is. An instance that is being released cannot be changed; a password cannot be given while the instance is Running or Starting. `Code` in the answer is 200 here, not 0: so it is with the vendor.",
    methods: Methods::GetOrPost,
    parameters: &[
        INSTANCE_ID,
        Parameter::optional("InstanceName", NAME, "The new name.", "web"),
        Parameter::optional("HostName", HOST_NAME, "The new host name.", "web-1"),
        Parameter::optional(
            "DeletionProtection",
            Kind::Boolean,
            "Whether a release is refused; not for subscriptions.",
            "true",
        ),
        Parameter::optional(
            "UserData",
            USER_DATA,
            "The new user data: Base64 of up to 16 KiB.",
            "IyEvYmluL3NoCmVjaG8gaGVsbG8K",
        ),
        PASSWORD,
    ],
    exactly_one: &[],
    answer: &[Field::integer("Code", "200")],
    errors: STATE_ERRORS,
    ram: Ram::all("ens:ModifyInstanceAttribute", Access::Update),
    handler: Handler::Change { command, answer },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    let arguments = call.arguments;
    Ok(Command::Instance(InstanceCommand::Modify {
        instance: instance(call),
        name: arguments.boxed("InstanceName"),
        host_name: arguments.boxed("HostName"),
        user_data: user_data(arguments)?,
        deletion_protection: arguments.boolean("DeletionProtection"),
        password: arguments.has("Password"),
    }))
}

fn answer(_: &Call<'_>, _: &Outcome) -> Answer {
    with_code(200)
}
