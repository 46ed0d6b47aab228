//! How far a chart looks back, and the axis that says so.

use crate::{
    domain::{board::Pool, time::Time},
    ui::canvas::Canvas,
};
use ratatui::layout::Rect;

/// Spans that a chart may look back, seconds, each with its words and those of its middle.
const SPANS: &[Span] = &[
    Span::new(30.0, "30 s ago ", " 15 s "),
    Span::new(60.0, "1 min ago ", " 30 s "),
    Span::new(120.0, "2 min ago ", " 1 min "),
    Span::new(300.0, "5 min ago ", " 2.5 min "),
    Span::new(600.0, "10 min ago ", " 5 min "),
];

/// How far a chart looks back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::ui) struct Span {
    /// Seconds.
    pub(in crate::ui) s: f64,
    far: &'static str,
    middle: &'static str,
}

impl Span {
    const fn new(s: f64, far: &'static str, middle: &'static str) -> Self {
        Self { s, far, middle }
    }

    /// The smallest span that holds everything known of a pool, so that a fresh start shows a curve at
    /// once; all gauges of a pool share it.
    pub(in crate::ui) fn of(pool: &Pool, now: Time) -> Self {
        let oldest = pool
            .gauges
            .iter()
            .filter_map(|gauge| gauge.series_age_s(now))
            .reduce(f64::max);
        let longest = SPANS[SPANS.len() - 1];
        let Some(oldest) = oldest else { return longest };
        let fits = SPANS.iter().find(|span| span.s >= oldest);
        fits.copied().unwrap_or(longest)
    }
}

/// `10 min ago ──────── 5 min ──────── now`
pub(in crate::ui) fn time_axis(canvas: &mut Canvas<'_>, span: Span, area: Rect) {
    let roles = *canvas.roles();
    canvas.repeat(area.x, area.y, "─", area.width, roles.border);
    canvas.put(area.x, area.y, span.far, roles.quiet, area.right());
    if area.width > 36 {
        let middle = area.x + (area.width - span.middle.len() as u16) / 2;
        canvas.put(middle, area.y, span.middle, roles.quiet, area.right());
    }
    canvas.put_right(area.x, area.y, " now", roles.quiet, area.right());
}
