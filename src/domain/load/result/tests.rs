//! Runs as their calls end.

use super::*;
use crate::domain::{
    observation::{Observation, What},
    outcome::ApiError,
    timeline::{
        Timeline,
        fixtures::{
            began, finished, judged, out, refused_for_output, refused_then_ok, seen, stops, t,
            verdict_output,
        },
    },
};
use proptest::prelude::*;

fn calls(seen: &[Observation]) -> Timeline {
    let mut timeline = Timeline::new(1_000);
    for one in seen {
        timeline.absorb(one);
    }
    timeline
}

fn summary(seen: &[Observation]) -> Summary {
    let mut summary = Summary::new(t(0.0));
    for call in calls(seen).calls() {
        summary.take(call);
    }
    summary
}

/// A call that is answered at once.
fn answers(call: u64) -> Vec<Observation> {
    let whole = Outcome::Complete {
        status: 200,
        stop_reason: None,
    };
    over(call, whole, CallResult::Ok)
}

/// A call that is ended while its answer comes.
fn ended_from_here(call: u64) -> Vec<Observation> {
    over(call, Outcome::Cancelled, CallResult::Cancelled)
}

fn over(call: u64, outcome: Outcome, result: CallResult) -> Vec<Observation> {
    vec![
        began(call, 0.0),
        seen(call, Some(1), 0.0, What::Sent),
        seen(call, Some(1), 0.4, finished(outcome, 0.4, Some(out(9)))),
        seen(call, None, 0.4, What::Closed { result }),
    ]
}

/// A refusal that asks for 17 s, and a policy that gives up.
fn gives_up(call: u64) -> Vec<Observation> {
    vec![
        began(call, 0.0),
        seen(call, Some(1), 0.0, What::Sent),
        seen(
            call,
            Some(1),
            0.2,
            judged(
                refused_for_output(17.0),
                0.2,
                None,
                verdict_output(0.2, 17.0),
            ),
        ),
        seen(call, Some(1), 0.2, stops("no attempts are left")),
        seen(
            call,
            None,
            1.2,
            What::Closed {
                result: CallResult::Failed,
            },
        ),
    ]
}

fn breaks(call: u64) -> Vec<Observation> {
    let broken = Outcome::StreamError {
        error: ApiError::default(),
    };
    vec![
        began(call, 0.0),
        seen(call, Some(1), 0.0, What::Sent),
        seen(call, Some(1), 2.0, finished(broken, 2.0, Some(out(40)))),
        seen(
            call,
            None,
            2.0,
            What::Closed {
                result: CallResult::Failed,
            },
        ),
    ]
}

#[test]
fn a_patient_call_and_an_early_one_are_told_apart() {
    let patient = summary(&refused_then_ok(1, 17.4));
    assert_eq!((patient.logical, patient.wire, patient.ok), (1, 2, 1));
    assert_eq!((patient.retries, patient.early), (1, 0));
    assert_eq!(patient.amplification(), Some(2.0));
    assert_eq!(patient.refused[&Cause::OutputTokensPerMinute], 1);
    assert_eq!(patient.usage.output_tokens, 9);
    assert_eq!(patient.sentence(), "every call was answered, after 1 retry");
    // The sleep was followed by an answer: nothing of it was wasted.
    assert!((patient.slept_s - 17.4).abs() < 1e-6);
    assert!(patient.wasted_s < 1e-9);
    let total = patient.total.percentile_s(50.0).unwrap();
    assert!((total - 19.02).abs() < 0.02, "{total}");

    let early = summary(&refused_then_ok(1, 0.5));
    assert_eq!(early.early, 1);
    assert_eq!(early.sentence(), "1 of 1 retries came before the hint");
}

#[test]
fn a_policy_that_gave_up_and_answers_that_broke_make_the_sentence() {
    let mut seen = gives_up(1);
    seen.extend(breaks(2));
    let summary = summary(&seen);
    assert_eq!((summary.failed, summary.broken), (2, 1));
    assert_eq!(summary.success(), Some(0.0));
    assert_eq!(summary.thrown_away.output_tokens, 40);
    assert_eq!(
        summary.sentence(),
        "the policy gave up 1.2 s into a call whose server last asked for 17 s; 1 answer broke after a 200 and threw 40 output tokens away"
    );
}

#[test]
fn a_run_that_was_ended_does_not_say_that_every_call_was_answered() {
    let mut one = summary(&answers(1));
    assert_eq!(one.sentence(), "every call was answered at once");
    assert_eq!(one.success_of_all(), Some(1.0));
    for call in 2..=5 {
        for ended in calls(&ended_from_here(call)).calls() {
            one.take(ended);
        }
    }
    assert_eq!((one.ok, one.cancelled, one.logical), (1, 4, 5));
    assert_eq!(
        one.sentence(),
        "1 of 5 calls was answered, 4 ended from here"
    );
    assert_eq!(one.success_of_all(), None, "1 of 5 is no 100 %");
}

#[test]
fn nothing_is_not_zero() {
    let empty = Summary::new(t(0.0));
    assert_eq!(empty.amplification(), None);
    assert_eq!(empty.success(), None);
    assert_eq!(empty.first_byte.percentile_s(99.0), None);
    assert_eq!(empty.herd_peak(), 0);
}

proptest! {
    /// The peak is the most starts that any window of its width holds, and every start is in one
    /// column.
    #[test]
    fn the_herd_is_counted(starts in proptest::collection::vec(0.0_f64..3.0, 1..80)) {
        let mut summary = Summary::new(t(0.0));
        summary.starts.clone_from(&starts);
        let widest = starts
            .iter()
            .map(|from| starts.iter().filter(|it| (*from..*from + HERD_S).contains(*it)).count())
            .max();
        prop_assert_eq!(Some(summary.herd_peak()), widest);
        let (columns, span) = summary.arrivals();
        prop_assert_eq!(columns.iter().sum::<u32>() as usize, starts.len());
        prop_assert!(span >= HERD_S && columns.len() <= COLUMNS);
    }
}
