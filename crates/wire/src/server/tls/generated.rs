//! The self-signed certificate of a server that was given none.
//!
//! It is made once and kept, so that clients that were told to trust it can go on doing so, and made anew when it is about
//! to expire, or when it does not cover a name that it should.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    net::IpAddr,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::CryptoProvider,
    sign::CertifiedKey,
};
use rustls_pki_types::{ServerName, UnixTime};

use super::{TlsError, files};

/// The file of the certificate. Everybody may read it: clients are told to trust it.
pub(super) const CERTIFICATE_FILE: &str = "tls-certificate.pem";
/// The file of its key.
pub(super) const KEY_FILE: &str = "tls-key.pem";

const DAY: Duration = Duration::from_secs(86_400);
/// How long a certificate is valid: the longest that common clients accept.
const VALID: Duration = Duration::from_secs(825 * DAY.as_secs());
/// It is renewed at a start when it would expire within this time.
const RENEWED_BEFORE: Duration = Duration::from_secs(30 * DAY.as_secs());
/// It is valid from somewhat before it was made: clocks differ.
const BACKDATED: Duration = DAY;

/// The names that a certificate is made for.
pub(super) fn names(address: IpAddr, further: &[String]) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let own = (!address.is_unspecified()).then(|| address.to_string());
    for name in own.iter().chain(further) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// The certificate that is kept in the directory; a new one where there is none that will do.
pub(super) fn load_or_make(
    directory: &Path,
    names: &[String],
    now: SystemTime,
    provider: &Arc<CryptoProvider>,
) -> Result<CertifiedKey, TlsError> {
    for name in names {
        server_name(name)?;
    }
    let (certificate, key) = (directory.join(CERTIFICATE_FILE), directory.join(KEY_FILE));
    match files::load(&certificate, &key, provider) {
        Ok(certified) if will_do(&certified, names, now + RENEWED_BEFORE, provider) => return Ok(certified),
        Ok(_) => tracing::info!(path = %certificate.display(), "the generated certificate is renewed"),
        Err(TlsError::Unreadable { source, .. }) if source.kind() == ErrorKind::NotFound => {}
        // Not ours to replace: somebody has put other rights on it, or the disk is failing.
        Err(error @ TlsError::Unreadable { .. }) => return Err(error),
        Err(error) => {
            tracing::warn!(path = %certificate.display(), %error, "the generated certificate is made anew");
        }
    }
    make(directory, names, now)?;
    files::load(&certificate, &key, provider)
}

/// Whether a client that trusts the certificate takes it for each of the names at that time.
fn will_do(
    certified: &CertifiedKey,
    names: &[String],
    at: SystemTime,
    provider: &Arc<CryptoProvider>,
) -> bool {
    let Some(own) = certified.cert.first() else { return false };
    let mut roots = RootCertStore::empty();
    if roots.add(own.clone()).is_err() {
        return false;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
    let Ok(verifier) = verifier else { return false };
    let at = UnixTime::since_unix_epoch(since_epoch(at));
    names.iter().all(|name| {
        server_name(name).is_ok_and(|name| verifier.verify_server_cert(own, &[], &name, &[], at).is_ok())
    })
}

/// A name as a client would look for it; a host of a wildcard stands for all of them.
fn server_name(name: &str) -> Result<ServerName<'static>, TlsError> {
    let host = name.strip_prefix("*.").map(|domain| format!("host.{domain}"));
    ServerName::try_from(host.unwrap_or_else(|| name.to_owned()))
        .map_err(|_| TlsError::Name { name: name.to_owned() })
}

fn make(directory: &Path, names: &[String], now: SystemTime) -> Result<(), TlsError> {
    let mut parameters = CertificateParams::new(names.to_vec()).map_err(TlsError::Generate)?;
    let moment = date_time_ymd(1970, 1, 1) + since_epoch(now);
    parameters.not_before = moment - BACKDATED;
    parameters.not_after = moment + VALID;
    parameters.distinguished_name.push(DnType::CommonName, "Ravelin");
    parameters.is_ca = IsCa::ExplicitNoCa;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().map_err(TlsError::Generate)?;
    let certificate = parameters.self_signed(&key).map_err(TlsError::Generate)?;
    keep(directory, KEY_FILE, &key.serialize_pem(), 0o600)?;
    // Second: a certificate on disk has its key on disk. A crash between the two leaves a pair that does not match, which
    // the next start makes anew.
    keep(directory, CERTIFICATE_FILE, &certificate.pem(), 0o644)
}

/// Writes a file as a whole or not at all, never readable by more people than `mode` says.
fn keep(directory: &Path, name: &str, text: &str, mode: u32) -> Result<(), TlsError> {
    let path = directory.join(name);
    let passing = directory.join(format!("{name}.new"));
    let write = || -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        match fs::remove_file(&passing) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&passing)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&passing, &path)?;
        File::open(directory)?.sync_all()
    };
    write().map_err(|source| TlsError::Unwritable { path: path.clone(), source })
}

fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use rustls::crypto::ring;

    use super::*;

    fn some_names() -> Vec<String> {
        names("192.0.2.7".parse().unwrap(), &["ens.example".to_owned(), "*.ens.example".to_owned()])
    }

    fn load(directory: &Path, names: &[String], now: SystemTime) -> Vec<u8> {
        let certified = load_or_make(directory, names, now, &Arc::new(ring::default_provider())).unwrap();
        certified.cert[0].to_vec()
    }

    #[test]
    fn it_is_kept_until_it_is_about_to_expire() {
        let directory = tempfile::tempdir().unwrap();
        let (names, now) = (some_names(), SystemTime::now());
        let first = load(directory.path(), &names, now);
        assert_eq!(load(directory.path(), &names, now + VALID - RENEWED_BEFORE - DAY), first);
        let second = load(directory.path(), &names, now + VALID - RENEWED_BEFORE + DAY);
        assert_ne!(second, first);
    }

    #[test]
    fn a_further_name_renews_it() {
        let directory = tempfile::tempdir().unwrap();
        let (mut names, now) = (some_names(), SystemTime::now());
        let first = load(directory.path(), &names, now);
        names.push("other.example".to_owned());
        assert_ne!(load(directory.path(), &names, now), first);
    }

    #[test]
    fn a_pair_that_does_not_match_is_made_anew() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (names, now) = (some_names(), SystemTime::now());
        let first = load(one.path(), &names, now);
        load(other.path(), &names, now);
        fs::copy(other.path().join(KEY_FILE), one.path().join(KEY_FILE)).unwrap();
        assert_ne!(load(one.path(), &names, now), first);
    }

    #[test]
    fn the_key_is_readable_by_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        load(directory.path(), &some_names(), SystemTime::now());
        let mode = fs::metadata(directory.path().join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_name_that_cannot_stand_in_a_certificate_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let provider = Arc::new(ring::default_provider());
        let bad = ["two words".to_owned()];
        let error = load_or_make(directory.path(), &bad, SystemTime::now(), &provider).unwrap_err();
        assert!(matches!(&error, TlsError::Name { name } if name == "two words"), "{error}");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
