//! Others who change things meanwhile, so many times a second.

use std::{
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicU64,
            Ordering::{Relaxed, SeqCst},
        },
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::anyhow;
use model::{NetworkInterfaceId, SecurityGroupId};
use tokio::time::{self, MissedTickBehavior};

use super::{
    caller::{Caller, join, leave},
    site::Site,
};

/// How many of them there are.
const CALLERS: usize = 16;

/// Others, at work until they are told to stop. Each waits for the confirmation of what it changes.
pub struct Others {
    over: Arc<AtomicBool>,
    changes: Arc<AtomicU64>,
    began: Instant,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

impl Others {
    /// Begins, on a thread beside that which measures.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn begin(site: &Site, changes_per_second: u32) -> anyhow::Result<Self> {
        let (over, changes) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let shares = shares(&site.leavers, CALLERS);
        let count = u32::try_from(shares.len()).unwrap_or(1).max(1);
        let interval = Duration::from_secs(count.into()) / changes_per_second.max(1);
        let work = Work {
            address: site.address.clone(),
            group: site.access,
            interval,
            over: Arc::clone(&over),
            changes: Arc::clone(&changes),
        };
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let callers: Vec<_> = (0..count)
                    .zip(shares)
                    .map(|(place, share)| tokio::spawn(work.clone().run(interval * place / count, share)))
                    .collect();
                for caller in callers {
                    caller.await??;
                }
                Ok(())
            })
        };
        let thread = thread::Builder::new().name("others".into()).spawn(run)?;
        Ok(Self { over, changes, began: Instant::now(), thread: Some(thread) })
    }

    /// Stops them when each has taken back what it changed; gives how many changes they made in a second.
    ///
    /// # Errors
    /// A change was refused or not confirmed.
    pub fn finish(mut self) -> anyhow::Result<f64> {
        #[allow(clippy::cast_precision_loss, reason = "far fewer than 2^52 changes")]
        let rate = self.changes.load(SeqCst) as f64 / self.began.elapsed().as_secs_f64();
        self.stop()?;
        Ok(rate)
    }

    fn stop(&mut self) -> anyhow::Result<()> {
        self.over.store(true, SeqCst);
        let Some(thread) = self.thread.take() else { return Ok(()) };
        thread.join().map_err(|_| anyhow!("a thread panicked"))?
    }
}

impl Drop for Others {
    fn drop(&mut self) {
        // Whoever did not ask has another error to tell.
        let _ = self.stop();
    }
}

/// Deals interfaces out to so many callers at most, each of which has some.
fn shares(interfaces: &[NetworkInterfaceId], callers: usize) -> Vec<Vec<NetworkInterfaceId>> {
    let callers = callers.min(interfaces.len());
    let share = |caller: usize| interfaces.iter().skip(caller).step_by(callers.max(1)).copied().collect();
    (0..callers).map(share).collect()
}

#[derive(Clone)]
struct Work {
    address: String,
    group: SecurityGroupId,
    interval: Duration,
    over: Arc<AtomicBool>,
    changes: Arc<AtomicU64>,
}

impl Work {
    /// Changes these interfaces in turn. `first` is when it begins, so that not all do at once.
    async fn run(self, first: Duration, share: Vec<NetworkInterfaceId>) -> anyhow::Result<()> {
        let mut caller = Caller::connect(&self.address).await?;
        let mut pace = time::interval_at(time::Instant::now() + first, self.interval);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for interface in share.iter().cycle() {
            for change in [leave(*interface, self.group), join(*interface, self.group)] {
                pace.tick().await;
                caller.change(&change).await?;
                self.changes.fetch_add(1, Relaxed);
            }
            if self.over.load(SeqCst) {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_interface_is_one_callers() {
        let interfaces: Vec<_> = (0..10).map(NetworkInterfaceId::from_entropy).collect();
        let dealt = shares(&interfaces, 4);
        assert_eq!(dealt.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 2, 2]);
        let mut all: Vec<_> = dealt.concat();
        all.sort_unstable();
        let mut sorted = interfaces.clone();
        sorted.sort_unstable();
        assert_eq!(all, sorted);
        assert_eq!(shares(&interfaces, 16).len(), 10);
        assert!(shares(&[], 16).is_empty());
    }
}
