//! Each trap of the wire as a test. Sections are those of the API notes: 2 headers, 12 traps; values
//! are captures quoted there or typed from the documented formats.

mod odd;

use super::*;
use crate::domain::limit::{Dimension, Family};
use rstest::rstest;

fn at() -> Time {
    "2026-11-24T12:00:03Z".parse().unwrap()
}

fn reading(lines: &[(&str, &str)]) -> Reading {
    read(lines.iter().map(|(n, v)| (*n, v.as_bytes())), at())
}

fn level<'a>(reading: &'a Reading, limiter: &str) -> &'a Level {
    reading
        .levels
        .iter()
        .find(|level| level.limiter.as_str() == limiter)
        .unwrap()
}

/// Section 2.1, all documented families.
const FULL: &[(&str, &str)] = &[
    ("date", "Tue, 24 Nov 2026 12:00:00 GMT"),
    ("content-type", "application/json"),
    ("request-id", "req_011CX9f"),
    (
        "anthropic-organization-id",
        "6a3f0f4e-0000-4000-8000-000000000001",
    ),
    ("anthropic-workspace-id", "wrkspc_EX"),
    ("anthropic-ratelimit-requests-limit", "1000"),
    ("anthropic-ratelimit-requests-remaining", "999"),
    ("anthropic-ratelimit-requests-reset", "2026-11-24T12:00:00Z"),
    ("anthropic-ratelimit-tokens-limit", "2400000"),
    ("anthropic-ratelimit-tokens-remaining", "2399000"),
    ("anthropic-ratelimit-tokens-reset", "2026-11-24T12:00:01Z"),
    ("anthropic-ratelimit-input-tokens-limit", "2000000"),
    ("anthropic-ratelimit-input-tokens-remaining", "1000000"),
    (
        "anthropic-ratelimit-input-tokens-reset",
        "2026-11-24T12:00:30Z",
    ),
    ("anthropic-ratelimit-output-tokens-limit", "400000"),
    ("anthropic-ratelimit-output-tokens-remaining", "400000"),
    (
        "anthropic-ratelimit-output-tokens-reset",
        "2026-11-24T12:00:00Z",
    ),
    ("anthropic-priority-input-tokens-limit", "10000"),
    ("anthropic-priority-input-tokens-remaining", "9000"),
    (
        "anthropic-priority-input-tokens-reset",
        "2026-11-24T12:00:06Z",
    ),
    ("anthropic-priority-output-tokens-limit", "8000"),
    ("anthropic-priority-output-tokens-remaining", "7000"),
    ("anthropic-fast-input-tokens-limit", "300000"),
    ("anthropic-fast-input-tokens-remaining", "299000"),
    ("anthropic-fast-output-tokens-limit", "60000"),
    ("anthropic-fast-output-tokens-remaining", "60000"),
];

#[test]
fn every_documented_family_is_read() {
    let reading = reading(FULL);
    let names: Vec<_> = reading.levels.iter().map(|l| l.limiter.as_str()).collect();
    assert_eq!(
        names,
        [
            "requests_per_minute",
            "input_tokens_per_minute_cache_aware",
            "output_tokens_per_minute",
            "tokens",
            "fast_itpmca",
            "fast_otpm",
            "priority_input",
            "priority_output"
        ]
    );
    assert_eq!(reading.unknown, []);
    assert_eq!(reading.request.unwrap().as_str(), "req_011CX9f");
    assert_eq!(reading.workspace.unwrap().as_str(), "wrkspc_EX");
}

#[test]
fn trap_1_reset_is_time_to_full_not_a_window() {
    let reading = reading(FULL);
    let input = level(&reading, "input_tokens_per_minute_cache_aware");
    // Half is free at once, and the other half is back after 30 s.
    assert_eq!((input.remaining, input.full_in_s), (1_000_000, Some(30.0)));
}

#[test]
fn trap_2_a_rounded_remaining_above_the_limit_is_kept_as_said() {
    let reading = reading(&[
        ("anthropic-ratelimit-output-tokens-limit", "1500"),
        ("anthropic-ratelimit-output-tokens-remaining", "2000"),
    ]);
    assert_eq!(level(&reading, "output_tokens_per_minute").remaining, 2000);
}

#[test]
fn trap_3_tokens_is_a_family_of_its_own_and_its_limit_may_flip() {
    let before = reading(FULL);
    let combined = level(&before, "tokens");
    assert_eq!(
        (combined.family, combined.dimension),
        (Family::Combined, Dimension::Combined)
    );
    let after = reading(&[
        ("anthropic-ratelimit-tokens-limit", "50000"),
        ("anthropic-ratelimit-tokens-remaining", "50000"),
    ]);
    assert_eq!(level(&after, "tokens").limit, 50_000);
    assert!(after.levels.iter().all(|l| l.dimension != Dimension::Itpm));
}

#[test]
fn trap_10_a_spend_cap_has_no_hint() {
    assert_eq!(reading(&[]).hint.asked_s(), None);
    assert_eq!(reading(&[("retry-after", "")]).hint.asked_s(), None);
}

#[test]
fn trap_14_a_hint_above_60_s_stays() {
    let reading = reading(&[("retry-after", "51811")]);
    assert_eq!(reading.hint.asked_s(), Some(51_811.0));
}

#[test]
fn trap_18_unified_is_epoch_seconds_and_utilization_may_exceed_1() {
    let reading = reading(&[
        ("anthropic-ratelimit-unified-status", "allowed_warning"),
        ("anthropic-ratelimit-unified-reset", "1795523400"),
        (
            "anthropic-ratelimit-unified-representative-claim",
            "five_hour",
        ),
        ("anthropic-ratelimit-unified-fallback-percentage", "0.5"),
        ("anthropic-ratelimit-unified-overage-status", "rejected"),
        (
            "anthropic-ratelimit-unified-overage-disabled-reason",
            "out_of_credits",
        ),
        ("anthropic-ratelimit-unified-5h-status", "allowed"),
        ("anthropic-ratelimit-unified-5h-reset", "1795523400"),
        ("anthropic-ratelimit-unified-5h-utilization", "1.02"),
        ("anthropic-ratelimit-unified-7d-utilization", "-0.0"),
        ("anthropic-ratelimit-unified-7d_oi-utilization", "0.25"),
    ]);
    let unified = reading.unified.unwrap();
    assert_eq!(unified.reset, Some("2026-11-24T12:30:00Z".parse().unwrap()));
    assert_eq!(unified.representative.as_deref(), Some("five_hour"));
    assert_eq!(
        unified.overage_disabled_reason.as_deref(),
        Some("out_of_credits")
    );
    let windows: Vec<_> = unified
        .windows
        .iter()
        .map(|w| (w.name.as_str(), w.utilization))
        .collect();
    assert_eq!(
        windows,
        [("5h", Some(1.02)), ("7d", Some(0.0)), ("7d_oi", Some(0.25))]
    );
    assert!(unified.windows[1].utilization.unwrap().is_sign_positive());
    // What has no meaning here is kept raw.
    assert_eq!(
        reading.unknown,
        [(
            "anthropic-ratelimit-unified-fallback-percentage".to_owned(),
            "0.5".to_owned()
        )]
    );
    assert_eq!(reading.levels, []);
}

#[test]
fn trap_19_readings_are_ordered_by_arrival_of_the_head() {
    assert_eq!(reading(FULL).at, at());
}

#[test]
fn trap_20_reset_is_taken_against_the_responses_own_date() {
    // Our clock is a year behind; the distance is the server's.
    let early: Time = "2025-11-24T12:00:00Z".parse().unwrap();
    let reading = read(FULL.iter().map(|(n, v)| (*n, v.as_bytes())), early);
    let input = level(&reading, "input_tokens_per_minute_cache_aware");
    assert_eq!(input.full_in_s, Some(30.0));
    // An HTTP date too.
    let later = super::tests::reading(&[
        ("date", "Sat, 24 Nov 2029 12:00:00 GMT"),
        ("retry-after", "Sat, 24 Nov 2029 12:00:17 GMT"),
    ]);
    assert_eq!(later.hint.asked_s(), Some(17.0));
}

#[test]
fn without_a_date_our_own_arrival_stands_in() {
    let reading = reading(&[
        ("date", "yesterday"),
        ("anthropic-ratelimit-requests-limit", "50"),
        ("anthropic-ratelimit-requests-remaining", "49"),
        ("anthropic-ratelimit-requests-reset", "2026-11-24T12:00:04Z"),
    ]);
    assert_eq!(reading.date, None);
    assert_eq!(level(&reading, "requests_per_minute").full_in_s, Some(1.0));
}

#[test]
fn a_reset_before_the_date_is_clamped_to_zero() {
    // Section 2.3: captured 20:37:51Z with a date of 20:38:03.
    let reading = reading(&[
        ("date", "Mon, 24 Feb 2025 20:38:03 GMT"),
        ("anthropic-ratelimit-requests-limit", "4000"),
        ("anthropic-ratelimit-requests-remaining", "3999"),
        ("anthropic-ratelimit-requests-reset", "2025-02-24T20:37:51Z"),
    ]);
    assert_eq!(level(&reading, "requests_per_minute").full_in_s, Some(0.0));
}

#[test]
fn trap_21_an_empty_head_is_no_data() {
    let reading = reading(&[("content-type", "application/json")]);
    assert_eq!((reading.levels.len(), reading.unknown.len()), (0, 0));
    assert_eq!(reading.unified, None);
}

#[rstest]
#[case("Anthropic-RateLimit-Requests-")]
#[case("llm_provider-anthropic-ratelimit-requests-")]
#[case("x-upstream-Anthropic-Ratelimit-requests-")]
fn trap_22_any_case_and_any_prefix(#[case] stem: &str) {
    let (limit, remaining) = (format!("{stem}limit"), format!("{stem}Remaining"));
    let reading = reading(&[(&limit, "50"), (&remaining, " 49 ")]);
    let level = level(&reading, "requests_per_minute");
    assert_eq!((level.limit, level.remaining), (50, 49));
}

#[test]
fn a_name_without_a_prefix_is_preferred() {
    let reading = reading(&[
        ("llm_provider-anthropic-ratelimit-requests-limit", "1"),
        ("llm_provider-anthropic-ratelimit-requests-remaining", "1"),
        ("llm_provider-request-id", "req_inner"),
        ("anthropic-ratelimit-requests-limit", "50"),
        ("anthropic-ratelimit-requests-remaining", "49"),
    ]);
    assert_eq!(level(&reading, "requests_per_minute").limit, 50);
    assert_eq!(reading.request.unwrap().as_str(), "req_inner");
}

// Section 2.3: a model of 2025 lacked the input family while the others were there.
#[rstest]
#[case("anthropic-ratelimit-requests", "requests_per_minute")]
#[case("anthropic-ratelimit-tokens", "tokens")]
#[case(
    "anthropic-ratelimit-input-tokens",
    "input_tokens_per_minute_cache_aware"
)]
#[case("anthropic-ratelimit-output-tokens", "output_tokens_per_minute")]
#[case("anthropic-priority-input-tokens", "priority_input")]
#[case("anthropic-priority-output-tokens", "priority_output")]
#[case("anthropic-fast-input-tokens", "fast_itpmca")]
#[case("anthropic-fast-output-tokens", "fast_otpm")]
fn any_family_may_be_missing_and_the_others_stay(#[case] stem: &str, #[case] limiter: &str) {
    let without: Vec<_> = FULL
        .iter()
        .copied()
        .filter(|(name, _)| name.rsplit_once('-').is_none_or(|(s, _)| s != stem))
        .collect();
    let mut expected = reading(FULL);
    expected
        .levels
        .retain(|level| level.limiter.as_str() != limiter);
    assert_eq!(expected.levels.len(), 7);
    assert_eq!(reading(&without), expected);
}
