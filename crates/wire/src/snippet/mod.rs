//! One call as people write it: as a command of `ravelin`, as Python for the vendor's SDKs, as curl.
//!
//! Pure, and without secrets: what is written reads the access key from the environment (`RAVELIN_ACCESS_KEY_ID`,
//! `RAVELIN_ACCESS_KEY_SECRET`), and a password from `RAVELIN_INSTANCE_PASSWORD`. Whatever values are given, they stay
//! values: in the shell and in Python nothing of them is run. Time and nonce are made when the copy is run, so each can
//! be run again.

mod command;
mod curl;
mod given;
mod python;
mod quote;

pub use self::given::{Given, given, pairs};
use crate::{
    catalogue::{Kind, Operation},
    protocol::request::Format,
};

/// The variable of the environment that a copy reads a password from.
pub const PASSWORD_VARIABLE: &str = "RAVELIN_INSTANCE_PASSWORD";

/// The server that a copy calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Server<'a> {
    /// Its host, with the port where there is one.
    pub host: &'a str,
    /// Whether it is called over TLS.
    pub secure: bool,
}

impl Server<'_> {
    fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }
}

/// A call.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// What is called.
    pub operation: &'static Operation,
    /// With what.
    pub given: &'a [Given],
    /// How long its answer may wait for the nodes that it concerns, in seconds; none: the request says nothing of it.
    pub wait_seconds: Option<u8>,
}

impl Call<'_> {
    /// Whether a password is given.
    pub fn has_password(&self) -> bool {
        self.given.iter().any(|given| given.parameter.kind == Kind::Password)
    }

    /// As a command of `ravelin`: to the server that is named, or to the one of the profile that is in use.
    #[must_use]
    pub fn command(&self, server: Option<Server<'_>>) -> String {
        command::command(self, server)
    }

    /// As Python, for the SDK of the product; for the generic client where the SDK does not know the call.
    #[must_use]
    pub fn python(&self, server: Server<'_>) -> String {
        python::python(self, server)
    }

    /// As lines for a shell, which sign with `openssl` and call with `curl`.
    #[must_use]
    pub fn curl(&self, server: Server<'_>, format: Format) -> String {
        curl::curl(self, server, format)
    }
}
