//! One pool as one row, in the three widths.

use super::{Columns, Kind, LABEL, LEFT_OF};
use crate::{
    app::{Shown, event::Thresholds},
    domain::{
        board::Pool,
        clean::clean,
        gauge::{Gauge, GaugeState, GaugeView},
        limit::{Dimension, Family},
        org::GroupKind,
        time::Time,
    },
    ui::{
        canvas::Canvas,
        format,
        widgets::{Tone, bar},
        words,
    },
};
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
    /// Draws the column heads.
    pub(super) fn head(&self, canvas: &mut Canvas<'_>, y: u16, marked: bool) {
        let quiet = canvas.roles().quiet;
        let Columns {
            left,
            right,
            name,
            kind,
        } = self.columns;
        canvas.put(left + 3, y, "pool", quiet, right);
        let x = left + 3 + name;
        match kind {
            Kind::Wide(bar) => {
                let step = bar + LEFT_OF;
                canvas.put(x, y, "RPM", quiet, right);
                let end = canvas.put(x + step, y, "ITPM uncached", quiet, right);
                if marked {
                    let end = canvas.put(end, y, " ", quiet, right);
                    let hint = canvas.roles().hint;
                    let end = canvas.put(end, y, COUNTS_READS, hint, right);
                    canvas.put(end, y, " all", quiet, x + 2 * step);
                }
                canvas.put(x + 2 * step, y, "OTPM", quiet, right);
                canvas.put(x + 3 * step, y, "tightest", quiet, right);
            }
            Kind::Folded(bar) => {
                canvas.put(x, y, "tightest", quiet, right);
                let x = x + LABEL + bar + LEFT_OF + 8;
                canvas.put(x, y, " RPM ITPM OTPM", quiet, right);
            }
            Kind::List(_) => {}
        }
        if !matches!(kind, Kind::List(_)) {
            canvas.put_right(left, y, "source", quiet, right.saturating_sub(1));
        }
    }

    /// Draws the heading over the pools of another board; `pool` is the first of them.
    pub(super) fn elsewhere(&self, canvas: &mut Canvas<'_>, y: u16, pool: &Pool) {
        let roles = *canvas.roles();
        let Columns {
            left, right, kind, ..
        } = self.columns;
        let home = self.shown.profile.board.seen_as();
        let whose = match (&pool.key.organization, &pool.key.workspace) {
            (organization, Some(workspace)) if organization.as_ref() == home => {
                format!("workspace {workspace}")
            }
            (Some(organization), _) => format!("organization {organization}"),
            (None, _) => "another organization".to_owned(),
        };
        let list = matches!(kind, Kind::List(_));
        let x = left + if list { 1 } else { 3 };
        let end = right.saturating_sub(u16::from(!list));
        let x = canvas.put(x, y, "◇ ", roles.hint, end);
        let x = canvas.put_cut(x, y, &clean(&whose, 60), roles.title, end);
        canvas.put_cut(x, y, ", seen in passing traffic", roles.quiet, end);
    }

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

    /// The three gauges beside each other, each with its bar of `width` cells and its numbers.
    fn three(&self, canvas: &mut Canvas<'_>, (x, y): (u16, u16), width: u16, pool: &Pool) {
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

    /// `OTPM 21% ▼1m40s EMPTY`
    fn tightest(
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
        if let Some(alarm) = words::alarm(view) {
            canvas.put(x + 17, y, alarm, roles.empty, end);
        }
    }

    fn unknown(&self, canvas: &mut Canvas<'_>, (x, y): (u16, u16), pool: &Pool, end: u16) {
        let quiet = canvas.roles().quiet;
        let stale = pool
            .gauges
            .iter()
            .any(|gauge| gauge.view(self.shown.at).state == GaugeState::Stale);
        let text = if stale {
            "headers too old"
        } else {
            "no live data"
        };
        canvas.put(x, y, text, quiet, end);
    }

    fn folded(
        &self,
        canvas: &mut Canvas<'_>,
        (x, y): (u16, u16),
        width: u16,
        pool: &Pool,
        tightest: Option<&(&Gauge, GaugeView)>,
    ) {
        let roles = *canvas.roles();
        let at = self.shown.at;
        let first = pool.gauges.first().map(|gauge| (gauge, gauge.view(at)));
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
            if let Some(alarm) = words::alarm(view) {
                canvas.put(x, y, alarm, roles.empty, x + 7);
            } else if let Some((up, trend)) = words::trend(view, at) {
                let style = if up {
                    roles.quiet
                } else {
                    tone.style(canvas.look)
                };
                canvas.put(x, y, &trend, style, x + 8);
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

    fn listed(
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
        let roles = *canvas.roles();
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
        if let Some(alarm) = words::alarm(view) {
            canvas.put(x + 6, y, alarm, roles.empty, right);
        } else if let Some((up, trend)) = words::trend(view, self.shown.at) {
            let style = if up {
                roles.quiet
            } else {
                tone.style(canvas.look)
            };
            canvas.put(x + 6, y, &trend, style, right);
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
}

/// The mark of an input gauge that counts cache reads too, in the column of those that do not.
pub(super) const COUNTS_READS: &str = "*";

/// Whether the mark stands on a pool's line.
pub(super) fn is_marked(pool: &Pool, now: Time) -> bool {
    let [_, input, _] = columns_of(pool, now);
    input.is_some_and(|gauge| gauge.dimension == Dimension::ItpmAll)
}

fn of(pool: &Pool, dimension: Dimension) -> Option<&Gauge> {
    pool.gauges
        .iter()
        .find(|gauge| gauge.dimension == dimension && gauge.family == Family::Standard)
}

/// The gauges of the three columns. For model groups RPM, ITPM and OTPM; of two input limiters the
/// tighter. Other pools fill the columns from the left.
fn columns_of(pool: &Pool, now: Time) -> [Option<&Gauge>; 3] {
    if pool.kind != GroupKind::ModelGroup {
        let mut gauges = pool.gauges.iter();
        return [gauges.next(), gauges.next(), gauges.next()];
    }
    let input = match (of(pool, Dimension::Itpm), of(pool, Dimension::ItpmAll)) {
        (Some(plain), Some(all)) => {
            let left = |gauge: &Gauge| gauge.view(now).percent_left();
            let tighter = left(all).is_some_and(|all| left(plain).is_none_or(|plain| all < plain));
            Some(if tighter { all } else { plain })
        }
        (plain, all) => plain.or(all),
    };
    let combined = || {
        pool.gauges
            .iter()
            .find(|gauge| gauge.dimension == Dimension::Combined)
    };
    [
        of(pool, Dimension::Rpm),
        input.or_else(combined),
        of(pool, Dimension::Otpm),
    ]
}
