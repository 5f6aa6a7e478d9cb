//! The map: its lines, with which packets they are tried, and who is in the group that somebody follows.

use super::{
    changes::furnish,
    people::{WEB, add_rule},
    support::{Answer, Browser, Site, targets},
};

/// A rule that accepts TCP on a port from somewhere.
fn accepts<'a>(peer: &'a str, ports: &'a str) -> [(&'a str, &'a str); 6] {
    let field = if peer.contains(':') { "Ipv6SourceCidrIp" } else { "SourceCidrIp" };
    let mut rule: [(&'a str, &'a str); 6] = WEB;
    (rule[3].1, rule[5]) = (ports, (field, peer));
    rule
}

/// Calls an operation by its form.
async fn call(browser: &mut Browser, operation: &str, parameters: &[(&str, &str)]) -> Answer {
    let form = format!("/console/explorer/ens/{operation}");
    let fields = [&[("do", "send"), ("sure", "yes")], parameters].concat();
    let page = browser.fill_in(&form, &form, &fields).await;
    assert_eq!(page.status, 200, "{page:?}");
    page
}

/// The id that begins so on a page.
fn id(page: &Answer, begins: &str) -> String {
    let (_, rest) = page.body.split_once(begins).unwrap_or_else(|| panic!("no {begins} in {page:?}"));
    let rest: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
    format!("{begins}{rest}")
}

/// Runs instances with IPv4 and IPv6 in the group.
async fn run_with_ipv6(browser: &mut Browser, group: &str, amount: &str) {
    let network = [("EnsRegionId", "edge-1"), ("CidrBlock", "10.7.0.0/16"), ("EnableIpv6", "true")];
    let network = id(&call(browser, "CreateNetwork", &network).await, "n-5");
    let vswitch = [
        ("EnsRegionId", "edge-1"),
        ("CidrBlock", "10.7.1.0/24"),
        ("NetworkId", &network),
        ("Ipv6CidrBlock", "0"),
    ];
    let vswitch = id(&call(browser, "CreateVSwitch", &vswitch).await, "vsw-5");
    let wish = [
        ("EnsRegionId", "edge-1"),
        ("ScheduleAreaLevel", "Region"),
        ("VSwitchId", vswitch.as_str()),
        ("SecurityId", group),
        ("Amount", amount),
        ("IpType", "ipv4Andipv6"),
    ];
    call(browser, "RunInstances", &wish).await;
}

/// The packets that a map was drawn with: their ends.
fn packets(map: &Answer) -> Vec<(String, String)> {
    let packets = targets(&map.body).into_iter().filter(|own| own.starts_with("/console/explain?From="));
    let ends = |address: String| {
        let mut values =
            address.split(['?', '&']).skip(1).map(|pair| pair.split_once('=').unwrap().1.to_owned());
        (values.next().unwrap(), values.next().unwrap())
    };
    packets.map(ends).collect()
}

#[tokio::test]
async fn the_map_has_a_line_for_each_way_in_and_tries_it() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let (group, _) = furnish(&mut browser).await;
    browser.get("/console/map").await.shows("Nobody is let in.");
    add_rule(&mut browser, &group, &WEB).await;
    let map = browser.get("/console/map").await;
    for said in ["<svg class=\"picture map\"", "TCP 443", "Internet", ">Accepted<"] {
        map.shows(said);
    }
    let first = [
        ("Direction", "ingress"),
        ("Policy", "Drop"),
        ("IpProtocol", "TCP"),
        ("PortRange", "443/443"),
        ("Priority", "1"),
        ("SourceCidrIp", "0.0.0.0/0"),
    ];
    add_rule(&mut browser, &group, &first).await;
    browser.get("/console/map").await.shows(">Dropped<");
    let other = browser.get("/console/map?port=22").await;
    other.shows("No line matches.");
    other.shows("No rule that accepts is about this port here.");
    other.hides("Nobody is let in.");
    let id = group.rsplit('/').next().unwrap();
    browser.get(&format!("/console/map?group={id}")).await.shows("TCP 443");
    assert_eq!(browser.get("/console/map?group=nothing").await.status, 404);
}

#[tokio::test]
async fn the_map_says_what_one_may_not_see() {
    let site = Site::new().await;
    let mut root = site.signed_in().await;
    furnish(&mut root).await;
    let (id, secret) = root.make_user("bob").await;
    let may = |operation: &str| {
        format!(r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":{operation},"Resource":"*"}}]}}"#)
    };
    let document = may(r#""ens:DescribeSecurityGroups""#);
    let fields = [("PolicyName", "lists"), ("PolicyDocument", document.as_str())];
    root.fill_in("/console/policies/new", "/console/policies/new", &fields).await;
    let attached = [("policy", "Custom:lists")];
    root.fill_in("/console/users/bob", "/console/users/bob/policies", &attached).await;
    let mut bob = site.browser();
    assert_eq!(bob.sign_in(&id, &secret).await.status, 303);
    let page = bob.get("/console/map").await;
    page.hides("There is nothing to draw.");
    page.shows("ens:DescribeSecurityGroupAttribute");
    let more = may(r#"["ens:DescribeSecurityGroups","ens:DescribeSecurityGroupAttribute"]"#);
    let own = "/console/policies/Custom/lists";
    root.fill_in(own, &format!("{own}/version"), &[("PolicyDocument", more.as_str())]).await;
    let page = bob.get("/console/map").await;
    assert_eq!(page.status, 200, "{page:?}");
    page.shows("You do not see all of it.");
    page.shows("who is in the groups");
}

#[tokio::test]
async fn what_cannot_be_tried_is_no_matter_of_permission() {
    let site = Site::new().await;
    let mut root = site.signed_in().await;
    let (group, _) = furnish(&mut root).await;
    add_rule(&mut root, &group, &accepts("10.0.0.0/16", "22/22")).await;
    add_rule(&mut root, &group, &accepts("::/0", "443/443")).await;
    let map = root.get("/console/map").await;
    map.shows("TCP 443, IPv6");
    map.shows("Not tried: no other member is there to send it");
    map.shows("Not tried: there is no such packet: no member has such an address");
    map.hides("You do not see all of it.");
    map.hides(">Dropped<");
}

#[tokio::test]
async fn a_line_within_a_group_is_tried_between_two_of_its_members() {
    let site = Site::new().await;
    let mut root = site.signed_in().await;
    let (group, _) = furnish(&mut root).await;
    let group_id = group.rsplit('/').next().unwrap();
    run_with_ipv6(&mut root, group_id, "2").await;
    add_rule(&mut root, &group, &accepts("10.7.1.0/24", "22/22")).await;
    let map = root.get("/console/map").await;
    map.shows(">Accepted<");
    let [(from, to)] = packets(&map).try_into().unwrap();
    assert!(from.starts_with("eni-") && to.starts_with("eni-"), "{from} {to}");
    assert_ne!(from, to);
    map.hides(">Dropped<");
}

#[tokio::test]
async fn a_rule_of_ipv6_is_tried_over_ipv6() {
    let site = Site::new().await;
    let mut root = site.signed_in().await;
    let (group, _) = furnish(&mut root).await;
    let group_id = group.rsplit('/').next().unwrap();
    run_with_ipv6(&mut root, group_id, "2").await;
    let network = root.get("/console/networks").await;
    network.shows("10.7.0.0/16");
    let block = network.body.split("<code class=\"beneath\">").find(|code| code.contains("::/")).unwrap();
    let block = block.split('<').next().unwrap();
    add_rule(&mut root, &group, &accepts(block, "22/22")).await;
    add_rule(&mut root, &group, &accepts("::/0", "443/443")).await;
    let map = root.get("/console/map").await;
    map.shows("TCP 22, IPv6");
    assert_eq!(map.body.matches(">Accepted<").count(), 2, "{map:?}");
    map.hides(">Dropped<");
    let from: Vec<String> = packets(&map).into_iter().map(|(from, _)| from).collect();
    assert!(from.iter().any(|from| from == "internet"), "{from:?}");
    assert!(from.iter().any(|from| from.contains("%3A")), "{from:?}");
}

#[tokio::test]
async fn who_follows_a_group_on_the_map_sees_who_is_in_it() {
    let site = Site::new().await;
    let mut root = site.signed_in().await;
    let (group, _) = furnish(&mut root).await;
    let own = group.rsplit('/').next().unwrap();
    root.get("/console/map").await.hides("Members of");
    // Nobody is let in yet, and who is there is seen all the same.
    let map = root.get(&format!("/console/map?group={own}")).await;
    map.shows("No line matches.");
    map.shows(">Show all<");
    map.shows("id=\"members\"");
    map.shows(">web-1<");
    let interface =
        targets(&map.body).into_iter().find(|own| own.starts_with("/console/interfaces/eni-")).unwrap();
    assert_eq!(root.get(&interface).await.status, 200);

    add_rule(&mut root, &group, &WEB).await;
    let whole = root.get("/console/map").await;
    whole.shows(&format!("/console/map?group={own}#members"));
    run_with_ipv6(&mut root, own, "30").await;
    let map = root.get(&format!("/console/map?group={own}&port=443")).await;
    map.shows("The first 25.");
    map.shows("All 31 members");
    assert_eq!(map.body.matches("<th scope=\"row\"").count(), 25);
    let all = root.get(&format!("/console/interfaces?q={own}")).await;
    all.shows("1\u{2013}25 of 31");
}

#[tokio::test]
async fn who_may_not_ask_about_packets_is_told_so_of_those_lines_alone() {
    let site = Site::new().await;
    let mut root = site.signed_in().await;
    let (group, _) = furnish(&mut root).await;
    add_rule(&mut root, &group, &WEB).await;
    add_rule(&mut root, &group, &accepts("10.0.0.0/16", "22/22")).await;
    let (id, secret) = root.make_user("bob").await;
    let attached = [("policy", "System:AliyunENSReadOnlyAccess")];
    root.fill_in("/console/users/bob", "/console/users/bob/policies", &attached).await;
    let mut bob = site.browser();
    assert_eq!(bob.sign_in(&id, &secret).await.status, 303);
    let map = bob.get("/console/map").await;
    map.shows("whether packets pass");
    assert_eq!(map.body.matches("Not tried: you may not call ExplainTraffic").count(), 1, "{map:?}");
    map.shows("Not tried: no other member is there to send it");
    root.get("/console/activity?Outcome=Refused").await.shows("Nothing matches.");
}
