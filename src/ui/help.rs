//! What lies over the panel: help, the command palette, the profile switcher, a question.

use super::{canvas::Canvas, events::wrap, widgets::popup};
use crate::app::{
    App,
    command::{COMMANDS, Row},
    layer::{Layer, Palette},
};
use ratatui::layout::Rect;

/// Draws whatever lies over the panel.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    match app.layer() {
        Layer::None | Layer::Filter => {}
        Layer::Help(first) => help(app, usize::from(*first), canvas, area),
        Layer::Palette(palette) => search(palette, canvas, area),
        Layer::Profiles(selected) => profiles(app, *selected, canvas, area),
        Layer::Ask(question) => ask(question, canvas, area),
    }
}

/// Signs that the table of pools uses, and what they mean.
const SIGNS: &[(&str, &str)] = &[
    ("~", "a projection, not a reading"),
    ("▼", "time until it is empty at this burn"),
    ("▲", "time until it is full if nobody draws"),
    (
        "?",
        "not known; after a name: a guess from the built-in table",
    ),
    (
        "live",
        "a header of the last seconds; proj: what must have happened since",
    ),
    ("╱╱╱", "stale: the last header is too old to say anything"),
    ("───", "only the limit is known, or nothing"),
];

fn help(app: &App, first: usize, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let here: Vec<&Row> = COMMANDS
        .iter()
        .filter(|row| row.works_on(app.tab()))
        .collect();
    let lines = here.len() + SIGNS.len() + 1;
    let title = format!("Keys on {}", app.tab().panel().title);
    let inner = popup::open(canvas, area, (78, lines as u16), &title);
    let visible = usize::from(inner.height);
    let first = first.min(lines.saturating_sub(visible));
    let (keys, narrow) = if inner.width < 50 {
        (8, true)
    } else {
        (17, false)
    };
    for i in first..lines.min(first + visible) {
        let y = inner.y + (i - first) as u16;
        let (left, right) = if let Some(row) = here.get(i) {
            let labels = if narrow {
                row.keys.first().map(|c| c.label()).unwrap_or_default()
            } else {
                row.key_labels()
            };
            (labels, row.sentence)
        } else if let Some((sign, what)) =
            (i - here.len()).checked_sub(1).and_then(|i| SIGNS.get(i))
        {
            ((*sign).to_owned(), *what)
        } else {
            continue;
        };
        canvas.put(inner.x, y, &left, roles.key, inner.x + keys);
        canvas.put(inner.x + keys + 1, y, right, roles.text, inner.right());
    }
    if lines > visible {
        let text = " ↓ more ";
        let y = inner.bottom().min(area.bottom().saturating_sub(1));
        canvas.put_right(inner.x, y, text, roles.quiet, inner.right());
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
            canvas.tint(line, roles.select);
            canvas.put(inner.x, y, "▸", roles.accent, end);
            style = roles.accent;
        }
        canvas.put(inner.x + 2, y, row.name, style, end);
        let key = row.keys.first().map(|chord| chord.label());
        canvas.put_right(inner.x + 20, y, &key.unwrap_or_default(), roles.key, end);
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

fn ask(question: &str, canvas: &mut Canvas<'_>, area: Rect) {
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
    let keys = [("p", "send"), ("Esc", "leave it")];
    super::frame::hints(canvas, (inner.x, last), inner.right(), &keys);
}
