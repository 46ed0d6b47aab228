//! Tab 7 on screen: what happened, newest first; Enter opens the evidence.

use super::{canvas::Canvas, cards, format};
use crate::{
    app::{App, Shown, layout},
    domain::notice::{Notice, NoticeKind, Weight},
};
use ratatui::{layout::Rect, style::Style};

/// Draws tab 7.
pub(super) fn draw(app: &App, shown: &Shown<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    let state = app.events();
    let rows = state.rows(shown.ring);
    let place = state.place(&rows);
    if let (Some(line), Some(notice)) = (state.open, rows.get(place)) {
        evidence(shown, notice, line, canvas, area);
        return;
    }
    let boxed = layout::boxed((area.width, canvas.buf.area.height));
    let inner = if boxed {
        let title = title(app, shown, rows.len());
        canvas.boxed(area, &title)
    } else {
        area
    };
    let quiet = canvas.roles().quiet;
    if rows.is_empty() {
        let text = if state.filter.trim().is_empty() {
            "Nothing happened yet: limit changes, refusals and faults will be listed here."
        } else {
            "No event fits the filter; Esc clears it."
        };
        canvas.put(inner.x + 2, inner.y, text, quiet, inner.right());
        return;
    }
    let visible = usize::from(inner.height);
    let first = layout::scroll(state.first, place, visible, rows.len());
    for (i, notice) in rows.iter().skip(first).take(visible).enumerate() {
        let line = Rect {
            y: inner.y + i as u16,
            height: 1,
            ..inner
        };
        row(shown, notice, first + i == place, canvas, line);
    }
}

fn title(app: &App, shown: &Shown<'_>, fitting: usize) -> String {
    let ring = shown.ring;
    let mut title = format!("Events, newest first · {}", ring.total());
    if ring.dropped() > 0 {
        title = format!("{title}, the oldest {} are gone", ring.dropped());
    }
    let filter = app.events().filter.trim();
    if filter.is_empty() {
        title
    } else {
        format!("{title} · {fitting} fit “{filter}”")
    }
}

fn kind(notice: &Notice) -> &'static str {
    match notice.kind {
        NoticeKind::LimitChanged => "limit",
        NoticeKind::Refusal => "refusal",
        NoticeKind::Fault => "fault",
        NoticeKind::Note => "note",
    }
}

/// A mark and a style for how much it matters; the mark reads without colour.
fn weight(notice: &Notice, canvas: &Canvas<'_>) -> (&'static str, Style) {
    let roles = canvas.roles();
    match notice.weight {
        Weight::Info => ("·", roles.quiet),
        Weight::Warning => ("▲", roles.tight),
        Weight::Error => ("✗", roles.bad),
    }
}

fn row(shown: &Shown<'_>, notice: &Notice, selected: bool, canvas: &mut Canvas<'_>, line: Rect) {
    let roles = *canvas.roles();
    let (y, end) = (line.y, line.right());
    if selected {
        canvas.tint(line, roles.select);
        canvas.put(line.x, y, "▸", roles.accent, end);
    }
    let mut x = line.x + 2;
    let clock = format::clock(notice.at, shown.offset_s);
    if line.width >= 50 {
        canvas.put_right(x, y, &notice.seq.to_string(), roles.quiet, x + 5);
        x += 7;
    }
    x = canvas.put(x, y, &clock, roles.quiet, end) + 1;
    let (mark, style) = weight(notice, canvas);
    canvas.put(x, y, mark, style, end);
    x += 2;
    if line.width >= 50 {
        canvas.put(x, y, kind(notice), style, end);
        x += 9;
    }
    let text = if selected { roles.strong } else { roles.text };
    let request = notice.request.as_ref().map_or("", |id| id.as_str());
    let room = usize::from(end.saturating_sub(x));
    let tail = request.chars().count() + 2;
    let whole = notice.sentence.chars().count() + tail <= room;
    x = canvas.put(x, y, &notice.sentence, text, end.saturating_sub(1));
    if whole && !request.is_empty() {
        canvas.put_right(x, y, request, roles.quiet, end.saturating_sub(1));
    } else if notice.sentence.chars().count() > room {
        canvas.put(end.saturating_sub(1), y, "…", roles.quiet, end);
    }
}

fn evidence(shown: &Shown<'_>, notice: &Notice, line: usize, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let boxed = layout::boxed((area.width, canvas.buf.area.height));
    let clock = format::clock(notice.at, shown.offset_s);
    let title = format!("Event {} · {} · {clock}", notice.seq, kind(notice));
    let inner = if boxed {
        cards::pad(canvas.boxed(area, &title))
    } else {
        area
    };
    let end = inner.right();
    let mut y = inner.y;
    let (mark, style) = weight(notice, canvas);
    canvas.put(inner.x, y, mark, style, end);
    for part in wrap(&notice.sentence, usize::from(inner.width.saturating_sub(2))) {
        canvas.put(inner.x + 2, y, part, roles.strong, end);
        y += 1;
    }
    if let Some(request) = &notice.request {
        let x = canvas.put(inner.x + 2, y, "request ", roles.quiet, end);
        canvas.put(x, y, request.as_str(), roles.text, end);
        y += 1;
    }
    y += u16::from(boxed);
    if notice.evidence.is_empty() {
        canvas.put(inner.x + 2, y, "No more is known of it.", roles.quiet, end);
        return;
    }
    canvas.put(inner.x + 2, y, "evidence", roles.quiet, end);
    y += 1;
    let visible = usize::from(inner.bottom().saturating_sub(y));
    let line = line.min(notice.evidence.len() - 1);
    let width = usize::from(inner.width.saturating_sub(2));
    let texts: Vec<Vec<&str>> = notice.evidence.iter().map(|t| wrap(t, width)).collect();
    // The first that leaves the selected one room to its last row.
    let mut first = line;
    let mut rows = texts[line].len();
    while first > 0 && rows + texts[first - 1].len() <= visible {
        first -= 1;
        rows += texts[first].len();
    }
    for (i, parts) in texts.into_iter().enumerate().skip(first) {
        if y >= inner.bottom() {
            break;
        }
        let selected = i == line;
        if selected {
            let row = Rect {
                y,
                height: 1,
                ..inner
            };
            canvas.tint(row, roles.select);
            canvas.put(inner.x, y, "▸", roles.accent, end);
        }
        for part in parts {
            if y < inner.bottom() {
                canvas.put(inner.x + 2, y, part, roles.text, end);
            }
            y += 1;
        }
    }
}

/// Breaks a line at spaces so that each part has at most `width` characters.
pub(super) fn wrap(text: &str, width: usize) -> Vec<&str> {
    let width = width.max(1);
    let mut parts = Vec::new();
    let mut rest = text;
    while rest.chars().count() > width {
        let cut = rest
            .char_indices()
            .nth(width)
            .map_or(rest.len(), |(i, _)| i);
        let at = if rest[cut..].starts_with(' ') {
            cut
        } else {
            rest[..cut].rfind(' ').filter(|at| *at > 0).unwrap_or(cut)
        };
        parts.push(&rest[..at]);
        rest = rest[at..].trim_start();
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(rest);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn breaks_at_spaces() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("", 3), [""]);
    }

    proptest! {
        #[test]
        fn no_part_is_too_long_and_no_letter_is_lost(text in "\\PC{0,80}", width in 0usize..20) {
            let parts = wrap(&text, width);
            prop_assert!(parts.iter().all(|part| part.chars().count() <= width.max(1)));
            let letters = |s: &str| s.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&parts.concat()), letters(&text));
        }
    }
}
