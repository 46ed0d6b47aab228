//! Values that are odd, cut short or hostile, and hints; nothing of them makes a level that was not said.

use super::*;
use proptest::prelude::*;

// Section 2.1: the reset is optional to us, and its zone and fraction are its own.
#[rstest]
#[case("2026-11-24T12:00:30Z", 30.0)]
#[case("2026-11-24T12:00:30.5Z", 30.5)]
#[case("2026-11-24T13:00:30+01:00", 30.0)]
fn a_reset_in_any_rfc_3339_form(#[case] text: &str, #[case] seconds: f64) {
    let reading = reading(&[
        ("date", "Tue, 24 Nov 2026 12:00:00 GMT"),
        ("anthropic-ratelimit-requests-limit", "50"),
        ("anthropic-ratelimit-requests-remaining", "25"),
        ("anthropic-ratelimit-requests-reset", text),
    ]);
    assert_eq!(
        level(&reading, "requests_per_minute").full_in_s,
        Some(seconds)
    );
}

// Section 2.2: seen on a rejected subscription, with a hint of hours.
#[test]
fn a_rejected_window_without_limits_is_no_level() {
    let reading = reading(&[
        ("anthropic-ratelimit-unified-status", "rejected"),
        ("anthropic-ratelimit-unified-7d_oi-status", "rejected"),
        ("anthropic-ratelimit-unified-7d_oi-reset", "1795523400"),
        ("retry-after", "51811"),
    ]);
    let unified = reading.unified.unwrap();
    assert_eq!(unified.status.as_deref(), Some("rejected"));
    assert_eq!(unified.windows[0].name, "7d_oi");
    assert_eq!(unified.windows[0].utilization, None);
    assert_eq!((reading.levels.len(), reading.unknown.len()), (0, 0));
    assert_eq!(reading.hint.asked_s(), Some(51_811.0));
}

#[test]
fn trap_15_a_key_is_never_evidence() {
    let lines: [(&str, &[u8]); 6] = [
        ("x-api-key", b"sk-ant-api03-secret"),
        ("authorization", b"Bearer sk-ant-api03-secret"),
        ("X-Amz-Security-Token", b"secret"),
        ("set-cookie", b"__cf_bm=secret"),
        ("llm_provider-x-api-key", b"secret"),
        ("anthropic-ratelimit-requests-limit", b"50"),
    ];
    assert_eq!(raw_rate_limit_headers(lines.into_iter()).len(), 1);
    let reading = read(lines.into_iter(), at());
    assert!(!serde_json::to_string(&reading).unwrap().contains("secret"));
}

#[test]
fn trap_25_fast_families_are_kept_apart() {
    let reading = reading(&[
        ("anthropic-fast-output-tokens-limit", "60000"),
        ("anthropic-fast-output-tokens-remaining", "0"),
    ]);
    assert_eq!(reading.levels.len(), 1);
    assert_eq!(level(&reading, "fast_otpm").family, Family::Fast);
}

#[rstest]
#[case::negative("-5")]
#[case::overflow("18446744073709551616")]
#[case::fraction("12.5")]
#[case::comma("1,000")]
#[case::word("unlimited")]
#[case::empty("")]
#[case::plus("+5")]
fn a_number_that_is_none_leaves_no_level_and_stays_raw(#[case] text: &str) {
    let reading = reading(&[
        ("anthropic-ratelimit-requests-limit", "50"),
        ("anthropic-ratelimit-requests-remaining", text),
        ("anthropic-ratelimit-output-tokens-limit", "400000"),
        ("anthropic-ratelimit-output-tokens-remaining", "1000"),
    ]);
    assert_eq!(reading.levels.len(), 1);
    assert_eq!(reading.unknown.len(), 2);
    assert_eq!(reading.unknown[1].1, text);
}

#[rstest]
#[case::garbage("soon")]
#[case::far_future("9999-12-31T23:59:59Z")]
#[case::epoch_overflow("99999999999999999")]
fn a_reset_that_cannot_be_believed_is_unknown_and_the_level_stays(#[case] text: &str) {
    let reading = reading(&[
        ("anthropic-ratelimit-requests-limit", "50"),
        ("anthropic-ratelimit-requests-remaining", "49"),
        ("anthropic-ratelimit-requests-reset", text),
    ]);
    assert_eq!(level(&reading, "requests_per_minute").full_in_s, None);
    assert_eq!(reading.unknown.len(), 1);
}

#[test]
fn values_that_are_not_utf_8_are_kept_readable() {
    let lines: [(&str, &[u8]); 3] = [
        ("anthropic-ratelimit-requests-limit", b"\xff\xfe50"),
        ("anthropic-ratelimit-new-thing", b"a\x1b[31m\xc3\x28"),
        ("request-id", b"\xff\xff"),
    ];
    let reading = read(lines.into_iter(), at());
    assert_eq!(reading.levels, []);
    assert_eq!(reading.unknown[1].1, "a[31m\u{fffd}(");
}

#[rstest]
#[case("retry-after", "17", Some(17.0))]
#[case("retry-after", " 17.5 ", Some(17.5))]
#[case("retry-after", "0", None)]
#[case("retry-after", "-3", None)]
#[case("retry-after", "NaN", None)]
#[case("retry-after", "1e999", None)]
#[case("retry-after", "soon", None)]
#[case("retry-after-ms", "1500", Some(1.5))]
#[case("Retry-After-Ms", "250.5", Some(0.2505))]
fn hints(#[case] name: &str, #[case] value: &str, #[case] asked: Option<f64>) {
    assert_eq!(reading(&[(name, value)]).hint.asked_s(), asked);
}

#[test]
fn milliseconds_win_over_seconds_and_should_retry_is_read() {
    let reading = reading(&[
        ("retry-after", "9"),
        ("retry-after-ms", "1500"),
        ("x-should-retry", "false"),
    ]);
    assert_eq!(reading.hint.asked_s(), Some(1.5));
    assert_eq!(reading.hint.should_retry, Some(false));
}

#[test]
fn unknown_limit_headers_are_kept_and_bounded() {
    let names: Vec<String> = (0..500)
        .map(|n| format!("anthropic-ratelimit-thing{n}-limit"))
        .collect();
    let long = "x".repeat(10_000);
    let reading = read(names.iter().map(|n| (n.as_str(), long.as_bytes())), at());
    assert_eq!(reading.unknown.len(), 64);
    assert_eq!(reading.unknown[0].1.chars().count(), 201);
    let other = super::reading(&[
        ("anthropic-widgets-remaining", "3"),
        ("anthropic-beta", "x"),
    ]);
    assert_eq!(other.unknown.len(), 1);
}

#[test]
fn evidence_is_the_head_as_it_came_without_the_rest() {
    let raw = raw_rate_limit_headers(FULL.iter().map(|(n, v)| (*n, v.as_bytes())));
    assert_eq!(raw.len(), FULL.len() - 1);
    assert!(raw.iter().all(|(name, _)| name != "content-type"));
}

proptest! {
    #[test]
    fn any_bytes_give_a_reading(
        lines in prop::collection::vec(
            (
                prop::sample::select(vec!["", "llm_provider-", "anthropic-", "x-"]),
                prop::sample::select(vec![
                    "anthropic-ratelimit-requests", "anthropic-ratelimit-unified-5h", "anthropic-fast-output-tokens",
                    "anthropic-ratelimit-unified", "retry-after", "date", "é-anthropic-", "", "anthropic",
                ]),
                prop::sample::select(vec!["-limit", "-remaining", "-reset", "-utilization", "-status", "-", "", "-ms"]),
                prop_oneof![
                    prop::collection::vec(any::<u8>(), 0..40),
                    "[-0-9.eE+:TZ]{0,30}".prop_map(String::into_bytes),
                    any::<u64>().prop_map(|n| n.to_string().into_bytes()),
                ],
            ),
            0..30,
        )
    ) {
        let named: Vec<(String, Vec<u8>)> = lines
            .into_iter()
            .map(|(a, b, c, value)| (format!("{a}{b}{c}"), value))
            .collect();
        let reading = read(named.iter().map(|(n, v)| (n.as_str(), v.as_slice())), at());
        for level in &reading.levels {
            prop_assert!(level.full_in_s.is_none_or(|s| s >= 0.0 && s.is_finite()));
        }
        let text = serde_json::to_string(&reading).unwrap();
        let back: Reading = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(back.levels.len(), reading.levels.len());
        raw_rate_limit_headers(named.iter().map(|(n, v)| (n.as_str(), v.as_slice())));
    }
}
