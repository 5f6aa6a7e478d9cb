//! Why somebody does not get the page that was asked for.

use wire::catalogue::Fault;

/// A reason, and what is shown for it.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// An operation refused.
    Fault {
        /// Which.
        operation: &'static str,
        /// How.
        fault: Fault,
    },
    /// There is no such page, or no such thing.
    NotFound,
    /// The form does not carry the token of the session: it is somebody else's, or too old.
    ForeignForm,
    /// The browser keeps no cookies, without which nobody signs in.
    NoCookies,
    /// The form cannot be read.
    MalformedForm,
    /// Nobody is signed in, or not any more.
    SignedOut,
}

impl Trouble {
    /// What an operation refused.
    pub(crate) fn fault(operation: &'static str, fault: Fault) -> Self {
        // The key is gone or switched off: so is everybody who signed in with it.
        if fault.code.starts_with("InvalidAccessKeyId.") {
            return Self::SignedOut;
        }
        Self::Fault { operation, fault }
    }

    /// The status of the page that says so.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Fault { fault, .. } => fault.status,
            Self::NotFound => 404,
            Self::ForeignForm => 403,
            Self::NoCookies | Self::MalformedForm => 400,
            Self::SignedOut => 401,
        }
    }
}
