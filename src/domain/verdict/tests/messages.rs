//! What codes, messages and statuses say, without headers or limits.

use super::*;
use rstest::rstest;

// Section 5, patterns 1 to 4 and 7, and the regex's "current limit is".
#[rstest]
#[case::pattern_1(
    "This request would exceed the rate limit for your organization (01234567-89ab-cdef-0123-456789abcdef) of 30,000 input tokens per minute. For details, refer to: https://docs.claude.com/en/api/rate-limits",
    Cause::InputTokensPerMinute,
    "input_tokens_per_minute_cache_aware",
    "30,000"
)]
#[case::pattern_1_without_uuid(
    "This request would exceed the rate limit for your organization of 40,000 input tokens per minute.",
    Cause::InputTokensPerMinute,
    "input_tokens_per_minute_cache_aware",
    "40,000"
)]
#[case::pattern_2(
    "This request would exceed your organization's rate limit of 30,000 input tokens per minute (org: 01234567-89ab-cdef-0123-456789abcdef, model: claude-opus-5-5)",
    Cause::InputTokensPerMinute,
    "input_tokens_per_minute_cache_aware",
    "30,000"
)]
#[case::pattern_3(
    "This request would exceed your organization's rate limit of 8,000 output tokens per minute (org: 0123, model: claude-opus-5-5)",
    Cause::OutputTokensPerMinute,
    "output_tokens_per_minute",
    "8,000"
)]
#[case::pattern_4(
    "This request would exceed your organization's rate limit of 50 requests per minute. Try again later.",
    Cause::RequestsPerMinute,
    "requests_per_minute",
    "50"
)]
#[case::shouting(
    "THIS WOULD EXCEED YOUR ORGANIZATION'S RATE LIMIT OF 1,000,000 OUTPUT TOKENS PER MINUTE",
    Cause::OutputTokensPerMinute,
    "output_tokens_per_minute",
    "1,000,000"
)]
#[case::current_limit(
    "Slow down: your current limit is 5 requests per minute",
    Cause::RequestsPerMinute,
    "requests_per_minute",
    "5"
)]
fn a_limit_per_minute_is_read_from_prose(
    #[case] message: &str,
    #[case] cause: Cause,
    #[case] limiter: &str,
    #[case] number: &str,
) {
    let verdict = plain(&limited(message, Some(17.0)));
    assert_eq!(verdict.cause, cause);
    assert_eq!(verdict.limiter.as_ref().map(Limiter::as_str), Some(limiter));
    assert_eq!(verdict.certainty, Certainty::Stated);
    // "organization" in the text proves nothing about the scope.
    assert_eq!(verdict.scope, Scope::Unknown);
    assert!(verdict.retry_helps);
    assert_eq!(verdict.retry_at, Some(after(now(), 17.0)));
    assert_eq!(verdict.asked_s, Some(17.0));
    assert!(verdict.sentence.contains(number), "{}", verdict.sentence);
    assert!(verdict.sentence.contains("17 s"), "{}", verdict.sentence);
    assert_eq!(from(&verdict, EvidenceFrom::Message).len(), 1);
    assert_eq!(verdict.request_id, Some("req_body".into()));
}

// Section 5, pattern 7.
#[test]
fn request_tokens_are_tokens() {
    let verdict = plain(&limited(
        "Number of request tokens has exceeded your per-minute rate limit (https://docs)",
        Some(4.0),
    ));
    assert_eq!((verdict.cause, verdict.limiter), (Cause::Tokens, None));
    assert_eq!(verdict.certainty, Certainty::Stated);
}

const RAMP: &str = "This request would exceed your organization's maximum usage increase rate for input tokens per minute (org: 0123, model: claude-opus-5-5). Your current limit is 58,276 input tokens per minute and will increase to 68,276 at the next minute boundary.";

// Section 5, pattern 5 and the code table.
#[test]
fn a_ramp_names_its_allowance_and_waits_for_the_minute() {
    let with_code = error("rate_limit_error", RAMP, Some("ramp_limit_exceeded"));
    for outcome in [refused(429, with_code, None), limited(RAMP, None)] {
        let verdict = plain(&outcome);
        assert_eq!(verdict.cause, Cause::Ramp);
        assert_eq!(verdict.certainty, Certainty::Stated);
        assert!(verdict.retry_helps);
        assert_eq!(
            verdict.retry_at,
            Some("2026-11-24T12:05:00Z".parse().unwrap())
        );
        assert!(
            verdict.sentence.contains("58,276") && verdict.sentence.contains("68,276"),
            "{}",
            verdict.sentence
        );
    }
    let code_alone = error("rate_limit_error", "", Some("ramp_limit_exceeded"));
    let verdict = plain(&refused(429, code_alone, Some(9.0)));
    assert_eq!(verdict.cause, Cause::Ramp);
    assert_eq!(verdict.retry_at, Some(after(now(), 9.0)));
    assert_eq!(
        from(&verdict, EvidenceFrom::ErrorCode),
        ["ramp_limit_exceeded"]
    );
}

// Section 5, pattern 6: 429, and 403 in one code base.
#[rstest]
#[case(429)]
#[case(403)]
fn concurrency(#[case] status: u16) {
    let message = "Number of concurrent connections has exceeded your rate limit. Please try again later or contact sales";
    let verdict = plain(&refused(
        status,
        error("rate_limit_error", message, None),
        None,
    ));
    assert_eq!(verdict.cause, Cause::Concurrency);
    assert!(verdict.retry_helps);
    assert_eq!(verdict.retry_at, None);
}

// Section 5, pattern 8.
#[test]
fn long_context_of_a_subscription_does_not_wait() {
    let verdict = plain(&limited(
        "Extra usage is required for long context requests.",
        None,
    ));
    assert_eq!(verdict.cause, Cause::Billing);
    assert!(!verdict.retry_helps);
}

// Section 5, pattern 9.
#[rstest]
#[case("This request would exceed your account's rate limit. Please try again later.")]
#[case("Rate limited")]
#[case("Rate limited.")]
#[case("")]
#[case("Something nobody has written yet")]
fn an_opaque_message_alone_is_unknown(#[case] message: &str) {
    let verdict = plain(&limited(message, None));
    assert_eq!(verdict.cause, Cause::Unknown);
    assert_eq!(verdict.certainty, Certainty::Unknown);
    assert!(verdict.retry_helps);
    assert_eq!(verdict.retry_at, None);
}

// Section 5, pattern 10 and the code table.
#[rstest]
#[case::code(
    429,
    "You have reached your API usage limits: see the Console",
    Some("enforced_spend_limit_reached"),
    "2026-12-01"
)]
#[case::message(
    429,
    "You have reached your API usage limits: see the Console",
    None,
    "2026-12-01"
)]
#[case::code_alone(429, "", Some("enforced_spend_limit_reached"), "2026-12-01")]
#[case::contract(429, "", Some("contract_spend_limit_reached"), "not stated")]
fn a_spend_cap_never_helps(
    #[case] status: u16,
    #[case] message: &str,
    #[case] code: Option<&str>,
    #[case] back: &str,
) {
    // A hint does not change it.
    for hint in [None, Some(5.0)] {
        let verdict = plain(&refused(
            status,
            error("rate_limit_error", message, code),
            hint,
        ));
        assert_eq!(verdict.cause, Cause::SpendCap);
        assert!(!verdict.retry_helps);
        let first: Time = "2026-12-01T00:00:00Z".parse().unwrap();
        assert_eq!(verdict.retry_at, (back == "2026-12-01").then_some(first));
        // A code that was not sent is no evidence.
        assert_eq!(
            from(&verdict, EvidenceFrom::ErrorCode).len(),
            usize::from(code.is_some())
        );
        assert!(
            verdict.evidence[0].text.contains(back),
            "{:?}",
            verdict.evidence
        );
        assert!(verdict.cause.is_refusal_of_limit() && verdict.cause.is_spend());
    }
}

#[test]
fn a_spend_cap_in_december_ends_in_january() {
    let context = Context::at("2026-12-31T23:59:59Z".parse().unwrap());
    let code = error("rate_limit_error", "", Some("enforced_spend_limit_reached"));
    let verdict = judge(&refused(429, code, None), &context).unwrap();
    assert!(verdict.sentence.contains("2027-01-01"));
    assert_eq!(verdict.retry_at, "2027-01-01T00:00:00Z".parse().ok());
}

// Section 5, pattern 10: an own spend limit arrives as 400.
#[rstest]
#[case(
    "You have reached your specified API usage limits. You will regain access later",
    Scope::Organization
)]
#[case(
    "You have reached your specified workspace API usage limits.",
    Scope::Workspace
)]
fn an_own_spend_limit_is_a_400(#[case] message: &str, #[case] scope: Scope) {
    let verdict = plain(&refused(
        400,
        error("invalid_request_error", message, None),
        None,
    ));
    assert_eq!(verdict.cause, Cause::SpendLimit);
    assert_eq!(verdict.scope, scope);
    assert!(!verdict.retry_helps);
    // Claude Code's workspace limit: 429 with a hint.
    let verdict = plain(&limited(message, Some(600.0)));
    assert_eq!(verdict.cause, Cause::SpendLimit);
    assert_eq!(verdict.retry_at, Some(after(now(), 600.0)));
}

// Section 5, pattern 11.
#[test]
fn the_compliance_apis_limit_is_not_one_of_a_pool() {
    let verdict = plain(&limited(
        "Compliance API rate limit of 600 requests per minute per parent organization has been exceeded",
        Some(3.0),
    ));
    assert_eq!(verdict.cause, Cause::RequestsPerMinute);
    assert_eq!(verdict.limiter, None);
    assert_eq!(verdict.scope, Scope::Unknown);
    assert!(verdict.sentence.contains("600") && verdict.sentence.contains("Compliance"));
}
