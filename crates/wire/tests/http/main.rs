//! The HTTP server on real sockets: what it answers, what it bounds, how it stops.

mod limits;
mod protocol;
mod routes;
mod shutdown;
mod support;
mod tls;
