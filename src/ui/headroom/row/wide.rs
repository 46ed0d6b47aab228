//! The gauges of a wide row: three bars beside each other, then the tightest in words.

use super::{
    Table,
    pick::{COUNTS_READS, columns_of},
};
use crate::{
    domain::{
        board::Pool,
        gauge::{Gauge, GaugeView},
        limit::Dimension,
        org::GroupKind,
    },
    ui::{
        canvas::Canvas,
        format,
        headroom::LEFT_OF,
        widgets::{Tone, bar},
        words,
    },
};

impl Table<'_> {
    /// The three gauges beside each other, each with its bar of `width` cells and its numbers.
    pub(super) fn three(
        &self,
        canvas: &mut Canvas<'_>,
        (x, y): (u16, u16),
        width: u16,
        pool: &Pool,
    ) {
        let roles = *canvas.roles();
        let at = self.shown.at;
        let models = pool.kind == GroupKind::ModelGroup;
        let gauges = columns_of(pool, at);
        for (i, gauge) in gauges.iter().enumerate() {
            let x = x + (width + LEFT_OF) * i as u16;
            let Some(gauge) = gauge else {
                if models {
                    canvas.repeat(x, y, "─", width, roles.border);
                    canvas.put_right(x, y, "?", roles.quiet, x + width + 7);
                }
                continue;
            };
            let view = gauge.view(at);
            bar::draw(canvas, (x, y), width, &view, self.thresholds);
            if models && i == 1 && gauge.dimension == Dimension::ItpmAll {
                canvas.put(x + width, y, COUNTS_READS, roles.hint, x + width + 1);
            }
            let x = self.numbers(canvas, (x + width, y), &view);
            let alone = gauges.get(i + 1).is_none_or(Option::is_none);
            if gauge.dimension == Dimension::Window || (!models && alone) {
                canvas.put(x + 1, y, &words::label(gauge), roles.quiet, x + 10);
            }
        }
    }

    /// `OTPM 21% ▼1m40s EMPTY`
    pub(super) fn tightest(
        &self,
        canvas: &mut Canvas<'_>,
        (x, y): (u16, u16),
        pool: &Pool,
        tightest: Option<&(&Gauge, GaugeView)>,
        end: u16,
    ) {
        let roles = *canvas.roles();
        let Some((gauge, view)) = tightest else {
            self.unknown(canvas, (x, y), pool, end);
            return;
        };
        let tone = Tone::of_view(view, self.thresholds).unwrap_or(Tone::Calm);
        let style = tone.number(canvas.look);
        canvas.put(x, y, &words::short(gauge), style, x + 5);
        let percent = view.percent_left().map(format::percent).unwrap_or_default();
        canvas.put_right(x + 4, y, &percent, style, x + 9);
        if let Some((up, trend)) = words::trend(view, self.shown.at) {
            let style = if up {
                roles.quiet
            } else {
                tone.style(canvas.look)
            };
            canvas.put(x + 10, y, &trend, style, x + 17);
        }
        if let Some(alarm) = self.alarm(pool, view) {
            canvas.put(x + 17, y, alarm, roles.empty, end);
        }
    }
}
