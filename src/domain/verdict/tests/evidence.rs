//! What headers and configured limits add.

use super::*;

const THREE: [(&str, u64, u64); 3] = [
    ("requests_per_minute", 4_412, 5_000),
    ("input_tokens_per_minute_cache_aware", 3_100_000, 5_000_000),
    ("output_tokens_per_minute", 0, 1_000_000),
];

#[test]
fn an_empty_header_is_the_culprit_when_nothing_else_speaks() {
    let reading = reading(&THREE);
    let context = Context {
        reading: Some(&reading),
        ..Context::at(now())
    };
    let verdict = judge(&limited("Rate limited", Some(17.0)), &context).unwrap();
    assert_eq!(verdict.cause, Cause::OutputTokensPerMinute);
    assert_eq!(verdict.certainty, Certainty::Inferred);
    assert_eq!(
        from(&verdict, EvidenceFrom::Headers),
        ["output tokens per minute: 0 of 1,000,000 left"]
    );
    // Counted from the arrival of the head, and with the head's request id.
    assert_eq!(verdict.retry_at, Some(after(now(), 16.0)));
    assert_eq!(verdict.request_id, Some("req_head".into()));
}

#[test]
fn evidence_is_listed_most_trusted_first() {
    let reading = reading(&THREE);
    let pool = pool(&[("output_tokens_per_minute", 1_000_000)]);
    let model = ModelId::from("claude-opus-5-5");
    let context = Context {
        reading: Some(&reading),
        pool: Some(&pool),
        model: Some(&model),
        ..Context::at(now())
    };
    let message = "exceed your organization's rate limit of 1,000,000 output tokens per minute (org: 0123, model: claude-opus-5-5)";
    let outcome = refused(
        429,
        error("rate_limit_error", message, Some("of_tomorrow")),
        Some(17.0),
    );
    let verdict = judge(&outcome, &context).unwrap();
    let order: Vec<_> = verdict
        .evidence
        .iter()
        .map(|evidence| evidence.from)
        .collect();
    assert_eq!(
        order,
        [
            EvidenceFrom::ErrorCode,
            EvidenceFrom::Message,
            EvidenceFrom::Headers,
            EvidenceFrom::Limits
        ]
    );
    assert_eq!(verdict.scope, Scope::Organization);
    assert_eq!(
        verdict.sentence,
        "429: output tokens per minute of Opus 5.5 used up (limit 1,000,000); asked to wait 17 s"
    );
    assert_eq!(verdict.pool, Some("rlg_EX".into()));
}

#[test]
fn a_workspaces_own_limit_is_told_by_its_number() {
    let reading = reading(&[("requests_per_minute", 0, 100)]);
    let pool = pool(&[("requests_per_minute", 1_000)]);
    let overrides = [Override {
        workspace: "wrkspc_EX".into(),
        group: "rlg_EX".into(),
        limiter: "requests_per_minute".into(),
        value: 100,
        org_limit: Some(1_000),
    }];
    let message = |n| format!("exceed your organization's rate limit of {n} requests per minute");
    let context = Context {
        reading: Some(&reading),
        pool: Some(&pool),
        overrides: &overrides,
        ..Context::at(now())
    };
    let scope = |message: String, context: &Context<'_>| {
        judge(&limited(&message, None), context).unwrap().scope
    };
    assert_eq!(scope(message("100"), &context), Scope::Workspace);
    assert_eq!(scope(message("1,000"), &context), Scope::Organization);
    assert_eq!(scope(message("300"), &context), Scope::Unknown);
    // Inferred from headers: the same reasoning with the header's limit.
    assert_eq!(scope("Rate limited".to_owned(), &context), Scope::Workspace);
    // Numbers of the built-in table prove nothing.
    let guess = Group {
        guess: true,
        ..pool.clone()
    };
    let context = Context {
        pool: Some(&guess),
        overrides: &[],
        ..context
    };
    assert_eq!(scope(message("1,000"), &context), Scope::Unknown);
}

#[test]
fn plain_and_cache_aware_input_are_told_apart_by_the_number() {
    let pool = pool(&[
        ("input_tokens_per_minute_cache_aware", 2_000_000),
        ("input_tokens_per_minute", 500_000),
    ]);
    let context = Context {
        pool: Some(&pool),
        ..Context::at(now())
    };
    for (number, limiter) in [
        ("2,000,000", "input_tokens_per_minute_cache_aware"),
        ("500,000", "input_tokens_per_minute"),
    ] {
        let message = format!("exceed your rate limit of {number} input tokens per minute");
        let verdict = judge(&limited(&message, None), &context).unwrap();
        assert_eq!(verdict.limiter, Some(limiter.into()));
    }
}

#[test]
fn a_fast_call_is_refused_by_a_fast_limit() {
    let reading = reading(&[
        ("requests_per_minute", 900, 1_000),
        ("fast_itpmca", 0, 200_000),
        ("output_tokens_per_minute", 0, 400_000),
    ]);
    let context = Context {
        reading: Some(&reading),
        fast: true,
        ..Context::at(now())
    };
    let message = "exceed your rate limit of 200,000 input tokens per minute";
    let verdict = judge(&limited(message, Some(3.0)), &context).unwrap();
    assert_eq!(verdict.limiter, Some("fast_itpmca".into()));
}

// Cli contract: retry_helps is false when the call alone is larger than its bucket.
#[test]
fn a_call_larger_than_its_bucket_never_helps() {
    let message = "exceed your organization's rate limit of 30,000 input tokens per minute (org: 0, model: m)";
    for (estimate, helps) in [(29_000, true), (30_000, true), (120_000, false)] {
        let context = Context {
            input_estimate: Some(estimate),
            ..Context::at(now())
        };
        let verdict = judge(&limited(message, Some(17.0)), &context).unwrap();
        assert_eq!(verdict.retry_helps, helps, "{estimate}");
        assert_eq!(verdict.retry_at.is_some(), helps);
        // What the server asked stays a fact.
        assert_eq!(verdict.asked_s, Some(17.0));
    }
}

#[test]
fn much_left_everywhere_and_a_hint_is_acceleration_suspected() {
    let mut levels = THREE;
    levels[2].1 = 900_000;
    let reading = reading(&levels);
    let context = Context {
        reading: Some(&reading),
        ..Context::at(now())
    };
    let verdict = judge(&limited("Rate limited", Some(7.0)), &context).unwrap();
    assert_eq!(
        (verdict.cause, verdict.certainty),
        (Cause::Ramp, Certainty::Inferred)
    );
    assert!(verdict.sentence.contains("suspected"));
    // Without a hint it may be anything, also a spend cap: unknown, with that remark.
    let verdict = judge(&limited("Rate limited", None), &context).unwrap();
    assert_eq!(
        (verdict.cause, verdict.certainty),
        (Cause::Unknown, Certainty::Unknown)
    );
    assert!(
        from(&verdict, EvidenceFrom::Headers)
            .iter()
            .any(|text| text.contains("no retry-after"))
    );
    // Half empty: neither.
    levels[1].1 = 1_000_000;
    let reading = self::reading(&levels);
    let context = Context {
        reading: Some(&reading),
        ..context
    };
    let verdict = judge(&limited("Rate limited", Some(7.0)), &context).unwrap();
    assert_eq!(verdict.cause, Cause::Unknown);
}

// Section 2.2: subscription traffic.
#[test]
fn a_rejected_window_ends_at_its_reset() {
    let reset: Time = "2026-11-24T15:00:00Z".parse().unwrap();
    let mut reading = reading(&[]);
    reading.unified = Some(Unified {
        status: Some("rejected".to_owned()),
        reset: Some(reset),
        representative: Some("five_hour".to_owned()),
        overage_status: None,
        overage_disabled_reason: Some("out_of_credits".to_owned()),
        windows: vec![
            Window {
                name: "7d".to_owned(),
                status: Some("allowed".to_owned()),
                utilization: Some(0.3),
                reset: None,
            },
            Window {
                name: "5h".to_owned(),
                status: Some("rejected".to_owned()),
                utilization: Some(1.02),
                reset: Some(reset),
            },
        ],
    });
    let context = Context {
        reading: Some(&reading),
        ..Context::at(now())
    };
    let opaque = limited(
        "This request would exceed your account's rate limit. Please try again later.",
        Some(2_094.0),
    );
    let verdict = judge(&opaque, &context).unwrap();
    assert_eq!(verdict.cause, Cause::SubscriptionWindow);
    assert_eq!(verdict.limiter, Some("5h".into()));
    assert_eq!(verdict.retry_at, Some(reset));
    assert_eq!(verdict.certainty, Certainty::Inferred);
    assert!(from(&verdict, EvidenceFrom::Headers)[0].contains("102 %"));
    // Allowed windows explain nothing.
    let mut allowed = reading.clone();
    if let Some(unified) = &mut allowed.unified {
        unified.status = Some("allowed".to_owned());
        unified.windows.pop();
    }
    let context = Context {
        reading: Some(&allowed),
        ..context
    };
    assert_eq!(judge(&opaque, &context).unwrap().cause, Cause::Unknown);
}

// Section 2.1's families as bytes, and a message without a limit: the whole way from wire to verdict.
#[test]
fn from_header_bytes_to_a_verdict() {
    let lines = [
        ("date", "Tue, 24 Nov 2026 12:04:13 GMT"),
        ("Retry-After", "17"),
        ("request-id", "req_011CX9f"),
        ("anthropic-ratelimit-requests-limit", "1000"),
        ("anthropic-ratelimit-requests-remaining", "988"),
        ("anthropic-ratelimit-requests-reset", "2026-11-24T12:04:14Z"),
        ("anthropic-ratelimit-input-tokens-limit", "2000000"),
        ("anthropic-ratelimit-input-tokens-remaining", "0"),
        (
            "anthropic-ratelimit-input-tokens-reset",
            "2026-11-24T12:05:13Z",
        ),
        ("anthropic-ratelimit-tokens-limit", "2400000"),
        ("anthropic-ratelimit-tokens-remaining", "0"),
    ];
    let bytes = lines.iter().map(|(name, value)| (*name, value.as_bytes()));
    let reading = crate::domain::headers::read(bytes, now());
    let outcome = Outcome::Refused {
        status: 429,
        error: error("rate_limit_error", "Rate limited", None),
        hint: reading.hint,
    };
    let context = Context {
        reading: Some(&reading),
        ..Context::at(now())
    };
    let verdict = judge(&outcome, &context).unwrap();
    assert_eq!(verdict.cause, Cause::InputTokensPerMinute);
    assert_eq!(
        verdict.sentence,
        "429, probably input tokens per minute of this model: input tokens per minute: 0 of \
         2,000,000 left, full in 60 s; asked to wait 17 s"
    );
    assert_eq!(verdict.request_id, Some("req_011CX9f".into()));
    assert_eq!(verdict.retry_at, Some(after(now(), 17.0)));
}
