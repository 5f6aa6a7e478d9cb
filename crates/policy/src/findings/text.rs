//! Findings as people read them: one line each.

use std::fmt;

use super::{AdministrativePort, Finding};
use crate::order::PlacedRule;

impl fmt::Display for AdministrativePort {
    /// `tcp 22`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.protocol, self.port)
    }
}

impl fmt::Display for Finding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AboutNothing { places } => {
                write_rule(f, places)?;
                f.write_str(" is about no packet: ICMP is of IPv4 and ICMPv6 of IPv6")
            }
            Self::NeverDecides { places, instead, and_more, alone } => {
                write_rule(f, places)?;
                f.write_str(" never decides, because all its packets are decided before it by ")?;
                write_several(f, instead, *and_more)?;
                match alone {
                    Some(group) => write!(f, "; the rules of {group} alone are enough for that"),
                    None => Ok(()),
                }
            }
            Self::NoEffect { places } => {
                write_rule(f, places)?;
                f.write_str(" has no effect: without it every packet is decided the same")
            }
            Self::Repeated { places } => {
                write_rule(f, places)?;
                f.write_str(" stands again as")?;
                for (place, placed) in places.iter().skip(1).enumerate() {
                    let comma = if place == 0 { "" } else { "," };
                    write!(f, "{comma} rule {} of {}", placed.number(), placed.group)?;
                }
                Ok(())
            }
            Self::OpenToTheWorld { family, ports, rules, and_more } => {
                for (place, port) in ports.iter().enumerate() {
                    write!(f, "{}{port}", if place == 0 { "" } else { ", " })?;
                }
                let verb = if ports.len() == 1 { "is" } else { "are" };
                write!(f, " {verb} open to the world over {family} by ")?;
                write_several(f, rules, *and_more)
            }
        }
    }
}

/// A rule, by its first place.
fn write_rule(f: &mut fmt::Formatter<'_>, places: &[PlacedRule<'_>]) -> fmt::Result {
    places.first().map_or(Ok(()), |placed| write!(f, "{placed}"))
}

fn write_several(f: &mut fmt::Formatter<'_>, rules: &[PlacedRule<'_>], and_more: bool) -> fmt::Result {
    for (place, placed) in rules.iter().enumerate() {
        write!(f, "{}{placed}", if place == 0 { "" } else { ", " })?;
    }
    match (and_more, rules.is_empty()) {
        (false, _) => Ok(()),
        (true, false) => f.write_str(" and more"),
        (true, true) => f.write_str("several rules"),
    }
}
