//! What the control plane wants to know.

use std::{collections::HashMap, sync::Arc, time::Duration};

use dataplane::DataplaneError;
use model::NetworkInterfaceId;
use protocol::node::{self, answer, from_node::Message, question::Question};
use tokio::{
    sync::Semaphore,
    task::{JoinSet, spawn_blocking},
    time::{Instant, timeout_at},
};

use super::Session;
use crate::{
    enforcer::chain,
    runtime::{Ask, Ended, Filter, Order, Orders, Outbox, Samples, SamplesFrom, by_reason},
};

/// The most questions that are answered at the same time.
const QUESTIONS_MAX: usize = 64;
/// The most flows or drops of one answer.
const ANSWERED_MAX: usize = 1_000;
/// The longest that an answer waits for something to answer.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// How often the kernel is asked for samples while somebody waits for one.
const LOOK: Duration = Duration::from_millis(50);

/// The questions of one session. Those that are not answered when it ends never are.
pub(super) struct Questions<'a> {
    session: &'a Session,
    asked: JoinSet<()>,
    reading: Arc<Semaphore>,
}

/// What a question is answered with.
struct Asked {
    orders: Orders,
    samples: Arc<Samples>,
    /// Whoever reads a table of flows has it: one at a time, so that questions take one processor of the host at most.
    reading: Arc<Semaphore>,
}

impl Asked {
    /// Reads a table of flows, on a thread on which nobody waits for anything else.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, DataplaneError> + Send + 'static,
    ) -> Result<T, Unanswered> {
        let turn = Arc::clone(&self.reading).acquire_owned().await.map_err(|_| Unanswered::Ended)?;
        let reading = spawn_blocking(move || {
            let _turn = turn;
            read()
        });
        let read = reading.await.map_err(|error| format!("reading flows has failed: {error}"))?;
        read.map_err(|error| Unanswered::Failed(chain(&error)))
    }
}

impl<'a> Questions<'a> {
    pub(super) fn new(session: &'a Session) -> Self {
        Self { session, asked: JoinSet::new(), reading: Arc::new(Semaphore::new(1)) }
    }

    /// Answers a question, by and by.
    pub(super) fn ask(&mut self, question: node::Question) {
        while self.asked.try_join_next().is_some() {}
        let outbox = Arc::clone(&self.session.outbox);
        if self.asked.len() >= QUESTIONS_MAX {
            say(&outbox, question.id, failed("the node is asked too much at the same time: ask again later"));
            return;
        }
        let asked = Asked {
            orders: self.session.orders.clone(),
            samples: Arc::clone(&self.session.samples),
            reading: Arc::clone(&self.reading),
        };
        self.asked.spawn(async move {
            if let Some(answer) = answer(&asked, question.question).await {
                say(&outbox, question.id, answer);
            }
        });
    }
}

fn say(outbox: &Outbox, id: u64, answer: answer::Answer) {
    outbox.say(Message::Answer(node::Answer { id, answer: Some(answer) }));
}

fn failed(why: &str) -> answer::Answer {
    answer::Answer::Failed(why.to_owned())
}

fn bounded(most: u32) -> usize {
    usize::try_from(most).unwrap_or(ANSWERED_MAX).clamp(1, ANSWERED_MAX)
}

/// The answer; none: the agent is ending.
async fn answer(session: &Asked, question: Option<Question>) -> Option<answer::Answer> {
    let answered = match question {
        None => Ok(failed("this version of the agent does not know that question: upgrade it")),
        Some(Question::Flows(of)) => flows(session, &of).await,
        Some(Question::Counters(of)) => counters(session, &of).await,
        Some(Question::Drops(of)) => drops(session, &of).await,
    };
    match answered {
        Ok(answer) => Some(answer),
        Err(Unanswered::Failed(why)) => Some(failed(&why)),
        Err(Unanswered::Ended) => None,
    }
}

/// Why there is no answer of its kind.
enum Unanswered {
    /// Nobody can say, and why.
    Failed(String),
    /// The agent is ending.
    Ended,
}

impl From<Ended> for Unanswered {
    fn from(_: Ended) -> Self {
        Self::Ended
    }
}

impl From<String> for Unanswered {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

fn interface(text: &str) -> Result<NetworkInterfaceId, Unanswered> {
    text.parse().map_err(|_| Unanswered::Failed("that is no id of a network interface".to_owned()))
}

async fn flows(session: &Asked, of: &node::FlowsQuestion) -> Result<answer::Answer, Unanswered> {
    let interface = interface(&of.network_interface_id)?;
    let filter = Filter::read(of).ok_or_else(|| "that is no filter of flows".to_owned())?;
    let listing = session.orders.ask(|answer| Ask::Flows { interface, answer }).await??;
    let most = bounded(of.most);
    session.read(move || listing.list(&filter, most)).await.map(answer::Answer::Flows)
}

async fn counters(session: &Asked, of: &node::CountersQuestion) -> Result<answer::Answer, Unanswered> {
    let interface = interface(&of.network_interface_id)?;
    let counting = session.orders.ask(|answer| Ask::Counters { interface, answer }).await??;
    session.read(move || counting.count()).await.map(answer::Answer::Counters)
}

/// Samples of dropped packets; where there are none yet, the first ones that come.
async fn drops(session: &Asked, of: &node::DropsQuestion) -> Result<answer::Answer, Unanswered> {
    let Asked { orders, samples, .. } = session;
    let one = match &*of.network_interface_id {
        "" => None,
        text => Some(interface(text)?),
    };
    // Before anybody waits: at an interface that is not here nothing is dropped.
    dropped(orders, one).await?;
    let from = match of.latest {
        true => SamplesFrom::Latest,
        false => SamplesFrom::After { process: of.process, place: of.after },
    };
    let restarted = samples.is_elsewhere(from);
    let wait = Duration::from_millis(of.wait_ms.into()).min(WAIT_MAX);
    let deadline = Instant::now() + wait;
    let mut news = samples.news();
    loop {
        news.mark_unchanged();
        orders.give(Order::Ask(Ask::Drain)).await?;
        let next_look = Instant::now() + LOOK;
        let _ = timeout_at(next_look.min(deadline), news.changed()).await;
        let page = samples.page(from, &of.network_interface_id, bounded(of.most));
        if !page.drops.is_empty() || restarted || page.lost > 0 || Instant::now() >= deadline {
            return Ok(answer::Answer::Drops(node::Drops {
                drops: page.drops,
                next: page.next,
                lost: page.lost,
                process: samples.process(),
                restarted,
                dropped_packets: dropped(orders, one).await?,
            }));
        }
    }
}

/// What was dropped at an interface, by reason.
async fn dropped(
    orders: &Orders,
    interface: Option<NetworkInterfaceId>,
) -> Result<HashMap<String, u64>, Unanswered> {
    match interface {
        Some(interface) => {
            let drops = orders.ask(|answer| Ask::Dropped { interface, answer }).await??;
            Ok(by_reason(&drops))
        }
        None => Ok(HashMap::new()),
    }
}
