//! What an entry of the catalogue says.

use std::{net::IpAddr, pin::Pin};

use control::{
    Control,
    fleet::{self, BindingState, Enforcement, NodeStanding, Question},
};
use model::{AccountId, Actor, Command, NetworkInterfaceId, NodeId, Outcome, State, UnixMillis, site};
use serde_json::{Map, Value};

use super::{Arguments, ErrorCode, Fault, Parameter};

/// A product: a family of operations under one API version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Product {
    /// Edge Node Service.
    Ens,
    /// Resource access management.
    Ram,
    /// The security token service.
    Sts,
    /// What ENS does not have.
    Ravelin,
}

impl Product {
    /// Every product.
    pub const ALL: [Self; 4] = [Self::Ens, Self::Ram, Self::Sts, Self::Ravelin];

    /// The API version that requests name.
    pub fn version(self) -> &'static str {
        match self {
            Self::Ens => "2017-11-10",
            Self::Ram => "2015-05-01",
            Self::Sts => "2015-04-01",
            Self::Ravelin => "2026-11-22",
        }
    }

    /// The product code.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ens => "Ens",
            Self::Ram => "Ram",
            Self::Sts => "Sts",
            Self::Ravelin => "Ravelin",
        }
    }

    /// The subcommand of `ravelin` that calls its operations.
    pub fn subcommand(self) -> &'static str {
        match self {
            Self::Ens => "ens",
            Self::Ram => "ram",
            Self::Sts => "sts",
            Self::Ravelin => "api",
        }
    }

    /// The product of an API version.
    pub fn of_version(version: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|product| product.version() == version)
    }
}

/// The HTTP methods that an operation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Methods {
    /// GET and POST.
    GetOrPost,
    /// GET alone.
    Get,
    /// POST alone.
    Post,
}

impl Methods {
    /// Whether the method is one of them.
    pub fn allow(self, method: &str) -> bool {
        match self {
            Self::GetOrPost => matches!(method, "GET" | "POST"),
            Self::Get => method == "GET",
            Self::Post => method == "POST",
        }
    }

    /// The one that clients use.
    pub fn usual(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::GetOrPost | Self::Post => "POST",
        }
    }
}

/// The RAM access level of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Makes something.
    Create,
    /// Deletes something.
    Delete,
    /// Changes something.
    Update,
    /// Reads one thing.
    Get,
    /// Reads many.
    List,
    /// Needs no permission: everybody whose signature is good may call it.
    None,
}

impl Access {
    /// The word of the reference pages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Update => "update",
            Self::Get => "get",
            Self::List => "list",
            Self::None => "none",
        }
    }
}

/// What a RAM policy's `Resource` is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// The account's resources as a whole: `acs:<service>:*:<account>:*`.
    All,
    /// One resource named by a parameter: `acs:<service>:*:<account>:<kind>/<value>`; `*` where it is not given.
    Named {
        /// `instance`, `user`, `policy`.
        kind: &'static str,
        /// The parameter that names it.
        parameter: &'static str,
    },
    /// The resources of a kind as a whole: `acs:<service>:*:<account>:<kind>/*`.
    Every {
        /// `user`, `policy`.
        kind: &'static str,
    },
    /// The RAM user that `UserName` names; where it is not given, the caller.
    UserOrCaller,
    /// The policy that `PolicyType` and `PolicyName` name: one of the account, or one that everybody has
    /// (`acs:ram:*:system:policy/<name>`).
    Policy,
    /// The RAM user that `UserName` names, and the policy as above: the caller must be allowed both.
    UserAndPolicy,
}

/// What RAM asks of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ram {
    /// The action, such as `ens:LeaveSecurityGroup`.
    pub action: &'static str,
    /// The access level.
    pub access: Access,
    /// The resource.
    pub resource: Resource,
}

impl Ram {
    /// An action on the account's resources as a whole.
    pub const fn all(action: &'static str, access: Access) -> Self {
        Self { action, access, resource: Resource::All }
    }

    /// An action on one resource that a parameter names.
    pub const fn named(
        action: &'static str,
        access: Access,
        kind: &'static str,
        parameter: &'static str,
    ) -> Self {
        Self { action, access, resource: Resource::Named { kind, parameter } }
    }

    /// An action on one of RAM's own resources.
    pub const fn of(action: &'static str, access: Access, resource: Resource) -> Self {
        Self { action, access, resource }
    }

    /// The service whose action it is, such as `ens`.
    pub fn service(&self) -> &'static str {
        self.action.split_once(':').map_or(self.action, |(service, _)| service)
    }
}

/// The type of a field of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
}

/// A field of an answer. `RequestId` is in every answer and not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Where it stands, such as `Instances.Instance[].InstanceId`.
    pub path: &'static str,
    /// Its type.
    pub scalar: Scalar,
    /// An example of its value.
    pub example: &'static str,
}

impl Field {
    /// A text.
    pub const fn text(path: &'static str, example: &'static str) -> Self {
        Self { path, scalar: Scalar::Text, example }
    }

    /// A whole number.
    pub const fn integer(path: &'static str, example: &'static str) -> Self {
        Self { path, scalar: Scalar::Integer, example }
    }

    /// A boolean.
    pub const fn boolean(path: &'static str, example: &'static str) -> Self {
        Self { path, scalar: Scalar::Boolean, example }
    }
}

/// The fields of an answer besides `RequestId`.
pub type Answer = Map<String, Value>;

/// What came of one of many: its id, and its fault if it has one.
pub type ItemResult = (String, Option<Fault>);

/// What is known of nodes beside the state: who is connected, and how far generations are in force there.
pub trait Fleet: Sync {
    /// What is known of a node.
    fn standing(&self, node: NodeId) -> NodeStanding;

    /// How far a generation is in force; none: there is none such on disk.
    fn enforcement(&self, generation: u64) -> Option<Enforcement>;
}

impl Fleet for Control {
    fn standing(&self, node: NodeId) -> NodeStanding {
        Control::standing(self, node)
    }

    fn enforcement(&self, generation: u64) -> Option<Enforcement> {
        Control::enforcement(self, generation)
    }
}

/// One call: who calls what with which arguments.
pub struct Call<'a> {
    /// The operation.
    pub operation: &'static Operation,
    /// Who calls.
    pub actor: Actor,
    /// In whose name.
    pub account: AccountId,
    /// The access key that signed the call.
    pub access_key: &'a str,
    /// What the caller gave, well-formed.
    pub arguments: &'a Arguments,
    /// The time of the call.
    pub now: UnixMillis,
    /// What the operator offers.
    pub site: &'a site::Catalogue,
    /// What is known of nodes.
    pub fleet: &'a dyn Fleet,
    /// How long changes wait for nodes where neither request nor account says so, in seconds; 0: not at all.
    pub wait_seconds: u8,
    /// Where the call comes from.
    pub source: Option<IpAddr>,
    /// Whether it came over TLS.
    pub secure: bool,
}

/// One of the commands of an operation that does the same to many resources.
pub struct Item {
    /// The resource, as the caller named it.
    pub id: String,
    /// What to do, or why not.
    pub command: Result<Command, Fault>,
}

/// An answer that is waited for.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Answer, Fault>> + Send + 'a>>;

/// What a node is asked for a caller.
pub struct Inquiry {
    /// The network interface that it is about.
    pub interface: NetworkInterfaceId,
    /// The node.
    pub node: NodeId,
    /// What the node is called.
    pub node_name: Box<str>,
    /// The question.
    pub question: Question,
}

/// How an operation is carried out.
#[derive(Clone, Copy)]
pub enum Handler {
    /// It reads.
    Query(fn(&Call<'_>, &State) -> Result<Answer, Fault>),
    /// It reads who the callers are and what they may do, and nothing else: it waits for no commit of other things.
    Identity(fn(&Call<'_>, control::Access<'_>) -> Result<Answer, Fault>),
    /// It reads more than the state: the past, what nodes answer. Nobody waits for it meanwhile.
    Survey(for<'a> fn(&'a Call<'a>, &'a Control) -> Answering<'a>),
    /// It asks a node what is so there now.
    Ask {
        /// Which node, and what.
        inquiry: fn(&Call<'_>, &State) -> Result<Inquiry, Fault>,
        /// The answer, from what the node answered and from what is known of it beside the state. None: it answered
        /// something else than was asked.
        answer: fn(&Inquiry, &NodeStanding, &fleet::Answer) -> Option<Answer>,
    },
    /// It changes: one command.
    Change {
        /// The command.
        command: fn(&Call<'_>) -> Result<Command, Fault>,
        /// The answer, from what the command made.
        answer: fn(&Call<'_>, &Outcome) -> Answer,
    },
    /// It changes: it binds `NetworkInterfaceId` to `NodeId`, and says how that stands there when whoever waits for the
    /// node has waited.
    Bind {
        /// The command.
        command: fn(&Call<'_>) -> Result<Command, Fault>,
        /// The answer, from how the binding stands.
        answer: fn(&BindingState) -> Answer,
    },
    /// It changes many things, each by itself: the answer says for each how it went.
    ChangeEach {
        /// The commands.
        commands: fn(&Call<'_>) -> Result<Vec<Item>, Fault>,
        /// The answer, from id and fault (if any) of each.
        answer: fn(&[ItemResult]) -> Answer,
    },
}

impl Handler {
    /// Whether it changes anything.
    pub fn mutates(self) -> bool {
        matches!(self, Self::Change { .. } | Self::Bind { .. } | Self::ChangeEach { .. })
    }
}

/// The answer of an operation that has nothing to tell: `RequestId` alone.
pub fn done(_: &Call<'_>, _: &Outcome) -> Answer {
    Answer::new()
}

/// An entry of the catalogue.
pub struct Operation {
    /// Its product.
    pub product: Product,
    /// Its name.
    pub name: &'static str,
    /// The family that it is listed under.
    pub family: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// What one has to know to use it; paragraphs, may be empty.
    pub description: &'static str,
    /// The methods it takes.
    pub methods: Methods,
    /// Its parameters: the required ones first.
    pub parameters: &'static [Parameter],
    /// Of each of these sets of parameters exactly one must be given.
    pub exactly_one: &'static [&'static [&'static str]],
    /// The fields of its answer besides `RequestId`.
    pub answer: &'static [Field],
    /// The error codes that are its own; those of the gateway are every operation's.
    pub errors: &'static [&'static ErrorCode],
    /// What RAM asks.
    pub ram: Ram,
    /// How it is carried out.
    pub handler: Handler,
}

impl Operation {
    /// The parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&'static Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }

    /// The words of which a parameter is one; none where it is of another kind.
    pub fn words(&self, parameter: &str) -> &'static [&'static str] {
        match self.parameter(parameter).map(|own| own.kind) {
            Some(super::Kind::OneOf(words)) => words,
            _ => &[],
        }
    }

    /// Whether the code is one that the operation documents, as its own or as every operation's.
    pub fn documents(&self, code: &str) -> bool {
        self.errors
            .iter()
            .copied()
            .chain(super::error_code::GATEWAY.iter().copied())
            .any(|own| own.matches(code))
    }
}

/// The values that stand at a path such as `Instances.Instance[].InstanceId`.
pub fn value_at<'a>(answer: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![answer];
    for step in path.split('.') {
        let (name, many) = step.strip_suffix("[]").map_or((step, false), |name| (name, true));
        found = found.into_iter().filter_map(|value| value.get(name)).collect();
        if many {
            found = found.into_iter().filter_map(Value::as_array).flatten().collect();
        }
    }
    found
}
