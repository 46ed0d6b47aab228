//! Tab 1 on screen: the table of pools, and cards beneath it.
//!
//! ```text
//! 110 columns and more   pool │ RPM bar │ ITPM bar │ OTPM bar │ tightest │ source
//! 60 to 109              pool │ tightest bar │ RPM ITPM OTPM in percent │ source
//! less, or few rows      a list: pool, tightest limit, its bar
//! ```

use super::{
    canvas::Canvas,
    cards, detail, format,
    widgets::{Tone, bar},
    words,
};
use crate::{
    app::{App, Shown, event::Thresholds, layout},
    domain::{
        board::Pool,
        gauge::{Gauge, GaugeState, GaugeView},
        limit::{Dimension, Family},
        org::GroupKind,
    },
};
use ratatui::{layout::Rect, style::Style};

/// Draws tab 1.
pub(super) fn draw(app: &App, shown: &Shown<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    let state = app.headroom();
    let rows = state.rows(&shown.profile.board);
    let place = state.place(&rows);
    if state.detail.is_some()
        && let Some(pool) = rows.get(place)
    {
        detail::draw(app, shown, pool, canvas, area);
        return;
    }
    let size = (area.width, canvas.buf.area.height);
    let layout = layout::headroom(size, rows.len());
    let visible = usize::from(layout.visible);
    let first = layout::scroll(state.first, place, visible, rows.len());
    let table = Table {
        shown,
        thresholds: shown.profile.card.thresholds,
        columns: Columns::fit(area.width, layout.boxed),
        own: shown.profile.board.pools().len(),
    };
    if layout.boxed {
        let height = layout.visible + 3;
        let title = title(app, &rows, first, visible);
        let outer = Rect {
            height: height.min(area.height),
            ..area
        };
        canvas.boxed(outer, &title);
        table.head(canvas, outer.y + 1);
    }
    for (line, pool) in rows.iter().skip(first).take(visible).enumerate() {
        let y = layout.first + line as u16;
        table.row(canvas, y, pool, first + line == place);
    }
    if rows.is_empty() {
        nothing(app, shown, canvas, layout.first);
    }
    if let (Some(y), Some(pool)) = (layout.cards, rows.get(place)) {
        let height = layout.cards_rows;
        cards::draw(app, shown, pool, canvas, Rect { y, height, ..area });
    }
}

fn title(app: &App, rows: &[&Pool], first: usize, visible: usize) -> String {
    let mut title = "Pools".to_owned();
    if rows.len() > visible {
        let last = (first + visible).min(rows.len());
        title = format!("Pools {}–{last} of {}", first + 1, rows.len());
    }
    let filter = app.headroom().filter.trim();
    if !filter.is_empty() {
        title = format!("{title} · filter “{filter}”");
    }
    title
}

fn nothing(app: &App, shown: &Shown<'_>, canvas: &mut Canvas<'_>, y: u16) {
    let quiet = canvas.roles().quiet;
    let text = if !app.headroom().filter.trim().is_empty() {
        "No pool fits the filter; Esc clears it."
    } else if shown.profile.board.sources().limits.is_none() {
        "Waiting for the first answer …"
    } else {
        "No pool is known yet: t makes a test call, its headers fill the gauges."
    };
    let end = canvas.buf.area.right().saturating_sub(1);
    canvas.put(3, y, text, quiet, end);
}

/// Which columns there are and how wide.
#[derive(Clone, Copy)]
struct Columns {
    left: u16,
    right: u16,
    name: u16,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    /// Three gauges, each with its bar of that many cells.
    Wide(u16),
    /// The tightest with a bar of that many cells, the three in percent.
    Folded(u16),
    /// The tightest; a bar of that many cells, none when there is no room.
    List(u16),
}

/// ` 3.10M` and `/58.27k` after a bar.
const LEFT_OF: u16 = 13;
/// `OTPM 21% ▼1m40s EMPTY`
const TIGHTEST: u16 = 23;
/// `live 12s`
const SOURCE: u16 = 9;

impl Columns {
    fn fit(width: u16, boxed: bool) -> Self {
        let edge = u16::from(boxed);
        let (left, right) = (edge, width.saturating_sub(edge));
        let inner = right.saturating_sub(left);
        if boxed && width >= 110 {
            let name = 14 + (inner.saturating_sub(118) / 8).min(12);
            let rest = inner.saturating_sub(3 + name + TIGHTEST + 1 + SOURCE + 1);
            let bar = (rest / 3).saturating_sub(LEFT_OF + 1);
            return Self {
                left,
                right,
                name,
                kind: Kind::Wide(bar.clamp(6, 40)),
            };
        }
        if width >= 60 {
            let name = if width >= 76 { 14 } else { 11 };
            let rest = inner.saturating_sub(2 + name + 5 + LEFT_OF + 1 + 8 + 16 + SOURCE + 1);
            return Self {
                left,
                right,
                name,
                kind: Kind::Folded(rest.min(30)),
            };
        }
        let name = (inner / 3).clamp(4, 14);
        let rest = inner.saturating_sub(2 + name + 5 + 5 + 7 + 1);
        Self {
            left,
            right,
            name,
            kind: Kind::List(rest),
        }
    }
}

struct Table<'a> {
    shown: &'a Shown<'a>,
    thresholds: Thresholds,
    columns: Columns,
    /// How many of the pools are the profile's own; the others are foreign.
    own: usize,
}

impl Table<'_> {
    fn head(&self, canvas: &mut Canvas<'_>, y: u16) {
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
                let step = bar + LEFT_OF + 1;
                canvas.put(x, y, "RPM", quiet, right);
                canvas.put(x + step, y, "ITPM uncached", quiet, right);
                canvas.put(x + 2 * step, y, "OTPM", quiet, right);
                canvas.put(x + 3 * step, y, "tightest", quiet, right);
            }
            Kind::Folded(bar) => {
                canvas.put(x, y, "tightest", quiet, right);
                let x = x + 5 + bar + LEFT_OF + 1 + 8;
                canvas.put(x, y, " RPM ITPM OTPM", quiet, right);
            }
            Kind::List(_) => {}
        }
        if !matches!(kind, Kind::List(_)) {
            canvas.put_right(left, y, "source", quiet, right.saturating_sub(1));
        }
    }

    fn row(&self, canvas: &mut Canvas<'_>, y: u16, pool: &Pool, selected: bool) {
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
        let name_style = if selected { roles.accent } else { roles.text };
        let end = self.name(canvas, (x, y), pool, name_style, x + name - 1);
        let _ = end;
        let tightest = pool.tightest(at);
        let tightest = tightest.as_ref();
        let x = x + name;
        match kind {
            Kind::Wide(bar) => {
                let step = bar + LEFT_OF + 1;
                for (i, gauge) in columns_of(pool).into_iter().enumerate() {
                    if let Some(gauge) = gauge {
                        let view = gauge.view(at);
                        self.gauge(canvas, (x + step * i as u16, y), bar, gauge, &view, pool);
                    }
                }
                self.tightest(canvas, (x + 3 * step, y), pool, tightest, right);
            }
            Kind::Folded(bar) => self.folded(canvas, (x, y), bar, pool, tightest),
            Kind::List(bar) => self.listed(canvas, (x, y), bar, pool, tightest),
        }
        if !matches!(kind, Kind::List(_)) {
            self.source(canvas, y, pool);
        }
    }

    fn name(
        &self,
        canvas: &mut Canvas<'_>,
        (x, y): (u16, u16),
        pool: &Pool,
        style: Style,
        end: u16,
    ) -> u16 {
        let roles = *canvas.roles();
        let _ = self.own;
        let x = canvas.put(x, y, &pool.name, style, end);
        if pool.guess && x + 1 < end {
            return canvas.put(x + 1, y, "?", roles.hint, end);
        }
        x
    }

    fn gauge(
        &self,
        canvas: &mut Canvas<'_>,
        (x, y): (u16, u16),
        width: u16,
        gauge: &Gauge,
        view: &GaugeView,
        pool: &Pool,
    ) {
        bar::draw(canvas, (x, y), width, view, self.thresholds);
        let x = x + width;
        self.numbers(canvas, (x, y), view);
        if pool.kind != GroupKind::ModelGroup {
            let quiet = canvas.roles().quiet;
            let (_, limit) = words::left_of(view);
            let after = x + 7 + limit.chars().count() as u16;
            canvas.put(after + 1, y, &short(gauge), quiet, x + LEFT_OF);
        }
    }

    /// ` 3.10M/5M`: what is left right-aligned, then the limit.
    fn numbers(&self, canvas: &mut Canvas<'_>, (x, y): (u16, u16), view: &GaugeView) {
        let roles = *canvas.roles();
        let (left, limit) = words::left_of(view);
        let style = match (view.state, Tone::of_view(view, self.thresholds)) {
            (GaugeState::Live | GaugeState::Projected, Some(tone)) => tone.number(canvas.look),
            (GaugeState::Stale, _) => roles.stale,
            _ => roles.quiet,
        };
        canvas.put_right(x, y, &left, style, x + 7);
        canvas.put(x + 7, y, &limit, roles.quiet, x + LEFT_OF);
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
        canvas.put(x, y, &short(gauge), style, x + 5);
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
            canvas.put(x, y, &short(gauge), tone.number(canvas.look), x + 5);
            bar::draw(canvas, (x + 5, y), width, view, self.thresholds);
            self.numbers(canvas, (x + 5 + width, y), view);
            let x = x + 5 + width + LEFT_OF + 1;
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
        }
        let x = x + 5 + width + LEFT_OF + 1 + 8;
        for (i, gauge) in columns_of(pool).into_iter().enumerate() {
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
        canvas.put(x, y, &short(gauge), style, (x + 5).min(right));
        let mut x = x + 5;
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

/// At most four letters: `RPM`, `ITPM`, `fITP`, `5h`.
fn short(gauge: &Gauge) -> String {
    match (gauge.dimension, gauge.family) {
        (Dimension::Window | Dimension::Other, _) => {
            gauge.limiter.as_str().chars().take(5).collect()
        }
        (Dimension::Rpm, Family::Fast) => "fRPM".to_owned(),
        (Dimension::Itpm, Family::Fast) => "fITP".to_owned(),
        (Dimension::Otpm, Family::Fast) => "fOTP".to_owned(),
        (Dimension::Itpm, Family::Priority) => "pITP".to_owned(),
        (Dimension::Otpm, Family::Priority) => "pOTP".to_owned(),
        (Dimension::ItpmAll, _) => "ITPa".to_owned(),
        (Dimension::Queue, _) => "queue".to_owned(),
        (Dimension::Tools, _) => "use/s".to_owned(),
        (dimension, _) => dimension.label().to_owned(),
    }
}

/// The gauges of the three columns. For model groups RPM, ITPM and OTPM, whichever input limiter
/// there is; other pools fill the columns from the left.
fn columns_of(pool: &Pool) -> [Option<&Gauge>; 3] {
    if pool.kind != GroupKind::ModelGroup {
        let mut gauges = pool.gauges.iter();
        return [gauges.next(), gauges.next(), gauges.next()];
    }
    let of = |dimension: Dimension| {
        pool.gauges
            .iter()
            .find(|gauge| gauge.dimension == dimension && gauge.family == Family::Standard)
    };
    let combined = || {
        pool.gauges
            .iter()
            .find(|gauge| gauge.dimension == Dimension::Combined)
    };
    [
        of(Dimension::Rpm),
        of(Dimension::Itpm)
            .or_else(|| of(Dimension::ItpmAll))
            .or_else(combined),
        of(Dimension::Otpm),
    ]
}
