//! Against a bucket that refuses what it does not hold, as the API does.

use super::*;
use crate::domain::{headers::Level, usage::Usage};
use proptest::prelude::*;

fn t(s: f64) -> Time {
    after("2026-11-24T12:00:00Z".parse().unwrap(), s)
}

fn reading(at: f64, limit: u64, remaining: u64) -> Reading {
    let level = |limiter: &str, dimension, limit, remaining| Level {
        limiter: limiter.into(),
        dimension,
        family: Family::Standard,
        limit,
        remaining,
        full_in_s: None,
    };
    let mut reading = crate::domain::headers::read(std::iter::empty::<(&str, &[u8])>(), t(at));
    reading.levels = vec![level(
        "requests_per_minute",
        Dimension::Rpm,
        limit,
        remaining,
    )];
    reading
}

const SMALL: Cost = Cost {
    input: 10.0,
    output: 100.0,
};

#[test]
fn nothing_is_known_before_the_first_head_so_one_goes_alone() {
    let mut it = Buckets::new(Limits::default());
    assert!(matches!(it.admit(t(0.0), SMALL), Admit::Go(_)));
    let gate = |admit| match admit {
        Admit::Wait { gate, .. } => Some(gate),
        Admit::Go(_) => None,
    };
    assert_eq!(gate(it.admit(t(0.0), SMALL)), Some(Gate::FirstAnswer));
    it.heard(&reading(0.5, 60, 3), SMALL);
    for _ in 0..3 {
        assert_eq!(gate(it.admit(t(0.5), SMALL)), None);
    }
    // Three of three are gone; one comes back each second.
    match it.admit(t(0.5), SMALL) {
        Admit::Wait { seconds, gate } => {
            assert_eq!(gate, Gate::Requests);
            assert!((seconds - 1.0).abs() < 1e-6, "{seconds}");
        }
        go @ Admit::Go(_) => panic!("{go:?}"),
    }
}

#[test]
fn a_hint_holds_everybody_until_it_has_passed() {
    let mut it = Buckets::new(Limits::default());
    it.ended(
        t(0.0),
        &Ended {
            reserved: SMALL,
            usage: None,
            headed: true,
            refused: true,
            asked_s: Some(17.0),
        },
    );
    let wait = Admit::Wait {
        seconds: 17.0,
        gate: Gate::Hint,
    };
    assert_eq!(it.admit(t(0.0), SMALL), wait);
    assert!(matches!(it.admit(t(17.0), SMALL), Admit::Go(_)));
}

#[test]
fn what_answers_really_give_is_expected_of_the_next() {
    let limits = Limits {
        requests: Some(1_000),
        input: Some(100_000),
        output: Some(1_000),
    };
    let mut it = Buckets::new(limits);
    let Admit::Go(reserved) = it.admit(t(0.0), SMALL) else {
        panic!("full buckets");
    };
    assert!((reserved.output - 100.0).abs() < 1e-9);
    let usage = Usage {
        input_tokens: 10,
        output_tokens: 20,
        ..Usage::default()
    };
    let ended = Ended {
        reserved,
        usage: Some(usage),
        headed: false,
        refused: false,
        asked_s: None,
    };
    it.ended(t(0.0), &ended);
    let mut more = 0;
    while let Admit::Go(next) = it.admit(t(0.0), SMALL) {
        assert!((next.output - 20.0).abs() < 1e-9);
        more += 1;
    }
    // 980 are left, 20 each.
    assert_eq!(more, 49);
}

proptest! {
    /// In no span does more leave than the bucket held and got back, whatever the server says and
    /// whenever it is asked.
    #[test]
    fn no_more_leaves_than_the_buckets_hold(
        requests in 1_u64..100,
        input in 1_000_u64..50_000,
        asks in prop::collection::vec((0.0_f64..2.0, 1.0_f64..2_000.0), 1..200),
    ) {
        let limits = Limits { requests: Some(requests), input: Some(input), output: Some(1_000_000) };
        let mut it = Buckets::new(limits);
        let (mut now, mut left) = (0.0, Vec::new());
        for (later, tokens) in asks {
            now += later;
            let cost = Cost { input: tokens.min(input as f64), output: 1.0 };
            if let Admit::Go(_) = it.admit(t(now), cost) {
                left.push((now, cost.input));
            }
        }
        for (from, (begin, _)) in left.iter().enumerate() {
            let (mut n, mut tokens) = (0.0, 0.0);
            for (end, cost) in &left[from..] {
                n += 1.0;
                tokens += cost;
                let back = (end - begin) / REFILL_S;
                prop_assert!(n <= requests as f64 * (1.0 + back) + 1e-3);
                prop_assert!(tokens <= input as f64 * (1.0 + back) + 1e-3);
            }
        }
    }

    /// Whoever asks again after the wait that was named may leave, if nobody came before him.
    #[test]
    fn the_wait_that_is_named_is_enough(requests in 1_u64..100, before in 0_usize..150) {
        let limits = Limits { requests: Some(requests), input: Some(1_000_000), output: Some(1_000_000) };
        let mut it = Buckets::new(limits);
        for _ in 0..before {
            let _ = it.admit(t(0.0), SMALL);
        }
        if let Admit::Wait { seconds, .. } = it.admit(t(0.0), SMALL) {
            prop_assert!(matches!(it.admit(t(seconds + 1e-6), SMALL), Admit::Go(_)));
        }
    }
}
