//! Tab 7 on screen: what happened, newest first; Enter opens the evidence.

use super::{brief::brief, canvas::Canvas, cards, format};
use crate::{
    app::{
        App, Shown,
        events::{is_numbered, sentence_column, times},
        layout,
    },
    domain::{
        notice::{Alike, Notice, NoticeKind, Weight},
        wrap::wrap,
    },
};
use ratatui::{layout::Rect, style::Style};

/// Draws tab 7.
pub(super) fn draw(app: &App, shown: &Shown<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    let state = app.events();
    let rows = state.rows(shown.ring);
    if let Some((line, notice)) = state.opened(shown.ring) {
        evidence(shown, notice, line, canvas, area);
        return;
    }
    let boxed = layout::boxed((area.width, canvas.buf.area.height));
    let inner = if boxed {
        let title = title(app, shown, &rows);
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
    let lines = state.lines((area.width, canvas.buf.area.height), shown.ring, &rows);
    let place = lines.place;
    let shown_rows = rows.iter().enumerate().skip(lines.first);
    for (y, (at, alike)) in (inner.y..inner.y + lines.list).zip(shown_rows) {
        let line = Rect {
            y,
            height: 1,
            ..inner
        };
        row(shown, alike, at == place, canvas, line);
    }
    if let Some(alike) = rows.get(place).filter(|_| lines.foot > 0) {
        let foot = Rect {
            y: inner.y + lines.list,
            height: lines.foot,
            ..inner
        };
        whole(alike.said(), canvas, foot);
    }
}

/// The selected sentence to its end, beneath the list.
fn whole(sentence: &str, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    canvas.tint(area, roles.select);
    let (x, last) = (area.x + 2, area.bottom().saturating_sub(1));
    let mut rest = sentence;
    for (y, part) in (area.y..=last).zip(wrap(sentence, area.width.saturating_sub(2).into())) {
        let said = if y == last { rest } else { part };
        canvas.put_cut(x, y, said, roles.strong, area.right());
        rest = rest.get(part.len()..).unwrap_or_default().trim_start();
    }
}

fn title(app: &App, shown: &Shown<'_>, rows: &[Alike<'_>]) -> String {
    let ring = shown.ring;
    let mut title = format!("Events, newest first · {}", ring.total());
    if ring.dropped() > 0 {
        title = format!("{title}, the oldest {} are gone", ring.dropped());
    }
    let fitting: usize = rows.iter().map(|row| row.count).sum();
    if fitting > rows.len() {
        title = format!("{title}, alike as one");
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

fn row(shown: &Shown<'_>, alike: &Alike<'_>, selected: bool, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let (y, end, notice) = (area.y, area.right(), alike.newest);
    if selected {
        canvas.mark(area);
    }
    let numbered = is_numbered(area.width);
    let mut x = area.x + 2;
    let clock = format::clock(notice.at, shown.offset_s);
    if numbered {
        canvas.put_right(x, y, &notice.seq.to_string(), roles.quiet, x + 5);
        x += 7;
    }
    x = canvas.put(x, y, &clock, roles.quiet, end) + 1;
    let (mark, style) = weight(notice, canvas);
    canvas.put(x, y, mark, style, end);
    if numbered {
        canvas.put(x + 2, y, kind(notice), style, end);
    }
    let text = if selected { roles.strong } else { roles.text };
    let x = area.x + sentence_column(area.width);
    let times = times(alike.count);
    canvas.put_right(x, y, &times, roles.strong, end);
    let end = end.saturating_sub(times.chars().count() as u16);
    let said = brief(alike.said(), end.saturating_sub(x).into());
    let x = canvas.put_cut(x, y, &said, text, end);
    let aside = if alike.count > 1 {
        format!("since {}", format::clock(alike.since, shown.offset_s))
    } else {
        let request = notice.request.as_ref();
        request.map(ToString::to_string).unwrap_or_default()
    };
    if usize::from(end.saturating_sub(x + 1)) > aside.chars().count() {
        canvas.put_right(x, y, &aside, roles.quiet, end);
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
            canvas.mark(Rect {
                y,
                height: 1,
                ..inner
            });
        }
        for part in parts {
            if y < inner.bottom() {
                canvas.put(inner.x + 2, y, part, roles.text, end);
            }
            y += 1;
        }
    }
}
