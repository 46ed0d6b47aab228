//! The totals in words, above the requests.

use super::{Piece, line, list, piece};
use crate::{
    domain::{
        advice,
        traffic::{Tally, Totals},
    },
    ui::{
        calls::words,
        canvas::Canvas,
        format::{count, percent, span},
        theme::Roles,
    },
};
use ratatui::{layout::Rect, style::Style};

/// Wire calls for each call from which on retries are a load of their own.
const AMPLIFIED: f64 = 1.1;
/// And from which on they are a third of all.
const HEAVY: f64 = 1.5;

/// Draws as many lines as there is room for.
pub(super) fn draw(all: &Totals, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let tally = all.all();
    let lines = [
        calls(&tally, &roles, area.height < 2),
        retries(&tally, &roles),
        drops(all, &roles, list::has_bars(area.width)),
    ];
    let air = u16::from(area.width > 60);
    for (y, pieces) in (area.y..area.bottom()).zip(&lines) {
        let row = Rect {
            x: area.x + air,
            y,
            width: area.width.saturating_sub(2 * air),
            height: 1,
        };
        line(canvas, row, pieces);
    }
}

/// How an amplification is drawn.
pub(super) fn amplified(times: f64, roles: &Roles) -> Style {
    if times >= HEAVY {
        roles.critical
    } else if times >= AMPLIFIED {
        roles.tight
    } else {
        roles.strong
    }
}

/// `×1.14`
pub(super) fn times(amplification: f64) -> String {
    match amplification {
        times if times < 9.995 => format!("×{times:.2}"),
        times if times < 99.95 => format!("×{times:.1}"),
        times => format!("×{times:.0}"),
    }
}

/// `1,204 calls → 1,377 on the wire ×1.14   12 live   173 refused: OTPM 98 · RPM 41`
fn calls(tally: &Tally, roles: &Roles, alone: bool) -> Vec<Piece<'static>> {
    let mut pieces = vec![
        piece(count(tally.logical), roles.strong, 0),
        piece(plural(tally.logical, " call", " calls"), roles.quiet, 0),
        piece(" → ", roles.quiet, 0),
        piece(count(tally.wire), roles.strong, 0),
        piece(" on the wire", roles.quiet, 1),
    ];
    if let Some(by) = tally.amplification() {
        pieces.push(piece(" ", roles.quiet, 0));
        pieces.push(piece(times(by), amplified(by, roles), 0));
    }
    if alone {
        if tally.early > 0 {
            let early = format!(" · {} ", count(tally.early));
            pieces.push(piece(early, roles.text, 2));
            pieces.push(piece("EARLY", roles.empty, 2));
        }
        return pieces;
    }
    pieces.push(piece(format!("   {}", count(tally.open)), roles.mine, 2));
    pieces.push(piece(" live", roles.quiet, 2));
    let refused = tally.refusals() + tally.unreachable;
    let style = if refused > 0 { roles.bad } else { roles.quiet };
    pieces.push(piece(format!("   {}", count(refused)), style, 2));
    pieces.push(piece(" refused", roles.quiet, 2));
    let mut causes: Vec<(&str, u64)> = tally
        .refused
        .iter()
        .map(|(cause, count)| (advice::short(*cause), *count))
        .collect();
    if tally.unreachable > 0 {
        causes.push(("no answer", tally.unreachable));
    }
    causes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for (at, (cause, n)) in causes.into_iter().take(6).enumerate() {
        let before = if at == 0 { ": " } else { " · " };
        let rank = 3 + at as u8;
        pieces.push(piece(format!("{before}{cause} "), roles.text, rank));
        pieces.push(piece(count(n), roles.strong, rank));
    }
    pieces
}

/// `38 retries, 12 EARLY by 512 s   6 broke mid-stream, 4,120 tokens lost   in 1.20M · …`
fn retries(tally: &Tally, roles: &Roles) -> Vec<Piece<'static>> {
    let mut pieces = vec![
        piece(count(tally.retries), roles.strong, 0),
        piece(plural(tally.retries, " retry", " retries"), roles.quiet, 0),
    ];
    if tally.early > 0 {
        pieces.push(piece(format!(", {} ", count(tally.early)), roles.text, 0));
        pieces.push(piece("EARLY", roles.empty, 0));
        let by = if tally.early_s < 10.0 {
            words::span(tally.early_s)
        } else {
            span(tally.early_s)
        };
        let by = format!(" by {by}");
        pieces.push(piece(by, roles.tight, 1));
    } else if tally.retries > 0 {
        pieces.push(piece(", none early", roles.quiet, 5));
    }
    if tally.stacked > 0 {
        // With the mark that stands for it in the tables.
        let stacked = format!("   ! {} STACKED", count(tally.stacked));
        pieces.push(piece(stacked, roles.bad, 1));
        pieces.push(piece(" on an SDK's own", roles.quiet, 7));
    }
    if tally.broken > 0 {
        pieces.push(piece(format!("   {}", count(tally.broken)), roles.bad, 2));
        pieces.push(piece(" broke mid-stream", roles.quiet, 2));
        let lost = tally.lost.all_input() + tally.lost.output_tokens;
        let lost = format!(", {} tokens lost", count(lost));
        pieces.push(piece(lost, roles.text, 4));
    }
    let usage = &tally.usage;
    let all = usage.all_input();
    pieces.push(piece("   in ", roles.quiet, 3));
    pieces.push(piece(count(usage.counted_input()), roles.strong, 3));
    pieces.push(piece(" · cached ", roles.quiet, 3));
    pieces.push(piece(count(usage.cache_read_input_tokens), roles.strong, 3));
    if all > 0 {
        let share = usage.cache_read_input_tokens as f64 / all as f64 * 100.0;
        pieces.push(piece(format!(" ({})", percent(share)), roles.quiet, 6));
    }
    pieces.push(piece(" · out ", roles.quiet, 3));
    pieces.push(piece(count(usage.output_tokens), roles.strong, 3));
    pieces
}

/// Every kind of drop that happened; what the marks mean when none did, those of `bars` where they are
/// drawn.
fn drops(all: &Totals, roles: &Roles, bars: bool) -> Vec<Piece<'static>> {
    let dropped = all.drops.kinds();
    let some: Vec<_> = dropped.iter().filter(|(_, count)| *count > 0).collect();
    if some.is_empty() {
        return legend(roles, bars);
    }
    let mut pieces = vec![piece("not listed or not read: ", roles.quiet, 1)];
    for (at, (what, n)) in some.into_iter().enumerate() {
        let before = if at == 0 { "" } else { " · " };
        let rank = at as u8;
        pieces.push(piece(format!("{before}{} ", count(*n)), roles.strong, rank));
        pieces.push(piece(*what, roles.text, rank));
    }
    pieces
}

fn legend(roles: &Roles, bars: bool) -> Vec<Piece<'static>> {
    let marks = [
        ("✓", roles.good, " answered  "),
        ("×", roles.bad, " failed  "),
        ("…", roles.mine, " live  "),
        ("▖", roles.mine, " in flight  "),
        ("▄", roles.good, " tokens  "),
        ("┄", roles.quiet, " client waits  "),
        ("┊", roles.hint, " the server asked until here"),
    ];
    let shown = if bars { marks.len() } else { 3 };
    let marks = marks.into_iter().take(shown).enumerate();
    marks
        .flat_map(|(at, (mark, style, word))| {
            let rank = at as u8;
            [piece(mark, style, rank), piece(word, roles.quiet, rank)]
        })
        .collect()
}

fn plural(n: u64, one: &'static str, many: &'static str) -> &'static str {
    if n == 1 { one } else { many }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amplification_keeps_its_width() {
        let all = [1.0, 1.142, 2.3, 9.994, 12.0, 250.0].map(times);
        assert_eq!(all, ["×1.00", "×1.14", "×2.30", "×9.99", "×12.0", "×250"]);
    }
}
