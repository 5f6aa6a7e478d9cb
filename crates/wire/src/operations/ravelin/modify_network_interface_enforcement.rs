//! `ModifyNetworkInterfaceEnforcement`.

use ipnet::IpNet;

use super::parameters::INTERFACE_ID;
use crate::catalogue::{form::prefix, prelude::*};

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ravelin,
    name: "ModifyNetworkInterfaceEnforcement",
    family: "node",
    summary: "Lets a network interface use more addresses than its own.",
    description: "A node drops what an interface sends from addresses that are not its own, and what comes for such. An interface that carries a floating address needs that as an allowed prefix; one that forwards for others needs `SourceCheck` off. Rules, the MAC and what the link needs (ARP, neighbour discovery, DHCP) are enforced all the same.\n\nWhat is not given stays. The interface need not be bound. DescribeNetworkInterfaceBindings shows what is set.",
    methods: Methods::GetOrPost,
    parameters: &[
        INTERFACE_ID,
        Parameter::optional("SourceCheck", Kind::Boolean, "Whether addresses are checked.", "true"),
        Parameter::optional(
            "AllowedPrefixes",
            Kind::List { of: &Kind::form(1, 49, Form::PREFIX), max: 100, encoding: Encoding::Json },
            "The addresses and CIDR blocks that it may use beside its own, in place of those that it might; `[]` for none.",
            r#"["10.0.8.100","fd00:8::/64"]"#,
        ),
    ],
    exactly_one: &[],
    answer: &[],
    errors: &[&code::INTERFACE_NOT_FOUND, &code::QUOTA_EXCEEDED],
    ram: Ram::all("ravelin:ModifyNetworkInterfaceEnforcement", Access::Update),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    let arguments = call.arguments;
    let prefixes = arguments.texts("AllowedPrefixes").map(|texts| {
        let read: Option<Vec<IpNet>> = texts.into_iter().map(prefix).collect();
        read.ok_or_else(|| Fault::malformed("AllowedPrefixes"))
    });
    Ok(Command::Node(NodeCommand::ModifyEnforcement {
        interface: arguments.required_id("NetworkInterfaceId"),
        source_check: arguments.boolean("SourceCheck"),
        allowed_prefixes: prefixes.transpose()?,
    }))
}
