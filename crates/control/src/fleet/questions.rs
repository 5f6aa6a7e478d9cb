//! Questions to nodes: asked, and taken back. Pure.

use model::NodeId;
use tokio::sync::oneshot;

use super::{Answer, AskError, Question, roster::Roster, slot::Connection};

impl Roster {
    /// Asks a node something; gives the question's number.
    pub(super) fn ask(
        &mut self,
        node: NodeId,
        question: Question,
        answer: oneshot::Sender<Answer>,
    ) -> Result<u64, AskError> {
        let id = self.number();
        let most = self.settings.questions_max;
        let slot = self.slots.get_mut(&node).ok_or(AskError::NotConnected)?;
        let connection = slot.connection.as_mut().filter(|connection| connection.ended.is_none());
        let questions = &mut connection.ok_or(AskError::NotConnected)?.questions;
        if questions.unanswered.len() >= most {
            return Err(AskError::Busy);
        }
        questions.unanswered.insert(id, answer);
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
}
