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
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Samples that wait to be written down; more are dropped and counted.
const MOST_WAITING: usize = 8_192;
/// After something was passed on, what comes next waits this long for more of it: to wake a thread for each
/// takes longer than the traffic should wait for.
pub const GATHER: Duration = Duration::from_millis(50);
/// Between two looks at the totals.
const TOTALS: Duration = Duration::from_secs(1);

/// Passes on what is heard, and tells refusals at once.
pub struct Feeding {
    telling: Telling,
    /// None where nobody looks on.
    desk: Option<Arc<Desk>>,
}

/// Where what was heard waits, and who writes it down.
struct Desk {
    waiting: Mutex<Waiting>,
    come: Condvar,
    write: Mutex<Box<dyn FnMut(Vec<Observation>) + Send>>,
}

#[derive(Default)]
struct Waiting {
    seen: Vec<Observation>,
    /// Whether the thread is to be woken for the next.
    asleep: bool,
    /// Whether nothing more comes.
    over: bool,
}

impl Feeding {
    /// To `write`, in order and mostly several at a time, on a thread of its own.
    pub fn to(
        telling: Telling,
        write: impl FnMut(Vec<Observation>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let desk = Arc::new(Desk {
            waiting: Mutex::default(),
            come: Condvar::new(),
            write: Mutex::new(Box::new(write)),
        });
        let thread = Arc::clone(&desk);
        std::thread::Builder::new()
            .name("feed".to_owned())
            .spawn(move || thread.run())?;
        Ok(Self {
            telling,
            desk: Some(desk),
        })
    }

    /// To nobody: totals are enough then.
    pub const fn to_nobody(telling: Telling) -> Self {
        Self {
            telling,
            desk: None,
        }
    }

    /// Writes down what was heard so far: for whoever tells it beside the totals, which are counted at once.
    pub fn catch_up(&self) {
        if let Some(desk) = &self.desk {
            desk.catch_up();
        }
    }
}

impl Sink for Feeding {
    fn sample(&self, seen: Observation) -> bool {
        let desk = self.desk.as_ref();
        desk.is_none_or(|desk| desk.take(seen, MOST_WAITING))
    }

    fn must(&self, seen: Observation) {
        self.telling.tell(&seen);
        if let Some(desk) = &self.desk {
            desk.take(seen, usize::MAX);
        }
    }
}

impl Drop for Feeding {
    fn drop(&mut self) {
        if let Some(desk) = &self.desk {
            desk.waiting().over = true;
            desk.come.notify_one();
        }
    }
}

impl Desk {
    /// Takes one in if fewer than `most` wait; whether it did.
    fn take(&self, seen: Observation, most: usize) -> bool {
        let mut waiting = self.waiting();
        if waiting.seen.len() >= most {
            return false;
        }
        waiting.seen.push(seen);
        let wakes = std::mem::take(&mut waiting.asleep);
        drop(waiting);
        if wakes {
            self.come.notify_one();
        }
        true
    }

    fn catch_up(&self) {
        let mut write = self.write.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = std::mem::take(&mut self.waiting().seen);
        if !seen.is_empty() {
            write(seen);
        }
    }

    fn run(&self) {
        loop {
            let idle = |waiting: &mut Waiting| {
                waiting.asleep = waiting.seen.is_empty() && !waiting.over;
                waiting.asleep
            };
            let woken = self.come.wait_while(self.waiting(), idle);
            let over = woken.unwrap_or_else(PoisonError::into_inner).over;
            self.catch_up();
            if over {
                return;
            }
            // What comes meanwhile wakes nobody.
            let gather = |waiting: &mut Waiting| !waiting.over;
            drop(self.come.wait_timeout_while(self.waiting(), GATHER, gather));
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
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
    use crate::domain::{
        fixtures,
        observation::What,
        time::{Time, after},
    };
    use std::sync::mpsc;

    fn seen() -> Observation {
        fixtures::seen(Time::UNIX_EPOCH, What::Sent)
    }

    #[test]
    fn who_writes_it_down_slowly_holds_nobody_up_and_loses_no_refusal() {
        let gate = Arc::new(Mutex::new(()));
        let stalled = gate.lock().unwrap();
        let stall = Arc::clone(&gate);
        let (first, begun) = mpsc::channel();
        let (write, written) = mpsc::channel();
        let telling = Telling::with(|_| ()).unwrap();
        let feeding = Feeding::to(telling, move |seen| {
            let _ = first.send(());
            drop(stall.lock());
            let _ = write.send(seen.len());
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
        assert!(written.try_recv().is_err());
        drop(stalled);
        // It ends when nothing more can come, and has written everything then.
        drop(feeding);
        assert_eq!(written.iter().sum::<usize>(), 1 + samples + 100);
    }

    #[test]
    fn who_catches_up_finds_all_that_was_heard_before_in_its_order() {
        let (write, written) = mpsc::channel();
        let telling = Telling::with(|_| ()).unwrap();
        let feeding = Feeding::to(telling, move |seen: Vec<Observation>| {
            for seen in seen {
                write.send(seen).unwrap();
            }
        });
        let feeding = feeding.unwrap();
        for n in 0..100 {
            let at = after(Time::UNIX_EPOCH, f64::from(n));
            feeding.must(fixtures::seen(at, What::Sent));
            feeding.catch_up();
            // Nobody waits for the thread.
            assert_eq!(written.try_recv().unwrap().at, at);
        }
    }
}
