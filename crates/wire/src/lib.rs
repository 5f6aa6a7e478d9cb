//! What clients say: the RPC protocol of ENS, its signatures, RAM, the operation catalogue, encodings, HTTP and TLS.

pub mod authorisation;
pub mod catalogue;
pub mod events;
pub mod gateway;
mod operations;
pub mod protocol;
pub mod reference;
pub mod server;
