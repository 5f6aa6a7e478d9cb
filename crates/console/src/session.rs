//! Who is signed in: sessions that end, no more of them than there may be.

use std::{collections::HashMap, sync::Arc};

use control::Clock;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::{once::SentForms, settings::ConsoleSettings, token};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
/// How far a clock is set right without anybody being signed out.
const SET_BACK_MS: i64 = MINUTE_MS;
/// How many pages one session may keep up to date at a time, so that nobody takes the place of everybody else.
const STREAMS_MAX: usize = 8;

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// The access key that was signed in with.
    pub(crate) access_key_id: Arc<str>,
    /// What every form of this session carries.
    pub(crate) form_token: Arc<str>,
    /// Its forms that were sent.
    pub(crate) sent: Arc<SentForms>,
    /// One permit for each page that this session keeps up to date.
    pub(crate) streams: Arc<Semaphore>,
    began_ms: i64,
    seen_ms: i64,
}

/// All that are signed in, by the digest of what their cookie says.
pub(crate) struct Sessions {
    clock: Arc<dyn Clock>,
    idle_ms: i64,
    whole_ms: i64,
    most: usize,
    all: Mutex<HashMap<[u8; 32], Session>>,
}

impl Sessions {
    pub(crate) fn new(settings: &ConsoleSettings, clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            idle_ms: i64::from(settings.idle_minutes) * MINUTE_MS,
            whole_ms: i64::from(settings.session_hours) * HOUR_MS,
            most: settings.sessions_max.max(1),
            all: Mutex::default(),
        }
    }

    /// Lets somebody in who has proven to hold this key. The text is for the cookie; none without randomness.
    pub(crate) fn begin(&self, access_key_id: &str) -> Option<String> {
        let (cookie, form_token) = (token::random()?, token::random()?);
        let now = self.clock.now().0;
        let session = Session {
            access_key_id: access_key_id.into(),
            form_token: form_token.into(),
            sent: Arc::default(),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            began_ms: now,
            seen_ms: now,
        };
        let mut all = self.all.lock();
        if all.len() >= self.most {
            all.retain(|_, session| self.lasts(session, now));
        }
        while all.len() >= self.most {
            let quietest = all.iter().min_by_key(|(_, session)| session.seen_ms).map(|(digest, _)| *digest);
            let Some(quietest) = quietest else { break };
            all.remove(&quietest);
        }
        all.insert(token::digest(&cookie), session);
        Some(cookie)
    }

    /// The session of a cookie. It has been seen now, which lets it last.
    pub(crate) fn see(&self, cookie: &str) -> Option<Session> {
        self.look(cookie, true)
    }

    /// The session of a cookie, without letting it last longer.
    pub(crate) fn peek(&self, cookie: &str) -> Option<Session> {
        self.look(cookie, false)
    }

    fn look(&self, cookie: &str, seen: bool) -> Option<Session> {
        let digest = token::digest(cookie);
        let now = self.clock.now().0;
        let mut all = self.all.lock();
        let session = all.get_mut(&digest)?;
        if !self.lasts(session, now) {
            all.remove(&digest);
            return None;
        }
        if seen {
            session.seen_ms = now;
        }
        Some(session.clone())
    }

    /// Ends the session of a cookie.
    pub(crate) fn end(&self, cookie: &str) {
        self.all.lock().remove(&token::digest(cookie));
    }

    fn lasts(&self, session: &Session, now: i64) -> bool {
        // A clock that was set back would let it last for longer: it ends instead.
        let within = |since: i64, most: i64| (-SET_BACK_MS..most).contains(&now.saturating_sub(since));
        within(session.seen_ms, self.idle_ms) && within(session.began_ms, self.whole_ms)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    struct Hand(AtomicI64);

    impl Clock for Hand {
        fn now(&self) -> model::UnixMillis {
            model::UnixMillis(self.0.load(Ordering::Relaxed))
        }
    }

    fn sessions(settings: ConsoleSettings) -> (Sessions, Arc<Hand>) {
        let hand = Arc::new(Hand(AtomicI64::new(0)));
        (Sessions::new(&settings, hand.clone()), hand)
    }

    #[test]
    fn who_does_nothing_is_signed_out() {
        let (sessions, hand) = sessions(ConsoleSettings { idle_minutes: 2, ..ConsoleSettings::default() });
        let cookie = sessions.begin("key").unwrap();
        hand.0.store(2 * MINUTE_MS - 1, Ordering::Relaxed);
        assert_eq!(&*sessions.see(&cookie).unwrap().access_key_id, "key");
        hand.0.store(4 * MINUTE_MS - 2, Ordering::Relaxed);
        assert!(sessions.peek(&cookie).is_some(), "being seen let it last");
        hand.0.store(4 * MINUTE_MS - 1, Ordering::Relaxed);
        assert!(sessions.see(&cookie).is_none(), "looking whether it is open did not");
    }

    #[test]
    fn nobody_stays_for_ever() {
        let (sessions, hand) = sessions(ConsoleSettings { session_hours: 1, ..ConsoleSettings::default() });
        let cookie = sessions.begin("key").unwrap();
        for minute in 1..60 {
            hand.0.store(minute * MINUTE_MS, Ordering::Relaxed);
            assert!(sessions.see(&cookie).is_some());
        }
        hand.0.store(HOUR_MS, Ordering::Relaxed);
        assert!(sessions.see(&cookie).is_none());
    }

    #[test]
    fn a_clock_that_is_set_back_lets_nobody_stay_for_longer() {
        let (sessions, hand) = sessions(ConsoleSettings::default());
        hand.0.store(5 * MINUTE_MS, Ordering::Relaxed);
        let cookie = sessions.begin("key").unwrap();
        hand.0.store(4 * MINUTE_MS, Ordering::Relaxed);
        assert!(sessions.peek(&cookie).is_some(), "a clock is set right by a minute");
        hand.0.store(4 * MINUTE_MS - 1, Ordering::Relaxed);
        assert!(sessions.peek(&cookie).is_none());
    }

    #[test]
    fn whoever_was_quiet_for_longest_makes_room() {
        let (sessions, hand) = sessions(ConsoleSettings { sessions_max: 2, ..ConsoleSettings::default() });
        let first = sessions.begin("first").unwrap();
        hand.0.store(1, Ordering::Relaxed);
        let second = sessions.begin("second").unwrap();
        hand.0.store(2, Ordering::Relaxed);
        sessions.see(&first).unwrap();
        let third = sessions.begin("third").unwrap();
        assert!(sessions.see(&second).is_none());
        assert!(sessions.see(&first).is_some() && sessions.see(&third).is_some());
        sessions.end(&first);
        assert!(sessions.see(&first).is_none());
    }
}
