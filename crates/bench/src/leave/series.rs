//! Changes, one after the other: each is taken back before the next, which is not counted.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, ensure};
use model::NetworkInterfaceId;
use traffic::Bundle;

use super::{
    caller::{Caller, WAIT_SECONDS, join, leave},
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
    /// From asking until the last packet of any of the flows was delivered, also where that was after the confirmation.
    pub last_packet: Measured,
    /// Times between two packets of a flow while it was permitted.
    pub pause: Measured,
    /// Packets that were delivered after the confirmation was read.
    pub late: Late,
    /// Changes before which no packet had been delivered since they were asked for: the flows had paused, and what is not
    /// there cannot be the last one. They do not count for `last_packet`.
    pub paused: u64,
}

/// Packets that were delivered later than they should.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Late {
    /// How many.
    pub packets: u64,
    /// How long after the confirmation was read the last of them was.
    pub by: Duration,
}

impl Late {
    /// Of packets with these stamps, where the confirmation was read at a moment.
    fn of(stamps: &[SystemTime], answered_at: SystemTime) -> Self {
        let late = stamps.iter().filter_map(|at| at.duration_since(answered_at).ok());
        let late: Vec<Duration> = late.filter(|by| !by.is_zero()).collect();
        Self { packets: late.len() as u64, by: late.into_iter().max().unwrap_or_default() }
    }

    /// These and those.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { packets: self.packets + other.packets, by: self.by.max(other.by) }
    }
}

/// The same while flows run that the change cuts. What comes later than [`QUIET`] after the confirmation is not looked
/// for: the change is taken back then.
///
/// # Errors
/// As [`confirmed`]; the flows do not run when they are permitted.
pub async fn cut(caller: &mut Caller, change: &Change, flows: &Bundle, times: usize) -> anyhow::Result<Cut> {
    let (mut confirmed, mut last_packet, mut late, mut paused) = (Vec::new(), Vec::new(), Late::default(), 0);
    let started = Instant::now();
    for _ in 0..times {
        let permitted = flows.flows_after(SystemTime::now(), PATIENCE);
        ensure!(permitted, "a flow that is permitted does not arrive: {:?}", flows.look());
        let done = caller.change(&change.there).await?;
        tokio::time::sleep(QUIET).await;
        let stamps =
            flows.arrived_after(done.asked_at).context("packets came in faster than they are kept")?;
        late = late.and(Late::of(&stamps, done.answered_at));
        confirmed.push(done.took);
        match stamps.into_iter().max().and_then(|last| last.duration_since(done.asked_at).ok()) {
            Some(last) => last_packet.push(last),
            None => paused += 1,
        }
        caller.change(&change.back).await?;
    }
    let wall = started.elapsed();
    Ok(Cut {
        confirmed: Measured::of(confirmed, wall),
        last_packet: Measured::of(last_packet, wall),
        pause: Measured::of(flows.pauses(), wall),
        late,
        paused,
    })
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
    use super::*;

    #[test]
    fn packets_after_the_confirmation_are_late_and_those_before_are_not() {
        let at = |ms| SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
        assert_eq!(Late::of(&[at(91), at(100)], at(100)), Late::default());
        let late = Late::of(&[at(103), at(99), at(101)], at(100));
        assert_eq!(late, Late { packets: 2, by: Duration::from_millis(3) });
        let more = Late { packets: 1, by: Duration::from_millis(7) };
        assert_eq!(late.and(more), Late { packets: 3, by: Duration::from_millis(7) });
        assert_eq!(Late::default().and(late), late);
    }
}
