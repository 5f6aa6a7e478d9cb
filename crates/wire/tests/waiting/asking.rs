//! What a node is asked for callers: answers, waits and bounds.

use std::time::Duration;

use control::{
    Heard, Settings, Told,
    fleet::{Answer as NodeAnswer, DropPlace, DropsFrom, FleetSettings, InterfaceCounters, Question},
};
use store::MemoryStore;
use tokio::task::JoinHandle;
use wire::server::HttpLimits;

use crate::support::{Answer, Host, Site};

const FLOWS: &str = "DescribeNetworkInterfaceFlows";
const DROPS: &str = "DescribeNetworkInterfaceDrops";
const COUNTERS: &str = "DescribeNetworkInterfaceCounters";

/// The next question.
async fn asked(host: &mut Host) -> (u64, Question) {
    match host.obey().await {
        Told::Question { id, question } => (id, question),
        other => panic!("{other:?}"),
    }
}

fn none_dropped(place: u64) -> NodeAnswer {
    NodeAnswer::Drops {
        drops: Vec::new(),
        next: DropPlace { process: 7, place },
        lost: 0,
        restarted: false,
        dropped_packets: [("implicit".into(), 3)].into(),
    }
}

/// A call about the interface, under way.
fn call(site: &Site, action: &'static str, more: &[(&'static str, &'static str)]) -> JoinHandle<Answer> {
    let own = [("NetworkInterfaceId".to_owned(), site.interface.clone())];
    let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    site.begin(action, own.into_iter().chain(more).collect())
}

#[tokio::test]
async fn a_node_answers_what_it_is_asked() {
    let site = Site::waiting(0).await;
    let mut host = site.host().await;
    let waits = call(&site, FLOWS, &[("Protocol", "tcp")]);
    let (id, question) = asked(&mut host).await;
    assert!(matches!(question, Question::Flows { most: 100, .. }), "{question:?}");
    host.follower.heard(Heard::Answer { id, answer: NodeAnswer::Flows { flows: Vec::new(), left_out: 0 } });
    let answer = waits.await.unwrap().done();
    assert_eq!(
        (answer.body["TotalCount"].as_u64(), answer.body["Truncated"].as_bool()),
        (Some(0), Some(false))
    );
    assert_eq!(answer.text("NodeId"), site.node.to_string());
    assert!(answer.body["ConfirmedGeneration"].is_u64() && answer.body["RequestId"].is_string());
    assert_eq!(answer.generation, None, "nothing is changed");

    let waits = call(&site, COUNTERS, &[]);
    let (id, _) = asked(&mut host).await;
    let counters = InterfaceCounters { flow_count: 3, ..InterfaceCounters::default() };
    host.follower.heard(Heard::Answer { id, answer: NodeAnswer::Counters(counters) });
    assert_eq!(waits.await.unwrap().done().body["FlowCount"], 3);

    let waits = call(&site, FLOWS, &[]);
    let (id, _) = asked(&mut host).await;
    host.follower.heard(Heard::Answer { id, answer: NodeAnswer::Failed("it is at no device".into()) });
    let refused = waits.await.unwrap();
    assert_eq!((refused.status, refused.code()), (400, "InvalidOperation.NodeCannotSay"), "{refused:?}");
    assert!(refused.message().contains("it is at no device"), "{refused:?}");
}

#[tokio::test]
async fn whoever_follows_waits_and_goes_on_where_the_answer_ended() {
    // Waiting for a node does not count for how long a request may take.
    let limits = HttpLimits { request_seconds_max: 1, ..HttpLimits::default() };
    let site = Site::on(Box::new(MemoryStore::new()), Settings::default(), 0, limits).await;
    let mut host = site.host().await;
    let waits = call(&site, DROPS, &[("WaitSeconds", "30")]);
    let (id, question) = asked(&mut host).await;
    let Question::Drops { from: DropsFrom::Latest, wait, .. } = question else { panic!("{question:?}") };
    assert_eq!(wait, Duration::from_secs(30));
    // Longer than a request may take to be carried out.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert!(!waits.is_finished());
    host.follower.heard(Heard::Answer { id, answer: none_dropped(9) });
    let answer = waits.await.unwrap().done();
    assert_eq!(
        (answer.text("NextToken"), answer.body["DroppedPacketCount"].as_u64()),
        ("0000000000000007.9".into(), Some(3))
    );
    let waits = call(&site, DROPS, &[("NextToken", "0000000000000007.9")]);
    let (_, question) = asked(&mut host).await;
    let Question::Drops { from: DropsFrom::After(place), .. } = question else { panic!("{question:?}") };
    assert_eq!(place, DropPlace { process: 7, place: 9 });
    drop(host);
    let gone = waits.await.unwrap();
    assert_eq!((gone.status, gone.code()), (400, "InvalidOperation.NodeNotConnected"), "{gone:?}");
    assert!(
        gone.message().contains(&site.node.to_string()) && gone.message().contains("not connected since")
    );
}

#[tokio::test]
async fn those_who_wait_leave_room_for_those_who_look() {
    let fleet = FleetSettings { questions_max: 4, ..FleetSettings::default() };
    let settings = Settings { fleet, ..Settings::default() };
    let site = Site::on(Box::new(MemoryStore::new()), settings, 0, HttpLimits::default()).await;
    let mut host = site.host().await;
    let mut under_way = Vec::new();
    for _ in 0..2 {
        under_way.push(call(&site, DROPS, &[("WaitSeconds", "30")]));
        asked(&mut host).await;
    }
    let busy = call(&site, DROPS, &[("WaitSeconds", "30")]).await.unwrap();
    assert_eq!((busy.status, busy.code()), (400, "InvalidOperation.NodeBusy"), "{busy:?}");
    for _ in 0..2 {
        under_way.push(call(&site, FLOWS, &[]));
        asked(&mut host).await;
    }
    assert_eq!(call(&site, FLOWS, &[]).await.unwrap().code(), "InvalidOperation.NodeBusy");
    drop(host);
    for waits in under_way {
        assert_eq!(waits.await.unwrap().code(), "InvalidOperation.NodeNotConnected");
    }
}

#[tokio::test]
async fn a_server_that_stops_lets_nobody_wait_for_an_answer() {
    let mut site = Site::waiting(0).await;
    let mut host = site.host().await;
    let waits = call(&site, DROPS, &[("WaitSeconds", "30")]);
    asked(&mut host).await;
    site.control.stop_waiting();
    site.ask_to_stop();
    let answer = waits.await.unwrap();
    assert_eq!((answer.status, answer.code()), (503, "ServiceUnavailable"), "{answer:?}");
    assert_eq!(site.stopped().await.connections_cut, 0);
}
