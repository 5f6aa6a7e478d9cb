//! One session, from the connection to its end.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use futures_util::stream;
use prost::Message as _;
use protocol::{
    FROM_NODE_BYTES_MAX, MESSAGE_BYTES_MAX, Malformed, desired,
    node::{self, from_node, session_client::SessionClient, to_node::Message},
};
use tokio::{sync::mpsc::Permit, time::timeout};
use tonic::{Status, Streaming, transport::Channel};

use super::{End, Session, connect, question::Questions};
use crate::{
    enforcer::chain,
    identity::Credentials,
    runtime::{Ask, Kind, Order},
    wanted::{Update, Wanted},
};

/// How long the control plane may take to take a session on.
const PATIENCE: Duration = Duration::from_secs(15);

/// After how long a session on which nothing was said yet counts as one.
const ACCEPTED_AFTER: Duration = Duration::from_secs(2);

impl Session {
    /// Makes a connection, and follows on it until it ends.
    pub(super) async fn follow(&self, credentials: &Credentials) -> End {
        match self.try_follow(credentials).await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn try_follow(&self, credentials: &Credentials) -> Result<std::convert::Infallible, End> {
        let tls = credentials.tls().map_err(|error| End::Connect(chain(&error)))?;
        let connected = connect(&self.server, tls).await;
        let (channel, address) = connected.map_err(|error| End::Connect(chain(&error)))?;
        self.shared.set_reached(address.ip());
        let mut told = self.begin(channel.clone()).await?;
        // What is refused is refused at once, also on a stream that has begun.
        let mut accepted = pin!(tokio::time::sleep(ACCEPTED_AFTER));
        let mut connected = false;
        let mut questions = Questions::new(self);
        let mut renewed = pin!(self.renewal(channel, credentials));
        loop {
            // What is told is taken when there is room for it. Until then the control plane makes one of what it has to say.
            let room = self.orders.room().await?;
            tokio::select! {
                message = told.message() => {
                    let ended = || Status::unavailable("the control plane has ended the session");
                    let message = message.map_err(End::Told)?.ok_or_else(|| End::Told(ended()))?;
                    if !std::mem::replace(&mut connected, true) {
                        self.shared.connected();
                    }
                    self.hear(message, room, &mut questions);
                }
                () = &mut accepted, if !connected => {
                    connected = true;
                    self.shared.connected();
                }
                () = &mut renewed => return Err(End::Renewed),
            }
        }
    }

    async fn begin(&self, channel: Channel) -> Result<Streaming<node::ToNode>, End> {
        let said = self.orders.ask(Ask::Begin).await?;
        let said = stream::unfold(said, |mut said| async { Some((said.recv().await?, said)) });
        let mut client = SessionClient::new(channel)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(FROM_NODE_BYTES_MAX);
        let late = || Status::deadline_exceeded("the control plane does not take the session on");
        let answer = timeout(PATIENCE, client.follow(said)).await;
        let answer = answer.unwrap_or_else(|_| Err(late())).map_err(End::Told)?;
        Ok(answer.into_inner())
    }

    fn hear(&self, message: node::ToNode, room: Permit<'_, Order>, questions: &mut Questions<'_>) {
        let came = Instant::now();
        let bytes = message.encoded_len() as u64;
        let Some(message) = message.message else {
            tracing::debug!("the control plane says something that this version does not know");
            return;
        };
        let (kind, update) = match message {
            Message::Snapshot(snapshot) => ("snapshot", Some((snapshot.generation, update_of(&snapshot)))),
            Message::Delta(delta) => ("delta", Some((delta.generation, change_of(&delta)))),
            Message::Current(node::Current { generation, run }) => {
                ("current", Some((generation, Ok(Update::Current { generation, run }))))
            }
            Message::Question(question) => {
                questions.ask(question);
                ("question", None)
            }
        };
        let metrics = &self.shared.metrics;
        metrics.told_messages.get_or_create(&Kind { kind }).inc();
        metrics.told_bytes.get_or_create(&Kind { kind }).inc_by(bytes);
        match update {
            Some((_, Ok(update))) => room.send(Order::Update(update, came)),
            Some((generation, Err(malformed))) => self.refuse(generation, &malformed),
            None => {}
        }
    }

    /// Refuses what cannot be understood.
    fn refuse(&self, generation: u64, malformed: &Malformed) {
        let message = malformed.to_string();
        tracing::error!(generation, error = message, "an update cannot be understood, and is not obeyed");
        self.outbox.say(from_node::Message::Refused(node::Refused {
            generation,
            kept_generation: self.shared.enforcement().wanted,
            reason: node::refused::Reason::Invalid.into(),
            message,
        }));
    }
}

fn update_of(snapshot: &node::Snapshot) -> Result<Update, Malformed> {
    let node::Snapshot { generation, run, .. } = *snapshot;
    let wanted = Wanted { generation, run, desired: desired::from_snapshot(snapshot)? };
    Ok(Update::Snapshot { wanted, obey_regression: snapshot.obey_regression })
}

fn change_of(delta: &node::Delta) -> Result<Update, Malformed> {
    let node::Delta { from_generation: from, generation, run, .. } = *delta;
    Ok(Update::Delta { from, generation, run, delta: desired::from_delta(delta)? })
}
