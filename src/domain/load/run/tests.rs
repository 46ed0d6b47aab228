use super::*;
use crate::domain::{
    limit::Dimension,
    load::lane::Ending,
    observation::{CallResult, Source},
    outcome::Outcome,
    retry::{Limits, Policy},
    time::after,
    timeline::fixtures::{
        began, finished, out, refused_for_output, refused_then_ok, retries, seen, stops, t,
    },
};
use proptest::prelude::*;

const FIRST: u64 = 1_000;

fn order(workers: u32) -> RunOrder {
    RunOrder {
        order: CallOrder {
            call: CallId(FIRST),
            client: "me".into(),
            source: Source::Call,
            model: "claude-opus-5-5".into(),
            prompt: "Hi".into(),
            cache: None,
            max_tokens: 256,
            stream: true,
            policy: Policy::HintJitter,
            attempts: 5,
            limits: Limits::default(),
        },
        plan: Plan {
            workers,
            calls: Some(workers),
            ..Plan::default()
        },
        budget_percent: None,
        pacing: None,
        spread: None,
        known: Vec::new(),
    }
}

#[test]
fn who_wants_to_know_what_is_left_of_which_limits() {
    let plain = order(2);
    assert_eq!(plain.models(), [&ModelId::from("claude-opus-5-5")]);
    assert!(!plain.follows_limits());
    let mut spread = RunOrder {
        spread: Some("headroom:a,b".parse().unwrap()),
        ..order(2)
    };
    assert_eq!(spread.models(), [&ModelId::from("a"), &ModelId::from("b")]);
    assert!(spread.follows_limits(), "it chooses by what is left");
    spread.spread = Some("a=2,b".parse().unwrap());
    assert!(!spread.follows_limits());
    spread.pacing = Some(Pacing::LIVE);
    assert!(spread.follows_limits());
}

/// Call `number` of a worker: refused at its beginning, second `at`, and answered after `slept`.
fn life(number: u64, worker: u32, at: f64, slept: f64) -> Vec<Observation> {
    let client = order(2).plan.client_of(&"me".into(), worker);
    let mut all = refused_then_ok(FIRST + number, slept);
    for seen in &mut all {
        seen.at = after(seen.at, at);
        seen.client = Some(client.clone());
        if let What::Head { reading, .. } = &mut seen.what {
            reading.at = after(reading.at, at);
        }
    }
    all
}

fn watched(workers: u32, lives: &[Vec<Observation>]) -> Run {
    let mut run = Run::new(1, order(workers), t(0.0), Arc::default());
    let mut all: Vec<_> = lives.concat();
    all.sort_by_key(|seen| seen.at);
    for seen in &all {
        run.absorb(seen);
    }
    run
}

#[test]
fn each_worker_has_its_lane_with_what_was_asked_and_slept() {
    let run = watched(2, &[life(0, 0, 0.0, 17.4), life(1, 1, 0.5, 2.0)]);
    let [first, second] = run.lanes.all() else {
        panic!("two lanes")
    };
    let bars: Vec<_> = first.bars().collect();
    assert_eq!(bars.len(), 2);
    assert_eq!(bars[0].ending, Ending::Failed(Cause::OutputTokensPerMinute));
    assert_eq!(bars[0].asked_s, Some(17.0));
    assert!(
        (bars[0].hint_s.unwrap() - 17.1).abs() < 1e-3,
        "from the head on"
    );
    assert!((bars[0].slept_s().unwrap() - 17.4).abs() < 1e-3);
    assert!(!bars[0].early && second.bars().next().unwrap().early);
    assert_eq!(bars[1].ending, Ending::Answered);
    assert_eq!((first.ok, first.failed, first.early), (1, 1, 0));
    assert_eq!((second.ok, second.failed, second.early), (1, 1, 1));
}

#[test]
fn what_is_counted_as_it_happens_is_what_the_result_says() {
    let lives: Vec<_> = (0..8_u32)
        .map(|n| {
            life(
                n.into(),
                n,
                f64::from(n) * 0.03,
                if n % 2 == 0 { 17.4 } else { 1.0 },
            )
        })
        .collect();
    let run = watched(8, &lives);
    let summary = run.summary();
    assert_eq!((run.begun, run.wire, run.early), (8, 16, 4));
    assert_eq!((summary.logical, summary.wire, summary.early), (8, 16, 4));
    assert_eq!(run.failed, summary.refused);
    assert_eq!(run.herd, summary.herd_peak());
    assert_eq!(run.track.peak(0.0, f64::INFINITY), 4);
    assert_eq!(run.track.tightest(), Some(Dimension::Otpm));
    assert_eq!(run.busy(), Busy::default());
}

#[test]
fn a_run_of_any_length_keeps_a_bounded_number_of_everything() {
    let mut run = Run::new(1, order(2), t(0.0), Arc::default());
    for number in 0..16_000_u32 {
        for seen in life(number.into(), number % 2, f64::from(number), 0.1) {
            run.absorb(&seen);
        }
    }
    assert_eq!(run.summary().logical, 16_000);
    let kept: usize = run.lanes.all().iter().map(|lane| lane.bars().len()).sum();
    assert!(kept <= 24_576, "{kept}");
    assert!(run.kept() <= DETAILS, "{}", run.kept());
    let lane = &run.lanes.all()[0];
    assert_eq!(
        (lane.ok, lane.failed),
        (8_000, 8_000),
        "what went is still counted"
    );
    assert!(run.call(0).is_none() && run.call(15_999).is_some());
    run.shrink();
    assert_eq!(run.kept(), DETAILS_LATER);
    assert!(run.call(15_999).is_some());
}

#[test]
fn what_belongs_to_no_call_of_the_run_changes_nothing() {
    let mut run = Run::new(1, order(2), t(0.0), Arc::default());
    for seen in life(0, 0, 0.0, 1.0).iter().skip(1) {
        run.absorb(seen);
    }
    let mut stranger = life(0, 7, 0.0, 1.0);
    for seen in &mut stranger {
        seen.call = Some(CallId(5));
        run.absorb(seen);
    }
    assert_eq!((run.begun, run.summary().logical), (0, 0));
    // A worker that the plan does not have is counted, but has no lane.
    for seen in life(3, 7, 0.0, 1.0) {
        run.absorb(&seen);
    }
    assert_eq!(run.begun, 1);
    assert!(run.lanes.all().iter().all(|lane| lane.bars().len() == 0));
}

proptest! {
    /// Whatever part of a lane is looked at, the bars are in order, left before its end, and none that
    /// left in it is missing.
    #[test]
    fn a_part_of_a_lane_has_all_that_left_in_it(
        sleeps in prop::collection::vec(0.0_f64..30.0, 1..40),
        from in 0.0_f32..300.0,
        long in 0.0_f32..100.0,
    ) {
        let mut at = 0.0;
        let mut lives = Vec::new();
        for (number, slept) in sleeps.iter().enumerate() {
            lives.push(life(number as u64, 0, at, *slept));
            at += slept + 2.0;
        }
        let run = watched(1, &lives);
        let lane = &run.lanes.all()[0];
        let seen: Vec<_> = lane.between(from, from + long).map(|bar| bar.sent_s).collect();
        prop_assert!(seen.windows(2).all(|two| two[0] <= two[1]));
        let within = |s: &f32| *s >= from && *s <= from + long;
        let all = lane.bars().map(|bar| bar.sent_s).filter(within).count();
        prop_assert_eq!(seen.iter().copied().filter(within).count(), all);
        prop_assert!(seen.iter().all(|s| *s <= from + long));
    }

    #[test]
    fn a_workers_name_leads_back_to_it(workers in 2_u32..257, worker in 0_u32..256) {
        let plan = Plan { workers, ..Plan::default() };
        let name = plan.client_of(&"me".into(), worker);
        prop_assert_eq!(Plan::worker_of(&name), worker);
        prop_assert_eq!(Plan::worker_of(&Plan::default().client_of(&"me".into(), 0)), 0);
    }
}

/// What became of one attempt of a call.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// It never left: a cap was reached.
    Unsent,
    Refused,
    Broke,
    PausedTurn,
    Whole,
    /// It is still out.
    Open,
}

/// Call `number`: those attempts one after the other, then its end, unless the last is still out.
fn call_of(number: u64, fates: &[Fate]) -> Vec<Observation> {
    let id = FIRST + number;
    let mut all = vec![began(id, 0.0)];
    let mut result = CallResult::Cancelled;
    for (at, fate) in fates.iter().enumerate() {
        let (n, second) = (Some(at as u32 + 1), at as f64 + 0.01 * number as f64);
        if matches!(fate, Fate::Unsent) {
            all.push(seen(
                id,
                n,
                second,
                stops("the cap of this session is reached"),
            ));
            result = CallResult::Failed;
            break;
        }
        all.push(seen(id, n, second, What::Sent));
        let complete = |reason: &str| Outcome::Complete {
            status: 200,
            stop_reason: Some(reason.to_owned()),
        };
        let outcome = match fate {
            Fate::Open | Fate::Unsent => return all,
            Fate::Refused => refused_for_output(17.0),
            Fate::Broke => Outcome::StreamTruncated,
            Fate::PausedTurn => complete("pause_turn"),
            Fate::Whole => complete("end_turn"),
        };
        all.push(seen(
            id,
            n,
            second + 0.5,
            finished(outcome, 0.5, Some(out(9))),
        ));
        if matches!(fate, Fate::Whole) {
            result = CallResult::Ok;
            break;
        }
        all.push(seen(id, n, second + 0.5, retries(0.4, 0.0, "again", None)));
    }
    all.push(seen(id, None, 99.0, What::Closed { result }));
    all
}

proptest! {
    /// Every request on the wire is the first of its call, a retry, or the continuation of a paused turn,
    /// while the run goes on and when it is over.
    #[test]
    fn calls_retries_and_continued_turns_are_all_wire_calls(
        calls in prop::collection::vec(
            prop::collection::vec(
                prop::sample::select(vec![
                    Fate::Unsent, Fate::Refused, Fate::Broke, Fate::PausedTurn, Fate::Whole, Fate::Open,
                ]),
                0..6,
            ),
            1..6,
        ),
    ) {
        let mut run = Run::new(1, order(1), t(0.0), Arc::default());
        let lives: Vec<_> = calls.iter().enumerate().map(|(n, fates)| call_of(n as u64, fates)).collect();
        let mut all = lives.concat();
        all.sort_by_key(|seen| seen.at);
        for seen in &all {
            run.absorb(seen);
            prop_assert_eq!(run.left + run.retries + run.continued, run.wire);
        }
        let sent = all.iter().filter(|seen| matches!(seen.what, What::Sent)).count();
        prop_assert_eq!(run.wire, sent as u64);
        let over = run.summary();
        prop_assert_eq!(over.sent() + over.retries + over.continued, over.wire);
        if run.begun == over.logical {
            prop_assert_eq!(
                (run.wire, run.left, run.retries, run.continued),
                (over.wire, over.sent(), over.retries, over.continued)
            );
        }
    }
}
