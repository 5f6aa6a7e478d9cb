//! What arrived at one end of a flow. Pure.

use std::time::{Duration, SystemTime};

/// A record that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Its number: the first record has 0.
    pub number: u64,
    /// When the kernel had it for the reader, by the clock of the day.
    pub at: SystemTime,
}

/// What arrived at one end of a flow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many records, none counted twice as long as they arrive in order.
    pub received: u64,
    /// The one that arrived first.
    pub first: Option<Arrival>,
    /// The one that arrived last.
    pub last: Option<Arrival>,
    /// Records that arrived after one with a higher number, or a second time.
    pub disordered: u64,
    /// The longest time between two arrivals.
    pub longest_pause: Duration,
}

impl Tally {
    /// Counts an arrival.
    pub(crate) fn count(&mut self, arrival: Arrival) {
        self.received += 1;
        self.first.get_or_insert(arrival);
        if let Some(last) = self.last {
            // A clock that was set back meanwhile makes no pause.
            let pause = arrival.at.duration_since(last.at).unwrap_or_default();
            self.longest_pause = self.longest_pause.max(pause);
            self.disordered += u64::from(arrival.number <= last.number);
        }
        self.last = Some(arrival);
    }

    /// How many records before the last one have not arrived, where they arrive in order.
    pub fn missing(&self) -> u64 {
        self.last.map_or(0, |last| (last.number + 1).saturating_sub(self.received))
    }

    /// How many of so many records that were sent did not arrive.
    pub fn lost_of(&self, sent: u64) -> u64 {
        sent.saturating_sub(self.received)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrival(number: u64, ms: u64) -> Arrival {
        Arrival { number, at: SystemTime::UNIX_EPOCH + Duration::from_millis(ms) }
    }

    #[test]
    fn pauses_losses_and_disorder_are_counted() {
        let mut tally = Tally::default();
        for (number, ms) in [(0, 10), (1, 11), (3, 31), (2, 32), (2, 33), (9, 30)] {
            tally.count(arrival(number, ms));
        }
        assert_eq!((tally.received, tally.disordered), (6, 2));
        assert_eq!(tally.longest_pause, Duration::from_millis(20));
        assert_eq!((tally.first, tally.last), (Some(arrival(0, 10)), Some(arrival(9, 30))));
        assert_eq!((tally.missing(), Tally::default().missing()), (4, 0));
        assert_eq!((tally.lost_of(10), tally.lost_of(6), tally.lost_of(0)), (4, 0, 0));
    }
}
