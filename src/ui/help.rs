//! What lies over the panel: help, the command palette, the profile switcher, a question.

use super::{canvas::Canvas, code, widgets::popup};
use crate::app::{
    App,
    command::COMMANDS,
    help::{Line, Page},
    layer::{Costs, Layer, Palette},
};
use crate::domain::wrap::wrap;
use ratatui::layout::Rect;

/// Draws whatever lies over the panel.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    match app.layer() {
        Layer::None | Layer::Filter => {}
        Layer::Help(first) => help(app, *first, canvas, area),
        Layer::Palette(palette) => search(palette, canvas, area),
        Layer::Profiles(selected) => profiles(app, *selected, canvas, area),
        Layer::Ask(question, costs) => ask(question, *costs, canvas, area),
        Layer::Code(target, first) => code::draw(app, *target, *first, canvas, area),
    }
}

/// Keys as a terminal that has only ASCII can write them: an arrow would become another key.
fn spelled(keys: String, ascii: bool) -> String {
    if !ascii {
        return keys;
    }
    [("↑", "Up"), ("↓", "Down"), ("←", "Left"), ("→", "Right")]
        .into_iter()
        .fold(keys, |keys, (arrow, name)| keys.replace(arrow, name))
}

fn help(app: &App, first: u16, canvas: &mut Canvas<'_>, area: Rect) {
    let title = format!("Keys on {}", app.tab().panel().title);
    let page = Page::of(app.tab(), (area.width, canvas.buf.area.height));
    let column = page.keys + 1 + page.text;
    if let Some(half) = page.half {
        let inner = popup::open(canvas, area, (2 * column + 3, half as u16), &title);
        let (left, right) = page.lines.split_at(half);
        for (lines, x) in [(left, inner.x), (right, inner.x + column + 3)] {
            let area = Rect {
                x,
                width: column,
                ..inner
            };
            put_help(lines, page.keys, canvas, area);
        }
        return;
    }
    let inner = popup::open(canvas, area, (column, page.lines.len() as u16), &title);
    let first = first.min(page.last());
    put_help(&page.lines[first.into()..], page.keys, canvas, inner);
    if first < page.last() {
        let quiet = canvas.roles().quiet;
        let y = inner.bottom().min(area.bottom().saturating_sub(1));
        canvas.put_right(inner.x, y, " ↓ more ", quiet, inner.right());
    }
}

fn put_help(lines: &[Line], keys: u16, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    for (line, y) in lines.iter().zip(area.y..area.bottom()) {
        let named = spelled(line.keys.clone(), canvas.look.ascii);
        canvas.put(area.x, y, &named, roles.key, area.x + keys);
        let x = area.x + keys + 1;
        canvas.put(x, y, line.text, roles.text, area.right());
    }
}

fn search(palette: &Palette, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let inner = popup::open(canvas, area, (60, 12), "Command");
    let end = inner.right();
    let x = canvas.put(inner.x, inner.y, ": ", roles.key, end);
    let x = canvas.put(x, inner.y, &palette.query, roles.strong, end);
    canvas.put(x, inner.y, "▏", roles.accent, end);
    let visible = usize::from(inner.height.saturating_sub(1));
    let first = crate::app::layout::scroll(0, palette.selected, visible, palette.hits.len());
    let hits = palette.hits.iter().enumerate().skip(first).take(visible);
    for (i, hit) in hits {
        let Some(row) = COMMANDS.get(*hit) else {
            continue;
        };
        let y = inner.y + 1 + (i - first) as u16;
        let line = Rect {
            y,
            height: 1,
            ..inner
        };
        let mut style = roles.text;
        if i == palette.selected {
            canvas.mark(line);
            style = roles.accent;
        }
        canvas.put(inner.x + 2, y, row.name, style, end);
        let key = row.keys.first().map(|chord| chord.label());
        let key = spelled(key.unwrap_or_default(), canvas.look.ascii);
        canvas.put_right(inner.x + 20, y, &key, roles.key, end);
    }
    if palette.hits.is_empty() {
        let y = inner.y + 1;
        canvas.put(inner.x + 2, y, "no command of that name", roles.quiet, end);
    }
}

fn profiles(app: &App, selected: usize, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let Some(card) = app.front_card() else { return };
    let rows = card.siblings.len() as u16;
    let inner = popup::open(canvas, area, (36, rows + 1), "Profiles");
    let end = inner.right();
    let visible = usize::from(inner.height.saturating_sub(1)).max(1);
    let first = crate::app::layout::scroll(0, selected, visible, card.siblings.len());
    let names = card.siblings.iter().enumerate().skip(first).take(visible);
    for (i, name) in names {
        let y = inner.y + (i - first) as u16;
        let mut style = roles.text;
        if i == selected {
            canvas.tint(
                Rect {
                    y,
                    height: 1,
                    ..inner
                },
                roles.select,
            );
            canvas.put(inner.x, y, "▸", roles.accent, end);
            style = roles.accent;
        }
        canvas.put(inner.x + 2, y, name, style, end);
        if *name == card.name {
            canvas.put_right(inner.x, y, "in front", roles.quiet, end);
        }
    }
    let last = inner.bottom().saturating_sub(1);
    let keys = [("⏎", "switch"), ("Esc", "stay")];
    super::frame::hints(canvas, (inner.x, last), end, &keys);
}

fn ask(question: &str, costs: Costs, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let width = 60.min(area.width.saturating_sub(4));
    let parts = wrap(question, usize::from(width));
    let rows = parts.len() as u16 + 2;
    let inner = popup::open(canvas, area, (width, rows), "Before it costs");
    for (i, part) in parts.iter().enumerate() {
        let y = inner.y + i as u16;
        canvas.put(inner.x, y, part, roles.text, inner.right());
    }
    let last = inner.bottom().saturating_sub(1);
    // A probe is sent by the key that asked for it, too.
    let send = match costs {
        Costs::Probe => ("p", "send"),
        Costs::Run => ("⏎", "send"),
    };
    let keys = [send, ("Esc", "do not")];
    super::frame::hints(canvas, (inner.x, last), inner.right(), &keys);
}
