//! Who calls: access key, time stamp, signature, nonce and token; or, in the lenient mode, whoever it says it is.

use control::NonceRecord;
use model::{AccountId, Actor, UnixMillis};

use super::{Gateway, Seen, lenient, protocol_fault};
use crate::{
    catalogue::{Fault, Operation, error_code as code},
    protocol::{
        error::ProtocolError,
        nonces::{self, NonceRefusal},
        request::Envelope,
    },
};

/// Who calls: found by the access key, proven by the signature.
pub(super) struct Caller {
    pub(super) actor: Actor,
    pub(super) account: AccountId,
    pub(super) access_key: Box<str>,
}

impl Gateway {
    /// Access key, time stamp, signature, nonce, token.
    pub(super) async fn authenticate(
        &self,
        envelope: &Envelope<'_>,
        operation: &'static Operation,
        now: UnixMillis,
        seen: &mut Seen,
    ) -> Result<Caller, Fault> {
        let refuse = |error: ProtocolError| protocol_fault(&error);
        let credentials = envelope.credentials().map_err(refuse)?;
        let id = credentials.access_key_id;
        let key = self.control.read_access(|access| access.access_key(id).cloned()).await;
        let key = key.map_err(|_| Fault::of(&code::SERVICE_UNAVAILABLE))?.value;
        let key = key.ok_or_else(|| protocol_fault(&ProtocolError::UnknownAccessKey))?;
        seen.access_key = Some(key.id.clone());
        if !key.active {
            return Err(protocol_fault(&ProtocolError::InactiveAccessKey));
        }
        let timestamp = credentials.check_time(now.seconds()).map_err(refuse)?;
        credentials.verify(key.secret.reveal().as_bytes()).map_err(refuse)?;
        let digest = nonces::digest(id, credentials.nonce);
        let inserted = self.nonces.lock().insert(now.seconds(), key.account.0, digest, timestamp);
        inserted.map_err(|refusal| match refusal {
            NonceRefusal::Used => protocol_fault(&ProtocolError::NonceUsed),
            NonceRefusal::Full => protocol_fault(&ProtocolError::NonceLedgerFull),
        })?;
        if credentials.security_token.is_some() {
            return Err(protocol_fault(&ProtocolError::MalformedToken));
        }
        seen.nonce = operation.handler.mutates().then(|| NonceRecord {
            minute: u32::try_from(timestamp.max(now.seconds()).max(0) / 60).unwrap_or(u32::MAX),
            account: key.account.0,
            digest: digest.to_be_bytes(),
        });
        let actor = match key.user {
            Some(user) => Actor::User(key.account, user),
            None => Actor::Root(key.account),
        };
        Ok(Caller { actor, account: key.account, access_key: key.id.clone() })
    }

    /// Lenient mode: whoever it says it is, or the root of the first account.
    pub(super) async fn assume(&self, envelope: &Envelope<'_>, seen: &mut Seen) -> Result<Caller, Fault> {
        let id = lenient::claimed_access_key(envelope);
        let found = self.control.read(|state| {
            let key = id.as_deref().and_then(|id| state.access_key(id)).filter(|key| key.active).cloned();
            (key, state.accounts().first().map(|account| account.id))
        });
        let (key, first) = found.await.map_err(|_| Fault::of(&code::SERVICE_UNAVAILABLE))?.value;
        let access_key: Box<str> = id.unwrap_or_else(|| "-".into());
        seen.access_key = Some(access_key.clone());
        if let Some(key) = key {
            let actor = match key.user {
                Some(user) => Actor::User(key.account, user),
                None => Actor::Root(key.account),
            };
            return Ok(Caller { actor, account: key.account, access_key });
        }
        let account = first.ok_or_else(|| Fault::of(&code::INVALID_ACCESS_KEY_ID_NOT_FOUND))?;
        Ok(Caller { actor: Actor::Root(account), account, access_key })
    }
}
