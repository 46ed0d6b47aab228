//! How long the calls of a run took, and what it cost.

use super::result;
use crate::{
    domain::{
        load::{result::Spans, run::Run},
        time::seconds_between,
    },
    ui::{
        calls::{Scene, pen::Pen, words},
        canvas::Canvas,
    },
};
use ratatui::{layout::Rect, style::Style};

pub(super) fn draw(scene: &Scene<'_>, run: &Run, canvas: &mut Canvas<'_>, area: Rect) {
    const NAME: u16 = 12;
    let roles = *canvas.roles();
    let column = (area.width - NAME) / 4;
    let s = run.summary();
    let mut pen = Pen::new(canvas, area);
    let row = |pen: &mut Pen<'_, '_>, name: &str, cells: [String; 4], style: Style| {
        let here = pen.here();
        pen.skip();
        if here.height == 0 {
            return;
        }
        pen.canvas
            .put(here.x, here.y, name, roles.quiet, here.right());
        let mut x = here.x + NAME;
        for cell in cells {
            pen.canvas.put_right(x, here.y, &cell, style, x + column);
            x += column;
        }
    };
    let heads = ["p50", "p90", "p99", "max"].map(str::to_owned);
    row(&mut pen, "", heads, roles.quiet);
    let mut rows = vec![
        ("first byte", &s.first_byte),
        ("first token", &s.first_token),
        ("whole call", &s.total),
    ];
    if s.late.count() > 0 {
        rows.push(("start late", &s.late));
    }
    for (name, spans) in rows {
        let at = |percent| spans.percentile_s(percent);
        let cells = [at(50.0), at(90.0), at(99.0), spans.longest_s()];
        let cells = cells.map(|s| s.map_or_else(|| "·".to_owned(), words::span));
        row(&mut pen, name, cells, roles.text);
    }
    if pen.left() > 1 {
        pen.skip();
    }
    pen.pair("cost", NAME, &result::money(scene, run), roles.text, 1);
    if let Some(pace) = pace(run) {
        pen.pair("pace", NAME, &pace, roles.text, 1);
    }
}

/// Answers for each second of the run.
fn pace(run: &Run) -> Option<String> {
    let elapsed = seconds_between(run.began, run.summary().ended);
    let rate = run.summary().ok as f64 / elapsed;
    (run.summary().ok > 0 && elapsed > 0.0).then(|| format!("{rate:.1} answers a second"))
}

pub(super) fn in_words(spans: &Spans) -> String {
    match (spans.percentile_s(50.0), spans.percentile_s(99.0)) {
        (Some(half), Some(most)) => {
            format!("p50 {} · p99 {}", words::span(half), words::span(most))
        }
        _ => "none is over".to_owned(),
    }
}
