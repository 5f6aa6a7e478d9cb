//! Whether a TCP port can be reached.

use std::{io, net::SocketAddr, time::Duration};

use crate::end::{Client, Protocol};

/// What became of an attempt to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knock {
    /// Somebody listens, and was reached.
    Open,
    /// Nobody listens, and the host was reached.
    Refused,
    /// Nothing came back.
    Silent,
}

/// Tries to connect to an address from the calling thread's namespace, and closes at once.
///
/// # Errors
/// There is no way to the address, or the kernel refuses.
pub fn knock(to: SocketAddr, patience: Duration) -> io::Result<Knock> {
    match Client::connect(Protocol::Tcp, to, patience) {
        // Ends with a reset, as a flow does.
        Ok(client) => client.end().map(|_| Knock::Open),
        Err(error) => match error.kind() {
            io::ErrorKind::ConnectionRefused => Ok(Knock::Refused),
            io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable => Ok(Knock::Silent),
            _ => Err(error),
        },
    }
}
