//! `RunInstances`.

use model::command::{ChargeWish, InstanceWish, Placement};

use super::{
    instance::{OFFERED, PASSWORD, USER_DATA, user_data},
    launch::{
        DISK_SIZE, ERRORS, HOST, IMAGE_ID, INSTANCE_NAME, INTERNET_CHARGE_TYPE, IP_TYPE, KEY_PAIR_NAME,
        MONTH_DAYS, PASSWORD_INHERIT, PRIVATE_IP_ADDRESS, UNIQUE_SUFFIX, V_SWITCH_ID, small, wish,
    },
};
use crate::catalogue::prelude::*;

/// The most tags of one instance.
const TAGS_MAX: usize = 20;
/// The most data disks that are read; how many there may be is for the model to say.
const DATA_DISKS_MAX: usize = 100;

/// A category of a disk. Some clients send an empty one for none.
const CATEGORY: Kind = Kind::form(0, 64, Form::ANY);

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "RunInstances",
    family: "instance",
    summary: "Makes and starts instances, 1 to 100 at once, all or none.",
    description: "Where the instances go is said by `EnsRegionId` (`ScheduleAreaLevel` `Region`), or by `NetDistrictCode` and `Carrier` (`Big`, `Middle`, `Small`), which choose the first edge site that fits. Without `ScheduleAreaLevel`, `Region` is meant where `EnsRegionId` is given. A vSwitch, a network or an address can be chosen for an edge site only.\n\nThe instances pass through ImageDownloading, Creating and Starting; DescribeInstances shows when they are Running. With `SecurityId` they are members of that group from the first moment on; without, they are in none.\n\nElsewhere one of `Password`, `KeyPairName` and `PasswordInherit` is asked for. Here all three may be left out.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::optional(
            "Amount",
            Kind::Integer { min: 1, max: 100 },
            "How many; 1 where it is not given.",
            "1",
        ),
        Parameter::optional(
            "ScheduleAreaLevel",
            Kind::OneOf(&["Region", "Big", "Middle", "Small"]),
            "Whether an edge site or an area is named.",
            "Region",
        ),
        Parameter::optional(
            "EnsRegionId",
            OFFERED,
            "The edge site. Needed for `Region`, not looked at otherwise.",
            "edge-1",
        ),
        Parameter::optional(
            "NetDistrictCode",
            OFFERED,
            "The district of the area. Needed unless for `Region`, and not looked at then.",
            "330100",
        ),
        Parameter::optional(
            "Carrier",
            OFFERED,
            "The provider. Needed unless for `Region`, and not looked at then.",
            "telecom",
        ),
        IMAGE_ID,
        Parameter::optional(
            "InstanceType",
            OFFERED,
            "The instance type; the first that the server offers where it is not given.",
            "ens.sn1.small",
        ),
        INSTANCE_NAME,
        HOST,
        UNIQUE_SUFFIX,
        Parameter::optional(
            "SecurityId",
            Kind::Id,
            "The security group that the instances join.",
            "sg-5vn4n3y4laeb2ii9zxxltlvzi",
        ),
        V_SWITCH_ID,
        Parameter::optional(
            "NetWorkId",
            Kind::Id,
            "The network, some vSwitch of which is taken; not looked at where `VSwitchId` is given. (The capital W is the vendor's.)",
            "n-5tkmrb4kdjzc5p5qsl0y2hbq7",
        ),
        PRIVATE_IP_ADDRESS,
        IP_TYPE,
        Parameter::optional(
            "Ipv6AddressCount",
            Kind::Integer { min: 1, max: 10 },
            "How many IPv6 addresses each instance gets, where it gets any; 1 where it is not given.",
            "1",
        ),
        Parameter::optional(
            "InternetMaxBandwidthOut",
            Kind::Integer { min: 0, max: i32::MAX as i64 },
            "Public bandwidth, Mbit/s. Above 0, the instances get public addresses.",
            "1",
        ),
        Parameter::optional(
            "PublicIpIdentification",
            Kind::Boolean,
            "Whether the instances get public addresses, whatever their bandwidth.",
            "true",
        ),
        INTERNET_CHARGE_TYPE,
        Parameter::optional(
            "SystemDisk",
            Kind::Object {
                fields: &[
                    Parameter::optional(
                        "Category",
                        CATEGORY,
                        "`cloud_efficiency`, `cloud_ssd`, `local_hdd` or `local_ssd`; the first of them where it is not given.",
                        "cloud_ssd",
                    ),
                    Parameter::optional(
                        "Size",
                        DISK_SIZE,
                        "GiB; the size of the image where it is not given.",
                        "50",
                    ),
                ],
                encoding: Encoding::Json,
            },
            "The system disk.",
            r#"{"Size":50,"Category":"cloud_ssd"}"#,
        ),
        Parameter::optional(
            "DataDisk",
            Kind::Objects {
                fields: &[
                    Parameter::optional(
                        "Category",
                        CATEGORY,
                        "`cloud_efficiency`, `cloud_ssd`, `local_hdd` or `local_ssd`; the first of them where it is not given.",
                        "cloud_efficiency",
                    ),
                    Parameter::optional(
                        "Encrypted",
                        Kind::Boolean,
                        "Whether the disk is encrypted; `false` where it is not given.",
                        "false",
                    ),
                    Parameter::optional(
                        "KMSKeyId",
                        Kind::form(0, 128, Form::ANY),
                        "The key that it is encrypted with. It is kept and shown, and looked up nowhere.",
                        "0e478b7a-4262-4802-b8cb-00d3fb408263",
                    ),
                    Parameter::optional(
                        "Size",
                        DISK_SIZE,
                        "GiB; the smallest that the server offers where it is not given.",
                        "20",
                    ),
                ],
                max: DATA_DISKS_MAX,
                encoding: Encoding::Json,
            },
            "Data disks.",
            r#"[{"Size":20,"Category":"cloud_efficiency","Encrypted":false,"KMSKeyId":""}]"#,
        ),
        Parameter::optional(
            "InstanceChargeType",
            Kind::OneOf(&["PrePaid", "PostPaid"]),
            "Whether the instances are a subscription; `PostPaid` where it is not given.",
            "PostPaid",
        ),
        Parameter::optional(
            "Period",
            Kind::Integer { min: 1, max: 12 },
            "The length of the subscription: 1 to 9 or 12 months, or 3 days; the least where it is not given. Not looked at for `PostPaid`.",
            "1",
        ),
        Parameter::optional(
            "PeriodUnit",
            Kind::OneOf(&["Month", "Day"]),
            "The unit of `Period`; `Month` where it is not given.",
            "Month",
        ),
        Parameter::optional(
            "AutoRenew",
            Kind::Boolean,
            "Whether the subscription renews itself when it is over; `false` where it is not given. Not looked at for `PostPaid`.",
            "true",
        ),
        Parameter::optional(
            "AutoReleaseTime",
            Kind::Time,
            "When the instances are released by themselves; for `PostPaid` only.",
            "2027-06-28T14:38:52Z",
        ),
        Parameter::optional(
            "DeletionProtection",
            Kind::Boolean,
            "Whether a release is refused until it is switched off; for `PostPaid` only. `false` where it is not given.",
            "false",
        ),
        PASSWORD,
        PASSWORD_INHERIT,
        KEY_PAIR_NAME,
        Parameter::optional(
            "UserData",
            USER_DATA,
            "Base64 of up to 16 KiB that the instance sees at its first start.",
            "IyEvYmluL3NoCmVjaG8gaGVsbG8K",
        ),
        Parameter::optional(
            "Tag",
            Kind::Objects {
                fields: &[
                    Parameter::required("Key", Kind::form(1, 64, Form::TAG_KEY), "The key.", "team"),
                    Parameter::optional(
                        "Value",
                        Kind::form(0, 128, Form::TAG_VALUE),
                        "The value; empty where it is not given.",
                        "network",
                    ),
                ],
                max: TAGS_MAX,
                encoding: Encoding::Numbered,
            },
            "Tags of the instances.",
            "",
        ),
        Parameter::optional(
            "AutoInstallCloudAssistant",
            Kind::Ignored,
            "Whether to install the cloud assistant. Without effect: there is none here.",
            "false",
        ),
        Parameter::optional(
            "AutoUseCoupon",
            Kind::Ignored,
            "Whether to use coupons. Without effect: nothing is charged for here.",
            "true",
        ),
        Parameter::optional(
            "BillingCycle",
            Kind::Ignored,
            "How often bills are written. Without effect: nothing is charged for here.",
            "Day",
        ),
        Parameter::optional(
            "CloudAssistantRegion",
            Kind::Ignored,
            "Where the cloud assistant is. Without effect: there is none here.",
            "cn-zhangjiakou",
        ),
        Parameter::optional(
            "DeploymentSetId",
            Kind::Ignored,
            "A deployment set. Without effect: there are none here.",
            "ds-1",
        ),
        Parameter::optional(
            "InstanceChargeStrategy",
            Kind::Ignored,
            "Whether instances or users are billed. Without effect: nothing is charged for here.",
            "instance",
        ),
        Parameter::optional(
            "LaunchTemplateId",
            Kind::Ignored,
            "A launch template. Without effect: there are none here.",
            "lt-test",
        ),
        Parameter::optional(
            "LaunchTemplateName",
            Kind::Ignored,
            "A launch template. Without effect: there are none here.",
            "lt-test",
        ),
        Parameter::optional(
            "LaunchTemplateVersion",
            Kind::Ignored,
            "A launch template. Without effect: there are none here.",
            "2",
        ),
        Parameter::optional(
            "SchedulingPriceStrategy",
            Kind::Ignored,
            "Whether dear or cheap sites come first. Without effect: nothing is charged for here.",
            "PriceLowPriority",
        ),
        Parameter::optional(
            "SchedulingStrategy",
            Kind::Ignored,
            "Whether to spread instances over sites. Without effect: one call chooses one site here.",
            "Concentrate",
        ),
        Parameter::optional(
            "SpotDuration",
            Kind::Ignored,
            "How long a spot instance is safe. Without effect: there are none here.",
            "2",
        ),
        Parameter::optional(
            "SpotStrategy",
            Kind::Ignored,
            "Whether to bid for spot instances. Without effect: there are none here.",
            "NoSpot",
        ),
        Parameter::optional(
            "VpdId",
            Kind::Ignored,
            "A VPD network. Without effect: there are none here.",
            "vpd-1",
        ),
        Parameter::optional(
            "VpdVSwitchIds",
            Kind::Ignored,
            "VPD vSwitches. Without effect: there are none here.",
            "[]",
        ),
    ],
    exactly_one: &[],
    answer: &[
        Field::text("InstanceIds[]", "i-5vn4n3y4laeb2ii9zxxltlvzi"),
        Field::text("OrderId", "213177957850399"),
    ],
    errors: ERRORS,
    ram: Ram::all("ens:RunInstances", Access::Create),
    handler: Handler::Change { command, answer },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    let arguments = call.arguments;
    let amount = arguments.count("Amount", 1);
    let bandwidth = small(arguments, "InternetMaxBandwidthOut").unwrap_or(0);
    let charge = charge(arguments)?;
    let auto_release_at = arguments.time("AutoReleaseTime");
    if auto_release_at.is_some() && charge != ChargeWish::PostPaid {
        return Err(Fault::invalid("AutoReleaseTime is for PostPaid instances only"));
    }
    let wish = InstanceWish {
        network: arguments.id("NetWorkId"),
        ipv6_count: arguments.count("Ipv6AddressCount", 1),
        group: arguments.id("SecurityId"),
        charge,
        auto_release_at,
        deletion_protection: arguments.boolean("DeletionProtection").unwrap_or(false),
        user_data: user_data(arguments)?,
        public_address: arguments.boolean("PublicIpIdentification").unwrap_or(bandwidth > 0),
        internet_bandwidth_mbps: bandwidth,
        ..wish(arguments, amount, placement(arguments)?)?
    };
    Ok(Command::Instance(InstanceCommand::Run(Box::new(wish))))
}

/// What names a place within an edge site, and so cannot be given where an area is.
const WITHIN_A_SITE: [&str; 3] = ["VSwitchId", "NetWorkId", "PrivateIpAddress"];

fn placement(arguments: &Arguments) -> Result<Placement, Fault> {
    let site = match arguments.text("ScheduleAreaLevel") {
        Some(level) => level == "Region",
        None => arguments.has("EnsRegionId"),
    };
    if site {
        return arguments.boxed("EnsRegionId").map(Placement::Region).ok_or_else(Fault::missing);
    }
    let (Some(code), Some(isp)) = (arguments.boxed("NetDistrictCode"), arguments.boxed("Carrier")) else {
        return Err(Fault::missing());
    };
    match WITHIN_A_SITE.into_iter().find(|name| arguments.has(name)) {
        Some(name) => Err(Fault::invalid(&format!("{name} needs ScheduleAreaLevel=Region"))),
        None => Ok(Placement::District { code, isp: Some(isp) }),
    }
}

fn charge(arguments: &Arguments) -> Result<ChargeWish, Fault> {
    if arguments.text("InstanceChargeType") != Some("PrePaid") {
        return Ok(ChargeWish::PostPaid);
    }
    let period = small(arguments, "Period");
    let days = match (arguments.text("PeriodUnit"), period.unwrap_or(1)) {
        (Some("Day"), 3) => 3,
        (Some("Day"), _) if period.is_none() => 3,
        (Some("Day"), _) => return Err(Fault::invalid("Period can only be 3 where PeriodUnit is Day")),
        (_, 10 | 11) => return Err(Fault::invalid("Period can be 1 to 9 or 12 where PeriodUnit is Month")),
        (_, months) => months * MONTH_DAYS,
    };
    Ok(ChargeWish::PrePaid { days, renew: arguments.boolean("AutoRenew").unwrap_or(false) })
}

fn answer(_: &Call<'_>, outcome: &Outcome) -> Answer {
    let mut answer = Answer::new();
    if let Outcome::Instances(ids) = outcome {
        answer.insert("InstanceIds".into(), ids.iter().map(|id| json!(id.to_string())).collect());
    }
    answer
}
