//! What a node is asked for: which flows there are and why, what is dropped and why.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Output, Stdio},
    sync::mpsc::{self, Receiver},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use traffic::Protocol::Tcp;

use crate::{
    change::enforce,
    common::wait_until,
    ground::on_own_ground,
    site::{Instance, Site},
};

/// How long somebody who follows may be without a line. Only a failure takes that long.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// A command that goes on until it is interrupted, and its lines.
struct Following {
    child: Child,
    lines: Receiver<String>,
}

impl Following {
    fn start(site: &Site, arguments: &[&str]) -> Self {
        let mut child = site.command(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let output = child.stdout.take().unwrap();
        let (send, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        Self { child, lines }
    }

    /// The next line that is one of these.
    fn line(&self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("still not: {what}"));
            if is_it(&line) {
                return line;
            }
        }
    }

    /// Ends it as Ctrl-C does, which is how it ends well.
    fn interrupt(mut self) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), Signal::SIGINT).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        // It has ended where all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn output(site: &Site, arguments: &[&str]) -> Output {
    let output = site.command(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The flows of an interface to its port 443.
fn flows(site: &Site, interface: &str) -> Vec<Value> {
    let asked = [("NetworkInterfaceId", interface), ("Protocol", "tcp"), ("Port", "443")];
    let answer = site.ravelin("DescribeNetworkInterfaceFlows", &asked);
    let flows = answer.list("/Flows/Flow").to_vec();
    assert_eq!(answer.body["TotalCount"], flows.len());
    flows
}

fn leave(site: &Site, instance: &Instance, group: &str) {
    let target = [("SecurityGroupId", group), ("InstanceId", &instance.id)];
    enforce(&site.client, "LeaveSecurityGroup", &target);
}

#[test]
fn a_flow_is_seen_with_its_rule_and_after_the_leave_what_is_dropped_and_why() {
    on_own_ground(|| {
        let (site, [client, server]) = &Site::of_two();
        let interface = site.interface_of(server);
        let web = site.group(&[443]);
        site.join(server, &web);
        let flow = site.flow(client, server, Tcp, 443);

        let [seen] = &flows(site, &interface)[..] else { panic!("{:?}", flows(site, &interface)) };
        let ends = format!("tcp {}:{} > {}:443", client.address, seen["PeerPort"], server.address);
        assert_eq!(seen["Flow"], format!("ingress {ends}"));
        assert_eq!((&seen["Status"], &seen["State"]), (&"Alive".into(), &"established".into()));
        assert_eq!((&seen["DecidedBy"], &seen["SecurityGroupId"]), (&"Rule".into(), &web.as_str().into()));
        let rule = "ingress accept tcp from 0.0.0.0/0 to port 443";
        assert_eq!(seen["Rule"], rule);
        assert!(seen["PacketsIn"].as_u64() > Some(0) && seen["BytesOut"].as_u64() > Some(0), "{seen}");
        let other_end = flows(site, &site.interface_of(client));
        assert_eq!(other_end[0]["Flow"], format!("egress {ends}"));
        assert_eq!(other_end[0]["DecidedBy"], "NoRule", "egress is accepted where no rule is about it");
        let counted = site.ravelin("DescribeNetworkInterfaceCounters", &[("NetworkInterfaceId", &interface)]);
        let rules = counted.list("/Rules/Rule");
        let decided = rules.iter().find(|of| of["Rule"] == rule).unwrap_or_else(|| panic!("{rules:?}"));
        assert_eq!((&decided["Decisions"], &decided["FlowCount"]), (&1.into(), &1.into()));
        let table = text(&output(site, &["flows", "--interface", &interface, "--port", "443"]));
        for part in [": 1 flow", &ends, &format!("{web}: ingress accept tcp"), "established"] {
            assert!(table.contains(part), "{part}: {table}");
        }

        let drops = ["drops", "--interface", &interface, "--follow", "--output", "json"];
        let following = Following::start(site, &drops);
        let changes =
            Following::start(site, &["flows", "--interface", &interface, "--port", "443", "--follow"]);
        changes.line("the flow", |line| line.contains(&format!("  running ingress {ends} (")));
        leave(site, server, &web);
        // The flow goes on sending, and whoever sees one of its packets dropped sees why.
        let of_flow = |line: &str| line.contains("dead_flow") && line.contains("443");
        let line = following.line("a packet of the flow is dropped", of_flow);
        let seen: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(seen["Reason"], "dead_flow");
        let there = ("ingress", format!("tcp {}:", client.address));
        let back = ("egress", format!("tcp {}:443 > ", server.address));
        let is = |(direction, packet): &(&str, String)| {
            seen["Direction"] == *direction && seen["Packet"].as_str().unwrap().starts_with(packet)
        };
        assert!(is(&there) || is(&back), "{line}");
        changes.line("the flow is cut", |line| line.contains(&format!("  cut ingress {ends}")));
        following.interrupt();
        changes.interrupt();
        wait_until("the flow is dead", || (flows(site, &interface)[0]["Status"] == "Dead").then_some(()));
        drop(flow);

        // A new connection has no rule.
        assert!(!site.reaches(client, server.address, 443));
        let shown = wait_until("the refusal is counted", || {
            let shown = text(&output(site, &["drops", "--interface", &interface]));
            shown.contains("no rule accepts it").then_some(shown)
        });
        assert!(shown.contains("its flow was cut when rules or groups changed"), "{shown}");
    });
}

#[test]
fn a_node_that_is_away_is_named_and_whoever_follows_goes_on_when_it_is_back() {
    on_own_ground(|| {
        let mut site = Site::with_nodes(1);
        let [instance] = site.run();
        let interface = site.interface_of(&instance);
        let following =
            Following::start(&site, &["drops", "--interface", &interface, "--follow", "--last", "0"]);
        following.line("it follows", |line| line.starts_with(&interface));
        let own = [("NetworkInterfaceId", interface.as_str())];
        let ask =
            |site: &Site| site.client.v3_of("POST", "2026-11-22", "DescribeNetworkInterfaceDrops", &own);
        site.nodes[0].end();
        let refused = wait_until("the node is away", || {
            let answer = ask(&site);
            (!answer.code().is_empty()).then_some(answer)
        });
        assert_eq!(refused.code(), "InvalidOperation.NodeNotConnected", "{refused:?}");
        assert!(refused.text("/Message").contains(&site.nodes[0].id), "{refused:?}");
        site.nodes[0].start();
        // Another process of the agent knows nothing of what was before.
        following.line("the agent was restarted", |line| line.contains("the agent was restarted"));
        following.interrupt();
    });
}
