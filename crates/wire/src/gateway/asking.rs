//! Asking nodes for callers: how many questions an account may have under way, and how long an answer may take.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use control::{
    Control,
    fleet::{self, AskError, Question},
    survey,
};
use model::AccountId;
use parking_lot::Mutex;

use super::Gateway;
use crate::catalogue::{Answer, Answering, Call, Fault, Inquiry, error_code as code, fault_of_asking};

/// How long a node may take to answer, beside what the question lets it wait.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many questions each account has under way. One that has none is not here.
#[derive(Debug, Default, Clone)]
pub(super) struct UnderWay(Arc<Mutex<HashMap<AccountId, usize>>>);

/// A question that is under way for an account, until this is dropped.
struct Place {
    under_way: UnderWay,
    account: AccountId,
}

impl UnderWay {
    /// A place for one more question, where the account may have one.
    fn take(&self, account: AccountId, most: usize) -> Option<Place> {
        let mut counts = self.0.lock();
        let count = counts.entry(account).or_insert(0);
        if *count >= most {
            if most == 0 {
                counts.remove(&account);
            }
            return None;
        }
        *count += 1;
        Some(Place { under_way: self.clone(), account })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Entry::Occupied(mut own) = self.under_way.0.lock().entry(self.account) {
            *own.get_mut() -= 1;
            if *own.get() == 0 {
                own.remove();
            }
        }
    }
}

fn patience(question: &Question) -> Duration {
    match question {
        Question::Drops { wait, .. } => PATIENCE + *wait,
        Question::Flows { .. } | Question::Counters { .. } => PATIENCE,
    }
}

/// After how long an account that has all its surveys under way may try again, in milliseconds.
const SURVEY_AGAIN_MS: u64 = 1_000;

impl Gateway {
    /// Carries out a survey in its turn. Its place stays taken until its work has ended, also where nobody waits any more.
    ///
    /// # Errors
    /// The account has as many under way as it may have; those of the survey.
    pub(super) async fn survey(
        &self,
        survey: for<'a> fn(&'a Call<'a>, &'a Control) -> Answering<'a>,
        call: &Call<'_>,
    ) -> Result<Answer, Fault> {
        let Some(own) = self.surveying.take(call.account, self.settings.surveys_per_account_max) else {
            let fault = Fault::of(&code::THROTTLING_USER);
            return Err(Fault { retry_after_ms: Some(SURVEY_AGAIN_MS), ..fault });
        };
        let turn = Arc::clone(&self.surveys).acquire_owned().await;
        let turn = turn.map_err(|_| Fault::of(&code::SERVICE_UNAVAILABLE))?;
        survey::holding(Arc::new((own, turn)), survey(call, &self.control)).await
    }

    /// Asks a node, and gives the answer of the operation.
    ///
    /// # Errors
    /// The node does not answer, or cannot say.
    pub(super) async fn ask(
        &self,
        inquiry: Inquiry,
        answer: fn(&Inquiry, &fleet::NodeStanding, &fleet::Answer) -> Option<Answer>,
        account: AccountId,
    ) -> Result<Answer, Fault> {
        let Some(_place) = self.asking.take(account, self.settings.questions_per_account_max) else {
            let most = self.settings.questions_per_account_max;
            let why = format!("the account has {most} questions to nodes under way; ask again in a moment");
            return Err(Fault::with(&code::NODE_BUSY, &why));
        };
        let within = patience(&inquiry.question);
        let answered = self.control.ask(inquiry.node, inquiry.question.clone(), within).await;
        let standing = self.control.standing(inquiry.node);
        match answered {
            Ok(told) => answer(&inquiry, &standing, &told).ok_or_else(|| {
                let error = AskError::Failed("its answer is to another question".into());
                fault_of_asking(&inquiry, &standing, &error)
            }),
            Err(error) => Err(fault_of_asking(&inquiry, &standing, &error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_its_share_of_questions_and_no_other_ones() {
        let under_way = UnderWay::default();
        let [one, other] = [1, 2].map(AccountId);
        let places = [under_way.take(one, 2), under_way.take(one, 2)];
        assert!(places.iter().all(Option::is_some));
        assert!(under_way.take(one, 2).is_none() && under_way.take(other, 2).is_some());
        drop(places);
        assert!(under_way.take(one, 2).is_some());
        assert!(under_way.take(one, 0).is_none());
        assert!(under_way.0.lock().is_empty(), "nothing is kept of accounts that ask nothing");
    }
}
