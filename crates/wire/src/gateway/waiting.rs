//! Waiting until the nodes that a change concerns have confirmed it.

use std::time::{Duration, Instant};

use control::fleet::{Enforced, Laggard};
use http::HeaderMap;
use model::{AccountId, node::ENFORCEMENT_WAIT_SECONDS_MAX};

use super::Gateway;
use crate::{
    catalogue::{Fault, error_code as code},
    operations::delay,
};

/// The header by which a request says for how many seconds it waits.
const HEADER: &str = "x-ravelin-wait";

/// The most nodes that an answer names.
const NAMED_MAX: usize = 5;

/// For how many seconds a request wants to wait; none: it does not say.
///
/// # Errors
/// It says something that is no number of seconds.
pub(super) fn asked(headers: &HeaderMap) -> Result<Option<u8>, Fault> {
    let mut values = headers.get_all(HEADER).into_iter();
    let Some(value) = values.next() else { return Ok(None) };
    let plain = |text: &&str| text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = value.to_str().ok().map(str::trim).filter(plain).and_then(|text| text.parse().ok());
    match seconds.filter(|seconds| *seconds <= ENFORCEMENT_WAIT_SECONDS_MAX) {
        Some(seconds) if values.next().is_none() => Ok(Some(seconds)),
        _ => Err(Fault::invalid(&format!(
            "the header {HEADER} must be one whole number of seconds from 0 to {ENFORCEMENT_WAIT_SECONDS_MAX}"
        ))),
    }
}

impl Gateway {
    /// Waits until the nodes that changes concern have confirmed them: as long as the request asks, or else as its
    /// account's setting says, or else the server's.
    ///
    /// # Errors
    /// Some node has not confirmed them in time. The changes stay made.
    pub(super) async fn wait(
        &self,
        generations: &[u64],
        asked: Option<u8>,
        account: AccountId,
    ) -> Result<(), Fault> {
        let unconfirmed: Vec<u64> =
            generations.iter().copied().filter(|generation| !self.control.is_enforced(*generation)).collect();
        if unconfirmed.is_empty() {
            return Ok(());
        }
        let seconds = match asked {
            Some(seconds) => seconds,
            None => self.usual_wait(account).await,
        };
        if seconds == 0 {
            return Ok(());
        }
        let until = Instant::now() + Duration::from_secs(seconds.into());
        let (mut laggards, mut unknown): (Vec<Laggard>, bool) = (Vec::new(), false);
        for generation in &unconfirmed {
            let left = until.saturating_duration_since(Instant::now());
            match self.control.enforced(*generation, left).await {
                Enforced::Confirmed => {}
                Enforced::Unknown => unknown = true,
                Enforced::Laggards(more) => {
                    laggards.retain(|known| !more.iter().any(|own| own.node == known.node));
                    laggards.extend(more);
                }
            }
        }
        match (laggards.is_empty(), unknown, unconfirmed.last()) {
            (true, false, _) | (_, _, None) => Ok(()),
            (true, true, Some(newest)) => Err(not_known(*newest)),
            (false, _, Some(newest)) => Err(not_in_force(*newest, &laggards)),
        }
    }

    /// For how many seconds a change waits that does not say it itself.
    async fn usual_wait(&self, account: AccountId) -> u8 {
        let own = self.control.read_access(|access| access.enforcement_wait(account).map(|own| own.seconds));
        // Who may do what cannot be read while the store is being recovered; the server's setting is known.
        own.await.ok().and_then(|own| own.value).unwrap_or(self.settings.wait_for_enforcement)
    }
}

fn not_known(generation: u64) -> Fault {
    interface_error(&format!(
        "The change is made (generation {generation}) and stays made; whether it is in force is not known any more: \
         DescribeNodes shows which generation each node has confirmed."
    ))
}

fn not_in_force(generation: u64, laggards: &[Laggard]) -> Fault {
    let named: Vec<String> = laggards
        .iter()
        .take(NAMED_MAX)
        .map(|laggard| format!("{} ({})", laggard.node, delay::text(&laggard.delay)))
        .collect();
    let more = match laggards.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    interface_error(&format!(
        "The change is made (generation {generation}) and stays made, but is not in force yet at {}{more}. \
         DescribeEnforcement shows when it is.",
        named.join(", ")
    ))
}

fn interface_error(detail: &str) -> Fault {
    let fault = Fault::of(&code::ENS_INTERFACE_ERROR);
    Fault { message: format!("{} {detail}", fault.message), ..fault }
}

#[cfg(test)]
mod tests {
    use control::fleet::Delay;
    use http::HeaderValue;
    use model::NodeId;

    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn a_wait_is_a_number_of_seconds_up_to_a_minute() {
        assert_eq!(asked(&headers(&[])), Ok(None));
        for (text, seconds) in [("0", 0), ("5", 5), (" 60 ", 60), ("07", 7)] {
            assert_eq!(asked(&headers(&[text])), Ok(Some(seconds)), "{text}");
        }
        for malformed in [&[""][..], &["61"], &["-1"], &["1.5"], &["5s"], &["+5"], &["005"], &["1", "1"]] {
            let fault = asked(&headers(malformed)).unwrap_err();
            assert_eq!((&*fault.code, fault.status), ("InvalidParameter", 400), "{malformed:?}");
            assert!(fault.message.contains("x-ravelin-wait"), "{}", fault.message);
        }
    }

    #[test]
    fn the_first_laggards_are_named_and_the_others_counted() {
        let laggard = |number| Laggard { node: NodeId::from_number(number), delay: Delay::NeverConnected };
        let laggards: Vec<Laggard> = (1..=8).map(laggard).collect();
        let fault = not_in_force(7, &laggards);
        assert_eq!((&*fault.code, fault.status), ("ens.interface.error", 400));
        assert!(fault.message.starts_with("An error occurred while calling the API. The change is made"));
        assert!(fault.message.contains("(generation 7)") && fault.message.contains(" and 3 more. "));
        assert!(fault.message.contains(&laggards[4].node.to_string()));
        assert!(!fault.message.contains(&laggards[5].node.to_string()));
        assert!(!not_in_force(7, &laggards[..1]).message.contains("more"));
    }
}
