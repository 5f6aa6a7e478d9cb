//! The socket on which the agent is asked how it stands: one line of JSON each way, and with `watch` a line for each change.
//! Its owner alone may ask.

use std::{
    fs::{self, DirBuilder, Permissions},
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::{
        fs::{DirBuilderExt, FileTypeExt, PermissionsExt},
        net::UnixStream as BlockingStream,
    },
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    sync::{Semaphore, oneshot},
    time::{sleep, timeout},
};

use super::{
    order::{Ask, Ended, Orders},
    shared::Shared,
    sight,
};
use crate::{files::FileError, status::Status};

/// The most that ask at the same time.
const ASKERS_MAX: usize = 16;
/// The longest question, in bytes.
const QUESTION_BYTES_MAX: u64 = 4096;
/// How long somebody may take to ask, and to read an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the enforcer's thread may take to answer, which may be at work on a large update.
const ANSWER_PATIENCE: Duration = Duration::from_secs(20);
/// How long whoever asks once waits for the answer: longer than the agent itself waits, which says why there is none.
const ASKER_PATIENCE: Duration = Duration::from_secs(30);
/// The least time between two answers to somebody who watches.
const PAUSE: Duration = Duration::from_millis(500);
/// How often whoever watches is told how it stands though nothing has changed: counts have.
const REFRESH: Duration = Duration::from_secs(2);

/// What the agent is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// How it stands.
    Status,
    /// How it stands, now and whenever that changes.
    Watch,
    /// To let a device go that is closed because nobody bound it.
    Release {
        /// Its name.
        device: String,
        /// Also one that is bound, where there is no session with the control plane.
        #[serde(default)]
        force: bool,
    },
}

/// What the agent answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// How it stands.
    Status(Box<Status>),
    /// The device is open.
    Released,
    /// Why not.
    Error(String),
}

/// Why the agent cannot be asked, or does not answer.
#[derive(Debug, Error)]
pub enum AskError {
    /// There is none.
    #[error("no agent answers on {}: is it running (`systemctl status ravelin-agent`), and is this its socket?", path.display())]
    Nobody {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Its owner alone may.
    #[error("{} may not be asked by this user: run the command as the user that runs the agent, which is root", path.display())]
    Denied {
        /// The socket.
        path: PathBuf,
    },
    /// It went away while it was asked.
    #[error("the agent does not answer")]
    Broken(#[source] io::Error),
    /// It is another version, or no agent.
    #[error("what answers on the socket is no agent of this version")]
    Foreign(#[source] serde_json::Error),
}

/// Asks a running agent, and gives its answers as they come.
///
/// # Errors
/// [`AskError`], also for each answer.
pub fn ask(
    path: &Path,
    request: &Request,
) -> Result<impl Iterator<Item = Result<Response, AskError>>, AskError> {
    let mut stream = BlockingStream::connect(path).map_err(|source| match source.kind() {
        io::ErrorKind::PermissionDenied => AskError::Denied { path: path.to_owned() },
        _ => AskError::Nobody { path: path.to_owned(), source },
    })?;
    // Whoever watches is told when there is something to tell.
    let patience = (*request != Request::Watch).then_some(ASKER_PATIENCE);
    stream.set_read_timeout(patience).map_err(AskError::Broken)?;
    let mut line = serde_json::to_string(request).map_err(AskError::Foreign)?;
    line.push('\n');
    stream.write_all(line.as_bytes()).map_err(AskError::Broken)?;
    let lines = BufReader::new(stream).lines();
    Ok(lines.map(|line| serde_json::from_str(&line.map_err(AskError::Broken)?).map_err(AskError::Foreign)))
}

/// The socket, listening. The file goes with it.
pub(crate) struct StatusSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl Drop for StatusSocket {
    fn drop(&mut self) {
        // The next agent replaces what is left of this one.
        let _ = fs::remove_file(&self.path);
    }
}

/// Why there is no socket.
#[derive(Debug, Error)]
pub enum SocketError {
    /// It cannot be made.
    #[error(transparent)]
    File(#[from] FileError),
    /// Something else has its name.
    #[error("{} is there and is no socket: remove it if nobody needs it, or give the agent another path (`socket` of its settings)", path.display())]
    NotASocket {
        /// Which one.
        path: PathBuf,
    },
    /// Another agent has it.
    #[error("another agent answers on {}: stop that one, or give this one a socket of its own", path.display())]
    InUse {
        /// Which one.
        path: PathBuf,
    },
}

impl StatusSocket {
    /// Listens. What an agent has left that was killed is replaced.
    ///
    /// # Errors
    /// [`SocketError`].
    pub(crate) fn listen(path: &Path) -> Result<Self, SocketError> {
        if let Some(directory) = path.parent() {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
            made.map_err(FileError::of("make the directory", directory))?;
        }
        if BlockingStream::connect(path).is_ok() {
            return Err(SocketError::InUse { path: path.to_owned() });
        }
        match fs::symlink_metadata(path) {
            Ok(found) if found.file_type().is_socket() => {
                fs::remove_file(path).map_err(FileError::of("replace", path))?;
            }
            Ok(_) => return Err(SocketError::NotASocket { path: path.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(FileError::of("look at", path)(error).into()),
        }
        let listener = UnixListener::bind(path).map_err(FileError::of("listen on", path))?;
        fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(FileError::of("close", path))?;
        Ok(Self { listener, path: path.to_owned() })
    }

    /// Answers until the agent ends.
    pub(crate) async fn serve(self, orders: Orders, shared: Arc<Shared>) {
        let seats = Arc::new(Semaphore::new(ASKERS_MAX));
        loop {
            let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let (orders, shared) = (orders.clone(), Arc::clone(&shared));
                    tokio::spawn(async move {
                        if let Err(error) = answer(stream, &orders, &shared).await {
                            tracing::debug!(%error, "somebody who asked is gone");
                        }
                        drop(seat);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "nobody can ask how the agent stands");
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

async fn answer(stream: UnixStream, orders: &Orders, shared: &Shared) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    let mut reader = tokio::io::BufReader::new(reader.take(QUESTION_BYTES_MAX));
    timeout(PATIENCE, reader.read_line(&mut line)).await??;
    let request: Request = match serde_json::from_str(&line) {
        Ok(request) => request,
        Err(error) => {
            let response = Response::Error(format!("the question cannot be understood: {error}"));
            return send(&mut writer, &response).await;
        }
    };
    match request {
        Request::Status => send(&mut writer, &status(orders, shared).await).await,
        Request::Release { device, force } => {
            let released = ask_thread(orders, |answer| Ask::Release { device, force, answer }).await;
            let response = match released {
                Ok(Ok(())) => Response::Released,
                Ok(Err(why)) => Response::Error(why),
                Err(none) => none,
            };
            send(&mut writer, &response).await
        }
        Request::Watch => {
            let mut changes = shared.changes();
            loop {
                changes.mark_unchanged();
                send(&mut writer, &status(orders, shared).await).await?;
                sleep(PAUSE).await;
                if timeout(REFRESH, changes.changed()).await.is_ok_and(|changed| changed.is_err()) {
                    return Ok(());
                }
            }
        }
    }
}

/// Asks the enforcer's thread.
///
/// # Errors
/// What is answered in its place.
async fn ask_thread<T>(orders: &Orders, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, Response> {
    let why = match timeout(ANSWER_PATIENCE, orders.ask(ask)).await {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(Ended)) => "the agent is ending".to_owned(),
        Err(_) => format!(
            "the agent's thread that enforces has not answered in {} seconds: what is in force stays so, and its log may say what it waits for",
            ANSWER_PATIENCE.as_secs()
        ),
    };
    Err(Response::Error(why))
}

async fn status(orders: &Orders, shared: &Shared) -> Response {
    match ask_thread(orders, Ask::Look).await {
        Ok(seen) => Response::Status(Box::new(sight::status(shared, seen))),
        Err(none) => none,
    }
}

async fn send(writer: &mut (impl tokio::io::AsyncWrite + Unpin), response: &Response) -> io::Result<()> {
    let mut line = serde_json::to_string(response).map_err(io::Error::other)?;
    line.push('\n');
    timeout(PATIENCE, writer.write_all(line.as_bytes())).await?
}

#[cfg(test)]
mod tests {
    use model::UnixMillis;

    use super::*;
    use crate::identity::Validity;

    #[tokio::test]
    async fn what_an_agent_has_left_is_replaced_and_what_is_no_socket_is_not() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("agent.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        drop(StatusSocket::listen(&path).unwrap());
        assert!(!path.exists());
        fs::write(&path, "mine").unwrap();
        let refused = StatusSocket::listen(&path).err().unwrap();
        assert!(matches!(refused, SocketError::NotASocket { .. }), "{refused}");
        assert!(refused.to_string().contains(path.to_str().unwrap()), "{refused}");
        assert_eq!(fs::read(&path).unwrap(), b"mine");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_asks_is_told_that_the_enforcers_thread_does_not_answer() {
        let (orders, _nobody_takes_them) = Orders::queue();
        let validity = Validity { from: UnixMillis(0), until: UnixMillis::NEVER };
        let shared = Shared::new("node".into(), "server".into(), "0".into(), validity);
        let Response::Error(why) = status(&orders, &shared).await else { panic!("nobody can know") };
        assert!(why.contains("has not answered"), "{why}");
    }
}
