//! What frames the panel: the header line (drawn by `header`), the tab line, the footer, toasts.

use super::{canvas::Canvas, header};
use crate::app::{
    App, Shown,
    calls::form::Field,
    calls::offers::Esc,
    command::{COMMANDS, Command, Foot},
    layer::Layer,
    layout,
    panel::Tab,
};
use crate::domain::wrap::wrap;
use ratatui::layout::Rect;

/// Draws what frames the panel.
pub(super) fn draw(app: &App, shown: Option<&Shown<'_>>, canvas: &mut Canvas<'_>, area: Rect) {
    let bands = layout::bands((area.width, area.height));
    if let Some(y) = bands.header {
        header::draw(
            app,
            shown,
            canvas,
            Rect {
                y,
                height: 1,
                ..area
            },
        );
    }
    if let Some(y) = bands.tabs {
        tabs(
            app,
            canvas,
            Rect {
                y,
                height: 1,
                ..area
            },
        );
    }
    if let Some(y) = bands.footer {
        footer(
            app,
            canvas,
            Rect {
                y,
                height: 1,
                ..area
            },
        );
    }
}

fn tabs(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let size = (area.width, app_height(canvas));
    let new = app.unread();
    for (tab, x, width) in layout::tabs(app.tab(), new, size) {
        let panel = tab.panel();
        let end = (x + width).min(area.right());
        let front = tab == app.tab();
        let (digit, title) = if front {
            (roles.accent, roles.accent.patch(roles.select))
        } else {
            (roles.key, roles.quiet)
        };
        if front {
            canvas.tint(Rect { x, width, ..area }, roles.select);
        }
        let digit = if front {
            digit.patch(roles.select)
        } else {
            digit
        };
        let mut number = [0; 4];
        let number = char::from(b'0' + panel.number % 10).encode_utf8(&mut number);
        let x = canvas.put(x + 1, area.y, number, digit, end) + 1;
        let titled = front && !layout::bare_tabs(size);
        let name = if titled || !layout::short_tabs(size) {
            panel.title
        } else {
            ""
        };
        let mut x = canvas.put(x, area.y, name, title, end);
        if name.is_empty() {
            x = x.saturating_sub(1);
        }
        if tab == Tab::Events && new > 0 {
            canvas.put(x + 1, area.y, &format!("({new})"), roles.tight, end);
        }
    }
}

fn app_height(canvas: &Canvas<'_>) -> u16 {
    canvas.buf.area.height
}

/// What was last said, whole: over the lowest rows where one is too short for it. Drawn last.
pub(super) fn toast(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let (Some(toast), false) = (app.toast(), *app.layer() == Layer::Filter) else {
        return;
    };
    let roles = *canvas.roles();
    let width = area.width.saturating_sub(4);
    let lines = wrap(&toast.text, usize::from(width));
    let rows = (lines.len() as u16).min(area.height);
    let mut y = area.bottom().saturating_sub(rows);
    canvas.clear(Rect {
        y,
        height: rows,
        ..area
    });
    canvas.put(1, y, "› ", roles.accent, area.right());
    for line in lines {
        canvas.put(3, y, line, roles.strong, area.right());
        y += 1;
        if y >= area.bottom() {
            break;
        }
    }
}

fn footer(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let (y, end) = (area.y, area.right());
    if *app.layer() == Layer::Filter {
        let x = canvas.put(1, y, "/ ", roles.key, end);
        let x = canvas.put(x, y, app.filter().unwrap_or(""), roles.strong, end);
        let x = canvas.put(x, y, "▏", roles.accent, end);
        hints(canvas, (x + 3, y), end, &[("⏎", "keep"), ("Esc", "clear")]);
        return;
    }
    if app.toast().is_some() {
        return;
    }
    if let Some(keys) = keys_of_what_is_open(app) {
        // Where letters are typed, `j/k` would be typed too.
        let ascii = canvas.look.ascii;
        let arrows = |keys| {
            if ascii && keys == "↑↓" {
                "Up/Down"
            } else {
                keys
            }
        };
        let keys: Vec<(&str, &str)> = keys.iter().map(|(k, word)| (arrows(*k), *word)).collect();
        hints(canvas, (1, y), end, &keys);
        return;
    }
    let inside = app.inside();
    let mut feet: Vec<(usize, Foot)> = COMMANDS
        .iter()
        .enumerate()
        .filter(|(_, row)| row.works_on(app.tab()))
        .filter_map(|(i, row)| match row.command {
            // Without a profile there is nothing to select, send or freeze.
            Command::Help | Command::Palette | Command::Quit => Some((i, row.foot?)),
            _ if app.front_card().is_none() => None,
            Command::Back if inside => Some((i, OUT)),
            command if !app.offers(command) => None,
            Command::Back if app.tab() == Tab::Calls && app.esc() == Esc::Leaves => Some((i, OUT)),
            // Of a list, or of what is open from it: not of both.
            Command::Enter | Command::Sort | Command::Filter | Command::Totals | Command::Fold
                if inside =>
            {
                None
            }
            Command::PrevAttempt if app.tab() == Tab::Traffic && app.traffic().open.is_none() => {
                None
            }
            _ => Some((i, row.foot?)),
        })
        .collect();
    // Words that do not fit go, the least needed first; the rest keeps the table's order.
    feet.sort_by_key(|(i, foot)| (foot.rank, *i));
    // A column of air on both sides, two between two keys.
    let mut room = usize::from(area.width);
    feet.retain(|(_, foot)| {
        let width = key_width(canvas, foot.keys) + foot.word.len() + 3;
        let fits = width <= room;
        room = room.saturating_sub(if fits { width } else { 0 });
        fits
    });
    feet.sort_by_key(|(i, _)| *i);
    let hinted: Vec<(&str, &str)> = feet.iter().map(|(_, f)| (f.keys, f.word)).collect();
    hints(canvas, (1, y), end, &hinted);
}

/// The keys of whatever takes them before the panel does: a field being edited, a layer.
fn keys_of_what_is_open(app: &App) -> Option<&'static [(&'static str, &'static str)]> {
    let keys: &[(&str, &str)] = match app.layer() {
        Layer::Help(_) => &[("↑↓", "scroll"), ("Esc", "close")],
        Layer::Palette(_) => &[("↑↓", "select"), ("⏎", "run"), ("Esc", "close")],
        Layer::Profiles(_) => &[("↑↓", "select"), ("⏎", "switch"), ("Esc", "close")],
        Layer::Code(..) => &[
            ("←→", "target"),
            ("↑↓", "scroll"),
            ("⏎", "copy"),
            ("Esc", "close"),
        ],
        Layer::Ask(..) => &[("⏎", "send"), ("Esc", "do not")],
        Layer::Filter => return None,
        Layer::None => {
            let calls = app.test_calls().filter(|_| app.tab() == Tab::Calls)?;
            let editor = calls.editor()?;
            return Some(match (editor.field, editor.is_text()) {
                (Field::Prompt, _) => &[
                    ("⏎", "take"),
                    ("^J", "new line"),
                    ("Tab", "next field"),
                    ("Esc", "forget"),
                ],
                (_, false) => &[
                    ("↑↓", "choose"),
                    ("⏎", "take"),
                    ("Tab", "next field"),
                    ("Esc", "forget"),
                ],
                (Field::Model, true) => &[
                    ("↑↓", "choose"),
                    ("a-z", "search"),
                    ("⏎", "take"),
                    ("Esc", "forget"),
                ],
                (_, true) => &[("⏎", "take"), ("Tab", "next field"), ("Esc", "forget")],
            });
        }
    };
    Some(keys)
}

/// What Esc does where something is open.
const OUT: Foot = Foot {
    keys: "Esc",
    word: "back",
    rank: 1,
};

fn key_width(canvas: &Canvas<'_>, keys: &str) -> usize {
    if canvas.look.ascii {
        ascii_key(keys).len()
    } else {
        keys.chars().count()
    }
}

pub(super) fn ascii_key(keys: &str) -> &str {
    match keys {
        "⏎" => "Enter",
        "↑↓" => "j/k",
        "←→" => "h/l",
        other => other,
    }
}

/// Keys with their words, two columns apart.
pub(super) fn hints(
    canvas: &mut Canvas<'_>,
    (x, y): (u16, u16),
    end: u16,
    hints: &[(&str, &str)],
) -> u16 {
    let roles = *canvas.roles();
    let mut x = x;
    for (keys, word) in hints {
        let keys = if canvas.look.ascii {
            ascii_key(keys)
        } else {
            keys
        };
        x = canvas.put(x, y, keys, roles.key, end);
        x = canvas.put(x + 1, y, word, roles.quiet, end) + 2;
    }
    x
}
