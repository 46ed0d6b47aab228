//! Lives of calls for tests, typed from the API's documentation: headers of the rate-limits page,
//! messages and codes of the errors page, streams of the streaming page.

use crate::domain::{
    fixtures,
    headers::{Hint, Level, Reading},
    id::{CallId, RequestId},
    limit::{Dimension, Family},
    observation::{CallResult, Observation, What},
    outcome::{ApiError, Outcome},
    retry::{Action, Decision},
    time::Time,
    usage::Usage,
    verdict::{Cause, Certainty, Evidence, EvidenceFrom, Scope, Verdict},
};

/// `s` seconds after four minutes past noon.
pub fn t(s: f64) -> Time {
    fixtures::t(240.0 + s)
}

/// One observation of a call.
pub fn seen(call: u64, attempt: Option<u32>, at: f64, what: What) -> Observation {
    Observation {
        call: Some(CallId(call)),
        attempt,
        ..fixtures::seen(t(at), what)
    }
}

/// The beginning of a streamed call under a policy.
pub fn began_with(call: u64, at: f64, policy: &str, attempts: u32) -> Observation {
    let what = What::Began {
        policy: policy.into(),
        attempts: Some(attempts),
        stream: true,
        input_estimate: 14,
    };
    seen(call, None, at, what)
}

/// The same under the default policy.
pub fn began(call: u64, at: f64) -> Observation {
    began_with(call, at, "hint-jitter", 5)
}

/// A hint of that many seconds.
pub fn hint(asked: Option<f64>) -> Hint {
    Hint {
        retry_after_s: asked,
        ..Hint::default()
    }
}

fn level(limiter: &str, dimension: Dimension, limit: u64, remaining: u64) -> Level {
    let full = (limit - remaining.min(limit)) as f64 * 60.0 / limit as f64;
    Level {
        limiter: limiter.into(),
        dimension,
        family: Family::Standard,
        limit,
        remaining,
        full_in_s: Some(full),
    }
}

/// A head with three families, `left` output tokens left of a million.
pub fn head(at: f64, asked: Option<f64>, left: u64, request: &str) -> Reading {
    Reading {
        at: t(at),
        date: Some(t(at)),
        organization: None,
        workspace: None,
        request: Some(request.into()),
        hint: hint(asked),
        levels: vec![
            level("requests_per_minute", Dimension::Rpm, 5_000, 4_412),
            level(
                "input_tokens_per_minute_cache_aware",
                Dimension::Itpm,
                5_000_000,
                3_100_000,
            ),
            level("output_tokens_per_minute", Dimension::Otpm, 1_000_000, left),
        ],
        unified: None,
        unknown: vec![],
        raw: vec![],
    }
}

/// An arrived head.
pub fn headed(at: f64, status: u16, asked: Option<f64>, left: u64, after_s: f64) -> What {
    let request = format!("req_011CX{:04}9f", (at * 10.0) as u64);
    What::Head {
        status,
        reading: head(at, asked, left, &request),
        first_byte_s: after_s,
    }
}

/// A refusal with the API's envelope.
pub fn refused(status: u16, kind: &str, message: &str, asked: Option<f64>) -> Outcome {
    let error = ApiError {
        kind: kind.into(),
        message: message.into(),
        ..ApiError::default()
    };
    Outcome::Refused {
        status,
        error,
        hint: hint(asked),
    }
}

/// The ordinary 429 of the output limit, in the wording of 2026.
pub fn refused_for_output(asked: f64) -> Outcome {
    let message = "This request would exceed your organization's rate limit of 1,000,000 output tokens per minute (org: 0000, model: claude-opus-5-5).";
    refused(429, "rate_limit_error", message, Some(asked))
}

/// The end of an attempt without a verdict.
pub fn finished(outcome: Outcome, duration_s: f64, usage: Option<Usage>) -> What {
    What::Finished {
        outcome,
        usage,
        duration_s,
        verdict: None,
    }
}

/// The same with one.
pub fn judged(outcome: Outcome, duration_s: f64, usage: Option<Usage>, verdict: Verdict) -> What {
    What::Finished {
        outcome,
        usage,
        duration_s,
        verdict: Some(Box::new(verdict)),
    }
}

/// 14 tokens in, that many out.
pub fn out(output_tokens: u64) -> Usage {
    Usage {
        input_tokens: 14,
        output_tokens,
        ..Usage::default()
    }
}

/// A decision to retry.
pub fn retries(wait_s: f64, jitter_s: f64, reason: &str, asked_s: Option<f64>) -> What {
    let decision = Decision {
        action: Action::Retry,
        wait_s,
        jitter_s,
        reason: reason.into(),
    };
    What::Decided { decision, asked_s }
}

/// A decision to stop.
pub fn stops(reason: &str) -> What {
    let decision = Decision {
        action: Action::Stop,
        wait_s: 0.0,
        jitter_s: 0.0,
        reason: reason.into(),
    };
    What::Decided {
        decision,
        asked_s: None,
    }
}

/// A whole answer.
pub fn complete(stop_reason: &str) -> Outcome {
    Outcome::Complete {
        status: 200,
        stop_reason: Some(stop_reason.into()),
    }
}

/// A verdict on the output limit, heard at second `at`.
pub fn verdict_output(at: f64, asked: f64) -> Verdict {
    Verdict {
        cause: Cause::OutputTokensPerMinute,
        limiter: Some("output_tokens_per_minute".into()),
        scope: Scope::Unknown,
        certainty: Certainty::Stated,
        evidence: vec![
            Evidence {
                from: EvidenceFrom::Message,
                text: "limit of 1,000,000 output tokens per minute".into(),
            },
            Evidence {
                from: EvidenceFrom::Headers,
                text: "output-tokens 0 of 1,000,000".into(),
            },
        ],
        status: Some(429),
        model: Some("claude-opus-5-5".into()),
        pool: None,
        retry_helps: true,
        retry_at: Some(t(at + asked)),
        asked_s: Some(asked),
        request_id: Some(RequestId::from("req_011CX00019f")),
        sentence: "429: output tokens per minute of claude-opus-5-5; retry helps from 12:04:17."
            .into(),
    }
}

/// A verdict of another cause, without numbers.
pub fn verdict(
    cause: Cause,
    status: Option<u16>,
    from: EvidenceFrom,
    text: &str,
    retry_helps: bool,
) -> Verdict {
    Verdict {
        cause,
        limiter: None,
        certainty: Certainty::Stated,
        evidence: vec![Evidence {
            from,
            text: text.into(),
        }],
        status,
        retry_helps,
        retry_at: None,
        asked_s: None,
        ..verdict_output(0.0, 0.0)
    }
}

/// One call: refused with `retry-after: 17`, slept `slept`, then answered.
pub fn refused_then_ok(call: u64, slept: f64) -> Vec<Observation> {
    let again = 0.12 + slept;
    let reason = "the server asked 17 s; 17 s plus 0.4 s of jitter";
    vec![
        began(call, 0.0),
        seen(call, Some(1), 0.0, What::Sent),
        seen(call, Some(1), 0.1, headed(0.1, 429, Some(17.0), 0, 0.1)),
        seen(
            call,
            Some(1),
            0.11,
            judged(
                refused_for_output(17.0),
                0.11,
                None,
                verdict_output(0.1, 17.0),
            ),
        ),
        seen(call, Some(1), 0.12, retries(slept, 0.4, reason, Some(17.0))),
        seen(call, Some(2), again, What::Sent),
        seen(
            call,
            Some(2),
            again + 0.2,
            headed(again + 0.2, 200, None, 290_000, 0.2),
        ),
        seen(
            call,
            Some(2),
            again + 0.4,
            What::FirstToken { after_s: 0.4 },
        ),
        seen(call, Some(2), again + 0.9, What::Progress { usage: out(5) }),
        seen(
            call,
            Some(2),
            again + 1.4,
            finished(complete("end_turn"), 1.4, Some(out(9))),
        ),
        seen(
            call,
            None,
            again + 1.5,
            What::Closed {
                result: CallResult::Ok,
            },
        ),
    ]
}
