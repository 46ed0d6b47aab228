//! Everything but a plain error status: answers of strangers, streams that fail after a 200, silence.

use super::{Cause, Certainty, EvidenceFrom, judge::Draft};
use crate::domain::{
    clean::clean,
    outcome::{ApiError, Unreachable},
};

/// An answer that is not the API's. A 413 is the exception: its network edge sends that one itself.
pub(super) fn foreign(status: u16, looks_like: &str) -> Draft {
    let what = clean(looks_like, 120);
    let mut draft = if status == 413 {
        let mut draft = Draft::stated(
            Cause::TooLarge,
            false,
            format!("413: the request is too large ({what} instead of the API's own error)"),
        );
        draft.certainty = Certainty::Inferred;
        draft
    } else {
        Draft::stated(
            Cause::Gateway,
            matches!(status, 408 | 429 | 500..),
            format!(
                "{status}: the answer is not the API's but {what}; something between here and the API \
                 sent it"
            ),
        )
    };
    draft.note(EvidenceFrom::Message, what);
    draft
}

/// An error event after a 200: any type may come, never with a hint.
pub(super) fn stream_error(error: &ApiError) -> Draft {
    let kind = if error.kind.is_empty() {
        "an error without a type".to_owned()
    } else {
        clean(&error.kind, 60)
    };
    let helps = !matches!(
        error.kind.as_str(),
        "invalid_request_error"
            | "authentication_error"
            | "billing_error"
            | "permission_error"
            | "not_found_error"
            | "request_too_large"
    ) && !error
        .code
        .as_deref()
        .is_some_and(|code| code.contains("spend_limit_reached"));
    let mut draft = Draft::stated(
        Cause::StreamError,
        helps,
        format!("{kind} inside the stream, after a 200: what was generated is spent"),
    );
    if let Some(code) = &error.code {
        draft.note(EvidenceFrom::ErrorCode, clean(code, 80));
    }
    let message = clean(&error.message, 300);
    let text = if message.is_empty() {
        kind
    } else {
        format!("{kind}: {message}")
    };
    draft.note(EvidenceFrom::Message, text);
    draft
}

/// A stream that stops before `message_stop`. Nobody says why: this end sees it stop.
pub(super) fn stream_broken(how: String) -> Draft {
    let sentence = format!("the stream broke after a 200 ({how}): what was generated is spent");
    seen(Cause::StreamError, true, sentence, how)
}

/// Concluded from how the connection behaved, for nobody said it.
fn seen(cause: Cause, retry_helps: bool, sentence: String, how: String) -> Draft {
    let mut draft = Draft::stated(cause, retry_helps, sentence);
    draft.certainty = Certainty::Inferred;
    draft.note(EvidenceFrom::Connection, how);
    draft
}

pub(super) fn unreachable(kind: Unreachable, how: &str) -> Draft {
    let cause = if kind == Unreachable::Timeout {
        Cause::Timeout
    } else {
        Cause::Unreachable
    };
    let how = clean(how, 200);
    let sentence = if how.is_empty() {
        "no answer came".to_owned()
    } else {
        how
    };
    // A certificate that is refused stays refused.
    seen(cause, kind != Unreachable::Tls, sentence.clone(), sentence)
}
