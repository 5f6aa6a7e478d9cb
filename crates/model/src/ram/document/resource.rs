//! Actions and resources: how a request names them and how a document selects them.

use crate::account::AccountId;

use super::pattern::{Case, Pattern};

/// Whose resource it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceOwner {
    /// An account's.
    Account(AccountId),
    /// Everybody's: a system policy.
    System,
}

/// The resource that a request is about: `acs:<service>:<region>:<owner>:<relative id>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceName<'a> {
    /// Such as `ens`.
    pub service: &'a str,
    /// Such as `cn-hangzhou-44`; `*` for a resource that is in no region.
    pub region: &'a str,
    /// Whose it is.
    pub owner: ResourceOwner,
    /// Such as `instance/i-5x`, in the words of the service; `*` for all resources.
    pub relative_id: &'a str,
}

impl<'a> ResourceName<'a> {
    /// All resources of an account in a service: what an operation is about that is not granted resource by resource.
    /// A document selects it by `*` in each place, not by the name of one resource.
    pub fn all(service: &'a str, account: AccountId) -> Self {
        Self { service, region: "*", owner: ResourceOwner::Account(account), relative_id: "*" }
    }
}

/// Reads an action of a document: `*`, or `service:Action` with wildcards in both parts. Actions are matched without
/// regard to case, as the product does for most services.
pub(super) fn parse_action(text: &str) -> Result<Pattern, &'static str> {
    if text == "*" {
        return Ok(Pattern::anything());
    }
    let Some((service, action)) = text.split_once(':') else {
        return Err("write it as service:Action, such as \"ens:DescribeInstances\", or \"*\"");
    };
    if service.is_empty() || action.is_empty() {
        return Err("there must be something before and after the colon");
    }
    if !service.chars().all(|c| is_word(c) || is_wildcard(c)) {
        return Err("a service is letters, digits, - and _, with * and ? as wildcards");
    }
    if !action.chars().all(|c| is_word(c) || is_wildcard(c) || matches!(c, '.' | '/')) {
        return Err("an action is letters, digits, - _ . and /, with * and ? as wildcards");
    }
    // One colon on both sides: no wildcard of the service can reach into the action.
    Ok(Pattern::new(text, Case::Insensitive))
}

/// Which resources an element of a document selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ResourcePattern {
    /// All.
    Anything,
    /// Those whose every part matches. No wildcard reaches beyond its part.
    Parts(Box<Parts>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    service: Pattern,
    region: Pattern,
    owner: OwnerPattern,
    relative_id: Pattern,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OwnerPattern {
    Anyone,
    Only(ResourceOwner),
}

impl ResourcePattern {
    /// Reads a resource of a document: `*`, or `acs:service:region:account:relative-id` with wildcards. The account is
    /// `*`, digits, or `system` for system policies; an empty region selects every region.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "*" {
            return Ok(Self::Anything);
        }
        let mut parts = text.splitn(5, ':');
        let (Some("acs"), Some(service), Some(region), Some(owner), Some(relative_id)) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("write it as acs:service:region:account:relative-id, or \"*\"");
        };
        if service.is_empty() || !service.chars().all(|c| is_word(c) || is_wildcard(c)) {
            return Err("a service is letters, digits, - and _, with * and ? as wildcards");
        }
        if !region.chars().all(|c| is_word(c) || is_wildcard(c)) {
            return Err("a region is letters, digits and -, with * and ? as wildcards");
        }
        if relative_id.contains("${") {
            return Err("this server has no policy variables");
        }
        if relative_id.is_empty() || relative_id.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err("the part after the account must be there and have no spaces");
        }
        Ok(Self::Parts(Box::new(Parts {
            service: Pattern::new(service, Case::Insensitive),
            region: if region.is_empty() {
                Pattern::anything()
            } else {
                Pattern::new(region, Case::Sensitive)
            },
            owner: OwnerPattern::parse(owner)?,
            relative_id: Pattern::new(relative_id, Case::Sensitive),
        })))
    }

    /// Whether it selects this resource.
    pub(super) fn matches(&self, name: &ResourceName<'_>) -> bool {
        match self {
            Self::Anything => true,
            Self::Parts(parts) => {
                parts.owner.matches(name.owner)
                    && parts.service.matches(name.service)
                    && parts.region.matches(name.region)
                    && parts.relative_id.matches(name.relative_id)
            }
        }
    }
}

impl OwnerPattern {
    fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "*" => Ok(Self::Anyone),
            "system" => Ok(Self::Only(ResourceOwner::System)),
            digits if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                let account = digits.parse().map_err(|_| "there is no account with a number this long")?;
                Ok(Self::Only(ResourceOwner::Account(account)))
            }
            _ => Err("the account is its number or *"),
        }
    }

    fn matches(self, owner: ResourceOwner) -> bool {
        match self {
            Self::Anyone => true,
            Self::Only(wanted) => wanted == owner,
        }
    }
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_')
}

fn is_wildcard(character: char) -> bool {
    matches!(character, '*' | '?')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: AccountId = AccountId(1_000_000_000_000_001);

    fn instance(relative_id: &str) -> ResourceName<'_> {
        ResourceName {
            service: "ens",
            region: "cn-beijing-9",
            owner: ResourceOwner::Account(ACCOUNT),
            relative_id,
        }
    }

    fn selects(pattern: &str, name: &ResourceName<'_>) -> bool {
        ResourcePattern::parse(pattern).expect(pattern).matches(name)
    }

    #[test]
    fn actions_match_without_regard_to_case() {
        let table = [
            ("*", true),
            ("ens:*", true),
            ("ENS:leavesecuritygroup", true),
            ("ens:Leave*", true),
            ("e?s:*Group", true),
            ("*:Leave*", true),
            ("ens:Leave", false),
            ("ecs:*", false),
            ("ens:*Groups", false),
        ];
        for (pattern, expected) in table {
            assert_eq!(
                parse_action(pattern).expect(pattern).matches("ens:LeaveSecurityGroup"),
                expected,
                "{pattern}"
            );
        }
    }

    #[test]
    fn what_is_no_action_is_refused() {
        for text in [
            "",
            "ens",
            "LeaveSecurityGroup",
            ":Leave",
            "ens:",
            "ens:a:b",
            "ens: Leave",
            "e ns:*",
            "ens:é",
            "**",
        ] {
            assert!(parse_action(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_part_of_a_resource_must_match() {
        let one = instance("instance/i-1");
        let table = [
            ("*", true),
            ("acs:ens:*:*:*", true),
            ("acs:ens:*:1000000000000001:instance/i-1", true),
            ("acs:ens:cn-beijing-?:1000000000000001:instance/*", true),
            ("acs:ens::1000000000000001:instance/*", true),
            ("acs:*:*:*:*", true),
            ("acs:ens:*:1000000000000002:instance/i-1", false),
            ("acs:ens:*:system:*", false),
            ("acs:ens:cn-hangzhou:*:*", false),
            ("acs:ecs:*:*:*", false),
            ("acs:ens:*:*:Instance/i-1", false),
            ("acs:ens:*:*:instance", false),
        ];
        for (pattern, expected) in table {
            assert_eq!(selects(pattern, &one), expected, "{pattern}");
        }
    }

    #[test]
    fn wildcards_stay_in_their_part() {
        let name = instance("a:b");
        assert!(selects("acs:ens:*:*:a:b", &name));
        assert!(!selects("acs:*:*:*:b", &name));
    }

    #[test]
    fn all_resources_are_not_selected_by_the_name_of_one() {
        let all = ResourceName::all("ens", ACCOUNT);
        assert!(selects("*", &all));
        assert!(selects("acs:ens:*:*:*", &all));
        assert!(selects("acs:ens::1000000000000001:*", &all));
        assert!(!selects("acs:ens:*:*:instance/*", &all));
        assert!(!selects("acs:ens:cn-beijing-9:*:*", &all));
        assert!(!selects("acs:ens:*:1000000000000002:*", &all));
    }

    #[test]
    fn system_policies_have_their_own_owner() {
        let policy = ResourceName {
            service: "ram",
            region: "*",
            owner: ResourceOwner::System,
            relative_id: "policy/X",
        };
        assert!(selects("acs:ram:*:system:policy/*", &policy));
        assert!(selects("acs:ram:*:*:policy/X", &policy));
        assert!(!selects("acs:ram:*:1000000000000001:policy/X", &policy));
    }

    #[test]
    fn what_is_no_resource_is_refused() {
        let table = [
            "",
            "**",
            "acs",
            "acs:ens:*:*",
            "arn:aws:s3:::bucket",
            "ens:*:*:*:*",
            "acs::*:*:*",
            "acs:ens:*::instance/i-1",
            "acs:ens:*:12*:instance/i-1",
            "acs:ens:*:99999999999999999999999:instance/i-1",
            "acs:ens:*:*:",
            "acs:ens:*:*:instance/ i-1",
            "acs:ens:*:*:user/${acs:name}",
            "acs:ens:cn beijing:*:*",
        ];
        for text in table {
            assert!(ResourcePattern::parse(text).is_err(), "{text}");
        }
    }
}
