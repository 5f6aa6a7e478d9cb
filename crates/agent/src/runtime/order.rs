//! What the enforcer's thread is told and asked.

use std::time::Instant;

use dataplane::Drops;
use model::NetworkInterfaceId;
use protocol::node;
use tokio::sync::{mpsc, oneshot};

use super::{
    listing::{Counting, Listing},
    measure::Measures,
};
use crate::{
    device::FoundDevices,
    status::{DeviceStatus, InterfaceStatus},
    wanted::Update,
};

/// The most orders that wait; whoever has another one waits, and what comes from the control plane is not read on.
const ORDERS_MAX: usize = 64;

/// What the enforcer's thread is told.
#[derive(Debug)]
pub(crate) enum Order {
    /// An update of the control plane, and when it came.
    Update(Update, Instant),
    /// Which devices there are now.
    Devices(FoundDevices),
    /// Something else, when that is done.
    Ask(Ask),
    /// To end, when what came before is done. What is in force stays so.
    End,
}

/// What the enforcer's thread is asked or told to do beside.
#[derive(Debug)]
pub(crate) enum Ask {
    /// A session begins: what there is to say on it, its greeting first.
    Begin(oneshot::Sender<mpsc::Receiver<node::FromNode>>),
    /// What lists the flows of an interface.
    Flows {
        /// Which one.
        interface: NetworkInterfaceId,
        /// Where to; or why not.
        answer: oneshot::Sender<Result<Listing, String>>,
    },
    /// What adds up what an interface counts.
    Counters {
        /// Which one.
        interface: NetworkInterfaceId,
        /// Where to; or why not.
        answer: oneshot::Sender<Result<Counting, String>>,
    },
    /// Packets that were dropped at an interface since it was bound.
    Dropped {
        /// Which one.
        interface: NetworkInterfaceId,
        /// Where to; or why not.
        answer: oneshot::Sender<Result<Drops, String>>,
    },
    /// What the kernel counts.
    Measure(oneshot::Sender<Measures>),
    /// How interfaces and devices stand.
    Look(oneshot::Sender<Sight>),
    /// Lets a device go that nobody bound, though it was closed.
    Release {
        /// Its name.
        device: String,
        /// Also one that is bound, where there is no session.
        force: bool,
        /// What became of it.
        answer: oneshot::Sender<Result<(), String>>,
    },
    /// Says to the control plane how the node is.
    Report,
    /// Reads the samples of dropped packets.
    Drain,
    /// Compares the kernel with what was put in force.
    Audit,
    /// Makes good what could not be saved, and makes room for what is to be saved.
    Upkeep,
    /// Whether it still works.
    Alive(oneshot::Sender<()>),
}

impl Ask {
    /// Whether whoever asked does not wait for the answer any more. What was to be done for it is not done then.
    pub(crate) fn is_given_up(&self) -> bool {
        match self {
            Self::Begin(answer) => answer.is_closed(),
            Self::Flows { answer, .. } => answer.is_closed(),
            Self::Counters { answer, .. } => answer.is_closed(),
            Self::Dropped { answer, .. } => answer.is_closed(),
            Self::Measure(answer) => answer.is_closed(),
            Self::Look(answer) => answer.is_closed(),
            Self::Release { answer, .. } => answer.is_closed(),
            Self::Alive(answer) => answer.is_closed(),
            Self::Report | Self::Drain | Self::Audit | Self::Upkeep => false,
        }
    }
}

/// How interfaces and devices stand.
#[derive(Debug, Default)]
pub(crate) struct Sight {
    pub(crate) interfaces: Vec<InterfaceStatus>,
    pub(crate) devices: Vec<DeviceStatus>,
    pub(crate) measures: Measures,
}

/// Where orders are given.
#[derive(Debug, Clone)]
pub(crate) struct Orders(mpsc::Sender<Order>);

/// The thread has ended.
#[derive(Debug)]
pub(crate) struct Ended;

impl Orders {
    /// A queue of orders.
    pub(crate) fn queue() -> (Self, mpsc::Receiver<Order>) {
        let (orders, queue) = mpsc::channel(ORDERS_MAX);
        (Self(orders), queue)
    }

    /// Waits until there is room for an order, and keeps it.
    pub(crate) async fn room(&self) -> Result<mpsc::Permit<'_, Order>, Ended> {
        self.0.reserve().await.map_err(|_| Ended)
    }

    /// Gives an order.
    pub(crate) async fn give(&self, order: Order) -> Result<(), Ended> {
        self.0.send(order).await.map_err(|_| Ended)
    }

    /// Asks something, and waits for the answer.
    pub(crate) async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, Ended> {
        let (answer, answered) = oneshot::channel();
        self.give(Order::Ask(ask(answer))).await?;
        answered.await.map_err(|_| Ended)
    }
}

/// Orders that waited, sorted: the newest state of devices, updates of which as many as possible are one, and the rest.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) devices: Option<FoundDevices>,
    /// Each with when the first of those came that it is made of.
    pub(crate) updates: Vec<(Update, Instant)>,
    pub(crate) asks: Vec<Ask>,
    pub(crate) end: bool,
    /// How many orders it is made of.
    pub(crate) orders: usize,
}

impl Batch {
    /// Adds an order.
    pub(crate) fn add(&mut self, order: Order) {
        self.orders += 1;
        match order {
            Order::Ask(ask) => self.asks.push(ask),
            Order::End => self.end = true,
            Order::Devices(devices) => match &mut self.devices {
                Some(before) => {
                    before.ended.extend(devices.ended);
                    before.found = devices.found;
                }
                none => *none = Some(devices),
            },
            Order::Update(update, came) => match self.updates.pop() {
                None => self.updates.push((update, came)),
                Some((before, first)) => match before.merge(update) {
                    Ok(one) => self.updates.push((one, first)),
                    Err(apart) => self.updates.extend([(apart.0, first), (apart.1, came)]),
                },
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use dataplane::Device;

    use super::*;
    use crate::{FoundDevice, Wanted};

    fn device(ifindex: u32) -> FoundDevice {
        FoundDevice { device: Device { ifindex, name: "vnet0".into() }, alias: "".into(), unfit: None }
    }

    #[test]
    fn what_waits_is_done_once() {
        let mut batch = Batch::default();
        let (first, later) = (Instant::now(), Instant::now());
        let devices = |ifindex, ended| {
            Order::Devices(FoundDevices { found: vec![device(ifindex)], ended: [ended].into() })
        };
        batch.add(devices(7, 3));
        batch.add(Order::Update(Update::snapshot(Wanted { generation: 3, ..Wanted::default() }), first));
        batch.add(devices(8, 7));
        batch.add(Order::Update(Update::Current { generation: 5, run: 0 }, later));
        batch.add(Order::Update(Update::Current { generation: 4, run: 0 }, later));
        batch.add(Order::Ask(Ask::Audit));
        let found = batch.devices.unwrap();
        assert_eq!((found.found, found.ended), (vec![device(8)], [3, 7].into()));
        let generations: Vec<_> =
            batch.updates.iter().map(|(update, came)| (update.generation(), *came)).collect();
        assert_eq!(generations, [(5, first), (4, later)], "what goes back is judged by itself");
        assert_eq!(batch.asks.len(), 1);
    }
}
