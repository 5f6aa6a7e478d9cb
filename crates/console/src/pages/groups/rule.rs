//! Rules of a group: how they are shown, and adding and removing one, each with its preview first.

use maud::{Markup, html};
use serde_json::{Value, json};
use wire::protocol::percent;

use super::{SECTION, address, show::name};
use crate::{
    ROOT,
    form::{self, Form},
    json::{count, items, text},
    proposal::Proposal,
    response::Page,
    router::Outcome,
    trouble::Trouble,
    view::fields::{self, Field},
    visit::Visit,
};

/// The fields of a rule, as the API has them, that make it the rule that it is.
const FIELDS: [&str; 10] = [
    "Direction",
    "IpProtocol",
    "Policy",
    "PortRange",
    "Priority",
    "SourcePortRange",
    "SourceCidrIp",
    "DestCidrIp",
    "Ipv6SourceCidrIp",
    "Ipv6DestCidrIp",
];

/// The rules of a direction, in the order in which they decide: the smaller priority number first; of equal ones what drops
/// before what accepts; and else as they were added.
pub(in crate::pages) fn in_order<'a>(group: &'a Value, direction: &str) -> Vec<&'a Value> {
    let mut rules: Vec<&Value> = items(group, "Permissions.Permission")
        .iter()
        .filter(|permission| text(permission, "Direction") == direction)
        .collect();
    rules.sort_by_key(|permission| (count(permission, "Priority"), text(permission, "Policy") == "Accept"));
    rules
}

/// The ports of a rule, as people read them.
pub(in crate::pages) fn ports(permission: &Value) -> String {
    let range = |path: &str| match text(permission, path) {
        "" | "-1/-1" | "1/65535" => String::new(),
        range => match range.split_once('/') {
            Some((low, high)) if low == high => low.to_owned(),
            Some((low, high)) => format!("{low}\u{2013}{high}"),
            None => range.to_owned(),
        },
    };
    let (to, from) = (range("PortRange"), range("SourcePortRange"));
    let to = if to.is_empty() { "all".to_owned() } else { to };
    if from.is_empty() { to } else { format!("{to}, from {from}") }
}

/// The addresses of a rule.
pub(in crate::pages) fn peer(permission: &Value) -> String {
    let one =
        |names: [&str; 2]| names.into_iter().map(|name| text(permission, name)).find(|text| !text.is_empty());
    let source = one(["SourceCidrIp", "Ipv6SourceCidrIp"]);
    let destination = one(["DestCidrIp", "Ipv6DestCidrIp"]);
    let (peer, own) = match text(permission, "Direction") {
        "egress" => (destination, source),
        _ => (source, destination),
    };
    match (peer, own) {
        (Some(peer), Some(own)) => format!("{peer}, at {own}"),
        (Some(peer), None) => peer.to_owned(),
        (None, Some(own)) => format!("any, at {own}"),
        (None, None) => "any".to_owned(),
    }
}

/// A rule in a line of words.
pub(super) fn sentence(permission: &Value) -> String {
    format!(
        "{} {}, ports {}, {} {}, priority {}",
        text(permission, "Policy"),
        text(permission, "IpProtocol"),
        ports(permission),
        if text(permission, "Direction") == "egress" { "to" } else { "from" },
        peer(permission),
        permission.get("Priority").map_or_else(String::new, |own| own.to_string().replace('"', "")),
    )
}

/// A rule as a query string.
pub(super) fn query(permission: &Value) -> String {
    let pairs = FIELDS.iter().filter_map(|field| {
        let value = &permission[*field];
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (!text.is_empty()).then(|| format!("{field}={}", percent::encode(&text)))
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// The rule of a query string or form.
fn read(form: &Form) -> Value {
    let mut rule = serde_json::Map::new();
    for field in FIELDS.iter().chain(&["Description"]) {
        if let Some(value) = form.given(field) {
            rule.insert((*field).to_owned(), json!(value));
        }
    }
    Value::Object(rule)
}

/// The rule that somebody filled in: the form has one field for the peer, and the API has four.
fn filled_in(form: &Form) -> Value {
    let mut rule = read(form);
    let peer = form.get("peer");
    let field = match (form.get("Direction") == "egress", peer.contains(':')) {
        (false, false) => "SourceCidrIp",
        (false, true) => "Ipv6SourceCidrIp",
        (true, false) => "DestCidrIp",
        (true, true) => "Ipv6DestCidrIp",
    };
    if let Some(fields) = rule.as_object_mut() {
        if !peer.is_empty() {
            fields.insert(field.to_owned(), json!(peer));
        }
        let range = port_range(form.get("ports"), form.get("IpProtocol"));
        fields.insert("PortRange".to_owned(), json!(range));
    }
    rule
}

/// A port or a range as the API writes it. What is no such thing stays as it is, for the API to say so.
fn port_range(ports: &str, protocol: &str) -> String {
    let has_ports = matches!(protocol, "TCP" | "UDP");
    match ports {
        "" if has_ports => "1/65535".to_owned(),
        "" => "-1/-1".to_owned(),
        ports if ports.contains('/') => ports.to_owned(),
        ports => match ports.split_once(['-', '\u{2013}']) {
            Some((low, high)) => format!("{}/{}", low.trim(), high.trim()),
            None => format!("{ports}/{ports}"),
        },
    }
}

async fn group_name(visit: &Visit<'_>) -> Result<String, Trouble> {
    let id = visit.part("group");
    let group = visit.api.read("DescribeSecurityGroupAttribute", &[("SecurityGroupId", id)]).await?;
    Ok(name(&group).to_owned())
}

fn page(visit: &Visit<'_>, group: &str, title: impl Into<String>, body: Markup) -> Page {
    Page::new(SECTION, title, body)
        .under("Security groups", format!("{ROOT}{SECTION}"))
        .under(group, address(visit.part("group")))
}

pub(super) async fn form(visit: &Visit<'_>) -> Outcome {
    let group = group_name(visit).await?;
    let own = address(visit.part("group"));
    let query = &visit.query;
    let or = |name: &'static str, usual: &'static str| query.given(name).unwrap_or(usual).to_owned();
    let wanted = query.given("Direction").or(query.given("direction"));
    let direction = if wanted == Some("egress") { "egress" } else { "ingress" };
    let body = html! {
        form .form .card .measure method="get" action={ (own) "/rules/add" } {
            div .fields {
                (Field::new("Direction", "Direction", direction).required().choice([("ingress", "Packets that come in"), ("egress", "Packets that go out")]))
                (Field::new("Policy", "Verdict", &or("Policy", "Accept")).required().choice([("Accept", "Accept"), ("Drop", "Drop")]))
                (Field::new("IpProtocol", "Protocol", &or("IpProtocol", "TCP")).required().choice([("TCP", "TCP"), ("UDP", "UDP"), ("ICMP", "ICMP"), ("ICMPv6", "ICMPv6"), ("GRE", "GRE"), ("ALL", "All")]))
                (Field::new("ports", "Ports", query.get("ports")).hint("80, or 8000-8080. Empty: all. Only TCP and UDP have ports.").text())
                (Field::new("peer", "From or to", query.get("peer")).hint("An address or a block: 10.0.0.0/8, 2001:db8::/32. Everybody is 0.0.0.0/0 or ::/0.").required().text())
                (Field::new("Priority", "Priority", &or("Priority", "1")).hint("1 to 100; the smaller number decides first.").required().number(1, 100))
            }
            (Field::new("Description", "What it is for", query.get("Description")).hint("2 to 256 characters.").text())
            (fields::buttons("Preview", &own))
        }
    };
    Ok(page(visit, &group, "Add a rule", body)
        .lead(html! { "Nothing is changed yet: next you see what it would open or close." })
        .into())
}

/// What the form has for a rule: one field for the peer, and ports as people write them.
fn form_address(own: &str, rule: &Value) -> String {
    let peer = ["SourceCidrIp", "DestCidrIp", "Ipv6SourceCidrIp", "Ipv6DestCidrIp"];
    let peer = peer.map(|field| text(rule, field)).into_iter().find(|peer| !peer.is_empty());
    let ports = match text(rule, "PortRange") {
        "-1/-1" => String::new(),
        range => match range.split_once('/') {
            Some((low, high)) if low == high => low.to_owned(),
            _ => range.to_owned(),
        },
    };
    let named = ["Direction", "Policy", "IpProtocol", "Priority", "Description"];
    let pairs = named.into_iter().map(|field| (field, text(rule, field)));
    let pairs = pairs.chain([("ports", ports.as_str()), ("peer", peer.unwrap_or_default())]);
    format!("{own}/rules/new?{}", form::query(pairs))
}

fn proposal(visit: &Visit<'_>, rule: &Value, adds: bool, group: &str) -> Proposal {
    let own = address(visit.part("group"));
    let described = html! { code { (sentence(rule)) } };
    let permissions = Value::Array(vec![rule.clone()]).to_string();
    let mut fields: Vec<(&'static str, String)> = Vec::new();
    for field in FIELDS.into_iter().chain(["Description"]) {
        match rule.get(field) {
            Some(Value::String(value)) => fields.push((field, value.clone())),
            Some(other) => fields.push((field, other.to_string())),
            None => {}
        }
    }
    Proposal {
        operation: if adds { "CreateSecurityGroupPermissions" } else { "DeleteSecurityGroupPermissions" },
        parameters: vec![("SecurityGroupId", visit.part("group").to_owned()), ("Permissions", permissions)],
        title: if adds { "Add this rule?".into() } else { "Remove this rule?".into() },
        sentence: html! { (if adds { "To " } else { "From " }) strong { (group) } ": " (described) },
        verb: if adds { "Add the rule" } else { "Remove the rule" },
        action: format!("{own}/rules/{}", if adds { "add" } else { "remove" }),
        fields,
        form: adds.then(|| form_address(&own, rule)),
        back: own,
    }
}

pub(super) async fn preview_add(visit: &Visit<'_>) -> Outcome {
    let group = group_name(visit).await?;
    let rule = filled_in(&visit.query);
    proposal(visit, &rule, true, &group).ask(visit, |title, body| page(visit, &group, title, body)).await
}

pub(super) async fn add(visit: &Visit<'_>) -> Outcome {
    change(visit, true).await
}

pub(super) async fn preview_remove(visit: &Visit<'_>) -> Outcome {
    let group = group_name(visit).await?;
    let rule = read(&visit.query);
    proposal(visit, &rule, false, &group).ask(visit, |title, body| page(visit, &group, title, body)).await
}

pub(super) async fn remove(visit: &Visit<'_>) -> Outcome {
    change(visit, false).await
}

async fn change(visit: &Visit<'_>, adds: bool) -> Outcome {
    let group = group_name(visit).await?;
    let proposal = proposal(visit, &read(&visit.form), adds, &group);
    proposal.carry_out(visit, |title, body| page(visit, &group, title, body)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_becomes_a_rule_of_the_api() {
        let form = Form::read(
            b"Direction=egress&Policy=Drop&IpProtocol=UDP&ports=53&peer=2001%3Adb8%3A%3A%2F32&Priority=7",
        )
        .unwrap();
        let rule = filled_in(&form);
        assert_eq!(rule["Ipv6DestCidrIp"], "2001:db8::/32");
        assert_eq!((&rule["PortRange"], &rule["Priority"]), (&json!("53/53"), &json!("7")));
        assert_eq!(port_range("8000-8080", "TCP"), "8000/8080");
        assert_eq!((port_range("", "TCP"), port_range("", "ICMP")), ("1/65535".into(), "-1/-1".into()));
    }

    #[test]
    fn what_was_filled_in_is_filled_in_again() {
        for filled in [
            "Direction=egress&Policy=Drop&IpProtocol=UDP&Priority=7&ports=53&peer=2001%3Adb8%3A%3A%2F32",
            "Direction=ingress&Policy=Accept&IpProtocol=TCP&Priority=1&Description=a%26b&ports=99999&peer=10.0.0.0%2F8",
            "Direction=ingress&Policy=Accept&IpProtocol=ICMP&Priority=x&peer=10.0.0.0%2F8",
        ] {
            let rule = filled_in(&Form::read(filled.as_bytes()).unwrap());
            assert_eq!(form_address("/g", &rule), format!("/g/rules/new?{filled}"));
            let again = form_address("/g", &rule);
            let again = Form::read(again.split_once('?').unwrap().1.as_bytes()).unwrap();
            assert_eq!(filled_in(&again), rule);
        }
    }

    #[test]
    fn what_drops_decides_before_what_accepts() {
        let rule = |priority: u8, policy: &str| json!({ "Direction": "ingress", "Priority": priority, "Policy": policy });
        let group = json!({ "Permissions": { "Permission": [rule(2, "Accept"), rule(1, "Accept"), rule(2, "Drop")] } });
        let order: Vec<_> = in_order(&group, "ingress")
            .iter()
            .map(|own| (count(own, "Priority"), text(own, "Policy")))
            .collect();
        assert_eq!(order, [(1, "Accept"), (2, "Drop"), (2, "Accept")]);
        assert!(in_order(&group, "egress").is_empty());
    }

    #[test]
    fn a_rule_survives_its_query_string() {
        let rule = json!({ "Direction": "ingress", "IpProtocol": "TCP", "Policy": "Accept", "PortRange": "80/80", "Priority": 3, "SourceCidrIp": "10.0.0.0/8" });
        let read = read(&Form::read(query(&rule).as_bytes()).unwrap());
        assert_eq!(read["Priority"], "3");
        assert_eq!(read["SourceCidrIp"], "10.0.0.0/8");
        assert_eq!(sentence(&rule), "Accept TCP, ports 80, from 10.0.0.0/8, priority 3");
    }
}
