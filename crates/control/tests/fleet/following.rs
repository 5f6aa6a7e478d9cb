//! One node after the other: what it is told when it connects, when something changes, and when it comes back.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use control::{
    Told,
    fleet::{Enforced, EnforcementState},
};

use crate::site::{Obedient, Site};

/// One poll of a future, as a task would make it.
fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_node_gets_a_snapshot_and_then_what_concerns_it() {
    let site = Site::new();
    runtime().block_on(async {
        let mut node = Obedient::new(site.follow(0, 0).unwrap());
        let mut other = Obedient::new(site.follow(1, 0).unwrap());
        assert!(matches!(node.obey().await.unwrap(), Told::Snapshot { generation: 1, .. }));
        assert!(matches!(other.obey().await.unwrap(), Told::Snapshot { generation: 1, .. }));
        assert_eq!(node.desired, site.desired(0));
        let left = site.must(site.leave(0, 0));
        assert!(matches!(node.obey().await.unwrap(), Told::Delta { from: 1, generation: 2, .. }));
        assert_eq!(node.desired, site.desired(0));
        assert!(poll_once(other.follower.next()).is_none(), "what does not concern a node is not told to it");
        let enforcement = site.control.enforcement(left).unwrap();
        assert_eq!((enforcement.state, enforcement.nodes.len()), (EnforcementState::Pending, 1));
        let waiting = site.control.clone();
        let waiting = tokio::spawn(async move { waiting.enforced(left, LONG).await });
        node.confirm();
        assert_eq!(waiting.await.unwrap(), Enforced::Confirmed);
        assert_eq!(site.control.enforcement(left).unwrap().state, EnforcementState::Confirmed);
        site.must(site.join(0, 0));
        assert!(matches!(node.obey().await.unwrap(), Told::Delta { from: 2, generation: 3, .. }));
        assert_eq!(node.desired, site.desired(0));
    });
}
