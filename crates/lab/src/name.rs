//! Names on this host, which follow from names in the file: what a lab made is found again by them, whatever happened
//! to the process that made it.

use model::address::Mac;
use xxhash_rust::xxh3::xxh3_64;

/// The longest name of a device, in bytes (IFNAMSIZ of Linux, without its zero byte).
pub const DEVICE_BYTES_MAX: usize = 15;
/// The longest name of a lab, in bytes.
const LAB_BYTES_MAX: usize = 32;
/// The longest name of a network, group or instance, in bytes.
const NAME_BYTES_MAX: usize = 32;
/// What every namespace of every lab begins with.
const PREFIX: &str = "ravelin-";

/// What the lab's host is called where an instance could be named.
pub const HOST: &str = "host";

/// What names of labs look like, for people. There is no `-` in them, and so no lab's namespaces are another's; and those
/// of nodes' instances begin with `ravelin-i-`.
pub const LAB_FORM: &str =
    "1 to 32 small letters, digits and `_`, beginning with a letter, and not `i` alone";
/// What other names look like, for people.
pub const FORM: &str = "1 to 32 small letters, digits and `-`, beginning and ending with a letter or digit";

/// Whether this can be a lab's name.
pub fn is_lab(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    text.len() <= LAB_BYTES_MAX
        && text != "i"
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(fits)
}

/// Whether this can be the name of a network, a group or an instance.
pub fn is_name(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= NAME_BYTES_MAX
        && text.bytes().all(|byte| word(byte) || byte == b'-')
        && text.bytes().next().is_some_and(word)
        && text.bytes().last().is_some_and(word)
}

/// The namespace of a lab's host.
pub fn host_namespace(lab: &str) -> String {
    format!("{PREFIX}{lab}")
}

/// The namespace of an instance.
pub fn instance_namespace(lab: &str, instance: &str) -> String {
    format!("{PREFIX}{lab}-{instance}")
}

/// Which lab's a namespace is, and which instance's in it; no instance: the host's.
pub fn owner(namespace: &str) -> Option<(&str, Option<&str>)> {
    let rest = namespace.strip_prefix(PREFIX)?;
    let (lab, instance) = match rest.split_once('-') {
        Some((lab, instance)) => (lab, Some(instance)),
        None => (rest, None),
    };
    (is_lab(lab) && instance.is_none_or(is_name)).then_some((lab, instance))
}

/// The host's end of an instance's interface. It ends in a dash and a number.
pub fn device(instance: &str, number: usize) -> String {
    shortened(&format!("{instance}-{number}"))
}

/// The bridge of a network. Its `_` is in no name of an instance.
pub fn bridge(network: &str) -> String {
    shortened(&format!("br_{network}"))
}

/// The MAC of a bridge: locally administered, and lower than any port's.
pub fn bridge_mac(bridge: &str) -> Mac {
    let [a, b, c, d, ..] = xxh3_64(bridge.as_bytes()).to_le_bytes();
    Mac([0x02, 0x16, a, b, c, d])
}

/// The instance's end.
pub fn inner_device(number: usize) -> String {
    format!("eth{number}")
}

/// The alias that tells people what a device of the lab's host is for.
pub fn alias(lab: &str, instance: &str, number: usize) -> String {
    format!("ravelin lab {lab}: eth{number} of {instance}")
}

/// The text where it fits a device's name; otherwise its beginning and its hash.
fn shortened(text: &str) -> String {
    if text.len() <= DEVICE_BYTES_MAX {
        return text.to_owned();
    }
    // Neither a bridge's name nor a shorter device's has a dot.
    format!("{}.{:08x}", text.get(..6).unwrap_or_default(), xxh3_64(text.as_bytes()) & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_belong_to_one_lab() {
        assert_eq!(owner(&host_namespace("shop")), Some(("shop", None)));
        assert_eq!(owner(&instance_namespace("shop", "web-1")), Some(("shop", Some("web-1"))));
        for other in
            ["ravelin-", "ravelin-Shop", "ravelin-shop-", "shop", "ravelin-shop-web/1", "ravelin-i-5a"]
        {
            assert_eq!(owner(other), None, "{other}");
        }
        assert!(!is_lab("a-b"), "lab a with instance b would have the name of lab a-b's host");
    }

    #[test]
    fn names_of_devices_fit_and_differ() {
        assert_eq!(device("web-1", 0), "web-1-0");
        assert_eq!(bridge("front"), "br_front");
        let long = "a-very-long-name-of-an-instance";
        for name in [device(long, 0), device(long, 1), bridge(long)] {
            assert_eq!(name.len(), DEVICE_BYTES_MAX);
        }
        assert_ne!(device(long, 0), device(long, 1));
    }

    #[test]
    fn names_are_words_with_dashes() {
        for good in ["a", "web-1", "0", &"a".repeat(32)] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a_b", "a.b", "a/b", "a b", &"a".repeat(33)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
