//! What stands in the cells of a request's line.

use crate::{
    domain::{
        observation::CallResult,
        outcome::Outcome,
        time::{Time, seconds_between},
        timeline::{Attempt, Call, Doing},
    },
    ui::{
        calls::{axis::Mark, words},
        format,
        theme::Roles,
    },
};
use ratatui::style::Style;

/// Attempts that have a mark of their own; more are counted.
const MARKS: usize = 3;

/// How a call stands: `200 ok`, `429 OTPM`, `200 tokens`.
pub(super) fn status(call: &Call, roles: &Roles) -> (String, Style) {
    let Some(last) = call.attempts.last() else {
        return ("begins".to_owned(), roles.quiet);
    };
    if call.result == Some(CallResult::Cancelled) {
        return ("cancelled".to_owned(), roles.tight);
    }
    let what = words::what(last);
    match &last.outcome {
        None => {
            let status = last.status.map(|status| format!("{status} "));
            (format!("{}{what}", status.unwrap_or_default()), roles.mine)
        }
        Some(outcome) => {
            let style = match outcome {
                Outcome::Complete { .. } => roles.good,
                Outcome::Cancelled => roles.tight,
                _ => roles.bad,
            };
            (format!("{} {what}", words::status(last)), style)
        }
    }
}

/// The attempts as marks, in order: `××✓`. Of more than three all but the last are counted: `6×✓`.
pub(super) fn marks(call: &Call, roles: &Roles) -> Vec<(String, Style)> {
    let mut marks: Vec<(String, Style)> = Vec::new();
    let mut from = 0;
    if call.attempts.len() > MARKS {
        from = call.attempts.len() - 1;
        marks.push((format!("{from}×"), roles.bad));
    }
    for attempt in call.attempts.iter().skip(from) {
        let (mark, style) = mark(attempt, roles);
        marks.push((mark.to_owned(), style));
    }
    marks
}

fn mark(attempt: &Attempt, roles: &Roles) -> (&'static str, Style) {
    match &attempt.outcome {
        None => ("…", roles.mine),
        Some(Outcome::Complete { .. }) => ("✓", roles.good),
        Some(Outcome::Cancelled) => ("○", roles.tight),
        Some(_) => ("×", roles.bad),
    }
}

/// How a cell of a line's bar is drawn, flat, so that lines stay apart; nothing where nothing happens.
pub(super) const fn glyph(mark: Mark, roles: &Roles) -> Option<(&'static str, Style)> {
    Some(match mark {
        Mark::Blank => return None,
        Mark::InFlight => ("▖", roles.mine),
        Mark::Tokens => ("▄", roles.good),
        Mark::Wait => ("┄", roles.quiet),
        Mark::Planned => ("┄", roles.border),
        Mark::Hint => ("┊", roles.hint),
        Mark::HintBeyond => ("›", roles.hint),
    })
}

/// How long the client still waits after a failed attempt, where that is known.
pub(super) fn waits(call: &Call, now: Time) -> Option<String> {
    match call.doing() {
        Doing::Waiting(due) => {
            let left = seconds_between(now, due).max(0.0).ceil();
            Some(format::span(left))
        }
        _ => None,
    }
}

/// Generated tokens per second: of a finished attempt, or so far.
pub(super) fn rate(attempt: &Attempt, now: Time) -> Option<f64> {
    attempt.tokens_per_second().or_else(|| {
        let (first, usage) = (attempt.first_token_s?, attempt.usage?);
        let since = seconds_between(attempt.sent_at, now) - first;
        let open = attempt.outcome.is_none() && since > 0.5 && usage.output_tokens > 1;
        open.then(|| usage.output_tokens as f64 / since)
    })
}

/// How long a call takes or took; whole seconds while it goes on, so that they tick.
pub(super) fn took(call: &Call, now: Time) -> String {
    let elapsed = call.elapsed_s(now);
    if call.is_open() && call.may_come_back_since().is_none() {
        words::countdown(elapsed.floor())
    } else {
        words::span(elapsed)
    }
}
