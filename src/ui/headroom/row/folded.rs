//! The gauges of a row of middling width: the bar of the tightest, then the three in percent.

use super::{Table, pick::columns_of};
use crate::{
    domain::{
        board::Pool,
        gauge::{Gauge, GaugeState, GaugeView},
    },
    ui::{
        canvas::Canvas,
        format,
        headroom::{LABEL, LEFT_OF},
        widgets::{Tone, bar},
        words,
    },
};

impl Table<'_> {
    pub(super) fn folded(
        &self,
        canvas: &mut Canvas<'_>,
        (x, y): (u16, u16),
        width: u16,
        pool: &Pool,
        tightest: Option<&(&Gauge, GaugeView)>,
    ) {
        let roles = *canvas.roles();
        let at = self.shown.at;
        let burns_first = pool.burns_first(at).map(|(_, gauge, view)| (gauge, view));
        let first =
            burns_first.or_else(|| pool.gauges.first().map(|gauge| (gauge, gauge.view(at))));
        if let Some((gauge, view)) = tightest.or(first.as_ref()) {
            let tone = Tone::of_view(view, self.thresholds).unwrap_or(Tone::Calm);
            let label = if tightest.is_some() {
                tone.number(canvas.look)
            } else {
                roles.quiet
            };
            canvas.put(x, y, &words::short(gauge), label, x + LABEL);
            bar::draw(canvas, (x + LABEL, y), width, view, self.thresholds);
            self.numbers(canvas, (x + LABEL + width, y), view);
            let x = x + LABEL + width + LEFT_OF;
            let moves = self.remark(canvas, (x, y), pool, view, x + 8);
            let burns = view.own_burn_per_min.is_some_and(|own| own > 0.0);
            if !moves && tightest.is_none() && burns {
                canvas.put(x, y, &words::own_burn(view), roles.mine, x + 8);
            }
        } else {
            self.unknown(canvas, (x, y), pool, self.columns.right);
        }
        let x = x + LABEL + width + LEFT_OF + 8;
        for (i, gauge) in columns_of(pool, at).into_iter().enumerate() {
            let Some(gauge) = gauge else { continue };
            let view = gauge.view(at);
            let end = x + 4 + 5 * i as u16;
            match (view.state, view.percent_left()) {
                (GaugeState::Live | GaugeState::Projected, Some(left)) => {
                    let style = Tone::of(left, self.thresholds).number(canvas.look);
                    canvas.put_right(x, y, &format::percent(left), style, end);
                }
                _ => canvas.put_right(x, y, "?", roles.quiet, end),
            }
        }
    }
}
