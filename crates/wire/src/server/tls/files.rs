//! A certificate and its key in PEM files.

use std::{fs::File, io::Read, path::Path};

use rustls::{Error, crypto::CryptoProvider, sign::CertifiedKey};
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject},
};

use super::TlsError;

/// The most that is read of a file, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Reads a certificate and its key and checks that they belong together.
pub(super) fn load(
    certificate: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    let chain = chain(certificate)?;
    let secret = secret(key)?;
    CertifiedKey::from_der(chain, secret, provider).map_err(|source| match source {
        Error::InconsistentKeys(_) => TlsError::Mismatch { certificate: certificate.into(), key: key.into() },
        source => TlsError::Unusable { certificate: certificate.into(), key: key.into(), source },
    })
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(path)?).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err(TlsError::NoCertificate { path: path.into() }),
        Ok(chain) => Ok(chain),
        Err(source) => Err(TlsError::Malformed { path: path.into(), source }),
    }
}

fn secret(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|source| match source {
        pem::Error::NoItemsFound => TlsError::NoKey { path: path.into() },
        source => TlsError::Malformed { path: path.into(), source },
    })
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.len() as u64 > FILE_BYTES_MAX => {
            Err(TlsError::TooLarge { path: path.into(), bytes_max: FILE_BYTES_MAX })
        }
        Ok(_) => Ok(bytes),
        Err(source) => Err(TlsError::Unreadable { path: path.into(), source }),
    }
}
