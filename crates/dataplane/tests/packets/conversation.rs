//! Two ends that talk to each other, and what arrives of it.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering::SeqCst},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{
    endpoint::{Datagrams, Endpoint, Stamp, Stream},
    namespace::Namespace,
    support::wait_until,
    topology::{Family, Topology},
    world::Moment,
};

/// How often each end that speaks sends a packet.
const PACE: Duration = Duration::from_millis(2);

/// What a conversation is carried by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    Tcp,
    Udp,
    /// Echo requests one way, replies the other; beside those that the kernel answers, the server sends some by itself.
    Icmp,
}

/// One end, while it talks.
#[derive(Default)]
pub struct Side {
    speaks: AtomicBool,
    stops: AtomicBool,
    /// Packets that the kernel took.
    sent: AtomicU64,
    /// How often it has looked for packets and taken all there were.
    looked: AtomicU64,
    arrived: Mutex<Vec<Stamp>>,
}

impl Side {
    pub fn speak(&self, speaks: bool) {
        self.speaks.store(speaks, SeqCst);
    }

    pub fn sent(&self) -> u64 {
        self.sent.load(SeqCst)
    }

    pub fn arrived(&self) -> usize {
        self.arrived.lock().unwrap().len()
    }

    pub fn stamps(&self) -> Vec<Stamp> {
        self.arrived.lock().unwrap().clone()
    }

    /// Waits until it has sent so many packets more. Not for TCP, where the kernel may not take any.
    pub fn wait_for_sent(&self, more: u64) {
        let goal = self.sent() + more;
        wait_until("packets are sent", || self.sent() >= goal);
    }

    /// Waits until everything that had arrived is taken, a few times over.
    fn settle(&self) {
        let goal = self.looked.load(SeqCst) + 10;
        wait_until("arrivals are taken", || self.looked.load(SeqCst) >= goal);
    }

    fn run(&self, is_client: bool, mut endpoint: Box<dyn Endpoint>) {
        let mut sequence = 0;
        let mut next = Instant::now();
        while !self.stops.load(SeqCst) {
            if self.speaks.load(SeqCst) {
                let stamp = Stamp { from_client: is_client, sequence, sent: Moment::now() };
                if endpoint.send(stamp) {
                    sequence += 1;
                    self.sent.store(sequence, SeqCst);
                }
            }
            endpoint.receive(&mut |stamp| self.arrived.lock().unwrap().push(stamp));
            self.looked.fetch_add(1, SeqCst);
            next = (next + PACE).max(Instant::now());
            thread::sleep(next - Instant::now());
        }
    }
}

/// Two ends that talk.
pub struct Conversation {
    pub name: String,
    pub client: Arc<Side>,
    pub server: Arc<Side>,
    threads: Vec<JoinHandle<()>>,
}

type Make = Box<dyn FnOnce() -> Box<dyn Endpoint> + Send>;

impl Conversation {
    /// Between two instances, to an address of the second one.
    pub fn between(
        topology: &Topology,
        carrier: Carrier,
        family: Family,
        client: u8,
        (server, port): (u8, u16),
    ) -> Self {
        let to = SocketAddr::new(topology.shape.address(server, family), port);
        Self::through(topology, carrier, client, to, (server, to))
    }

    /// From an instance to an address and port, which lead to another one's.
    pub fn through(
        topology: &Topology,
        carrier: Carrier,
        client: u8,
        to: SocketAddr,
        (server, at): (u8, SocketAddr),
    ) -> Self {
        let name = format!("{carrier:?} from {client} to {to} of {server}");
        let (calls, answers) = (topology.namespace(client).clone(), topology.namespace(server).clone());
        Self::of(name, (calls, client_end(carrier, to)), (answers, server_end(carrier, at)))
    }

    /// Of any two ends, each made in its namespace, the server's first. Both speak.
    pub fn of(name: String, client: (Namespace, Make), server: (Namespace, Make)) -> Self {
        let mut threads = Vec::new();
        let mut start = |is_client: bool, (namespace, make): (Namespace, Make)| {
            let side = Arc::new(Side::default());
            side.speak(true);
            let endpoint = namespace.within(make);
            let own = Arc::clone(&side);
            threads.push(thread::spawn(move || {
                namespace.enter();
                own.run(is_client, endpoint);
            }));
            side
        };
        let server = start(false, server);
        let client = start(true, client);
        Self { name, client, server, threads }
    }

    /// Waits until each end hears the other, now.
    #[track_caller]
    pub fn wait_both_ways(&self) {
        let from = Moment::now();
        let heard = |side: &Side, client: bool| {
            side.stamps().iter().rev().any(|stamp| stamp.from_client == client && stamp.sent > from)
        };
        wait_until(&format!("{} both ways", self.name), || {
            heard(&self.server, true) && heard(&self.client, false)
        });
    }

    /// Both ends speak, or are silent.
    pub fn speak(&self, speaks: bool) {
        self.client.speak(speaks);
        self.server.speak(speaks);
    }

    /// Asserts that nothing that was sent after a moment has arrived, and that nothing arrives for a while, at either end.
    #[track_caller]
    pub fn assert_cut(&self, since: Moment, watched: Duration) {
        self.client.settle();
        self.server.settle();
        let before = (self.client.arrived(), self.server.arrived());
        let until = Instant::now() + watched;
        while Instant::now() < until {
            thread::sleep(PACE);
        }
        assert_eq!(
            (self.client.arrived(), self.server.arrived()),
            before,
            "{}: something arrives",
            self.name
        );
        self.assert_nothing_since(since);
    }

    /// Asserts that nothing that was sent after a moment has arrived.
    #[track_caller]
    pub fn assert_nothing_since(&self, since: Moment) {
        for (end, side) in [("client", &self.client), ("server", &self.server)] {
            let late = side.stamps().into_iter().find(|stamp| stamp.sent > since);
            assert_eq!(late, None, "{}: arrived at the {end}, sent after {since:?}", self.name);
        }
    }

    /// Asserts that every packet that either end has sent arrives.
    #[track_caller]
    pub fn assert_lossless(self) {
        self.speak(false);
        self.client.settle();
        self.server.settle();
        for (to, from, client) in [(&self.server, &self.client, true), (&self.client, &self.server, false)] {
            let sent = from.sent();
            assert!(sent > 0, "{}: nothing was sent", self.name);
            let arrived = || {
                let mut numbers: Vec<u64> = to
                    .stamps()
                    .iter()
                    .filter(|stamp| stamp.from_client == client)
                    .map(|stamp| stamp.sequence)
                    .collect();
                numbers.sort_unstable();
                numbers.dedup();
                numbers
            };
            let begun = Instant::now();
            while arrived().len() as u64 != sent && begun.elapsed() < Duration::from_secs(3) {
                thread::sleep(PACE);
            }
            let numbers = arrived();
            let lost: Vec<u64> = (0..sent).filter(|number| numbers.binary_search(number).is_err()).collect();
            assert!(
                lost.is_empty(),
                "{}: of {sent} packets of the {} {} were lost: {:?}...",
                self.name,
                if client { "client" } else { "server" },
                lost.len(),
                &lost[..lost.len().min(10)]
            );
        }
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        for side in [&self.client, &self.server] {
            side.stops.store(true, SeqCst);
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn client_end(carrier: Carrier, to: SocketAddr) -> Make {
    static ID: AtomicU16 = AtomicU16::new(1);
    Box::new(move || match carrier {
        Carrier::Tcp => Box::new(Stream::client(to)),
        Carrier::Udp => Box::new(Datagrams::client(to)),
        Carrier::Icmp => Box::new(Datagrams::pinging(to, ID.fetch_add(1, SeqCst))),
    })
}

fn server_end(carrier: Carrier, at: SocketAddr) -> Make {
    Box::new(move || match carrier {
        Carrier::Tcp => Box::new(Stream::server(at)),
        Carrier::Udp => Box::new(Datagrams::server(at)),
        Carrier::Icmp => Box::new(Datagrams::pinged(if at.is_ipv4() { Family::V4 } else { Family::V6 })),
    })
}
