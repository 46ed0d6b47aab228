//! Failed calls whose client may come back. A call is closed by its success, by a failure that no
//! client repeats, or when the time to come back has passed.

use super::books::Owner;
use crate::domain::{
    id::{CallId, ClientId, ModelId},
    observation::CallResult,
    time::{Time, after, seconds_between},
};
use std::collections::{BTreeSet, HashMap};

/// Seconds after a failure, beyond what the server asked for, in which a repetition belongs to it. The
/// longest backoff of a policy in use is 62 s.
const WINDOW_S: f64 = 120.0;
/// No hint makes us wait for a client longer than this, seconds.
const LONGEST_HINT_S: f64 = 3_600.0;
/// Failed calls that are remembered.
const MOST: usize = 4_096;
/// How many retries an SDK makes by itself (both official ones, by default).
const SDK_RETRIES: u32 = 2;
/// A hint counts as passed when it is missed by less: clocks and timers are not finer.
const TOLERANCE_S: f64 = 0.002;

/// A failed attempt of a call that may go on.
#[derive(Clone, Debug)]
pub(super) struct Failed {
    pub(super) call: CallId,
    /// Which attempt it was, from 1.
    pub(super) attempt: u32,
    /// The client's own count of its retries, if it tells one.
    pub(super) count: Option<u32>,
    /// When it ended.
    pub(super) ended: Time,
    /// When the head with the hint came.
    pub(super) head: Time,
    /// What the server asked for, seconds.
    pub(super) asked_s: Option<f64>,
    /// How the call ends if nobody comes back.
    pub(super) result: CallResult,
    pub(super) client: ClientId,
    pub(super) model: ModelId,
    pub(super) owner: Owner,
    /// Whether the call was told.
    pub(super) told: bool,
    pub(super) fast: bool,
}

/// A repetition of a failed attempt.
#[derive(Clone, Debug)]
pub(super) struct Again {
    pub(super) failed: Failed,
    /// By a program around an SDK that had already retried.
    pub(super) stacked: bool,
    /// Seconds since the failure.
    pub(super) slept_s: f64,
    /// Seconds by which it came before the hint had passed.
    pub(super) early_s: Option<f64>,
}

/// Failed calls by what their bodies hash to.
#[derive(Default)]
pub(super) struct Waiting {
    by_print: HashMap<u64, Vec<Failed>>,
    /// Deadlines, each with the print and the call.
    due: BTreeSet<(Time, u64, u64)>,
}

impl Waiting {
    /// A call failed. What had to be forgotten for it comes back.
    pub(super) fn add(&mut self, print: u64, failed: Failed) -> Option<Failed> {
        let pushed = (self.due.len() >= MOST).then(|| self.pop()).flatten();
        self.due.insert((deadline(&failed), print, failed.call.0));
        self.by_print.entry(print).or_default().push(failed);
        pushed
    }

    /// The failed attempt that a request with this print repeats, sent at `sent`. `count` is what the
    /// client says about its own retries: a first try repeats nothing, unless an SDK had given up.
    pub(super) fn take(&mut self, print: u64, count: Option<u32>, sent: Time) -> Option<Again> {
        if self.by_print.is_empty() {
            return None;
        }
        let failed = self.by_print.get_mut(&print)?;
        let alive = |it: &&Failed| deadline(it) >= sent;
        let exact = |it: &&Failed| match count {
            None | Some(0) => false,
            Some(count) => it.count.is_none_or(|before| before + 1 == count),
        };
        let fits = |it: &&Failed| match count {
            Some(0) => it.count.is_some_and(|before| before >= SDK_RETRIES),
            None | Some(_) => true,
        };
        let at = failed
            .iter()
            .position(|it| alive(&it) && exact(&it))
            .or_else(|| failed.iter().position(|it| alive(&it) && fits(&it)))?;
        let found = failed.remove(at);
        if failed.is_empty() {
            self.by_print.remove(&print);
        }
        self.due.remove(&(deadline(&found), print, found.call.0));
        let until = found.asked_s.map(|asked| after(found.head, asked));
        Some(Again {
            stacked: count == Some(0),
            slept_s: seconds_between(found.ended, sent).max(0.0),
            early_s: until
                .map(|until| seconds_between(sent, until))
                .filter(|early| *early > TOLERANCE_S),
            failed: found,
        })
    }

    /// Whether none waits.
    pub(super) fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    /// The next call whose client has not come back by `now`.
    pub(super) fn expired(&mut self, now: Time) -> Option<Failed> {
        let (deadline, ..) = self.due.first()?;
        (*deadline < now).then(|| self.pop()).flatten()
    }

    /// The call with the earliest deadline.
    fn pop(&mut self) -> Option<Failed> {
        let (_, print, call) = self.due.pop_first()?;
        let failed = self.by_print.get_mut(&print)?;
        let at = failed.iter().position(|it| it.call.0 == call)?;
        let found = failed.remove(at);
        if failed.is_empty() {
            self.by_print.remove(&print);
        }
        Some(found)
    }
}

/// Until when its client may come back.
pub(super) fn deadline(failed: &Failed) -> Time {
    let asked = failed.asked_s.unwrap_or(0.0).clamp(0.0, LONGEST_HINT_S);
    after(failed.ended, asked + WINDOW_S)
}

/// Whether a client may repeat a request after such an answer: what the SDKs retry, and what programs
/// around them do.
pub(super) const fn may_be_repeated(status: u16) -> bool {
    matches!(status, 408 | 409 | 429 | 500..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: f64) -> Time {
        after(Time::UNIX_EPOCH, 1_795_000_000.0 + s)
    }

    fn failed(call: u64, count: Option<u32>, ended: f64, asked: Option<f64>) -> Failed {
        Failed {
            call: CallId(call),
            attempt: 1,
            count,
            ended: at(ended),
            head: at(ended),
            asked_s: asked,
            result: CallResult::Failed,
            client: "me".into(),
            model: "claude-opus-5-5".into(),
            owner: Owner::default(),
            told: true,
            fast: false,
        }
    }

    #[test]
    fn a_repetition_finds_its_call_and_how_early_it_was() {
        let mut waiting = Waiting::default();
        waiting.add(7, failed(1, None, 0.0, Some(17.0)));
        assert!(waiting.take(8, None, at(1.0)).is_none(), "another body");
        let again = waiting.take(7, None, at(2.0)).unwrap();
        assert_eq!(again.failed.call, CallId(1));
        assert!((again.slept_s - 2.0).abs() < 1e-6);
        assert!((again.early_s.unwrap() - 15.0).abs() < 1e-6);
        assert!(waiting.take(7, None, at(3.0)).is_none(), "taken once");
        waiting.add(7, failed(1, None, 0.0, Some(17.0)));
        assert_eq!(waiting.take(7, None, at(17.0)).unwrap().early_s, None);
    }

    #[test]
    fn the_count_of_an_sdk_tells_calls_with_one_body_apart() {
        let mut waiting = Waiting::default();
        waiting.add(7, failed(1, Some(0), 0.0, None));
        waiting.add(7, failed(2, Some(1), 0.5, None));
        assert!(
            waiting.take(7, Some(0), at(1.0)).is_none(),
            "a call of its own"
        );
        let again = waiting.take(7, Some(2), at(1.0)).unwrap();
        assert_eq!((again.failed.call, again.stacked), (CallId(2), false));
        let again = waiting.take(7, Some(1), at(1.0)).unwrap();
        assert_eq!(again.failed.call, CallId(1));
    }

    #[test]
    fn a_first_try_after_an_sdk_gave_up_is_a_loop_around_it() {
        let mut waiting = Waiting::default();
        waiting.add(7, failed(1, Some(2), 0.0, None));
        let again = waiting.take(7, Some(0), at(1.0)).unwrap();
        assert!(again.stacked);
    }

    #[test]
    fn nobody_comes_back_after_the_window() {
        let mut waiting = Waiting::default();
        waiting.add(7, failed(1, None, 0.0, Some(30.0)));
        waiting.add(8, failed(2, None, 1.0, None));
        assert!(waiting.expired(at(121.0)).is_none());
        assert_eq!(waiting.expired(at(121.1)).unwrap().call, CallId(2));
        assert!(waiting.take(7, None, at(150.5)).is_none());
        assert_eq!(waiting.expired(at(150.5)).unwrap().call, CallId(1));
        assert!(waiting.by_print.is_empty() && waiting.due.is_empty());
    }

    #[test]
    fn the_oldest_is_forgotten_when_there_are_too_many() {
        let mut waiting = Waiting::default();
        for n in 0..MOST as u64 {
            assert!(
                waiting
                    .add(n % 5, failed(n, None, n as f64 / 1e3, None))
                    .is_none()
            );
        }
        let forgotten = waiting.add(9, failed(9_999, None, 50.0, None)).unwrap();
        assert_eq!(forgotten.call, CallId(0));
        assert_eq!(waiting.due.len(), MOST);
    }
}
