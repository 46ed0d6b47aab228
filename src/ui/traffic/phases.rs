//! The phases of one attempt, each on its own line after the one before: the head, the first token, the
//! rest of the answer.

use super::cell;
use crate::{
    app::Shown,
    domain::{
        clean::clean,
        time::seconds_between,
        timeline::{Attempt, Call},
    },
    ui::{
        calls::{pen::Pen, words},
        canvas::Canvas,
        format,
        theme::Roles,
    },
};
use ratatui::{layout::Rect, style::Style};

/// Columns of a phase's name, and of its length.
const NAME: u16 = 12;
const LENGTH: u16 = 8;

/// A phase: its name, from which second to which, its style.
type Phase = (&'static str, f64, f64, Style);

fn phases(attempt: &Attempt, now_s: f64, roles: &Roles) -> Vec<Phase> {
    let end = attempt.duration_s.unwrap_or(now_s).max(0.0);
    let head = attempt.first_byte_s.unwrap_or(end).clamp(0.0, end);
    let mut phases = vec![("first byte", 0.0, head, roles.mine)];
    if attempt.first_byte_s.is_none() {
        return phases;
    }
    let token = attempt.first_token_s.map(|s| s.clamp(head, end));
    if let Some(token) = token {
        phases.push(("first token", head, token, roles.mine));
    }
    if token.is_some() || attempt.outcome.is_some() {
        phases.push(("body", token.unwrap_or(head), end, roles.good));
    }
    phases
}

/// Draws them, then tokens and speed, as far as there is room.
pub(super) fn draw(
    shown: &Shown<'_>,
    call: &Call,
    attempt: &Attempt,
    canvas: &mut Canvas<'_>,
    area: Rect,
) {
    let roles = *canvas.roles();
    let now_s = seconds_between(attempt.sent_at, shown.at);
    let phases = phases(attempt, now_s, &roles);
    let whole = phases.iter().map(|(_, _, to, _)| *to).fold(1e-3, f64::max);
    let cells = area.width.saturating_sub(NAME + LENGTH + 1);
    let mut pen = Pen::new(canvas, area);
    for (name, from, to, style) in phases {
        let row = pen.here();
        pen.line(&[(name, roles.quiet)]);
        if row.height == 0 || cells == 0 {
            continue;
        }
        let cell = |s: f64| (s / whole * f64::from(cells)).round() as u16;
        let start = cell(from).min(cells - 1);
        let width = cell(to).saturating_sub(start).clamp(1, cells - start);
        let bars = row.x + NAME;
        pen.canvas.repeat(bars, row.y, "·", cells, roles.border);
        pen.canvas.repeat(bars + start, row.y, "█", width, style);
        let length = words::span(to - from);
        let end = row.right();
        pen.canvas
            .put_right(bars + cells, row.y, &length, roles.strong, end);
    }
    let rate = cell::rate(attempt, shown.at).map(|rate| format!(" · {rate:.0} tok/s"));
    let kind = if call.stream {
        "streamed"
    } else {
        "in one piece"
    };
    let sent = format::clock(attempt.sent_at, shown.offset_s);
    let sent = format!("sent {sent}, {kind}{}", rate.unwrap_or_default());
    pen.line(&[(&sent, roles.text)]);
    if let Some(usage) = attempt.usage {
        let mut text = format!(
            "in {} · cached {} · out {}",
            format::count(usage.input_tokens),
            format::count(usage.cache_read_input_tokens),
            format::count(usage.output_tokens)
        );
        if usage.cache_creation_input_tokens > 0 {
            let written = format::count(usage.cache_creation_input_tokens);
            text = format!("{text} · written {written}");
        }
        pen.line(&[(&text, roles.text)]);
    }
    if let Some(request) = &attempt.request {
        let request = clean(request.as_str(), 64);
        pen.line(&[
            (&request, roles.quiet),
            ("  ", roles.quiet),
            ("y", roles.key),
            (" copy", roles.quiet),
        ]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::timeline::{
        Timeline,
        fixtures::{refused_then_ok, t},
    };

    #[test]
    fn phases_follow_each_other_without_a_gap() {
        let mut timeline = Timeline::new(1);
        for seen in refused_then_ok(1, 0.5) {
            timeline.absorb(&seen);
        }
        let call = timeline.calls().next().unwrap();
        let roles = Roles::default();
        let of = |n: usize| {
            let attempt = &call.attempts[n];
            let now = seconds_between(attempt.sent_at, t(60.0));
            let phases = phases(attempt, now, &roles).into_iter();
            phases
                .map(|(name, from, to, _)| (name, from, to))
                .collect::<Vec<_>>()
        };
        assert_eq!(of(0), [("first byte", 0.0, 0.1), ("body", 0.1, 0.11)]);
        let streamed = [
            ("first byte", 0.0, 0.2),
            ("first token", 0.2, 0.4),
            ("body", 0.4, 1.4),
        ];
        assert_eq!(of(1), streamed);
    }
}
