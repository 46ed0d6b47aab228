//! The editor of one field: a text with a cursor, and beneath it choices to pick from.

use super::form::Field;
use crate::domain::{id::undated, near::meant};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui_textarea::{CursorMove, TextArea};

/// Bytes that an editor holds at most; more is refused, not cut silently: the field says so.
const BYTES_MAX: usize = 4 * super::form::PROMPT_MAX;

/// One field being edited.
#[derive(Clone, Debug)]
pub struct Editor {
    /// Which.
    pub field: Field,
    /// The text and its cursor.
    pub area: TextArea<'static>,
    /// What may be picked, in order.
    pub choices: Vec<String>,
    /// The picked choice; none while the text counts.
    pub picked: Option<usize>,
    /// Whether nothing but a choice is a value.
    pub only_choices: bool,
    /// Whether something was typed, which the choices are then searched for.
    searched: bool,
}

/// What a key did to an editor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    /// The text or the choice changed, or nothing did.
    Stays,
    /// The value is to be taken, and the selection moves by that many fields.
    Done(isize),
    /// The value is to be forgotten.
    Abandoned,
}

impl Editor {
    /// An editor that starts with the field's value, and with what may be picked instead.
    pub fn open(field: Field, text: &str, choices: Vec<String>) -> Self {
        let mut area = TextArea::new(text.split('\n').map(str::to_owned).collect());
        area.move_cursor(CursorMove::Bottom);
        area.move_cursor(CursorMove::End);
        area.set_max_histories(200);
        let mut editor = Self {
            field,
            area,
            choices,
            picked: None,
            only_choices: false,
            searched: false,
        };
        editor.picked = editor.choices.iter().position(|choice| choice == text);
        editor
    }

    /// Whether letters are text; where only a choice is possible they move.
    pub const fn is_text(&self) -> bool {
        !matches!(
            self.field,
            Field::Stream | Field::Ending | Field::Broken | Field::Batch
        )
    }

    /// The value as it stands. What is typed in a field with choices looks for one of them: the first
    /// that fits counts, and the text itself only where none does.
    pub fn text(&self) -> String {
        let typed = || self.area.lines().join("\n");
        match self.picked.and_then(|at| self.choices.get(at)) {
            Some(choice) => choice.clone(),
            None if self.choices.is_empty() => typed(),
            None => {
                let text = typed();
                let exact = self.choices.contains(&text);
                let first = self
                    .matching()
                    .first()
                    .map(|(_, choice)| (*choice).to_owned());
                first
                    .filter(|_| !exact && !text.trim().is_empty())
                    .unwrap_or(text)
            }
        }
    }

    /// Why the value as it stands is none.
    pub fn problem(&self) -> Option<String> {
        let text = self.text();
        if let Some(problem) = self.field.problem(&text) {
            return Some(problem);
        }
        let text = text.trim();
        let is_choice = |text: &str| self.choices.iter().any(|choice| choice == text);
        let known = is_choice(text) || undated(text).is_some_and(is_choice);
        if !self.only_choices || self.choices.is_empty() || known {
            return None;
        }
        if text.is_empty() {
            return Some("choose one".to_owned());
        }
        let choices = self.choices.iter().map(String::as_str);
        let meant = meant(text, choices);
        Some(match self.field {
            Field::Model => format!("no model of this organization{meant}"),
            _ => format!("no {} is called so{meant}", self.field.label()),
        })
    }

    /// Choices that contain what is typed (all of them until something is typed), with their places.
    pub fn matching(&self) -> Vec<(usize, &str)> {
        let typed = self.area.lines().join("").trim().to_lowercase();
        self.choices
            .iter()
            .enumerate()
            .filter(|(_, choice)| !self.searched || choice.to_lowercase().contains(&typed))
            .map(|(at, choice)| (at, choice.as_str()))
            .collect()
    }

    /// One key. Enter takes the value; Ctrl-J, Alt-Enter or Shift-Enter is a new line in the prompt.
    pub fn key(&mut self, key: KeyEvent) -> Typed {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let held = key
            .modifiers
            .intersects(KeyModifiers::ALT | KeyModifiers::SHIFT | KeyModifiers::CONTROL);
        let newline =
            (key.code == KeyCode::Enter && held) || (ctrl && key.code == KeyCode::Char('j'));
        if newline {
            if self.field == Field::Prompt {
                self.area.insert_newline();
            }
            return Typed::Stays;
        }
        match key.code {
            KeyCode::Esc => return Typed::Abandoned,
            KeyCode::Enter => return Typed::Done(0),
            KeyCode::Tab => return Typed::Done(1),
            KeyCode::BackTab => return Typed::Done(-1),
            KeyCode::Char('m') if ctrl => return Typed::Done(0),
            KeyCode::Down if !self.choices.is_empty() => self.pick(1),
            KeyCode::Up if !self.choices.is_empty() => self.pick(-1),
            _ if !self.is_text() => match key.code {
                KeyCode::Char('j' | 'l' | ' ') | KeyCode::Right => self.pick(1),
                KeyCode::Char('k' | 'h') | KeyCode::Left => self.pick(-1),
                _ => {}
            },
            _ => {
                let grows = matches!(key.code, KeyCode::Char(_)) && !ctrl;
                // A letter after a choice begins a search; any other key edits what was chosen.
                if let Some(choice) = self.picked.and_then(|at| self.choices.get(at)).cloned() {
                    self.replace(if grows { "" } else { &choice });
                }
                // As in a shell; the widget's own meaning is to undo.
                let clears = ctrl && key.code == KeyCode::Char('u');
                let changed = if clears {
                    self.area.delete_line_by_head()
                } else {
                    (!grows || self.len() < BYTES_MAX) && self.area.input(key)
                };
                if changed {
                    self.picked = None;
                    self.searched = true;
                }
                if self.field != Field::Prompt && self.area.lines().len() > 1 {
                    let joined = self.area.lines().join(" ");
                    self.replace(&joined);
                }
            }
        }
        Typed::Stays
    }

    /// Text from the clipboard. Control characters go; in fields of one line newlines become spaces.
    pub fn paste(&mut self, text: &str) {
        if !self.is_text() {
            return;
        }
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let one_line = self.field != Field::Prompt;
        let room = BYTES_MAX.saturating_sub(self.len());
        let mut kept = String::new();
        for c in text.chars() {
            let c = if c == '\t' || (one_line && c == '\n') {
                ' '
            } else {
                c
            };
            if (c.is_control() && c != '\n') || kept.len() + c.len_utf8() > room {
                continue;
            }
            kept.push(c);
        }
        self.area.insert_str(kept);
        self.picked = None;
        self.searched = true;
    }

    fn len(&self) -> usize {
        self.area.lines().iter().map(|line| line.len() + 1).sum()
    }

    fn replace(&mut self, text: &str) {
        let choices = std::mem::take(&mut self.choices);
        *self = Self {
            searched: self.searched,
            only_choices: self.only_choices,
            ..Self::open(self.field, text, choices)
        };
    }

    fn pick(&mut self, by: isize) {
        let places: Vec<usize> = self.matching().into_iter().map(|(at, _)| at).collect();
        if places.is_empty() {
            return;
        }
        let last = places.len() - 1;
        let here = self
            .picked
            .and_then(|at| places.iter().position(|place| *place == at));
        let to = match here {
            None if by > 0 => 0,
            None => last,
            Some(here) => here.saturating_add_signed(by).min(last),
        };
        self.picked = Some(places[to]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::calls::form::Form;
    use proptest::prelude::*;

    fn press(editor: &mut Editor, code: KeyCode) -> Typed {
        editor.key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn models() -> Vec<String> {
        ["claude-opus-5-5", "claude-haiku-4-5"]
            .map(str::to_owned)
            .to_vec()
    }

    #[test]
    fn a_model_is_picked_or_typed() {
        let mut editor = Editor::open(Field::Model, "claude-opus-5-5", models());
        assert_eq!(editor.text(), "claude-opus-5-5");
        press(&mut editor, KeyCode::Down);
        assert_eq!(editor.text(), "claude-haiku-4-5");
        press(&mut editor, KeyCode::Backspace);
        press(&mut editor, KeyCode::Char('x'));
        assert_eq!(editor.text(), "claude-haiku-4-x");
        assert!(editor.matching().is_empty());
        assert_eq!(press(&mut editor, KeyCode::Enter), Typed::Done(0));
    }

    #[test]
    fn letters_look_for_a_model_anew_and_the_first_that_fits_is_taken() {
        let mut editor = Editor::open(Field::Model, "claude-opus-5-5", models());
        for letter in "haiku".chars() {
            press(&mut editor, KeyCode::Char(letter));
        }
        assert_eq!(editor.matching(), [(1, "claude-haiku-4-5")]);
        assert_eq!(editor.text(), "claude-haiku-4-5");
        for letter in "-9".chars() {
            press(&mut editor, KeyCode::Char(letter));
        }
        assert_eq!(
            editor.text(),
            "haiku-9",
            "no model fits, so the text counts"
        );
    }

    #[test]
    fn a_model_that_the_organization_does_not_have_is_refused_with_the_nearest() {
        let mut editor = Editor::open(Field::Model, "claude-opus-5-5", models());
        editor.only_choices = true;
        let ctrl_u = KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL);
        let mut typed = |text: &str| {
            editor.key(ctrl_u);
            for letter in text.chars() {
                press(&mut editor, KeyCode::Char(letter));
            }
            editor.problem()
        };
        assert_eq!(typed("claude-haiku-4-5"), None);
        assert_eq!(
            typed("claude-haiku-4-5-20251001"),
            None,
            "the same with its date"
        );
        let why = typed("claude-opus-5-4").unwrap();
        assert!(why.contains("did you mean `claude-opus-5-5`"), "{why}");
        assert_eq!(typed("").as_deref(), Some("name a model"));
    }

    #[test]
    fn a_prompt_gets_new_lines_without_being_sent() {
        let mut editor = Editor::open(Field::Prompt, "one", Vec::new());
        let ctrl_j = KeyEvent::new(KeyCode::Char('j'), KeyModifiers::CONTROL);
        let alt_enter = KeyEvent::new(KeyCode::Enter, KeyModifiers::ALT);
        assert_eq!(editor.key(ctrl_j), Typed::Stays);
        press(&mut editor, KeyCode::Char('2'));
        assert_eq!(editor.key(alt_enter), Typed::Stays);
        assert_eq!(editor.text(), "one\n2\n");
    }

    #[test]
    fn a_paste_keeps_lines_only_where_there_are_some() {
        let mut prompt = Editor::open(Field::Prompt, "", Vec::new());
        prompt.paste("a\r\nb\u{1b}[2J\tc");
        assert_eq!(prompt.text(), "a\nb[2J c");
        let mut model = Editor::open(Field::Model, "", Vec::new());
        model.paste("claude\nopus");
        assert_eq!(model.text(), "claude opus");
    }

    #[test]
    fn letters_move_where_only_choices_are_possible() {
        let choices = Form::default().choices(Field::Stream, &[]);
        let mut editor = Editor::open(Field::Stream, "on", choices);
        press(&mut editor, KeyCode::Char('j'));
        assert_eq!(editor.text(), "off");
        press(&mut editor, KeyCode::Char('q'));
        assert_eq!(editor.text(), "off");
        assert_eq!(press(&mut editor, KeyCode::Esc), Typed::Abandoned);
    }

    #[test]
    fn a_policy_is_looked_for_by_letters_also_after_the_line_was_cleared() {
        let choices = Form::default().choices(Field::Policy, &[]);
        let all = choices.len();
        let mut editor = Editor::open(Field::Policy, "hint-jitter", choices);
        editor.only_choices = true;
        assert_eq!(editor.matching().len(), all, "all until something is typed");
        editor.key(KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL));
        assert_eq!(editor.area.lines(), [""]);
        assert_eq!(editor.problem().as_deref(), Some("choose one"));
        assert_eq!(
            editor.matching().len(),
            all,
            "nothing typed excludes nothing"
        );
        for letter in "jitter".chars() {
            press(&mut editor, KeyCode::Char(letter));
        }
        let found = |editor: &Editor| {
            editor
                .matching()
                .iter()
                .map(|it| it.1.to_owned())
                .collect::<Vec<_>>()
        };
        assert!(
            found(&editor).iter().all(|name| name.contains("jitter")),
            "{:?}",
            found(&editor)
        );
        assert_eq!(found(&editor).len(), 5);
        press(&mut editor, KeyCode::Down);
        press(&mut editor, KeyCode::Down);
        assert_eq!(
            editor.text(),
            found(&editor)[1],
            "arrows move among what was found"
        );
        assert_eq!(found(&editor).len(), 5);
        // A whole name finds what contains it, and is itself taken.
        editor.key(KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL));
        for letter in "sdk".chars() {
            press(&mut editor, KeyCode::Char(letter));
        }
        assert_eq!(found(&editor), ["sdk", "sdk-classic"]);
        assert_eq!(editor.text(), "sdk");
    }

    proptest! {
        #[test]
        fn any_keys_leave_a_valid_editor(
            field in 0_usize..Field::ALL.len(),
            keys in prop::collection::vec((0_u8..12, any::<char>(), 0_u8..8), 0..80),
        ) {
            let field = Field::ALL[field];
            let choices = Form::default().choices(field, &models());
            let mut editor = Editor::open(field, "a", choices);
            for (which, c, modifiers) in keys {
                let code = [KeyCode::Enter, KeyCode::Backspace, KeyCode::Left, KeyCode::Right, KeyCode::Up,
                    KeyCode::Down, KeyCode::Delete, KeyCode::Home, KeyCode::End, KeyCode::Char(c), KeyCode::Char('j'),
                    KeyCode::Char('y')][usize::from(which)];
                editor.key(KeyEvent::new(code, KeyModifiers::from_bits_truncate(modifiers)));
                if c == 'p' { editor.paste("x\ny"); }
                prop_assert!(field == Field::Prompt || !editor.text().contains('\n'));
                prop_assert!(editor.picked.is_none_or(|at| at < editor.choices.len()));
            }
        }
    }
}
