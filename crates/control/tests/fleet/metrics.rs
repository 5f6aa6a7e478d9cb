//! What is counted of nodes.

use control::fleet::RefusalReason;
use model::node::NodeCommand;
use prometheus_client::{encoding::text::encode, registry::Registry};

use crate::site::Site;

fn scraped(registry: &Registry) -> String {
    let mut text = String::new();
    encode(&mut text, registry).unwrap();
    text
}

#[test]
fn nodes_are_counted_and_how_far_they_are_behind() {
    let site = Site::new();
    let mut registry = Registry::default();
    site.control.register(&mut registry);
    let mut node = site.node(0);
    let left = site.must(site.leave(0, 0));
    node.obey_now().unwrap().unwrap();
    node.fail(site.interfaces[0][0]);
    node.confirm_generation(left + 5);
    drop(site.follow(1, 77).unwrap());
    let text = scraped(&registry);
    let shown = site.nodes[0];
    for line in [
        "fleet_nodes_connected 1.0",
        "fleet_nodes_behind 1.0",
        "fleet_nodes_regressed 1.0",
        "fleet_generations_unconfirmed 1.0",
        "fleet_generations_behind_max 1.0",
        &format!("fleet_node_generations_behind{{node=\"{shown}\"}} 1.0"),
        "fleet_told_total{kind=\"snapshot\"} 1",
        "fleet_told_total{kind=\"delta\"} 1",
        "fleet_failures_total 1",
        "fleet_impossible_total 1",
        "fleet_regressions_total 1",
        "fleet_connections_total 2",
        "fleet_switch_seconds_count 1",
        "fleet_confirmation_seconds_count 0",
    ] {
        assert!(text.lines().any(|own| own == line), "{line} is not in\n{text}");
    }
    node.refuse(left, RefusalReason::Gap);
    node.obey_now().unwrap().unwrap();
    node.confirm();
    site.must(NodeCommand::Readmit { node: site.nodes[1] });
    let text = scraped(&registry);
    for line in [
        "fleet_refusals_total{reason=\"gap\"} 1",
        "fleet_confirmation_seconds_count 1",
        "fleet_nodes_behind 0.0",
        "fleet_pending_bytes 0.0",
    ] {
        assert!(text.lines().any(|own| own == line), "{line} is not in\n{text}");
    }
    assert!(text.contains(&format!("fleet_node_behind_seconds{{node=\"{shown}\"}}")), "{text}");
}
