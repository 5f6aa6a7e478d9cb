//! What an RPC request says, and how its answer is written.
//!
//! From the bytes of a request to its operation, its caller and its parameters, and from a result to the
//! bytes of the answer. Pure: no clock, no IO, no randomness; the time is an argument. Must not know the
//! operations, the model, or who holds which key.
//!
//! The order in which a server asks is the contract's order of checks: [`request::Envelope::open`] (method,
//! decoding), [`request::Envelope::action`] and [`request::Envelope::version`],
//! [`request::Envelope::credentials`] (then the caller looks the access key up),
//! [`signature::Credentials::check_time`], [`signature::Credentials::verify`],
//! [`nonces::NonceLedger::insert`], and, when all that holds, [`request::Envelope::into_parameters`].

pub mod encoding;
pub mod error;
pub mod nonces;
pub mod parameters;
pub mod percent;
pub mod query;
pub mod request;
pub mod signature;
pub mod timestamp;
