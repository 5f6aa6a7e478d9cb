//! What the node says, on the session that there is.

use parking_lot::Mutex;
use protocol::node::{FromNode, Hello, from_node::Message};
use tokio::sync::mpsc::{self, Receiver, Sender, error::TrySendError};

/// The most messages that wait to be sent. More wait where the control plane does not read: then the session is at its end.
const WAITING_MAX: usize = 512;

/// Where the node's messages go. Nobody waits here: without a session nothing is said, and what was not said is asked again
/// with the next one.
#[derive(Debug, Default)]
pub(crate) struct Outbox(Mutex<Option<Sender<FromNode>>>);

impl Outbox {
    /// A session begins with a greeting, and the one before it ends.
    pub(crate) fn begin(&self, hello: Hello) -> Receiver<FromNode> {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        // It is empty.
        let _ = sender.try_send(FromNode { message: Some(Message::Hello(hello)) });
        *self.0.lock() = Some(sender);
        receiver
    }

    /// The session has ended.
    pub(crate) fn end(&self) {
        *self.0.lock() = None;
    }

    /// Says something. False: there is nobody to say it to.
    pub(crate) fn say(&self, message: Message) -> bool {
        let mut session = self.0.lock();
        let Some(sender) = &*session else { return false };
        match sender.try_send(FromNode { message: Some(message) }) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                tracing::warn!("the control plane does not read what this node says: the session is ended");
                *session = None;
                false
            }
            Err(TrySendError::Closed(_)) => {
                *session = None;
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::node::Report;

    use super::*;

    #[test]
    fn whoever_is_not_heard_ends_the_session() {
        let outbox = Outbox::default();
        let message = || Message::Report(Report::default());
        assert!(!outbox.say(message()));
        let mut received = outbox.begin(Hello::default());
        for _ in 1..WAITING_MAX {
            assert!(outbox.say(message()));
        }
        assert!(!outbox.say(message()));
        for _ in 0..WAITING_MAX {
            assert!(received.try_recv().is_ok());
        }
        assert_eq!(received.try_recv(), Err(mpsc::error::TryRecvError::Disconnected));
    }
}
