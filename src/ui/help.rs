//! What lies over the panel: help, the command palette, the profile switcher, a question.

use super::{canvas::Canvas, code, widgets::popup};
use crate::app::{
    App,
    command::COMMANDS,
    layer::{Layer, Palette},
};
use crate::domain::wrap::wrap;
use ratatui::layout::Rect;

/// Draws whatever lies over the panel.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    match app.layer() {
        Layer::None | Layer::Filter => {}
        Layer::Help(first) => help(app, usize::from(*first), canvas, area),
        Layer::Palette(palette) => search(palette, canvas, area),
        Layer::Profiles(selected) => profiles(app, *selected, canvas, area),
        Layer::Ask(question, _) => ask(question, canvas, area),
        Layer::Code(target, first) => code::draw(app, *target, *first, canvas, area),
    }
}

/// Signs that the table of pools uses, and what they mean.
const SIGNS: &[(&str, &str)] = &[
    ("▇", "what is left; its pale or low part is not certain"),
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
    (
        "*",
        "counts cache reads too; of two input limits the tighter is shown",
    ),
    ("EMPTY", "nothing is left; DEBT: less than nothing"),
    ("SPENT", "refused for money, whatever is left"),
    ("╱╱╱", "stale: the last header is too old to say anything"),
    ("───", "only the limit is known, or nothing"),
];

/// Columns of the text beside the keys: in one column of them, in each of two.
const TEXT: u16 = 60;
const TEXT_OF_TWO: u16 = 37;
/// Columns of the keys.
const KEYS: u16 = 17;
/// The same where there are few; then only the first key of each is shown.
const KEYS_NARROW: u16 = 8;

/// A line of help: the keys where an entry begins, and a piece of its sentence.
struct Line<'s> {
    keys: String,
    text: &'s str,
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

/// Every key that works here, then the signs, in lines of at most `columns` of text.
fn help_lines(app: &App, columns: u16, narrow: bool, ascii: bool) -> Vec<Line<'static>> {
    let here = COMMANDS.iter().filter(|row| row.works_on(app.tab()));
    let keys = here.map(|row| {
        let keys = if narrow {
            row.keys.first().map(|c| c.label()).unwrap_or_default()
        } else {
            row.key_labels()
        };
        (spelled(keys, ascii), row.sentence)
    });
    let signs = SIGNS.iter().map(|(sign, what)| ((*sign).to_owned(), *what));
    let gap = std::iter::once((String::new(), ""));
    let mut lines = Vec::new();
    for (keys, sentence) in keys.chain(gap).chain(signs) {
        let mut keys = Some(keys);
        for text in wrap(sentence, columns.into()) {
            let keys = keys.take().unwrap_or_default();
            lines.push(Line { keys, text });
        }
    }
    lines
}

fn help(app: &App, first: usize, canvas: &mut Canvas<'_>, area: Rect) {
    let title = format!("Keys on {}", app.tab().panel().title);
    let two = help_lines(app, TEXT_OF_TWO, false, canvas.look.ascii);
    // An entry is not torn apart between the two columns.
    let half = two.len().div_ceil(2);
    let torn = two
        .iter()
        .skip(half)
        .take_while(|line| line.keys.is_empty());
    let half = half + torn.count();
    let column = KEYS + 1 + TEXT_OF_TWO;
    if area.width >= 2 * column + 7 && usize::from(area.height) >= half + 2 {
        let inner = popup::open(canvas, area, (2 * column + 3, half as u16), &title);
        let (left, right) = two.split_at(half);
        for (lines, x) in [(left, inner.x), (right, inner.x + column + 3)] {
            let area = Rect {
                x,
                width: column,
                ..inner
            };
            put_help(lines, KEYS, canvas, area);
        }
        return;
    }
    let narrow = area.width < 54;
    let keys = if narrow { KEYS_NARROW } else { KEYS };
    let columns = TEXT.min(area.width.saturating_sub(keys + 5));
    let lines = help_lines(app, columns, narrow, canvas.look.ascii);
    let size = (keys + 1 + columns, lines.len() as u16);
    let inner = popup::open(canvas, area, size, &title);
    let visible = usize::from(inner.height);
    let first = first.min(lines.len().saturating_sub(visible));
    put_help(&lines[first..], keys, canvas, inner);
    if first + visible < lines.len() {
        let quiet = canvas.roles().quiet;
        let y = inner.bottom().min(area.bottom().saturating_sub(1));
        canvas.put_right(inner.x, y, " ↓ more ", quiet, inner.right());
    }
}

fn put_help(lines: &[Line<'_>], keys: u16, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    for (line, y) in lines.iter().zip(area.y..area.bottom()) {
        canvas.put(area.x, y, &line.keys, roles.key, area.x + keys);
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
            canvas.tint(line, roles.select);
            canvas.put(inner.x, y, "▸", roles.accent, end);
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
