//! The only reader of the time.

use crate::domain::time::{Time, seconds_between};
use chrono::DateTime;
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// Wall time at the start plus tokio's monotonic time, so that a paused tokio clock moves it too and
/// a wall clock that is set does not. Clones share their corrections.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Wall time at the start, nanoseconds since 1970.
    wall_ns: i64,
    started: Instant,
    corrected_ms: Arc<AtomicI64>,
    /// Whether this is the wall's time, and not that of a made-up world.
    of_wall: bool,
}

/// A wall clock that differs by more than this many seconds has jumped (a laptop that slept).
const JUMP_S: f64 = 2.0;

/// The runtime's timers are late by up to so much: a tick, rounded up, and a little.
const TICKS: Duration = Duration::from_millis(2);

/// Whether tokio's clock runs, and is not paused for a test.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the time"
)]
fn is_real() -> bool {
    let before = std::time::Instant::now();
    let now = Instant::now().into_std();
    before <= now && now <= std::time::Instant::now()
}

impl Clock {
    /// Anchored at the wall clock of now.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the time"
    )]
    pub fn start() -> Self {
        Self {
            of_wall: true,
            ..Self::anchored(chrono::Utc::now())
        }
    }

    /// Anchored at a given wall time, for worlds in virtual time: it follows no other clock. It shows no time
    /// after the 11th of April 2262.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the time"
    )]
    pub fn anchored(wall: Time) -> Self {
        Self {
            wall_ns: wall.timestamp_nanos_opt().unwrap_or(i64::MAX),
            started: Instant::now(),
            corrected_ms: Arc::default(),
            of_wall: false,
        }
    }

    /// Now.
    pub fn now(&self) -> Time {
        DateTime::from_timestamp_nanos(self.nanos())
    }

    /// Now, in nanoseconds since 1970.
    pub fn nanos(&self) -> i64 {
        let corrected_ns = self.corrected_ms.load(Ordering::Relaxed) * 1_000_000;
        self.wall_ns
            .saturating_add(self.started.elapsed().as_nanos() as i64)
            .saturating_add(corrected_ns)
    }

    /// The monotonic now, for deadlines of the loop.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the time"
    )]
    pub fn instant(&self) -> Instant {
        Instant::now()
    }

    /// The tokio instant at which this clock will show `time`; now when that has passed.
    pub fn instant_of(&self, time: Time) -> Instant {
        let wait = seconds_between(self.now(), time).clamp(0.0, 86_400.0 * 365.0);
        self.instant() + std::time::Duration::from_secs_f64(wait)
    }

    /// Sleeps until then, and wakes within a tenth of a millisecond of it: the runtime's own timers tick
    /// once a millisecond and round up. The last moment is slept on a thread for such sleeps, which costs
    /// no CPU; a paused tokio clock has only the runtime's timers.
    pub async fn sleep_until(&self, due: Instant) {
        if let Some(early) = due.checked_sub(TICKS) {
            tokio::time::sleep_until(early).await;
        }
        let left = due.saturating_duration_since(self.instant());
        if left.is_zero() {
            return;
        }
        if left <= TICKS && is_real() {
            #[expect(
                clippy::disallowed_methods,
                reason = "no worker: a thread for what blocks, and for two milliseconds at most"
            )]
            let slept = tokio::task::spawn_blocking(move || std::thread::sleep(left));
            if slept.await.is_ok() {
                return;
            }
        }
        tokio::time::sleep_until(due).await;
    }

    /// Follows the wall clock if that has jumped; the jump in seconds, if there was one.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the time"
    )]
    pub fn follow_wall(&self) -> Option<f64> {
        if !self.of_wall {
            return None;
        }
        let jump = seconds_between(self.now(), chrono::Utc::now());
        (jump.abs() > JUMP_S).then(|| {
            self.corrected_ms
                .fetch_add((jump * 1e3) as i64, Ordering::Relaxed);
            jump
        })
    }
}

/// Seconds east of UTC here and now, for showing times.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the time"
)]
pub fn local_offset_s() -> i32 {
    chrono::Local::now().offset().local_minus_utc()
}
