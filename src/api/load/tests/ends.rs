//! What ends a run before its plan does.

use super::rig::{closed, open, run_with};
use crate::{
    api::call::{Purse, Spent, Ticket},
    domain::{
        call::CallOrder,
        observation::{CallResult, What},
        usage::Usage,
    },
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Room for three calls.
struct Three(AtomicU64);

impl Purse for Three {
    fn reserve(&self, _: &CallOrder, _: &Usage) -> Result<Ticket, String> {
        match self.0.fetch_add(1, Ordering::Relaxed) {
            n @ 0..3 => Ok(Ticket(n)),
            _ => Err("the day's cap of $1.00 is reached".into()),
        }
    }
    fn settle(&self, _: Ticket, _: Spent) {}
}

#[tokio::test(start_paused = true)]
async fn a_cap_ends_the_run() {
    let purse = Arc::new(Three(AtomicU64::new(0)));
    let done = run_with(closed(1, 1_000), 1.0, 0, None, purse, Arc::default()).await;
    assert_eq!(done.starts().len(), 3);
    assert_eq!(done.end.begun, 4);
    assert!(done.end.unsent.unwrap().contains("cap of $1.00"));
}

/// A refused reservation ends no call that is under way: those three are answered whole.
#[tokio::test(start_paused = true)]
async fn a_cap_ends_further_calls_only() {
    let purse = Arc::new(Three(AtomicU64::new(0)));
    let mut done = run_with(closed(4, 1_000), 1.0, 0, None, purse, Arc::default()).await;
    assert_eq!((done.starts().len(), done.end.begun), (3, 4));
    let mut answered = 0;
    while let Ok(what) = done.seen.try_recv() {
        let whole = CallResult::Ok;
        answered += usize::from(matches!(what, What::Closed { result } if result == whole));
    }
    assert_eq!(answered, 3);
}

/// What must not happen: a fault of this program in the middle of a run.
struct Faulty(AtomicU64);

impl Purse for Faulty {
    fn reserve(&self, _: &CallOrder, _: &Usage) -> Result<Ticket, String> {
        let nth = self.0.fetch_add(1, Ordering::Relaxed);
        assert!(nth < 5, "a fault on purpose");
        Ok(Ticket(nth))
    }

    fn settle(&self, _: Ticket, _: Spent) {}
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_panics_ends_the_run_and_is_told() {
    for plan in [closed(2, 1_000), open(2.0, 2, 60.0)] {
        let purse = Arc::new(Faulty(AtomicU64::new(0)));
        let done = run_with(plan, 1.0, 0, None, purse, Arc::default()).await;
        assert!(done.end.faulted, "{plan:?}");
        assert!(done.starts().len() <= 6, "{plan:?}");
    }
}
