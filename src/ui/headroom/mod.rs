//! Tab 1 on screen: the table of pools, and cards beneath it.
//!
//! ```text
//! 110 columns and more   pool │ RPM bar │ ITPM bar │ OTPM bar │ tightest │ source
//! 60 to 109              pool │ tightest bar │ RPM ITPM OTPM in percent │ source
//! less, or few rows      a list: pool, tightest limit, its bar
//! ```
//!
//! To add a column: its width in `Columns::fit`, its cells in `row`.

mod row;

use super::{canvas::Canvas, cards, detail};
use crate::{
    app::{
        App, Shown,
        headroom::{Headroom, Line},
        layout,
    },
    domain::{board::Pool, org::LimitsState},
};
use ratatui::layout::Rect;
use row::Table;

/// Draws tab 1.
pub(super) fn draw(app: &App, shown: &Shown<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    let state = app.headroom();
    let rows = state.rows(&shown.profile.board, shown.at);
    let place = state.place(&rows);
    if state.detail.is_some()
        && let Some(pool) = rows.get(place)
    {
        detail::draw(app, shown, pool, canvas, area);
        return;
    }
    let size = (area.width, canvas.buf.area.height);
    let lines = Headroom::lines(&rows, &shown.profile.board);
    let layout = layout::headroom(size, lines.len());
    let visible = usize::from(layout.visible);
    let at = Headroom::line_of(&lines, place);
    let first = layout::scroll(state.first, at, visible, lines.len());
    let seen = || lines.iter().skip(first).take(visible);
    let table = Table {
        shown,
        thresholds: shown.profile.card.thresholds,
        columns: Columns::fit(area.width, layout.boxed),
    };
    // Rows are the profile's own pools, then foreign ones.
    let foreign = shown.profile.board.foreign();
    let is_foreign = |pool: &Pool| foreign.iter().any(|f| std::ptr::eq(f, pool));
    if layout.boxed {
        let height = layout.visible + 3;
        let of = |line: &Line| match line {
            Line::Pool(place) | Line::Elsewhere(place) => *place,
        };
        let shown_pools = seen().next().map(of).zip(seen().next_back().map(of));
        let title = title(app, shown, rows.len(), shown_pools);
        let outer = Rect {
            height: height.min(area.height),
            ..area
        };
        canvas.boxed(outer, &title);
        let marked = seen().any(|line| row::is_marked(rows[of(line)], shown.at));
        table.head(canvas, outer.y + 1, marked);
    }
    for (y, line) in (layout.first..).zip(seen()) {
        match line {
            Line::Pool(at) => {
                let pool = rows[*at];
                let place = row::Place {
                    selected: *at == place,
                    foreign: is_foreign(pool),
                };
                table.row(canvas, y, pool, place);
            }
            Line::Elsewhere(at) => table.elsewhere(canvas, y, rows[*at]),
        }
    }
    if rows.is_empty() {
        nothing(app, shown, canvas, layout.first);
    }
    if let (Some(y), Some(pool)) = (layout.cards, rows.get(place)) {
        let height = layout.cards_rows;
        cards::draw(app, shown, pool, canvas, Rect { y, height, ..area });
    }
}

fn title(app: &App, shown: &Shown<'_>, pools: usize, seen: Option<(usize, usize)>) -> String {
    let mut title = "Pools".to_owned();
    if let Some((first, last)) = seen.filter(|(first, last)| last - first + 1 < pools) {
        title = format!("Pools {}–{} of {pools}", first + 1, last + 1);
    }
    if let Some(why) = headers_only(shown) {
        title.push_str(" · ");
        title.push_str(why);
    }
    if let Some(refusal) = shown.profile.spent() {
        let verdict = &refusal.verdict;
        let until = verdict.retry_at.map_or_else(String::new, |at| {
            format!(" until {}", at.format("%Y-%m-%d %H:%M UTC"))
        });
        let why = verdict.cause.words();
        title = format!("{title} · {why}: calls are refused{until}");
    }
    if sent_bare(shown) {
        title.push_str(" · no rate-limit headers are sent: what is left is unknown");
    }
    if app.headroom().tightest_first {
        title.push_str(" · tightest first");
    }
    let filter = app.headroom().filter.trim();
    if !filter.is_empty() {
        title = format!("{title} · filter “{filter}”");
    }
    title
}

/// Why no configured limits are known, where that is so.
fn headers_only<'s>(shown: &'s Shown<'_>) -> Option<&'s str> {
    let sources = shown.profile.board.sources();
    let known = matches!(sources.limits, None | Some(LimitsState::Ok));
    sources.limits_error.as_deref().filter(|_| !known)
}

/// Whether answers came, and not one of them with a rate-limit header.
fn sent_bare(shown: &Shown<'_>) -> bool {
    let sources = shown.profile.board.sources();
    sources.headers_at.is_none() && sources.bare_answers > 0
}

fn nothing(app: &App, shown: &Shown<'_>, canvas: &mut Canvas<'_>, y: u16) {
    let quiet = canvas.roles().quiet;
    let text = if !app.headroom().filter.trim().is_empty() {
        "No pool fits the filter; Esc clears it."
    } else if shown.profile.board.sources().limits.is_none() {
        "Waiting for the first answer …"
    } else if shown.profile.card.only_hears() {
        "No pool is known yet: the first answer to pass the tap fills the gauges."
    } else {
        "No pool is known yet: t makes a test call, its headers fill the gauges."
    };
    let end = canvas.buf.area.right().saturating_sub(1);
    canvas.put(3, y, text, quiet, end);
}

/// Which columns there are and how wide.
#[derive(Clone, Copy)]
pub(super) struct Columns {
    /// The first.
    pub(super) left: u16,
    /// The one after the last.
    pub(super) right: u16,
    /// Of the name.
    pub(super) name: u16,
    /// What stands beside the name.
    pub(super) kind: Kind,
}

#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Three gauges, each with its bar of that many cells.
    Wide(u16),
    /// The tightest with a bar of that many cells, the three in percent.
    Folded(u16),
    /// The tightest; a bar of that many cells, none when there is no room.
    List(u16),
}

/// ` 3.10M` and `/58.2k` after a bar.
pub(super) const LEFT_OF: u16 = 13;
/// `OTPM 21% ▼1m40s EMPTY`
const TIGHTEST: u16 = 22;
/// `live 12s`
const SOURCE: u16 = 9;
/// `queue ` before a bar.
pub(super) const LABEL: u16 = 6;

impl Columns {
    fn fit(width: u16, boxed: bool) -> Self {
        let edge = u16::from(boxed);
        let (left, right) = (edge, width.saturating_sub(edge));
        let inner = right.saturating_sub(left);
        let (name, kind) = if boxed && width >= 110 {
            let name = 13 + (inner.saturating_sub(118) / 8).min(12);
            let rest = inner.saturating_sub(3 + name + TIGHTEST + 1 + SOURCE + 1);
            let bar = (rest / 3).saturating_sub(LEFT_OF);
            (name, Kind::Wide(bar.clamp(6, 40)))
        } else if width >= 60 {
            let name = if width >= 76 { 13 } else { 11 };
            let rest = inner.saturating_sub(3 + name + LABEL + LEFT_OF + 8 + 15 + SOURCE + 1);
            (name, Kind::Folded(rest.min(30)))
        } else {
            let name = (inner / 3).clamp(4, 13);
            (
                name,
                Kind::List(inner.saturating_sub(2 + name + LABEL + 5 + 7)),
            )
        };
        Self {
            left,
            right,
            name,
            kind,
        }
    }
}
