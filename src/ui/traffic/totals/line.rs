//! One line of the tables of totals.

use crate::{
    domain::{
        clean::clean,
        traffic::{Tally, Totals},
    },
    ui::{canvas::Canvas, format, traffic::digest},
};
use ratatui::{layout::Rect, style::Style};

/// One line of the tables.
pub(super) enum Line<'t> {
    /// The heads of the columns, with what the names after it are; whether tokens go before bars where
    /// there is no room for both.
    Head(&'static str, bool),
    /// A client or model.
    Row(&'t str, &'t Tally),
    /// What refused how many, and how many the worst of them did.
    Cause(&'static str, u64, u64),
    /// A number in words.
    Said(String, Style),
    /// Nothing.
    Air,
}

/// Columns of one table, as far as they fit.
struct Columns {
    name: u16,
    bar: u16,
    /// Whether tokens have columns.
    tokens: bool,
}

/// ` 1,377  ×1.14  173   38!`
const NUMBERS: u16 = 6 + 7 + 5 + 6;
/// ` 1.20M   77%  310k`
const TOKENS: u16 = 6 + 6 + 6;
/// A name that is worth a line, and a bar.
const NAME: u16 = 14;
const BAR: u16 = 8;

impl Columns {
    fn fit(width: u16, tokens: bool) -> Self {
        let least = NAME + NUMBERS + TOKENS + if tokens { 0 } else { BAR };
        let tokens = width >= least;
        let rest = width.saturating_sub(NUMBERS + if tokens { TOKENS } else { 0 });
        let bar = if rest >= NAME + BAR {
            (rest - NAME).min(rest / 2).clamp(BAR, 24)
        } else {
            0
        };
        Self {
            name: rest - bar,
            bar,
            tokens,
        }
    }
}

/// Draws lines, as many as fit.
pub(super) fn draw(lines: &[Line<'_>], all: &Totals, canvas: &mut Canvas<'_>, area: Rect) {
    let mut columns = Columns::fit(area.width, false);
    let clients = all.clients.iter().map(|row| row.tally.wire);
    let models = all.models.iter().map(|row| row.tally.wire);
    let most = clients.chain(models).max().unwrap_or(0);
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        let row = Rect {
            y,
            height: 1,
            ..area
        };
        match line {
            Line::Head(names, tokens) => {
                columns = Columns::fit(area.width, *tokens);
                heads(names, &columns, canvas, row);
            }
            Line::Row(name, tally) => tallied(name, tally, most, &columns, canvas, row),
            Line::Cause(what, count, most) => cause(what, *count, *most, canvas, row),
            Line::Said(text, style) => {
                canvas.put_cut(row.x, y, text, *style, row.right());
            }
            Line::Air => {}
        }
    }
}

fn heads(names: &str, columns: &Columns, canvas: &mut Canvas<'_>, row: Rect) {
    let quiet = canvas.roles().quiet;
    let (y, end) = (row.y, row.right());
    canvas.put(row.x, y, names, quiet, end);
    let mut x = row.x + columns.name + columns.bar;
    let mut head = |text: &str, width: u16| {
        canvas.put_right(x, y, text, quiet, (x + width).min(end));
        x += width;
    };
    head("wire", 6);
    head("", 7);
    head("fail", 5);
    head("early", 6);
    if columns.tokens {
        head("in", 6);
        head("cache", 6);
        head("out", 6);
    }
}

fn tallied(
    name: &str,
    tally: &Tally,
    most: u64,
    columns: &Columns,
    canvas: &mut Canvas<'_>,
    row: Rect,
) {
    let roles = *canvas.roles();
    let (y, end) = (row.y, row.right());
    let room = row.x + columns.name.saturating_sub(1);
    let name = clean(name, 64);
    canvas.put_cut(row.x, y, &name, roles.text, room.min(end));
    let bar = Rect {
        x: row.x + columns.name,
        width: columns.bar,
        ..row
    };
    wire(tally, most, canvas, bar);
    let mut x = bar.right();
    let mut number = |text: &str, style: Style, width: u16| {
        canvas.put_right(x, y, text, style, (x + width).min(end));
        x += width;
    };
    let counted = |n: u64, style: Style| {
        if n == 0 {
            ("·".to_owned(), roles.border)
        } else {
            (format::count(n), style)
        }
    };
    number(&format::count(tally.wire), roles.strong, 6);
    let by = tally.amplification();
    let text = by.map(digest::times).unwrap_or_default();
    number(&text, digest::amplified(by.unwrap_or(1.0), &roles), 7);
    let (failed, style) = counted(
        tally.refusals() + tally.unreachable + tally.broken,
        roles.bad,
    );
    number(&failed, style, 5);
    if tally.stacked > 0 {
        // Retries stacked on an SDK's own: the line in words begins with the same mark.
        let early = if tally.early == 0 {
            String::new()
        } else {
            format::count(tally.early)
        };
        number(&early, roles.tight, 5);
        number("!", roles.bad, 1);
    } else {
        let (early, style) = counted(tally.early, roles.tight);
        number(&early, style, 6);
    }
    if columns.tokens {
        let usage = &tally.usage;
        let read = usage.cache_read_input_tokens as f64 * 100.0;
        let share = read / usage.all_input().max(1) as f64;
        number(&format::count(usage.counted_input()), roles.text, 6);
        number(&format::percent(share), roles.quiet, 6);
        number(&format::count(usage.output_tokens), roles.strong, 6);
    }
}

/// Calls solid, what their retries added hatched.
fn wire(tally: &Tally, most: u64, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    if area.width < 2 || most == 0 {
        return;
    }
    let cells = f64::from(area.width - 1);
    let cells_of = |n: u64| (n as f64 / most as f64 * cells).round() as u16;
    let whole = cells_of(tally.wire).max(u16::from(tally.wire > 0));
    let retries = tally.wire.saturating_sub(tally.logical);
    let added = cells_of(retries).max(u16::from(retries > 0)).min(whole);
    let solid = whole - added;
    canvas.repeat(area.x, area.y, "▇", solid, roles.mine);
    canvas.repeat(area.x + solid, area.y, "▚", added, roles.bad);
}

fn cause(what: &str, count: u64, most: u64, canvas: &mut Canvas<'_>, row: Rect) {
    let roles = *canvas.roles();
    let (y, end) = (row.y, row.right());
    let name = 24.min(row.width.saturating_sub(8));
    canvas.put_cut(row.x, y, what, roles.text, row.x + name);
    let x = row.x + name;
    canvas.put_right(x, y, &format::count(count), roles.strong, (x + 6).min(end));
    let room = row.width.saturating_sub(name + 7).min(30);
    let cells = (count as f64 / most.max(1) as f64 * f64::from(room)).round() as u16;
    canvas.repeat(x + 7, y, "▇", cells.max(1).min(room), roles.bad);
}
