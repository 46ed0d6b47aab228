//! Keys of the layer that shows the form's policy as code.

use super::{App, effect::Effect, ground::Reply, layer::Layer};
use crate::domain::retry::code::Target;
use crossterm::event::{KeyCode, KeyEvent};

/// Lines that a page key moves by.
const PAGE: u16 = 10;

impl App {
    /// The form's policy as code; none without a profile.
    pub fn code(&self, target: Target) -> Option<String> {
        Some(self.test_calls()?.form().plan().code(target))
    }

    pub(super) fn code_key(&mut self, key: KeyEvent, target: Target, first: u16) -> Reply {
        let lines = self.code(target).map_or(0, |code| code.lines().count()) as u16;
        let last = lines.saturating_sub(1);
        let layer = match key.code {
            KeyCode::Left | KeyCode::Char('h') => Layer::Code(target.step(-1), 0),
            KeyCode::Right | KeyCode::Char('l') | KeyCode::Tab => Layer::Code(target.step(1), 0),
            KeyCode::Up | KeyCode::Char('k') => Layer::Code(target, first.saturating_sub(1)),
            KeyCode::Down | KeyCode::Char('j') => Layer::Code(target, (first + 1).min(last)),
            KeyCode::PageUp => Layer::Code(target, first.saturating_sub(PAGE)),
            KeyCode::PageDown => Layer::Code(target, (first + PAGE).min(last)),
            _ => Layer::None,
        };
        self.layer = layer;
        match (key.code, self.code(target)) {
            (KeyCode::Enter | KeyCode::Char('y'), Some(code)) => Reply {
                said: Some(format!("Copied {lines} lines for {}.", target.title())),
                effects: vec![Effect::Copy(code)],
                ask: None,
            },
            _ => Reply::none(),
        }
    }
}
