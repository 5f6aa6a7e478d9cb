//! Packets that knock at every port all the time, whatever happens, and at what they may not be let in.
//!
//! The kernel stamps what arrives. So it is not asked now and then whether a port is closed: of every moment between the
//! confirmation that it is and the next change that may open it, it is known that nothing came in.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, SystemTime},
};

use host::in_namespace;
use traffic::{Bundle, Client, Knock, Protocol, Server, knock};

use super::world::{Door, PORTS, doors};
use crate::{common::wait_until, site::Instance};

/// How often a packet is sent to each port.
const INTERVAL: Duration = Duration::from_millis(2);
/// How long to listen for an answer that is not to come. Where one comes, it comes in a part of a millisecond.
const SILENCE: Duration = Duration::from_millis(30);

/// Who watches the ports.
pub(super) struct Watch {
    flows: Bundle,
    /// Since when each port is confirmed to be closed that is.
    closed: BTreeMap<Door, SystemTime>,
}

impl Watch {
    /// Begins to send from each instance to the other. Nothing is known to be closed.
    pub(super) fn begin(instances: &[Instance; 2]) -> Self {
        let flow = |(to, port): Door| {
            let (from, to) = (&instances[1 - to], &instances[to]);
            let address = SocketAddr::new(to.address, PORTS[port]);
            let server = in_namespace(&to.namespace(), || Server::listen(Protocol::Udp, address));
            // UDP: nobody is asked.
            let connect = || Client::connect(Protocol::Udp, address, Duration::ZERO);
            let client = in_namespace(&from.namespace(), connect);
            (client.unwrap().unwrap(), server.unwrap().unwrap())
        };
        let flows = Bundle::begin(doors().map(flow).collect(), INTERVAL).unwrap();
        Self { flows, closed: BTreeMap::new() }
    }

    /// These ports are confirmed to be closed from a moment on, if they were not before.
    pub(super) fn close(&mut self, closed: impl Iterator<Item = Door>, at: SystemTime) {
        for door in closed {
            self.closed.entry(door).or_insert(at);
        }
    }

    /// These ports may open from now on. Nothing has come in until now where nothing might.
    pub(super) fn may_open(&mut self, open: impl Iterator<Item = Door>, when: &str) {
        self.check(when);
        for door in open {
            self.closed.remove(&door);
        }
    }

    /// Nothing has come in where nothing might.
    pub(super) fn check(&self, when: &str) {
        for (door, tally) in doors().zip(self.flows.look()) {
            let Some(since) = self.closed.get(&door) else { continue };
            let late = tally.last.filter(|last| last.at > *since);
            assert!(late.is_none(), "{when}: {door:?} is closed since {since:?}, and {late:?} came in");
        }
    }

    /// The ports that are known to be closed.
    pub(super) fn closed(&self) -> Vec<Door> {
        self.closed.keys().copied().collect()
    }

    /// Packets come in at a port that is open.
    pub(super) fn comes_in(&self, door: Door) {
        let (place, now) = (doors().position(|of| of == door).unwrap(), SystemTime::now());
        wait_until(&format!("something comes in at {door:?}, which is open"), || {
            let last = self.flows.look()[place].last;
            last.filter(|last| last.at > now)
        });
    }

    /// Somebody new comes in at a port exactly if it is open.
    pub(super) fn lets_in(instances: &[Instance; 2], (to, port): Door, open: bool) {
        let (from, address) = (&instances[1 - to], SocketAddr::new(instances[to].address, PORTS[port]));
        let knocks = || in_namespace(&from.namespace(), || knock(address, SILENCE)).unwrap().unwrap();
        if open {
            wait_until(&format!("{address} is reached"), || (knocks() != Knock::Silent).then_some(()));
        } else {
            assert_eq!(knocks(), Knock::Silent, "{address} is closed");
        }
    }
}
