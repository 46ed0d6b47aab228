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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{fixtures, observation::What, time::Time};
    use std::sync::Mutex;

    fn seen() -> Observation {
        fixtures::seen(Time::UNIX_EPOCH, What::Sent)
    }

    #[test]
    fn who_writes_it_down_slowly_holds_nobody_up_and_loses_no_refusal() {
        let (gate, taken) = (Arc::new(Mutex::new(())), Arc::new(AtomicUsize::new(0)));
        let stalled = gate.lock().unwrap();
        let (stall, count) = (Arc::clone(&gate), Arc::clone(&taken));
        let (first, begun) = mpsc::channel();
        let telling = Telling::with(|_| ()).unwrap();
        let feeding = Feeding::to(telling, move |_| {
            let _ = first.send(());
            drop(stall.lock());
            count.fetch_add(1, Relaxed);
        });
        let feeding = feeding.unwrap();
        assert!(feeding.sample(seen()));
        // From here on it stands still: whatever waited for it would wait for ever.
        begun.recv().unwrap();
        let samples = (0..2 * MOST_WAITING)
            .filter(|_| feeding.sample(seen()))
            .count();
        assert_eq!(samples, MOST_WAITING);
        for _ in 0..100 {
            feeding.must(seen());
        }
        assert!(!feeding.sample(seen()));
        assert_eq!(taken.load(Relaxed), 0);
        drop(stalled);
        let all = 1 + samples + 100;
        for _ in 1..all {
            begun.recv().unwrap();
        }
        while taken.load(Relaxed) < all {
            std::thread::yield_now();
        }
    }
}
