use super::*;
use crate::domain::{
    answer::Thought,
    load::pace::Gate,
    observation::{CallResult, What},
    timeline::{Doing, FIRST_FOREIGN_CALL, fixtures::*},
};
use proptest::prelude::*;

fn folded(all: &[Observation]) -> Timeline {
    let mut timeline = Timeline::new(50);
    for seen in all {
        timeline.absorb(seen);
    }
    timeline
}

#[test]
fn a_retry_after_the_hint_is_slept_and_not_early() {
    let timeline = folded(&refused_then_ok(1, 17.4));
    let call = timeline.call(CallId(1)).unwrap();
    assert_eq!(call.doing(), Doing::Over(CallResult::Ok));
    let [first, second] = call.attempts.as_slice() else {
        panic!("two attempts")
    };
    assert_eq!(
        (first.status, first.asked_s, first.early),
        (Some(429), Some(17.0), false)
    );
    assert!((first.slept_s.unwrap() - 17.4).abs() < 1e-6);
    assert_eq!(first.request.as_ref().unwrap().as_str(), "req_011CX00019f");
    assert_eq!(second.usage.unwrap().output_tokens, 9);
    assert!((second.tokens_per_second().unwrap() - 9.0).abs() < 1e-6);
    assert_eq!(call.stop_reason(), Some("end_turn"));
    assert_eq!(second.slept_s, None);
}

#[test]
fn a_retry_before_the_hint_is_early_counted_from_the_head() {
    // From the head at 0.1 the hint ends at 17.1; the decision came at 0.12.
    let early = |slept| {
        folded(&refused_then_ok(1, slept))
            .call(CallId(1))
            .unwrap()
            .early_retries()
    };
    assert_eq!(early(0.5), 1);
    assert_eq!(early(16.9), 1);
    assert_eq!(early(16.99), 0);
    assert_eq!(early(17.0), 0);
}

#[test]
fn each_moment_is_named() {
    let all = refused_then_ok(1, 17.4);
    let doing = |count: usize| folded(&all[..count]).call(CallId(1)).unwrap().doing();
    assert_eq!(doing(1), Doing::Deciding);
    assert_eq!(doing(2), Doing::InFlight);
    assert_eq!(doing(3), Doing::Receiving);
    assert_eq!(doing(4), Doing::Deciding);
    assert_eq!(doing(5), Doing::Waiting(t(17.52)));
    assert_eq!(doing(6), Doing::InFlight);
}

/// Refused, slept 4.2 s, then held back for another second before its retry left.
fn paced() -> Vec<Observation> {
    let mut all = refused_then_ok(1, 5.2);
    let held = |n, at, gate| seen(1, Some(n), at, What::Held { gate });
    let thought = |at, tokens| seen(1, Some(2), at, What::Thought(Thought { blocks: 1, tokens }));
    for seen in &mut all {
        if let What::Decided { decision, .. } = &mut seen.what {
            decision.wait_s = 4.2;
        }
    }
    all.extend([
        held(1, 0.0, Gate::FirstAnswer),
        held(2, 4.32, Gate::Output),
        held(2, 4.9, Gate::Requests),
        thought(5.8, None),
        thought(6.4, Some(40)),
    ]);
    all
}

#[test]
fn what_its_pacing_adds_is_not_what_the_policy_slept() {
    let timeline = folded(&paced());
    let call = timeline.call(CallId(1)).unwrap();
    assert!((call.attempts[0].slept_s.unwrap() - 4.2).abs() < 1e-6);
    let hold = call.hold_of(2).unwrap();
    assert_eq!((hold.since, hold.gate), (t(4.32), Gate::Requests));
    assert_eq!((call.hold_of(3), call.held()), (None, None));

    let mut waits = folded(&paced()[..5]);
    waits.absorb(&seen(1, Some(2), 4.32, What::Held { gate: Gate::Output }));
    let call = waits.call(CallId(1)).unwrap();
    assert!(matches!(call.doing(), Doing::Held(hold) if hold.gate == Gate::Output));
    assert_eq!(call.attempts.len(), 1, "what is held has not left");
}

#[test]
fn a_continued_turn_is_no_further_try() {
    let pause = complete("pause_turn");
    let timeline = folded(&[
        began(1, 0.0),
        seen(1, Some(1), 0.0, What::Sent),
        seen(1, Some(1), 1.0, finished(pause, 1.0, Some(out(5)))),
        seen(1, Some(2), 1.0, What::Sent),
        seen(
            1,
            Some(2),
            2.0,
            finished(refused_for_output(1.0), 1.0, Some(out(4))),
        ),
        seen(1, Some(3), 3.0, What::Sent),
    ]);
    let call = timeline.call(CallId(1)).unwrap();
    assert_eq!((call.attempts.len(), call.tries()), (3, 2));
    assert_eq!(call.usage().unwrap().output_tokens, 9);
}

#[test]
fn a_noisy_client_pushes_out_its_own_calls() {
    let mut timeline = Timeline::new(8);
    for seen in refused_then_ok(1, 1.0) {
        timeline.absorb(&seen);
    }
    for n in 0..500 {
        let mut noise = began(FIRST_FOREIGN_CALL + n, n as f64);
        noise.client = Some("noise".into());
        timeline.absorb(&noise);
        assert!(timeline.calls().len() <= 8);
    }
    assert!(timeline.call(CallId(1)).is_some());
}

#[test]
fn strangers_and_limits_are_ignored() {
    let all = refused_then_ok(1, 1.0);
    let timeline = folded(&all[1..]);
    assert_eq!(timeline.calls().len(), 0);
    let mut nobody = began(1, 0.0);
    nobody.call = None;
    assert_eq!(folded(&[nobody]).calls().len(), 0);
}

#[test]
fn a_recording_played_again_begins_anew() {
    let mut again = began(1, 100.0);
    again.client = None;
    let mut all = refused_then_ok(1, 1.0);
    all.push(began(1, 0.0));
    assert_eq!(folded(&all).call(CallId(1)).unwrap().attempts.len(), 2);
    all.push(again);
    let timeline = folded(&all);
    assert_eq!(timeline.calls().len(), 1);
    assert!(timeline.call(CallId(1)).unwrap().attempts.is_empty());
}

proptest! {
    #[test]
    fn the_order_of_arrival_does_not_matter(
        mixed in Just(paced()[1..].to_vec()).prop_shuffle(),
    ) {
        let in_order = folded(&paced());
        let mut shuffled = folded(&[began(1, 0.0)]);
        for seen in &mixed {
            shuffled.absorb(seen);
        }
        prop_assert_eq!(shuffled.call(CallId(1)), in_order.call(CallId(1)));
    }

    #[test]
    fn interleaved_calls_do_not_touch_each_other(
        picks in prop::collection::vec(0_usize..3, 40),
    ) {
        let lives: Vec<_> = (1..=3).map(|id| refused_then_ok(id, id as f64 * 7.0)).collect();
        let mut at = [0_usize; 3];
        let mut timeline = Timeline::new(9);
        for which in picks.into_iter().chain((0..3).flat_map(|which| [which; 11])) {
            if let Some(seen) = lives[which].get(at[which]) {
                timeline.absorb(seen);
                at[which] += 1;
            }
        }
        for id in 1..=3 {
            let alone = folded(&lives[id as usize - 1]);
            prop_assert_eq!(timeline.call(CallId(id)), alone.call(CallId(id)));
        }
    }

    #[test]
    fn nothing_makes_it_panic_or_grow(
        events in prop::collection::vec(
            (0_u64..6, prop::option::of(0_u32..9), 0_usize..9, -1e12_f64..1e12), 0..300),
    ) {
        let mut timeline = Timeline::new(4);
        for (call, attempt, kind, span) in events {
            let what = match kind {
                0 => began(call, span).what,
                1 => What::Sent,
                2 => headed(0.0, 200, Some(span), 0, span),
                3 => What::FirstToken { after_s: span },
                4 => finished(refused_for_output(span), span, Some(out(u64::MAX))),
                5 => retries(span, 0.0, "", Some(span)),
                6 => What::Held { gate: Gate::Hint },
                7 => What::Thought(Thought { blocks: 9, tokens: Some(u64::MAX) }),
                _ => What::Closed { result: CallResult::Failed },
            };
            timeline.absorb(&seen(call, attempt, span % 1e6, what));
            prop_assert!(timeline.calls().len() <= 4);
            for call in timeline.calls() {
                let _ = (call.doing(), call.elapsed_s(t(0.0)), call.usage(), call.thought(), call.tries());
                prop_assert!(call.attempts.len() <= MAX_ATTEMPTS);
                prop_assert!(call.attempts.is_sorted_by(|a, b| a.n < b.n));
                prop_assert!(call.attempts.iter().all(|a| a.slept_s.is_none_or(|s| s >= 0.0)));
            }
        }
    }
}

#[test]
fn what_has_to_go_to_make_room_comes_back() {
    let mut timeline = Timeline::new(2);
    let gone: Vec<_> = (1..=4)
        .filter_map(|call| timeline.absorb(&began(call, call as f64)))
        .map(|call| call.id)
        .collect();
    assert_eq!(gone, [CallId(1), CallId(2)]);
    assert_eq!(timeline.call(CallId(1)), None);
    assert!(timeline.call(CallId(4)).is_some());
}

#[test]
fn a_client_that_tells_no_decision_slept_from_its_failure_on() {
    let told: Vec<_> = refused_then_ok(1, 0.5)
        .into_iter()
        .filter(|seen| !matches!(seen.what, What::Decided { .. }))
        .collect();
    let timeline = folded(&told);
    let call = timeline.call(CallId(1)).unwrap();
    let first = &call.attempts[0];
    // It failed at 0.11 s and came back at 0.62 s; asked were 17 s from 0.1 s on.
    assert!((first.slept_s.unwrap() - 0.51).abs() < 1e-6);
    assert!((call.early_by(first).unwrap() - 16.48).abs() < 1e-6);
}

#[test]
fn a_client_that_tells_nothing_may_come_back_until_its_call_is_closed() {
    let mut life: Vec<_> = refused_then_ok(1, 0.5)[..4].to_vec();
    if let What::Began { policy, .. } = &mut life[0].what {
        policy.clear();
    }
    let mut timeline = folded(&life);
    let call = timeline.call(CallId(1)).unwrap();
    assert_eq!(call.may_come_back_since(), Some(t(0.11)));
    // It takes no longer while nobody waits.
    assert!((call.elapsed_s(t(60.0)) - 0.11).abs() < 1e-6);
    timeline.absorb(&seen(1, Some(2), 0.6, What::Sent));
    let call = timeline.call(CallId(1)).unwrap();
    assert_eq!(call.may_come_back_since(), None);
    assert!((call.elapsed_s(t(60.0)) - 60.0).abs() < 1e-6);
}
