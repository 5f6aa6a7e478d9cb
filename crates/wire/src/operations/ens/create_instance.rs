//! `CreateInstance`: the older sibling of `RunInstances`, for subscriptions.

use model::command::{ChargeWish, InstanceWish, Placement};

use super::{
    instance::{OFFERED, PASSWORD, SCRIPT, script, with_code},
    launch::{
        DISK_SIZE, ERRORS, HOST, IMAGE_ID, INSTANCE_NAME, INTERNET_CHARGE_TYPE, IP_TYPE, KEY_PAIR_NAME,
        MONTH_DAYS, PASSWORD_INHERIT, PRIVATE_IP_ADDRESS, UNIQUE_SUFFIX, V_SWITCH_ID, small, wish,
    },
};
use crate::catalogue::prelude::*;

/// The most data disks that are read; how many there may be is for the model to say.
const DATA_DISKS_MAX: usize = 100;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "CreateInstance",
    family: "instance",
    summary: "Makes and starts instances as subscriptions of whole months, all or none.",
    description: "RunInstances can do more: security group, instances paid by use, tags. The instances of CreateInstance are in no security group until they join one.\n\nThe instances pass through ImageDownloading, Creating and Starting; DescribeInstances shows when they are Running.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::required("EnsRegionId", OFFERED, "The edge site.", "edge-1"),
        Parameter::required("InstanceType", OFFERED, "The instance type.", "ens.sn1.small"),
        Parameter::required(
            "Period",
            Kind::OneOf(&["1", "2", "3", "4", "5", "6", "7", "8", "9", "12"]),
            "The length of the subscription, in months.",
            "12",
        ),
        Parameter::required("Quantity", Kind::Integer { min: 1, max: 100 }, "How many.", "1"),
        Parameter::optional(
            "AutoRenew",
            Kind::Boolean,
            "Whether the subscription renews itself when it is over; `False` where it is not given.",
            "True",
        ),
        Parameter::optional(
            "AutoRenewPeriod",
            Kind::Integer { min: 1, max: 12 },
            "By how many months it renews itself. It must be as many as `Period`: a subscription renews itself by its own length here.",
            "12",
        ),
        IMAGE_ID,
        INSTANCE_NAME,
        HOST,
        UNIQUE_SUFFIX,
        V_SWITCH_ID,
        PRIVATE_IP_ADDRESS,
        IP_TYPE,
        Parameter::optional(
            "PublicIpIdentification",
            Kind::Boolean,
            "Whether the instances get public addresses; `false` where it is not given.",
            "true",
        ),
        INTERNET_CHARGE_TYPE,
        Parameter::optional(
            "SystemDisk",
            Kind::Object {
                fields: &[Parameter::optional(
                    "Size",
                    DISK_SIZE,
                    "GiB; the size of the image where it is not given.",
                    "40",
                )],
                encoding: Encoding::Dotted,
            },
            "The system disk.",
            "",
        ),
        Parameter::optional(
            "DataDisk",
            Kind::Objects {
                fields: &[Parameter::optional(
                    "Size",
                    DISK_SIZE,
                    "GiB; the smallest that the server offers where it is not given.",
                    "50",
                )],
                max: DATA_DISKS_MAX,
                encoding: Encoding::Numbered,
            },
            "Data disks.",
            "",
        ),
        PASSWORD,
        PASSWORD_INHERIT,
        KEY_PAIR_NAME,
        Parameter::optional(
            "UserData",
            SCRIPT,
            "Up to 16 KiB that the instance sees at its first start: a script that begins with `#!`, or Base64.",
            "#!/bin/sh\necho hello",
        ),
        Parameter::optional(
            "PaymentType",
            Kind::OneOf(&["Subscription"]),
            "How the instances are paid for: there is no choice.",
            "Subscription",
        ),
        Parameter::optional(
            "OwnerId",
            Kind::Ignored,
            "An account number. Without effect: the signature says whose the call is.",
            "1234567890123456",
        ),
    ],
    exactly_one: &[],
    answer: &[
        Field::integer("Code", "0"),
        Field::text("InstanceIds.InstanceId[]", "i-5vn4n3y4laeb2ii9zxxltlvzi"),
    ],
    errors: ERRORS,
    ram: Ram::all("ens:CreateInstance", Access::Create),
    handler: Handler::Change { command, answer },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    let arguments = call.arguments;
    let months = arguments.required_text("Period").parse().unwrap_or(1);
    let renew = arguments.boolean("AutoRenew").unwrap_or(false);
    if renew && small(arguments, "AutoRenewPeriod").is_some_and(|own| own != months) {
        return Err(Fault::invalid("AutoRenewPeriod must be as long as Period"));
    }
    let placement = Placement::Region(arguments.required_text("EnsRegionId").into());
    let wish = InstanceWish {
        charge: ChargeWish::PrePaid { days: months * MONTH_DAYS, renew },
        user_data: script(arguments)?,
        public_address: arguments.boolean("PublicIpIdentification").unwrap_or(false),
        ..wish(arguments, arguments.count("Quantity", 1), placement)?
    };
    Ok(Command::Instance(InstanceCommand::Run(Box::new(wish))))
}

fn answer(_: &Call<'_>, outcome: &Outcome) -> Answer {
    let mut answer = with_code(0);
    if let Outcome::Instances(ids) = outcome {
        let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        answer.insert("InstanceIds".into(), json!({ "InstanceId": ids }));
    }
    answer
}
