//! The traps of the API, each with the tests that fail when the tool walks into it; those that had no
//! test elsewhere are here.

use crate::world;
use http::{HeaderMap, HeaderValue, Method};
use ratetop::{
    assets,
    domain::{
        board::Board,
        gauge::{Gauge, Taken},
        headers::{Hint, Level, Reading},
        id::{Limiter, ModelId},
        limit::{Dimension, Family},
        observation::{Observation, Source, What},
        outcome::{ApiError, Outcome},
        time::{Time, after},
        usage::Usage,
        verdict::{Cause, Context, judge},
    },
    sim::{
        engine::{Answered, Engine},
        scenario::Scenario,
        speak::ask::{API_KEY, read},
    },
};
use std::path::Path;

/// Number of a trap, and tests that fail if it is broken. To add one of these: a row.
const TRAPS: &[(u32, &[&str])] = &[
    (
        1,
        &[
            "trap_1_reset_is_time_to_full_not_a_window",
            "a_projection_refills_continuously_and_never_past_the_limit",
        ],
    ),
    (
        2,
        &[
            "trap_2_a_fall_below_the_rounding_is_nobodys_burn",
            "trap_2_a_rounded_remaining_above_the_limit_is_kept_as_said",
        ],
    ),
    (
        3,
        &[
            "trap_3_tokens_is_a_family_of_its_own_and_its_limit_may_flip",
            "another_limit_is_another_bucket",
        ],
    ),
    (
        4,
        &[
            "limits_make_pools_and_headers_fill_them_by_membership_not_by_prefix",
            "who_shares_a_pool",
        ],
    ),
    (
        5,
        &[
            "the_plain_input_limiter_gets_the_input_headers_only_where_it_is_the_one",
            "both_group_and_group_type_and_unknown_kinds_and_limiters",
        ],
    ),
    (6, &["the_guides_shape_without_ids", "the_third_shape"]),
    (
        7,
        &["an_override_lowers_the_gauge_and_absent_means_inherited"],
    ),
    (
        8,
        &["trap_8_the_old_tiers_are_unknown", "published_numbers"],
    ),
    (9, &["trap_9_cache_reads_are_not_in_input_tokens"]),
    (
        10,
        &[
            "trap_10_a_spend_cap_has_no_hint",
            "a_spend_cap_never_helps",
            "an_own_spend_limit_is_a_400",
            "our_own_policies_never_retry_what_cannot_help",
        ],
    ),
    (11, &["an_error_inside_a_stream_has_status_200"]),
    (12, &["trap_12_a_529_says_nothing_about_headroom"]),
    (13, &["trap_13_max_tokens_does_not_count"]),
    (14, &["trap_14_a_hint_above_60_s_stays", "the_sdk_by_hint"]),
    (
        15,
        &[
            "trap_15_a_key_is_never_evidence",
            "both_styles_carry_the_key_and_nothing_prints_it",
        ],
    ),
    (
        16,
        &["trap_16_the_admin_api_gets_the_admin_key_whatever_its_shape"],
    ),
    // 17 has no source of usage yet: nothing here polls it.
    (
        18,
        &[
            "trap_18_unified_is_epoch_seconds_and_utilization_may_exceed_1",
            "a_window_above_one_is_shown_as_nothing_left",
        ],
    ),
    (
        19,
        &[
            "trap_19_readings_are_ordered_by_arrival_of_the_head",
            "a_slow_response_does_not_undo_a_fast_one",
            "of_two_readings_taken_together_the_lower_counts",
        ],
    ),
    (
        20,
        &[
            "trap_20_reset_is_taken_against_the_responses_own_date",
            "a_reset_before_the_date_is_clamped_to_zero",
        ],
    ),
    (
        21,
        &[
            "trap_21_an_empty_head_is_no_data",
            "trap_21_a_head_without_levels_is_no_zero",
        ],
    ),
    (22, &["trap_22_any_case_and_any_prefix"]),
    (
        23,
        &["an_admin_key_of_another_organization_leaves_headers_only"],
    ),
    (
        24,
        &[
            "the_body_has_what_is_needed_and_no_sampling",
            "what_old_models_take",
        ],
    ),
    (
        25,
        &[
            "trap_25_counting_tokens_leaves_the_models_pool_alone",
            "trap_25_fast_families_are_kept_apart",
            "a_fast_response_leaves_the_standard_gauges_alone",
        ],
    ),
];

fn sources(dir: &Path, into: &mut String) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|it| it == "rs") {
            into.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_trap_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    sources(&root.join("src"), &mut text);
    sources(&root.join("tests"), &mut text);
    for (trap, tests) in TRAPS {
        assert!(!tests.is_empty(), "trap {trap}");
        for test in *tests {
            assert!(text.contains(&format!("fn {test}(")), "trap {trap}: {test}");
        }
    }
    let numbers: Vec<u32> = TRAPS.iter().map(|(trap, _)| *trap).collect();
    let expected: Vec<u32> = (1..=25).filter(|trap| *trap != 17).collect();
    assert_eq!(numbers, expected);
    let mut asking = String::new();
    sources(&root.join("src/api"), &mut asking);
    let asks = asking.contains("usage_report");
    assert!(!asks, "trap 17 needs its test now");
}

fn t(s: f64) -> Time {
    after("2026-11-24T12:00:00Z".parse().unwrap(), s)
}

fn level(limiter: &str, limit: u64, remaining: u64) -> Level {
    let limiter = Limiter::from(limiter);
    Level {
        dimension: limiter.dimension(),
        family: limiter.family(),
        limiter,
        limit,
        remaining,
        full_in_s: None,
    }
}

fn seen(at: Time, what: What) -> Observation {
    world::seen(at, 1, "claude-opus-5-5", what)
}

fn head(at: Time, status: u16, levels: Vec<Level>) -> Observation {
    let reading = Reading {
        levels,
        unknown: Vec::new(),
        raw: Vec::new(),
        ..world::reading(at, [(1, 1); 3])
    };
    let what = What::Head {
        status,
        reading,
        first_byte_s: 0.0,
    };
    seen(at, what)
}

fn otpm(board: &Board, now: Time) -> Option<u64> {
    let pool = board.pool_of(&ModelId::from("claude-opus-5-5"))?;
    pool.gauge(Dimension::Otpm, Family::Standard)?
        .view(now)
        .remaining
}

/// Trap 2: token counts are rounded to 1,000, so a difference below that is no burn.
#[test]
fn trap_2_a_fall_below_the_rounding_is_nobodys_burn() {
    let at = |s: f64| Taken {
        at: t(s),
        first_byte_s: 0.0,
        source: Source::Call,
    };
    let name = "output_tokens_per_minute";
    let mut gauge = Gauge::new(name.into(), Dimension::Otpm, Family::Standard);
    // 1,000 a second come back. Every 6 s 6,000 more are there, shown up to 500 off either way.
    for (s, remaining) in [
        (0.0, 10_000),
        (6.0, 15_000),
        (12.0, 22_000),
        (18.0, 27_000),
        (24.0, 34_000),
    ] {
        gauge.fold(&level(name, 60_000, remaining), at(s));
        let burn = gauge.view(t(s)).others_burn_per_min;
        assert!(burn.is_none_or(|burn| burn < 1.0), "{burn:?} at {s} s");
    }
}

/// Trap 8: tiers 1 to 4 are gone.
#[test]
fn trap_8_the_old_tiers_are_unknown() {
    let tiers = assets::tiers();
    for old in ["Tier 1", "Tier 4", "1", "tier_2"] {
        let groups = tiers.guess_groups(Some(old));
        assert!(groups.iter().all(|group| group.limits.is_empty()), "{old}");
    }
    for now in ["Start", "Build", "Scale"] {
        let groups = tiers.guess_groups(Some(now));
        assert!(groups.iter().any(|group| !group.limits.is_empty()), "{now}");
    }
}

/// Trap 9: `input_tokens` is already without cache reads; subtracting them would do it twice.
#[test]
fn trap_9_cache_reads_are_not_in_input_tokens() {
    let usage = Usage {
        input_tokens: 100,
        cache_creation_input_tokens: 20,
        cache_read_input_tokens: 9_000,
        output_tokens: 5,
        ..Usage::default()
    };
    assert_eq!(usage.counted_input(), 120);
    assert_eq!(usage.all_input(), 9_120);
}

/// Trap 12: a 529 is everyone's load.
#[test]
fn trap_12_a_529_says_nothing_about_headroom() {
    let outcome = Outcome::Refused {
        status: 529,
        error: ApiError {
            kind: "overloaded_error".into(),
            ..ApiError::default()
        },
        hint: Hint::default(),
    };
    let verdict = judge(&outcome, &Context::at(t(3.0))).unwrap();
    assert_eq!(
        (verdict.cause, verdict.limiter.as_ref()),
        (Cause::Overloaded, None)
    );
    assert!(!verdict.cause.is_refusal_of_limit());

    let levels = || vec![level("output_tokens_per_minute", 1_000_000, 500_000)];
    let (mut plain, mut overloaded) = (Board::default(), Board::default());
    for board in [&mut plain, &mut overloaded] {
        board.absorb(&head(t(0.0), 200, levels()));
    }
    overloaded.absorb(&seen(t(2.0), What::Sent));
    overloaded.absorb(&head(t(3.0), 529, Vec::new()));
    let finished = What::Finished {
        outcome,
        usage: None,
        duration_s: 1.0,
        verdict: Some(Box::new(verdict)),
    };
    overloaded.absorb(&seen(t(3.0), finished));
    assert!(otpm(&plain, t(4.0)).is_some());
    assert_eq!(otpm(&overloaded, t(4.0)), otpm(&plain, t(4.0)));
}

/// Trap 21: a gateway that strips headers leaves what was known, and nothing where nothing was.
#[test]
fn trap_21_a_head_without_levels_is_no_zero() {
    let mut board = Board::default();
    board.absorb(&head(t(0.0), 200, Vec::new()));
    assert_eq!(otpm(&board, t(1.0)), None);
    assert_eq!(board.sources().headers_at, None);
    let levels = vec![level("output_tokens_per_minute", 1_000_000, 500_000)];
    board.absorb(&head(t(1.0), 200, levels));
    board.absorb(&head(t(2.0), 200, Vec::new()));
    assert!(otpm(&board, t(2.0)).is_some_and(|left| left >= 500_000));
}

const WORLD: &str = r#"
about = "a test"
tier = "none"
[answers]
tokens = [50, 50]
first_byte_s = [0, 0]
tokens_per_s = [0, 0]
[[pools]]
name = "Opus 5.5"
limits = { requests_per_minute = 60, input_tokens_per_minute_cache_aware = 30000, output_tokens_per_minute = 8000 }
[[pools]]
name = "token_count"
kind = "token_count"
limits = { requests_per_minute = 2 }
"#;

fn post(engine: &mut Engine, target: &str, body: &str) -> Answered {
    let mut headers = HeaderMap::new();
    headers.insert("x-api-key", HeaderValue::from_static(API_KEY));
    headers.insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
    engine.answer(
        read(&Method::POST, target, &headers, body.as_bytes()),
        t(0.0),
    )
}

/// Trap 13: only tokens that are generated count to OTPM.
#[test]
fn trap_13_max_tokens_does_not_count() {
    let mut engine = Engine::new(Scenario::parse(WORLD, "t.toml").unwrap(), 1, t(0.0));
    let body = r#"{"model":"claude-opus-5-5","max_tokens":128000,"stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
    let Answered::Call(call) = post(&mut engine, "/v1/messages", body) else {
        panic!("refused for what it may say at most");
    };
    engine.end(call.ticket, t(0.0));
    let left = engine.level("claude-opus-5-5", "output_tokens_per_minute", t(0.0));
    assert_eq!(left, Some(7_950.0));
}

/// Trap 25: count_tokens has a pool of its own, and shows no levels of the model's.
#[test]
fn trap_25_counting_tokens_leaves_the_models_pool_alone() {
    let mut engine = Engine::new(Scenario::parse(WORLD, "t.toml").unwrap(), 1, t(0.0));
    let body = r#"{"model":"claude-opus-5-5","messages":[{"role":"user","content":"hi"}]}"#;
    for status in [200, 200, 429] {
        let Answered::Now(answer) = post(&mut engine, "/v1/messages/count_tokens", body) else {
            panic!("no count");
        };
        assert_eq!(answer.status, status);
        let levels = |name: &&http::HeaderName| name.as_str().contains("ratelimit");
        assert_eq!(answer.headers.keys().filter(levels).count(), 0);
    }
    for (limiter, full) in [
        ("requests_per_minute", 60.0),
        ("input_tokens_per_minute_cache_aware", 30_000.0),
    ] {
        assert_eq!(engine.level("claude-opus-5-5", limiter, t(0.0)), Some(full));
    }
}
