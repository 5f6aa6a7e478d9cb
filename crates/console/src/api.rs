//! Calls of operations in the name of whoever is signed in.

use std::{collections::HashMap, net::IpAddr, sync::Arc, sync::LazyLock, time::Duration};

use serde_json::Value;
use wire::{
    catalogue::{self, Fault, Operation, error_code as code},
    gateway::{Called, Principal},
};

use crate::{Inner, once::Begun, trouble::Trouble, view};

/// Whoever is signed in, and where the calls come from. Outlives the request where a page is kept up to date.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) inner: Arc<Inner>,
    pub(crate) access_key_id: Arc<str>,
    pub(crate) source: Option<IpAddr>,
    pub(crate) secure: bool,
    pub(crate) within: Duration,
    /// Whether a change was begun with it.
    pub(crate) begun: Begun,
}

/// A change that was made.
#[derive(Debug)]
pub(crate) struct Changed {
    /// Its number; none where nothing had to be changed.
    pub(crate) generation: Option<u64>,
    /// The answer.
    pub(crate) answer: Value,
}

/// The operation of this name, whichever product's.
pub(crate) fn operation(name: &str) -> Option<&'static Operation> {
    static BY_NAME: LazyLock<HashMap<&'static str, &'static Operation>> =
        LazyLock::new(|| catalogue::all().map(|operation| (operation.name, operation)).collect());
    BY_NAME.get(name).copied()
}

impl Api {
    /// Whoever is signed in, as the gateway knows it.
    pub(crate) fn principal(&self) -> Principal<'_> {
        Principal {
            access_key_id: &self.access_key_id,
            source: self.source,
            secure: self.secure,
            within: self.within,
        }
    }

    /// Calls an operation, with everything that is known of the call.
    pub(crate) async fn call(&self, operation: &'static Operation, parameters: &[(&str, &str)]) -> Called {
        let principal = self.principal();
        let call = self.inner.gateway.call(&principal, operation, parameters);
        if !operation.handler.mutates() {
            return call.await;
        }
        let is_refused =
            |called: &Called| called.result.is_err() && !called.in_doubt && called.generations.is_empty();
        self.begun.during(call, is_refused).await
    }

    /// Reads what a page shows besides. Where the caller may not, nothing is called, and so no refusal is kept: nobody asked
    /// for it.
    pub(crate) async fn glance(&self, name: &str, parameters: &[(&str, &str)]) -> Option<Value> {
        if !self.permits(name, parameters).await {
            return None;
        }
        self.call(operation(name)?, parameters).await.result.ok().map(Value::Object)
    }

    /// Whether the caller may call an operation. Asking is no call: no refusal is kept.
    pub(crate) async fn permits(&self, name: &str, parameters: &[(&str, &str)]) -> bool {
        match operation(name) {
            Some(operation) => self.inner.gateway.permits(&self.principal(), operation, parameters).await,
            None => false,
        }
    }

    /// Reads.
    ///
    /// # Errors
    /// The operation's fault.
    pub(crate) async fn read(
        &self,
        name: &'static str,
        parameters: &[(&str, &str)],
    ) -> Result<Value, Trouble> {
        let result = self.try_call(name, parameters).await;
        result.map(|changed| changed.answer).map_err(|fault| Trouble::fault(name, fault))
    }

    /// Reads a list that somebody narrowed. A fault that is about how it was narrowed is given back, to be shown above the form
    /// that was filled in.
    ///
    /// # Errors
    /// Any other fault of the operation.
    pub(crate) async fn filtered(
        &self,
        name: &'static str,
        parameters: &[(&str, &str)],
    ) -> Result<(Value, Option<Fault>), Trouble> {
        match self.try_call(name, parameters).await {
            Ok(found) => Ok((found.answer, None)),
            Err(fault) if view::is_of_the_question(&fault) => Ok((Value::Null, Some(fault))),
            Err(fault) => Err(Trouble::fault(name, fault)),
        }
    }

    /// Changes something. The fault is given back as it is, to be shown beside the form that it is about.
    ///
    /// # Errors
    /// The operation's fault.
    pub(crate) async fn try_call(&self, name: &str, parameters: &[(&str, &str)]) -> Result<Changed, Fault> {
        let operation = operation(name).ok_or_else(|| Fault::of(&code::INVALID_ACTION_NOT_FOUND))?;
        let called = self.call(operation, parameters).await;
        let generation = called.generations.last().copied();
        called.result.map(|answer| Changed { generation, answer: Value::Object(answer) })
    }

    /// How many there are of what an operation lists; none where the caller may not know.
    pub(crate) async fn total(&self, name: &str, parameters: &[(&str, &str)]) -> Option<u64> {
        let parameters = [parameters, &[("PageSize", "1")]].concat();
        let answer = self.glance(name, &parameters).await?;
        crate::json::at(&answer, "TotalCount").as_u64()
    }
}
