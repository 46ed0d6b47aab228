//! What the tap hears, on its way to those that look on from outside. A thread of its own writes it down:
//! that must not hold traffic up.

use super::ears::Telling;
use crate::{
    clock::Clock,
    domain::{observation::Observation, traffic::Totals},
    tap::{
        Tap,
        hear::{Hearing, Sink},
    },
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc,
    },
    time::Duration,
};

/// Samples that wait to be written down; more are dropped and counted.
const MOST_WAITING: usize = 8_192;
/// Between two looks at the totals.
const TOTALS: Duration = Duration::from_secs(1);

/// Passes on what is heard, and tells refusals at once.
pub struct Feeding {
    telling: Telling,
    seen: mpsc::Sender<Observation>,
    waiting: Arc<AtomicUsize>,
}

impl Feeding {
    /// To `take`, on a thread of its own.
    pub fn to(
        telling: Telling,
        take: impl Fn(Observation) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (sender, seen) = mpsc::channel::<Observation>();
        let waiting = Arc::new(AtomicUsize::new(0));
        let taken = Arc::clone(&waiting);
        std::thread::Builder::new()
            .name("feed".to_owned())
            .spawn(move || {
                for seen in seen {
                    taken.fetch_sub(1, Relaxed);
                    take(seen);
                }
            })?;
        Ok(Self {
            telling,
            seen: sender,
            waiting,
        })
    }

    fn pass(&self, seen: Observation) {
        self.waiting.fetch_add(1, Relaxed);
        // Its thread ends with this.
        let _ = self.seen.send(seen);
    }
}

impl Sink for Feeding {
    fn sample(&self, seen: Observation) -> bool {
        let room = self.waiting.load(Relaxed) < MOST_WAITING;
        if room {
            self.pass(seen);
        }
        room
    }

    fn must(&self, seen: Observation) {
        self.telling.tell(&seen);
        self.pass(seen);
    }
}

/// Looks at what was counted once a second while something passes or may still come back, and tells it
/// when it has changed.
pub async fn count(tap: Arc<Tap>, clock: Clock, tell: impl Fn(&Totals) + Send) {
    let mut before: Option<Totals> = None;
    loop {
        let now = totals(&tap, &clock);
        let same = before.as_mut().is_some_and(|before| {
            before.until = now.until;
            *before == now
        });
        if !same {
            tell(&now);
            before = Some(now);
        } else if is_idle(&now) && tap.hearing().rests() {
            tap.stirred().await;
            continue;
        }
        tokio::time::sleep(TOTALS).await;
    }
}

fn is_idle(totals: &Totals) -> bool {
    totals.elsewhere.open == 0 && totals.clients.iter().all(|row| row.tally.open == 0)
}

/// Everything that was counted, by the door too.
pub fn totals(tap: &Tap, clock: &Clock) -> Totals {
    let hearing: &Hearing = tap.hearing();
    let mut totals = hearing.totals(clock.now());
    totals.drops.reader += tap.counted().unheard;
    totals
}
