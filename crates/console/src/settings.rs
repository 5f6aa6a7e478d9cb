//! What the operator decides about the console.

use serde::{Deserialize, Serialize};

/// What the console is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConsoleSettings {
    /// Whether there is a console.
    pub enabled: bool,
    /// How long somebody stays signed in who does nothing, in minutes.
    pub idle_minutes: u32,
    /// How long somebody stays signed in at all, in hours.
    pub session_hours: u32,
    /// How many people may be signed in at a time. Where one more comes, whoever was quiet for longest is signed out.
    pub sessions_max: usize,
    /// How many times a minute somebody may try to sign in, from one address (of IPv6: one network of 64 bits).
    pub attempts_per_minute: u32,
    /// How many pages may be kept up to date at a time. Others are as they were when they were opened.
    pub streams_max: usize,
}

impl Default for ConsoleSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            idle_minutes: 30,
            session_hours: 12,
            sessions_max: 1_000,
            attempts_per_minute: 10,
            streams_max: 64,
        }
    }
}

impl ConsoleSettings {
    /// Whether every setting is in its range.
    ///
    /// # Errors
    /// The first that is not, in words.
    pub fn check(&self) -> Result<(), String> {
        let number = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
        for (name, value, most) in [
            ("idle_minutes", self.idle_minutes.into(), 24 * 60),
            ("session_hours", self.session_hours.into(), 30 * 24),
            ("sessions_max", number(self.sessions_max), 100_000),
            ("attempts_per_minute", self.attempts_per_minute.into(), 6_000),
            ("streams_max", number(self.streams_max), 10_000),
        ] {
            if !(1..=most).contains(&value) {
                return Err(format!("{name} must be from 1 to {most}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_out_of_range_is_named() {
        assert_eq!(ConsoleSettings::default().check(), Ok(()));
        let never = ConsoleSettings { idle_minutes: 0, ..ConsoleSettings::default() };
        assert_eq!(never.check(), Err("idle_minutes must be from 1 to 1440".into()));
    }
}
