//! Devices, addresses and routes of one namespace, by netlink.
//!
//! A [`Netlink`] speaks to the namespace of the thread that opened it. Its calls wait for the kernel's answer.

mod address;
mod link;
mod route;
mod rule;

use std::io;

use futures_util::{Stream, StreamExt};
use nix::errno::Errno;
use rtnetlink::Handle;
use thiserror::Error;
use tokio::runtime::{Builder, Runtime};

pub use self::{
    address::Address,
    link::{Link, Pair},
    route::{MAIN_TABLE, Route},
    rule::NoTransit,
};

/// Why the kernel did not do what it was asked.
#[derive(Debug, Error)]
pub enum NetlinkError {
    /// No netlink socket can be had.
    #[error("cannot speak to the kernel by netlink")]
    Socket(#[source] io::Error),
    /// The process may not.
    #[error("this process may not {what}: run it as root, or with CAP_NET_ADMIN")]
    NotPermitted {
        /// What it may not do.
        what: String,
    },
    /// The kernel has no devices of this kind.
    #[error("this kernel cannot {what}: load the module, or run one that is built with {option}")]
    Unsupported {
        /// What it cannot do.
        what: String,
        /// What it has to be built with.
        option: &'static str,
    },
    /// There is no such device.
    #[error("there is no device {name} in this namespace")]
    NoDevice {
        /// Its name.
        name: String,
    },
    /// Something else.
    #[error("cannot {what}")]
    Refused {
        /// What was to be done.
        what: String,
        /// What the kernel said.
        #[source]
        source: rtnetlink::Error,
    },
}

/// A netlink socket.
pub struct Netlink {
    runtime: Runtime,
    handle: Handle,
}

impl Netlink {
    /// Opens one in the namespace of the calling thread.
    ///
    /// # Errors
    /// [`NetlinkError::Socket`].
    pub fn open() -> Result<Self, NetlinkError> {
        let runtime = Builder::new_current_thread().enable_io().build().map_err(NetlinkError::Socket)?;
        let entered = runtime.enter();
        let (connection, handle, _) = rtnetlink::new_connection().map_err(NetlinkError::Socket)?;
        runtime.spawn(connection);
        drop(entered);
        Ok(Self { runtime, handle })
    }

    fn ask(
        &self,
        what: impl FnOnce() -> String,
        request: impl Future<Output = Result<(), rtnetlink::Error>>,
    ) -> Result<(), NetlinkError> {
        self.runtime.block_on(request).map_err(|error| refused(what(), error))
    }

    fn all<T>(
        &self,
        what: &str,
        answers: impl Stream<Item = Result<T, rtnetlink::Error>>,
    ) -> Result<Vec<T>, NetlinkError> {
        let collect = async {
            let mut answers = std::pin::pin!(answers);
            let mut all = Vec::new();
            while let Some(answer) = answers.next().await {
                all.push(answer?);
            }
            Ok(all)
        };
        self.runtime.block_on(collect).map_err(|error| refused(what.to_owned(), error))
    }
}

/// What the kernel answered.
fn code(error: &rtnetlink::Error) -> Errno {
    match error {
        rtnetlink::Error::NetlinkError(error) => Errno::from_raw(-error.raw_code()),
        _ => Errno::UnknownErrno,
    }
}

fn refused(what: String, error: rtnetlink::Error) -> NetlinkError {
    match code(&error) {
        Errno::EPERM | Errno::EACCES => NetlinkError::NotPermitted { what },
        Errno::EOPNOTSUPP if what.contains("bridge") => {
            NetlinkError::Unsupported { what, option: "CONFIG_BRIDGE" }
        }
        Errno::EOPNOTSUPP => NetlinkError::Unsupported { what, option: "CONFIG_VETH" },
        _ => NetlinkError::Refused { what, source: error },
    }
}
