use super::*;
use crate::EXAMPLE;

/// What is wrong with a text, one line each.
fn problems(text: &str) -> String {
    Definition::parse(text).expect_err("a text with a problem").to_string()
}

/// A sound lab, with one line that is replaced.
fn with(line: &str, replacement: &str) -> String {
    const SOUND: &str = r#"name = "lab"
[networks.net]
kind = "bridged"
ipv4 = "10.0.0.0/24"
[networks.far]
kind = "routed"
ipv4 = "10.0.1.0/24"
[groups.web]
rules = ["ingress accept tcp to port 80"]
[instances.one]
interfaces = [{ network = "net", addresses = ["10.0.0.1"], groups = ["web"] }]
[instances.two]
interfaces = [{ network = "far", addresses = ["10.0.1.1"] }]
"#;
    Definition::parse(SOUND).expect("a sound lab");
    assert!(SOUND.contains(line), "{line}");
    SOUND.replace(line, replacement)
}

#[test]
fn the_example_is_a_lab_and_documented() {
    let lab = Definition::parse(EXAMPLE).unwrap();
    assert_eq!(lab.name(), "shop");
    let web = &lab.instances()[2];
    assert_eq!((web.name.as_str(), web.interfaces.len()), ("web-1", 2));
    assert_eq!(web.interfaces[0].addresses().count(), 2);
    assert!(include_str!("../../../../docs/lab.md").contains(EXAMPLE), "docs/lab.md has another example");
}

#[test]
fn the_same_file_means_the_same_ids_and_macs() {
    let (one, other) = (Definition::parse(EXAMPLE).unwrap(), Definition::parse(EXAMPLE).unwrap());
    assert!(one.interfaces().eq(other.interfaces()));
    let renamed = one.renamed("other").unwrap();
    assert_eq!(renamed.name(), "other");
    assert!(one.interfaces().zip(renamed.interfaces()).all(|(one, other)| one.id != other.id));
    let mut macs: Vec<Mac> = one.interfaces().map(|interface| interface.mac).collect();
    macs.dedup();
    assert_eq!(macs.len(), 5);
}

#[test]
fn link_local_addresses_follow_from_macs() {
    let mac = Mac([0x00, 0x16, 0x3e, 1, 2, 3]);
    assert_eq!(link_local(mac), "fe80::216:3eff:fe01:203".parse::<Ipv6Addr>().unwrap());
}

#[test]
fn a_problem_names_its_line_and_what_to_do() {
    for (line, replacement, problem) in [
        (
            r#"name = "lab""#,
            r#"name = "a-b""#,
            r#"line 1: "a-b" is no name of a lab: 1 to 32 small letters, digits and `_`, beginning with a letter, and not `i` alone"#,
        ),
        (
            r#"ipv4 = "10.0.0.0/24""#,
            r#"ipv4 = "10.0.0.0""#,
            r#"line 4: "10.0.0.0" is not an IPv4 prefix such as 10.77.0.0/24"#,
        ),
        (
            r#"network = "net""#,
            r#"network = "nett""#,
            r#"line 11: there is no network "nett"; the file has far, net"#,
        ),
        (
            r#"groups = ["web"]"#,
            r#"groups = ["wbe"]"#,
            r#"line 11: there is no group "wbe"; add [groups.wbe]"#,
        ),
        (
            r#"groups = ["web"]"#,
            r#"groups = ["web", "web"]"#,
            r#"line 11: eth0 of "one" is in group "web" already"#,
        ),
        (
            r#""10.0.0.1""#,
            r#""10.0.2.1""#,
            r#"line 11: 10.0.2.1 cannot be an interface's: network "net" is 10.0.0.0/24"#,
        ),
        (
            r#""10.0.0.1""#,
            r#""10.0.0.255""#,
            "line 11: 10.0.0.255 cannot be an interface's: it is the network's own; take one between its first and its last",
        ),
        (
            r#""10.0.1.1""#,
            r#""127.0.0.1", "10.0.1.1", "fe80::5""#,
            "line 13: 127.0.0.1 cannot be an interface's: network \"far\" is 10.0.1.0/24\n\
             line 13: fe80::5 cannot be an interface's: network \"far\" has no IPv6 prefix; give it one",
        ),
        (
            r#""10.0.0.1""#,
            r#""10.0.0.1", "fd00::1""#,
            r#"line 11: fd00::1 cannot be an interface's: network "net" has no IPv6 prefix; give it one"#,
        ),
        (
            r#""10.0.0.1""#,
            r#""10.0.0.1/24""#,
            r#"line 11: "10.0.0.1/24" is no address; write it without a prefix length"#,
        ),
        (
            r#""10.0.0.1""#,
            r#""10.0.0.1", "10.0.0.1""#,
            "line 11: 10.0.0.1 is given to another interface in line 11",
        ),
        (r#"["10.0.0.1"]"#, "[]", r#"line 11: eth0 of "one" needs an IPv4 address of 10.0.0.0/24"#),
        (
            r#"rules = ["ingress accept tcp to port 80"]"#,
            r#"rules = ["ingress accept tcp to port 80", "ingress allow tcp"]"#,
            r#"line 9: rule of group "web": word 2 is "allow": expected `accept` or `drop`"#,
        ),
        (
            r#"rules = ["ingress accept tcp to port 80"]"#,
            r#"rules = ["ingress accept tcp to port 80", "ingress accept tcp to port 80/80"]"#,
            r#"line 9: group "web" has this rule already; remove one of them"#,
        ),
        (
            "[instances.two]",
            "[instances.host]",
            r#"line 12: "host" is what the lab's host is called; name the instance otherwise"#,
        ),
        (
            r#"kind = "bridged"
ipv4 = "10.0.0.0/24""#,
            r#"kind = "routed"
ipv4 = "10.0.0.0/16""#,
            r#"line 2: the routed networks "far" and "net" overlap; one host cannot route both: give them prefixes apart"#,
        ),
    ] {
        assert_eq!(problems(&with(line, replacement)), problem);
    }
}

#[test]
fn addresses_that_mean_something_else_are_no_interfaces() {
    for (ipv4, ipv6, address, why) in [
        ("127.0.0.0/8", "fd00::/64", "127.0.0.1", "it is a special address"),
        ("0.0.0.0/0", "fd00::/64", "255.255.255.255", "it is the broadcast address"),
        ("169.254.0.0/16", "fd00::/64", "169.254.1.1", "it is the lab's host's"),
        ("10.0.1.0/24", "fe80::/64", "fe80::1", "link-local addresses are given by the lab"),
        ("10.0.1.0/24", "::/0", "::ffff:10.0.1.1", "it stands for an IPv4 address, and is in no packet"),
    ] {
        let text = with(r#"ipv4 = "10.0.1.0/24""#, &format!("ipv4 = {ipv4:?}\nipv6 = {ipv6:?}"));
        let text = text.replace(r#""10.0.1.1""#, &format!("{address:?}"));
        assert_eq!(problems(&text), format!("line 14: {address} cannot be an interface's: {why}"));
    }
}

#[test]
fn bytes_that_are_no_text_name_their_line() {
    let error = Definition::from_bytes(b"name = \"lab\"\n# \xff\n".to_vec()).unwrap_err();
    assert_eq!(error.to_string(), "line 2: the bytes there are no UTF-8, which text of TOML is");
    let long = vec![0xff; usize::try_from(FILE_BYTES_MAX).unwrap() + 1];
    assert_eq!(Definition::from_bytes(long).unwrap_err(), DefinitionError::TooLarge);
}

#[test]
fn what_is_no_lab_in_form_names_its_line() {
    let twice = problems(&with("[groups.web]", "[networks.far]"));
    assert_eq!(twice, "line 8: duplicate key: far");
    let unknown = problems(&with("[groups.web]", "[groups.web]\nrule = 3"));
    assert!(unknown.starts_with("line 9: unknown field `rule`, expected `rules`"), "{unknown}");
    let broken = problems("name = \"lab\"\n[networks");
    assert!(broken.starts_with("line 2: "), "{broken}");
    let missing = problems("[networks]");
    assert!(missing.contains("missing field `name`"), "{missing}");
}

#[test]
fn every_problem_is_named_at_once() {
    let text = with(r#"network = "net""#, r#"network = "nett""#).replace("10.0.1.1", "10.0.9.1");
    assert_eq!(problems(&text).lines().count(), 2);
}

#[test]
fn more_rules_than_can_be_enforced_are_refused() {
    let rules: Vec<String> =
        (1..=1_025).map(|port| format!("\"ingress accept tcp to port {port}\"")).collect();
    let text = with(r#""ingress accept tcp to port 80""#, &rules.join(","));
    assert!(problems(&text).contains("1025 rules"), "{}", problems(&text));
}
