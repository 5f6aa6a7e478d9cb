//! What the agent does beside obeying: it follows devices, looks after itself, and tells the service manager.

use std::{future, net::IpAddr, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};

use super::{
    feed::DeviceFeed,
    order::{Ask, Order, Orders},
    shared::Shared,
    sight,
};
use crate::{
    enforcer::chain,
    service_manager::{self, News},
};

/// How often samples of dropped packets are read though nobody waits for one.
const DRAIN: Duration = Duration::from_secs(1);
/// How often the control plane is told how the node is.
const REPORT: Duration = Duration::from_secs(10);
/// How often what could not be saved is tried again.
const UPKEEP: Duration = Duration::from_secs(2);
/// How long to wait after the kernel did not tell of devices.
const PAUSE: Duration = Duration::from_secs(1);
/// The least time between two lines for the service manager.
const LINE_PAUSE: Duration = Duration::from_secs(1);

/// Tells the enforcer's thread which devices there are, until it ends. Everything is looked at again with each audit, and
/// when `reached` is told, which says where the control plane was reached.
pub(super) async fn devices(
    mut feed: DeviceFeed,
    orders: Orders,
    audit: Duration,
    mut reached: watch::Receiver<Option<IpAddr>>,
) {
    let mut failed = false;
    let mut next_look = Instant::now() + audit;
    loop {
        let changed = tokio::select! {
            changed = feed.changed() => changed,
            Ok(()) = reached.changed() => {
                feed.look_again(*reached.borrow_and_update());
                continue;
            }
            () = tokio::time::sleep_until(next_look) => {
                next_look = Instant::now() + audit;
                feed.look_again(*reached.borrow());
                if orders.give(Order::Ask(Ask::Audit)).await.is_err() {
                    return;
                }
                continue;
            }
        };
        match changed {
            Some(Ok(devices)) => {
                failed = false;
                if orders.give(Order::Devices(devices)).await.is_err() {
                    return;
                }
            }
            Some(Err(error)) => {
                if !std::mem::replace(&mut failed, true) {
                    let error = chain(&error);
                    tracing::error!(error, "devices are not followed: it is tried again every second");
                }
                feed.look_again(*reached.borrow());
                sleep(PAUSE).await;
            }
            None => future::pending().await,
        }
    }
}

/// Gives an order again and again, until nobody takes it.
pub(super) async fn every(period: Duration, orders: Orders, ask: fn() -> Ask) {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if orders.give(Order::Ask(ask())).await.is_err() {
            return;
        }
    }
}

/// What is done again and again.
pub(super) const CHORES: [(Duration, fn() -> Ask); 3] =
    [(DRAIN, || Ask::Drain), (REPORT, || Ask::Report), (UPKEEP, || Ask::Upkeep)];

/// Tells the service manager how the agent stands.
pub(super) async fn lines(shared: Arc<Shared>) {
    let mut changes = shared.changes();
    let mut said = String::new();
    loop {
        let line = sight::line(&shared);
        if line != said {
            service_manager::tell(&News::Status(&line));
            said = line;
        }
        sleep(LINE_PAUSE).await;
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// Tells the service manager that the agent still works, as long as the enforcer's thread answers.
pub(super) async fn watchdog(orders: Orders) {
    let Some(period) = service_manager::watchdog() else { return future::pending().await };
    loop {
        match timeout(period, orders.ask(Ask::Alive)).await {
            Ok(Ok(())) => service_manager::tell(&News::Alive),
            Ok(Err(_)) => return,
            Err(_) => {
                tracing::error!("the enforcer's thread does not answer");
                continue;
            }
        }
        sleep(period).await;
    }
}
