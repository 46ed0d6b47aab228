//! The cards beneath the pools: the selected gauge with its burn and forecast, the newest refusal,
//! and the newest events where there is room.
//!
//! To add a card: a function that draws into a `Rect`, a place for it in [`draw`].

mod happened;
mod refusal;
mod said;
mod span;

pub(super) use said::burn;
pub(super) use span::{Span, time_axis};

use super::{
    canvas::{Canvas, halves},
    format,
    widgets::{Tone, chart},
    words,
};
use crate::domain::wrap::wrap;
use crate::{
    app::{App, Shown},
    domain::{board::Pool, gauge::Gauge, org::GroupKind},
};
use ratatui::layout::Rect;

/// Least rows of the refusal's card with its border, and of the events beneath it.
const REFUSAL_ROWS: u16 = 9;
const EVENTS_ROWS: u16 = 6;

/// Draws the cards of the selected pool.
pub(super) fn draw(app: &App, shown: &Shown<'_>, pool: &Pool, canvas: &mut Canvas<'_>, area: Rect) {
    let [left, right] = halves(area);
    pool_card(app, shown, pool, canvas, left);
    let wanted = right.height.saturating_sub(EVENTS_ROWS);
    // Of tall cards three fifths: evidence is longer than events, and the border does not move with it.
    let most = (REFUSAL_ROWS + 3).max(right.height * 3 / 5);
    let height = wanted.clamp(REFUSAL_ROWS, most);
    let spare = right.height.saturating_sub(height);
    if spare >= 4 {
        let top = Rect { height, ..right };
        refusal::draw(shown, canvas, top);
        let rest = Rect {
            y: top.bottom(),
            height: spare,
            ..right
        };
        happened::draw(shown, canvas, rest);
    } else {
        refusal::draw(shown, canvas, right);
    }
}

fn pool_card(app: &App, shown: &Shown<'_>, pool: &Pool, canvas: &mut Canvas<'_>, area: Rect) {
    let Some((gauge, view)) = app.headroom().gauge_of(pool, shown.at) else {
        let inner = pad(canvas.boxed(area, &pool.name));
        nothing_read(shown, pool, canvas, inner);
        return;
    };
    let inner = canvas.boxed(area, &format!("{} · {}", pool.name, words::label(gauge)));
    let inner = pad(inner);
    let text_rows = 3.min(inner.height.saturating_sub(1));
    let charts = Rect {
        height: inner.height - text_rows,
        ..inner
    };
    series(shown, pool, gauge, canvas, charts);
    let y = charts.bottom();
    let below = Rect {
        y,
        height: text_rows,
        ..inner
    };
    said::draw(shown, pool, (gauge, &view), canvas, below);
}

/// One column of air on both sides.
pub(super) fn pad(inner: Rect) -> Rect {
    Rect {
        x: inner.x + 1,
        width: inner.width.saturating_sub(2),
        ..inner
    }
}

/// The series of the chosen gauge, and of its neighbours where there is room, over one time axis.
fn series(shown: &Shown<'_>, pool: &Pool, chosen: &Gauge, canvas: &mut Canvas<'_>, area: Rect) {
    if pool
        .gauges
        .iter()
        .all(|gauge| gauge.series_age_s(shown.at).is_none())
    {
        nothing_read(shown, pool, canvas, area);
        return;
    }
    let span = Span::of(pool, shown.at);
    let axis = u16::from(area.height >= 4);
    let rows = area.height - axis;
    let many = rows / 3;
    let mut gauges: Vec<&Gauge> = vec![chosen];
    if many >= 2 {
        gauges = pool.gauges.iter().take(usize::from(many.min(4))).collect();
        if !gauges.iter().any(|gauge| std::ptr::eq(*gauge, chosen)) {
            gauges.pop();
            gauges.push(chosen);
        }
    }
    let len = (gauges.len() as u16).max(1);
    let mut y = area.y;
    for (i, gauge) in gauges.iter().enumerate() {
        // Rows that do not divide evenly go to the first charts.
        let share = rows / len + u16::from((i as u16) < rows % len);
        let line = Rect {
            y,
            height: share,
            ..area
        };
        let chosen = std::ptr::eq(*gauge, chosen);
        one_series(shown, gauge, (chosen, span), canvas, line);
        y += share;
    }
    if axis == 1 {
        time_axis(
            canvas,
            span,
            Rect {
                y,
                height: 1,
                x: area.x + LABELS,
                width: area.width.saturating_sub(LABELS),
            },
        );
    }
}

/// What would fill the charts of a pool.
fn nothing_read(shown: &Shown<'_>, pool: &Pool, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let end = area.right();
    let bare = words::bare(pool);
    let text = bare
        .as_deref()
        .unwrap_or("No header of this pool was seen yet.");
    let mut y = area.y;
    for line in wrap(text, usize::from(area.width)) {
        if y < area.bottom() {
            canvas.put(area.x, y, line, roles.quiet, end);
            y += 1;
        }
    }
    if bare.is_some() {
        let rows = y + 1..area.bottom();
        said::own_burns(pool, shown.at, canvas, (area.x, end), rows);
        return;
    }
    let card = &shown.profile.card;
    if card.only_hears() {
        let text = "Traffic of it that passes the tap fills its gauges.";
        for line in wrap(text, usize::from(area.width)) {
            if y < area.bottom() {
                canvas.put(area.x, y, line, roles.quiet, end);
                y += 1;
            }
        }
        return;
    }
    let ways: &[(&str, &str)] = if card.can_call && pool.kind == GroupKind::ModelGroup {
        &[
            ("p", "probes it, for one token"),
            ("t", "makes a test call"),
        ]
    } else {
        &[]
    };
    for (row, (key, what)) in (y..area.bottom()).zip(ways) {
        canvas.put(area.x, row, key, roles.key, end);
        canvas.put_cut(area.x + 2, row, what, roles.quiet, end);
    }
}

/// Columns of the labels beside a chart.
const LABELS: u16 = 7;

fn one_series(
    shown: &Shown<'_>,
    gauge: &Gauge,
    (chosen, span): (bool, Span),
    canvas: &mut Canvas<'_>,
    area: Rect,
) {
    let roles = *canvas.roles();
    let thresholds = shown.profile.card.thresholds;
    let label = if chosen { roles.accent } else { roles.quiet };
    let end = area.x + LABELS;
    let name = words::label(gauge);
    let name = if name.len() < usize::from(LABELS) {
        name
    } else {
        words::short(gauge)
    };
    canvas.put(area.x, area.y, &name, label, end);
    let view = gauge.view(shown.at);
    if area.height > 1 {
        let (text, style) = match (view.percent_left(), Tone::of_view(&view, thresholds)) {
            (Some(left), Some(tone)) => (format::percent(left), tone.number(canvas.look)),
            _ => ("?".to_owned(), roles.quiet),
        };
        canvas.put(area.x, area.y + 1, &text, style, end);
    }
    let air = u16::from(area.height > 3);
    let plot = Rect {
        x: end,
        width: area.width.saturating_sub(LABELS),
        height: area.height - air,
        ..area
    };
    let series = gauge.series(shown.at, span.s, usize::from(plot.width) * 2);
    chart::draw(canvas, plot, &series, thresholds);
}
