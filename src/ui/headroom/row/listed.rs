//! The gauge of a line of the list: the tightest, with a short bar where it fits.

use super::Table;
use crate::{
    domain::{
        board::Pool,
        gauge::{Gauge, GaugeView},
    },
    ui::{
        canvas::Canvas,
        format,
        headroom::LABEL,
        widgets::{Tone, bar},
        words,
    },
};

impl Table<'_> {
    pub(super) fn listed(
        &self,
        canvas: &mut Canvas<'_>,
        (x, y): (u16, u16),
        width: u16,
        pool: &Pool,
        tightest: Option<&(&Gauge, GaugeView)>,
    ) {
        let right = self.columns.right;
        let Some((gauge, view)) = tightest else {
            self.unknown(canvas, (x, y), pool, right);
            return;
        };
        let tone = Tone::of_view(view, self.thresholds).unwrap_or(Tone::Calm);
        let style = tone.number(canvas.look);
        canvas.put(x, y, &words::short(gauge), style, (x + LABEL).min(right));
        let mut x = x + LABEL;
        if width >= 3 {
            bar::draw(
                canvas,
                (x, y),
                width.min(right.saturating_sub(x)),
                view,
                self.thresholds,
            );
            x += width;
        }
        let percent = view.percent_left().map(format::percent).unwrap_or_default();
        canvas.put_right(x, y, &percent, style, (x + 5).min(right));
        self.remark(canvas, (x + 6, y), pool, view, right);
    }
}
