//! The node's end of the session with its control plane.

mod connection;

pub use self::connection::ConnectError;
pub(crate) use self::connection::connect;
