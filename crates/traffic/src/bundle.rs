//! Many UDP flows, one way, on two threads: one sends to each in turn, the other reads now and then what has arrived.
//!
//! Nobody is woken by a record: the kernel stamps them, and they wait in their sockets. So that even dense flows take
//! little from whatever is measured beside them.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use nix::sys::prctl;
use parking_lot::Mutex;

use crate::{
    end::{Client, End, Sent, Server},
    record::{self, Stream},
    tally::{Arrival, Tally},
};

/// How often is read. Sockets have room for much more.
const LOOK: Duration = Duration::from_millis(5);
/// A sender that is later than this does not catch up, which would be a burst.
const LATE: Duration = Duration::from_millis(5);
/// How many pauses are kept; older ones are forgotten.
const PAUSES_MAX: usize = 65_536;
/// How many arrivals of a flow are kept; older ones are forgotten. It is more than a second of a dense flow.
const ARRIVALS_MAX: usize = 16_384;

/// Flows that run. They end, and their sockets are closed, when this is dropped.
pub struct Bundle {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    servers: Mutex<Servers>,
    over: AtomicBool,
}

struct Servers {
    ends: Vec<End>,
    tallies: Vec<Tally>,
    pauses: VecDeque<Duration>,
    /// The last arrivals of each flow.
    arrivals: Vec<Arrivals>,
}

impl Bundle {
    /// Begins to send from each client to its server, a record every `interval`, one way. All of them are UDP.
    ///
    /// # Errors
    /// A flow is not UDP; the kernel refuses.
    pub fn begin(flows: Vec<(Client, Server)>, interval: Duration) -> io::Result<Self> {
        let (mut clients, mut ends) = (Vec::new(), Vec::new());
        for (client, server) in flows {
            ends.push(server.meet(client.address()?)?);
            clients.push(client.end()?);
        }
        if ends.iter().chain(&clients).any(|end| !end.is_udp()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "flows of a bundle are UDP"));
        }
        let tallies = vec![Tally::default(); ends.len()];
        let arrivals = vec![Arrivals::default(); ends.len()];
        let servers = Mutex::new(Servers { ends, tallies, pauses: VecDeque::new(), arrivals });
        let mut bundle =
            Self { shared: Arc::new(Shared { servers, over: AtomicBool::new(false) }), threads: Vec::new() };
        let (sending, reading) = (Arc::clone(&bundle.shared), Arc::clone(&bundle.shared));
        bundle.spawn("read", move || {
            while !reading.over.load(SeqCst) {
                reading.servers.lock().read();
                thread::sleep(LOOK);
            }
        })?;
        bundle.spawn("send", move || send(&clients, interval, &sending.over))?;
        Ok(bundle)
    }

    fn spawn(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        self.threads.push(thread::Builder::new().name(name.into()).spawn(work)?);
        Ok(())
    }

    /// What has arrived of each flow until now.
    pub fn look(&self) -> Vec<Tally> {
        let mut servers = self.shared.servers.lock();
        servers.read();
        servers.tallies.clone()
    }

    /// When records of all flows arrived after a moment, in no order; none: some of them are forgotten already.
    pub fn arrived_after(&self, moment: SystemTime) -> Option<Vec<SystemTime>> {
        let mut servers = self.shared.servers.lock();
        servers.read();
        let each = servers.arrivals.iter().map(|arrivals| arrivals.after(moment));
        Some(each.collect::<Option<Vec<_>>>()?.concat())
    }

    /// Waits until a record of every flow has arrived after a moment, for so long at most; gives whether it has.
    pub fn flows_after(&self, moment: SystemTime, patience: Duration) -> bool {
        let begun = Instant::now();
        let flows = |tally: &Tally| tally.last.is_some_and(|last| last.at > moment);
        loop {
            if self.look().iter().all(flows) {
                return true;
            }
            if begun.elapsed() > patience {
                return false;
            }
            thread::sleep(LOOK);
        }
    }

    /// Times between the arrivals of two records of a flow of which one was sent after the other: how dense the flows
    /// are. The newest ones alone are kept.
    pub fn pauses(&self) -> Vec<Duration> {
        self.shared.servers.lock().pauses.iter().copied().collect()
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        self.shared.over.store(true, SeqCst);
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
    }
}

impl Servers {
    /// Reads everything that is there.
    fn read(&mut self) {
        let Self { ends, tallies, pauses, arrivals } = self;
        for ((end, tally), arrivals) in ends.iter().zip(tallies).zip(arrivals) {
            // An error of ICMP, or a datagram that is no record, is an empty piece as well: what is behind it is read
            // the next time.
            while let Some(arrival) =
                end.receive_now(&mut Stream::default()).and_then(|piece| piece.first().copied())
            {
                if let Some(pause) = pause(tally, arrival) {
                    pauses.truncate(PAUSES_MAX - 1);
                    pauses.push_front(pause);
                }
                tally.count(arrival);
                arrivals.add(arrival.at);
            }
        }
    }
}

/// When the last records of a flow arrived.
#[derive(Debug, Clone, Default)]
struct Arrivals {
    /// The newest first.
    kept: VecDeque<SystemTime>,
    forgotten: bool,
}

impl Arrivals {
    fn add(&mut self, at: SystemTime) {
        self.forgotten |= self.kept.len() == ARRIVALS_MAX;
        self.kept.truncate(ARRIVALS_MAX - 1);
        self.kept.push_front(at);
    }

    /// Those after a moment; none: some of them are forgotten.
    fn after(&self, moment: SystemTime) -> Option<Vec<SystemTime>> {
        let all: Vec<SystemTime> = self.kept.iter().copied().filter(|at| *at > moment).collect();
        let complete = !self.forgotten || all.len() < self.kept.len();
        complete.then_some(all)
    }
}

/// The time between the last arrival and this one, if nothing was sent between them.
fn pause(tally: &Tally, arrival: Arrival) -> Option<Duration> {
    let last = tally.last.filter(|last| last.number + 1 == arrival.number)?;
    arrival.at.duration_since(last.at).ok()
}

fn send(clients: &[End], interval: Duration, over: &AtomicBool) {
    // As exact as the kernel can; where it does not do that, the flows are less dense, which shows.
    let _ = prctl::set_timerslack(1);
    let count = u32::try_from(clients.len()).unwrap_or(u32::MAX).max(1);
    let (mut numbers, mut next) = (vec![0u64; clients.len()], Instant::now());
    while !over.load(SeqCst) {
        for (client, number) in clients.iter().zip(&mut numbers) {
            if client.send(&record::encode(*number)) == Sent::Yes {
                *number += 1;
            }
            next += interval / count;
            let now = Instant::now();
            match next.checked_duration_since(now) {
                Some(rest) => thread::sleep(rest),
                None if now.duration_since(next) > LATE => next = now,
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Protocol;

    const HERE: &str = "127.0.0.1:0";
    const PATIENCE: Duration = Duration::from_secs(60);

    fn flow(protocol: Protocol) -> (Client, Server) {
        let server = Server::listen(protocol, HERE.parse().unwrap()).unwrap();
        (Client::connect(protocol, server.address().unwrap(), PATIENCE).unwrap(), server)
    }

    #[test]
    fn records_of_all_flows_arrive_in_order_with_the_time_of_their_arrival() {
        let before = SystemTime::now();
        let bundle =
            Bundle::begin((0..4).map(|_| flow(Protocol::Udp)).collect(), Duration::from_micros(400)).unwrap();
        assert!(bundle.flows_after(before + Duration::from_millis(50), PATIENCE));
        let tallies = bundle.look();
        assert_eq!(tallies.len(), 4);
        for tally in &tallies {
            let (first, last) = (tally.first.unwrap(), tally.last.unwrap());
            assert!(before <= first.at && first.at < last.at && last.at <= SystemTime::now(), "{tally:?}");
            assert_eq!(
                (first.number, tally.disordered, tally.lost_of(last.number + 1)),
                (0, 0, 0),
                "{tally:?}"
            );
        }
        assert!(bundle.arrived_after(before).unwrap().len() as u64 >= tallies[0].received);
        assert!(bundle.arrived_after(SystemTime::now() + PATIENCE).unwrap().is_empty());
        let received: u64 = tallies.iter().map(|tally| tally.received).sum();
        let pauses = bundle.pauses();
        assert!(pauses.len() as u64 + 4 >= received && pauses.iter().all(|pause| *pause < PATIENCE));
    }

    #[test]
    fn a_flow_that_is_no_udp_is_refused() {
        let refused = Bundle::begin(vec![flow(Protocol::Udp), flow(Protocol::Tcp)], PATIENCE).err().unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn arrivals_after_a_moment_are_all_of_them_or_it_is_said_that_some_are_forgotten() {
        let at = |ms| SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
        let mut arrivals = Arrivals::default();
        assert_eq!(arrivals.after(at(0)), Some(vec![]));
        (1..=ARRIVALS_MAX as u64).for_each(|ms| arrivals.add(at(ms)));
        assert_eq!(arrivals.after(at(0)).map(|all| all.len()), Some(ARRIVALS_MAX));
        arrivals.add(at(ARRIVALS_MAX as u64 + 1));
        assert_eq!(arrivals.after(at(0)), None, "the first one is forgotten");
        assert_eq!(arrivals.after(at(ARRIVALS_MAX as u64)), Some(vec![at(ARRIVALS_MAX as u64 + 1)]));
    }

    #[test]
    fn a_pause_is_between_two_that_were_sent_one_after_the_other() {
        let at = |number, ms| Arrival { number, at: SystemTime::UNIX_EPOCH + Duration::from_millis(ms) };
        let mut tally = Tally::default();
        assert_eq!(pause(&tally, at(0, 1)), None);
        tally.count(at(0, 1));
        assert_eq!(pause(&tally, at(1, 4)), Some(Duration::from_millis(3)));
        assert_eq!(pause(&tally, at(2, 4)), None);
    }
}
