//! Laws of retry policies and verdicts, for whatever a server may send.

mod any;

use any::{hint, outcome, policy, seconds};
use proptest::prelude::*;
use ratetop::domain::{
    clean::is_harmless,
    headers::Hint,
    outcome::{ApiError, Outcome},
    retry::{Action, Budget, Decision, Ended, Limits, Policy},
    time::{Time, seconds_between},
    verdict::{Cause, Context, Verdict, judge},
};

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

const fn now() -> Time {
    Time::UNIX_EPOCH
}

fn judged(outcome: &Outcome) -> Option<Verdict> {
    judge(outcome, &Context::at(now()))
}

/// The decision after the first attempts of a call, with or without a verdict.
fn decide(policy: Policy, outcome: &Outcome, attempts: u32, elapsed_s: f64, die: f64) -> Decision {
    let verdict = judged(outcome);
    policy.decide(&Ended {
        attempts,
        allowed: attempts + 1,
        elapsed_s,
        last_wait_s: 0.0,
        outcome,
        verdict: verdict.as_ref(),
        die,
    })
}

/// The hint that a policy accepts, if it obeys hints at all. The SDKs read `retry-after-ms` first and
/// then nothing else.
fn accepted(policy: Policy, hint: &Hint) -> Option<f64> {
    match policy {
        Policy::Sdk | Policy::SdkClassic => {
            let first = hint.retry_after_ms_s.or(hint.retry_after_s);
            let first = first.filter(|s| *s > 0.0);
            if policy == Policy::Sdk {
                first.map(|s| s.min(policy.longest_wait_s()))
            } else {
                first.filter(|s| *s <= 60.0)
            }
        }
        _ if policy.ignores_hint() => None,
        _ => hint.asked_s(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_decision_is_always_a_sane_one(
        policy in policy(),
        outcome in outcome(),
        attempts in any::<u32>(),
        allowed in any::<u32>(),
        elapsed_s in seconds(),
        die in prop_oneof![0.0..1.0f64, any::<f64>()],
        last_wait_s in seconds(),
        with_verdict in any::<bool>(),
    ) {
        let verdict = judged(&outcome).filter(|_| with_verdict);
        let ended = Ended {
            attempts,
            allowed,
            elapsed_s,
            last_wait_s,
            outcome: &outcome,
            verdict: verdict.as_ref(),
            die,
        };
        let decision = policy.decide(&ended);
        prop_assert!(decision.wait_s.is_finite() && decision.wait_s >= 0.0, "{decision:?}");
        prop_assert!(decision.jitter_s >= 0.0 && decision.jitter_s <= decision.wait_s + 1e-9);
        prop_assert!(decision.wait_s <= policy.longest_wait_s(), "{decision:?}");
        prop_assert!(!decision.reason.is_empty() && decision.reason.chars().all(is_harmless));
        prop_assert!(!decision.reason.contains("NaN") && !decision.reason.ends_with('.'));
        match decision.action {
            Action::Stop => prop_assert!(decision.wait_s <= 0.0),
            Action::Retry => {
                prop_assert!(attempts < allowed);
                prop_assert!(outcome.status() != Some(200));
            }
        }
        // The same question has the same answer.
        prop_assert_eq!(policy.decide(&ended), decision);
    }

    #[test]
    fn who_obeys_a_hint_is_never_early(
        policy in policy(),
        outcome in outcome(),
        attempts in 1..10u32,
        die in 0.0..1.0f64,
    ) {
        let decision = decide(policy, &outcome, attempts, 0.0, die);
        if let (Action::Retry, Some(asked)) = (decision.action, accepted(policy, &outcome.hint())) {
            prop_assert!(decision.wait_s >= asked, "{decision:?}");
            // Jitter only adds to a hint.
            prop_assert!((decision.wait_s - decision.jitter_s - asked).abs() < 1e-6 * asked.max(1.0));
        }
    }

    #[test]
    fn who_ignores_the_hint_waits_the_same_and_says_so(
        hint in hint(),
        attempts in 1..10u32,
        die in 0.0..1.0f64,
    ) {
        for policy in Policy::ALL.iter().filter(|policy| policy.ignores_hint()) {
            let answer = |hint| Outcome::Refused { status: 429, error: ApiError::default(), hint };
            let with = decide(*policy, &answer(hint), attempts, 0.0, die);
            let without = decide(*policy, &answer(Hint::default()), attempts, 0.0, die);
            prop_assert!(same(with.wait_s, without.wait_s));
            if hint.asked_s().is_some() {
                prop_assert!(with.reason.contains("ignores the server's"), "{}", with.reason);
            }
        }
    }

    #[test]
    fn a_call_keeps_to_its_attempts_and_its_budget(
        policy in policy(),
        outcomes in prop::collection::vec(outcome(), 1..20),
        dice in prop::collection::vec(0.0..1.0f64, 20),
        serving_s in 0.0..5.0f64,
    ) {
        let (mut elapsed_s, mut last_wait_s) = (0.0, 0.0);
        let mut sent = 0;
        for (outcome, die) in outcomes.iter().cycle().zip(&dice) {
            sent += 1;
            elapsed_s += serving_s;
            let verdict = judged(outcome);
            let decision = policy.decide(&Ended {
                attempts: sent,
                allowed: policy.attempts(),
                elapsed_s,
                last_wait_s,
                outcome,
                verdict: verdict.as_ref(),
                die: *die,
            });
            if decision.action == Action::Stop {
                break;
            }
            last_wait_s = decision.wait_s;
            elapsed_s += last_wait_s;
            if let Some(budget) = policy.budget_s() {
                prop_assert!(elapsed_s <= budget + 1e-9);
            }
        }
        prop_assert!(sent <= policy.attempts());
    }

    #[test]
    fn two_dice_part_two_workers(
        hint in proptest::option::of(0.1..90.0f64),
        status in prop::sample::select(vec![429u16, 500, 529]),
        attempts in 1..10u32,
        a in 0.0..1.0f64,
        b in 0.0..1.0f64,
    ) {
        prop_assume!((a - b).abs() > 1e-6);
        let hint = Hint { retry_after_s: hint, ..Hint::default() };
        let outcome = Outcome::Refused { status, error: ApiError::default(), hint };
        for policy in Policy::ALL {
            let [one, other] = [a, b].map(|die| decide(*policy, &outcome, attempts, 0.0, die));
            prop_assert_eq!(one.action, other.action);
            // To an old SDK a long hint is none.
            let hinted = match policy {
                Policy::SdkClassic => accepted(*policy, &hint).is_some(),
                _ => hint.asked_s().is_some(),
            };
            if one.action == Action::Retry {
                let apart = (one.wait_s - other.wait_s).abs() > 1e-9;
                prop_assert_eq!(apart, policy.spreads(hinted), "{:?} {:?}", one, other);
            }
        }
        // The two that are recommended always part them.
        for policy in [Policy::HintJitter, Policy::ExponentialJitter] {
            prop_assert!(policy.spreads(true) && policy.spreads(false));
        }
    }

    #[test]
    fn bounds_hold_around_every_policy_and_make_no_retry_early(
        policy in policy(),
        outcomes in prop::collection::vec(outcome(), 1..20),
        dice in prop::collection::vec(0.0..1.0f64, 20),
        serving_s in 0.0..5.0f64,
        deadline_s in proptest::option::of(0.0..200.0f64),
        longest_wait_s in proptest::option::of(0.0..60.0f64),
    ) {
        let limits = Limits { deadline_s, longest_wait_s, ..Limits::default() };
        let (mut elapsed_s, mut last_wait_s) = (0.0, 0.0);
        for (attempts, (outcome, die)) in (1..).zip(outcomes.iter().cycle().zip(&dice)) {
            elapsed_s += serving_s;
            let verdict = judged(outcome);
            let ended = Ended {
                attempts,
                allowed: 20,
                elapsed_s,
                last_wait_s,
                outcome,
                verdict: verdict.as_ref(),
                die: *die,
            };
            let free = policy.decide(&ended);
            prop_assert_eq!(Limits::default().bound(free.clone(), &ended), free.clone());
            let bound = limits.bound(free.clone(), &ended);
            prop_assert!(bound.wait_s <= free.wait_s && bound.jitter_s <= bound.wait_s + 1e-9);
            if bound.action == Action::Stop {
                break;
            }
            prop_assert_eq!(free.action, Action::Retry);
            prop_assert!(longest_wait_s.is_none_or(|longest| bound.wait_s <= longest));
            if let Some(asked) = outcome.hint().asked_s() {
                prop_assert_eq!(bound.wait_s < asked, free.wait_s < asked, "{:?}", bound);
            }
            last_wait_s = bound.wait_s;
            elapsed_s += last_wait_s;
            prop_assert!(deadline_s.is_none_or(|deadline| elapsed_s <= deadline + 1e-9));
        }
    }

    #[test]
    fn shared_retries_are_a_share_of_calls(
        share in 0.0..2.0f64,
        reserve in 0.0..20.0f64,
        turns in prop::collection::vec(any::<bool>(), 0..400),
    ) {
        let mut budget = Budget::new(share, reserve);
        let (mut calls, mut retries) = (0.0, 0.0);
        for calling in turns {
            if calling {
                calls += 1.0;
                budget.called();
            } else if budget.left() >= 1.0 {
                prop_assert!(budget.take());
                retries += 1.0;
            } else {
                let before = budget;
                prop_assert!(!budget.take());
                prop_assert_eq!(budget, before);
            }
            prop_assert!(budget.left() >= 0.0 && budget.left() <= reserve);
            prop_assert!(retries <= share * calls + reserve + 1e-6);
        }
        // Enough calls earn a retry, when there is room for one.
        if share > 0.01 && reserve >= 1.0 {
            (0..=(1.0 / share) as usize).for_each(|_| budget.called());
            prop_assert!(budget.take());
        }
    }

    #[test]
    fn our_own_policies_never_retry_what_cannot_help(
        policy in policy(),
        hint in hint(),
        attempts in 1..10u32,
        die in 0.0..1.0f64,
        code in prop::sample::select(vec![
            Some("enforced_spend_limit_reached"),
            Some("contract_spend_limit_reached"),
            None,
        ]),
        with_verdict in any::<bool>(),
    ) {
        let error = ApiError {
            kind: "rate_limit_error".to_owned(),
            code: code.map(str::to_owned),
            ..ApiError::default()
        };
        let outcome = Outcome::Refused { status: 429, error, hint };
        let mut verdict = judged(&outcome).filter(|_| with_verdict || code.is_none());
        if let (Some(verdict), None) = (&mut verdict, code) {
            // A call that is larger than its own bucket.
            verdict.retry_helps = false;
        }
        let decision = policy.decide(&Ended {
            attempts,
            allowed: attempts + 1,
            elapsed_s: 0.0,
            last_wait_s: 0.0,
            outcome: &outcome,
            verdict: verdict.as_ref(),
            die,
        });
        match policy {
            Policy::Sdk | Policy::SdkClassic if hint.should_retry != Some(false) => {
                prop_assert_eq!(decision.action, Action::Retry);
                prop_assert!(decision.reason.contains("unwise"), "{}", decision.reason);
            }
            _ => prop_assert_eq!(decision.action, Action::Stop),
        }
    }

    #[test]
    fn a_verdict_agrees_with_what_was_seen(outcome in outcome()) {
        let Some(verdict) = judged(&outcome) else {
            prop_assert!(outcome.is_complete() || outcome == Outcome::Cancelled);
            return Ok(());
        };
        prop_assert_eq!(verdict.status, outcome.status());
        prop_assert_eq!(verdict.asked_s, outcome.hint().asked_s());
        // When money is back can be known although no retry helps until then.
        prop_assert!(
            verdict.retry_helps || verdict.retry_at.is_none() || verdict.cause == Cause::SpendCap
        );
        prop_assert!(!verdict.sentence.is_empty() && verdict.sentence.chars().all(is_harmless));
        prop_assert!(verdict.evidence.is_sorted_by_key(|evidence| evidence.from));
        if let (Some(at), Some(asked)) = (verdict.retry_at, verdict.asked_s)
            && asked < 1e6
            && verdict.retry_helps
        {
            prop_assert!((seconds_between(now(), at) - asked).abs() < 1e-3);
        }
        let json = serde_json::to_string(&verdict).unwrap();
        prop_assert!(serde_json::from_str::<Verdict>(&json).is_ok(), "{json}");
    }
}
