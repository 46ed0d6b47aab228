//! Polling limits for as long as the program runs.

use super::session::Session;
use crate::{
    api::limits,
    clock::Clock,
    domain::{
        observation::{Observation, What},
        org::LimitsState,
    },
};
use futures_util::future::BoxFuture;
use std::time::Duration;
use tokio::sync::Notify;

/// After a failed poll the next one comes this much later at first, seconds; then twice that.
const POLL_AGAIN_S: f64 = 15.0;

/// Takes what a poll saw.
pub type Tell<'a> = dyn Fn(Observation) -> BoxFuture<'a, ()> + Send + Sync + 'a;

/// Polls a session's limits, also when `now` rings. A poll that fails backs off; one that is asked to
/// stay away stays away. Without a way to the Admin API it says so, once, and ends.
pub async fn poll(session: &Session, clock: &Clock, now: &Notify, tell: &Tell<'_>) {
    let Some(mut poller) = session.poller(limits::TURNS) else {
        let why = session.admin.as_ref().err().cloned().unwrap_or_default();
        tell(limits::absent(clock.now(), why)).await;
        return;
    };
    let mut failures = 0_u32;
    loop {
        let polled = poller.poll().await;
        session.learn(&polled.seen);
        let fine = matches!(
            &polled.seen.what,
            What::Limits {
                state: LimitsState::Ok,
                ..
            }
        );
        tell(polled.seen).await;
        while let Some(turn) = poller.turn().await {
            session.learn(&turn.seen);
            tell(turn.seen).await;
        }
        failures = if fine { 0 } else { failures + 1 };
        let interval = session.profile.limits_interval_s.value;
        let wait = pause_s(failures, polled.stay_away_s, interval);
        rest(now, polled.stay_away_s, wait).await;
    }
}

/// Waits until the next poll is due, or until `now` rings, but never comes back before the server allows it:
/// whoever asked meanwhile has the answer then.
async fn rest(now: &Notify, stay_away_s: Option<f64>, wait_s: f64) {
    let kept_off = stay_away_s.unwrap_or(0.0).clamp(0.0, wait_s);
    tokio::time::sleep(Duration::from_secs_f64(kept_off)).await;
    tokio::select! {
        () = now.notified() => {}
        () = tokio::time::sleep(Duration::from_secs_f64(wait_s - kept_off)) => {}
    }
}

/// Seconds until the next poll, 1 to a day: after `failures` in a row, and where the server asked to stay
/// away for so long.
pub fn pause_s(failures: u32, stay_away_s: Option<f64>, interval_s: f64) -> f64 {
    let backoff = POLL_AGAIN_S * f64::from(1_u32 << failures.min(10).saturating_sub(1));
    let wait = match (failures, stay_away_s) {
        (_, Some(asked)) => asked.max(POLL_AGAIN_S),
        (0, None) => interval_s,
        (_, None) => backoff.min(interval_s),
    };
    wait.clamp(1.0, 86_400.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::{Time, seconds_between};

    /// Seconds until the next poll when somebody asks for it at once.
    async fn asked_for_at_once(stay_away_s: Option<f64>, wait_s: f64) -> f64 {
        let (now, clock) = (Notify::new(), Clock::anchored(Time::UNIX_EPOCH));
        now.notify_one();
        rest(&now, stay_away_s, wait_s).await;
        seconds_between(Time::UNIX_EPOCH, clock.now())
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_for_a_poll_gets_it_as_soon_as_the_server_allows_it() {
        assert_eq!(asked_for_at_once(None, 600.0).await as u64, 0);
        assert_eq!(asked_for_at_once(Some(30.0), 30.0).await as u64, 30);
        assert_eq!(asked_for_at_once(Some(5.0), 15.0).await as u64, 5);
        assert_eq!(
            asked_for_at_once(Some(f64::MAX), 86_400.0).await as u64,
            86_400
        );
    }

    #[test]
    fn a_poll_that_fails_is_made_again_soon_and_then_less_often() {
        let pauses: Vec<f64> = (0..8).map(|n| pause_s(n, None, 600.0)).collect();
        assert_eq!(
            pauses,
            [600.0, 15.0, 30.0, 60.0, 120.0, 240.0, 480.0, 600.0]
        );
        let asked = [900.0, 0.0, f64::MAX].map(|asked| pause_s(3, Some(asked), 600.0));
        assert_eq!(asked.as_slice(), [900.0, 15.0, 86_400.0]);
        assert_eq!([pause_s(u32::MAX, None, 600.0)].as_slice(), [600.0]);
    }
}
