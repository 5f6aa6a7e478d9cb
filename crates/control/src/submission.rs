//! What goes to the writer, and what comes back.

use std::net::IpAddr;

use model::{Actor, Command, Outcome, Refusal};
use store::Snapshot;
use tokio::sync::oneshot;

use crate::nonces::NonceRecord;

/// A command, and on whose behalf.
#[derive(Debug)]
pub struct Submission {
    /// Who asks.
    pub actor: Actor,
    /// What for.
    pub command: Command,
    /// The operation's name, for history and audit.
    pub operation: &'static str,
    /// The request's id, for history and audit.
    pub request_id: Box<str>,
    /// The address that the request came from.
    pub source: Option<IpAddr>,
    /// The nonce that the request used up, whatever becomes of the command.
    pub nonce: Option<NonceRecord>,
}

/// The command was carried out, and that is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The number of the change.
    pub generation: u64,
    /// What the command made.
    pub outcome: Outcome,
}

/// The command was not carried out, or nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It is not legal. Nothing has changed.
    #[error(transparent)]
    Refused(Refusal),
    /// It could not be made durable. Nothing has changed.
    #[error("the change could not be written to disk; nothing has changed")]
    NotDurable,
    /// The deadline passed while it was being written, or while the store was being recovered from a failed write:
    /// it may have been carried out or not.
    #[error("it is not known whether the change was carried out; look before trying again")]
    Unknown,
    /// Too many commands wait already. Nothing has changed.
    #[error("too many changes are waiting to be written; nothing has changed")]
    Overloaded,
    /// The control plane is ending. Nothing has changed.
    #[error("the server is stopping; nothing has changed")]
    Stopping,
}

/// What the writer is asked.
pub(crate) enum Job {
    /// To carry out a command.
    Command(Submission, Reply),
    /// To take a snapshot; none: it cannot.
    Snapshot(oneshot::Sender<Option<Box<dyn Snapshot>>>),
    /// To keep a nonce that was used up by a request that asked for no change.
    Nonce(NonceRecord),
    /// To look at the clock, and whether it should end.
    Wake,
}

/// The way back to the submitter. It is never left without an answer: if this is dropped (the writer has ended) the
/// answer depends on whether the writer had begun with the command.
pub(crate) struct Reply {
    sender: Option<oneshot::Sender<Result<Receipt, Failure>>>,
    begun: bool,
}

impl Reply {
    pub(crate) fn channel() -> (Self, oneshot::Receiver<Result<Receipt, Failure>>) {
        let (sender, receiver) = oneshot::channel();
        (Self { sender: Some(sender), begun: false }, receiver)
    }

    /// From now on the command may be carried out.
    pub(crate) fn begin(&mut self) {
        self.begun = true;
    }

    pub(crate) fn answer(mut self, result: Result<Receipt, Failure>) {
        self.send(result);
    }

    fn send(&mut self, result: Result<Receipt, Failure>) {
        if let Some(sender) = self.sender.take() {
            // A submitter that does not wait any more does not want to know.
            let _ = sender.send(result);
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        let failure = if self.begun { Failure::Unknown } else { Failure::Stopping };
        self.send(Err(failure));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_that_is_lost_is_an_answer_too() {
        let (reply, mut receiver) = Reply::channel();
        drop(reply);
        assert_eq!(receiver.try_recv(), Ok(Err(Failure::Stopping)));
        let (mut reply, mut receiver) = Reply::channel();
        reply.begin();
        drop(reply);
        assert_eq!(receiver.try_recv(), Ok(Err(Failure::Unknown)));
    }
}
