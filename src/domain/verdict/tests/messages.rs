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

// Section 5, the table by status.
#[rstest]
#[case(400, "invalid_request_error", Cause::InvalidRequest, false)]
#[case(401, "authentication_error", Cause::Auth, false)]
#[case(402, "billing_error", Cause::Billing, false)]
#[case(403, "permission_error", Cause::Permission, false)]
#[case(404, "not_found_error", Cause::NotFound, false)]
#[case(408, "timeout_error", Cause::Timeout, true)]
#[case(409, "conflict_error", Cause::Conflict, true)]
#[case(413, "request_too_large", Cause::TooLarge, false)]
#[case(422, "invalid_request_error", Cause::InvalidRequest, false)]
#[case(500, "api_error", Cause::ServerError, true)]
#[case(503, "api_error", Cause::ServerError, true)]
#[case(503, "overloaded_error", Cause::Overloaded, true)]
#[case(504, "timeout_error", Cause::Timeout, true)]
#[case(529, "overloaded_error", Cause::Overloaded, true)]
#[case(599, "of_tomorrow_error", Cause::ServerError, true)]
fn by_status(
    #[case] status: u16,
    #[case] kind: &str,
    #[case] cause: Cause,
    #[case] retry_helps: bool,
) {
    let verdict = plain(&refused(status, error(kind, "As it is.", None), None));
    assert_eq!(verdict.cause, cause);
    assert_eq!(verdict.status, Some(status));
    assert_eq!(verdict.retry_helps, retry_helps);
    assert_eq!(verdict.retry_at, None);
    assert_eq!(verdict.certainty, Certainty::Stated);
    assert!(!cause.is_refusal_of_limit());
    assert!(verdict.sentence.starts_with(&status.to_string()));
    // A hint names the earliest useful retry, where one is useful.
    let verdict = plain(&refused(status, error(kind, "", None), Some(2.0)));
    assert_eq!(
        verdict.retry_at,
        retry_helps.then(|| after(now(), 2.0)),
        "{status}"
    );
}

// Section 5: codes of other statuses, and one that is not known yet.
#[rstest]
#[case(402, "linked_organization_spend_limit_reached", Cause::Billing)]
#[case(402, "linked_organization_billing_unavailable", Cause::Billing)]
#[case(400, "organization_on_hold", Cause::Permission)]
#[case(529, "compaction_unavailable", Cause::Overloaded)]
#[case(429, "limit_of_tomorrow", Cause::Unknown)]
fn other_codes_are_evidence(#[case] status: u16, #[case] code: &str, #[case] cause: Cause) {
    let verdict = plain(&refused(status, error("", "", Some(code)), None));
    assert_eq!(verdict.cause, cause);
    assert_eq!(from(&verdict, EvidenceFrom::ErrorCode), [code]);
}

// Section 6: an error event after a 200.
#[rstest]
#[case("overloaded_error", true)]
#[case("api_error", true)]
#[case("rate_limit_error", true)]
#[case("invalid_request_error", false)]
#[case("", true)]
fn an_error_inside_a_stream_has_status_200(#[case] kind: &str, #[case] helps: bool) {
    let outcome = Outcome::StreamError {
        error: error(kind, "Overloaded", None),
    };
    let verdict = plain(&outcome);
    assert_eq!(verdict.cause, Cause::StreamError);
    assert_eq!((verdict.status, verdict.asked_s), (Some(200), None));
    assert_eq!(verdict.retry_helps, helps);
    assert!(verdict.sentence.contains(kind) && verdict.evidence[0].text.contains("Overloaded"));
}

#[test]
fn streams_that_break_are_named() {
    let cut = Outcome::StreamCut {
        how: "connection reset".to_owned(),
    };
    for (outcome, word) in [
        (cut, "connection reset"),
        (Outcome::StreamTruncated, "message_stop"),
    ] {
        let verdict = plain(&outcome);
        assert_eq!(verdict.cause, Cause::StreamError);
        assert!(verdict.sentence.contains(word), "{}", verdict.sentence);
        // Nobody states a cut: this end sees it, and says on what evidence.
        assert_eq!(verdict.certainty, Certainty::Inferred);
        let [evidence] = &verdict.evidence[..] else {
            panic!("{:?}", verdict.evidence);
        };
        assert_eq!(evidence.from, EvidenceFrom::Connection);
        assert!(evidence.text.contains(word), "{}", evidence.text);
        assert!(verdict.is_seen_here());
    }
    let stated = plain(&Outcome::StreamError {
        error: error("overloaded_error", "Overloaded", None),
    });
    assert_eq!(stated.certainty, Certainty::Stated);
    assert!(!stated.is_seen_here());
}

#[test]
fn what_is_not_the_apis_is_the_gateways() {
    let page = |status| Outcome::Foreign {
        status,
        looks_like: "an HTML page".to_owned(),
        hint: Hint::default(),
    };
    for (status, helps) in [
        (200, false),
        (302, false),
        (403, false),
        (429, true),
        (502, true),
    ] {
        let verdict = plain(&page(status));
        assert_eq!(verdict.cause, Cause::Gateway);
        assert_eq!(verdict.retry_helps, helps, "{status}");
        assert!(verdict.sentence.contains("an HTML page"));
    }
    // Section 5: a 413 comes from the network edge, maybe without the envelope.
    let verdict = plain(&page(413));
    assert_eq!(
        (verdict.cause, verdict.certainty),
        (Cause::TooLarge, Certainty::Inferred)
    );
}

#[test]
fn no_answer_is_unreachable_or_a_timeout() {
    for (kind, cause, helps) in [
        (Unreachable::Dns, Cause::Unreachable, true),
        (Unreachable::Refused, Cause::Unreachable, true),
        (Unreachable::Tls, Cause::Unreachable, false),
        (Unreachable::Timeout, Cause::Timeout, true),
        (Unreachable::Broken, Cause::Unreachable, true),
    ] {
        let how = "nobody listens at 127.0.0.1:9".to_owned();
        let verdict = plain(&Outcome::Unreachable { kind, how });
        assert_eq!(
            (verdict.cause, verdict.status, verdict.retry_helps),
            (cause, None, helps)
        );
        assert_eq!(verdict.sentence, "nobody listens at 127.0.0.1:9");
        assert_eq!(verdict.certainty, Certainty::Inferred);
        assert_eq!(
            from(&verdict, EvidenceFrom::Connection),
            ["nobody listens at 127.0.0.1:9"]
        );
    }
}

#[test]
fn whole_and_cancelled_have_no_verdict() {
    let context = Context::at(now());
    let whole = Outcome::Complete {
        status: 200,
        stop_reason: None,
    };
    assert_eq!(judge(&whole, &context), None);
    assert_eq!(judge(&Outcome::Cancelled, &context), None);
}
