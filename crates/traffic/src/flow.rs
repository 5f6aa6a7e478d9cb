//! A flow while it runs.

use std::{
    io,
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicU64,
            Ordering::{Relaxed, SeqCst},
        },
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::{
    end::{Client, End, Sent, Server},
    record::{self, LENGTH, Stream},
    tally::Tally,
};

/// How long to wait between two looks.
const LOOK: Duration = Duration::from_millis(1);

/// What has become of a flow so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// How many records the client has sent: the next one has this number.
    pub sent: u64,
    /// What arrived at the server.
    pub there: Tally,
    /// What of that arrived at the client again.
    pub back: Tally,
    /// Whether an end has closed the connection or found it closed.
    pub over: bool,
}

impl Seen {
    /// How many records did not make it there and back.
    pub fn lost(&self) -> u64 {
        self.back.lost_of(self.sent)
    }
}

#[derive(Default)]
struct Shared {
    sent: AtomicU64,
    there: Mutex<Tally>,
    back: Mutex<Tally>,
    /// The client sends no more.
    quiet: AtomicBool,
    /// Nobody reads any more.
    ended: AtomicBool,
    over: AtomicBool,
}

/// A flow that runs. Ends, and closes its sockets, when it is dropped.
pub struct Flow {
    shared: Arc<Shared>,
    sender: Option<JoinHandle<()>>,
    readers: Vec<JoinHandle<()>>,
}

impl Flow {
    /// Begins to send from the client to the server, a record every `interval`. With TCP the client is connected to
    /// this server already.
    ///
    /// # Errors
    /// The server has no connection from this client; the kernel refuses.
    pub fn begin(client: Client, server: Server, interval: Duration) -> io::Result<Self> {
        let server = server.meet(client.address()?)?;
        let client = Arc::new(client.end()?);
        let mut flow = Self { shared: Arc::default(), sender: None, readers: Vec::new() };
        let shared = Arc::clone(&flow.shared);
        flow.readers.push(spawn("there", move || answer(&server, &shared))?);
        let (shared, reader) = (Arc::clone(&flow.shared), Arc::clone(&client));
        flow.readers.push(spawn("back", move || read(&reader, &shared, &shared.back, |_| {}))?);
        let shared = Arc::clone(&flow.shared);
        flow.sender = Some(spawn("send", move || write(&client, &shared, interval))?);
        Ok(flow)
    }

    /// What has become of it so far.
    pub fn seen(&self) -> Seen {
        let shared = &self.shared;
        // What arrived is looked at first: nothing arrives that was not sent.
        let (back, there) = (shared.back.lock().clone(), shared.there.lock().clone());
        Seen { sent: shared.sent.load(SeqCst), there, back, over: shared.over.load(SeqCst) }
    }

    /// Waits until `enough` says so of what is seen, for so long at most. Gives what was seen last.
    pub fn wait(&self, patience: Duration, enough: impl Fn(&Seen) -> bool) -> Seen {
        let begun = Instant::now();
        loop {
            let seen = self.seen();
            if enough(&seen) || begun.elapsed() > patience {
                return seen;
            }
            thread::sleep(LOOK);
        }
    }

    /// Sends no more, waits for so long at most until everything that was sent is back, and ends.
    pub fn finish(mut self, patience: Duration) -> Seen {
        self.quieten();
        self.wait(patience, |seen| seen.lost() == 0)
    }

    /// Ends the sender, and with it what is counted as sent.
    fn quieten(&mut self) {
        self.shared.quiet.store(true, SeqCst);
        if let Some(sender) = self.sender.take() {
            // A thread that panicked has said so.
            let _ = sender.join();
        }
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.quieten();
        self.shared.ended.store(true, SeqCst);
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.into()).spawn(work)
}

fn write(client: &End, shared: &Shared, interval: Duration) {
    let mut left: Vec<u8> = Vec::with_capacity(LENGTH);
    while !shared.quiet.load(SeqCst) {
        let number = shared.sent.load(Relaxed);
        if left.is_empty() {
            left.extend_from_slice(&record::encode(number));
        }
        // Counted before it is sent: what arrives was counted.
        shared.sent.store(number + 1, SeqCst);
        match client.send(&left) {
            Sent::Yes => left.clear(),
            Sent::Part(count) => {
                left.drain(..count);
                shared.sent.store(number, SeqCst);
            }
            Sent::NotNow => shared.sent.store(number, SeqCst),
            Sent::Over => {
                shared.sent.store(number, SeqCst);
                shared.over.store(true, SeqCst);
                return;
            }
        }
        thread::sleep(interval);
    }
}

fn read(end: &End, shared: &Shared, tally: &Mutex<Tally>, mut each: impl FnMut(u64)) {
    let mut stream = Stream::default();
    while !shared.ended.load(SeqCst) {
        let Some(arrivals) = end.receive(&mut stream) else {
            shared.over.store(true, SeqCst);
            return;
        };
        for arrival in arrivals {
            tally.lock().count(arrival);
            each(arrival.number);
        }
    }
}

/// Sends every record back. Where there is no room for one, its answers wait.
fn answer(server: &End, shared: &Shared) {
    read(server, shared, &shared.there, |number| {
        let bytes = record::encode(number);
        let mut left = &bytes[..];
        while !left.is_empty() && !shared.ended.load(SeqCst) {
            match server.send(left) {
                Sent::Yes => return,
                Sent::Part(count) => left = &left[count..],
                Sent::NotNow => thread::sleep(LOOK),
                Sent::Over => return,
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use std::{net::SocketAddr, time::SystemTime};

    use super::*;
    use crate::{Knock, Protocol, knock};

    const HERE: &str = "127.0.0.1:0";
    const PATIENCE: Duration = Duration::from_secs(60);
    const INTERVAL: Duration = Duration::from_micros(200);

    fn begin(protocol: Protocol) -> Flow {
        let server = Server::listen(protocol, HERE.parse().unwrap()).unwrap();
        let client = Client::connect(protocol, server.address().unwrap(), PATIENCE).unwrap();
        Flow::begin(client, server, INTERVAL).unwrap()
    }

    #[test]
    fn everything_that_is_sent_comes_there_and_back_in_order() {
        for protocol in [Protocol::Tcp, Protocol::Udp] {
            let before = SystemTime::now();
            let flow = begin(protocol);
            flow.wait(PATIENCE, |seen| seen.back.received >= 500);
            let seen = flow.finish(PATIENCE);
            let after = SystemTime::now();
            assert_eq!((seen.lost(), seen.over), (0, false), "{protocol:?}");
            for tally in [&seen.there, &seen.back] {
                assert_eq!((tally.received, tally.disordered), (seen.sent, 0), "{protocol:?}");
                let (first, last) = (tally.first.unwrap(), tally.last.unwrap());
                assert_eq!((first.number, last.number), (0, seen.sent - 1), "{protocol:?}");
                assert!(
                    before <= first.at && first.at < last.at && last.at <= after,
                    "{protocol:?}: {tally:?}"
                );
                assert!(tally.longest_pause > Duration::ZERO, "{protocol:?}");
            }
        }
    }

    #[test]
    fn who_is_not_the_client_is_no_part_of_the_flow() {
        let server = Server::listen(Protocol::Tcp, HERE.parse().unwrap()).unwrap();
        let address = server.address().unwrap();
        assert_eq!(knock(address, PATIENCE).unwrap(), Knock::Open);
        let client = Client::connect(Protocol::Tcp, address, PATIENCE).unwrap();
        let flow = Flow::begin(client, server, INTERVAL).unwrap();
        flow.wait(PATIENCE, |seen| seen.back.received >= 10);
        // The flow has the listener's one connection, and the listener is closed.
        assert_eq!(knock(address, PATIENCE).unwrap(), Knock::Refused);
        assert_eq!(flow.finish(PATIENCE).lost(), 0);

        let server = Server::listen(Protocol::Udp, HERE.parse().unwrap()).unwrap();
        let address = server.address().unwrap();
        let client = Client::connect(Protocol::Udp, address, PATIENCE).unwrap();
        let stranger = std::net::UdpSocket::bind(HERE).unwrap();
        let flow = Flow::begin(client, server, INTERVAL).unwrap();
        for _ in 0..100 {
            // The kernel may tell that nobody takes it.
            let _ = stranger.send_to(&record::encode(u64::MAX), address);
        }
        flow.wait(PATIENCE, |seen| seen.back.received >= 10);
        let seen = flow.finish(PATIENCE);
        assert_eq!((seen.lost(), seen.there.disordered), (0, 0));
    }

    #[test]
    fn a_client_of_another_server_is_told_so() {
        let server = std::net::TcpListener::bind(HERE).unwrap();
        let address: SocketAddr = server.local_addr().unwrap();
        let client = Client::connect(Protocol::Tcp, address, PATIENCE).unwrap();
        let other = Server::listen(Protocol::Tcp, HERE.parse().unwrap()).unwrap();
        // No connection of this client is at the other server.
        let refused = Flow::begin(client, other, INTERVAL).err().unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::TimedOut);
        drop(server);
        assert_eq!(knock(address, PATIENCE).unwrap(), Knock::Refused);
    }
}
