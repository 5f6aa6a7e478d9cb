//! `ListFindings`.

use std::time::Duration;

use control::{
    Control,
    findings::{
        FindingKind, FindingScope, FindingsError, FindingsWish, Found, FoundRule, Unused, UnusedFound,
        UnusedScope, UnusedWish,
    },
    fleet::AskError,
};
use model::NodeId;

use super::parameters::INTERFACE_EXAMPLE;
use crate::catalogue::prelude::*;

/// How many findings a step has where nothing is said.
const STEP: usize = 50;

/// The kind that nodes are asked about.
const UNUSED: &str = "Unused";
/// How long nodes may take to answer.
const WAIT: Duration = Duration::from_secs(2);

const GROUP: &str = "sg-5vn4n3y4laeb2ii9zxxltlvzi";

const KINDS: [(&str, FindingKind); 6] = [
    ("OpenToTheWorld", FindingKind::OpenToTheWorld),
    ("AboutNothing", FindingKind::AboutNothing),
    ("NeverDecides", FindingKind::NeverDecides),
    ("NoEffect", FindingKind::NoEffect),
    ("Repeated", FindingKind::Repeated),
    ("NoMembers", FindingKind::NoMembers),
];
const KIND_NAMES: &[&str] = &[KINDS[0].0, KINDS[1].0, KINDS[2].0, KINDS[3].0, KINDS[4].0, KINDS[5].0, UNUSED];

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ravelin,
    name: "ListFindings",
    family: "explanation",
    summary: "Lists what is odd about security groups and their rules.",
    description: "Kinds: OpenToTheWorld (ports for administration, such as SSH and RDP, that accept packets from more than half of the addresses of the Internet), AboutNothing (a rule that is about no packet, such as ICMP with IPv6 addresses), NeverDecides (a rule whose packets are all decided before it, by the rules of `Instead`), NoEffect (a rule without which every packet would be decided the same), Repeated (a rule that stands in several groups of an interface, or in two forms in one), NoMembers (a security group that nobody is in).\n\nWhat is found about a rule is exact: it is so for every packet there can be. `Position` is the rule's place among those of its group, counted from 1, as in `Text`. What a group does alone is said once, at that group; what takes several groups is said of the network interfaces that are in them, with their number and one of them. What a group opens to the world is said at that group too, of the members at which it is open whatever other groups they are in (`NetworkInterfaceCount`); where another group closes some of its ports, what is left is said of the interfaces in both. `UndecidedCount` counts what was not looked at, because it would have taken too much work; where that is so of members at which a group may open something, `NetworkInterfaceCount` counts the others alone, which may be none, and `UnknownNetworkInterfaceCount` those.\n\nWithout a filter groups are looked at, the newest first, and a step ends with the group at which it has `MaxResults` findings, or has done much work: it may have more findings, fewer, or none. Send its `NextToken` with the same filters to go on; the last step has none. Kind Unused is asked of nodes, about one `SecurityGroupId` or `NetworkInterfaceId`, and listed where `Kind` says so alone: rules that no packet has used, since `UnusedSince` of each at the latest, at every node that enforces it. A node counts since the security groups of an interface last changed, or longer, and since it booted; where that is later than the parameter `UnusedSince`, where a node does not answer (`SilentNodes`) or goes by other rules, it is not known, and counted in `UnknownRuleCount`. What came before a node counted, nobody knows.\n\nWith `SecurityGroupId` one group is looked at, with everybody who is in it: what is open at its members by other groups is said of the interfaces in both; rules of other groups that are odd by themselves are said at those groups. With `NetworkInterfaceId` one interface, with everything that is odd there.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::optional("SecurityGroupId", Kind::Id, "This security group alone.", GROUP),
        Parameter::optional(
            "NetworkInterfaceId",
            Kind::Id,
            "This network interface alone.",
            INTERFACE_EXAMPLE,
        ),
        Parameter::optional("Kind", Kind::OneOf(KIND_NAMES), "Findings of this kind.", "OpenToTheWorld"),
        Parameter::optional(
            "UnusedSince",
            Kind::Time,
            "Of kind Unused: rules that no packet has used since this time, which has to be past; where it is not given, since nodes count.",
            "2026-11-22T03:00:00Z",
        ),
        Parameter::optional(
            "MaxResults",
            Kind::Integer { min: 1, max: 200 },
            "With how many findings a step ends; 50 where it is not given.",
            "50",
        ),
        Parameter::optional(
            "NextToken",
            Kind::form(1, 20, Form::SERIAL),
            "Where to go on: the `NextToken` of the last answer.",
            "1042",
        ),
    ],
    exactly_one: &[],
    answer: &[
        Field::integer("MaxResults", "50"),
        Field::text("NextToken", "1042"),
        Field::integer("SecurityGroupCount", "12"),
        Field::integer("UndecidedCount", "0"),
        Field::integer("LeftOutCount", "0"),
        Field::integer("UsedRuleCount", "7"),
        Field::integer("UnknownRuleCount", "0"),
        Field::integer("UnboundNetworkInterfaceCount", "0"),
        Field::text("SilentNodes.Node[].NodeId", "node-5qk3n8y4laeb2ii9zxxltlvzi"),
        Field::text("SilentNodes.Node[].Message", "the node is not connected"),
        Field::text("Findings.Finding[].UnusedSince", "2026-11-22T03:04:05Z"),
        Field::integer("Findings.Finding[].NodeCount", "1"),
        Field::text("Findings.Finding[].Kind", "OpenToTheWorld"),
        Field::text(
            "Findings.Finding[].Text",
            "tcp 22 is open to the world over IPv4 by rule 1 of sg-5vn4n3y4laeb2ii9zxxltlvzi (ingress accept tcp from 0.0.0.0/0 to port 22)",
        ),
        Field::text("Findings.Finding[].SecurityGroupIds.SecurityGroupId[]", GROUP),
        Field::integer("Findings.Finding[].NetworkInterfaceCount", "3"),
        Field::integer("Findings.Finding[].UnknownNetworkInterfaceCount", "2"),
        Field::text("Findings.Finding[].NetworkInterfaceId", INTERFACE_EXAMPLE),
        Field::text("Findings.Finding[].Family", "IPv4"),
        Field::text("Findings.Finding[].Ports.Port[]", "tcp 22"),
        Field::text("Findings.Finding[].Rules.Rule[].SecurityGroupId", GROUP),
        Field::integer("Findings.Finding[].Rules.Rule[].Position", "1"),
        Field::text("Findings.Finding[].Rules.Rule[].Text", "ingress accept tcp from 0.0.0.0/0 to port 22"),
        Field::text("Findings.Finding[].Instead.Rule[].SecurityGroupId", GROUP),
        Field::integer("Findings.Finding[].Instead.Rule[].Position", "2"),
        Field::text("Findings.Finding[].Instead.Rule[].Text", "ingress drop tcp"),
    ],
    errors: &[&code::SECURITY_GROUP_NOT_FOUND, &code::INTERFACE_NOT_FOUND],
    ram: Ram::all("ravelin:ListFindings", Access::List),
    handler: Handler::Survey(|call, control| Box::pin(list(call, control))),
};

async fn list(call: &Call<'_>, control: &Control) -> Result<Answer, Fault> {
    let arguments = call.arguments;
    let group = arguments.id::<model::id::SecurityGroupKind>("SecurityGroupId");
    let interface = arguments.id::<model::id::NetworkInterfaceKind>("NetworkInterfaceId");
    let before = arguments.text("NextToken").and_then(|text| text.parse().ok());
    if arguments.text("Kind") == Some(UNUSED) {
        return unused(call, control, (group, interface)).await;
    }
    if arguments.has("UnusedSince") {
        return Err(Fault::invalid("UnusedSince is for Kind Unused alone"));
    }
    let scope = match (group, interface) {
        (Some(_), Some(_)) => return Err(together()),
        (Some(group), None) => FindingScope::Group(group),
        (None, Some(interface)) => FindingScope::Interface(interface),
        (None, None) => FindingScope::All(before),
    };
    let named = arguments.text("Kind").and_then(|name| KINDS.iter().find(|(own, _)| *own == name));
    let most = arguments.count("MaxResults", STEP).max(1);
    let kinds = named.map(|(_, kind)| vec![*kind]);
    let wish = FindingsWish { account: call.account, scope, kinds, most };
    let found = control.findings(wish).await.map_err(fault)?;
    let mut answer = Answer::new();
    let mut put = |name: &str, value: Value| answer.insert(name.into(), value);
    put("MaxResults", json!(most));
    if let Some(next) = found.next {
        put("NextToken", json!(next.to_string()));
    }
    put("SecurityGroupCount", json!(found.group_count));
    put("UndecidedCount", json!(found.undecided));
    put("LeftOutCount", json!(found.left_out));
    put("Findings", json!({ "Finding": found.found.iter().map(shown).collect::<Vec<_>>() }));
    Ok(answer)
}

fn together() -> Fault {
    Fault::invalid("SecurityGroupId and NetworkInterfaceId cannot be given together")
}

fn fault(error: FindingsError) -> Fault {
    match error {
        FindingsError::GroupNotFound => Fault::of(&code::SECURITY_GROUP_NOT_FOUND),
        FindingsError::InterfaceNotFound => Fault::of(&code::INTERFACE_NOT_FOUND),
        FindingsError::Unavailable(_) => Fault::of(&code::SERVICE_UNAVAILABLE),
    }
}

/// Rules that no packet has used, as far as nodes can tell.
async fn unused(
    call: &Call<'_>,
    control: &Control,
    about: (Option<model::SecurityGroupId>, Option<model::NetworkInterfaceId>),
) -> Result<Answer, Fault> {
    let scope = match about {
        (Some(_), Some(_)) => return Err(together()),
        (Some(group), None) => UnusedScope::Group(group),
        (None, Some(interface)) => UnusedScope::Interface(interface),
        (None, None) => {
            return Err(Fault::invalid(
                "Kind Unused is asked of nodes: SecurityGroupId or NetworkInterfaceId is needed",
            ));
        }
    };
    let since = call.arguments.time("UnusedSince");
    if since.is_some_and(|since| since > control.now()) {
        return Err(Fault::malformed("UnusedSince"));
    }
    let wish = UnusedWish { account: call.account, scope, since, wait: WAIT };
    let found = control.unused_rules(wish).await.map_err(fault)?;
    Ok(unused_shown(&found, matches!(scope, UnusedScope::Group(_))))
}

fn unused_shown(found: &UnusedFound, is_group: bool) -> Answer {
    let mut answer = Answer::new();
    let mut put = |name: &str, value: Value| answer.insert(name.into(), value);
    put("SecurityGroupCount", json!(usize::from(is_group)));
    put("UndecidedCount", json!(0));
    put("LeftOutCount", json!(found.left_out));
    put("UsedRuleCount", json!(found.used));
    put("UnknownRuleCount", json!(found.unknown));
    put("UnboundNetworkInterfaceCount", json!(found.unbound_count));
    let silent = |(node, error): &(NodeId, AskError)| json!({ "NodeId": node.to_string(), "Message": error.to_string() });
    put("SilentNodes", json!({ "Node": found.silent.iter().map(silent).collect::<Vec<_>>() }));
    put("Findings", json!({ "Finding": found.unused.iter().map(unused_rule).collect::<Vec<_>>() }));
    answer
}

fn unused_rule(own: &Unused) -> Value {
    let (group, number, text) = (own.rule.group, own.rule.number(), &own.rule.text);
    let since = own.since.to_text();
    json!({
        "Kind": UNUSED,
        "Text": format!("rule {number} of {group} ({text}) was used by no packet since {since}, or longer"),
        "SecurityGroupIds": { "SecurityGroupId": [group.to_string()] },
        "UnusedSince": since,
        "NodeCount": own.node_count,
        "Rules": rules(std::slice::from_ref(&own.rule)),
    })
}

fn shown(found: &Found) -> Value {
    let mut shown = Answer::new();
    let mut put = |name: &str, value: Value| shown.insert(name.into(), value);
    let kind = KINDS.iter().find(|(_, kind)| *kind == found.kind).map_or("", |(name, _)| name);
    put("Kind", json!(kind));
    put("Text", json!(found.text));
    let groups: Vec<String> = found.groups.iter().map(ToString::to_string).collect();
    put("SecurityGroupIds", json!({ "SecurityGroupId": groups }));
    put("NetworkInterfaceCount", json!(found.interface_count));
    if found.unknown_count > 0 {
        put("UnknownNetworkInterfaceCount", json!(found.unknown_count));
    }
    if let Some(interface) = found.interface {
        put("NetworkInterfaceId", json!(interface.to_string()));
    }
    if let Some(family) = found.family {
        put("Family", json!(family.to_string()));
        put("Ports", json!({ "Port": found.ports }));
    }
    put("Rules", rules(&found.rules));
    put("Instead", rules(&found.instead));
    Value::Object(shown)
}

fn rules(rules: &[FoundRule]) -> Value {
    let rule = |own: &FoundRule| json!({ "SecurityGroupId": own.group.to_string(), "Position": own.number(), "Text": own.text });
    json!({ "Rule": rules.iter().map(rule).collect::<Vec<_>>() })
}
