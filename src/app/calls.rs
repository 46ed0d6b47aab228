//! State of tab 2: the form, the selected call. (In work.)

use super::{command::Command, ground::Ground, ground::Reply};
use crate::domain::{id::ModelId, time::Time};
use crossterm::event::KeyEvent;

/// State of tab 2, one for each profile.
#[derive(Clone, Debug, Default)]
pub struct Calls {}

impl Calls {
    /// The profile's card is here, or changed: the form's defaults.
    pub fn adopt(&mut self, card: &super::event::ProfileCard) {
        let _ = card;
    }

    /// Sets the form's model (`t` on a pool).
    pub fn choose_model(&mut self, model: &ModelId) {
        let _ = model;
    }

    /// Whether keys are text for a field now; then they come to [`Calls::text_key`].
    pub fn takes_text(&self) -> bool {
        false
    }

    /// A key while a field is edited.
    pub fn text_key(&mut self, key: KeyEvent, ground: &mut Ground<'_>) -> Reply {
        let _ = (key, ground);
        Reply::none()
    }

    /// A bracketed paste while a field is edited.
    pub fn paste(&mut self, text: &str) {
        let _ = text;
    }

    /// A command of the table, while tab 2 is shown and it is not one of the app's own.
    pub fn command(&mut self, command: Command, ground: &mut Ground<'_>) -> Reply {
        let _ = (command, ground);
        Reply::none()
    }

    /// A click at a cell of the tab's own area (0, 0 is its top left; `size` its columns and rows).
    pub fn click(&mut self, at: (u16, u16), size: (u16, u16), ground: &mut Ground<'_>) -> Reply {
        let _ = (at, size, ground);
        Reply::none()
    }

    /// What `y` copies here: the selected attempt's request id.
    pub fn copyable(&self, ground: &Ground<'_>) -> Option<String> {
        let _ = ground;
        None
    }

    /// When something on tab 2 changes next by itself (countdowns, growing bars); none when nothing
    /// does.
    pub fn next_wake(
        &self,
        timeline: &crate::domain::timeline::Timeline,
        now: Time,
    ) -> Option<Time> {
        let _ = (timeline, now);
        None
    }
}
