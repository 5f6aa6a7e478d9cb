//! Previews.

use std::time::Duration;

use control::preview::{PreviewBounds, PreviewWish, Warning};
use model::{Actor, Command, command::SecurityGroupCommand, refusal::Target};
use policy::difference::Bounds;
use serde_json::json;

use crate::{
    scene::{about, about_now, answer_flows, at, call, flow, site, texts},
    support::patiently,
};

#[tokio::test]
async fn a_preview_of_a_leave_says_what_stops_and_changes_nothing() {
    let site = site().await;
    let mut host = site.host().await;
    let before = site.control.status().generation;
    let asked = about(&site, "PreviewLeaveSecurityGroup", &[]);
    let mut dead = flow("203.0.113.5", 443);
    dead.alive = false;
    answer_flows(&mut host, vec![flow("198.51.100.7", 443), dead]).await;
    let preview = patiently(asked).await.unwrap().done().body;
    let pieces = texts(&preview, "/Policies/Policy/0/Pieces/Piece", "Text");
    assert_eq!(
        pieces,
        ["ingress closes tcp from 192.0.2.0/24 to port 22", "ingress closes tcp from 0.0.0.0/0 to port 443",]
    );
    let piece = at(&preview, "/Policies/Policy/0/Pieces/Piece/0");
    assert_eq!((&piece["Effect"], &piece["Family"]), (&json!("Closes"), &json!("IPv4")));
    assert_eq!(piece["Sources"]["Prefix"], json!(["192.0.2.0/24"]));
    assert_eq!(piece["DestinationPorts"]["PortRange"], json!(["22/22"]));
    let policy = at(&preview, "/Policies/Policy/0");
    assert_eq!((&policy["OpeningPieceCount"], &policy["ClosingPieceCount"]), (&json!(0), &json!(2)));
    assert_eq!((&preview["CutFlowCount"], &preview["ContinuingFlowCount"]), (&json!(1), &json!(0)));
    assert_eq!(preview["FlowsWhole"], true);
    assert_eq!(at(&preview, "/Flows/Flow/0/Fate"), "Cut");
    assert_eq!(texts(&preview, "/Warnings/Warning", "Code"), ["LastGroup"]);
    assert_eq!(preview["Generation"], before);
    assert_eq!(site.control.status().generation, before, "nothing is changed");
    about_now(&site, "LeaveSecurityGroup", &[]).await.done();
}

#[tokio::test]
async fn a_node_that_does_not_answer_is_named() {
    let site = site().await;
    let preview = about_now(&site, "PreviewLeaveSecurityGroup", &[]).await.done().body;
    assert_eq!((&preview["FlowsAsked"], &preview["FlowsWhole"]), (&json!(true), &json!(false)));
    assert_eq!(at(&preview, "/Nodes/Node/0/NodeId"), &json!(site.node.to_string()));
    assert_eq!(at(&preview, "/Nodes/Node/0/Answered"), false);
    assert_eq!(at(&preview, "/Nodes/Node/0/Message"), "the node is not connected");
    assert!(texts(&preview, "/Warnings/Warning", "Code").contains(&"NodeSilent".to_owned()));
    let quick = about_now(&site, "PreviewLeaveSecurityGroup", &[("FlowWaitSeconds", "0")]).await.done().body;
    assert_eq!((&quick["FlowsAsked"], &quick["Nodes"]["Node"]), (&json!(false), &json!([])));
}

#[tokio::test]
async fn who_would_cut_itself_off_is_warned() {
    let site = site().await;
    let mut host = site.host().await;
    let asked = about(&site, "PreviewLeaveSecurityGroup", &[]);
    answer_flows(&mut host, vec![flow("127.0.0.1", 22), flow("198.51.100.7", 443)]).await;
    let preview = patiently(asked).await.unwrap().done().body;
    let warnings = texts(&preview, "/Warnings/Warning", "Code");
    assert_eq!(warnings[0], "OwnConnectionCut", "{preview}");
    let messages = texts(&preview, "/Warnings/Warning", "Message");
    assert!(messages[0].contains("tcp 127.0.0.1:40000 > 10.0.0.2:22"), "{}", messages[0]);
    let own = at(&preview, "/Flows/Flow").as_array().unwrap().iter().filter(|flow| flow["Own"] == true);
    assert_eq!(own.count(), 1);
}

#[tokio::test]
async fn who_would_cut_itself_off_is_warned_however_long_it_was_idle() {
    let site = site().await;
    let mut host = site.host().await;
    let (group, interface) = (site.group.parse().unwrap(), site.interface.parse().unwrap());
    let leave = SecurityGroupCommand::Leave { group, target: Target::Interface(interface) };
    let wish = PreviewWish {
        actor: Actor::Root(site.account()),
        command: Command::SecurityGroup(leave),
        source: Some("192.0.2.9".parse().unwrap()),
        flow_wait: Duration::from_secs(10),
        bounds: PreviewBounds { flows_max: 1, ..PreviewBounds::default() },
    };
    let control = site.control.clone();
    let asked = tokio::spawn(async move { control.preview(wish).await });
    let mut own = flow("192.0.2.9", 22);
    own.idle = Duration::from_secs(50);
    answer_flows(&mut host, vec![flow("198.51.100.7", 443), own]).await;
    let preview = patiently(asked).await.unwrap().unwrap();
    assert_eq!((preview.flows.cut, preview.flows.listed.len()), (2, 1));
    let Warning::OwnConnectionCut { flow, .. } = &preview.warnings[0] else {
        panic!("{:?}", preview.warnings)
    };
    assert!(flow.contains("192.0.2.9:40000"), "{flow}");
}

#[tokio::test]
async fn a_preview_is_refused_as_the_change_would_be() {
    let site = site().await;
    let group = site.group.clone();
    let rule = |port: &'static str| {
        [
            ("SecurityGroupId", group.as_str()),
            ("IpProtocol", "tcp"),
            ("PortRange", port),
            ("SourceCidrIp", "0.0.0.0/0"),
        ]
    };
    let unknown = [("SecurityGroupId", "sg-unknown"), ("InstanceId", "i-unknown")];
    let instance = [("SecurityGroupId", group.as_str()), ("InstanceId", "i-unknown")];
    let both = [instance[0], instance[1], ("NetworkInterfaceId", site.interface.as_str())];
    let member = [instance[0], both[2]];
    let permissions = [instance[0], ("Permissions", "[{}]")];
    let with = |name, value| [&rule("444/444")[..], &[(name, value)]].concat();
    let (policy, priority) = (with("Policy", "foo"), with("Priority", "101"));
    let protocol =
        [instance[0], ("IpProtocol", "icmpv6"), ("PortRange", "-1/-1"), ("SourceCidrIp", "0.0.0.0/0")];
    for (operation, parameters) in [
        ("LeaveSecurityGroup", &unknown[..]),
        ("LeaveSecurityGroup", &instance),
        ("LeaveSecurityGroup", &both),
        ("LeaveSecurityGroup", &unknown[..1]),
        ("JoinSecurityGroup", &unknown),
        ("JoinSecurityGroup", &member),
        ("AuthorizeSecurityGroup", &rule("443/443")),
        ("AuthorizeSecurityGroup", &rule("443")),
        ("RevokeSecurityGroup", &rule("444/444")),
        ("AuthorizeSecurityGroupEgress", &rule("1/2")[..3]),
        ("RevokeSecurityGroupEgress", &rule("1/2")[..3]),
        ("AuthorizeSecurityGroup", &policy),
        ("AuthorizeSecurityGroup", &priority),
        ("AuthorizeSecurityGroup", &protocol),
        ("RevokeSecurityGroup", &protocol),
        ("CreateSecurityGroupPermissions", &permissions),
        ("DeleteSecurityGroupPermissions", &permissions),
    ] {
        let preview: &'static str = format!("Preview{operation}").leak();
        let before = site.control.status().generation;
        let previewed = call(&site, preview, parameters).await;
        assert_eq!(site.control.status().generation, before);
        let real = call(&site, operation, parameters).await;
        assert_eq!(
            (previewed.status, previewed.code(), previewed.message()),
            (real.status, real.code(), real.message()),
            "{operation} {parameters:?}"
        );
        assert_ne!(real.status, 200, "{operation} {parameters:?}");
    }
}

#[tokio::test]
async fn changes_of_rules_are_previewed_for_all_members() {
    let site = site().await;
    let group = site.group.clone();
    let group = ("SecurityGroupId", group.as_str());
    let no_wait = ("FlowWaitSeconds", "0");
    let drop = [
        group,
        ("IpProtocol", "tcp"),
        ("PortRange", "443/443"),
        ("SourceCidrIp", "198.51.100.0/24"),
        ("Policy", "drop"),
        no_wait,
    ];
    let preview = call(&site, "PreviewAuthorizeSecurityGroup", &drop).await.done().body;
    assert_eq!(
        texts(&preview, "/Policies/Policy/0/Pieces/Piece", "Text"),
        ["ingress closes tcp from 198.51.100.0/24 to port 443"]
    );
    let egress = [
        group,
        (
            "Permissions",
            r#"[{"Direction":"egress","IpProtocol":"UDP","Policy":"Drop","PortRange":"53/53","Priority":1,"Ipv6DestCidrIp":"2001:db8::/32"}]"#,
        ),
        no_wait,
    ];
    let preview = call(&site, "PreviewCreateSecurityGroupPermissions", &egress).await.done().body;
    let piece = at(&preview, "/Policies/Policy/0/Pieces/Piece/0");
    assert_eq!(piece["Text"], "egress closes udp to 2001:db8::/32 port 53");
    assert_eq!(piece["Destinations"]["Prefix"], json!(["2001:db8::/32"]));
    let narrow =
        [group, ("IpProtocol", "tcp"), ("PortRange", "443/443"), ("SourceCidrIp", "10.0.0.0/8"), no_wait];
    let preview = call(&site, "PreviewAuthorizeSecurityGroup", &narrow).await.done().body;
    assert_eq!(texts(&preview, "/Warnings/Warning", "Code"), ["NothingDiffers"]);
    let revoke =
        [group, ("IpProtocol", "tcp"), ("PortRange", "22/22"), ("SourceCidrIp", "192.0.2.0/24"), no_wait];
    let preview = call(&site, "PreviewRevokeSecurityGroup", &revoke).await.done().body;
    assert_eq!(
        texts(&preview, "/Policies/Policy/0/Pieces/Piece", "Text"),
        ["ingress closes tcp from 192.0.2.0/24 to port 22"]
    );
    let empty = call(&site, "CreateSecurityGroup", &[]).await.done().text("SecurityGroupId");
    let none = [("SecurityGroupId", empty.as_str()), narrow[1], narrow[2], narrow[3]];
    let preview = call(&site, "PreviewAuthorizeSecurityGroup", &none).await.done().body;
    assert_eq!(texts(&preview, "/Warnings/Warning", "Code"), ["NobodyConcerned"]);
}

#[tokio::test]
async fn pieces_name_the_family_that_their_packets_have() {
    let site = site().await;
    let family = async |protocol: &str, prefixes: &[(&str, &str)]| {
        let rule = |(name, prefix): &(&str, &str)| {
            json!({
                "Direction": "ingress", "IpProtocol": protocol, "PortRange": "-1/-1", "Policy": "Accept",
                "Priority": 1, *name: prefix,
            })
        };
        let rules = json!(prefixes.iter().map(rule).collect::<Vec<_>>()).to_string();
        let parameters =
            [("SecurityGroupId", &*site.group), ("Permissions", &*rules), ("FlowWaitSeconds", "0")];
        let preview = call(&site, "PreviewCreateSecurityGroupPermissions", &parameters).await.done().body;
        texts(&preview, "/Policies/Policy/0/Pieces/Piece", "Family")
    };
    let (four, six) = (("SourceCidrIp", "0.0.0.0/0"), ("Ipv6SourceCidrIp", "::/0"));
    assert_eq!(family("ICMPv6", &[six]).await, ["IPv6"]);
    assert_eq!(family("ICMP", &[four]).await, ["IPv4"]);
    assert_eq!(family("GRE", &[four, six]).await, ["any"]);
}

#[test]
fn one_interface_that_is_bound_nowhere_is_told_as_one() {
    let interface = model::NetworkInterfaceId::from_entropy(1);
    let said = |others| Warning::NotEnforced { interface, others }.to_string();
    assert!(said(0).contains("is bound to no node: its packets are not filtered"), "{}", said(0));
    assert!(said(2).contains("are bound to no node: their packets are not filtered"), "{}", said(2));
}

#[tokio::test]
async fn why_nothing_differs_is_said() {
    let site = site().await;
    let group = site.group.clone();
    let (group, no_wait) = (("SecurityGroupId", group.as_str()), ("FlowWaitSeconds", "0"));
    let message = |preview: &serde_json::Value| {
        assert_eq!(texts(preview, "/Warnings/Warning", "Code"), ["NothingDiffers"], "{preview}");
        texts(preview, "/Warnings/Warning", "Message").remove(0)
    };
    let nothing = r#"[{"Direction":"ingress","IpProtocol":"ICMPv6","Policy":"Accept","PortRange":"-1/-1","Priority":1,"SourceCidrIp":"0.0.0.0/0"}]"#;
    let nothing = [group, ("Permissions", nothing), no_wait];
    let preview = call(&site, "PreviewCreateSecurityGroupPermissions", &nothing).await.done().body;
    let said = message(&preview);
    assert!(said.contains("`ingress accept icmpv6 from 0.0.0.0/0` is about no packet"), "{said}");
    let narrow =
        [group, ("IpProtocol", "tcp"), ("PortRange", "443/443"), ("SourceCidrIp", "10.0.0.0/8"), no_wait];
    let said = message(&call(&site, "PreviewAuthorizeSecurityGroup", &narrow).await.done().body);
    assert!(said.contains("other rules decide the same"), "{said}");
    let empty = call(&site, "CreateSecurityGroup", &[]).await.done().text("SecurityGroupId");
    let about = [("SecurityGroupId", &*empty), ("NetworkInterfaceId", &*site.interface), no_wait];
    let said = message(&call(&site, "PreviewJoinSecurityGroup", &about).await.done().body);
    assert!(said.ends_with(&format!("the security group {empty} has no rules.")), "{said}");
    call(&site, "JoinSecurityGroup", &about[..2]).await.done();
    let said = message(&call(&site, "PreviewLeaveSecurityGroup", &about).await.done().body);
    assert!(said.ends_with(&format!("the security group {empty} has no rules.")), "{said}");
}

#[tokio::test]
async fn who_could_not_come_in_again_is_warned() {
    let site = site().await;
    let (group, interface) = (site.group.parse().unwrap(), site.interface.parse().unwrap());
    let leave = SecurityGroupCommand::Leave { group, target: Target::Interface(interface) };
    let warned = |source: &'static str| {
        let (control, leave) = (site.control.clone(), leave.clone());
        // However short the list is cut.
        let difference = Bounds { pieces_max: 0, ..PreviewBounds::default().difference };
        let wish = PreviewWish {
            actor: Actor::Root(site.account()),
            command: Command::SecurityGroup(leave),
            source: Some(source.parse().unwrap()),
            flow_wait: Duration::ZERO,
            bounds: PreviewBounds { difference, ..PreviewBounds::default() },
        };
        async move { control.preview(wish).await.unwrap().warnings }
    };
    let [Warning::OwnAccessEnds { address, piece, .. }, ..] = &warned("::ffff:192.0.2.9").await[..] else {
        panic!("no warning")
    };
    assert_eq!(
        (address.to_string(), piece.as_str()),
        ("192.0.2.9".into(), "ingress closes tcp from 192.0.2.0/24 to port 22")
    );
    for nobody in ["2001:db8::1", "127.0.0.1"] {
        let own = |warning: &Warning| matches!(warning, Warning::OwnAccessEnds { .. });
        assert!(!warned(nobody).await.iter().any(own), "{nobody}");
    }
}
