//! The codes that the vendor documents for an operation, and that the operation cannot answer here: rows that its
//! table shares with its family.

use super::{ErrorCode, Operation, Product, error_code as code};

/// The operations whose tables have the codes of rules, though they touch none. A Join may still bring an interface more
/// rules than can be enforced for it.
const WITHOUT_RULES: &[(&str, &[&ErrorCode])] = &[
    ("JoinSecurityGroup", &[&code::RULE_DUPLICATED, &code::RULE_NOT_FOUND]),
    ("LeaveSecurityGroup", &[&code::RULE_DUPLICATED, &code::RULE_LIMIT, &code::RULE_NOT_FOUND]),
];

impl Operation {
    /// Whether a code that the operation documents is one that it answers. The others stand in its table because they
    /// stand in the vendor's.
    pub fn answers(&self, error: &ErrorCode) -> bool {
        let own = WITHOUT_RULES.iter().find(|(name, _)| self.product == Product::Ens && *name == self.name);
        let of_rules = own.is_some_and(|(_, never)| never.contains(&error));
        // Only changes wait for nodes.
        (*error != code::ENS_INTERFACE_ERROR || self.handler.mutates()) && !of_rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{all, find};

    #[test]
    fn what_an_operation_never_answers_is_told_from_what_it_does() {
        let leave = find(Product::Ens, "LeaveSecurityGroup").unwrap();
        let never: Vec<_> = leave.errors.iter().filter(|error| !leave.answers(error)).collect();
        assert_eq!(
            never.iter().map(|error| error.code).collect::<Vec<_>>(),
            [
                "SecurityGroupRuleConflict.Duplicated",
                "AuthorizationLimitExceed",
                "SecurityGroupRule.NotFound",
            ]
        );
        let describe = find(Product::Ens, "DescribeSecurityGroupAttribute").unwrap();
        assert!(leave.answers(&code::ENS_INTERFACE_ERROR) && !describe.answers(&code::ENS_INTERFACE_ERROR));
        let join = find(Product::Ens, "JoinSecurityGroup").unwrap();
        assert!(join.answers(&code::RULE_LIMIT) && !join.answers(&code::RULE_NOT_FOUND));
        let authorize = find(Product::Ens, "AuthorizeSecurityGroup").unwrap();
        assert!(authorize.errors.iter().all(|error| authorize.answers(error)));
    }

    #[test]
    fn the_operations_without_rules_are_there() {
        for (name, _) in WITHOUT_RULES {
            assert!(all().any(|operation| operation.name == *name), "{name}");
        }
    }
}
