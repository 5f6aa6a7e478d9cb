//! `Session.Follow`: what is wanted of a node, and what became of it, for as long as the connection lasts.
//!
//! One task a session. It takes the next thing to tell only when the node has taken the one before: what changes meanwhile
//! is merged where it is kept, so that a node that reads slowly costs one message of memory.

use std::{
    convert::Infallible,
    num::NonZeroU32,
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
    time::Duration,
};

use control::fleet::{Follower, Heard, Hello, Told};
use futures_util::Stream;
use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};
use model::UnixMillis;
use prost::Message as _;
use protocol::{FROM_NODE_BYTES_MAX, MESSAGE_BYTES_MAX, node};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    time::{self, Instant},
};
use tonic::{Code, Status, Streaming};

use crate::{
    belongings::{Belongings, Unacceptable},
    context::{Authenticated, Context},
    convert::{Spoken, spoken, to_node},
    metrics,
    peer::Peer,
    status,
};

/// How many messages of a node are taken in in a second; further ones wait, and so does the node.
const MESSAGES_PER_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(1_999);
/// How long a node may take to accept the last word of a session.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long is slept while a certificate is good: the clock may be set meanwhile.
const CERTIFICATE_LOOK: Duration = Duration::from_secs(10);

/// What a node is told, as its answer's body.
pub(crate) struct ToNode(Receiver<Result<node::ToNode, Status>>);

impl Stream for ToNode {
    type Item = Result<node::ToNode, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}

/// Begins a session: its task runs until either side ends it.
pub(crate) fn begin(
    context: Arc<Context>,
    peer: Peer,
    own: Authenticated,
    from_node: Streaming<node::FromNode>,
) -> ToNode {
    let (to_node, body) = mpsc::channel(1);
    tokio::spawn(async move {
        let busy = peer.link.busy();
        let pace = Pace { limiter: RateLimiter::direct(Quota::per_second(MESSAGES_PER_SECOND)), rest: None };
        let mut session = Session { context, peer, own, from_node, to_node, pace };
        let end = session.run().await;
        session.end(end).await;
        drop(busy);
    });
    ToNode(body)
}

/// How fast a node may speak.
struct Pace {
    limiter: DefaultDirectRateLimiter,
    /// Until when nothing more is taken in.
    rest: Option<Instant>,
}

impl Pace {
    fn count(&mut self) {
        let denied = self.limiter.check().err();
        let wait = denied.map(|denied| denied.wait_time_from(DefaultClock::default().now()));
        self.rest = wait.map(|wait| Instant::now() + wait);
    }
}

struct Session {
    context: Arc<Context>,
    peer: Peer,
    own: Authenticated,
    from_node: Streaming<node::FromNode>,
    to_node: Sender<Result<node::ToNode, Status>>,
    pace: Pace,
}

/// What happens next in a session.
enum Next {
    Told(Told),
    Heard(node::FromNode),
}

/// How a session ends.
enum End {
    /// The node has ended it.
    Closed,
    /// The connection has gone.
    Lost(String),
    /// It is ended here, and the node is told why.
    Status(Status),
}

impl From<Status> for End {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl Session {
    async fn run(&mut self) -> End {
        match self.follow().await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn follow(&mut self) -> Result<Infallible, End> {
        let node = self.own.node;
        let hello = self.hello().await?;
        // Before it follows: what is bound to it later it is told.
        let belongings = self.context.control.read(|state| Belongings::of(state, node)).await;
        let mut belongings = belongings.map_err(status::of_unavailable)?.value;
        let mut follower = self.context.control.follow(node, hello).map_err(status::of_follow_error)?;
        loop {
            match self.next(&mut follower).await? {
                Next::Told(told) => {
                    belongings.tell(&told);
                    self.tell(&told).await?;
                }
                Next::Heard(message) => {
                    let mut heard = acceptable(message, &mut belongings)?;
                    self.of_own_instances(&mut heard, &mut belongings).await?;
                    follower.heard(heard);
                }
            }
        }
    }

    /// The first message.
    async fn hello(&mut self) -> Result<Hello, End> {
        let seconds = self.context.settings.idle_seconds_max;
        let late = || Status::deadline_exceeded(format!("there was no Hello within {seconds} s"));
        let message = tokio::select! {
            first = time::timeout(Duration::from_secs(seconds), self.from_node.message()) => {
                heard(first.map_err(|_| late())?)?
            }
            () = self.context.stopping() => return Err(status::stopping().into()),
        };
        self.context.metrics.messages_received.inc();
        match spoken(message).map_err(|malformed| status::of_malformed(&malformed))? {
            Spoken::Hello { generation, run, booted_at, agent_version } => Ok(Hello {
                generation,
                run,
                booted_at,
                agent_version,
                source: self.peer.address,
                certificate: self.own.certificate,
            }),
            Spoken::Heard(_) => Err(Status::invalid_argument("the first message of a node is Hello").into()),
        }
    }

    async fn next(&mut self, follower: &mut Follower) -> Result<Next, End> {
        let rest = self.pace.rest;
        let message = async {
            if let Some(rest) = rest {
                time::sleep_until(rest).await;
            }
            self.from_node.message().await
        };
        let told = async {
            // Only what the node can be told now is taken from where it is kept.
            match self.to_node.reserve().await {
                Ok(_room) => Some(follower.next().await),
                Err(_) => None,
            }
        };
        tokio::select! {
            told = told => match told {
                Some(told) => told.map(Next::Told).map_err(|ended| status::of_ended(ended).into()),
                None => Err(End::Lost("the connection was closed".into())),
            },
            message = message => {
                self.pace.count();
                self.context.metrics.messages_received.inc();
                heard(message).map(Next::Heard)
            }
            () = expired(&self.context, self.own.expires_at) => Err(status::expired().into()),
            () = self.context.stopping() => Err(status::stopping().into()),
        }
    }

    async fn tell(&self, told: &Told) -> Result<(), Status> {
        let message = to_node(told);
        let bytes = message.encoded_len();
        if bytes > MESSAGE_BYTES_MAX {
            return Err(Status::resource_exhausted(format!(
                "what is wanted of this node takes {bytes} bytes, and a message may have {MESSAGE_BYTES_MAX}: bind fewer \
                 interfaces to it, or use fewer rules"
            )));
        }
        self.context.metrics.messages_sent.inc();
        self.context.metrics.bytes_sent.inc_by(bytes as u64);
        // There is room, since nobody else sends. That the node has gone is seen by what comes next.
        let _ = self.to_node.send(Ok(message)).await;
        Ok(())
    }

    /// What a node says of instances is of those that it hosts.
    async fn of_own_instances(&self, heard: &mut Heard, belongings: &mut Belongings) -> Result<(), Status> {
        let Heard::InstanceStates(reports) = heard else { return Ok(()) };
        let node = self.own.node;
        let elsewhere =
            self.context.control.read(|state| belongings.hosted_elsewhere(state, node, reports)).await;
        let elsewhere = elsewhere.map_err(status::of_unavailable)?.value;
        belongings.report(&elsewhere, reports).map_err(|foreign| status::of_foreign(&foreign))
    }

    /// The last word, and the end of the connection: a node that is refused may not go on on it.
    async fn end(self, end: End) {
        let (node, source) = (self.own.node, self.peer.address);
        let metrics = &self.context.metrics;
        match end {
            End::Closed => {
                metrics.count_session(Code::Ok);
                tracing::info!(%node, %source, "a node has ended its session");
            }
            End::Lost(reason) => {
                metrics.count_session(Code::Cancelled);
                tracing::warn!(%node, %source, reason, "the connection to a node was lost");
            }
            End::Status(status) => {
                metrics.count_session(status.code());
                let (code, reason) = (metrics::name(status.code()), status.message());
                tracing::warn!(%node, %source, code, reason, "the session of a node is ended");
                let _ = time::timeout(FAREWELL, self.to_node.send(Err(status))).await;
            }
        }
        self.peer.link.close();
    }
}

/// A message, or how the session ends without one.
fn heard(message: Result<Option<node::FromNode>, Status>) -> Result<node::FromNode, End> {
    match message {
        Ok(Some(message)) => Ok(message),
        Ok(None) => Err(End::Closed),
        Err(status) => Err(match status.code() {
            Code::OutOfRange => {
                let most = FROM_NODE_BYTES_MAX;
                Status::out_of_range(format!("a message of a node may have {most} bytes, and this has more"))
                    .into()
            }
            Code::Internal if !status.message().starts_with(TRANSPORT) => {
                Status::invalid_argument(format!("malformed message: {}", status.message())).into()
            }
            _ => End::Lost(status.message().into()),
        }),
    }
}

/// How messages of `tonic` begin that are about the connection and not about what was said.
const TRANSPORT: &str = "h2 protocol error";

/// What a node says, if it may say it.
fn acceptable(message: node::FromNode, belongings: &mut Belongings) -> Result<Heard, Status> {
    let mut heard = match spoken(message) {
        Ok(Spoken::Heard(heard)) => heard,
        Ok(Spoken::Hello { .. }) => {
            return Err(Status::invalid_argument("a session has one Hello, its first message"));
        }
        Err(malformed) => return Err(status::of_malformed(&malformed)),
    };
    belongings.check(&mut heard).map_err(|unacceptable| match unacceptable {
        Unacceptable::Foreign(foreign) => status::of_foreign(&foreign),
        Unacceptable::Malformed(malformed) => status::of_malformed(&malformed),
    })?;
    Ok(heard)
}

/// Resolves when a certificate has expired by the control plane's clock.
async fn expired(context: &Context, expires_at: UnixMillis) {
    loop {
        let left = expires_at.0.saturating_sub(context.clock.now().0);
        let Some(left) = u64::try_from(left).ok().filter(|left| *left > 0) else { return };
        time::sleep(Duration::from_millis(left).min(CERTIFICATE_LOOK)).await;
    }
}
