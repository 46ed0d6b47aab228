//! One pool as one row: its name, its gauges as wide as there is room, and where they come from.
//!
//! To add a width: a `Kind`, and its cells in a file beside this one.

mod folded;
mod heads;
mod listed;
mod pick;
mod wide;

use super::{Columns, Kind, LEFT_OF};
use crate::{
    app::{Shown, event::Thresholds},
    domain::{
        board::Pool,
        gauge::{GaugeState, GaugeView},
    },
    ui::{canvas::Canvas, widgets::Tone, words},
};
pub(super) use pick::is_marked;
use ratatui::layout::Rect;

/// The table of pools at one moment.
pub(super) struct Table<'a> {
    /// What is shown.
    pub(super) shown: &'a Shown<'a>,
    /// When a level is tight.
    pub(super) thresholds: Thresholds,
    /// Where its columns are.
    pub(super) columns: Columns,
}

/// What is special about a row.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Whether it is the selected one.
    pub(super) selected: bool,
    /// Whether its pool belongs to another organization or workspace.
    pub(super) foreign: bool,
}

impl Table<'_> {
    /// Draws one pool.
    pub(super) fn row(&self, canvas: &mut Canvas<'_>, y: u16, pool: &Pool, place: Place) {
        let Place { selected, foreign } = place;
        let roles = *canvas.roles();
        let Columns {
            left,
            right,
            name,
            kind,
        } = self.columns;
        let at = self.shown.at;
        if selected {
            let line = Rect {
                x: left,
                y,
                width: right - left,
                height: 1,
            };
            canvas.tint(line, roles.select);
            let x = left + u16::from(!matches!(kind, Kind::List(_)));
            canvas.put(x, y, "▸", roles.accent, right);
        }
        let inset = if matches!(kind, Kind::List(_)) { 1 } else { 3 };
        let x = left + inset;
        let tightest = pool.tightest(at);
        let tightest = tightest.as_ref();
        // Pools that nothing live is known of step back behind those that move.
        let name_style = match (selected, tightest) {
            (true, _) => roles.accent,
            (false, Some(_)) => roles.text,
            (false, None) => roles.quiet,
        };
        let end = x + name - 1;
        let from = if foreign {
            canvas.put(x, y, "◇ ", roles.hint, end)
        } else {
            x
        };
        let short = words::short_name(&pool.name);
        let to = canvas.put_cut(from, y, short, name_style, end);
        if pool.guess && to + 1 < end {
            canvas.put(to + 1, y, "?", roles.hint, end);
        }
        let x = x + name;
        match kind {
            Kind::Wide(bar) => {
                self.three(canvas, (x, y), bar, pool);
                let x = x + 3 * (bar + LEFT_OF);
                self.tightest(canvas, (x, y), pool, tightest, right);
            }
            Kind::Folded(bar) => self.folded(canvas, (x, y), bar, pool, tightest),
            Kind::List(bar) => self.listed(canvas, (x, y), bar, pool, tightest),
        }
        if !matches!(kind, Kind::List(_)) {
            self.source(canvas, y, pool);
        }
    }

    /// The freshest gauge's state and age.
    fn source(&self, canvas: &mut Canvas<'_>, y: u16, pool: &Pool) {
        let roles = *canvas.roles();
        let Columns { left, right, .. } = self.columns;
        let at = self.shown.at;
        let freshest = pool
            .gauges
            .iter()
            .map(|gauge| gauge.view(at))
            .min_by(|a, b| a.age_s.unwrap_or(1e12).total_cmp(&b.age_s.unwrap_or(1e12)));
        let Some(view) = freshest else {
            canvas.put_right(left, y, "no data", roles.quiet, right.saturating_sub(1));
            return;
        };
        let limits_at = self.shown.profile.board.sources().limits_at;
        let text = words::source(&view, limits_at, at);
        let style = match view.state {
            GaugeState::Live => roles.good,
            GaugeState::Projected => roles.text,
            GaugeState::Stale => roles.stale,
            _ => roles.quiet,
        };
        canvas.put_right(left, y, &text, style, right.saturating_sub(1));
    }

    /// ` 3.10M/5M`: what is left right-aligned, then the limit.
    fn numbers(&self, canvas: &mut Canvas<'_>, (x, y): (u16, u16), view: &GaugeView) -> u16 {
        let roles = *canvas.roles();
        let (left, limit) = words::left_of(view);
        let style = match (view.state, Tone::of_view(view, self.thresholds)) {
            (GaugeState::Live | GaugeState::Projected, Some(tone)) => tone.number(canvas.look),
            (GaugeState::Stale, _) => roles.stale,
            _ => roles.quiet,
        };
        canvas.put_right(x, y, &left, style, x + 7);
        canvas.put(x + 7, y, &limit, roles.quiet, x + LEFT_OF)
    }

    /// What nobody may overlook of a pool: that no money is left for it, that it is empty.
    fn alarm(&self, pool: &Pool, view: &GaugeView) -> Option<&'static str> {
        let spent = self.shown.profile.spent();
        let of = spent.and_then(|refusal| refusal.verdict.model.as_ref());
        if of.is_some_and(|model| pool.models.contains(model)) {
            return Some("SPENT");
        }
        words::alarm(view)
    }

    /// What a narrow row says behind its number: that the pool is empty, else how its level moves. Whether
    /// there was anything to say.
    fn remark(
        &self,
        canvas: &mut Canvas<'_>,
        (x, y): (u16, u16),
        pool: &Pool,
        view: &GaugeView,
        end: u16,
    ) -> bool {
        let roles = *canvas.roles();
        if let Some(alarm) = self.alarm(pool, view) {
            canvas.put(x, y, alarm, roles.empty, end);
        } else if let Some((up, trend)) = words::trend(view, self.shown.at) {
            let tone = Tone::of_view(view, self.thresholds).unwrap_or(Tone::Calm);
            let style = if up {
                roles.quiet
            } else {
                tone.style(canvas.look)
            };
            canvas.put(x, y, &trend, style, end);
        } else {
            return false;
        }
        true
    }

    /// Where no level is known: what is known instead. That is our own burn where answers carry no
    /// headers.
    fn unknown(&self, canvas: &mut Canvas<'_>, (x, y): (u16, u16), pool: &Pool, end: u16) {
        let roles = *canvas.roles();
        let at = self.shown.at;
        let stale = pool
            .gauges
            .iter()
            .any(|gauge| gauge.view(at).state == GaugeState::Stale);
        match pool.burns_first(at).filter(|_| !stale) {
            Some((_, gauge, view)) => {
                let x = canvas.put(x, y, &words::short(gauge), roles.text, end);
                let x = canvas.put(x, y, " you ", roles.quiet, end);
                canvas.put(x, y, &words::own_burn(&view), roles.mine, end);
            }
            None if stale => {
                canvas.put(x, y, "headers too old", roles.quiet, end);
            }
            None => {
                canvas.put(x, y, "no live data", roles.quiet, end);
            }
        }
    }
}
