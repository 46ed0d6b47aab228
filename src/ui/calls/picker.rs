//! A field of the form that is edited: its text, what is wrong with it, what may be picked.

use super::pen::{Pen, wrap};
use crate::{
    app::calls::{
        editor::Editor,
        form::{Field, Form},
    },
    domain::clean::clean,
    ui::canvas::Canvas,
};
use ratatui::{layout::Rect, style::Style, text::Span, widgets::Widget};
use ratatui_textarea::WrapMode;

/// The field that is edited, with its problem or its choices beneath.
pub(super) fn draw(form: &Form, editor: &Editor, canvas: &mut Canvas<'_>, value: Rect) {
    let roles = *canvas.roles();
    if value.is_empty() {
        return;
    }
    canvas.clear(value);
    canvas.tint(value, roles.select);
    if editor.picked.is_some() || !editor.is_text() {
        let text = clean(&editor.text(), 200);
        let x = canvas.put(
            value.x,
            value.y,
            &text,
            roles.strong.patch(roles.select),
            value.right(),
        );
        canvas.put(x, value.y, "▏", roles.accent, value.right());
    } else {
        let mut area = editor.area.clone();
        area.set_style(roles.strong.patch(roles.select));
        area.set_cursor_line_style(Style::new());
        area.set_cursor_style(Style::new().add_modifier(ratatui::style::Modifier::REVERSED));
        if editor.field == Field::Prompt {
            area.set_wrap_mode(WrapMode::WordOrGlyph);
        }
        Widget::render(&area, value, canvas.buf);
    }
    let problem = editor.problem().filter(|_| editor.is_text());
    if let Some(problem) = problem {
        below(canvas, value, &[(format!("! {problem}"), roles.bad)]);
    } else {
        choices(form, editor, canvas, value);
    }
}

fn choices(form: &Form, editor: &Editor, canvas: &mut Canvas<'_>, value: Rect) {
    let roles = *canvas.roles();
    let matching = editor.matching();
    if matching.is_empty() {
        return;
    }
    let screen = usize::from(canvas.buf.area.width);
    let rule = |choice: &str| form.rule_of(editor.field, choice);
    let widest = matching
        .iter()
        .map(|(_, choice)| choice.len())
        .max()
        .unwrap_or(0)
        .min(60);
    let beside = matching
        .iter()
        .all(|(_, choice)| widest + rule(choice).len() + 8 <= screen);
    let columns = screen.saturating_sub(8).max(8);
    let longest_rule = matching
        .iter()
        .map(|(_, choice)| wrap(rule(choice), columns).len());
    let rules = if beside {
        0
    } else {
        longest_rule.max().unwrap_or(0)
    };
    // Fewer than three choices are no list.
    let room = usize::from(room(canvas, value, 2 + rules as u16 + 3));
    let rows = room
        .saturating_sub(2 + rules)
        .clamp(1, matching.len().min(12));
    let at = matching
        .iter()
        .position(|(place, _)| Some(*place) == editor.picked)
        .unwrap_or(0);
    let first = at.saturating_sub(rows - 1).min(matching.len() - rows);
    let hidden = matching.len() - first - rows;
    let mut lines: Vec<(String, Style)> = Vec::new();
    let taken = editor.text();
    for (row, (place, choice)) in matching.into_iter().skip(first).take(rows).enumerate() {
        // What Enter would take, picked or typed.
        let picked = editor.picked.map_or(choice == taken, |at| at == place);
        let mark = match row {
            _ if picked => "▸",
            0 if first > 0 => "▲",
            _ if row + 1 == rows && hidden > 0 => "▼",
            _ => " ",
        };
        let name = clean(choice, 60);
        let style = if picked { roles.strong } else { roles.text };
        if beside {
            let line = format!("{mark} {name:<widest$}  {}", rule(choice));
            lines.push((line.trim_end().to_owned(), style));
            continue;
        }
        lines.push((format!("{mark} {name}"), style));
        if picked {
            // No room beside all of them: the picked one's rule beneath its name.
            lines.extend(
                wrap(rule(choice), columns)
                    .into_iter()
                    .map(|line| (format!("  {line}"), roles.quiet)),
            );
        }
    }
    below(canvas, value, &lines);
}

/// Rows for a box under a field, or above it where that is more; where `least` fit neither, of the
/// whole screen but its foot.
fn room(canvas: &Canvas<'_>, field: Rect, least: u16) -> u16 {
    let screen = canvas.buf.area;
    let below = screen.bottom().saturating_sub(field.bottom());
    let above = field.y.saturating_sub(screen.y);
    match below.max(above) {
        rows if rows >= least => rows,
        _ => screen.height.saturating_sub(1),
    }
}

/// A box of lines under a field, over whatever is there.
fn below(canvas: &mut Canvas<'_>, field: Rect, lines: &[(String, Style)]) {
    let screen = canvas.buf.area;
    let widest = lines
        .iter()
        .map(|(line, _)| Span::raw(line).width())
        .max()
        .unwrap_or(0);
    let width = (widest as u16 + 4).min(screen.width);
    let height = (lines.len() as u16 + 2).min(screen.height);
    let x = field
        .x
        .saturating_sub(1)
        .min(screen.right().saturating_sub(width));
    let room_below = screen.bottom().saturating_sub(field.bottom()) >= height;
    let y = if room_below {
        field.bottom()
    } else {
        field.y.saturating_sub(height)
    };
    let area = Rect::new(x, y, width, height).intersection(screen);
    canvas.clear(area);
    let inner = canvas.boxed(area, "");
    let mut pen = Pen::new(canvas, inner);
    for (line, style) in lines {
        pen.line(&[(" ", *style), (line, *style)]);
    }
}
