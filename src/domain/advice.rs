//! What to do next, in one sentence each: for a stop reason, and for the cause of a refusal. Tab 2 and
//! `call` say the same.
//!
//! To add one: an arm here; the tests walk every cause and every documented stop reason.

use super::{
    limit::Dimension,
    verdict::{Cause, Certainty, EvidenceFrom, Scope},
};

/// Stop reasons that the API documents (streaming and handling-stop-reasons pages).
pub const STOP_REASONS: &[&str] = &[
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
];

/// What to do about a stop reason, an open set; `None` is an answer that named none.
pub fn on_stop_reason(reason: Option<&str>) -> &'static str {
    match reason {
        Some("end_turn") => "The answer is whole; nothing to do.",
        Some("max_tokens") => "Cut at max tokens: raise it, or continue from this text.",
        Some("stop_sequence") => "One of your stop sequences came; the text before it is whole.",
        Some("tool_use") => "Run the tools it asked for and send their results back.",
        Some("pause_turn") => {
            "A server tool paused the turn: send the content back unchanged, no tool result added."
        }
        Some("refusal") => {
            "The model declined (HTTP 200): see stop_details; the same model will decline again."
        }
        Some("model_context_window_exceeded") => {
            "The context window is full: treat the text as cut; shorten the input to go on."
        }
        Some(_) => "This version does not know this stop reason: treat the text as possibly cut.",
        None => "The answer named no stop reason: treat the text as possibly cut.",
    }
}

/// What was hit, in one short word for a column: `OTPM`, `spend`.
pub const fn short(cause: Cause) -> &'static str {
    match cause {
        Cause::RequestsPerMinute => Dimension::Rpm.label(),
        Cause::InputTokensPerMinute => Dimension::Itpm.label(),
        Cause::OutputTokensPerMinute => Dimension::Otpm.label(),
        Cause::Tokens => Dimension::Combined.label(),
        Cause::Ramp => "ramp",
        Cause::Concurrency => "parallel",
        Cause::SpendCap | Cause::SpendLimit => "spend",
        Cause::SubscriptionWindow => "window",
        Cause::Overloaded => "overload",
        Cause::ServerError => "server",
        Cause::Timeout => "timeout",
        Cause::StreamError => "stream",
        Cause::Auth => "key",
        Cause::Permission => "rights",
        Cause::Billing => "billing",
        Cause::NotFound => "unknown",
        Cause::Conflict => "conflict",
        Cause::InvalidRequest => "invalid",
        Cause::TooLarge => "size",
        Cause::Gateway => "gateway",
        Cause::Unreachable => "no conn",
        Cause::Unknown => "limit?",
    }
}

/// What to do about a refusal. Where waiting helps, the verdict's `retry_at` says until when.
pub const fn on_cause(cause: Cause) -> &'static str {
    match cause {
        Cause::RequestsPerMinute => "Send fewer, larger requests, pace them, or use another pool.",
        Cause::InputTokensPerMinute => {
            "Cache the common prefix (cache reads do not count), or use another pool."
        }
        Cause::OutputTokensPerMinute => {
            "Ask for shorter answers or use another pool; max_tokens itself does not count."
        }
        Cause::Tokens => "Send less per minute: cache, shorten, or spread over pools.",
        Cause::Ramp => "Raise the load step by step; the allowance grows at each minute boundary.",
        Cause::Concurrency => "Keep fewer requests open at once.",
        Cause::SpendCap => {
            "Retrying never helps: raise it. A tier's cap ends at 00:00 UTC on the 1st of next month."
        }
        Cause::SpendLimit => "Raise the spend limit that you set yourself in the Console.",
        Cause::SubscriptionWindow => "Wait until the window resets, or use an API key.",
        Cause::Overloaded => "Everyone's load, not your quota: back off with jitter, then retry.",
        Cause::ServerError => "Retry with backoff; keep the request id if it goes on.",
        Cause::Timeout => "Stream long answers, or ask for less; a retry may bill twice.",
        Cause::StreamError => "Tokens so far are spent and no client retries it: send it again.",
        Cause::Auth => "Check the key of this profile.",
        Cause::Permission => "Use a key with the right to do this, or ask the administrator.",
        Cause::Billing => "Settle it in the Console's billing page; retrying does not help.",
        Cause::NotFound => "Check the model's name and the base URL.",
        Cause::Conflict => "Try again once the other request is done.",
        Cause::InvalidRequest => "Change the request; the message says what is wrong.",
        Cause::TooLarge => "Send less than 32 MB, or upload files first.",
        Cause::Gateway => "Ask whoever runs the gateway between here and the API.",
        Cause::Unreachable => "Check the address, the network and the proxy.",
        Cause::Unknown => "Wait as the server asks; look at the headers for what is low.",
    }
}

/// How sure a verdict is, in one word.
pub const fn certainty(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Stated => "stated",
        Certainty::Inferred => "inferred",
        Certainty::Unknown => "not known",
    }
}

/// Whose limit it was; nothing where the server did not say.
pub const fn scope(scope: Scope) -> Option<&'static str> {
    match scope {
        Scope::Organization => Some("of the organization"),
        Scope::Workspace => Some("of the workspace"),
        Scope::Unknown => None,
    }
}

/// Where evidence comes from, in one short word.
pub const fn evidence(from: EvidenceFrom) -> &'static str {
    match from {
        EvidenceFrom::ErrorCode => "code",
        EvidenceFrom::Message => "message",
        EvidenceFrom::Headers => "headers",
        EvidenceFrom::Limits => "limits",
        EvidenceFrom::Connection => "seen",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAUSES: &[Cause] = &[
        Cause::RequestsPerMinute,
        Cause::InputTokensPerMinute,
        Cause::OutputTokensPerMinute,
        Cause::Tokens,
        Cause::Ramp,
        Cause::Concurrency,
        Cause::SpendCap,
        Cause::SpendLimit,
        Cause::SubscriptionWindow,
        Cause::Overloaded,
        Cause::ServerError,
        Cause::Timeout,
        Cause::StreamError,
        Cause::Auth,
        Cause::Permission,
        Cause::Billing,
        Cause::NotFound,
        Cause::Conflict,
        Cause::InvalidRequest,
        Cause::TooLarge,
        Cause::Gateway,
        Cause::Unreachable,
        Cause::Unknown,
    ];

    fn is_sentence(text: &str) -> bool {
        text.ends_with('.') && text.len() > 20 && text.len() < 130
    }

    #[test]
    fn every_documented_stop_reason_has_its_own_sentence() {
        let sentences: std::collections::HashSet<_> = STOP_REASONS
            .iter()
            .map(|reason| Some(*reason))
            .chain([None, Some("new_reason")])
            .map(on_stop_reason)
            .collect();
        assert_eq!(sentences.len(), STOP_REASONS.len() + 2);
        assert!(sentences.iter().all(|sentence| is_sentence(sentence)));
        // Section 6: no tool result is added to a paused turn.
        assert!(on_stop_reason(Some("pause_turn")).contains("no tool result"));
    }

    #[test]
    fn every_cause_has_a_short_word_and_advice() {
        for cause in CAUSES {
            assert!(short(*cause).len() <= 8, "{cause:?}");
            assert!(is_sentence(on_cause(*cause)), "{cause:?}");
        }
    }
}
