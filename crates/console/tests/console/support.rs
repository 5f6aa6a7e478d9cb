//! A server with the console in front of a memory store, a clock that is set by hand, and a browser that says exactly what
//! a test wants said.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use console::{Console, ConsoleSettings};
use control::{Clock, Control, Submission, SystemClock};
use model::{
    Actor, Command, Timing, UnixMillis,
    ram::{KeyPair, RamCommand, Secret},
};
use store::{MemoryStore, Store};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
};
use wire::{
    gateway::{Gateway, GatewaySettings},
    protocol::percent,
    server::{HttpLimits, Server, ServerSettings, Stopped},
};

use super::gate::Gate;

/// The root key of the account.
pub(crate) const KEY: &str = "rootkey1";
/// Its secret.
pub(crate) const SECRET: &str = "rootsecret-rootsecret-rootsecret";
/// No test waits longer than this for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// The system's clock, and how much later a test wants it to be.
#[derive(Default)]
pub(crate) struct Later(AtomicI64);

impl Later {
    pub(crate) fn minutes(&self, minutes: i64) {
        self.0.fetch_add(minutes * 60_000, Ordering::Relaxed);
    }
}

impl Clock for Later {
    fn now(&self) -> UnixMillis {
        UnixMillis(SystemClock.now().0 + self.0.load(Ordering::Relaxed))
    }
}

/// The result of the future, which no test has to wait for longer than anybody would.
pub(crate) async fn patiently<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("nothing happened")
}

/// A server that runs.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) later: Arc<Later>,
    pub(crate) control: Control,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<Stopped>,
}

impl Site {
    pub(crate) async fn new() -> Self {
        Self::with(ConsoleSettings { attempts_per_minute: 1_000, ..ConsoleSettings::default() }).await
    }

    pub(crate) async fn with(settings: ConsoleSettings) -> Self {
        Self::reached_as(settings, GatewaySettings::default()).await
    }

    pub(crate) async fn reached_as(settings: ConsoleSettings, gateway: GatewaySettings) -> Self {
        Self::on(Box::new(MemoryStore::new()), control::Settings::default(), settings, gateway).await
    }

    /// A server whose commits wait while the gate is closed; nobody waits for them for longer than a second.
    pub(crate) async fn gated() -> (Self, Gate) {
        let (store, gate) = Gate::before(MemoryStore::new());
        let second = Duration::from_secs(1);
        let control = control::Settings {
            read_deadline: second,
            commit_deadline: second,
            ..control::Settings::default()
        };
        let settings = ConsoleSettings { attempts_per_minute: 1_000, ..ConsoleSettings::default() };
        (Self::on(store, control, settings, GatewaySettings::default()).await, gate)
    }

    async fn on(
        store: Box<dyn Store>,
        control: control::Settings,
        settings: ConsoleSettings,
        gateway: GatewaySettings,
    ) -> Self {
        let clock = Arc::new(SystemClock);
        let later = Arc::new(Later::default());
        let timing = Timing { creating_ms: 1, image_downloading_ms: 1, starting_ms: 1, ..Timing::default() };
        let control_settings = control::Settings { timing, ..control };
        let opened = Control::open(store, control_settings, clock.clone(), &mut |_| {}).unwrap();
        let control = opened.control;
        let key = Some(KeyPair { id: KEY.into(), secret: Secret::new(SECRET) });
        let command = Command::Ram(RamCommand::CreateAccount { name: "edge".into(), key });
        let submission = Submission {
            actor: Actor::Operator,
            command,
            operation: "Test",
            request_id: "request".into(),
            source: None,
            nonce: None,
        };
        control.submit(submission).await.unwrap();
        let site = model::site::Catalogue::default();
        let gateway = Gateway::new(control.clone(), site, gateway, clock, &[]);
        let gateway = Arc::new(gateway);
        let console = Arc::new(Console::new(Arc::clone(&gateway), &settings, later.clone()));
        let listen = Some(([127, 0, 0, 1], 0).into());
        let limits = HttpLimits { body_bytes_max: 64 << 10, ..HttpLimits::default() };
        let settings = ServerSettings { listen, limits, ..ServerSettings::default() };
        let server = Server::bind(settings, gateway).unwrap().with_pages(console);
        let (stop, stopping) = oneshot::channel();
        Self {
            address: server.local_address(),
            later,
            control,
            stop: Some(stop),
            server: tokio::spawn(server.run(stopping)),
        }
    }

    pub(crate) fn ask_to_stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    pub(crate) async fn stopped(self) -> Stopped {
        patiently(self.server).await.unwrap()
    }

    /// A browser without cookies.
    pub(crate) fn browser(&self) -> Browser {
        Browser { address: self.address, cookies: Vec::new() }
    }

    /// A browser of somebody who is signed in with the root key.
    pub(crate) async fn signed_in(&self) -> Browser {
        let mut browser = self.browser();
        assert_eq!(browser.sign_in(KEY, SECRET).await.status, 303);
        browser
    }
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value)
    }

    /// Where somebody is led who has seen that the change is in force: what the page of a change leads on to.
    pub(crate) fn led_to(&self) -> String {
        assert_eq!(self.status, 303, "{self:?}");
        let location = self.header("location");
        let Some((_, back)) = location.split_once("&back=") else { return location.to_owned() };
        assert!(location.starts_with("/console/changes/"), "{location}");
        back.replace("%2F", "/").replace("%25", "%")
    }

    /// The token of the first form of the page.
    pub(crate) fn form_token(&self) -> String {
        let (_, rest) = self.body.split_once("name=\"form-token\" value=\"").expect("a form with a token");
        rest.split('"').next().unwrap().to_owned()
    }

    /// The hidden fields of the form that is sent to this address.
    pub(crate) fn hidden_of(&self, action: &str) -> Vec<(String, String)> {
        let (_, form) =
            self.body.split_once(&format!("action=\"{action}\"")).expect("a form of this address");
        let form = form.split("</form>").next().unwrap();
        let attribute = |input: &str, name: &str| {
            let value = input.split(&format!("{name}=\"")).nth(1).unwrap_or_default();
            value.split('"').next().unwrap().replace("&amp;", "&").replace("&quot;", "\"")
        };
        let hidden = form.split("<input ").skip(1).filter(|input| input.starts_with("type=\"hidden\""));
        hidden.map(|input| (attribute(input, "name"), attribute(input, "value"))).collect()
    }

    /// What a browser sends of the form that makes a group, once it is filled in.
    pub(crate) fn group_form(&self, filled_in: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut fields = self.hidden_of("/console/groups/new");
        fields.extend(filled_in.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        fields
    }

    #[track_caller]
    pub(crate) fn shows(&self, text: &str) {
        assert!(self.body.contains(text), "{text:?} is not in {}", self.body);
    }

    #[track_caller]
    pub(crate) fn hides(&self, text: &str) {
        assert!(!self.body.contains(text), "{text:?} is in {}", self.body);
    }
}

/// The other end: it keeps cookies.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) address: SocketAddr,
    pub(crate) cookies: Vec<(String, String)>,
}

impl Browser {
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, &[], "").await
    }

    /// A request that is written as it is given.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut stream = patiently(TcpStream::connect(self.address)).await.unwrap();
        let head = self.head(method, path, headers, body.len());
        patiently(stream.write_all(format!("{head}{body}").as_bytes())).await.unwrap();
        let mut bytes = Vec::new();
        patiently(stream.read_to_end(&mut bytes)).await.unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let answer = Answer { status, head: head.to_owned(), body: body.to_owned() };
        for cookie in answer.headers("set-cookie") {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(own, _)| own != name);
            if !cookie.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }

    pub(crate) fn head(&self, method: &str, path: &str, headers: &[(&str, &str)], length: usize) -> String {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!(
            "{method} {path} HTTP/1.1\r\nhost: console.test\r\nconnection: close\r\naccept: text/html\r\ncookie: {}\r\n\
             content-length: {length}\r\n{more}\r\n",
            cookies.join("; ")
        )
    }

    /// Sends a form as a browser would.
    pub(crate) async fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let pairs: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{}={}", percent::encode(name), percent::encode(value)))
            .collect();
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        self.ask("POST", path, &kind, &pairs.join("&")).await
    }

    /// The same of fields that were read from a page.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(String, String)]) -> Answer {
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.send(path, &fields).await
    }

    /// Opens a page, and sends its form with the token that stands in it.
    pub(crate) async fn fill_in(&mut self, page: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.get(page).await.form_token();
        let fields = [fields, &[("form-token", token.as_str())]].concat();
        self.send(action, &fields).await
    }

    /// Signs in from the page of it.
    pub(crate) async fn sign_in(&mut self, id: &str, secret: &str) -> Answer {
        let fields = [("access-key-id", id), ("access-key-secret", secret)];
        self.fill_in("/console/sign-in", "/console/sign-in", &fields).await
    }

    /// Makes a RAM user with an access key; gives its id and its secret.
    pub(crate) async fn make_user(&mut self, name: &str) -> (String, String) {
        let created = self.fill_in("/console/users/new", "/console/users/new", &[("UserName", name)]).await;
        assert_eq!(created.status, 303, "{created:?}");
        let page = created.led_to();
        let made = self.fill_in(&page, &format!("{page}/keys"), &[]).await;
        assert_eq!(made.status, 200, "{made:?}");
        let shown = |name: &str| {
            let (_, rest) = made.body.split_once(&format!("aria-label=\"{name}\">")).unwrap();
            rest.split('<').next().unwrap().to_owned()
        };
        (shown("Access key ID"), shown("Access key secret"))
    }

    /// Follows the way that an answer shows.
    pub(crate) async fn follow(&mut self, answer: &Answer) -> Answer {
        assert_eq!(answer.status, 303, "{answer:?}");
        let address = answer.header("location").to_owned();
        self.get(&address).await
    }
}

/// Where a page's links and forms lead, and what it loads.
pub(crate) fn targets(body: &str) -> Vec<String> {
    let mut found = Vec::new();
    for attribute in ["href=\"", "src=\"", "action=\"", "data-live=\""] {
        for rest in body.split(attribute).skip(1) {
            found.push(rest.split('"').next().unwrap().replace("&amp;", "&"));
        }
    }
    found
}
