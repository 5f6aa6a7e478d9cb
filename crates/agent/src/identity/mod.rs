//! Who this node is: its id, its control plane, and what it proves itself with. Kept in one file, so that a key is never
//! without its certificate, whenever the machine stops.

mod credentials;
mod join;

use std::{
    fs::OpenOptions,
    io,
    path::{Path, PathBuf},
};

use model::{NodeId, UnixMillis, ram::Secret};
use pem::{EncodeConfig, LineEnding, Pem};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::{
    credentials::{CredentialError, Credentials, NewKey, Validity},
    join::{JoinError, JoinOrder, join},
};
use crate::{
    clock,
    files::{self, FileError},
};

/// The name of the file.
const FILE: &str = "identity.toml";
/// What stands in its first line.
const REMARK: &str =
    "# Written by `ravelin agent join`. It holds this node's private key: give it to nobody.\n";

/// Why it is not known who this node is.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The host has not joined.
    #[error(
        "this host is no node yet ({} is not there): make a token with `ravelin api CreateNodeToken`, and join with `ravelin agent join --server HOST:PORT --token-file FILE`",
        path.display()
    )]
    Missing {
        /// Where it would be.
        path: PathBuf,
    },
    /// The file says something that it should not.
    #[error("{} is damaged ({why}): join again with a new token for this node (`ravelin api CreateNodeToken --NodeId ...`)", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// How.
        why: String,
    },
}

/// Who this node is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Its id.
    pub node: NodeId,
    /// Where its control plane was when it joined: host and port.
    pub server: String,
    /// What it proves itself with.
    pub credentials: Credentials,
    /// What it proved itself with before those were made, while that is good: a control plane that was restored from a
    /// backup older than the newest certificate knows this one alone.
    pub previous: Option<Credentials>,
}

impl Identity {
    /// Reads who this node is.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn read(directory: &Path) -> Result<Self, IdentityError> {
        let path = directory.join(FILE);
        let file = match files::open(&path, OpenOptions::new().read(true)) {
            Err(error) if error.source.kind() == io::ErrorKind::NotFound => {
                return Err(IdentityError::Missing { path });
            }
            opened => opened?,
        };
        let text = io::read_to_string(file).map_err(FileError::of("read", &path))?;
        let damaged = |why: String| IdentityError::Damaged { path: path.clone(), why };
        // The message of the reader would show the line, which may be that of the key.
        let kept: Kept = toml::from_str(&text).map_err(|error| damaged(error.message().to_owned()))?;
        if kept.version != VERSION {
            return Err(damaged(format!("it has the version {}, and {VERSION} is known here", kept.version)));
        }
        let node = kept.node.parse().map_err(|_| damaged("its node is none".into()))?;
        let credentials = kept.credentials.open().map_err(|error| damaged(error.to_string()))?;
        let previous = kept.previous.map(KeptCredentials::open).transpose();
        let previous = previous.map_err(|error| damaged(error.to_string()))?;
        let identity = Self { node, server: kept.server, credentials, previous };
        let previous = identity.good_previous(clock::now()).cloned();
        Ok(Self { previous, ..identity })
    }

    /// What it proved itself with before, where that is still good.
    pub(crate) fn good_previous(&self, now: UnixMillis) -> Option<&Credentials> {
        self.previous.as_ref().filter(|previous| now < previous.validity().until)
    }

    /// Writes it, durably, for its owner alone.
    ///
    /// # Errors
    /// [`FileError`]: the one before is still there.
    pub fn write(&self, directory: &Path) -> Result<(), FileError> {
        let kept = Kept {
            version: VERSION,
            node: self.node.to_string(),
            server: self.server.clone(),
            credentials: KeptCredentials::of(&self.credentials),
            previous: self.previous.as_ref().map(KeptCredentials::of),
        };
        let path = directory.join(FILE);
        let text = toml::to_string(&kept)
            .map_err(|error| FileError::of("write", &path)(io::Error::other(error.to_string())))?;
        files::replace(&path, format!("{REMARK}{text}").as_bytes()).map(drop)
    }

    /// Forgets who this node is, durably.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn remove(directory: &Path) -> Result<(), FileError> {
        files::remove(&directory.join(FILE))
    }

    /// Takes new credentials in place of those of now, which are kept while they are good.
    pub fn renew(&mut self, credentials: Credentials) {
        self.previous = Some(std::mem::replace(&mut self.credentials, credentials));
    }
}

/// The version of the file's form.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    version: u32,
    node: String,
    server: String,
    credentials: KeptCredentials,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<KeptCredentials>,
}

/// All of it in PEM.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptCredentials {
    key: String,
    certificate: String,
    authority: String,
}

impl KeptCredentials {
    fn of(credentials: &Credentials) -> Self {
        Self {
            key: credentials.key().reveal().to_owned(),
            certificate: certificate_text(credentials.certificate()),
            authority: certificate_text(credentials.authority()),
        }
    }

    fn open(self) -> Result<Credentials, CredentialError> {
        let certificate = read_certificate(&self.certificate)?;
        let authority = read_certificate(&self.authority)?;
        Credentials::new(Secret::new(self.key), certificate, authority)
    }
}

/// A certificate in DER as text (RFC 7468).
fn certificate_text(der: &[u8]) -> String {
    let lines = EncodeConfig::new().set_line_ending(LineEnding::LF);
    pem::encode_config(&Pem::new("CERTIFICATE", der), lines)
}

/// The certificate of a text, in DER.
fn read_certificate(text: &str) -> Result<Vec<u8>, CredentialError> {
    let read = CertificateDer::from_pem_slice(text.as_bytes());
    read.map(|der| der.to_vec()).map_err(|error| CredentialError::Certificate(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 24 * 60 * 60 * 1000;

    fn credentials() -> Credentials {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap().der().to_vec();
        Credentials::new(Secret::new(key.serialize_pem()), certificate.clone(), certificate).unwrap()
    }

    #[test]
    fn a_certificate_that_is_written_is_read() {
        for length in [1, 47, 48, 49, 500] {
            let der: Vec<u8> = (0..length).map(|byte: u32| byte.to_le_bytes()[0]).collect();
            let text = certificate_text(&der);
            assert!(text.lines().all(|line| line.len() <= 64) && !text.contains('\r'), "{text}");
            assert_eq!(read_certificate(&text).unwrap(), der);
        }
    }

    #[test]
    fn what_has_expired_since_it_was_read_is_not_shown() {
        let previous = credentials();
        let until = previous.validity().until;
        let identity = Identity {
            node: NodeId::from_number(1),
            server: "server".into(),
            credentials: credentials(),
            previous: Some(previous),
        };
        assert!(identity.good_previous(UnixMillis(until.0 - DAY_MS)).is_some());
        assert!(identity.good_previous(until).is_none());
    }
}
