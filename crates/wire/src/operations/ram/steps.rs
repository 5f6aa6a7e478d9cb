//! Steps through long lists: `MaxItems` and `Marker`.
//!
//! Lists are in the order of creation and a marker is the place of the last entry that was shown. So entries that come
//! and go between two steps make no other entry appear twice or be passed over.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::catalogue::prelude::*;

/// `Marker`.
pub(super) const MARKER: Parameter = Parameter::optional(
    "Marker",
    Kind::text(512),
    "Where the list goes on: the `Marker` of the answer before.",
    "b3duLzE3",
);

/// `MaxItems`.
pub(super) const MAX_ITEMS: Parameter = Parameter::optional(
    "MaxItems",
    Kind::Integer { min: 1, max: 1_000 },
    "How many entries to answer at most; 100 where it is not given.",
    "100",
);

/// The place of an entry in its list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// What every account has comes first, by name.
    System(&'static str),
    /// Then the account's own, by serial.
    Own(u64),
}

/// Where a list goes on.
#[derive(Debug, PartialEq, Eq)]
enum After {
    Start,
    System(String),
    Own(u64),
}

impl Place {
    fn marker(&self) -> String {
        URL_SAFE_NO_PAD.encode(match self {
            Self::System(name) => format!("system/{name}"),
            Self::Own(serial) => format!("own/{serial}"),
        })
    }
}

impl After {
    fn read(marker: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(marker).ok()?).ok()?;
        match text.split_once('/')? {
            ("system", name) => Some(Self::System(name.to_owned())),
            ("own", serial) => serial.parse().ok().map(Self::Own),
            _ => None,
        }
    }

    fn is_before(&self, place: &Place) -> bool {
        match (self, place) {
            (Self::System(last), Place::System(name)) => last.as_str() < *name,
            (Self::Own(last), Place::Own(serial)) => last < serial,
            (Self::Own(_), Place::System(_)) => false,
            (Self::Start, _) | (Self::System(_), Place::Own(_)) => true,
        }
    }
}

/// Cuts the step that the call asks for out of a list in the order of its places: `IsTruncated`, `Marker` if there is
/// more, and the entries.
pub(super) fn cut<T>(
    arguments: &Arguments,
    list: impl Iterator<Item = (Place, T)>,
) -> Result<(Answer, Vec<T>), Fault> {
    let after = match arguments.text("Marker") {
        None => After::Start,
        Some(marker) => {
            After::read(marker).ok_or_else(|| Fault::named(&code::RAM_INVALID_VALUE, "Marker"))?
        }
    };
    let size = arguments.count("MaxItems", 100);
    let mut rest = list.filter(|(place, _)| after.is_before(place));
    let (mut entries, mut last) = (Vec::new(), None);
    for (place, entry) in rest.by_ref().take(size) {
        last = Some(place);
        entries.push(entry);
    }
    let truncated = rest.next().is_some();
    let mut answer = Answer::new();
    answer.insert("IsTruncated".into(), json!(truncated));
    if let Some(last) = last.filter(|_| truncated) {
        answer.insert("Marker".into(), json!(last.marker()));
    }
    Ok((answer, entries))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_read_as_they_were_written() {
        for (place, after) in [
            (Place::System("AliyunENSFullAccess"), After::System("AliyunENSFullAccess".into())),
            (Place::Own(17), After::Own(17)),
        ] {
            assert_eq!(After::read(&place.marker()), Some(after));
        }
        for text in ["", "own/17", "b3du", "b3duLw", "b3duLy0x", "\u{e9}", "b3duLzE3="] {
            assert_eq!(After::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_list_goes_on_behind_its_marker() {
        let places = [Place::System("a"), Place::System("b"), Place::Own(3), Place::Own(9)];
        assert!(places.is_sorted());
        for (index, place) in places.iter().enumerate() {
            let after = After::read(&place.marker()).unwrap();
            let rest: Vec<_> = places.iter().filter(|other| after.is_before(other)).collect();
            assert_eq!(rest, places[index + 1..].iter().collect::<Vec<_>>());
        }
        // The entry of the marker may be gone.
        assert!(After::Own(5).is_before(&places[3]) && !After::Own(5).is_before(&places[2]));
        assert!(After::System("aa".into()).is_before(&places[1]));
    }
}
