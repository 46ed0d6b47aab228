//! Waking a connection's task no more often than it has something to do. The two sides of an exchange
//! live in one task, so most of what they tell each other reaches the one that has just said it.

use std::{
    cell::Cell,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

/// Not being polled: whoever rings wakes the task.
const IDLE: u8 = 0;
/// Being polled.
const POLLING: u8 = 1;
/// Being polled, and somebody rang: it is to be polled again.
const RUNG: u8 = 2;

/// Polls in a row before others get their turn.
const TURNS: u32 = 4;

/// What is rung on this thread while it is held back.
#[derive(Default)]
enum Held {
    /// Nothing is held back.
    #[default]
    No,
    Quiet,
    Rung(Arc<Alarm>),
}

thread_local! {
    static HELD: Cell<Held> = const { Cell::new(Held::No) };
}

/// Runs `it`, and holds back what it rings on this thread: for the caller to drop, if that is looked at
/// again in any case, or to ring.
pub fn held_back<T>(it: impl FnOnce() -> T) -> (T, Option<Arc<Alarm>>) {
    let before = HELD.replace(Held::Quiet);
    let result = it();
    match HELD.replace(before) {
        Held::Rung(alarm) => (result, Some(alarm)),
        Held::No | Held::Quiet => (result, None),
    }
}

/// One connection's alarm.
#[derive(Debug, Default)]
pub struct Alarm {
    state: AtomicU8,
    task: Mutex<Option<Waker>>,
}

impl Alarm {
    /// Polls until nobody rings any more, with a waker that rings this alarm.
    pub fn poll<T>(
        &self,
        cx: &Context<'_>,
        waker: &Waker,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.keep(cx.waker());
        let mut ringing = Context::from_waker(waker);
        for _ in 0..TURNS {
            self.state.store(POLLING, Ordering::Release);
            if let ready @ Poll::Ready(_) = poll(&mut ringing) {
                self.state.store(IDLE, Ordering::Release);
                return ready;
            }
            let quiet =
                self.state
                    .compare_exchange(POLLING, IDLE, Ordering::AcqRel, Ordering::Acquire);
            if quiet.is_ok() {
                return Poll::Pending;
            }
        }
        self.state.store(IDLE, Ordering::Release);
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn keep(&self, waker: &Waker) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *task {
            Some(kept) => kept.clone_from(waker),
            None => *task = Some(waker.clone()),
        }
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        match HELD.take() {
            Held::No => {}
            Held::Quiet => return HELD.set(Held::Rung(Arc::clone(self))),
            Held::Rung(held) => {
                let same = Arc::ptr_eq(&held, self);
                HELD.set(Held::Rung(held));
                if same {
                    return;
                }
            }
        }
        let polled =
            self.state
                .compare_exchange(POLLING, RUNG, Ordering::AcqRel, Ordering::Acquire);
        if polled.is_err_and(|state| state == IDLE) {
            let task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(task) = &*task {
                task.wake_by_ref();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    #[derive(Default)]
    struct Count(AtomicU32);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    struct Rig {
        alarm: Arc<Alarm>,
        ringing: Waker,
        wakes: Arc<Count>,
        task: Waker,
    }

    impl Rig {
        fn new() -> Self {
            let (alarm, wakes) = (Arc::new(Alarm::default()), Arc::new(Count::default()));
            Self {
                ringing: Waker::from(Arc::clone(&alarm)),
                task: Waker::from(Arc::clone(&wakes)),
                alarm,
                wakes,
            }
        }

        /// How often it is polled when each of the first `rings` polls rings.
        fn polls(&self, rings: u32, ring: impl Fn(&Waker)) -> u32 {
            let mut polls = 0;
            let cx = Context::from_waker(&self.task);
            let polled: Poll<()> = self.alarm.poll(&cx, &self.ringing, |cx| {
                polls += 1;
                if polls <= rings {
                    ring(cx.waker());
                }
                Poll::Pending
            });
            assert!(polled.is_pending());
            polls
        }

        fn wakes(&self) -> u32 {
            self.wakes.0.load(Ordering::SeqCst)
        }
    }

    #[test]
    fn a_ring_within_a_poll_is_another_poll_and_no_wake() {
        let rig = Rig::new();
        assert_eq!(rig.polls(0, Waker::wake_by_ref), 1);
        assert_eq!(rig.polls(1, Waker::wake_by_ref), 2);
        assert_eq!(rig.wakes(), 0);
    }

    #[test]
    fn a_ring_outside_wakes_the_task() {
        let rig = Rig::new();
        assert_eq!(rig.polls(0, Waker::wake_by_ref), 1);
        rig.ringing.wake_by_ref();
        assert_eq!(rig.wakes(), 1);
    }

    #[test]
    fn who_rings_without_end_lets_others_have_their_turn() {
        let rig = Rig::new();
        assert_eq!(rig.polls(u32::MAX, Waker::wake_by_ref), TURNS);
        assert_eq!(rig.wakes(), 1);
    }

    #[test]
    fn only_what_this_thread_rings_is_held_back() {
        let rig = Rig::new();
        let dropped = |waker: &Waker| {
            let ((), rung) = held_back(|| waker.wake_by_ref());
            assert!(rung.is_some_and(|rung| Arc::ptr_eq(&rung, &rig.alarm)));
        };
        assert_eq!(rig.polls(1, dropped), 1);
        let rung = |waker: &Waker| {
            let ((), rung) = held_back(|| waker.wake_by_ref());
            rung.unwrap().wake();
        };
        assert_eq!(rig.polls(1, rung), 2);
        let elsewhere = |waker: &Waker| {
            let ((), rung) = held_back(|| {
                let waker = waker.clone();
                std::thread::spawn(move || waker.wake()).join().unwrap();
            });
            assert!(rung.is_none());
        };
        assert_eq!(rig.polls(1, elsewhere), 2);
        let other = Rig::new();
        let two = |waker: &Waker| {
            let ((), rung) = held_back(|| {
                other.ringing.wake_by_ref();
                waker.wake_by_ref();
            });
            assert!(rung.is_some_and(|rung| Arc::ptr_eq(&rung, &other.alarm)));
        };
        assert_eq!(rig.polls(1, two), 2);
    }
}
