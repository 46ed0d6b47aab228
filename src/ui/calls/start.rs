//! What stands in the boxes before the first call: what they will show, and an example of it.

use super::pen::{Pen, width};
use crate::ui::{canvas::Canvas, theme::Roles};
use ratatui::{layout::Rect, style::Style};

/// What the verdict's box will say.
pub(super) const VERDICT: &str = "Of a refused attempt: which limit it was, on what evidence, \
                                  whether a retry helps, and when.";
/// What the answer's box will say.
pub(super) const ANSWER: &str = "The text as it streams, its tokens, and why it stopped; or, with v, \
                                 the raw headers.";

/// Seconds that the example's axis shows, what its server asks for, when its second attempt leaves and
/// when that has been answered.
const SPAN_S: f64 = 24.0;
const ASKED_S: f64 = 17.0;
const AGAIN_S: f64 = 17.9;
const OVER_S: f64 = 22.0;

/// Columns left and right of the example's bars.
const HEAD: u16 = 13;
const FACTS: u16 = 28;

/// Draws what a timeline looks like, or why there will be none.
pub(super) fn timeline(canvas: &mut Canvas<'_>, area: Rect, never: Option<&str>) {
    let roles = *canvas.roles();
    let mut pen = Pen::new(canvas, area);
    let airy = area.height >= 9;
    if airy {
        pen.skip();
    }
    if let Some(why) = never {
        pen.text(why, roles.text, 4);
        return;
    }
    let example = area.height >= 6 && area.width >= HEAD + FACTS + 20;
    let text = if example {
        "Enter sends the request. Every attempt is drawn as it happens, like this:"
    } else {
        "Enter sends the request. Every attempt is drawn here as it happens:"
    };
    pen.text(text, roles.text, 2);
    if example {
        if airy {
            pen.skip();
        }
        rows(&mut pen, &roles);
    }
    if airy {
        pen.skip();
    }
    legend(&mut pen, &roles);
}

fn rows(pen: &mut Pen<'_, '_>, roles: &Roles) {
    let cells = pen.width().saturating_sub(HEAD + FACTS + 2).min(48);
    let per_cell = SPAN_S / f64::from(cells.max(1));
    let at = |s: f64| (s / per_cell) as u16;
    let here = pen.here();
    let bars = here.x + HEAD;
    for s in [0.0, 5.0, 10.0, 15.0, 20.0] {
        let label = format!("{s:.0}s");
        pen.canvas
            .put(bars + at(s), here.y, &label, roles.quiet, here.right());
    }
    pen.skip();
    let mut row = |heads: [(&str, Style); 2],
                   bar: &dyn Fn(u16) -> Option<(&'static str, Style)>,
                   facts: &str| {
        let here = pen.here();
        if here.height == 0 {
            return;
        }
        let [(n, quiet), (what, style)] = heads;
        let x = pen.canvas.put(here.x, here.y, n, quiet, bars);
        pen.canvas.put(x, here.y, what, style, bars);
        for cell in 0..cells {
            if let Some((glyph, style)) = bar(cell) {
                pen.canvas.repeat(bars + cell, here.y, glyph, 1, style);
            }
        }
        let x = bars + cells + 2;
        pen.canvas.put(x, here.y, facts, roles.quiet, here.right());
        pen.skip();
    };
    let (asked, again, over) = (at(ASKED_S), at(AGAIN_S), at(OVER_S));
    row(
        [("1 ", roles.quiet), ("429 OTPM", roles.bad)],
        &|cell| match cell {
            0 => Some(("▌", roles.mine)),
            cell if cell == asked => Some(("┊", roles.hint)),
            cell if cell < again => Some(("▚", roles.quiet)),
            _ => None,
        },
        "asked 17 s · slept 17.9 s",
    );
    row(
        [("2 ", roles.quiet), ("200 ok", roles.good)],
        &|cell| match cell {
            cell if cell == again => Some(("▌", roles.mine)),
            cell if cell > again && cell < over => Some(("█", roles.good)),
            _ => None,
        },
        "first token 412 ms",
    );
}

fn legend(pen: &mut Pen<'_, '_>, roles: &Roles) {
    let marks = [
        ("▌", roles.mine, " in flight  "),
        ("█", roles.good, " tokens  "),
        ("▚", roles.quiet, " waiting  "),
        ("░", roles.border, " still to wait  "),
    ];
    let room = usize::from(pen.width());
    let used: usize = marks.iter().map(|(_, _, words)| 1 + width(words)).sum();
    let words = [" what the server asked for", " asked for", ""];
    let hint = words.iter().find(|words| used + 1 + width(words) <= room);
    let mut line: Vec<(&str, Style)> = Vec::new();
    for (mark, style, words) in &marks {
        line.extend([(*mark, *style), (*words, roles.quiet)]);
    }
    if let Some(hint) = hint {
        line.extend([("┊", roles.hint), (*hint, roles.quiet)]);
    }
    pen.line(&line);
}
