//! What stands behind the server.

use std::future::Future;

use http::HeaderMap;
use model::node::ENFORCEMENT_WAIT_SECONDS_MAX;

use crate::{
    catalogue::Fault,
    gateway::{Gateway, RawRequest, RawResponse},
};

/// What answers the requests that the server takes in.
pub trait Application: Send + Sync + 'static {
    /// Answers a request to the API. The future may be dropped before it resolves, when the time for a request is over.
    fn handle(&self, request: RawRequest<'_>) -> impl Future<Output = RawResponse> + Send;

    /// How long an answer may be held back on purpose, beyond the time that a request may take, in seconds.
    fn wait_seconds_max(&self) -> u64 {
        0
    }

    /// The answer to a request that is refused before it gets that far. The headers tell the format that the caller wants.
    fn refuse(&self, headers: &HeaderMap, fault: Fault) -> RawResponse;

    /// All metrics in the OpenMetrics text format.
    fn metrics(&self) -> String;

    /// Where the control plane stands.
    fn phase(&self) -> control::Phase;
}

impl Application for Gateway {
    fn handle(&self, request: RawRequest<'_>) -> impl Future<Output = RawResponse> + Send {
        Gateway::handle(self, request)
    }

    fn wait_seconds_max(&self) -> u64 {
        u64::from(ENFORCEMENT_WAIT_SECONDS_MAX)
    }

    fn refuse(&self, headers: &HeaderMap, fault: Fault) -> RawResponse {
        Gateway::refuse(self, headers, fault)
    }

    fn metrics(&self) -> String {
        Gateway::metrics(self)
    }

    fn phase(&self) -> control::Phase {
        self.status().phase
    }
}
