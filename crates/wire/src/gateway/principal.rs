//! Calls in the name of somebody who has proven once who it is, and signs nothing: a person in a browser.
//!
//! Whose access key it is, whether it is active still and what its user may do is looked up for each call, as for each
//! signed request; flow control, RAM, validation and the log are the very same. Must not know sessions or pages.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use hmac::{Hmac, KeyInit, Mac};
use model::Actor;
use sha2::Sha256;

use super::{Gateway, Invocation, Origin, Seen, caller::Caller, protocol_fault, request_id};
use crate::{
    catalogue::{self, Answer, Fault, Operation, Product, error_code as code},
    protocol::{
        error::ProtocolError,
        parameters::Parameters,
        percent,
        query::{Pairs, QueryLimits},
        request::Format,
    },
};

/// What secrets are digested under before they are compared.
const COMPARED_UNDER: &[u8] = b"ravelin console";

/// Somebody who has proven to hold the secret of an access key, and where the call comes from.
#[derive(Debug, Clone, Copy)]
pub struct Principal<'a> {
    /// The access key.
    pub access_key_id: &'a str,
    /// The address of the caller: RAM policies may ask for it.
    pub source: Option<IpAddr>,
    /// Whether the call came over TLS: RAM policies may ask for it.
    pub secure: bool,
    /// How long it may take until it is carried out.
    pub within: Duration,
}

/// Why somebody is not signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInRefusal {
    /// There is no such key, it is inactive, or the secret is another one. Which of them is not told.
    Unproven,
    /// Keys cannot be read at present.
    Unavailable,
}

/// What came of a call.
#[derive(Debug)]
pub struct Called {
    /// Its request id.
    pub request_id: String,
    /// The changes that it made, the oldest first.
    pub generations: Vec<u64>,
    /// Whether a change was begun of which it is not known what became of it.
    pub in_doubt: bool,
    /// Its answer, without the request id, or its fault.
    pub result: Result<Answer, Fault>,
    /// How long it took.
    pub took: Duration,
}

impl Gateway {
    /// Whether this is the secret of this access key, compared in constant time, and the key is active.
    ///
    /// # Errors
    /// It is not, or nobody can tell.
    pub async fn sign_in(&self, access_key_id: &str, secret: &str) -> Result<(), SignInRefusal> {
        let key = self.control.read_access(|access| access.access_key(access_key_id).cloned()).await;
        let key = key.map_err(|_| SignInRefusal::Unavailable)?.value;
        let stored = key.as_ref().map_or("", |key| key.secret.reveal());
        // The digests are compared, so that neither length nor content of the secret is told by the time.
        let given = keyed(secret).finalize().into_bytes();
        let same = keyed(stored).verify_slice(&given).is_ok();
        let usable = key.as_ref().is_some_and(|key| key.active && !stored.is_empty());
        if same && usable { Ok(()) } else { Err(SignInRefusal::Unproven) }
    }

    /// Whether there is this access key, and it is active.
    ///
    /// # Errors
    /// Nobody can tell at present.
    pub async fn is_active(&self, access_key_id: &str) -> Result<bool, SignInRefusal> {
        let found = self
            .control
            .read_access(|access| access.access_key(access_key_id).is_some_and(|key| key.active))
            .await;
        Ok(found.map_err(|_| SignInRefusal::Unavailable)?.value)
    }

    /// Whether clients reach this server over TLS, though it may be a proxy that ends it: what the operator says is its
    /// address begins with `https`.
    pub fn is_public_over_tls(&self) -> bool {
        self.settings.public_url.starts_with("https://")
    }

    /// Calls an operation with parameters as they would stand in a query string. A change waits for no node.
    pub async fn call(
        &self,
        principal: &Principal<'_>,
        operation: &'static Operation,
        parameters: &[(&str, &str)],
    ) -> Called {
        let started = Instant::now();
        let request_id = request_id();
        let mut seen = Seen {
            format: Format::Json,
            operation: Some(operation),
            access_key: Some(principal.access_key_id.into()),
            actor: None,
            about: Box::default(),
            generations: Vec::new(),
            in_doubt: false,
            nonce: None,
        };
        let work = self.call_as(principal, operation, parameters, &request_id, &mut seen);
        let result = match tokio::time::timeout(principal.within, work).await {
            Ok(result) => result,
            Err(_) => {
                tracing::warn!(request_id, within = ?principal.within, "carrying out a call took too long");
                Err(Fault::of(&code::SERVICE_UNAVAILABLE))
            }
        };
        let took = started.elapsed();
        self.account_for(&request_id, &seen, &result, principal.source, took);
        Called { request_id, generations: seen.generations, in_doubt: seen.in_doubt, result, took }
    }

    /// Whether RAM lets somebody call an operation with these parameters. Asking is no call: nothing of it is kept.
    pub async fn permits(
        &self,
        principal: &Principal<'_>,
        operation: &'static Operation,
        parameters: &[(&str, &str)],
    ) -> bool {
        let (Ok(caller), Ok(parameters)) =
            (self.caller_of(principal).await, decode(parameters, self.settings.parameters_max))
        else {
            return false;
        };
        let origin = Origin { source: principal.source, secure: principal.secure, headers: None };
        self.authorise(&caller, operation, &parameters, &origin, self.clock.now()).await.is_ok()
    }

    /// Whether a RAM user of the caller's account may call an operation with these parameters, from where the caller is. The
    /// outer error is the caller's own: it must be allowed to see the user and the policies that decide.
    ///
    /// # Errors
    /// What the caller is refused with, or that there is no such user. The inner one is what the user would be refused with.
    pub async fn may(
        &self,
        principal: &Principal<'_>,
        user_name: &str,
        operation: &'static Operation,
        parameters: &[(&str, &str)],
    ) -> Result<Result<(), Fault>, Fault> {
        for needed in ["GetUser", "ListPoliciesForUser"] {
            let needed =
                catalogue::find(Product::Ram, needed).ok_or_else(|| Fault::of(&code::INTERNAL_ERROR))?;
            self.call(principal, needed, &[("UserName", user_name)]).await.result?;
        }
        let caller = self.caller_of(principal).await?;
        let found =
            self.control.read(|state| state.user_named(caller.account, user_name).map(|user| user.id));
        let found = found.await.map_err(|_| Fault::of(&code::SERVICE_UNAVAILABLE))?.value;
        let user = found.ok_or_else(|| Fault::of(&code::ENTITY_NOT_EXIST_USER))?;
        let actor = Actor::User(caller.account, user);
        let caller = Caller { actor, ..caller };
        let parameters = decode(parameters, self.settings.parameters_max)?;
        let origin = Origin { source: principal.source, secure: principal.secure, headers: None };
        Ok(self.authorise(&caller, operation, &parameters, &origin, self.clock.now()).await)
    }

    async fn call_as(
        &self,
        principal: &Principal<'_>,
        operation: &'static Operation,
        parameters: &[(&str, &str)],
        request_id: &str,
        seen: &mut Seen,
    ) -> Result<Answer, Fault> {
        let caller = self.caller_of(principal).await?;
        let parameters = decode(parameters, self.settings.parameters_max)?;
        let origin = Origin { source: principal.source, secure: principal.secure, headers: None };
        let invocation =
            Invocation { caller: &caller, operation, parameters: &parameters, origin: &origin, request_id };
        let done = self.perform(&invocation, seen).await?;
        self.answered(done.carried, done.account, seen).await
    }

    async fn caller_of(&self, principal: &Principal<'_>) -> Result<Caller, Fault> {
        let key =
            self.control.read_access(|access| access.access_key(principal.access_key_id).cloned()).await;
        let key = key.map_err(|_| Fault::of(&code::SERVICE_UNAVAILABLE))?.value;
        let key = key.ok_or_else(|| protocol_fault(&ProtocolError::UnknownAccessKey))?;
        if !key.active {
            return Err(protocol_fault(&ProtocolError::InactiveAccessKey));
        }
        let actor = match key.user {
            Some(user) => Actor::User(key.account, user),
            None => Actor::Root(key.account),
        };
        Ok(Caller { actor, account: key.account, access_key: key.id.clone() })
    }
}

/// The digest of a secret, not yet finished.
fn keyed(secret: &str) -> Hmac<Sha256> {
    let mut mac =
        <Hmac<Sha256> as KeyInit>::new_from_slice(COMPARED_UNDER).expect("HMAC takes keys of any length");
    mac.update(secret.as_bytes());
    mac
}

/// The parameters, the same way in which those of a request are read.
fn decode(parameters: &[(&str, &str)], parameters_max: usize) -> Result<Parameters, Fault> {
    let pairs: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{}={}", percent::encode(name), percent::encode(value)))
        .collect();
    let limits = QueryLimits { parameters_max, ..QueryLimits::default() };
    let pairs = Pairs::decode(&[], pairs.join("&").as_bytes(), &limits);
    pairs.map(Parameters::new).map_err(|error| Fault::with(&code::INVALID_REQUEST, &error.to_string()))
}
