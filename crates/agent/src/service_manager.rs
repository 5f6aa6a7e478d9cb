//! What the service manager is told (sd_notify(3)): when the agent is ready, how it stands, that it still works. Where
//! nobody asked for it nothing is done.

use std::time::Duration;

use sd_notify::NotifyState;

/// What the service manager should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News<'a> {
    /// What was wanted last is in force, and devices are followed.
    Ready,
    /// It is ending.
    Stopping,
    /// It still works.
    Alive,
    /// How it stands, in one line.
    Status(&'a str),
}

/// Tells the service manager.
pub fn tell(news: &News<'_>) {
    let state = match news {
        News::Ready => NotifyState::Ready,
        News::Stopping => NotifyState::Stopping,
        News::Alive => NotifyState::Watchdog,
        News::Status(line) => NotifyState::Status(line),
    };
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "the service manager does not hear");
    }
}

/// How often it wants to be told that the agent still works: half the time after which it takes it for dead.
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|most| most / 2)
}
