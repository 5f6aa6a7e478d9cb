//! `ExplainTraffic`: why traffic passes or does not.

mod shown;

use std::net::IpAddr;

use control::{
    fleet::protocol_number,
    traffic::{End, SOURCE_PORT, TrafficError, TrafficWish},
};

use super::moment;
use crate::catalogue::prelude::*;

const PORT: Kind = Kind::Integer { min: 0, max: 65_535 };

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ravelin,
    name: "ExplainTraffic",
    family: "explanation",
    summary: "Explains whether traffic passes, by which rule of which group, and what would change that.",
    description: "`From` begins the flow, `To` gets it; each is an address, an instance (its primary network interface), a network interface, or `internet`: an address there that the rules name in no narrower prefix than they must. One of them has to be the account's.\n\nThe packet is between IPv4 addresses, unless an end is named by an IPv6 address or `Protocol` is `icmpv6`. So to ask about IPv6 name the IPv6 address of an end: where `From` is `internet` that of the network interface as `To`; an IPv6 address of the Internet is chosen then. `icmp` is of IPv4 and `icmpv6` of IPv6: with an end that is named by an address of the other family, or has none of this one, the answer is the error `InvalidParameter`.\n\n`Sides` has what each network interface of the account on the way decides: the one that sends by its egress rules, the one that gets by its ingress rules. `Verdict` is Accept where all of them accept. Where both ends are in networks that do not reach each other by themselves `AcrossNetworks` is true: rules that accept are not enough then. `Note` is there where both ends are the same network interface: such packets never leave it.\n\nOf each side: the rule that decides with its group (`DecidedBy` is Implicit where no rule is about the packet, or the interface is in no security group); how the interface came to be in that group, as far as history goes back (`Membership.Known`); the rules that come before it and why none of them is about the packet (`Considered`), those that would be and come too late (`Overruled`), each with its place among the rules of its group (`Position`, counted from 1); whether all of that is in force on the interface's node (`Enforcement.State`: NotBound, Confirmed, Absent where its node has confirmed it and the device is not there, NotInForce where the node says what is the matter with this network interface, Pending with the reason, NodeGone where the node's certificates were revoked, or Past); and the smallest single change that would flip the verdict (`Flip`: AddRule or RemoveRule, and LeaveGroup or JoinGroup only where no change of a rule does, such as where the groups have as many rules as they may, with how many other packets it would decide otherwise), where there is one.\n\nOf groups to join the newest 200 that have room are tried. Of those that would flip the verdict up to 8 are compared, first those whose rules can decide the fewest packets otherwise; `Flip.NotComparedCount` says how many groups would flip it as well and were not compared.\n\nIt is about rules alone: exempt peers, and the link's own services (DHCP, neighbour discovery, MLD and IGMP), which nodes let pass whatever rules say, are not asked about.\n\nWith `AsOf` all of it is about a moment in the past: what happened since is taken back, by the history. Groups to join are the newest 200 of that moment, with the rules and the room that they had. To know them no more is read than the first 1,000 changes that deleted groups since, and 2,000 that concern memberships: a group of which that does not tell is not tried.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::required(
            "From",
            Kind::form(1, 128, Form::TRAFFIC_END),
            "Who begins the flow. An IPv6 address asks about IPv6.",
            "internet",
        ),
        Parameter::required(
            "To",
            Kind::form(1, 128, Form::TRAFFIC_END),
            "Whom it is for. An IPv6 address asks about IPv6.",
            "i-5vn4n3y4laeb2ii9zxxltlvzi",
        ),
        Parameter::optional(
            "Protocol",
            Kind::form(1, 8, Form::FLOW_PROTOCOL),
            "The protocol; `tcp` where it is not given.",
            "tcp",
        ),
        Parameter::optional("Port", PORT, "The destination port; needed for TCP and UDP.", "443"),
        Parameter::optional("SourcePort", PORT, "The source port; 49152 where it is not given.", "49152"),
        moment::AS_OF,
    ],
    exactly_one: &[],
    answer: shown::ANSWER,
    errors: &[
        &code::INSTANCE_NOT_FOUND,
        &code::INTERFACE_NOT_FOUND,
        &code::AS_OF_BEYOND_HISTORY,
        &code::AS_OF_NOT_YET,
    ],
    ram: Ram::all("ravelin:ExplainTraffic", Access::Get),
    handler: Handler::Survey(|call, control| Box::pin(explain(call, control))),
};

async fn explain(call: &Call<'_>, control: &control::Control) -> Result<Answer, Fault> {
    let arguments = call.arguments;
    let protocol = arguments.text("Protocol").map_or(Some(policy::packet::protocol::TCP), protocol_number);
    let protocol = protocol.ok_or_else(|| Fault::malformed("Protocol"))?;
    let has_ports = matches!(protocol, policy::packet::protocol::TCP | policy::packet::protocol::UDP);
    if has_ports && !arguments.has("Port") {
        return Err(Fault::invalid("TCP and UDP have ports: Port is needed"));
    }
    let port = |name, default: u16| u16::try_from(arguments.count(name, default.into())).unwrap_or(default);
    let (from, to) = (end(arguments, "From"), end(arguments, "To"));
    check(&from, &to)?;
    let wish = TrafficWish {
        account: call.account,
        from,
        to,
        protocol,
        ports: (port("SourcePort", SOURCE_PORT), port("Port", 0)),
        as_of: moment::as_of(arguments),
    };
    let traffic = control.explain_traffic(wish).await.map_err(|error| fault(&error, arguments))?;
    Ok(shown::shown(&traffic))
}

/// Whether packets can have these addresses.
fn check(from: &End, to: &End) -> Result<(), Fault> {
    let is_mapped =
        |end: &End| matches!(end, End::Address(IpAddr::V6(own)) if own.to_ipv4_mapped().is_some());
    if [from, to].into_iter().any(is_mapped) {
        return Err(Fault::invalid(
            "no packet has an IPv4-mapped IPv6 address; give the IPv4 address that is in it",
        ));
    }
    match from {
        End::Address(own) if own.is_multicast() => {
            Err(Fault::invalid("no packet is from a multicast address"))
        }
        _ => Ok(()),
    }
}

/// One end. Validation has seen that it is one.
fn end(arguments: &Arguments, name: &str) -> End {
    let text = arguments.required_text(name);
    if text == "internet" {
        return End::Internet;
    }
    match text.parse() {
        Ok(address) => End::Address(address),
        Err(_) if text.starts_with("eni-") => End::Interface(arguments.required_id(name)),
        Err(_) => End::Instance(arguments.required_id(name)),
    }
}

fn fault(error: &TrafficError, arguments: &Arguments) -> Fault {
    match error {
        TrafficError::InstanceNotFound => moment::not_found(&code::INSTANCE_NOT_FOUND, arguments),
        TrafficError::InterfaceNotFound => moment::not_found(&code::INTERFACE_NOT_FOUND, arguments),
        TrafficError::Past(error) => moment::fault(error),
        error => Fault::invalid(&error.to_string()),
    }
}
