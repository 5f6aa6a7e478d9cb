//! A server with nodes that follow it, and a client that says exactly what a test wants said.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use control::{Control, Follower, Heard, Hello, Submission, SystemClock, Told, fleet::NodeProblem};
use model::{
    AccountId, Actor, Command, NetworkInterfaceId, NodeId, Outcome, UnixMillis,
    node::{Digest, NodeCommand, TokenText},
    ram::{RamCommand, RamOutcome, Secret},
};
use serde_json::Value;
use store::{MemoryStore, Store};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
};
use wire::{
    gateway::{Gateway, GatewaySettings, Mode},
    server::{HttpLimits, Server, ServerSettings, Stopped},
};

/// The edge site of everything.
pub(crate) const REGION: &str = "edge-1";
/// No test waits longer than this for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server with an account, a node, and an interface in a group that is bound to it.
pub(crate) struct Site {
    pub(crate) control: Control,
    pub(crate) address: SocketAddr,
    pub(crate) group: String,
    pub(crate) interface: String,
    pub(crate) node: NodeId,
    account: AccountId,
    server: JoinHandle<Stopped>,
    stop: Option<oneshot::Sender<()>>,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) generation: Option<u64>,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn code(&self) -> &str {
        self.body["Code"].as_str().unwrap_or("OK")
    }

    pub(crate) fn message(&self) -> &str {
        self.body["Message"].as_str().unwrap_or_default()
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.body[name].as_str().unwrap_or_else(|| panic!("no {name} in {self:?}")).to_owned()
    }

    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.status, 200, "{self:?}");
        self
    }
}

/// The result of the future, which no test has to wait for longer than anybody would.
pub(crate) async fn patiently<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("nothing happened")
}

fn submission(actor: Actor, command: Command) -> Submission {
    let (operation, request_id, source, nonce) = ("Test", "request".into(), None, None);
    Submission { actor, command, operation, request_id, source, nonce }
}

impl Site {
    /// A server that waits for so many seconds where nobody says anything else.
    pub(crate) async fn waiting(wait_for_enforcement: u8) -> Self {
        let limits = HttpLimits::default();
        Self::on(Box::new(MemoryStore::new()), control::Settings::default(), wait_for_enforcement, limits)
            .await
    }

    /// As [`Site::waiting`], on this store and with these bounds.
    pub(crate) async fn on(
        store: Box<dyn Store>,
        settings: control::Settings,
        wait_for_enforcement: u8,
        limits: HttpLimits,
    ) -> Self {
        let clock = Arc::new(SystemClock);
        let opened = Control::open(store, settings, clock.clone(), &mut |_| {}).unwrap();
        let control = opened.control;
        let operator = |command| control.submit(submission(Actor::Operator, command));
        let create = Command::Ram(RamCommand::CreateAccount { name: "edge".into(), key: None });
        let Outcome::Ram(RamOutcome::Account(account, _)) = operator(create).await.unwrap().outcome else {
            panic!("no account")
        };
        let establish = NodeCommand::EstablishAuthority { certificate: [1].into(), key: Secret::new("key") };
        operator(Command::Node(establish)).await.unwrap();
        let settings =
            GatewaySettings { mode: Mode::Lenient, wait_for_enforcement, ..GatewaySettings::default() };
        let site = model::site::Catalogue::default();
        let gateway = Arc::new(Gateway::new(control.clone(), site, settings, clock, &[]));
        let listen = Some(([127, 0, 0, 1], 0).into());
        let settings = ServerSettings { listen, limits, ..ServerSettings::default() };
        let server = Server::bind(settings, gateway).unwrap();
        let (stop, stopping) = oneshot::channel();
        let mut site = Self {
            address: server.local_address(),
            control,
            group: String::new(),
            interface: String::new(),
            node: NodeId::from_number(0),
            account,
            server: tokio::spawn(server.run(stopping)),
            stop: Some(stop),
        };
        site.furnish().await;
        site
    }

    async fn furnish(&mut self) {
        self.group = self.call("CreateSecurityGroup", &[], &[]).await.done().text("SecurityGroupId");
        let network = [("EnsRegionId", REGION), ("CidrBlock", "10.0.0.0/16")];
        let network = self.call("CreateNetwork", &network, &[]).await.done().text("NetworkId");
        let vswitch = [("EnsRegionId", REGION), ("CidrBlock", "10.0.0.0/24"), ("NetworkId", &network)];
        let vswitch = self.call("CreateVSwitch", &vswitch, &[]).await.done().text("VSwitchId");
        let groups = format!("[\"{}\"]", self.group);
        let interface = [("VSwitchId", vswitch.as_str()), ("SecurityGroupIds", &groups)];
        let made = self.call("CreateNetworkInterface", &interface, &[]).await.done();
        self.interface = made.body["NetworkInterfaceIds"][0].as_str().unwrap().to_owned();
        self.node = self.new_node(1).await;
        let (interface, node) = (self.interface.clone(), self.node.to_string());
        let binding = [("NetworkInterfaceId", interface.as_str()), ("NodeId", &node)];
        self.call("BindNetworkInterface", &binding, &[("x-ravelin-wait", "0")]).await.done();
    }

    /// A node that has joined with the certificate of this number.
    pub(crate) async fn new_node(&self, certificate: u8) -> NodeId {
        let token = self.call("CreateNodeToken", &[("EnsRegionId", REGION)], &[]).await.done().text("Token");
        let token = TokenText::read(&token).unwrap();
        let join = NodeCommand::Join {
            node: token.node,
            secret: token.digest,
            region: None,
            name: "rack-7".into(),
            fingerprint: Digest([certificate; 32]),
            expires_at: UnixMillis(i64::MAX),
        };
        let join = submission(Actor::Node(token.node), Command::Node(join));
        self.control.submit(join).await.unwrap();
        token.node
    }

    /// The node connects, at this generation.
    pub(crate) fn follow(&self, generation: u64) -> Host {
        self.follow_since(generation, None)
    }

    /// The same, and says when it booted.
    fn follow_since(&self, generation: u64, booted_at: Option<UnixMillis>) -> Host {
        let hello = Hello {
            run: 0,
            generation,
            booted_at,
            agent_version: "0.0.0-test".into(),
            source: ([192, 0, 2, 1], 4711).into(),
            certificate: Digest([1; 32]),
        };
        Host { follower: self.control.follow(self.node, hello).unwrap(), told: 0 }
    }

    /// The node connects, and has what is wanted.
    pub(crate) async fn host(&self) -> Host {
        self.host_since(None).await
    }

    /// The same, and says when it booted.
    pub(crate) async fn host_since(&self, booted_at: Option<UnixMillis>) -> Host {
        let mut host = self.follow_since(0, booted_at);
        host.obey().await;
        host.confirm();
        host
    }

    /// Calls an operation, whichever product's, with these headers besides.
    pub(crate) async fn call(
        &self,
        action: &str,
        parameters: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        patiently(call(self.address, action, parameters, headers)).await
    }

    /// Leaves the group; the answer may be waited for.
    pub(crate) fn leave(&self, headers: &[(&str, &str)]) -> JoinHandle<Answer> {
        self.change("LeaveSecurityGroup", headers)
    }

    /// Joins the group again.
    pub(crate) fn join(&self, headers: &[(&str, &str)]) -> JoinHandle<Answer> {
        self.change("JoinSecurityGroup", headers)
    }

    /// Calls an operation; the answer may be waited for.
    pub(crate) fn begin(
        &self,
        action: &'static str,
        parameters: Vec<(String, String)>,
    ) -> JoinHandle<Answer> {
        let address = self.address;
        tokio::spawn(async move {
            let parameters: Vec<_> = parameters.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            patiently(call(address, action, &parameters, &[])).await
        })
    }

    fn change(&self, action: &'static str, headers: &[(&str, &str)]) -> JoinHandle<Answer> {
        let (address, group, interface) = (self.address, self.group.clone(), self.interface.clone());
        let headers: Vec<_> = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        tokio::spawn(async move {
            let headers: Vec<_> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let parameters =
                [("SecurityGroupId", group.as_str()), ("NetworkInterfaceId", interface.as_str())];
            patiently(call(address, action, &parameters, &headers)).await
        })
    }

    /// The number of the account.
    pub(crate) fn account(&self) -> AccountId {
        self.account
    }

    /// Asks the server to stop.
    pub(crate) fn ask_to_stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    pub(crate) async fn stopped(self) -> Stopped {
        patiently(self.server).await.unwrap()
    }
}

/// A node that is connected and obeys.
pub(crate) struct Host {
    pub(crate) follower: Follower,
    told: u64,
}

impl Host {
    /// Takes up what it is told next, and does not answer.
    pub(crate) async fn obey(&mut self) -> Told {
        let told = patiently(self.follower.next()).await.unwrap();
        match &told {
            Told::Snapshot { generation, .. }
            | Told::Delta { generation, .. }
            | Told::Current { generation, .. } => {
                self.told = *generation;
            }
            Told::Question { .. } => {}
        }
        told
    }

    /// Says that it is in force.
    pub(crate) fn confirm(&self) {
        self.confirm_with(Vec::new());
    }

    /// Says that it is in force, and that the device of an interface is not there.
    pub(crate) fn confirm_without(&self, interface: &str) {
        self.confirm_with(vec![interface.parse().unwrap()]);
    }

    fn confirm_with(&self, absent: Vec<NetworkInterfaceId>) {
        self.follower.heard(Heard::Confirmed {
            generation: self.told,
            took: Duration::from_micros(800),
            switched: Some(Duration::from_micros(500)),
            absent,
        });
    }

    /// Says that it is not.
    pub(crate) fn fail(&self, interface: &str) {
        let interface = interface.parse().unwrap();
        let problems = vec![NodeProblem { interface, message: "the program is not attached".into() }];
        self.follower.heard(Heard::NotInForce { generation: self.told, problems, problem_count: 1 });
    }
}

/// The version of the product that has an operation.
fn version(action: &str) -> &'static str {
    wire::catalogue::all().find(|operation| operation.name == action).unwrap().product.version()
}

pub(crate) async fn call(
    address: SocketAddr,
    action: &str,
    parameters: &[(&str, &str)],
    headers: &[(&str, &str)],
) -> Answer {
    let encode = wire::protocol::percent::encode;
    let pairs: Vec<String> =
        parameters.iter().map(|(name, value)| format!("&{}={}", encode(name), encode(value))).collect();
    let headers: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let method = wire::catalogue::all().find(|own| own.name == action).unwrap().methods.usual();
    let request = format!(
        "{method} /?Action={action}&Version={}{} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{}\r\n",
        version(action),
        pairs.concat(),
        headers.concat()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let generation = head.lines().find_map(|line| line.strip_prefix("x-ravelin-generation: "));
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        generation: generation.map(|text| text.parse().unwrap()),
        body: serde_json::from_str(body).unwrap(),
    }
}
