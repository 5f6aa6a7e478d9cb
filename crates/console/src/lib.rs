//! The console: pages on which people see what exists, change it, and see that it is in force.
//!
//! Every read and every change goes through [`wire::gateway::Gateway::call`], in the name of the access key that the person
//! signed in with: what its owner may not do is refused here by the same check as in the API. Pages are made on the
//! server and can be read without script. Must not know the model, the store, or how an operation is carried out.

mod api;
mod assets;
mod attempts;
mod form;
mod json;
mod layout;
mod once;
mod pages;
mod proposal;
mod response;
mod router;
mod session;
mod settings;
mod token;
mod trouble;
mod view;
mod visit;

use std::{future::Future, pin::Pin, sync::Arc};

use control::Clock;
use tokio::sync::Semaphore;
use wire::{
    gateway::{Gateway, RawRequest},
    server::{PageAnswer, Pages},
};

pub use self::settings::ConsoleSettings;
use self::{attempts::Attempts, session::Sessions, token::Sealer};

/// Where the console begins.
pub const ROOT: &str = "/console";

/// The console, to be mounted with [`wire::server::Server::with_pages`].
pub struct Console {
    inner: Arc<Inner>,
}

/// What all requests share.
struct Inner {
    gateway: Arc<Gateway>,
    sessions: Sessions,
    attempts: Attempts,
    /// Seals the forms of people who are not signed in.
    sealer: Sealer,
    /// One permit for each page that is kept up to date.
    streams: Arc<Semaphore>,
}

impl Console {
    /// A console in front of a gateway.
    pub fn new(gateway: Arc<Gateway>, settings: &ConsoleSettings, clock: Arc<dyn Clock>) -> Self {
        let inner = Inner {
            gateway,
            sessions: Sessions::new(settings, clock),
            attempts: Attempts::new(settings),
            sealer: Sealer::new(),
            streams: Arc::new(Semaphore::new(settings.streams_max)),
        };
        Self { inner: Arc::new(inner) }
    }
}

impl Pages for Console {
    fn root(&self) -> &str {
        ROOT
    }

    fn answer<'a>(
        &'a self,
        request: RawRequest<'a>,
    ) -> Pin<Box<dyn Future<Output = PageAnswer> + Send + 'a>> {
        Box::pin(router::answer(&self.inner, request))
    }
}
