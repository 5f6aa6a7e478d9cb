//! What a change is answered that waits for nodes.

use std::time::Duration;

use control::{Settings, Told};
use store::MemoryStore;
use wire::server::HttpLimits;

use crate::{scripted::Scripted, support::Site};

const WAIT: [(&str, &str); 1] = [("x-ravelin-wait", "30")];
const SHORTLY: [(&str, &str); 1] = [("x-ravelin-wait", "1")];

#[tokio::test]
async fn the_answer_comes_when_the_node_has_confirmed() {
    let site = Site::waiting(0).await;
    let mut host = site.host().await;
    let leaving = site.leave(&WAIT);
    // What it is told counts: it may be told before the status says that it is on disk.
    let Told::Delta { generation, .. } = host.obey().await else { panic!("it is told nothing") };
    assert!(!leaving.is_finished(), "the node has not said anything");
    host.confirm();
    let answer = leaving.await.unwrap().done();
    assert_eq!(answer.generation, Some(generation));
    let generation = generation.to_string();
    let shown = site.call("DescribeEnforcement", &[("Generation", &generation)], &[]).await.done();
    assert_eq!(shown.text("State"), "Confirmed");
    let node = &shown.body["Nodes"]["Node"][0];
    assert_eq!((&node["NodeId"], &node["TookMicroseconds"]), (&site.node.to_string().into(), &800.into()));
}

#[tokio::test]
async fn a_node_that_does_not_confirm_is_named_and_the_change_stays_made() {
    let site = Site::waiting(0).await;
    let host = site.host().await;
    drop(host);
    let answer = site.leave(&SHORTLY).await.unwrap();
    assert_eq!((answer.status, answer.code()), (400, "ens.interface.error"), "{answer:?}");
    assert!(answer.message().starts_with("An error occurred while calling the API. "), "{answer:?}");
    for part in [&*site.node.to_string(), "not connected since", "stays made", "DescribeEnforcement"] {
        assert!(answer.message().contains(part), "{answer:?}");
    }
    let generation = answer.generation.expect("the change has its number").to_string();
    let about = [("Generation", generation.as_str())];
    let shown = site.call("DescribeEnforcement", &about, &[]).await.done();
    assert_eq!(shown.text("State"), "Pending");
    assert_eq!(shown.body["Nodes"]["Node"][0]["Reason"], "NotConnected");
    // It catches up when it comes back.
    site.host().await;
    let shown = site.call("DescribeEnforcement", &about, &[]).await.done();
    assert_eq!(shown.text("State"), "Confirmed");
}

/// The lenient mode forgives it, and does not say that it is in force because of that.
#[tokio::test]
async fn a_leave_that_is_repeated_waits_for_the_first() {
    let site = Site::waiting(0).await;
    drop(site.host().await);
    let first = site.leave(&[]).await.unwrap().done().generation;
    let again = site.leave(&SHORTLY).await.unwrap();
    assert_eq!((again.code(), again.generation), ("ens.interface.error", first), "{again:?}");
    site.host().await;
    assert_eq!(site.leave(&SHORTLY).await.unwrap().done().generation, first);
}

#[tokio::test]
async fn who_waited_for_a_binding_is_told_that_its_device_is_not_there() {
    let site = Site::waiting(0).await;
    let mut host = site.host().await;
    let interface = ("NetworkInterfaceId", site.interface.as_str());
    site.call("UnbindNetworkInterface", &[interface], &[]).await.done();
    host.obey().await;
    host.confirm();
    let node = site.node.to_string();
    let binding = [interface, ("NodeId", node.as_str()), ("Device", "notthere0")];
    let (bound, ()) = tokio::join!(site.call("BindNetworkInterface", &binding, &WAIT), async {
        host.obey().await;
        host.confirm_without(&site.interface);
    });
    let bound = bound.done();
    assert_eq!(bound.text("Status"), "Absent");
    assert!(bound.text("StatusMessage").contains("has no such device"), "{bound:?}");
    let status = async || {
        let shown = site.call("DescribeNetworkInterfaceBindings", &[interface], &[]).await.done();
        shown.body["NetworkInterfaceBindings"]["NetworkInterfaceBinding"][0]["Status"].clone()
    };
    assert_eq!(status().await, "Absent");
    let explained = [("From", "internet"), ("To", site.interface.as_str()), ("Port", "443")];
    let explained = site.call("ExplainTraffic", &explained, &[]).await.done();
    let enforcement = &explained.body["Sides"]["Side"][0]["Enforcement"];
    assert_eq!(enforcement["State"], "Absent", "{explained:?}");
    // Nothing can pass by a device that is not there: it does not hold a Leave up.
    let leaving = site.leave(&WAIT);
    host.obey().await;
    host.confirm_without(&site.interface);
    leaving.await.unwrap().done();
    // The device comes: the node says the same generation again.
    host.confirm();
    assert_eq!(status().await, "Enforced");
}

#[tokio::test]
async fn who_does_not_wait_for_a_binding_is_told_that_it_is_pending() {
    let site = Site::waiting(0).await;
    let interface = ("NetworkInterfaceId", site.interface.as_str());
    site.call("UnbindNetworkInterface", &[interface], &[]).await.done();
    let node = site.node.to_string();
    let bound = site.call("BindNetworkInterface", &[interface, ("NodeId", node.as_str())], &[]).await.done();
    assert_eq!(bound.text("Status"), "Pending");
    assert!(bound.text("StatusMessage").contains("has not connected"), "{bound:?}");
}

#[tokio::test]
async fn a_node_at_which_something_is_not_in_force_says_where_and_why() {
    let site = Site::waiting(0).await;
    let mut host = site.host().await;
    let leaving = site.leave(&SHORTLY);
    host.obey().await;
    host.fail(&site.interface);
    let answer = leaving.await.unwrap();
    assert_eq!(answer.code(), "ens.interface.error", "{answer:?}");
    assert!(answer.message().contains(&site.interface) && answer.message().contains("is not attached"));
    let nodes = site.call("DescribeNodes", &[], &[]).await.done();
    let problems = &nodes.body["Nodes"]["Node"][0]["NotInForce"]["Problems"]["Problem"];
    assert_eq!(problems[0]["NetworkInterfaceId"], site.interface);
}

#[tokio::test]
async fn what_concerns_no_node_is_answered_at_once_and_nobody_waits_who_does_not_ask() {
    let site = Site::waiting(0).await;
    // The only node has never connected: whoever waited would get an error.
    site.call("CreateSecurityGroup", &[], &WAIT).await.done();
    site.call("CreateUser", &[("UserName", "kai")], &WAIT).await.done();
    site.call("CreateNodeToken", &[("EnsRegionId", "edge-1")], &WAIT).await.done();
    site.call("DescribeSecurityGroups", &[], &WAIT).await.done();
    site.leave(&[]).await.unwrap().done();
    site.join(&[("x-ravelin-wait", "0")]).await.unwrap().done();
}

#[tokio::test]
async fn every_product_waits_and_a_call_about_many_waits_for_all_of_it() {
    let site = Site::waiting(0).await;
    let interface = ("NetworkInterfaceId", site.interface.as_str());
    let check = [interface, ("SourceCheck", "false")];
    let answer = site.call("ModifyNetworkInterfaceEnforcement", &check, &SHORTLY).await;
    assert_eq!(answer.code(), "ens.interface.error", "{answer:?}");
    assert!(answer.generation.is_some());
    // A change that only an interface which is gone tells of.
    let ids = format!("[\"{}\"]", site.interface);
    let answer = site.call("DeleteNetworkInterfaces", &[("NetworkInterfaceIds", &ids)], &SHORTLY).await;
    assert_eq!(answer.code(), "ens.interface.error", "{answer:?}");
    // The receipts of RAM's own changes are looked at like any other's, and concern nobody.
    site.call("CreateUser", &[("UserName", "kai")], &SHORTLY).await.done();
}

#[tokio::test]
async fn a_wait_that_is_no_number_of_seconds_is_refused_before_anything_is_changed() {
    let site = Site::waiting(0).await;
    for malformed in ["soon", "61", "-1", "1.5", ""] {
        let answer = site.leave(&[("x-ravelin-wait", malformed)]).await.unwrap();
        assert_eq!((answer.status, answer.code()), (400, "InvalidParameter"), "{malformed:?} {answer:?}");
        assert!(answer.message().contains("x-ravelin-wait"), "{answer:?}");
        assert_eq!(answer.generation, None);
    }
    let twice = [("x-ravelin-wait", "1"), ("x-ravelin-wait", "2")];
    assert_eq!(site.leave(&twice).await.unwrap().code(), "InvalidParameter");
    site.leave(&[]).await.unwrap().done();
}

#[tokio::test]
async fn many_may_wait_at_once() {
    let site = Site::waiting(0).await;
    let mut host = site.host().await;
    let mut waiting = Vec::new();
    for number in 0..100u8 {
        waiting.push(if number % 2 == 0 { site.leave(&WAIT) } else { site.join(&WAIT) });
        // In this order: each is legal after the one before.
        let made = u64::from(number) + 1;
        while site.control.standing(site.node).generations_behind < made {
            tokio::task::yield_now().await;
        }
    }
    assert!(waiting.iter().all(|waiting| !waiting.is_finished()));
    while site.control.standing(site.node).generations_behind > 0 {
        host.obey().await;
        host.confirm();
    }
    for waiting in waiting {
        waiting.await.unwrap().done();
    }
}

#[tokio::test]
async fn a_server_that_stops_lets_nobody_wait() {
    let mut site = Site::waiting(0).await;
    let leaving = site.leave(&[("x-ravelin-wait", "60")]);
    while site.control.standing(site.node).generations_behind < 2 {
        tokio::task::yield_now().await;
    }
    site.control.stop_waiting();
    site.ask_to_stop();
    let answer = leaving.await.unwrap();
    assert_eq!(answer.code(), "ens.interface.error", "{answer:?}");
    assert!(answer.generation.is_some());
    assert_eq!(site.stopped().await.connections_cut, 0);
}

/// That an answer may be held back for nodes is no reason to wait longer for what has not been carried out.
#[tokio::test]
async fn what_is_not_carried_out_in_time_is_given_up_however_long_it_would_wait_for_nodes() {
    let (store, script) = Scripted::new(MemoryStore::new());
    let long = Duration::from_secs(600);
    let settings = Settings { commit_deadline: long, read_deadline: long, ..Settings::default() };
    let limits = HttpLimits { request_seconds_max: 1, ..HttpLimits::default() };
    let site = Site::on(Box::new(store), settings, 0, limits).await;
    script.close();
    let answer = site.leave(&[("x-ravelin-wait", "60")]).await.unwrap();
    assert_eq!((answer.status, answer.code()), (503, "ServiceUnavailable"), "{answer:?}");
    assert_eq!(site.call("DescribeNodes", &[], &[]).await.code(), "ServiceUnavailable");
    script.open();
}

/// And a request that was carried out in time may wait longer than that.
#[tokio::test]
async fn waiting_for_nodes_does_not_count_for_how_long_a_request_may_take() {
    let limits = HttpLimits { request_seconds_max: 1, ..HttpLimits::default() };
    let site = Site::on(Box::new(MemoryStore::new()), Settings::default(), 0, limits).await;
    let answer = site.leave(&[("x-ravelin-wait", "2")]).await.unwrap();
    assert_eq!(answer.code(), "ens.interface.error", "{answer:?}");
}
