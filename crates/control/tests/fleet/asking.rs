//! Questions to nodes, and their answers.

use std::time::Duration;

use control::{
    Heard, Told,
    fleet::{Answer, AskError, DropsFrom, InterfaceCounters, Question},
};
use model::NodeId;

use crate::site::Site;

const LONG: Duration = Duration::from_secs(60);

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

fn question(site: &Site) -> Question {
    Question::Counters { interface: site.interfaces[0][0] }
}

#[test]
fn a_node_is_asked_and_answers() {
    let site = Site::new();
    let mut node = site.node(0);
    runtime().block_on(async {
        for failed in [false, true] {
            let (control, id, question) = (site.control.clone(), site.nodes[0], question(&site));
            let asked = question.clone();
            let asking = tokio::spawn(async move { control.ask(id, asked, LONG).await });
            let Told::Question { id, question: told } = node.obey().await.unwrap() else {
                panic!("no question")
            };
            assert_eq!(told, question);
            node.follower.heard(Heard::Answer { id: id + 1, answer: Answer::Failed("not asked".into()) });
            let counters = Answer::Counters(InterfaceCounters { flow_count: 3, ..Default::default() });
            let answer = if failed { Answer::Failed("no such interface".into()) } else { counters.clone() };
            node.follower.heard(Heard::Answer { id, answer });
            let answered = asking.await.unwrap();
            let expected =
                if failed { Err(AskError::Failed("no such interface".into())) } else { Ok(counters) };
            assert_eq!(answered, expected);
        }
    });
}

#[test]
fn whoever_asks_hears_why_there_is_no_answer() {
    let site = Site::new();
    runtime().block_on(async {
        let ask = || site.control.ask(site.nodes[0], question(&site), LONG);
        assert_eq!(ask().await, Err(AskError::NotConnected));
        let nobody = site.control.ask(NodeId::from_entropy(1), question(&site), LONG).await;
        assert_eq!(nobody, Err(AskError::NotConnected));
        let mut node = site.node(0);
        let soon = Duration::from_millis(1);
        let asked = site.control.ask(site.nodes[0], question(&site), soon).await;
        assert_eq!(asked, Err(AskError::Deadline));
        assert_eq!(node.obey_now(), None, "nobody wants to know any more");
        let asking: Vec<_> = (0..16)
            .map(|_| {
                let (control, id, question) = (site.control.clone(), site.nodes[0], question(&site));
                tokio::spawn(async move { control.ask(id, question, LONG).await })
            })
            .collect();
        tokio::task::yield_now().await;
        assert_eq!(ask().await, Err(AskError::Busy));
        assert!(matches!(node.obey_now(), Some(Ok(Told::Question { .. }))));
        drop(node);
        for asking in asking {
            assert_eq!(asking.await.unwrap(), Err(AskError::NotConnected));
        }
    });
}

/// A question does not wait for updates to be answered, nor for a word of an operator.
#[test]
fn a_node_that_is_busy_is_asked_all_the_same() {
    let site = Site::new();
    let mut node = site.node(0);
    for _ in 0..2 {
        site.must(site.leave(0, 0));
        site.must(site.join(0, 0));
        node.obey_now();
    }
    runtime().block_on(async {
        let (control, id, question) = (site.control.clone(), site.nodes[0], question(&site));
        let asking = tokio::spawn(async move { control.ask(id, question, LONG).await });
        assert!(matches!(node.obey().await, Ok(Told::Question { .. })));
        asking.abort();
    });
}

/// However much a node is asked, what is revoked is told first.
#[test]
fn updates_go_before_questions() {
    let site = Site::new();
    let mut node = site.node(0);
    runtime().block_on(async {
        let (control, id, question) = (site.control.clone(), site.nodes[0], question(&site));
        let asking = tokio::spawn(async move { control.ask(id, question, LONG).await });
        tokio::task::yield_now().await;
        site.must(site.leave(0, 0));
        assert!(matches!(node.obey().await, Ok(Told::Delta { .. })));
        assert!(matches!(node.obey().await, Ok(Told::Question { .. })));
        asking.abort();
    });
}

fn waiting() -> Question {
    let wait = Duration::from_secs(30);
    Question::Drops { interface: None, from: DropsFrom::Latest, most: 1, wait }
}

#[test]
fn those_who_wait_take_half_of_the_questions_at_most() {
    let site = Site::new();
    let _node = site.node(0);
    runtime().block_on(async {
        let ask = |question| {
            let (control, id) = (site.control.clone(), site.nodes[0]);
            tokio::spawn(async move { control.ask(id, question, LONG).await })
        };
        let mut asking: Vec<_> = (0..8).map(|_| ask(waiting())).collect();
        tokio::task::yield_now().await;
        assert_eq!(ask(waiting()).await.unwrap(), Err(AskError::Busy));
        asking.extend((0..8).map(|_| ask(question(&site))));
        tokio::task::yield_now().await;
        assert_eq!(ask(question(&site)).await.unwrap(), Err(AskError::Busy));
        // Whoever does not wait any more makes room.
        let gone = asking.swap_remove(0);
        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
        asking.push(ask(waiting()));
        tokio::task::yield_now().await;
        assert!(asking.iter().all(|asking| !asking.is_finished()));
        site.control.stop_waiting();
        for asking in asking {
            assert_eq!(asking.await.unwrap(), Err(AskError::Stopping));
        }
    });
}

#[test]
fn a_control_plane_that_stops_lets_nobody_wait_for_an_answer() {
    let site = Site::new();
    let mut node = site.node(0);
    runtime().block_on(async {
        let (control, id) = (site.control.clone(), site.nodes[0]);
        let asking = tokio::spawn(async move { control.ask(id, waiting(), LONG).await });
        let Told::Question { id, .. } = node.obey().await.unwrap() else { panic!("no question") };
        site.control.stop_waiting();
        assert_eq!(asking.await.unwrap(), Err(AskError::Stopping));
        // That the node answers all the same is nothing to anybody.
        node.follower.heard(Heard::Answer { id, answer: Answer::Failed("too late".into()) });
        let again = site.control.ask(site.nodes[0], question(&site), LONG).await;
        assert_eq!(again, Err(AskError::Stopping));
    });
}
