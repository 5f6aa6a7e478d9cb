//! From a request to its answer: who, whether, what.
//!
//! The order of checks is the contract's (decision 7): transport and method, action and version, access key, time stamp,
//! signature, nonce, token, throttle, RAM, parameters; then the command's own. Must not know sockets or TLS.

mod asking;
mod caller;
mod flow;
mod lenient;
mod metrics;
mod principal;
mod protocol_fault;
mod refused;
mod reply;
mod signing;
mod waiting;

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use control::{
    Clock, Control, Failure, NonceRecord, Receipt, Submission,
    fleet::{self, BindingState, NodeStanding},
};
use http::{HeaderMap, Method};
use model::{AccountId, Actor, NetworkInterfaceId, NodeId, UnixMillis};
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{sync::Semaphore, time::timeout};

use self::{
    asking::UnderWay, caller::Caller, flow::Flow, lenient::RecentLeaves, metrics::Metrics, reply::Reply,
};
pub use self::{
    flow::FlowSettings,
    principal::{Called, Principal, SignInRefusal},
    protocol_fault::protocol_fault,
    reply::RawResponse,
    signing::{Sent, Unsigned},
};
use crate::{
    authorisation,
    catalogue::{
        self, Answer, Arguments, Call, Fault, Handler, Inquiry, Operation, Product, error_code as code,
    },
    protocol::{
        error::ProtocolError,
        nonces::{NonceLedger, NonceLimits},
        parameters::Parameters,
        query::QueryLimits,
        request::{Envelope, Format, Request},
    },
};

/// How strictly requests are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// As the contract says.
    #[default]
    Strict,
    /// For people who only want answers: signature, time and nonce are not checked, an unknown or missing access key
    /// acts as the root of the first account, and a Leave that is repeated within a minute succeeds again.
    Lenient,
}

/// What a gateway is told by its operator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GatewaySettings {
    /// How strictly requests are judged.
    pub mode: Mode,
    /// The address under which people reach this server's pages, such as `https://ens.example:8443`; it begins the
    /// `Recommend` of every error. Empty: the address that the request was sent to.
    pub public_url: String,
    /// Flow control.
    pub flow: FlowSettings,
    /// The most nonces that are remembered of one account.
    pub nonces_per_account_max: usize,
    /// The most nonces that are remembered.
    pub nonces_max: usize,
    /// The most parameters of one request.
    pub parameters_max: usize,
    /// How long the answer to a change waits until the nodes that it concerns have confirmed it, in seconds, up to 60; 0:
    /// not at all. Counts where neither the request nor its account says something else.
    pub wait_for_enforcement: u8,
    /// The most questions to nodes (flows, drops, counters) that one account has under way at the same time.
    pub questions_per_account_max: usize,
    /// The most surveys (explanations, previews, findings, events, states of the past) that one account has under way at the
    /// same time; more of them are refused as Throttling.User.
    pub surveys_per_account_max: usize,
    /// The most surveys that are carried out at the same time, at least 1; others wait for their turn, as long as a request
    /// may take.
    pub surveys_max: usize,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        let nonces = NonceLimits::default();
        Self {
            mode: Mode::Strict,
            public_url: String::new(),
            flow: FlowSettings::default(),
            nonces_per_account_max: nonces.per_account,
            nonces_max: nonces.total,
            parameters_max: QueryLimits::default().parameters_max,
            wait_for_enforcement: 0,
            questions_per_account_max: 32,
            surveys_per_account_max: 8,
            surveys_max: 32,
        }
    }
}

/// One HTTP request as it arrived.
#[derive(Clone, Copy)]
pub struct RawRequest<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path, still encoded.
    pub path: &'a str,
    /// The query string without its `?`, still encoded.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The whole body.
    pub body: &'a [u8],
    /// Where it comes from.
    pub peer: Option<IpAddr>,
    /// Whether it came over TLS.
    pub secure: bool,
    /// How long it may take until it is carried out. How long its answer waits for nodes has a bound of its own.
    pub within: Duration,
}

/// What answers requests.
pub struct Gateway {
    control: Control,
    settings: GatewaySettings,
    site: model::site::Catalogue,
    clock: Arc<dyn Clock>,
    nonces: Mutex<NonceLedger>,
    flow: Flow,
    recent_leaves: RecentLeaves,
    asking: UnderWay,
    surveying: UnderWay,
    surveys: Arc<Semaphore>,
    metrics: Metrics,
    registry: Registry,
}

/// What is known of a request, for its answer, its metrics and its line in the log.
struct Seen {
    format: Format,
    operation: Option<&'static Operation>,
    access_key: Option<Box<str>>,
    /// Who calls, when that is proven.
    actor: Option<Actor>,
    /// The ids that it names.
    about: Box<[Box<str>]>,
    /// The changes that it made, or made before and repeats, the oldest first.
    generations: Vec<u64>,
    /// A change went to the control plane, and what became of it is not known.
    in_doubt: bool,
    /// The nonce of a mutation that has not gone to the control plane.
    nonce: Option<NonceRecord>,
}

/// Where a call comes from, and how.
struct Origin<'a> {
    source: Option<IpAddr>,
    secure: bool,
    /// The headers of the request; none: it was not signed, and waits for no node.
    headers: Option<&'a HeaderMap>,
}

/// What came of carrying out a request.
enum Carried {
    /// Its answer.
    Answered(Answer),
    /// A node is to be asked, which may take longer than carrying out may.
    Asks(Inquiry, fn(&Inquiry, &NodeStanding, &fleet::Answer) -> Option<Answer>),
    /// It is said how a binding stands, when whoever waits for its node has waited.
    Bound(Bound),
}

/// A binding that was made.
struct Bound {
    interface: NetworkInterfaceId,
    node: NodeId,
    generation: u64,
    answer: fn(&BindingState) -> Answer,
}

/// A request that was carried out.
struct Done {
    carried: Carried,
    /// For how many seconds it wants to wait for nodes.
    asked: Option<u8>,
    account: AccountId,
}

/// A call of which it is known who makes it.
struct Invocation<'a> {
    caller: &'a Caller,
    operation: &'static Operation,
    parameters: &'a Parameters,
    origin: &'a Origin<'a>,
    request_id: &'a str,
}

impl Gateway {
    /// A gateway to the control plane. `nonces` are those that [`Control::open`] found on disk.
    pub fn new(
        control: Control,
        site: model::site::Catalogue,
        settings: GatewaySettings,
        clock: Arc<dyn Clock>,
        nonces: &[NonceRecord],
    ) -> Self {
        let limits = NonceLimits { per_account: settings.nonces_per_account_max, total: settings.nonces_max };
        let mut ledger = NonceLedger::new(limits);
        for nonce in nonces {
            let seen = i64::from(nonce.minute) * 60;
            ledger.load(nonce.account, u64::from_be_bytes(nonce.digest), seen);
        }
        let mut registry = Registry::default();
        control.register(registry.sub_registry_with_prefix("ravelin"));
        let metrics = Metrics::register(&mut registry);
        let flow = Flow::new(&settings.flow);
        let surveys = settings.surveys_max.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            control,
            settings,
            site,
            clock,
            nonces: Mutex::new(ledger),
            flow,
            recent_leaves: RecentLeaves::default(),
            asking: UnderWay::default(),
            surveying: UnderWay::default(),
            surveys: Arc::new(Semaphore::new(surveys)),
            metrics,
            registry,
        }
    }

    /// Answers a request.
    pub async fn handle(&self, request: RawRequest<'_>) -> RawResponse {
        self.answer_to(request).await.0
    }

    /// The answer to a request, and whether it is in doubt what became of a change that it asked for.
    async fn answer_to(&self, request: RawRequest<'_>) -> (RawResponse, bool) {
        let started = Instant::now();
        let request_id = request_id();
        let mut seen = Seen {
            format: Format::preferred(request.headers),
            operation: None,
            access_key: None,
            actor: None,
            about: Box::default(),
            generations: Vec::new(),
            in_doubt: false,
            nonce: None,
        };
        let result = self.process(&request, &request_id, &mut seen).await;
        if let Some(nonce) = seen.nonce.take() {
            // It is used up, whatever becomes of the request, and after a restart too.
            self.control.remember(nonce);
        }
        self.account_for(&request_id, &seen, &result, request.peer, started.elapsed());
        let reply = Reply {
            request_id: &request_id,
            format: seen.format,
            base_url: self.base_url(request.headers, request.secure),
            host: host(request.headers),
            generation: seen.generations.last().copied(),
            lenient: self.settings.mode == Mode::Lenient,
        };
        let response = match result {
            Ok(answer) => reply.success(seen.operation.map_or("", |operation| operation.name), answer),
            Err(fault) => reply.failure(seen.operation, &fault),
        };
        (response, seen.in_doubt)
    }

    /// Counts a request, says in the log what came of it, and keeps it where it was refused.
    fn account_for(
        &self,
        request_id: &str,
        seen: &Seen,
        result: &Result<Answer, Fault>,
        source: Option<IpAddr>,
        took: Duration,
    ) {
        if let Err(fault) = result {
            self.note_refused(request_id, seen, fault, source);
        }
        self.metrics.count(seen.operation, result, took);
        tracing::debug!(
            request_id,
            operation = seen.operation.map_or("-", |operation| operation.name),
            access_key = seen.access_key.as_deref().unwrap_or("-"),
            code = result.as_ref().err().map_or("OK", |fault| &fault.code),
            source = ?source,
            microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            "answered"
        );
    }

    /// The answer to a request that never got as far as [`Gateway::handle`].
    pub fn refuse(&self, headers: &HeaderMap, fault: Fault) -> RawResponse {
        let request_id = request_id();
        let reply = Reply {
            request_id: &request_id,
            format: Format::preferred(headers),
            base_url: self.base_url(headers, false),
            host: host(headers),
            generation: None,
            lenient: self.settings.mode == Mode::Lenient,
        };
        self.metrics.count(None, &Err(fault.clone()), Duration::ZERO);
        reply.failure(None, &fault)
    }

    /// Adds metrics to those that are shown, with names that begin with `ravelin_`.
    pub fn add_metrics(&mut self, add: impl FnOnce(&mut Registry)) {
        add(self.registry.sub_registry_with_prefix("ravelin"));
    }

    /// All metrics, as text for Prometheus.
    pub fn metrics(&self) -> String {
        self.metrics.observe_sizes(&self.control.sizes(), self.nonces.lock().len());
        let mut text = String::new();
        // Writing to a string has no way to fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }

    /// Where the control plane stands.
    pub fn status(&self) -> control::Status {
        self.control.status()
    }

    fn base_url(&self, headers: &HeaderMap, secure: bool) -> String {
        if self.settings.public_url.is_empty() {
            format!("{}://{}", if secure { "https" } else { "http" }, host(headers))
        } else {
            self.settings.public_url.trim_end_matches('/').into()
        }
    }

    async fn process(
        &self,
        request: &RawRequest<'_>,
        request_id: &str,
        seen: &mut Seen,
    ) -> Result<Answer, Fault> {
        let Ok(done) = timeout(request.within, self.operate(request, request_id, seen)).await else {
            tracing::warn!(request_id, within = ?request.within, "carrying out a request took too long");
            return Err(Fault::of(&code::SERVICE_UNAVAILABLE));
        };
        let Done { carried, asked, account } = done?;
        if let Carried::Bound(_) = carried {
            self.wait(&seen.generations, asked, account).await?;
            return self.answered(carried, account, seen).await;
        }
        let answer = self.answered(carried, account, seen).await?;
        self.wait(&seen.generations, asked, account).await?;
        Ok(answer)
    }

    /// The answer of what was carried out; a node is asked for it where it has to be.
    async fn answered(&self, carried: Carried, account: AccountId, seen: &Seen) -> Result<Answer, Fault> {
        let answer = match carried {
            Carried::Answered(answer) => return Ok(answer),
            Carried::Asks(inquiry, answer) => self.ask(inquiry, answer, account).await?,
            Carried::Bound(Bound { interface, node, generation, answer }) => {
                let read = self.control.read(|state| state.nodes().get(&node).map(|own| own.status)).await;
                let status = read.ok().and_then(|read| read.value);
                answer(&self.control.standing(node).binding(status, interface, Some(generation)))
            }
        };
        debug_assert_eq!(
            seen.operation.map_or(Ok(()), |operation| catalogue::conforms(operation, &answer)),
            Ok(())
        );
        Ok(answer)
    }

    /// Checks a request and carries it out. Waits for no node.
    async fn operate(
        &self,
        request: &RawRequest<'_>,
        request_id: &str,
        seen: &mut Seen,
    ) -> Result<Done, Fault> {
        let now = self.clock.now();
        let limits = QueryLimits { parameters_max: self.settings.parameters_max, ..QueryLimits::default() };
        let raw = Request {
            method: request.method,
            path: request.path,
            query: request.query,
            headers: request.headers,
            body: request.body,
        };
        let envelope = Envelope::open(raw, &limits).map_err(|error| protocol_fault(&error))?;
        seen.format = envelope.format();
        let operation = find_operation(&envelope, request.method)?;
        seen.operation = Some(operation);
        let caller = match self.settings.mode {
            Mode::Strict => self.authenticate(&envelope, operation, now, seen).await?,
            Mode::Lenient => self.assume(&envelope, seen).await?,
        };
        let parameters = envelope.into_parameters();
        let origin = Origin { source: request.peer, secure: request.secure, headers: Some(request.headers) };
        let invocation =
            Invocation { caller: &caller, operation, parameters: &parameters, origin: &origin, request_id };
        self.perform(&invocation, seen).await
    }

    /// From who calls to what came of it. What a refused call was about is found out here, when it is one: others need not
    /// pay for it.
    async fn perform(&self, invocation: &Invocation<'_>, seen: &mut Seen) -> Result<Done, Fault> {
        seen.actor = Some(invocation.caller.actor);
        let done = self.admit(invocation, seen).await;
        if done.is_err() {
            seen.about = refused::about(invocation.operation, invocation.parameters);
        }
        done
    }

    /// Flow control, RAM, the parameters, then the operation itself.
    async fn admit(&self, invocation: &Invocation<'_>, seen: &mut Seen) -> Result<Done, Fault> {
        let Invocation { caller, operation, parameters, origin, request_id } = *invocation;
        let now = self.clock.now();
        self.throttle(caller, operation)?;
        self.authorise(caller, operation, parameters, origin, now).await?;
        let asked = origin.headers.map_or(Ok(Some(0)), waiting::asked)?;
        let arguments = catalogue::validate(operation, parameters)?;
        let call = Call {
            operation,
            actor: caller.actor,
            account: caller.account,
            access_key: &caller.access_key,
            arguments: &arguments,
            now,
            site: &self.site,
            fleet: &self.control,
            wait_seconds: self.settings.wait_for_enforcement,
            source: origin.source,
            secure: origin.secure,
        };
        let carried = self.carry_out(&call, request_id, seen).await?;
        Ok(Done { carried, asked, account: caller.account })
    }

    fn throttle(&self, caller: &Caller, operation: &'static Operation) -> Result<(), Fault> {
        match self.flow.check(&caller.access_key, operation) {
            Ok(()) => Ok(()),
            Err(wait) => {
                let milliseconds = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
                Err(Fault { retry_after_ms: Some(milliseconds), ..Fault::of(&code::THROTTLING_USER) })
            }
        }
    }

    async fn authorise(
        &self,
        caller: &Caller,
        operation: &'static Operation,
        parameters: &Parameters,
        origin: &Origin<'_>,
        now: UnixMillis,
    ) -> Result<(), Fault> {
        if matches!(caller.actor, Actor::Root(_)) {
            return Ok(());
        }
        let source = origin.source.unwrap_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED));
        let named = |name: &str| parameters.text(name).ok().flatten();
        let policies = self.control.read_access(|access| authorisation::policies(access, caller.actor)).await;
        let policies = policies.map_err(|_| Fault::of(&code::SERVICE_UNAVAILABLE))?.value;
        authorisation::authorise(
            policies.as_ref(),
            caller.actor,
            operation,
            named,
            source,
            origin.secure,
            now,
        )
    }

    /// Submits a change. Where nobody waits any more for what becomes of it, or nobody can tell, `seen` says so.
    async fn submit(&self, submission: Submission, seen: &mut Seen) -> Result<Receipt, Failure> {
        let was_in_doubt = std::mem::replace(&mut seen.in_doubt, true);
        let submitted = self.control.submit(submission).await;
        seen.in_doubt = was_in_doubt || matches!(submitted, Err(Failure::Unknown));
        submitted
    }

    async fn carry_out(&self, call: &Call<'_>, request_id: &str, seen: &mut Seen) -> Result<Carried, Fault> {
        let answer = match call.operation.handler {
            Handler::Ask { inquiry, answer } => {
                let read = self.control.read(|state| inquiry(call, state)).await;
                let inquiry = read.map_err(|_| Fault::of(&code::SERVICE_UNAVAILABLE))?.value?;
                return Ok(Carried::Asks(inquiry, answer));
            }
            Handler::Query(query) => {
                let read = self.control.read(|state| query(call, state)).await;
                read.map_err(|_| Fault::of(&code::SERVICE_UNAVAILABLE))?.value?
            }
            Handler::Identity(query) => {
                let read = self.control.read_access(|access| query(call, access)).await;
                read.map_err(|_| Fault::of(&code::SERVICE_UNAVAILABLE))?.value?
            }
            Handler::Survey(survey) => self.survey(survey, call).await?,
            Handler::Change { command, answer } => {
                let command = command(call)?;
                let submission = submission(call, command, seen.nonce.take(), request_id);
                match self.submit(submission, seen).await {
                    Ok(receipt) => {
                        seen.generations.push(receipt.generation);
                        self.recent_leaves.remember(self.settings.mode, call, receipt.generation);
                        answer(call, &receipt.outcome)
                    }
                    Err(failure) => {
                        let forgiven = self.recent_leaves.forgives(self.settings.mode, call, &failure);
                        // Who repeats it waits for what it waited for.
                        seen.generations.push(forgiven.ok_or_else(|| failed(&failure, call.operation))?);
                        Answer::new()
                    }
                }
            }
            Handler::Bind { command, answer } => {
                let submission = submission(call, command(call)?, seen.nonce.take(), request_id);
                let submitted = self.submit(submission, seen).await;
                let generation = submitted.map_err(|failure| failed(&failure, call.operation))?.generation;
                seen.generations.push(generation);
                let (interface, node) =
                    (call.arguments.required_id("NetworkInterfaceId"), call.arguments.required_id("NodeId"));
                return Ok(Carried::Bound(Bound { interface, node, generation, answer }));
            }
            Handler::ChangeEach { commands, answer } => {
                let mut results = Vec::new();
                for item in commands(call)? {
                    let result = match item.command {
                        Ok(command) => {
                            let submission = submission(call, command, seen.nonce.take(), request_id);
                            let submitted = self.submit(submission, seen).await;
                            submitted.map_err(|failure| failed(&failure, call.operation))
                        }
                        Err(fault) => Err(fault),
                    };
                    // What may have been made was not refused.
                    if let (Err(fault), false) = (&result, seen.in_doubt) {
                        self.note_refused_item(request_id, call, &item.id, fault);
                    }
                    seen.generations.extend(result.as_ref().map(|receipt| receipt.generation));
                    results.push((item.id, result.err()));
                }
                answer(&results)
            }
        };
        debug_assert_eq!(catalogue::conforms(call.operation, &answer), Ok(()), "{}", call.operation.name);
        Ok(Carried::Answered(answer))
    }
}

fn submission(
    call: &Call<'_>,
    command: model::Command,
    nonce: Option<NonceRecord>,
    request_id: &str,
) -> Submission {
    Submission {
        actor: call.actor,
        command,
        operation: call.operation.name,
        request_id: request_id.into(),
        source: call.source,
        nonce,
    }
}

/// The fault that a failure of the control plane is answered with.
fn failed(failure: &Failure, operation: &'static Operation) -> Fault {
    match failure {
        Failure::Refused(refusal) => catalogue::fault_of(refusal, operation),
        Failure::NotDurable => Fault::of(&code::CALL_INTERFACE),
        Failure::Unknown | Failure::Overloaded | Failure::Stopping => Fault::of(&code::SERVICE_UNAVAILABLE),
    }
}

fn find_operation(envelope: &Envelope<'_>, method: &Method) -> Result<&'static Operation, Fault> {
    let action = envelope.action().map_err(|error| protocol_fault(&error))?;
    let version = envelope.version().map_err(|error| protocol_fault(&error))?;
    let product =
        Product::of_version(version).ok_or_else(|| protocol_fault(&ProtocolError::UnknownVersion))?;
    let operation =
        catalogue::find(product, action).ok_or_else(|| protocol_fault(&ProtocolError::UnknownAction))?;
    if operation.methods.allow(method.as_str()) {
        Ok(operation)
    } else {
        Err(protocol_fault(&ProtocolError::UnsupportedMethod))
    }
}

/// A new request id: an upper-case UUID, as current answers of the vendor have it.
fn request_id() -> String {
    let mut text = uuid::Uuid::new_v4().to_string();
    text.make_ascii_uppercase();
    text
}

/// The host that a request was sent to, where it names one that can stand in an address.
pub fn host(headers: &HeaderMap) -> &str {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']' | b'_');
    let host = headers.get(http::header::HOST).and_then(|value| value.to_str().ok());
    host.filter(|text| !text.is_empty() && text.len() <= 255 && text.bytes().all(plain))
        .unwrap_or("localhost")
}

/// The arguments that identify a Leave, for the lenient mode.
fn text<'a>(arguments: &'a Arguments, name: &str) -> &'a str {
    arguments.text(name).unwrap_or_default()
}

/// An answer with its request id first.
fn with_request_id(request_id: &str, answer: Answer) -> Answer {
    let mut whole = Answer::new();
    whole.insert("RequestId".into(), Value::from(request_id));
    whole.extend(answer);
    whole
}
