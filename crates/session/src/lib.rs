//! The control plane's side of the session with its nodes.
//!
//! A listener of its own, with TLS that both sides prove themselves in: the server by a certificate that the authority of
//! nodes signed, which a token names, and nodes by one that they got for a token. Over it hosts join (`Enrolment`), and
//! nodes follow what is wanted of them and renew their certificates (`Session`), as the protocol file says. Everything that a
//! peer can take is bounded, and what is refused is told why and logged.
//!
//! This crate must not know how what is wanted of a node is found out (`control`), nor what is done with it there.

mod accept;
mod attempts;
mod authority;
mod belongings;
mod connection;
mod context;
mod convert;
mod enrolment;
mod following;
mod metrics;
mod newcomers;
mod peer;
mod renewal;
mod request;
mod seats;
mod server;
mod service;
mod settings;
mod status;
mod tls;

pub use self::{
    authority::{AuthorityError, establish, replace_blocking},
    metrics::Metrics,
    server::{Bound, Server, ServerError},
    settings::{OutOfRange, SessionSettings},
    tls::CredentialsError,
};

/// The SHA-256 of a certificate in DER: what the state knows it by.
fn fingerprint(certificate: &[u8]) -> model::node::Digest {
    model::node::Digest::of(certificate)
}
