//! Changes, one after the other: each is taken back before the next, which is not counted.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use anyhow::ensure;
use model::NetworkInterfaceId;
use traffic::{Bundle, Tally};

use super::{
    caller::{Caller, Confirmed, WAIT_SECONDS, join, leave},
    site::Site,
};
use crate::{
    load::{self, Request},
    statistics::Measured,
};

/// How long nothing may arrive before a flow counts as cut.
const QUIET: Duration = Duration::from_millis(20);
/// How long a flow that is permitted again may take to show it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections over which what left joins again.
const REJOINING: usize = 32;

/// A change and what takes it back.
pub struct Change {
    /// The change.
    pub there: Request,
    /// What takes it back.
    pub back: Request,
}

impl Change {
    /// An interface leaves a group, and joins it again.
    pub fn leave(site: &Site, interface: NetworkInterfaceId) -> Self {
        Self { there: leave(interface, site.access), back: join(interface, site.access) }
    }
}

/// From asking until it was confirmed, so many times.
///
/// # Errors
/// A change is refused, or not confirmed.
pub async fn confirmed(caller: &mut Caller, change: &Change, times: usize) -> anyhow::Result<Measured> {
    let (mut latencies, started) = (Vec::with_capacity(times), Instant::now());
    for _ in 0..times {
        latencies.push(caller.change(&change.there).await?.took);
        caller.change(&change.back).await?;
    }
    Ok(Measured::of(latencies, started.elapsed()))
}

/// What changes did to flows that they cut.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cut {
    /// From asking until it was confirmed.
    pub confirmed: Measured,
    /// From asking until the last packet of any of the flows was delivered.
    pub last_packet: Measured,
    /// Times between two packets of a flow while it was permitted.
    pub pause: Measured,
    /// Packets that were delivered after the confirmation was read.
    pub late: u64,
}

/// The same while flows run that the change cuts.
///
/// # Errors
/// As [`confirmed`]; the flows do not run when they are permitted.
pub async fn cut(caller: &mut Caller, change: &Change, flows: &Bundle, times: usize) -> anyhow::Result<Cut> {
    let (mut confirmed, mut last_packet, mut late) = (Vec::new(), Vec::new(), 0);
    let started = Instant::now();
    for _ in 0..times {
        let permitted = flows.flows_after(SystemTime::now(), PATIENCE);
        ensure!(permitted, "a flow that is permitted does not arrive: {:?}", flows.look());
        let done = caller.change(&change.there).await?;
        let at_confirmation = flows.look();
        tokio::time::sleep(QUIET).await;
        let tallies = flows.look();
        late += late_packets(&at_confirmation, &tallies, &done);
        confirmed.push(done.took);
        last_packet.push(last(&tallies).duration_since(done.asked_at).unwrap_or_default());
        caller.change(&change.back).await?;
    }
    let wall = started.elapsed();
    Ok(Cut {
        confirmed: Measured::of(confirmed, wall),
        last_packet: Measured::of(last_packet, wall),
        pause: Measured::of(flows.pauses(), wall),
        late,
    })
}

/// When the last packet of any flow arrived.
fn last(tallies: &[Tally]) -> SystemTime {
    let moments = tallies.iter().filter_map(|tally| tally.last).map(|last| last.at);
    moments.max().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// How many packets were stamped after the confirmation: all of those that were read later than it was looked, or one
/// where there were some between the confirmation and the look.
fn late_packets(at_confirmation: &[Tally], after: &[Tally], done: &Confirmed) -> u64 {
    let each = at_confirmation.iter().zip(after).map(|(before, after)| {
        let between = before.last.is_some_and(|last| last.at > done.answered_at);
        after.received - before.received + u64::from(between)
    });
    each.sum()
}

/// All leavers leave at once, each over a connection of its own, and join again.
///
/// # Errors
/// As [`confirmed`].
pub async fn at_once(site: &Site) -> anyhow::Result<(Measured, Duration)> {
    let requests = |make: fn(NetworkInterfaceId, model::SecurityGroupId) -> Request| -> load::Source {
        let requests: Vec<_> = site.leavers.iter().map(|leaver| make(*leaver, site.access)).collect();
        Arc::new(move |number| requests.get(number).cloned())
    };
    let time = Duration::from_secs(WAIT_SECONDS.into());
    let waiting = |connection: load::Connection| connection.waiting(WAIT_SECONDS);
    let left = load::run_over(&site.address, site.leavers.len(), time, requests(leave), waiting).await?;
    let wall = left.wall;
    ensure!(left.latencies.len() == site.leavers.len(), "not all have left within {} s", time.as_secs());
    let back = load::run_over(&site.address, REJOINING, time, requests(join), waiting).await?;
    ensure!(
        back.latencies.len() == site.leavers.len(),
        "not all have joined again within {} s",
        time.as_secs()
    );
    Ok((left.measured(), wall))
}

/// As many calls at once that do nothing: what the calls alone cost.
///
/// # Errors
/// One fails.
pub async fn nothing_at_once(site: &Site) -> anyhow::Result<(Measured, Duration)> {
    let count = site.leavers.len();
    let nothing = (wire::catalogue::Product::Sts, "GetCallerIdentity", Vec::new());
    let source: load::Source = Arc::new(move |number| (number < count).then(|| nothing.clone()));
    let done = load::run(&site.address, count, Duration::from_secs(WAIT_SECONDS.into()), source).await?;
    let wall = done.wall;
    Ok((done.measured(), wall))
}

#[cfg(test)]
mod tests {
    use traffic::Arrival;

    use super::*;

    fn tally(received: u64, last_ms: u64) -> Tally {
        let last = Arrival { number: received, at: SystemTime::UNIX_EPOCH + Duration::from_millis(last_ms) };
        Tally { received, last: Some(last), ..Tally::default() }
    }

    #[test]
    fn packets_after_the_confirmation_are_late_and_those_before_are_not() {
        let at = |ms| SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
        let done = Confirmed { asked_at: at(90), answered_at: at(100), took: Duration::from_millis(10) };
        let late = |before: Tally, after: Tally| late_packets(&[before], &[after], &done);
        assert_eq!(late(tally(10, 95), tally(10, 95)), 0);
        assert_eq!(late(tally(10, 95), tally(13, 103)), 3);
        assert_eq!(late(tally(10, 101), tally(10, 101)), 1);
        assert_eq!(last(&[tally(1, 5), tally(2, 9), tally(3, 7), Tally::default()]), at(9));
    }
}
