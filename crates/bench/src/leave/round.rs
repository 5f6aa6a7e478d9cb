//! One round: everything that is measured, once, one after the other.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::ensure;

use super::{
    caller::{Caller, authorize, revoke},
    node::{self, Told},
    options::Amounts,
    others::Others,
    rules::Accept,
    series::{self, Change, Cut},
    site::{ACCESS_PORT, FLEET_PORT, Site},
    switch::Switches,
    tls::RoundTrips,
};
use crate::{
    floor::{self, Log, Place},
    statistics::Measured,
};

/// How long the disk is measured in a round.
const DISK: Duration = Duration::from_millis(300);

/// What a Leave cannot do without, ready to be measured.
pub struct Floors {
    disk: PathBuf,
    log: Log,
    switches: Switches,
    round_trips: RoundTrips,
}

impl Floors {
    /// Prepares them: a dataplane with a class of so many rules, and a TLS connection.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn open(disk: &Path, rules: usize) -> anyhow::Result<Self> {
        let (switches, round_trips) = (Switches::open(rules)?, RoundTrips::connect()?);
        Ok(Self { disk: disk.to_owned(), log: Log::open(disk)?, switches, round_trips })
    }

    async fn measure(&mut self, caller: &mut Caller, times: usize) -> anyhow::Result<Floor> {
        let began = Instant::now();
        let nothing = caller.nothing(times).await?;
        Ok(Floor {
            nothing: Measured::of(nothing, began.elapsed()),
            disk: floor::fdatasync(&self.disk, DISK, Place::Appended)?,
            switch: self.switches.measure(times)?,
            round_trip: self.round_trips.measure(times)?,
            in_turn: self.in_turn(caller, times).await?,
        })
    }

    /// One of each, one after the other, so many times; gives how long the four took together. Not the sum of four
    /// percentiles, which are seldom met all at once.
    async fn in_turn(&mut self, caller: &mut Caller, times: usize) -> anyhow::Result<Measured> {
        let (mut latencies, began) = (Vec::with_capacity(times), Instant::now());
        for _ in 0..times {
            let nothing = caller.nothing(1).await?[0];
            let disk = self.log.write()?;
            let others = self.switches.measure(1)?.p50_us + self.round_trips.measure(1)?.p50_us;
            latencies.push(nothing + disk + Duration::from_secs_f64(others / 1e6));
        }
        Ok(Measured::of(latencies, began.elapsed()))
    }
}

/// What a Leave cannot do without.
#[derive(Debug, Clone, Copy)]
pub struct Floor {
    /// A call that does nothing.
    pub nothing: Measured,
    /// An append to a file that is on disk.
    pub disk: Measured,
    /// A switch that is read back.
    pub switch: Measured,
    /// A message and its answer over TLS.
    pub round_trip: Measured,
    /// One of each, one after the other.
    pub in_turn: Measured,
}

impl Floor {
    /// Its parts.
    pub fn parts(&self) -> [Measured; 4] {
        [self.nothing, self.disk, self.switch, self.round_trip]
    }

    /// The sum of the medians of its parts, in microseconds.
    pub fn sum_us(&self) -> f64 {
        self.parts().iter().map(|part| part.p50_us).sum()
    }
}

/// What was measured in one round.
pub struct Round {
    /// The floor.
    pub floor: Floor,
    /// On the small site and on the large one.
    pub sites: [OfSite; 2],
}

/// What was measured of one site in one round.
pub struct OfSite {
    /// A Leave that concerns one node.
    pub leave: Measured,
    /// One after which the interface's class has to be made.
    pub single: Measured,
    /// A Leave while others change things.
    pub under_load: Measured,
    /// What a Leave cannot do without, one after the other, meanwhile.
    pub floor_under_load: Measured,
    /// How many changes a second those made.
    pub load: f64,
    /// A Leave that cuts a flow.
    pub cut: Cut,
    /// A rule removed from the group that all interfaces are in.
    pub rule: Measured,
    /// The same, cutting a flow on every node.
    pub rule_cut: Cut,
    /// Leaves at once, and how long all of them took.
    pub at_once: (Measured, Duration),
    /// As many calls at once that do nothing.
    pub nothing_at_once: (Measured, Duration),
    /// What nodes were told by the Leaves.
    pub told: ToldBy,
}

/// What nodes were told while so many changes were made that concern one of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct ToldBy {
    /// Changes.
    pub changes: u64,
    /// What the node was told that they concern.
    pub concerned: Told,
    /// What all others were told together.
    pub others: Told,
    /// What those were told in as much time while nothing changed.
    pub at_rest: Told,
}

impl Round {
    /// Measures everything once.
    ///
    /// # Errors
    /// A change is refused or not confirmed; the kernel refuses.
    pub async fn measure(
        floors: &mut Floors,
        sites: &mut [Site; 2],
        amounts: Amounts,
    ) -> anyhow::Result<Self> {
        let [small, large] = sites;
        let floor = floors.measure(&mut small.caller, amounts.times).await?;
        let small = OfSite::measure(small, floors, amounts).await?;
        let sites = [small, OfSite::measure(large, floors, amounts).await?];
        Ok(Self { floor, sites })
    }
}

impl OfSite {
    async fn measure(site: &mut Site, floors: &mut Floors, amounts: Amounts) -> anyhow::Result<Self> {
        let Amounts { times, few_times, records, .. } = amounts;
        let (leave, told) = leaves(site, times).await?;
        let single = Change::leave(site, site.single);
        let single = series::confirmed(&mut site.caller, &single, times).await?;
        let UnderLoad { leave: under_load, floor: floor_under_load, load } =
            UnderLoad::measure(site, floors, amounts).await?;

        let flows = node::flows(&site.nodes[..1], ACCESS_PORT, Site::interval(1, records))?;
        let change = Change::leave(site, site.target);
        let cut = series::cut(&mut site.caller, &change, &flows, few_times).await?;
        drop(flows);

        let opening = Accept::flow(FLEET_PORT);
        let change = Change { there: revoke(site.fleet, &opening), back: authorize(site.fleet, &opening) };
        let rule = series::confirmed(&mut site.caller, &change, few_times).await?;
        let flows = node::flows(&site.nodes, FLEET_PORT, Site::interval(site.nodes.len(), records))?;
        let rule_cut = series::cut(&mut site.caller, &change, &flows, few_times).await?;
        drop(flows);

        let nothing_at_once = series::nothing_at_once(site).await?;
        let at_once = series::at_once(site).await?;
        Ok(Self {
            leave,
            single,
            under_load,
            floor_under_load,
            load,
            cut,
            rule,
            rule_cut,
            at_once,
            nothing_at_once,
            told,
        })
    }
}

/// Leaves that concern the first node, and what all nodes were told meanwhile.
async fn leaves(site: &mut Site, times: usize) -> anyhow::Result<(Measured, ToldBy)> {
    let change = Change::leave(site, site.target);
    let (before, began) = (site.told()?, Instant::now());
    let leave = series::confirmed(&mut site.caller, &change, times).await?;
    let (after, took) = (site.told()?, began.elapsed());
    tokio::time::sleep(took).await;
    let later = site.told()?;
    let told = ToldBy {
        // Each was taken back.
        changes: 2 * times as u64,
        concerned: after[0].since(before[0]),
        others: Told::sum(&after[1..]).since(Told::sum(&before[1..])),
        at_rest: Told::sum(&later[1..]).since(Told::sum(&after[1..])),
    };
    ensure!(told.concerned.messages > 0, "the node that the changes concern says that it was told nothing");
    Ok((leave, told))
}

/// What was measured while others changed things.
struct UnderLoad {
    leave: Measured,
    floor: Measured,
    load: f64,
}

impl UnderLoad {
    async fn measure(site: &mut Site, floors: &mut Floors, amounts: Amounts) -> anyhow::Result<Self> {
        let change = Change::leave(site, site.target);
        let others = Others::begin(site, amounts.load)?;
        let leave = series::confirmed(&mut site.caller, &change, amounts.times).await?;
        let floor = floors.in_turn(&mut site.caller, amounts.times).await?;
        Ok(Self { leave, floor, load: others.finish()? })
    }
}
