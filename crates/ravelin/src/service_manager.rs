//! The service manager (systemd), where one started this process: what it is told of it. Where none did, nothing is said.

use sd_notify::NotifyState;

/// Says that the process serves, and in one line how.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(&one_line(status))]);
}

/// Says that the process has begun to stop.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("finishing what was begun")]);
}

/// A manager that does not listen is no reason to stop: the most it does is to wait, and it says itself for what.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager cannot be told how this process is");
    }
}

/// Lines separate what the manager is told.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_status_is_one_line() {
        assert_eq!(super::one_line("serving\nWATCHDOG=trigger"), "serving WATCHDOG=trigger");
    }
}
