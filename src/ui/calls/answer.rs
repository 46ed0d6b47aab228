//! The answer: its text, its tokens, why it stopped and what to do about that; or, on request, the raw
//! headers of an attempt.

use super::{
    Scene,
    pen::{Pen, cut, width, wrap},
    words,
};
use crate::{
    domain::{
        advice,
        cache::CacheUse,
        clean::clean,
        headers::Hint,
        outcome::Outcome,
        timeline::{Attempt, Call},
    },
    ui::{canvas::Canvas, format::count, theme::Roles},
};
use ratatui::{layout::Rect, style::Style};

/// The title of the box.
pub(super) fn title(scene: &Scene<'_>, call: Option<&Call>) -> String {
    let view = scene.view;
    match call
        .filter(|_| view.evidence)
        .and_then(|call| view.attempt(call))
    {
        Some(attempt) => format!("Headers of attempt {}", attempt.n),
        None => "Answer".to_owned(),
    }
}

/// Draws either.
pub(super) fn draw(scene: &Scene<'_>, call: &Call, canvas: &mut Canvas<'_>, area: Rect) {
    let view = scene.view;
    if let (true, Some(attempt)) = (view.evidence, view.attempt(call)) {
        headers(attempt, scene, canvas, area);
    } else {
        text(scene, call, canvas, area);
    }
}

/// `in 14 · cached 0 · written 0 · out 9`, with shorter words where that is too wide.
pub(super) fn usage(call: &Call, columns: usize) -> Option<String> {
    let usage = call.usage()?;
    let words = |read: &str, written: &str| {
        format!(
            "in {} · {read} {} · {written} {} · out {}",
            count(usage.input_tokens),
            count(usage.cache_read_input_tokens),
            count(usage.cache_creation_input_tokens),
            count(usage.output_tokens)
        )
    };
    let long = words("cached", "written");
    if width(&long) <= columns {
        return Some(long);
    }
    Some(words("read", "wrote"))
}

/// What of the input counted, and how many times as much goes through; or why nothing was cached.
fn cached(
    scene: &Scene<'_>,
    call: &Call,
    columns: usize,
    roles: &Roles,
    foot: &mut Vec<(String, Style)>,
) {
    let Some(seen) = call.usage().map(|usage| CacheUse::from(&usage)) else {
        return;
    };
    let order = scene.calls.cache_of(call.id, &scene.profile.runs);
    if order.is_none() && seen.written + seen.read == 0 {
        return;
    }
    let model = call.model.as_str();
    if let Some(why) = order.and_then(|order| seen.why_not(order, model)) {
        let why = wrap(&clean(&why, 300), columns).into_iter().take(3);
        foot.extend(why.map(|line| (line, roles.tight)));
        return;
    }
    let times = match seen.multiplier() {
        Some(times) if seen.read > 0 => format!(" · {times:.1}× goes through"),
        _ => String::new(),
    };
    let n = count(seen.counted());
    let long = format!("{n} count towards ITPM{times}");
    let counted = if width(&long) <= columns {
        long
    } else {
        format!("{n} of ITPM{times}")
    };
    foot.push((cut(&counted, columns), roles.text));
}

fn text(scene: &Scene<'_>, call: &Call, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let answer = scene.profile.answer(call.id);
    let mut foot = Vec::new();
    let columns = usize::from(area.width);
    if let Some(usage) = usage(call, columns) {
        foot.push((usage, roles.text));
    }
    if let Some(thought) = call.thought() {
        foot.push((cut(&thought.words(), columns), roles.text));
    }
    cached(scene, call, columns, &roles, &mut foot);
    let last = call.attempts.last();
    let tall = area.height >= 8;
    let mut advise = |label: String, sentence: &str, style| {
        foot.push((clean(&label, columns.saturating_sub(1)), style));
        let lines = wrap(sentence, columns);
        let most = if tall { 3 } else { 2 };
        foot.extend(lines.into_iter().take(most).map(|line| (line, roles.quiet)));
    };
    match last.and_then(|last| last.outcome.as_ref()) {
        Some(Outcome::Complete { stop_reason, .. }) => {
            let reason = stop_reason.as_deref();
            let style = if reason == Some("end_turn") {
                roles.good
            } else {
                roles.tight
            };
            let name = clean(reason.unwrap_or("none named"), 60);
            advise(
                format!("stop: {name}"),
                advice::on_stop_reason(reason),
                style,
            );
        }
        Some(Outcome::StreamError { error }) => {
            let text = format!("stream broke: {}", error.kind);
            advise(
                text,
                &format!(
                    "{}. The HTTP status was 200.",
                    clean(error.message.trim_end_matches('.'), 200)
                ),
                roles.bad,
            );
        }
        Some(Outcome::StreamCut { how }) => {
            advise("stream broke".to_owned(), &clean(how, 200), roles.bad);
        }
        Some(Outcome::StreamTruncated) => {
            advise(
                "stream ended without message_stop".to_owned(),
                "Treat the text as cut.",
                roles.bad,
            );
        }
        Some(Outcome::Cancelled) => advise(
            "cancelled".to_owned(),
            "Tokens so far are spent.",
            roles.tight,
        ),
        _ => {}
    }
    let most = usize::from(area.height);
    foot.truncate(most.saturating_sub(1).max(1));
    let body = Rect {
        height: area.height.saturating_sub(foot.len() as u16),
        ..area
    };
    match answer {
        Some(answer) if !answer.text.is_empty() => {
            let mut lines = wrap(answer.text.trim_end_matches('\n'), columns);
            if answer.cut > 0 {
                lines.push(format!("… {} more bytes not kept", answer.cut));
            } else if call.is_open()
                && let Some(line) = lines.last_mut()
            {
                line.push('▏');
            }
            let rows = usize::from(body.height);
            let up = scene.view.up.min(lines.len().saturating_sub(rows));
            let first = lines.len().saturating_sub(rows + up);
            let mut pen = Pen::new(canvas, body);
            for line in lines.iter().skip(first).take(rows) {
                pen.line(&[(line, roles.text)]);
            }
            if up > 0 {
                pen.right_of_last("▼", roles.quiet);
            }
            if first > 0 {
                canvas.put_right(body.x, body.y, "▲", roles.quiet, body.right());
            }
        }
        _ => {
            let text = if call.is_own() && last.is_some_and(|last| last.thought.is_some()) {
                "It thinks; no text yet."
            } else if call.is_own() {
                "No text yet."
            } else {
                "Texts of other clients are not kept."
            };
            let text = if call.is_own() && !call.is_open() {
                "No text came."
            } else {
                text
            };
            Pen::new(canvas, body).text(text, roles.quiet, 2);
        }
    }
    let under = Rect {
        y: body.bottom(),
        height: foot.len() as u16,
        ..area
    };
    let mut pen = Pen::new(canvas, under.intersection(area));
    for (line, style) in foot {
        pen.line(&[(&line, style)]);
    }
}

fn headers(attempt: &Attempt, scene: &Scene<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let Some(reading) = &attempt.reading else {
        Pen::new(canvas, area).text("No head came.", roles.quiet, 2);
        return;
    };
    let mut lines: Vec<(String, String)> = Vec::new();
    let raw = !reading.raw.is_empty();
    if let Some(request) = reading.request.as_ref().filter(|_| !raw) {
        lines.push(("request-id".to_owned(), request.to_string()));
    }
    if let Some(s) = attempt.first_byte_s {
        lines.push(("first byte".to_owned(), words::span(s)));
    }
    let hint = if raw { Hint::default() } else { reading.hint };
    lines.extend(
        hint.retry_after_s
            .map(|s| ("retry-after".to_owned(), words::span(s))),
    );
    lines.extend(
        hint.retry_after_ms_s
            .map(|s| ("retry-after-ms".to_owned(), words::span(s))),
    );
    lines.extend(
        hint.should_retry
            .map(|yes| ("x-should-retry".to_owned(), yes.to_string())),
    );
    if raw {
        lines.extend(reading.raw.iter().cloned());
    } else {
        lines.extend(reading.levels.iter().map(|level| {
            let full = level
                .full_in_s
                .map_or(String::new(), |s| format!(" · full {}", words::span(s)));
            let left = format!("{} of {}{full}", count(level.remaining), count(level.limit));
            (
                format!("{} {}", level.family.label(), level.dimension.label()),
                left,
            )
        }));
        lines.extend(reading.unknown.iter().cloned());
    }
    if let Some(Outcome::Refused { error, .. } | Outcome::StreamError { error }) = &attempt.outcome
    {
        lines.push(("error.type".to_owned(), error.kind.clone()));
        lines.extend(
            error
                .code
                .iter()
                .map(|code| ("error_code".to_owned(), code.clone())),
        );
        lines.push(("message".to_owned(), error.message.clone()));
    }
    let rows = usize::from(area.height);
    let up = scene.view.up;
    // Up scrolls towards the end here too: the head of the list is read first.
    let first = up.min(lines.len().saturating_sub(rows));
    let mut pen = Pen::new(canvas, area);
    for (name, value) in lines.iter().skip(first) {
        let name = clean(name, 80);
        let short = name.strip_prefix("anthropic-").unwrap_or(&name);
        let short = short.strip_prefix("ratelimit-").unwrap_or(short);
        let value = clean(value, 2_000);
        if width(short) + 1 + width(&value) <= usize::from(area.width) {
            pen.line(&[
                (short, roles.quiet),
                (" ", roles.quiet),
                (&value, roles.text),
            ]);
        } else {
            pen.line(&[(short, roles.quiet)]);
            pen.pair("", 2, &value, roles.text, 8);
        }
    }
}
