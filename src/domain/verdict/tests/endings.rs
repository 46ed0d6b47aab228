//! What a status, a code, a broken stream or no answer at all means without a message that says it.

use super::*;
use rstest::rstest;

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
