//! The result of a run that is spread over several models: a line for each, and one for all.

use super::result;
use crate::{
    domain::load::{result::Summary, run::Run},
    ui::{
        calls::{
            Scene,
            pen::{Pen, cut},
            words,
        },
        canvas::Canvas,
        format::{count, percent},
    },
};
use ratatui::{layout::Rect, style::Style};

/// Columns of the names.
const NAME: u16 = 16;
/// The columns right of them.
const COLUMNS: [(&str, u16); 4] = [("ok", 6), ("share", 7), ("refused", 8), ("p50", 7)];

/// Draws it.
pub(super) fn draw(scene: &Scene<'_>, run: &Run, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let mut pen = Pen::new(canvas, area);
    let heads = COLUMNS.map(|(head, _)| head.to_owned());
    row(&mut pen, ("pool", roles.quiet), heads, roles.quiet);
    let models = run.models();
    let all = run.summary();
    // The last line is for all of them; where there is one more it is for the cost.
    let room = usize::from(pen.left()).saturating_sub(1).max(1);
    let shown = if models.len() > room {
        room - 1
    } else {
        models.len()
    };
    for (model, summary) in models.iter().take(shown) {
        let name = cut(&scene.pool_name(model), usize::from(NAME - 1));
        let name = (name.as_str(), roles.text);
        row(&mut pen, name, facts(summary, all), roles.text);
    }
    if shown < models.len() {
        let more = format!("{} more", models.len() - shown);
        pen.line(&[(&more, roles.quiet)]);
    }
    row(&mut pen, ("all", roles.quiet), facts(all, all), roles.text);
    pen.pair("cost", NAME, &result::money(scene, run), roles.text, 1);
}

fn facts(of: &Summary, all: &Summary) -> [String; 4] {
    let share = of.logical as f64 / all.logical.max(1) as f64;
    let refused: u64 = of.refused.values().sum();
    let half = of.total.percentile_s(50.0);
    [
        count(of.ok),
        percent(share * 100.0),
        count(refused),
        half.map_or_else(|| "·".to_owned(), words::span),
    ]
}

fn row(pen: &mut Pen<'_, '_>, (name, style): (&str, Style), cells: [String; 4], facts: Style) {
    let here = pen.here();
    pen.skip();
    if here.height == 0 {
        return;
    }
    pen.canvas.put(here.x, here.y, name, style, here.right());
    let mut x = here.x + NAME;
    for (cell, (_, columns)) in cells.iter().zip(COLUMNS) {
        pen.canvas.put_right(x, here.y, cell, facts, x + columns);
        x += columns;
    }
}
