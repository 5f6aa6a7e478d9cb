//! What an operator does on the server's host: accounts and backups.
//!
//! A running server takes these commands on a socket in its data directory, which only the owner can reach: one JSON
//! line each way. Without a running server the command opens the store itself. Both ways run the same code.

use std::{
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, anyhow, bail};
use control::{Clock as _, Control, Failure, Submission, SystemClock};
use model::{
    AccountId, Actor, Command, Outcome,
    node::AuthorityFingerprint,
    ram::{KeyPair, RamCommand, RamOutcome},
};
use serde::{Deserialize, Serialize};
use store::StoreError;

use crate::directory::DataDirectory;

/// The longest line on the socket, in bytes.
const LINE_BYTES_MAX: u64 = 64 * 1024;
/// How long either side waits for the other's line.
const PATIENCE: Duration = Duration::from_secs(600);
/// How long a client may take to say what it wants.
const REQUEST_PATIENCE: Duration = Duration::from_secs(5);

/// What somebody is told who may not reach the data.
const OWNER: &str = "run the command as the user that runs the server";

/// A command of the operator.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Make an account.
    CreateAccount {
        /// What to call it.
        name: String,
    },
    /// List the accounts.
    ListAccounts,
    /// Replace the root access keys of an account.
    ResetRootKey {
        /// Its name or number.
        account: String,
    },
    /// Show the authority of nodes.
    ShowNodeAuthority,
    /// Put a new authority of nodes in place of the present one.
    ReplaceNodeAuthority {
        /// For how many days nodes of the present one are still served; 0: they have to join again.
        overlap_days: u16,
    },
    /// Write a backup.
    Backup {
        /// Where to; an absolute path.
        file: PathBuf,
    },
}

/// An account, as the operator sees it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccountLine {
    /// Its number.
    pub account_id: String,
    /// Its name.
    pub name: String,
    /// When it was created.
    pub created_at: String,
    /// How many RAM users it has.
    pub users: usize,
    /// How many instances it has.
    pub instances: usize,
    /// How many security groups it has.
    pub security_groups: usize,
}

/// The authority of nodes, as the operator sees it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuthorityLine {
    /// Its fingerprint, as tokens name it.
    pub fingerprint: String,
    /// When it was made.
    pub created_at: String,
    /// The fingerprint of the one before, while nodes of that one are served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_fingerprint: Option<String>,
    /// Until when they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_until: Option<String>,
}

/// What came of a command.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// The accounts.
    Accounts(Vec<AccountLine>),
    /// An account's new root access key.
    RootKey {
        /// The account's number.
        account_id: String,
        /// The key's id.
        access_key_id: String,
        /// The key's secret. It is shown once.
        access_key_secret: String,
    },
    /// The authority of nodes.
    NodeAuthority(AuthorityLine),
    /// A backup.
    Backup {
        /// Where it is.
        file: PathBuf,
        /// The generation that it holds.
        generation: u64,
        /// How many records it holds.
        records: u64,
        /// How large it is.
        bytes: u64,
    },
    /// It did not work.
    Error(String),
}

/// Carries a command out.
///
/// # Errors
/// Why it did not work, for people.
pub fn execute(control: &Control, request: &Request) -> anyhow::Result<Response> {
    match request {
        Request::CreateAccount { name } => create_account(control, name, None),
        Request::ListAccounts => {
            let accounts = control.read_blocking(|state| {
                let line = |account: Arc<model::account::Account>| AccountLine {
                    account_id: account.id.to_string(),
                    name: account.name.to_string(),
                    created_at: account.created_at.to_text(),
                    users: state.users().count(account.id),
                    instances: state.instances().count(account.id),
                    security_groups: state.groups().count(account.id),
                };
                let mut accounts: Vec<_> = state.accounts().into_iter().collect();
                accounts.sort_by_key(|account| (account.created_at, account.id));
                accounts.into_iter().map(line).collect::<Vec<_>>()
            })?;
            Ok(Response::Accounts(accounts.value))
        }
        Request::ResetRootKey { account } => {
            let found = control.read_blocking(|state| {
                let by_number = account.parse::<AccountId>().ok().and_then(|id| state.account(id));
                state.account_named(account).or(by_number).map(|account| account.id)
            })?;
            let id = found.value.ok_or_else(|| {
                anyhow!("there is no account {account:?}; `ravelin account list` shows those there are")
            })?;
            root_key(submit(control, "ResetRootKey", RamCommand::ResetRootKey { account: id, key: None })?)
        }
        Request::ShowNodeAuthority => node_authority(control),
        Request::ReplaceNodeAuthority { overlap_days } => {
            let overlap = Duration::from_secs(u64::from(*overlap_days) * 86_400);
            let overlap = Some(overlap).filter(|overlap| !overlap.is_zero());
            session::replace_blocking(control, SystemClock.now(), overlap)?;
            node_authority(control)
        }
        Request::Backup { file } => {
            if !file.is_absolute() {
                bail!("the path of a backup must be absolute, and {} is not", file.display());
            }
            let snapshot = control.snapshot_blocking()?;
            let report = store::backup(&*snapshot, file)?;
            Ok(Response::Backup {
                file: file.clone(),
                generation: report.revision,
                records: report.records,
                bytes: report.bytes,
            })
        }
    }
}

fn node_authority(control: &Control) -> anyhow::Result<Response> {
    let now = SystemClock.now();
    let authority = control.read_blocking(|state| state.node_authority().cloned())?.value;
    let authority = authority.ok_or(session::AuthorityError::Missing)?;
    let previous = authority.previous_at(now);
    Ok(Response::NodeAuthority(AuthorityLine {
        fingerprint: authority.fingerprint().to_string(),
        created_at: authority.created_at.to_text(),
        previous_fingerprint: previous.map(|own| AuthorityFingerprint::of(&own.certificate).to_string()),
        previous_until: previous.map(|own| own.until.to_text()),
    }))
}

/// Makes an account, with a root access key of the caller's choice if there is one.
///
/// # Errors
/// Why it did not work, for people.
pub fn create_account(control: &Control, name: &str, key: Option<KeyPair>) -> anyhow::Result<Response> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        bail!("an account's name is 1 to 64 letters, digits, `.`, `_` or `-`");
    }
    root_key(submit(control, "CreateAccount", RamCommand::CreateAccount { name: name.into(), key })?)
}

fn submit(control: &Control, operation: &'static str, command: RamCommand) -> anyhow::Result<Outcome> {
    let submission = Submission {
        actor: Actor::Operator,
        command: Command::Ram(command),
        operation,
        request_id: "operator".into(),
        source: None,
        nonce: None,
    };
    match control.submit_blocking(submission) {
        Ok(receipt) => Ok(receipt.outcome),
        Err(Failure::Refused(refusal)) => Err(anyhow!("{refusal}")),
        Err(failure) => Err(failure.into()),
    }
}

fn root_key(outcome: Outcome) -> anyhow::Result<Response> {
    match outcome {
        Outcome::Ram(RamOutcome::Account(account, key)) => Ok(Response::RootKey {
            account_id: account.to_string(),
            access_key_id: key.id.to_string(),
            access_key_secret: key.secret.reveal().into(),
        }),
        _ => bail!("the server made no key"),
    }
}

/// Sends a command to the server of a data directory, or carries it out on the store if no server runs.
///
/// # Errors
/// Why it did not work, for people.
pub fn call(data: &Path, request: &Request) -> anyhow::Result<Response> {
    let directory = DataDirectory::at(data);
    match std::fs::metadata(directory.store()) {
        Ok(found) if found.is_dir() => {}
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            bail!("permission denied on {}: {}", data.display(), OWNER)
        }
        _ => bail!(
            "there is no server data in {}; name the directory with --data or RAVELIN_DATA",
            data.display()
        ),
    }
    let socket = directory.operator_socket();
    let response = match UnixStream::connect(&socket) {
        Ok(stream) => converse(stream, request)?,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            bail!("permission denied on {}: {}", socket.display(), OWNER)
        }
        Err(_) => offline(&directory, request)?,
    };
    match response {
        Response::Error(message) => Err(anyhow!(message)),
        response => Ok(response),
    }
}

fn converse(mut stream: UnixStream, request: &Request) -> anyhow::Result<Response> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_string(request)?;
    line.push('\n');
    stream.write_all(line.as_bytes()).context("the server does not take the command")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).context("the server does not answer")?;
    serde_json::from_str(&answer).context("the server's answer cannot be read; are both of one version?")
}

fn offline(directory: &DataDirectory, request: &Request) -> anyhow::Result<Response> {
    let store = match store::FjallStore::open(&directory.store(), &store::Options::default()) {
        Err(StoreError::Locked { .. }) => bail!(
            "a server runs on {}, but nothing answers on its socket {}: if the socket was removed, restart the server",
            directory.path().display(),
            directory.operator_socket().display()
        ),
        opened => opened?,
    };
    // What the server is told is not known here: the clock stands still and no history is dropped.
    let history = control::HistoryRetention { generations_max: usize::MAX, bytes_max: u64::MAX };
    let control_settings = control::Settings { advance_max: 0, history, ..control::Settings::default() };
    let opened = Control::open(Box::new(store), control_settings, Arc::new(SystemClock), &mut |_| {})?;
    let response = execute(&opened.control, request);
    opened.control.stop_blocking();
    response
}

/// The operator's socket, bound: commands wait in the kernel until they are taken.
pub struct Door(UnixListener);

/// Makes the socket. To be called by whoever holds the store's lock.
///
/// # Errors
/// The socket cannot be made.
pub fn bind(directory: &DataDirectory) -> anyhow::Result<Door> {
    let path = directory.operator_socket();
    // One left behind by a server that was killed: the store's lock says that no other server runs.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot replace {}", path.display()));
        }
        _ => {}
    }
    let listener = UnixListener::bind(&path).with_context(|| {
        format!("cannot listen on {}; is the path longer than 107 bytes?", path.display())
    })?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(Door(listener))
}

impl Door {
    /// Takes the operator's commands until the program ends.
    ///
    /// # Errors
    /// There can be no more threads.
    pub fn open(self, control: Control) -> anyhow::Result<()> {
        std::thread::Builder::new().name("operator".into()).spawn(move || {
            for stream in self.0.incoming() {
                // One command at a time: an operator has no need of more.
                if let Err(error) = stream.map_err(Into::into).and_then(|stream| serve(stream, &control)) {
                    tracing::debug!(error = %format!("{error:#}"), "an operator's connection failed");
                }
            }
        })?;
        Ok(())
    }
}

fn serve(mut stream: UnixStream, control: &Control) -> anyhow::Result<()> {
    stream.set_read_timeout(Some(REQUEST_PATIENCE))?;
    stream.set_write_timeout(Some(REQUEST_PATIENCE))?;
    let mut line = String::new();
    BufReader::new(&stream).take(LINE_BYTES_MAX).read_line(&mut line)?;
    let response = serde_json::from_str::<Request>(&line)
        .context("the command cannot be read; are both of one version?")
        .and_then(|request| execute(control, &request));
    let response = response.unwrap_or_else(|error| Response::Error(format!("{error:#}")));
    stream.write_all(serde_json::to_string(&response)?.as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_without_its_socket_is_told_from_no_server() {
        let place = tempfile::tempdir().unwrap();
        let message = |result: anyhow::Result<Response>| format!("{:#}", result.err().unwrap());
        assert!(message(call(place.path(), &Request::ListAccounts)).contains("there is no server data"));
        let directory = DataDirectory::at(place.path());
        let held = store::FjallStore::open(&directory.store(), &store::Options::default()).unwrap();
        assert!(message(call(place.path(), &Request::ListAccounts)).contains("operator.sock"));
        drop(held);
    }

    #[test]
    fn an_authority_of_nodes_is_shown_and_replaced_with_or_without_a_server() {
        let place = tempfile::tempdir().unwrap();
        let directory = DataDirectory::at(place.path());
        drop(store::FjallStore::open(&directory.store(), &store::Options::default()).unwrap());
        let missing = call(place.path(), &Request::ShowNodeAuthority).err().unwrap();
        assert!(missing.to_string().contains("--node-listen"), "{missing}");
        let store = store::FjallStore::open(&directory.store(), &store::Options::default()).unwrap();
        let opened =
            Control::open(Box::new(store), control::Settings::default(), Arc::new(SystemClock), &mut |_| {});
        let control = opened.unwrap().control;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(session::establish(&control, SystemClock.now())).unwrap();
        control.stop_blocking();
        let authority = |request| match call(place.path(), &request).unwrap() {
            Response::NodeAuthority(authority) => authority,
            _ => panic!("no authority"),
        };
        let first = authority(Request::ShowNodeAuthority);
        assert_eq!(first.previous_fingerprint, None);
        let second = authority(Request::ReplaceNodeAuthority { overlap_days: 90 });
        assert_eq!(second.previous_fingerprint, Some(first.fingerprint));
        let third = authority(Request::ReplaceNodeAuthority { overlap_days: 0 });
        assert_ne!(third.fingerprint, second.fingerprint);
        assert_eq!((third.previous_fingerprint, third.previous_until), (None, None));
    }

    #[test]
    fn accounts_are_listed_in_the_order_of_their_creation() {
        let place = tempfile::tempdir().unwrap();
        let directory = DataDirectory::at(place.path());
        drop(store::FjallStore::open(&directory.store(), &store::Options::default()).unwrap());
        let names = ["zeta", "alpha", "mid"];
        for name in names {
            call(place.path(), &Request::CreateAccount { name: name.into() }).unwrap();
        }
        let Response::Accounts(listed) = call(place.path(), &Request::ListAccounts).unwrap() else {
            panic!("no accounts")
        };
        let listed: Vec<_> = listed.into_iter().map(|account| account.name).collect();
        assert_eq!(listed, names);
    }
}
