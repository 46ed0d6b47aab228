//! The request form, its editor, and what the call will cost.

use super::{
    Scene,
    pen::{Pen, wrap},
};
use crate::{
    app::{
        calls::{editor::Editor, form::Field},
        layout,
    },
    domain::{clean::clean, clean::clean_lines, retry::Policy, spend},
    ui::{canvas::Canvas, format::count},
};
use ratatui::{layout::Rect, style::Style, text::Span, widgets::Widget};
use ratatui_textarea::WrapMode;

/// Columns of the labels.
const LABEL: u16 = 12;

/// Dollars for people: enough digits to tell small calls apart, never `$0.00` for something.
pub(super) fn dollars(usd: f64) -> String {
    match usd {
        usd if usd >= 0.995 => format!("${usd:.2}"),
        usd if usd >= 0.001 => format!("${usd:.4}"),
        usd if usd > 0.0 => format!("${usd:.6}"),
        _ => "$0".to_owned(),
    }
}

/// Draws every field, one below the other; the prompt and the policy's rule take what room is left.
pub(super) fn draw(scene: &Scene<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let form = scene.calls.form();
    let editor = scene.calls.editor();
    let spare = usize::from(area.height).saturating_sub(Field::ALL.len());
    let columns = usize::from(area.width.saturating_sub(LABEL)).max(1);
    let typed = editor.filter(|editor| editor.field == Field::Prompt);
    let prompt = typed.map_or_else(|| form.prompt.clone(), Editor::text);
    let rule = wrap(form.policy.rule(), columns);
    // The prompt gets up to half of what is left, the policy's rule the rest.
    let prompt_needs = wrap(&clean_lines(&prompt), columns).len();
    let rule_lines = rule
        .len()
        .min(spare - prompt_needs.saturating_sub(1).min(spare / 2));
    let prompt_lines = prompt_needs.clamp(1, 1 + spare - rule_lines);
    // A line of air before what is about the run.
    let air = spare + 1 > rule_lines + prompt_lines;
    let mut pen = Pen::new(canvas, area);
    let mut edited: Option<Rect> = None;
    // Where not all fit, those around the selected one.
    let at = Field::ALL
        .iter()
        .position(|field| *field == scene.calls.field());
    let (at, rows) = (at.unwrap_or(0), usize::from(area.height).max(1));
    let first = layout::scroll(at.saturating_sub(rows / 2), at, rows, Field::ALL.len());
    for field in Field::ALL.iter().skip(first) {
        if pen.left() == 0 {
            break;
        }
        if *field == Field::Workers && air {
            pen.skip();
        }
        let selected = scene.calls.field() == *field;
        let here = pen.here();
        if selected && here.height > 0 {
            pen.canvas.tint(here, roles.select);
            pen.canvas
                .put(here.x, here.y, "▸", roles.accent, here.right());
        }
        let value = Rect {
            x: here.x + LABEL.min(here.width),
            width: here.width.saturating_sub(LABEL),
            ..here
        };
        let label_style = if selected { roles.text } else { roles.quiet };
        pen.canvas
            .put(here.x + 1, here.y, field.label(), label_style, value.x);
        let text = form.text(*field);
        let rows = if *field == Field::Prompt {
            prompt_lines as u16
        } else {
            1
        };
        let value = Rect {
            height: rows.min(pen.left()),
            ..value
        };
        if editor.is_some_and(|editor| editor.field == *field) {
            edited = Some(value);
            for _ in 0..rows {
                pen.skip();
            }
            continue;
        }
        if *field == Field::Prompt {
            let mut lines = wrap(&clean_lines(&text), columns);
            if lines.len() > prompt_lines {
                lines.truncate(prompt_lines);
                if let Some(last) = lines.last_mut() {
                    *last = clean(last, columns.saturating_sub(1));
                    last.push('…');
                }
            }
            for row in 0..prompt_lines {
                let line = lines.get(row).map_or("", String::as_str);
                let here = pen.here();
                pen.canvas
                    .put(value.x, here.y, line, roles.strong, here.right());
                pen.skip();
            }
            continue;
        }
        let text = if text.is_empty() {
            "none".to_owned()
        } else {
            clean(&text, 200)
        };
        let x = pen
            .canvas
            .put(value.x, here.y, &text, roles.strong, here.right());
        if matches!(field, Field::Model | Field::Policy | Field::Ending) {
            pen.canvas
                .put(x + 1, here.y, "▾", roles.quiet, here.right());
        }
        pen.skip();
        if *field == Field::Policy {
            for line in super::pen::clipped(rule.clone(), rule_lines, columns) {
                let here = pen.here();
                let style = if form.policy.ignores_hint() {
                    roles.tight
                } else {
                    roles.quiet
                };
                pen.canvas.put(value.x, here.y, &line, style, here.right());
                pen.skip();
            }
        }
    }
    if let (Some(editor), Some(value)) = (editor, edited) {
        edit(editor, canvas, value);
    }
}

/// The field that is edited, with its problem or its choices beneath.
fn edit(editor: &Editor, canvas: &mut Canvas<'_>, value: Rect) {
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
    let problem = editor
        .field
        .problem(&editor.text())
        .filter(|_| editor.is_text());
    if let Some(problem) = problem {
        below(canvas, value, &[(format!("! {problem}"), roles.bad)]);
    } else {
        choices(editor, canvas, value);
    }
}

fn choices(editor: &Editor, canvas: &mut Canvas<'_>, value: Rect) {
    let roles = *canvas.roles();
    let matching = editor.matching();
    if matching.is_empty() {
        return;
    }
    let screen = usize::from(canvas.buf.area.width);
    let rule = |choice: &str| match editor.field {
        Field::Policy => Policy::named(choice).map_or("", Policy::rule),
        _ => "",
    };
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

/// The form in one line, for screens without room for more.
pub(super) fn one_line(scene: &Scene<'_>) -> String {
    let form = scene.calls.form();
    let model = if form.model.is_empty() {
        "no model"
    } else {
        &form.model
    };
    let stream = if form.stream { "stream" } else { "no stream" };
    let (policy, tokens) = (form.policy.name(), form.max_tokens);
    let words = if form.is_single() {
        format!(
            "{model} · {policy} · {}× · {tokens} tok · {stream}",
            form.attempts()
        )
    } else {
        let calls = form.text(Field::Calls);
        let calls = form.calls.map_or(calls, |calls| format!("{calls} calls"));
        format!("{model} · {policy} · {} workers, {calls}", form.workers)
    };
    clean(&words, 200)
}

/// The price of the call in a few words, and whether it may be sent.
pub(super) fn price(scene: &Scene<'_>) -> (String, bool) {
    let spend = &scene.profile.card.spend;
    let estimate = scene.calls.form().estimate(scene.prices);
    if spend.free {
        return ("free: simulator".to_owned(), true);
    }
    let single = scene.calls.form().is_single();
    match (estimate.usd, estimate.each_usd) {
        (Some(usd), _) if single => (
            format!("at most {}", dollars(usd)),
            spend.check(Some(usd)).is_ok(),
        ),
        (Some(usd), _) => (
            format!("about {} in all", dollars(usd)),
            spend.check(Some(usd)).is_ok(),
        ),
        (None, Some(usd)) => (
            format!("at most {} each", dollars(usd)),
            spend.check(Some(usd)).is_ok(),
        ),
        (None, None) => ("price unknown".to_owned(), spend.check(None).is_ok()),
    }
}

/// `today $0.03 of $1.00`.
pub(super) fn today(scene: &Scene<'_>) -> String {
    let spend = &scene.profile.card.spend;
    amount(spend.day_usd, spend.day_cap_usd)
}

fn amount(usd: f64, cap: Option<f64>) -> String {
    match cap {
        Some(cap) => format!("{} of {}", spend::dollars(usd), spend::dollars(cap)),
        None => format!("{}, no cap", spend::dollars(usd)),
    }
}

/// Draws the cost box: estimate, what was spent, and the keys that matter now.
pub(super) fn cost(scene: &Scene<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let spend = &scene.profile.card.spend;
    let estimate = scene.calls.form().estimate(scene.prices);
    let (price, may) = price(scene);
    let mut pen = Pen::new(canvas, area);
    let (input, output) = (estimate.input, estimate.output);
    let known = match scene.calls.tokens() {
        Some(counted) => format!("{counted} in"),
        None => format!("about {input} in"),
    };
    let mut ways = vec![
        format!("{known} + at most {output} out"),
        format!("{known} + {output} out"),
    ];
    if !scene.calls.form().is_single() {
        let calls = match estimate.calls {
            Some(calls) => format!("{} calls", count(calls)),
            None => "calls until time is over".to_owned(),
        };
        ways = vec![
            format!("{calls} of about {input} in, {output} out"),
            format!("{calls}: {input} in, {output} out"),
            calls,
        ];
    }
    let fits = |way: &&String| super::pen::width(way) <= usize::from(area.width);
    if let Some(tokens) = ways.iter().find(fits).or(ways.last()) {
        pen.line(&[(tokens, roles.text)]);
    }
    let style = if may { roles.strong } else { roles.bad };
    pen.line(&[(&price, style)]);
    if scene.read_only && !spend.free {
        pen.line(&[("read only: nothing is sent", roles.tight)]);
    } else if scene.profile.card.attached.is_some() {
        pen.line(&[("looking on: nothing is sent", roles.tight)]);
    } else if !scene.profile.card.can_call {
        pen.line(&[("no key: nothing can be sent", roles.tight)]);
    }
    if spend.free {
        pen.line(&[("nothing is spent here", roles.quiet)]);
    } else {
        let session = amount(spend.session_usd, spend.session_cap_usd);
        pen.line(&[("session ", roles.quiet), (&session, roles.text)]);
        pen.line(&[("today   ", roles.quiet), (&today(scene), roles.text)]);
    }
    if pen.left() > 0 {
        keys(scene, &mut pen);
    }
}

/// The keys that matter now.
pub(super) fn keys(scene: &Scene<'_>, pen: &mut Pen<'_, '_>) {
    let roles = *pen.canvas.roles();
    let parts: &[(&str, &str)] = match scene.calls.editor() {
        Some(editor) if editor.field == Field::Prompt => {
            &[("⏎", "take"), ("^J", "new line"), ("Esc", "forget")]
        }
        Some(_) => &[("⏎", "take"), ("Tab", "next"), ("Esc", "forget")],
        None => &[("⏎", "send"), ("Esc", "cancel"), ("e", "edit")],
    };
    let mut line: Vec<(&str, Style)> = Vec::new();
    for (key, word) in parts {
        line.extend([
            (*key, roles.key),
            (" ", roles.quiet),
            (*word, roles.quiet),
            ("  ", roles.quiet),
        ]);
    }
    pen.line(&line);
}
