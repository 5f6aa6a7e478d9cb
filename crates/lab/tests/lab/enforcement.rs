//! Rules and memberships decide packets between instances, and a change is the smallest one.

use lab::{EXAMPLE, Step, TemporaryLab};

use crate::support::{answers, assert_connects, connect, is_root, leftovers, pings, serve};

#[test]
fn the_documented_example_does_what_its_rules_say() {
    if !is_root() {
        return;
    }
    let lab = TemporaryLab::new(EXAMPLE).unwrap();
    for (instance, address) in [
        ("web-1", "0.0.0.0:80"),
        ("web-1", "[fd77:1::11]:80"),
        ("web-1", "10.77.1.11:81"),
        ("client", "10.77.1.5:80"),
        ("database", "0.0.0.0:5432"),
        ("database", "[fd77:2::10]:5432"),
        ("database", "10.77.2.10:22"),
    ] {
        serve(&lab, instance, address);
    }
    // Bridged.
    assert_connects(&lab, "client", "10.77.1.11:80", true);
    assert_connects(&lab, "client", "[fd77:1::11]:80", true);
    assert_connects(&lab, "client", "10.77.1.11:81", false);
    assert_connects(&lab, "web-2", "10.77.1.5:80", false);
    assert!(pings(&lab, "client", "10.77.1.12", true));
    assert!(pings(&lab, "client", "fd77:1::12", true));
    assert!(!pings(&lab, "web-1", "10.77.1.5", false));
    // Routed.
    assert_connects(&lab, "web-1", "10.77.2.10:5432", true);
    assert_connects(&lab, "web-1", "[fd77:2::10]:5432", true);
    assert_connects(&lab, "web-1", "10.77.2.10:22", false);
    assert_connects(&lab, "database", "10.77.2.11:80", false);
    let name = lab.name().to_owned();
    lab.lab().down().unwrap();
    assert_eq!(leftovers(&name), Vec::<String>::new());
}

/// Two instances, one of which serves; the rules and groups are the test's.
fn pair(kind: &str, rules: &str, groups: &str) -> String {
    format!(
        r#"
        name = "pair"
        [networks.net]
        kind = "{kind}"
        ipv4 = "10.78.0.0/24"
        ipv6 = "fd78::/64"
        [groups.web]
        rules = [{rules}]
        [groups.other]
        rules = ["ingress accept udp to port 9"]
        [instances.one]
        interfaces = [{{ network = "net", addresses = ["10.78.0.1", "fd78::1"] }}]
        [instances.two]
        interfaces = [{{ network = "net", addresses = ["10.78.0.2", "fd78::2"], groups = [{groups}] }}]
        "#
    )
}

const OPEN: &str = r#""ingress accept tcp to port 80""#;
const CLOSED: &str = r#""ingress accept tcp to port 81""#;

#[test]
fn a_change_is_the_smallest_one_and_cuts_what_it_forbids() {
    if !is_root() {
        return;
    }
    for kind in ["bridged", "routed"] {
        let mut lab = TemporaryLab::new(&pair(kind, OPEN, r#""web""#)).unwrap();
        serve(&lab, "two", "10.78.0.2:80");
        let mut stream = connect(&lab, "one", "10.78.0.2:80", true).unwrap();
        assert!(answers(&mut stream, true), "{kind}");

        let same = lab.change(&pair(kind, OPEN, r#""web""#)).unwrap();
        assert_eq!((same.generation, same.steps), (2, vec![]), "{kind}");
        assert!(answers(&mut stream, true), "{kind}");

        let rules = lab.change(&pair(kind, CLOSED, r#""web""#)).unwrap();
        assert!(matches!(rules.steps[..], [Step::SwitchClass { .. }]), "{kind}: {:?}", rules.steps);
        assert!(!answers(&mut stream, false), "{kind}");
        assert_connects(&lab, "one", "10.78.0.2:80", false);

        let back = lab.change(&pair(kind, OPEN, r#""web""#)).unwrap();
        assert!(matches!(back.steps[..], [Step::SwitchClass { .. }]), "{kind}: {:?}", back.steps);
        assert_connects(&lab, "one", "10.78.0.2:80", true);

        // It leaves for no groups, which is the class of the other instance: one assignment, and a class that nothing
        // has any more.
        let left = lab.change(&pair(kind, OPEN, "")).unwrap();
        assert!(
            matches!(left.steps[..], [Step::Assign { .. }, Step::RemoveClass { .. }]),
            "{:?}",
            left.steps
        );
        assert_connects(&lab, "one", "10.78.0.2:80", false);

        let joined = lab.change(&pair(kind, OPEN, r#""web", "other""#)).unwrap();
        assert!(
            matches!(joined.steps[..], [Step::MakeClass { .. }, Step::Assign { .. }]),
            "{:?}",
            joined.steps
        );
        assert_eq!(joined.generation, 6);
        assert_connects(&lab, "one", "10.78.0.2:80", true);
    }
}

#[test]
fn a_network_may_become_one_of_the_other_kind_and_an_address_another_one() {
    if !is_root() {
        return;
    }
    let bridged = pair("bridged", OPEN, r#""web""#);
    let mut lab = TemporaryLab::new(&bridged).unwrap();
    // The instance, and so what listens in it, stays, whatever becomes of its interface.
    serve(&lab, "two", "[::]:80");
    for text in [pair("routed", OPEN, r#""web""#), bridged] {
        lab.change(&text).unwrap();
        assert_eq!(lab.change(&text).unwrap().steps, vec![]);
        assert_connects(&lab, "one", "10.78.0.2:80", true);
        assert_connects(&lab, "one", "[fd78::2]:80", true);

        let moved = text.replace("10.78.0.2", "10.78.0.3");
        lab.change(&moved).unwrap();
        assert_connects(&lab, "one", "10.78.0.3:80", true);
    }
}
