//! The cards beneath the pools: the selected gauge with its burn and forecast, the newest refusal,
//! and the newest events where there is room.
//!
//! To add a card: a function that draws into a `Rect`, a place for it in [`draw`].

mod happened;
mod refusal;
mod span;

pub(super) use span::{Span, time_axis};

use super::{
    canvas::Canvas,
    events::wrap,
    format,
    widgets::{Tone, chart},
    words,
};
use crate::{
    app::{App, Shown},
    domain::{
        board::Pool,
        gauge::{Gauge, GaugeView},
        org::GroupKind,
        timeline::Timeline,
        usage::Usage,
    },
};
use ratatui::layout::Rect;

/// Least rows of the refusal's card with its border, and of the events beneath it.
const REFUSAL_ROWS: u16 = 9;
const EVENTS_ROWS: u16 = 6;

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
        nothing_read(pool, canvas, inner);
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
    if pool
        .gauges
        .iter()
        .all(|gauge| gauge.series_age_s(shown.at).is_none())
    {
        nothing_read(pool, canvas, area);
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
fn nothing_read(pool: &Pool, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let ways: &[(&str, &str)] = if pool.kind == GroupKind::ModelGroup {
        &[
            ("p", "probes it: one token, its headers tell"),
            ("t", "makes a test call"),
        ]
    } else {
        &[]
    };
    let end = area.right();
    let text = "No header of this pool was seen yet.";
    let mut lines = (area.y..area.bottom()).zip(wrap(text, usize::from(area.width)));
    let mut y = area.y;
    for (row, line) in &mut lines {
        canvas.put(area.x, row, line, roles.quiet, end);
        y = row + 1;
    }
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
        let text = cache(pool, &shown.profile.timeline, area.width < 50);
        canvas.put_cut(area.x, y + 2, &text, roles.text, end);
    }
}

/// `burn 612k/min: you 380k, others 232k (38%)`; where that is too wide, less of it, never half a number.
pub(super) fn burn(view: &GaugeView, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let Some(all) = view.burn_per_min else {
        canvas.put(
            area.x,
            area.y,
            "burn not known yet",
            roles.quiet,
            area.right(),
        );
        return;
    };
    let own = view.own_burn_per_min.unwrap_or(0.0);
    let own = format::count(own.max(0.0) as u64);
    let (others, share) = match view.others_burn_per_min {
        Some(others) => (
            format::count(others.max(0.0) as u64),
            words::others_share(view).map(|share| format!(" ({})", format::percent(share))),
        ),
        None => ("unresolved".to_owned(), None),
    };
    let others_style = if view.others_burn_per_min.is_some() {
        roles.others
    } else {
        roles.quiet
    };
    // In the order of reading; the second number says what goes first when there is no room.
    let parts = [
        ("burn ", roles.quiet, 3),
        (&*format::per_minute(all), roles.strong, 0),
        (": you ", roles.quiet, 2),
        (&*own, roles.mine, 2),
        (", others ", roles.quiet, 1),
        (&*others, others_style, 1),
        (share.as_deref().unwrap_or_default(), roles.others, 4),
    ];
    let width = |most: u8| -> usize {
        let kept = parts.iter().filter(|(.., rank)| *rank <= most);
        kept.map(|(text, ..)| text.len()).sum()
    };
    let room = usize::from(area.width);
    let most = (0..=4).rev().find(|most| width(*most) <= room);
    let most = most.unwrap_or(0);
    let mut x = area.x;
    for (text, style, rank) in parts {
        if rank <= most {
            x = canvas.put(x, area.y, text, style, area.right());
        }
    }
}

/// What the cache does for the pool, over the newest calls: it multiplies ITPM, since what it serves
/// does not count there.
fn cache(pool: &Pool, timeline: &Timeline, brief: bool) -> String {
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
        "the cache serves no input".to_owned()
    } else {
        let times = all as f64 / total.counted_input().max(1) as f64;
        if brief {
            return format!(
                "cache {}: ITPM goes {times:.1}× as far",
                format::percent(share)
            );
        }
        format!(
            "cache serves {} of the input: ITPM goes {times:.1}× as far",
            format::percent(share)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::gauge::GaugeState;
    use crate::ui::theme::{Depth, Look, Theme};
    use crate::ui::widgets::bar::tests::view;
    use ratatui::buffer::Buffer;

    #[test]
    fn a_burn_line_is_shortened_but_no_number_is_cut() {
        let mut view = view(GaugeState::Live, 1, 2, 3, 1_000_000);
        view.burn_per_min = Some(1_040_000.0);
        view.own_burn_per_min = Some(42_000.0);
        view.others_burn_per_min = Some(998_000.0);
        let look = Look::new(&Theme::default(), Depth::None, false);
        let drawn = |width: u16| {
            let mut buf = Buffer::empty(Rect::new(0, 0, width, 1));
            let area = buf.area;
            let mut canvas = Canvas {
                buf: &mut buf,
                look: &look,
            };
            burn(&view, &mut canvas, area);
            let line: String = buf
                .content
                .iter()
                .map(ratatui::buffer::Cell::symbol)
                .collect();
            line.trim_end().to_owned()
        };
        assert_eq!(drawn(60), "burn 1.04M/min: you 42k, others 998k (96%)");
        assert_eq!(drawn(41), "burn 1.04M/min: you 42k, others 998k");
        assert_eq!(drawn(35), "1.04M/min: you 42k, others 998k");
        assert_eq!(drawn(30), "1.04M/min, others 998k");
        assert_eq!(drawn(21), "1.04M/min");
    }
}
