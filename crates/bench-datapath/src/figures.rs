//! Medians, percentiles, and the order in which things are measured.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The figure that so many percent of them do not exceed; 0 of none.
pub fn percentile(figures: impl IntoIterator<Item = f64>, percent: usize) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    let place = (figures.len() * percent / 100).min(figures.len().saturating_sub(1));
    figures.get(place).copied().unwrap_or_default()
}

/// The median; 0 of none.
pub fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    percentile(figures, 50)
}

/// The median of the ratios of what was measured in the same round.
pub fn ratio(one: &[f64], other: &[f64]) -> f64 {
    median(one.iter().zip(other).map(|(one, other)| one / other))
}

/// In microseconds.
pub fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Puts things into another order each time (xorshift), so that none is always measured after the same one.
pub struct Shuffle(u64);

impl Shuffle {
    /// Begins with the time.
    pub fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::from(now.subsec_nanos()) << 32 | now.as_secs() | 1)
    }

    /// The numbers below `count`.
    pub fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for place in (1..count).rev() {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            let other = usize::try_from(self.0 % (place as u64 + 1)).unwrap_or(0);
            order.swap(place, other);
        }
        order
    }
}
