//! What an attempt did, in a few words.

use crate::domain::{
    advice,
    id::Limiter,
    outcome::{Outcome, Unreachable},
    retry::Action,
    time::{Time, seconds_between},
    timeline::{Attempt, Call, Doing},
    verdict::Cause,
};

/// A span for people: `412 ms`, `17.4 s`, `17 s`, `2m05s`, `3h12m`.
pub fn span(s: f64) -> String {
    if !s.is_finite() {
        return "?".to_owned();
    }
    let s = s.max(0.0);
    if s < 0.9995 {
        return format!("{:.0} ms", s * 1e3);
    }
    if s < 99.95 {
        let text = format!("{s:.1}");
        return format!("{} s", text.strip_suffix(".0").unwrap_or(&text));
    }
    whole_span(s.round())
}

/// Whole seconds for a countdown: `12 s`, `2m05s`.
pub fn countdown(s: f64) -> String {
    // A hair above a whole second is that second, so that a countdown of 17 s begins with 17.
    whole_span((s - 1e-3).max(0.0).ceil())
}

fn whole_span(s: f64) -> String {
    let s = s.min(1e15) as u64;
    match s {
        0..100 => format!("{s} s"),
        100..3_600 => format!("{}m{:02}s", s / 60, s % 60),
        3_600..172_800 => format!("{}h{:02}m", s / 3_600, s / 60 % 60),
        _ => format!("{} days", s / 86_400),
    }
}

/// The status column: `429`, `200`, dots while none is known, a dash when none came.
pub fn status(attempt: &Attempt) -> String {
    match (attempt.status, &attempt.outcome) {
        (Some(status), _) => status.to_string(),
        (None, None) => "...".to_owned(),
        (None, Some(_)) => "-".to_owned(),
    }
}

/// Which limit was hit, or how it went, in one short word.
pub fn what(attempt: &Attempt) -> &'static str {
    if let Some(verdict) = &attempt.verdict {
        // Of a ramp the limiter has room; its name would point at the wrong thing.
        let ramp = verdict.cause == Cause::Ramp;
        return match verdict.limiter.as_ref().map(Limiter::dimension) {
            Some(dimension) if !ramp && dimension != crate::domain::limit::Dimension::Other => {
                dimension.label()
            }
            _ => advice::short(verdict.cause),
        };
    }
    match &attempt.outcome {
        None if attempt.head_at.is_none() => "sent",
        None if attempt.first_token_s.is_some() => "tokens",
        None => "head",
        Some(Outcome::Complete { .. }) if attempt.is_paused_turn() => "paused",
        Some(Outcome::Complete { .. }) => "ok",
        Some(Outcome::Refused { .. }) => "refused",
        Some(Outcome::Foreign { .. }) => "gateway",
        Some(
            Outcome::StreamError { .. } | Outcome::StreamCut { .. } | Outcome::StreamTruncated,
        ) => "stream",
        Some(Outcome::Unreachable {
            kind: Unreachable::Timeout,
            ..
        }) => "timeout",
        Some(Outcome::Unreachable { .. }) => "no conn",
        Some(Outcome::Cancelled) => "cancel",
    }
}

/// What happened in an attempt and after it, the most important first. Parts are joined by ` · `.
pub fn facts(call: &Call, attempt: &Attempt, now: Time) -> Vec<String> {
    let Some(outcome) = &attempt.outcome else {
        return running(call, attempt, now);
    };
    let mut facts = Vec::new();
    match outcome {
        Outcome::Complete { .. } => {
            match attempt.first_token_s {
                Some(first) => facts.push(format!("first token {}", span(first))),
                None => facts.push(format!(
                    "answered in {}",
                    span(attempt.duration_s.unwrap_or(0.0))
                )),
            }
            match (attempt.tokens_per_second(), attempt.usage) {
                (Some(rate), _) => facts.push(format!("{rate:.0} tok/s")),
                (None, Some(usage)) => facts.push(format!("{} tokens", usage.output_tokens)),
                (None, None) => {}
            }
            if attempt.is_paused_turn() {
                facts.push("turn goes on".to_owned());
            }
            return facts;
        }
        Outcome::Cancelled => {
            facts.push(format!(
                "cancelled after {}",
                span(attempt.duration_s.unwrap_or(0.0))
            ));
            facts.extend(spent(attempt));
            return facts;
        }
        Outcome::StreamError { .. } => facts.push("error after a 200".to_owned()),
        Outcome::StreamCut { .. } => facts.push("cut after a 200".to_owned()),
        Outcome::StreamTruncated => facts.push("ended without message_stop".to_owned()),
        Outcome::Refused { .. } | Outcome::Foreign { .. } | Outcome::Unreachable { .. } => {
            facts.push(match attempt.asked_s {
                Some(asked) => format!("asked {}", span(asked)),
                None => "asked nothing".to_owned(),
            });
        }
    }
    // What is last stays longest where columns are few: a countdown, else what was spent.
    let after = after_it(call, attempt, now);
    if call.is_open() || attempt.slept_s.is_some() {
        facts.extend(spent(attempt).filter(|_| !attempt.early));
        facts.extend(after);
    } else {
        facts.extend(after);
        facts.extend(spent(attempt));
    }
    facts
}

fn running(call: &Call, attempt: &Attempt, now: Time) -> Vec<String> {
    if !call.is_open() {
        return vec!["its end was not seen".to_owned()];
    }
    match (attempt.first_token_s, attempt.usage) {
        (Some(first), Some(usage)) => vec![
            format!("first token {}", span(first)),
            format!("{} tokens so far", usage.output_tokens),
        ],
        (Some(first), None) => vec![format!("first token {}", span(first))],
        (None, _) if attempt.head_at.is_some() => {
            vec![format!(
                "head after {}",
                span(attempt.first_byte_s.unwrap_or(0.0))
            )]
        }
        (None, _) => {
            let out = seconds_between(attempt.sent_at, now).max(0.0).floor();
            vec![format!("in flight {out:.0} s")]
        }
    }
}

fn spent(attempt: &Attempt) -> Option<String> {
    let usage = attempt.usage?;
    (usage.all_input() + usage.output_tokens > 0).then(|| {
        format!(
            "{} in + {} out spent",
            usage.all_input(),
            usage.output_tokens
        )
    })
}

fn after_it(call: &Call, attempt: &Attempt, now: Time) -> Vec<String> {
    if let Some(slept) = attempt.slept_s {
        let mut facts = vec![format!("slept {}", span(slept))];
        if let Some(by) = call.early_by(attempt) {
            facts.push(format!("{} EARLY", span(by)));
        }
        return facts;
    }
    match (&attempt.decision, call.doing()) {
        (Some(decision), Doing::Waiting(due)) if decision.action == Action::Retry => {
            vec![format!("next in {}", countdown(seconds_between(now, due)))]
        }
        (Some(decision), Doing::Over(_)) if decision.action == Action::Retry => {
            let slept = call
                .closed_at
                .zip(attempt.decided_at)
                .map(|(to, from)| seconds_between(from, to));
            vec![format!("cancelled after {}", span(slept.unwrap_or(0.0)))]
        }
        (Some(decision), _) if decision.action == Action::Stop => vec!["no retry".to_owned()],
        _ => Vec::new(),
    }
}

/// What the call is doing, for the title of its box.
pub fn headline(call: &Call) -> String {
    let tries = call.tries().max(1);
    let attempt = match call.allowed {
        Some(allowed) => format!("attempt {tries} of {}", allowed.max(tries)),
        None => format!("attempt {tries}"),
    };
    match call.doing() {
        Doing::Over(crate::domain::observation::CallResult::Ok) if tries == 1 => {
            "answered".to_owned()
        }
        Doing::Over(crate::domain::observation::CallResult::Ok) => format!("answered, {attempt}"),
        Doing::Over(crate::domain::observation::CallResult::Failed) => format!("failed, {attempt}"),
        Doing::Over(crate::domain::observation::CallResult::Cancelled) => {
            format!("cancelled, {attempt}")
        }
        _ => format!("one call, {attempt}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_short_and_countdowns_are_whole() {
        let spans = [
            0.0123,
            0.412,
            0.9999,
            2.3,
            17.0,
            17.44,
            125.2,
            51_811.0,
            f64::NAN,
        ];
        let words: Vec<String> = spans.map(span).to_vec();
        assert_eq!(
            words,
            [
                "12 ms", "412 ms", "1 s", "2.3 s", "17 s", "17.4 s", "2m05s", "14h23m", "?"
            ]
        );
        let left = [17.0, 16.9999, 16.0001, 0.5, 0.0, -3.0];
        let words: Vec<String> = left.map(countdown).to_vec();
        assert_eq!(words, ["17 s", "17 s", "16 s", "1 s", "0 s", "0 s"]);
    }
}
