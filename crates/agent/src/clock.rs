//! What time it is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use model::UnixMillis;

/// What time it is.
pub fn now() -> UnixMillis {
    at(SystemTime::now())
}

/// A moment of the system's clock.
fn at(time: SystemTime) -> UnixMillis {
    let milliseconds = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => UnixMillis(milliseconds(since)),
        Err(before) => UnixMillis(-milliseconds(before.duration())),
    }
}

/// How long it is from one moment to a later one; nothing where that is over.
pub fn until(now: UnixMillis, then: UnixMillis) -> Duration {
    Duration::from_millis(u64::try_from(then.0.saturating_sub(now.0)).unwrap_or(0))
}

/// When the machine was started, as near as the clocks agree; none where the system does not say.
pub fn booted_at() -> Option<UnixMillis> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse::<i64>().ok().map(|seconds| UnixMillis(seconds.saturating_mul(1000)))
}
