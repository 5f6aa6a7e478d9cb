//! Where the agent learns which devices there are.

use std::net::IpAddr;

use tokio::sync::mpsc::Receiver;

use crate::{
    device::FoundDevices,
    links::{LinkError, LinkWatcher, Uplink},
};

/// Where the agent learns which devices there are.
pub struct DeviceFeed {
    first: FoundDevices,
    source: Source,
}

enum Source {
    /// The kernel.
    Kernel(LinkWatcher),
    /// Somebody who says so.
    Told(Receiver<FoundDevices>),
}

impl DeviceFeed {
    /// The devices of the network namespace of the calling thread. To be called in a tokio runtime whose threads are in that
    /// namespace.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn kernel() -> Result<Self, LinkError> {
        Self::kernel_with(Uplink::default()).await
    }

    /// The same, with those over which the host reaches its control plane told apart.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn kernel_with(uplink: Uplink) -> Result<Self, LinkError> {
        let (watcher, first) = LinkWatcher::follow(uplink).await?;
        Ok(Self { first, source: Source::Kernel(watcher) })
    }

    /// Devices that somebody tells of, for a dataplane that is none of this kernel.
    pub fn told(first: FoundDevices, later: Receiver<FoundDevices>) -> Self {
        Self { first, source: Source::Told(later) }
    }

    /// Those that were there at first, for those who follow nothing.
    pub fn into_first(self) -> FoundDevices {
        self.first
    }

    /// Those that were there at first.
    pub(crate) fn first(&mut self) -> FoundDevices {
        std::mem::take(&mut self.first)
    }

    /// Those that are there when that has changed; none: nobody tells of devices any more.
    pub(crate) async fn changed(&mut self) -> Option<Result<FoundDevices, LinkError>> {
        match &mut self.source {
            Source::Kernel(watcher) => Some(watcher.changed().await),
            Source::Told(later) => later.recv().await.map(Ok),
        }
    }

    /// Looks at all of them again. `server` is where the control plane was reached, if it was.
    pub(crate) fn look_again(&mut self, server: Option<IpAddr>) {
        if let Source::Kernel(watcher) = &mut self.source {
            watcher.look_again(server);
        }
    }
}
