//! One pool in full: every gauge with its state in words, series, burn and forecast of the chosen
//! one, where its limit comes from, members, and the raw headers as evidence.

use super::{
    canvas::Canvas,
    cards, format,
    widgets::{Tone, bar, chart},
    words,
};
use crate::domain::wrap::wrap;
use crate::{
    app::{App, Shown, headroom::Headroom},
    domain::{
        board::Pool,
        gauge::{Gauge, GaugeState, GaugeView},
        org::GroupKind,
    },
};
use ratatui::layout::Rect;

/// Draws the details of a pool.
pub(super) fn draw(app: &App, shown: &Shown<'_>, pool: &Pool, canvas: &mut Canvas<'_>, area: Rect) {
    let boxed = area.width >= 60 && area.height >= 14;
    let title = title(pool);
    let inner = if boxed {
        cards::pad(canvas.boxed(area, &title))
    } else {
        let accent = canvas.roles().accent;
        canvas.put(area.x, area.y, &title, accent, area.right());
        Rect {
            y: area.y + 1,
            height: area.height.saturating_sub(1),
            ..area
        }
    };
    let chosen = app.headroom().gauge_of(pool, shown.at);
    let mut y = inner.y;
    for gauge in pool.gauges.iter().take(usize::from(inner.height)) {
        let mine = chosen
            .as_ref()
            .is_some_and(|(c, _)| std::ptr::eq(*c, gauge));
        let line = Rect {
            y,
            height: 1,
            ..inner
        };
        gauge_line(shown, gauge, mine, canvas, line);
        y += 1;
    }
    if let Some((gauge, view)) = chosen {
        y = one_gauge(
            shown,
            pool,
            gauge,
            &view,
            canvas,
            Rect {
                y,
                height: inner.bottom().saturating_sub(y),
                ..inner
            },
        );
    }
    let rest = Rect {
        y,
        height: inner.bottom().saturating_sub(y),
        ..inner
    };
    below(app, shown, pool, canvas, rest);
}

fn title(pool: &Pool) -> String {
    let kind = match &pool.kind {
        GroupKind::ModelGroup => "model group".to_owned(),
        other => other.as_str().replace('_', " "),
    };
    let guess = if pool.guess {
        " · a guess from the built-in table"
    } else {
        ""
    };
    format!("{} · {kind}{guess}", pool.name)
}

/// `▸ OTPM       ▇▇▇▇▇▇▃  206k/1M  21%  205k to 221k   live: a header 3s ago`
fn gauge_line(shown: &Shown<'_>, gauge: &Gauge, mine: bool, canvas: &mut Canvas<'_>, line: Rect) {
    let roles = *canvas.roles();
    let thresholds = shown.profile.card.thresholds;
    let (y, end) = (line.y, line.right());
    let view = gauge.view(shown.at);
    if mine {
        canvas.mark(line);
    }
    let narrow = line.width < 60;
    let label = if mine { roles.accent } else { roles.text };
    let mut x = line.x + if narrow { 1 } else { 2 };
    canvas.put(x, y, &words::label(gauge), label, x + 10);
    x += if narrow { 6 } else { 11 };
    let width = if narrow {
        8
    } else {
        (line.width / 6).clamp(10, 24)
    };
    bar::draw(canvas, (x, y), width, &view, thresholds);
    x += width;
    let (left, limit) = words::left_of(&view);
    let tone = Tone::of_view(&view, thresholds);
    let style = match (view.state, tone) {
        (GaugeState::Live | GaugeState::Projected, Some(tone)) => tone.number(canvas.look),
        (GaugeState::Stale, _) => roles.stale,
        _ => roles.quiet,
    };
    canvas.put_right(x, y, &left, style, x + 7);
    canvas.put(x + 7, y, &limit, roles.quiet, x + 13);
    x += 13;
    let percent = view.percent_left().map(format::percent).unwrap_or_default();
    canvas.put_right(x, y, &percent, style, x + 5);
    x += 6;
    if let Some(alarm) = words::alarm(&view) {
        canvas.put(x, y, alarm, roles.empty, end);
    }
    x += 6;
    if line.width >= 100 {
        if let (Some(low), Some(high)) = (view.remaining_low, view.remaining_high)
            && view.remaining.is_some()
        {
            let band = format!("{} to {}", format::count(low), format::count(high));
            canvas.put(x, y, &band, roles.quiet, end);
        }
        x += 15;
    }
    let mut state = words::state(&view);
    if state.chars().count() > usize::from(end.saturating_sub(x)) {
        state = words::source(&view, shown.profile.board.sources().limits_at, shown.at);
    }
    canvas.put_cut(x, y, &state, roles.quiet, end);
}

/// The chosen gauge: its series, then burn, forecast, limits. The next free row comes back.
fn one_gauge(
    shown: &Shown<'_>,
    pool: &Pool,
    gauge: &Gauge,
    view: &GaugeView,
    canvas: &mut Canvas<'_>,
    area: Rect,
) -> u16 {
    let roles = *canvas.roles();
    let end = area.right();
    let text_rows: u16 = 3;
    let mut y = area.y;
    let headers = Headroom::headers(pool).count().min(6) as u16 + 3;
    let spare = area.height.saturating_sub(text_rows + headers);
    if spare >= 6 {
        y += 1;
        let height = (spare - 3).min(9);
        let plot = Rect {
            x: area.x + 11,
            y,
            width: area.width.saturating_sub(11),
            height,
        };
        canvas.put(area.x, y, &words::label(gauge), roles.accent, area.x + 10);
        canvas.put(area.x, y + 1, "left", roles.quiet, area.x + 10);
        let slots = usize::from(plot.width) * 2;
        let span = cards::Span::of(pool, shown.at);
        let series = gauge.series(shown.at, span.s, slots);
        chart::draw(canvas, plot, &series, shown.profile.card.thresholds);
        cards::time_axis(
            canvas,
            span,
            Rect {
                y: y + height,
                height: 1,
                ..plot
            },
        );
        y += height + 2;
    }
    let lines = area.bottom().saturating_sub(y).min(text_rows);
    for line in 0..lines {
        let row = Rect {
            y,
            height: 1,
            ..area
        };
        match line {
            0 => cards::burn(view, canvas, row),
            1 => {
                canvas.put(
                    area.x,
                    y,
                    &words::forecast(pool, view, shown.at, area.width < 50),
                    roles.text,
                    end,
                );
            }
            _ => limits(shown, pool, gauge, view, canvas, row),
        }
        y += 1;
    }
    y
}

/// `limit  organization 1,000,000 · workspace 400,000 · effective 400,000`
fn limits(
    shown: &Shown<'_>,
    pool: &Pool,
    gauge: &Gauge,
    view: &GaugeView,
    canvas: &mut Canvas<'_>,
    row: Rect,
) {
    let roles = *canvas.roles();
    let (y, end) = (row.y, row.right());
    let exact = crate::domain::number::thousands;
    let mut x = canvas.put(row.x, y, "limit ", roles.quiet, end);
    if gauge.status().is_some() || view.utilization.is_some() {
        let status = gauge.status().unwrap_or("no status");
        let used = view.utilization.map_or_else(
            || "no utilization".to_owned(),
            |used| format!("{:.0} % used", used * 100.0),
        );
        canvas.put(x, y, &format!("{status} · {used}"), roles.text, end);
        return;
    }
    let board = &shown.profile.board;
    // That something has no limit, or inherits one, is known only where limits were read.
    let absent = if board.polled() { "none" } else { "not known" };
    let inherits = board.polled() && board.knows_workspace();
    let by_headers = view.effective_limit.is_some() && view.effective_limit != view.limit;
    let mut say = |canvas: &mut Canvas<'_>, label: &str, value: Option<u64>| {
        x = canvas.put_cut(x, y, label, roles.quiet, end);
        let value = value.map_or_else(|| absent.to_owned(), exact);
        x = canvas.put_cut(x, y, &value, roles.strong, end);
    };
    if row.width < 60 && view.workspace_limit.is_none() {
        say(canvas, "", view.effective_limit);
        let whose = match (by_headers, inherits) {
            (true, _) => " by headers",
            (false, true) => " · workspace inherits",
            (false, false) => "",
        };
        canvas.put_cut(x, y, whose, roles.quiet, end);
        return;
    }
    say(canvas, "organization ", view.limit);
    let effective = match (view.workspace_limit, by_headers, inherits) {
        (Some(own), ..) => {
            say(canvas, " · workspace ", Some(own));
            " · effective "
        }
        (None, true, _) => " · in force by headers ",
        (None, false, true) => " · workspace inherits, effective ",
        (None, false, false) => " · workspace not read, effective ",
    };
    say(canvas, effective, view.effective_limit);
    // Overrides of other workspaces on the same limiter: the noisy tenant may be one of them.
    let others = board
        .overrides()
        .iter()
        .filter(|o| o.group == pool.key.group && o.limiter == gauge.limiter)
        .filter(|o| Some(&o.workspace) != board.workspace());
    for other in others.take(3) {
        let named = board.workspaces().iter().find(|w| w.id == other.workspace);
        let name = named.map_or(other.workspace.as_str(), |w| w.name.as_str());
        let text = format!(" · {name} {}", exact(other.effective()));
        x = canvas.put_cut(x, y, &text, roles.quiet, end);
    }
}

fn below(app: &App, shown: &Shown<'_>, pool: &Pool, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let end = area.right();
    let mut y = area.y;
    let bottom = area.bottom();
    if !pool.models.is_empty() && y < bottom {
        let mut x = canvas.put(area.x, y, "members ", roles.quiet, end);
        for (i, model) in pool.models.iter().enumerate() {
            if i > 0 {
                x = canvas.put(x, y, ", ", roles.quiet, end);
            }
            x = canvas.put_cut(x, y, model.as_str(), roles.text, end);
        }
        y += 1;
    }
    let own = shown
        .profile
        .board
        .pools()
        .iter()
        .any(|p| p.key == pool.key);
    if !own && y < bottom {
        let organization = pool.key.organization.as_ref().map_or("?", |o| o.as_str());
        let text = format!("seen in passing traffic of organization {organization}");
        canvas.put(area.x, y, &text, roles.hint, end);
        y += 1;
    }
    if y >= bottom {
        return;
    }
    let headers: Vec<(&str, &str, bool)> = Headroom::headers(pool).collect();
    if headers.is_empty() {
        let text = words::bare(pool).unwrap_or_else(|| "no header seen yet".to_owned());
        let rows = (y..bottom).zip(wrap(&text, usize::from(area.width)));
        for (row, line) in rows {
            canvas.put(area.x, row, line, roles.quiet, end);
        }
        return;
    }
    let head = if area.width < 50 {
        "headers of the last response"
    } else {
        "headers of the last response, as they came"
    };
    canvas.put(area.x, y, head, roles.quiet, end);
    y += 1;
    let visible = usize::from(bottom.saturating_sub(y));
    let line = app.headroom().detail.unwrap_or(0).min(headers.len() - 1);
    let first = crate::app::layout::scroll(0, line, visible, headers.len());
    let widest = headers
        .iter()
        .map(|(name, ..)| name.len())
        .max()
        .unwrap_or(0);
    let column = (widest as u16 + 2).min(area.width / 2 + 8);
    for (i, (name, value, known)) in headers.iter().enumerate().skip(first).take(visible) {
        let selected = i == line;
        if selected {
            canvas.mark(Rect {
                y,
                height: 1,
                ..area
            });
        }
        let style = if *known { roles.quiet } else { roles.hint };
        canvas.put_cut(area.x + 2, y, name, style, area.x + 1 + column);
        let x = canvas.put_cut(area.x + 2 + column, y, value, roles.text, end);
        if !known {
            canvas.put(x + 2, y, "not understood", roles.hint, end);
        }
        y += 1;
    }
}
