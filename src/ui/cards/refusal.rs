//! The newest refusal: cause, what was asked, what the client did, when a retry helps.

use super::pad;
use crate::domain::wrap::wrap;
use crate::{
    app::{Shown, profile::Refusal},
    domain::{
        clean::clean,
        id::{Limiter, ModelId},
        limit::Dimension,
        time::seconds_between,
        timeline::Call,
        verdict::{Cause, Certainty, Evidence, EvidenceFrom},
    },
    ui::{brief::told_in, canvas::Canvas, format, frame, rows::shared, words},
};
use ratatui::layout::Rect;
use std::borrow::Cow;

/// Draws the newest refusal.
pub(super) fn draw(shown: &Shown<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let Some(refusal) = &shown.profile.refusal else {
        let inner = pad(canvas.boxed(area, "Last refusal"));
        let text = if inner.height > 3 {
            "none seen. The next one is explained here: which limit, on what evidence, what the \
             server asked for, and when a retry helps."
        } else {
            "none seen"
        };
        let rows = inner.y..inner.bottom();
        for (y, line) in rows.zip(wrap(text, usize::from(inner.width))) {
            canvas.put(inner.x, y, line, roles.quiet, inner.right());
        }
        return;
    };
    let ago = format::age(seconds_between(refusal.at, shown.at));
    let inner = pad(canvas.boxed(area, &format!("Last refusal, {ago} ago")));
    let end = inner.right();
    let mut lines = Lines {
        y: inner.y,
        bottom: inner.bottom(),
    };
    let verdict = &refusal.verdict;
    let brief = inner.width < 50;
    if let Some(y) = lines.next() {
        let status = verdict
            .status
            .map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let mut x = canvas.put(inner.x, y, &status, roles.bad, end);
        x = canvas.put(x, y, " · ", roles.border, end);
        let (word, style) = match verdict.certainty {
            // What broke on the way was seen here; nobody stated it.
            _ if verdict.is_seen_here() => ("seen here", roles.text),
            Certainty::Stated => ("stated", roles.text),
            Certainty::Inferred => ("inferred", roles.hint),
            Certainty::Unknown => ("no evidence", roles.quiet),
        };
        let (cause, whose) = cause(shown, refusal, brief);
        let room = end.saturating_sub(word.len() as u16 + 3);
        // What is too long for one line tells whose it was in a second, where that leaves room for the rest.
        let whole = format!("{cause}{whose}");
        let (first, second) = match usize::from(room.saturating_sub(x)) {
            columns if whole.chars().count() <= columns => (whole.as_str(), ""),
            _ => (cause, whose.trim_start_matches([',', ' '])),
        };
        let from = x;
        x = canvas.put_cut(x, y, first, roles.strong, room);
        x = canvas.put(x, y, " · ", roles.border, end);
        canvas.put(x, y, word, style, end);
        if !second.is_empty()
            && inner.height > 5
            && let Some(y) = lines.next()
        {
            canvas.put_cut(from, y, second, roles.strong, end);
        }
    }
    after_it(shown, verdict.asked_s, canvas, inner, &mut lines);
    if let Some(y) = lines.next() {
        retry(shown, refusal, canvas, (inner.x, y), end);
    }
    evidence(&verdict.evidence, canvas, inner, &mut lines);
    let last = inner.bottom().saturating_sub(1);
    if last >= lines.y {
        let mut x = inner.x;
        if let Some(request) = &verdict.request_id {
            x = canvas.put(
                x,
                last,
                request.as_str(),
                roles.text,
                end.saturating_sub(10),
            ) + 2;
        }
        frame::hints(canvas, (x, last), end, &[("y", "copy"), ("7", "evidence")]);
    }
}

/// The evidence, as far as there is room; the last row is the footer's.
fn evidence(all: &[Evidence], canvas: &mut Canvas<'_>, inner: Rect, lines: &mut Lines) {
    let roles = *canvas.roles();
    let left = usize::from(lines.bottom.saturating_sub(lines.y + 1));
    // The beginning of a message says nothing that the card does not, so numbers have the rows first.
    let spare = left >= all.len();
    let told = |e: &&Evidence| spare || e.from != EvidenceFrom::Message;
    let mut kept: Vec<&Evidence> = all.iter().filter(told).collect();
    if kept.is_empty() {
        kept.extend(all);
    }
    let labels = kept.iter().map(|e| e.from.label().len());
    let air = if inner.width < 50 { 1 } else { 2 };
    let column = labels.max().unwrap_or(0) as u16 + air;
    let width = usize::from(inner.width.saturating_sub(column));
    let texts: Vec<Cow<'_, str>> = kept.iter().map(|e| told_in(e, width)).collect();
    let texts: Vec<Vec<&str>> = texts.iter().map(|text| wrap(text, width)).collect();
    let needs: Vec<usize> = texts.iter().map(Vec::len).collect();
    for ((evidence, parts), rows) in kept.iter().zip(texts).zip(shared(&needs, left)) {
        for line in 0..rows {
            let Some(y) = lines.next() else { break };
            let (x, end) = (inner.x + column, inner.right());
            if line == 0 {
                canvas.put(inner.x, y, evidence.from.label(), roles.quiet, end);
            }
            if line + 1 == rows {
                canvas.put_cut(x, y, &parts[line..].join(" "), roles.text, end);
            } else {
                canvas.put(x, y, parts[line], roles.text, end);
            }
        }
    }
}

/// Rows of a card, from the top.
struct Lines {
    y: u16,
    bottom: u16,
}

impl Lines {
    fn next(&mut self) -> Option<u16> {
        let y = self.y;
        self.y += 1;
        (y < self.bottom).then_some(y)
    }
}

fn cause(shown: &Shown<'_>, refusal: &Refusal, brief: bool) -> (&'static str, String) {
    let verdict = &refusal.verdict;
    let dimension = verdict.limiter.as_ref().map(Limiter::dimension);
    let limit = match dimension {
        Some(dimension) if brief && dimension != Dimension::Other => dimension.label(),
        _ => verdict.cause.words(),
    };
    let board = &shown.profile.board;
    let pool = verdict
        .pool
        .as_ref()
        .and_then(|id| board.pools().iter().find(|pool| pool.key.group == *id))
        .or_else(|| board.pool_of(verdict.model.as_ref()?));
    let whose = match (pool, &verdict.model) {
        (Some(pool), _) => Some(words::short_name(&pool.name)),
        (None, model) => model.as_ref().map(ModelId::as_str),
    };
    (limit, about(verdict.cause, whose))
}

/// Only limits that hold per model are a pool's; of everything else it says what was asked for.
fn about(cause: Cause, whose: Option<&str>) -> String {
    let pools = cause.is_refusal_of_limit()
        && !cause.is_spend()
        && !matches!(cause, Cause::SubscriptionWindow | Cause::Unknown);
    match whose {
        Some(whose) if pools => format!(" of {whose}"),
        Some(whose) => format!(", asked for {whose}"),
        None => String::new(),
    }
}

/// What the server asked for and what the client did.
fn after_it(
    shown: &Shown<'_>,
    asked: Option<f64>,
    canvas: &mut Canvas<'_>,
    inner: Rect,
    lines: &mut Lines,
) {
    let roles = *canvas.roles();
    let end = inner.right();
    let Some(y) = lines.next() else { return };
    let brief = inner.width < 50;
    let mut x = match asked {
        Some(asked) => {
            let x = canvas.put(inner.x, y, "asked ", roles.quiet, end);
            canvas.put(x, y, &seconds(asked), roles.hint, end)
        }
        None => canvas.put(inner.x, y, "asked nothing", roles.quiet, end),
    };
    let Some(attempt) = shown.profile.refused_attempt() else {
        return;
    };
    let call = shown.profile.refused_call();
    if let Some(slept) = attempt.slept_s {
        let slept_word = if brief {
            " · slept ".to_owned()
        } else {
            format!(" · {} slept ", who(call))
        };
        x = canvas.put(x, y, &slept_word, roles.quiet, end);
        x = canvas.put(x, y, &seconds(slept), roles.text, end);
        if attempt.early {
            let by = call.and_then(|call| call.early_by(attempt)).unwrap_or(0.0);
            if brief {
                x = canvas.put(x, y, " ", roles.text, end);
                x = canvas.put(x, y, "EARLY", roles.empty, end);
                let by = format!(" by {}", seconds(by));
                if x + by.len() as u16 <= end {
                    canvas.put(x, y, &by, roles.tight, end);
                }
                return;
            }
            // A program's name needs the room.
            let named = call.is_some_and(Call::is_traffic);
            let retried = if named { "" } else { "retried " };
            let by = format!(": {retried}{} ", seconds(by));
            x = canvas.put(x, y, &by, roles.tight, end);
            canvas.put(x, y, "EARLY", roles.empty, end);
        }
    } else if let Some(decision) = &attempt.decision
        && decision.wait_s > 0.0
    {
        let waits = format!(" · {} waits ", who(call));
        x = canvas.put(x, y, &waits, roles.quiet, end);
        canvas.put(x, y, &seconds(decision.wait_s), roles.text, end);
    }
}

/// Whose call it was: programs are named.
fn who(call: Option<&Call>) -> String {
    let program = call.filter(|call| call.is_traffic());
    program.map_or_else(
        || "client".to_owned(),
        |call| clean(call.client.as_str(), 17),
    )
}

fn seconds(s: f64) -> String {
    if s >= 100.0 {
        format::span(s)
    } else if s < 10.0 && (s - s.round()).abs() > 0.049 {
        format!("{s:.1} s")
    } else {
        format!("{s:.0} s")
    }
}

fn retry(
    shown: &Shown<'_>,
    refusal: &Refusal,
    canvas: &mut Canvas<'_>,
    (x, y): (u16, u16),
    end: u16,
) {
    let roles = *canvas.roles();
    let verdict = &refusal.verdict;
    if !verdict.retry_helps {
        canvas.put(x, y, "retrying does not help", roles.bad, end);
        return;
    }
    let Some(at) = verdict.retry_at else {
        canvas.put(x, y, "a retry may help; nothing says when", roles.text, end);
        return;
    };
    let left = seconds_between(shown.at, at);
    let word = if left > 0.0 { "from" } else { "since" };
    let mut x = canvas.put(x, y, &format!("retry helps {word} "), roles.quiet, end);
    x = canvas.put(x, y, &format::clock(at, shown.offset_s), roles.hint, end);
    if left > 0.0 {
        let when = format!(", in {}", format::span(left.ceil()));
        canvas.put(x, y, &when, roles.text, end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Cause::Ramp, Some("Opus 5.5"), " of Opus 5.5")]
    #[case(Cause::Unreachable, Some("Haiku 4.5"), ", asked for Haiku 4.5")]
    #[case(Cause::Overloaded, Some("Haiku 4.5"), ", asked for Haiku 4.5")]
    #[case(Cause::SpendCap, Some("Opus 5.5"), ", asked for Opus 5.5")]
    #[case(Cause::SubscriptionWindow, Some("Opus 5.5"), ", asked for Opus 5.5")]
    #[case(Cause::Gateway, None, "")]
    fn only_limits_are_a_pools(
        #[case] cause: Cause,
        #[case] whose: Option<&str>,
        #[case] text: &str,
    ) {
        assert_eq!(about(cause, whose), text);
    }
}
