//! What the control plane wants to know.

use std::{sync::Arc, time::Duration};

use model::NetworkInterfaceId;
use protocol::node::{self, answer, from_node::Message, question::Question};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout_at},
};

use super::Session;
use crate::runtime::{Ask, Order, Orders, Outbox, Samples};

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
}

impl<'a> Questions<'a> {
    pub(super) fn new(session: &'a Session) -> Self {
        Self { session, asked: JoinSet::new() }
    }

    /// Answers a question, by and by.
    pub(super) fn ask(&mut self, question: node::Question) {
        while self.asked.try_join_next().is_some() {}
        let outbox = Arc::clone(&self.session.outbox);
        if self.asked.len() >= QUESTIONS_MAX {
            say(&outbox, question.id, failed("the node is asked too much at the same time: ask again later"));
            return;
        }
        let (orders, samples) = (self.session.orders.clone(), Arc::clone(&self.session.samples));
        self.asked.spawn(async move {
            if let Some(answer) = answer(&orders, &samples, question.question).await {
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
async fn answer(orders: &Orders, samples: &Samples, question: Option<Question>) -> Option<answer::Answer> {
    let interface = |text: &str| text.parse::<NetworkInterfaceId>();
    match question {
        None => Some(failed("this version of the agent does not know that question: upgrade it")),
        Some(Question::Flows(of)) => match interface(&of.network_interface_id) {
            Ok(interface) => {
                let most = bounded(of.most);
                orders.ask(|answer| Ask::Flows { interface, most, answer }).await.ok()
            }
            Err(_) => Some(failed("that is no id of a network interface")),
        },
        Some(Question::Counters(of)) => match interface(&of.network_interface_id) {
            Ok(interface) => orders.ask(|answer| Ask::Counters { interface, answer }).await.ok(),
            Err(_) => Some(failed("that is no id of a network interface")),
        },
        Some(Question::Drops(of)) => drops(orders, samples, &of).await,
    }
}

/// Samples of dropped packets; where there are none yet, the first ones that come.
async fn drops(orders: &Orders, samples: &Samples, of: &node::DropsQuestion) -> Option<answer::Answer> {
    let wait = Duration::from_millis(of.wait_ms.into()).min(WAIT_MAX);
    let deadline = Instant::now() + wait;
    let mut news = samples.news();
    loop {
        news.mark_unchanged();
        orders.give(Order::Ask(Ask::Drain)).await.ok()?;
        let next_look = Instant::now() + LOOK;
        let _ = timeout_at(next_look.min(deadline), news.changed()).await;
        let page = samples.after(of.after, &of.network_interface_id, bounded(of.most));
        if !page.drops.is_empty() || Instant::now() >= deadline {
            let (drops, next, lost) = (page.drops, page.next, page.lost);
            return Some(answer::Answer::Drops(node::Drops { drops, next, lost }));
        }
    }
}
