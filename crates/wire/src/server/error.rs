//! Why a server cannot start.

use std::{io, net::SocketAddr, path::PathBuf};

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A setting is out of its range.
    #[error("{setting} must be from {least} to {most}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// The least it may be.
        least: u64,
        /// The most it may be.
        most: u64,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// TLS cannot be offered.
    #[error("cannot offer HTTPS")]
    Tls(#[from] TlsError),
}

/// Why TLS cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Only one of certificate and key is named.
    #[error(
        "a certificate needs its key and a key its certificate: give both files, or neither to have them made"
    )]
    Half,
    /// Neither a certificate nor a place to keep a generated one is named.
    #[error("neither a certificate nor a directory to keep a generated one in is given")]
    NoDirectory,
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is larger than any certificate or key.
    #[error("{path} is larger than {bytes_max} bytes: it is no certificate and no key")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read, in bytes.
        bytes_max: u64,
    },
    /// A file is not well-formed PEM.
    #[error("{path} is not well-formed PEM")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls_pki_types::pem::Error,
    },
    /// There is no certificate in the file of the certificate.
    #[error("{path} holds no certificate: a PEM section CERTIFICATE is wanted")]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// There is no private key in the file of the key.
    #[error("{path} holds no private key: an unencrypted PEM section PRIVATE KEY is wanted")]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The key belongs to another certificate.
    #[error("the key in {key} does not belong to the certificate in {certificate}")]
    Mismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// The certificate or the key is of a kind that cannot be used.
    #[error("the certificate in {certificate} with the key in {key} cannot be used")]
    Unusable {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// A name cannot stand in a certificate.
    #[error("`{name}` is neither a host name nor an address, and cannot stand in a certificate")]
    Name {
        /// The name.
        name: String,
    },
    /// A certificate cannot be made.
    #[error("cannot make a certificate")]
    Generate(#[source] rcgen::Error),
    /// The certificate that was made cannot be kept.
    #[error("cannot write {path}")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No version of TLS can be offered.
    #[error("no version of TLS can be offered")]
    Versions(#[source] rustls::Error),
}
