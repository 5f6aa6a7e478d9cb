//! Plans as people read them.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

use model::rule::{Direction, Policy};

use super::{DirectionPlan, Entry, Plan, RowId, Rows};
use crate::packet::ProtocolKind;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, direction) in [("ingress", Direction::Ingress), ("egress", Direction::Egress)] {
            let plan = self.direction(direction);
            let rules = plan.rules.len();
            let plural = if rules == 1 { "" } else { "s" };
            writeln!(f, "{name}: {rules} rule{plural}, then {}", word(plan.implicit))?;
            if !plan.rules.is_empty() {
                write_direction(f, plan)?;
            }
        }
        Ok(())
    }
}

fn write_direction(f: &mut fmt::Formatter<'_>, plan: &DirectionPlan) -> fmt::Result {
    for (place, rule) in plan.rules.iter().enumerate() {
        let policy = word(rule.policy);
        writeln!(
            f,
            "  {place}: priority {} {policy}, rule {} of {}",
            rule.priority,
            rule.position.saturating_add(1),
            rule.group
        )?;
    }
    writeln!(f, "  protocol")?;
    for kind in ProtocolKind::ALL {
        writeln!(f, "    {kind} -> {}", places(&plan.rows, plan.protocols[kind as usize]))?;
    }
    write_table(f, "remote address", &plan.remote, &plan.rows, |key| address(*key).to_string())?;
    write_table(f, "local address", &plan.local, &plan.rows, |key| address(*key).to_string())?;
    write_table(f, "remote port", &plan.remote_ports, &plan.rows, u16::to_string)?;
    write_table(f, "local port", &plan.local_ports, &plan.rows, u16::to_string)
}

fn write_table<K>(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    table: &[Entry<K>],
    rows: &Rows,
    text: impl Fn(&K) -> String,
) -> fmt::Result {
    writeln!(f, "  {name}, from")?;
    for entry in table {
        writeln!(f, "    {} -> {}", text(&entry.first), places(rows, entry.row))?;
    }
    Ok(())
}

/// The address of a key.
fn address(key: u128) -> IpAddr {
    Ipv6Addr::from_bits(key).to_canonical()
}

/// The places of a row, as ranges: `0-3 7`; `-` where there are none.
fn places(rows: &Rows, row: RowId) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for place in rows.places(row) {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == place => *last = place,
            _ => ranges.push((place, place)),
        }
    }
    if ranges.is_empty() {
        return "-".to_owned();
    }
    let text = |(first, last): &(usize, usize)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    ranges.iter().map(text).collect::<Vec<_>>().join(" ")
}

fn word(policy: Policy) -> &'static str {
    match policy {
        Policy::Accept => "accept",
        Policy::Drop => "drop",
    }
}
