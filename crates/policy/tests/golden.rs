//! Plans as people read them: each file of `tests/plans` has rules, an empty line between groups, and after `---` the
//! plan that is made of them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use model::SecurityGroupId;
use policy::{Group, Plan, PolicyClass, text::parse_rule};

fn compiled(rules: &str) -> String {
    let groups = rules.split("\n\n").zip(1..).map(|(rules, number)| Group {
        id: SecurityGroupId::from_entropy(number),
        rules: rules.lines().map(|rule| parse_rule(rule).unwrap()).collect(),
    });
    Plan::compile(&PolicyClass::new(groups).unwrap()).to_string()
}

#[test]
fn plans_are_what_they_were() {
    let files = [
        ("nothing", include_str!("plans/nothing.txt")),
        ("two-groups", include_str!("plans/two-groups.txt")),
        ("families", include_str!("plans/families.txt")),
        ("ports", include_str!("plans/ports.txt")),
    ];
    for (name, text) in files {
        let (rules, plan) = text.split_once("---\n").unwrap_or((text, ""));
        let compiled = compiled(rules.trim_end());
        assert!(compiled == plan, "{name} is another plan now:\n{compiled}");
    }
}
