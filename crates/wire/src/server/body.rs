//! Reading the body of a request, within bounds.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use super::HttpLimits;

/// Why a body is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyRefusal {
    /// It is larger than a body may be.
    TooLarge,
    /// It did not arrive in time.
    TooSlow,
    /// It ended early, or is not framed as HTTP wants.
    Broken,
    /// All requests together hold as much as they may.
    NoRoom,
}

/// What all bodies in memory may take together.
pub(super) struct Budget {
    left: AtomicUsize,
}

impl Budget {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { left: AtomicUsize::new(bytes_max) }
    }
}

/// A body in memory, and its share of the budget, given back when it is dropped.
pub(super) struct Whole<'a> {
    pub(super) bytes: Bytes,
    _share: Share<'a>,
}

struct Share<'a> {
    budget: &'a Budget,
    bytes: usize,
}

impl Share<'_> {
    fn grow(&mut self, bytes: usize) -> Result<(), BodyRefusal> {
        let take = |left: usize| left.checked_sub(bytes);
        match self.budget.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
            Ok(_) => {
                self.bytes += bytes;
                Ok(())
            }
            Err(_) => Err(BodyRefusal::NoRoom),
        }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.budget.left.fetch_add(self.bytes, Ordering::Relaxed);
        }
    }
}

/// Reads the whole body.
pub(super) async fn collect<'a>(
    body: &mut Incoming,
    limits: &HttpLimits,
    budget: &'a Budget,
) -> Result<Whole<'a>, BodyRefusal> {
    let mut share = Share { budget, bytes: 0 };
    if body.is_end_stream() {
        return Ok(Whole { bytes: Bytes::new(), _share: share });
    }
    let most = limits.body_bytes_max;
    // What `Content-Length` announces is refused before a byte of it is read.
    if body.size_hint().lower() > u64::try_from(most).unwrap_or(u64::MAX) {
        return Err(BodyRefusal::TooLarge);
    }
    let deadline = Duration::from_secs(limits.body_seconds_max);
    let bytes = match tokio::time::timeout(deadline, read(body, most, &mut share)).await {
        Ok(read) => read?,
        Err(_) => return Err(BodyRefusal::TooSlow),
    };
    Ok(Whole { bytes, _share: share })
}

async fn read(body: &mut Incoming, most: usize, share: &mut Share<'_>) -> Result<Bytes, BodyRefusal> {
    // Most bodies come in one piece, which is then passed on without a copy.
    let mut first = Bytes::new();
    let mut whole: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| BodyRefusal::Broken)?;
        let Ok(data) = frame.into_data() else { continue };
        if data.len() > most.saturating_sub(first.len() + whole.len()) {
            return Err(BodyRefusal::TooLarge);
        }
        share.grow(data.len())?;
        if first.is_empty() && whole.is_empty() {
            first = data;
        } else {
            if whole.is_empty() {
                whole = std::mem::take(&mut first).into();
            }
            whole.extend_from_slice(&data);
        }
    }
    Ok(if whole.is_empty() { first } else { whole.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_given_back() {
        let budget = Budget::new(10);
        let mut share = Share { budget: &budget, bytes: 0 };
        share.grow(7).unwrap();
        assert_eq!(share.grow(4), Err(BodyRefusal::NoRoom));
        drop(share);
        assert_eq!(budget.left.load(Ordering::Relaxed), 10);
    }
}
