//! Questions to nodes: asked, and taken back. Pure.

use model::NodeId;
use tokio::sync::oneshot;

use super::{
    Answer, AskError, Question,
    roster::Roster,
    slot::{Connection, Unanswered},
};

impl Roster {
    /// Asks a node something; gives the question's number. At most half of a node's questions may be such as it may hold
    /// back: whoever follows something leaves room for those who look once.
    pub(super) fn ask(
        &mut self,
        node: NodeId,
        question: Question,
        answer: oneshot::Sender<Result<Answer, AskError>>,
    ) -> Result<u64, AskError> {
        if self.impatient {
            return Err(AskError::Stopping);
        }
        let id = self.number();
        let most = self.settings.questions_max;
        let slot = self.slots.get_mut(&node).ok_or(AskError::NotConnected)?;
        let connection = slot.connection.as_mut().filter(|connection| connection.ended.is_none());
        let questions = &mut connection.ok_or(AskError::NotConnected)?.questions;
        let may_wait = question.may_wait();
        let waiting = questions.unanswered.values().filter(|asked| asked.may_wait).count();
        if questions.unanswered.len() >= most || may_wait && waiting >= most.div_ceil(2) {
            return Err(AskError::Busy);
        }
        questions.unanswered.insert(id, Unanswered { answer, may_wait });
        questions.untold.push_back((id, question));
        slot.wake();
        Ok(id)
    }

    /// Nobody wants to know any more.
    pub(super) fn withdraw(&mut self, node: NodeId, id: u64) {
        let connection = self.slots.get_mut(&node).and_then(|slot| slot.connection.as_mut());
        if let Some(Connection { questions, .. }) = connection {
            questions.unanswered.remove(&id);
            questions.untold.retain(|(untold, _)| *untold != id);
        }
    }

    /// Nobody waits for answers any more.
    pub(super) fn stop_asking(&mut self) {
        let connections = self.slots.values_mut().filter_map(|slot| slot.connection.as_mut());
        for connection in connections {
            let questions = std::mem::take(&mut connection.questions);
            for (_, asked) in questions.unanswered {
                // Whoever has gone does not hear it.
                let _ = asked.answer.send(Err(AskError::Stopping));
            }
        }
    }
}
