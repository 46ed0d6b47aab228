//! The request form.

use super::{
    Scene,
    pen::{Pen, clipped, wrap},
    picker,
};
use crate::{
    app::{
        calls::{editor::Editor, form::Field},
        layout,
    },
    domain::{clean::clean, clean::clean_lines},
    ui::canvas::Canvas,
};
use ratatui::layout::Rect;

/// Columns of the labels.
const LABEL: u16 = 12;
/// Columns before the policy's rule.
const INDENT: u16 = 3;

/// How the rows of the form are shared out.
struct Rows {
    /// Of the prompt.
    prompt: usize,
    /// The policy's rule.
    rule: Vec<String>,
    /// Whether there is a line of air before what is about the run.
    air: bool,
    /// The first field that is drawn: where not all fit, those around the selected one.
    first: usize,
}

impl Rows {
    /// The policy's rule stands whole where all fields fit beside it, and while the policy is selected;
    /// the prompt takes up to half of what is left then.
    fn of(scene: &Scene<'_>, prompt: &str, area: Rect) -> Self {
        let form = scene.calls.form();
        let rows = usize::from(area.height).max(1);
        let all = Field::ALL.len();
        let spare = rows.saturating_sub(all);
        let rule = wrap(form.policy.rule(), usize::from(area.width - INDENT).max(1));
        let room = match scene.calls.field() {
            Field::Policy => spare.max(rows / 2),
            _ => spare,
        };
        let rule = clipped(rule, room, usize::from(area.width - INDENT));
        let spare = spare.saturating_sub(rule.len());
        let needs = wrap(&clean_lines(prompt), columns(area)).len();
        let more = needs.saturating_sub(1).min(spare);
        let at = Field::ALL
            .iter()
            .position(|field| *field == scene.calls.field());
        let (at, visible) = (at.unwrap_or(0), rows.saturating_sub(rule.len()).max(1));
        Self {
            prompt: 1 + more,
            air: spare > more,
            first: layout::scroll(at.saturating_sub(visible / 2), at, visible, all),
            rule,
        }
    }
}

/// Columns of the values.
fn columns(area: Rect) -> usize {
    usize::from(area.width.saturating_sub(LABEL)).max(1)
}

/// Draws every field, one below the other; the prompt and the policy's rule take what room is left.
pub(super) fn draw(scene: &Scene<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    if area.width <= INDENT {
        return;
    }
    let roles = *canvas.roles();
    let form = scene.calls.form();
    let editor = scene.calls.editor();
    let columns = columns(area);
    let typed = editor.filter(|editor| editor.field == Field::Prompt);
    let prompt = typed.map_or_else(|| form.prompt.clone(), Editor::text);
    let Rows {
        prompt: prompt_lines,
        rule,
        air,
        first,
    } = Rows::of(scene, &prompt, area);
    let mut pen = Pen::new(canvas, area);
    let mut edited: Option<Rect> = None;
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
            pen.canvas.mark(here);
        }
        let value = Rect {
            x: here.x + LABEL.min(here.width),
            width: here.width.saturating_sub(LABEL),
            ..here
        };
        let label_style = if selected { roles.text } else { roles.quiet };
        pen.canvas
            .put(here.x + 1, here.y, field.label(), label_style, value.x);
        let text = form.shown(*field);
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
        if matches!(
            field,
            Field::Model
                | Field::Policy
                | Field::Ending
                | Field::Broken
                | Field::Pace
                | Field::Cache
                | Field::Spread
                | Field::Batch
        ) {
            pen.canvas
                .put(x + 1, here.y, "▾", roles.quiet, here.right());
        }
        pen.skip();
        if *field == Field::Policy {
            for line in &rule {
                let here = pen.here();
                let style = if form.policy.ignores_hint() {
                    roles.tight
                } else {
                    roles.quiet
                };
                let x = here.x + INDENT;
                pen.canvas.put(x, here.y, line, style, here.right());
                pen.skip();
            }
        }
    }
    if let (Some(editor), Some(value)) = (editor, edited) {
        picker::draw(form, editor, canvas, value);
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
    let words = if form.batch {
        let n = form.requests();
        format!("{model} · {policy} · a batch of {n} · {tokens} tok")
    } else if form.is_single() {
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
