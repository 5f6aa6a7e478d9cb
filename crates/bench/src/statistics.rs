//! Medians and percentiles.

use std::time::Duration;

/// What one measurement gave.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measured {
    /// Median latency, microseconds.
    pub p50_us: f64,
    /// 99th percentile of latency, microseconds.
    pub p99_us: f64,
    /// Calls a second.
    pub rate: f64,
    /// How many calls.
    pub calls: usize,
}

impl Measured {
    /// Sums latencies up that were measured within `wall` time.
    pub fn of(mut latencies: Vec<Duration>, wall: Duration) -> Self {
        latencies.sort_unstable();
        let at = |percent: usize| {
            let place = (latencies.len() * percent / 100).min(latencies.len().saturating_sub(1));
            latencies.get(place).map_or(0.0, |latency| latency.as_secs_f64() * 1e6)
        };
        #[allow(clippy::cast_precision_loss, reason = "far fewer than 2^52 calls")]
        let rate = latencies.len() as f64 / wall.as_secs_f64();
        Self { p50_us: at(50), p99_us: at(99), rate, calls: latencies.len() }
    }

    /// The measurement whose every figure is the median of that figure over the rounds.
    pub fn median(rounds: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(rounds.iter().map(figure));
        Self {
            p50_us: of(|m| m.p50_us),
            p99_us: of(|m| m.p99_us),
            rate: of(|m| m.rate),
            calls: rounds.iter().map(|m| m.calls).sum(),
        }
    }
}

/// The median; 0 of none.
pub fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}
