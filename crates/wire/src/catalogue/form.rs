//! What texts must look like: the rules for names and descriptions, as the vendor's reference gives them.

use std::{fmt, net::IpAddr};

use ipnet::IpNet;

/// What a text must look like besides its length.
#[derive(Clone, Copy)]
pub struct Form {
    /// The rule in words; empty: none.
    pub words: &'static str,
    /// Whether a text keeps the rule.
    pub check: fn(&str) -> bool,
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words)
    }
}

impl PartialEq for Form {
    fn eq(&self, other: &Self) -> bool {
        self.words == other.words
    }
}

fn no_url(text: &str) -> bool {
    let lower: String = text.chars().take(8).flat_map(char::to_lowercase).collect();
    !lower.starts_with("http://") && !lower.starts_with("https://")
}

fn begins_with_letter(text: &str) -> bool {
    text.chars().next().is_some_and(char::is_alphabetic)
}

fn only(text: &str, also: &str) -> bool {
    text.chars().all(|character| character.is_alphanumeric() || also.contains(character))
}

fn only_ascii(text: &str, also: &str) -> bool {
    text.chars().all(|character| character.is_ascii_alphanumeric() || also.contains(character))
}

macro_rules! forms {
    ($($(#[$doc:meta])* $name:ident: $words:literal, $check:expr;)*) => {
        impl Form {
            $($(#[$doc])* pub const $name: Self = Self { words: $words, check: $check };)*
        }
    };
}

forms! {
    /// Any text without control characters.
    ANY: "", |text| !text.chars().any(|c| c.is_control() && c != '\n' && c != '\t' && c != '\r');
    /// A name of a security group.
    GROUP_NAME: "begins with a letter; letters, digits, `:` `_` `-`; not `http://` or `https://`",
        |text| begins_with_letter(text) && only(text, ":_-") && no_url(text);
    /// A name of an instance.
    INSTANCE_NAME: "begins with a letter; letters, digits, `:` `_` `.` `-`; not `http://` or `https://`",
        |text| begins_with_letter(text) && only(text, ":_.-") && no_url(text);
    /// A host name.
    HOST_NAME: "letters, digits, `-` and `.`; neither first nor last nor twice in a row `-` or `.`", is_host_name;
    /// A description that begins with a letter.
    GROUP_DESCRIPTION: "begins with a letter; not `http://` or `https://`",
        |text| begins_with_letter(text) && no_url(text) && (Form::ANY.check)(text);
    /// A description, or a name without further rules.
    NO_URL: "must not begin with `http://` or `https://`", |text| no_url(text) && (Form::ANY.check)(text);
    /// A key of a tag.
    TAG_KEY: "must not begin with `aliyun` or `acs:`, nor contain `http://` or `https://`", is_tag_word;
    /// A value of a tag.
    TAG_VALUE: "must not begin with `aliyun` or `acs:`, nor contain `http://` or `https://`", is_tag_word;
    /// Base64 text.
    BASE64: "Base64", |text| only_ascii(text, "+/=\n\r");
    /// A password of an instance.
    PASSWORD: "three of: small letters, capital letters, digits, other characters", is_password;
    /// A name of a RAM user.
    USER_NAME: "letters, digits, `.` `_` `-` `@`", |text| only_ascii(text, "._-@");
    /// A name for people of a RAM user.
    DISPLAY_NAME: "letters (of any script), digits, `@` `.` `_` `-`", |text| only(text, "@._-");
    /// An e-mail address.
    EMAIL: "an e-mail address", is_email;
    /// A phone number with its country.
    MOBILE_PHONE: "`<country code>-<number>`", is_mobile_phone;
    /// A number of a version of a policy.
    VERSION_ID: "`v` and a number from 1", |text| version_number(text).is_some();
    /// A name of a policy.
    POLICY_NAME: "letters, digits, `-`", |text| only_ascii(text, "-");
    /// An id of an access key.
    ACCESS_KEY_ID: "letters, digits, `.` `_` `-`", |text| only_ascii(text, "._-");
    /// A name of a network device.
    DEVICE_NAME: "visible ASCII characters without `/` and `:`; not `.` or `..`", |text| text.parse::<model::node::DeviceName>().is_ok();
    /// An address or a CIDR block of either family.
    PREFIX: "an IPv4 or IPv6 address or CIDR block", |text| prefix(text).is_some();
    /// One end of traffic.
    TRAFFIC_END: "an IPv4 or IPv6 address, the id of an instance or of a network interface, or `internet`", is_traffic_end;
    /// A moment.
    AS_OF: "the number of a change, or a time, UTC, `YYYY-MM-DDThh:mm:ssZ`",
        |text| text.parse::<u64>().is_ok() || model::UnixMillis::parse(text).is_some();
    /// Where a list goes on.
    EVENT_TOKEN: "the `NextToken` of an answer", |text| event_place(text).is_some();
    /// Where a list goes on.
    SERIAL: "the `NextToken` of an answer", |text| text.parse::<u64>().is_ok();
    /// A protocol of flows.
    FLOW_PROTOCOL: "`tcp`, `udp`, `icmp`, `icmpv6`, `gre`, or the number of a protocol, 0 to 255",
        |text| control::fleet::protocol_number(text).is_some();
    /// A token that an answer with drops had.
    DROP_TOKEN: "the NextToken of an answer",
        |text| crate::operations::drop_token(text).is_some();
    /// A port range.
    PORTS: "`low/high`, 1 to 65535 with low <= high, or `-1/-1` for protocols without ports", |text| {
        model::rule::PortRange::parse(text, model::rule::Protocol::Tcp).is_some() || text == "-1/-1"
    };
}

/// The place of an event, as `ListEvents` writes it: `57`, or `57.3` for the third refused call, after that change.
pub(crate) fn event_place(text: &str) -> Option<control::activity::EventPlace> {
    let (generation, refusal) = text.split_once('.').unwrap_or((text, "0"));
    let (generation, refusal) = (generation.parse().ok()?, refusal.parse().ok()?);
    Some(control::activity::EventPlace { generation, refusal })
}

fn is_traffic_end(text: &str) -> bool {
    let is_id = |rest: &str| !rest.is_empty() && only_ascii(rest, "_-.");
    let id = text.strip_prefix("i-").or_else(|| text.strip_prefix("eni-"));
    text == "internet" || text.parse::<IpAddr>().is_ok() || id.is_some_and(is_id)
}

/// An address or a CIDR block of either family; an address is the block that has it alone.
pub(crate) fn prefix(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn is_email(text: &str) -> bool {
    let visible = text.chars().all(|character| !character.is_whitespace() && !character.is_control());
    let sides = text.split_once('@');
    visible && sides.is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'))
}

fn is_mobile_phone(text: &str) -> bool {
    let digits = |part: &str, max: usize| {
        (1..=max).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    text.split_once('-').is_some_and(|(country, number)| digits(country, 4) && digits(number, 20))
}

/// The number of a version of a policy, written `v1`, `v2`, ...
pub(crate) fn version_number(text: &str) -> Option<u32> {
    let digits = text.strip_prefix('v')?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    if plain { digits.parse().ok() } else { None }
}

fn is_host_name(text: &str) -> bool {
    let edge = |c: char| c == '-' || c == '.';
    only_ascii(text, "-.")
        && !text.starts_with(edge)
        && !text.ends_with(edge)
        && !["--", "..", "-.", ".-"].iter().any(|pair| text.contains(pair))
}

fn is_tag_word(text: &str) -> bool {
    let lower = text.to_lowercase();
    !lower.starts_with("aliyun")
        && !lower.starts_with("acs:")
        && !lower.contains("http://")
        && !lower.contains("https://")
        && (Form::ANY.check)(text)
}

fn is_password(text: &str) -> bool {
    let classes: [fn(char) -> bool; 4] = [
        |c| c.is_ascii_lowercase(),
        |c| c.is_ascii_uppercase(),
        |c| c.is_ascii_digit(),
        |c| c.is_ascii_punctuation(),
    ];
    text.is_ascii() && classes.iter().filter(|class| text.chars().any(**class)).count() >= 3
}
