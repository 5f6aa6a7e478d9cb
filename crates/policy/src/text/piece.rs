//! Pieces of a difference as text.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use ipnet::IpNet;
use model::address::Prefix;

use super::words::{TextError, Words, direction, direction_word, plain_number};
use crate::{
    difference::{AddressSet, Addresses, Effect, Piece, PortSet, Protocols},
    packet::{Family, ProtocolKind},
};

const PREFIXES: &str = "prefixes such as `10.0.0.0/8,192.0.2.1`, of one family, or `port`";

/// A piece with no more than so many prefixes and ranges in each of its lists; how many more there are is said.
#[derive(Debug, Clone, Copy)]
pub struct ShortPiece<'a> {
    /// The piece.
    pub piece: &'a Piece,
    /// The most entries of a list that are written.
    pub listed_max: usize,
}

impl fmt::Display for ShortPiece<'_> {
    /// `ingress opens tcp from 10.0.0.0/8,192.0.2.1 and 7 more to port 443`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_piece(f, self.piece, self.listed_max)
    }
}

impl fmt::Display for Piece {
    /// `ingress opens tcp,udp from 10.0.0.0/8 except 10.1.0.0/16 to port 53,8000/8080`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_piece(f, self, usize::MAX)
    }
}

fn write_piece(f: &mut fmt::Formatter<'_>, piece: &Piece, listed_max: usize) -> fmt::Result {
    let (direction, effect) = (direction_word(piece.direction()), effect_word(piece.effect()));
    write!(f, "{direction} {effect} ")?;
    let possible = match piece.addresses() {
        Addresses::Every => Protocols::EVERY,
        Addresses::Between { sources, .. } => Protocols::of_family(sources.family()),
    };
    match piece.protocols() == possible {
        true => f.write_str("all")?,
        false => write_list(f, piece.protocols().iter(), usize::MAX)?,
    }
    let (sources, destinations) = match piece.addresses() {
        Addresses::Every => (None, None),
        // One of the two must tell the family.
        Addresses::Between { sources, destinations } if destinations.is_every() => (Some(sources), None),
        Addresses::Between { sources, destinations } if sources.is_every() => (None, Some(destinations)),
        Addresses::Between { sources, destinations } => (Some(sources), Some(destinations)),
    };
    write_end(f, "from", sources, piece.source_ports(), listed_max)?;
    write_end(f, "to", destinations, piece.destination_ports(), listed_max)
}

fn effect_word(effect: Effect) -> &'static str {
    match effect {
        Effect::Opens => "opens",
        Effect::Closes => "closes",
    }
}

fn write_end(
    f: &mut fmt::Formatter<'_>,
    keyword: &str,
    addresses: Option<&AddressSet>,
    ports: &PortSet,
    listed_max: usize,
) -> fmt::Result {
    if addresses.is_none() && ports.is_every() {
        return Ok(());
    }
    write!(f, " {keyword}")?;
    if let Some(addresses) = addresses {
        f.write_str(" ")?;
        write_addresses(f, addresses, listed_max)?;
    }
    if ports.is_every() {
        return Ok(());
    }
    f.write_str(" port ")?;
    let range = |range: RangeInclusive<u16>| match range.start() == range.end() {
        true => range.start().to_string(),
        false => format!("{}/{}", range.start(), range.end()),
    };
    write_list(f, ports.ranges().map(range), listed_max)
}

/// As one prefix without some, where that is shorter than as prefixes alone. Exceptions are written all or not at all: cut
/// short they would say that there is more than there is.
fn write_addresses(f: &mut fmt::Formatter<'_>, set: &AddressSet, listed_max: usize) -> fmt::Result {
    if let Some((hull, exceptions)) = set.with_exceptions()
        && !exceptions.is_empty()
        && exceptions.prefixes().count() <= listed_max
        && exceptions.prefixes().count() + 1 < set.prefixes().count()
    {
        write!(f, "{} except ", PrefixText(hull))?;
        return write_list(f, exceptions.prefixes().map(PrefixText), listed_max);
    }
    write_list(f, set.prefixes().map(PrefixText), listed_max)
}

fn write_list<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    items: impl Iterator<Item = T>,
    listed_max: usize,
) -> fmt::Result {
    let mut items = items.enumerate();
    for (place, item) in items.by_ref().take(listed_max) {
        write!(f, "{}{item}", if place == 0 { "" } else { "," })?;
    }
    match items.count() {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}

/// A prefix; a host as its address.
struct PrefixText(IpNet);

impl fmt::Display for PrefixText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.prefix_len() == self.0.max_prefix_len() {
            true => fmt::Display::fmt(&self.0.addr(), f),
            false => fmt::Display::fmt(&self.0, f),
        }
    }
}

impl FromStr for Piece {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let mut words = Words::of(text);
        let direction = direction(&mut words)?;
        let effect = words.read("`opens` or `closes`", |word| match word {
            "opens" => Some(Effect::Opens),
            "closes" => Some(Effect::Closes),
            _ => None,
        })?;
        let no_protocol =
            words.error("protocols that packets of this family have, and ports for `tcp` and `udp` alone");
        let protocols = words.read("`all`, or some of `tcp,udp,icmp,icmpv6,gre,other`", protocols)?;
        let (sources, source_ports) = end(&mut words, "from", None)?;
        let (destinations, destination_ports) = end(&mut words, "to", sources.as_ref())?;
        words.end("nothing more")?;
        let family = sources.as_ref().or(destinations.as_ref()).map(AddressSet::family);
        let addresses = family.map_or(Addresses::Every, |family| Addresses::Between {
            sources: sources.unwrap_or_else(|| AddressSet::every(family)),
            destinations: destinations.unwrap_or_else(|| AddressSet::every(family)),
        });
        Self::new((direction, effect), protocols, addresses, (source_ports, destination_ports))
            .ok_or(no_protocol)
    }
}

fn protocols(word: &str) -> Option<Protocols> {
    if word == "all" {
        return Some(Protocols::EVERY);
    }
    let named = |name| ProtocolKind::ALL.into_iter().find(|kind| kind.to_string() == name);
    word.split(',').map(named).collect()
}

/// Reads an end: its addresses, none where it names none, and its ports.
fn end(
    words: &mut Words<'_>,
    keyword: &str,
    other: Option<&AddressSet>,
) -> Result<(Option<AddressSet>, PortSet), TextError> {
    let is_given = words.skip(keyword);
    let has_ports = is_given && words.peek() == Some("port");
    let addresses = if is_given && !has_ports { Some(addresses(words, other)?) } else { None };
    if !is_given || !words.skip("port") {
        return Ok((addresses, PortSet::every()));
    }
    let ports = words.read("ports, 0 to 65535, such as `443,8000/8080`", |word| {
        word.split(',').map(port_range).collect::<Option<Vec<_>>>()
    })?;
    Ok((addresses, PortSet::new(ports)))
}

fn addresses(words: &mut Words<'_>, other: Option<&AddressSet>) -> Result<AddressSet, TextError> {
    let wrong = words.error(PREFIXES);
    let prefixes = words.read(PREFIXES, prefixes)?;
    let family = prefixes.first().map(|prefix| Family::of(prefix.network())).ok_or(wrong.clone())?;
    let is_of_family =
        |prefixes: &[IpNet]| prefixes.iter().all(|prefix| Family::of(prefix.network()) == family);
    if !is_of_family(&prefixes) || other.is_some_and(|other| other.family() != family) {
        return Err(wrong);
    }
    let set = AddressSet::new(family, prefixes);
    if !words.skip("except") {
        return Ok(set);
    }
    let wrong = words.error("prefixes to leave out, but not all of them");
    let exceptions = words.read(PREFIXES, self::prefixes)?;
    let set = set.without(&AddressSet::new(family, exceptions.iter().copied()));
    if is_of_family(&exceptions) && !set.is_empty() { Ok(set) } else { Err(wrong) }
}

fn prefixes(word: &str) -> Option<Vec<IpNet>> {
    let prefix = |text| Prefix::ipv4(text).or_else(|_| Prefix::ipv6(text)).ok();
    word.split(',').map(|text| prefix(text).map(|prefix| prefix.net())).collect()
}

fn port_range(text: &str) -> Option<RangeInclusive<u16>> {
    let (low, high) = text.split_once('/').unwrap_or((text, text));
    let (low, high) = (plain_number(low)?, plain_number(high)?);
    (low <= high).then_some(low..=high)
}
