//! The cards beneath the pools: the selected gauge with its burn and forecast, the newest refusal,
//! and the newest events where there is room.
//!
//! To add a card: a function that draws into a `Rect`, a place for it in [`draw`].

mod refusal;

use super::{
    canvas::Canvas,
    format,
    widgets::{Tone, chart},
    words,
};
use crate::{
    app::{App, Shown},
    domain::{
        board::Pool,
        gauge::{Gauge, GaugeView},
        notice::Weight,
        timeline::Timeline,
        usage::Usage,
    },
};
use ratatui::layout::Rect;

/// Seconds that the charts look back.
pub(super) const SPAN_S: f64 = 600.0;
/// Rows of the refusal's card with its border.
const REFUSAL_ROWS: u16 = 9;

/// Draws the cards of the selected pool.
pub(super) fn draw(app: &App, shown: &Shown<'_>, pool: &Pool, canvas: &mut Canvas<'_>, area: Rect) {
    let left = Rect {
        width: area.width.div_ceil(2),
        ..area
    };
    let right = Rect {
        x: left.right(),
        width: area.width - left.width,
        ..area
    };
    pool_card(app, shown, pool, canvas, left);
    let spare = right.height.saturating_sub(REFUSAL_ROWS);
    if spare >= 4 {
        let top = Rect {
            height: REFUSAL_ROWS,
            ..right
        };
        refusal::draw(shown, canvas, top);
        let rest = Rect {
            y: top.bottom(),
            height: spare,
            ..right
        };
        events_card(shown, canvas, rest);
    } else {
        refusal::draw(shown, canvas, right);
    }
}

fn pool_card(app: &App, shown: &Shown<'_>, pool: &Pool, canvas: &mut Canvas<'_>, area: Rect) {
    let Some((gauge, view)) = app.headroom().gauge_of(pool, shown.at) else {
        canvas.boxed(area, &pool.name);
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
    said(shown, pool, &view, canvas, below);
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
        one_series(shown, gauge, std::ptr::eq(*gauge, chosen), canvas, line);
        y += share;
    }
    if axis == 1 {
        time_axis(
            canvas,
            Rect {
                y,
                height: 1,
                x: area.x + LABELS,
                width: area.width.saturating_sub(LABELS),
            },
        );
    }
}

/// Columns of the labels beside a chart.
const LABELS: u16 = 7;

fn one_series(shown: &Shown<'_>, gauge: &Gauge, chosen: bool, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let thresholds = shown.profile.card.thresholds;
    let label = if chosen { roles.accent } else { roles.quiet };
    let end = area.x + LABELS;
    canvas.put(area.x, area.y, &words::label(gauge), label, end);
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
    let series = gauge.series(shown.at, SPAN_S, usize::from(plot.width) * 2);
    chart::draw(canvas, plot, &series, thresholds);
}

/// `10 min ago ──────── 5 ──────── now`
pub(super) fn time_axis(canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    canvas.repeat(area.x, area.y, "─", area.width, roles.border);
    canvas.put(area.x, area.y, "10 min ago ", roles.quiet, area.right());
    if area.width > 36 {
        let middle = area.x + area.width / 2;
        canvas.put(middle - 4, area.y, " 5 min ", roles.quiet, area.right());
    }
    canvas.put_right(area.x, area.y, " now", roles.quiet, area.right());
}

/// Burn, cache, forecast: the most needed last line first when rows are few.
fn said(shown: &Shown<'_>, pool: &Pool, view: &GaugeView, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let end = area.right();
    let tone = Tone::of_view(view, shown.profile.card.thresholds).unwrap_or(Tone::Calm);
    let y = area.y;
    if area.height > 0 {
        burn(view, canvas, Rect { height: 1, ..area });
    }
    if area.height > 1 {
        let style = if view.empty_in_s.is_some() {
            tone.number(canvas.look)
        } else {
            roles.text
        };
        let text = words::forecast(view, shown.at, area.width < 50);
        canvas.put_cut(area.x, y + 1, &text, style, end);
    }
    if area.height > 2 {
        let text = cache(pool, &shown.profile.timeline);
        canvas.put_cut(area.x, y + 2, &text, roles.text, end);
    }
}

/// `burn 612k/min: you 380k, others 232k (38 %)`
pub(super) fn burn(view: &GaugeView, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let (y, end) = (area.y, area.right());
    let Some(all) = view.burn_per_min else {
        canvas.put(area.x, y, "burn not known yet", roles.quiet, end);
        return;
    };
    let mut x = canvas.put(area.x, y, "burn ", roles.quiet, end);
    x = canvas.put(x, y, &format::per_minute(all), roles.strong, end);
    x = canvas.put(x, y, ": you ", roles.quiet, end);
    let own = view.own_burn_per_min.unwrap_or(0.0);
    x = canvas.put(x, y, &format::count(own.max(0.0) as u64), roles.mine, end);
    x = canvas.put(x, y, ", others ", roles.quiet, end);
    match view.others_burn_per_min {
        Some(others) => {
            x = canvas.put(
                x,
                y,
                &format::count(others.max(0.0) as u64),
                roles.others,
                end,
            );
            if let Some(share) = words::others_share(view) {
                let share = format!(" ({})", format::percent(share));
                canvas.put(x, y, &share, roles.others, end);
            }
        }
        None => {
            canvas.put(x, y, "unresolved", roles.quiet, end);
        }
    }
}

/// What the cache does for the pool, over the newest calls: it multiplies ITPM, since what it serves
/// does not count there.
fn cache(pool: &Pool, timeline: &Timeline) -> String {
    let total = timeline
        .calls()
        .rev()
        .take(100)
        .filter(|call| pool.models.contains(&call.model))
        .filter_map(crate::domain::timeline::Call::usage)
        .fold(Usage::default(), |sum, usage| sum.plus(&usage));
    let all = total.all_input();
    if all == 0 {
        return "no usage seen on this pool yet".to_owned();
    }
    let share = total.cache_read_input_tokens as f64 / all as f64 * 100.0;
    if share < 1.0 {
        "the cache serves none of the input".to_owned()
    } else {
        let times = all as f64 / total.counted_input().max(1) as f64;
        format!(
            "the cache serves {} of the input: ITPM goes {times:.1} times as far",
            format::percent(share)
        )
    }
}

fn events_card(shown: &Shown<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let inner = pad(canvas.boxed(area, "Newest events"));
    if shown.ring.total() == 0 {
        canvas.put(inner.x, inner.y, "none yet", roles.quiet, inner.right());
        return;
    }
    let rows = usize::from(inner.height);
    for (i, notice) in shown.ring.iter().rev().take(rows).enumerate() {
        let y = inner.y + i as u16;
        let clock = format::clock(notice.at, shown.offset_s);
        let x = canvas.put(inner.x, y, &clock, roles.quiet, inner.right());
        let style = match notice.weight {
            Weight::Info => roles.text,
            Weight::Warning => roles.tight,
            Weight::Error => roles.bad,
        };
        canvas.put_cut(x + 1, y, &notice.sentence, style, inner.right());
    }
}
