//! Keys, clicks and pastes: from what is pressed to what changes.

use super::{
    App,
    command::{self, Command},
    effect::Effect,
    ground::Reply,
    headroom::{Headroom, Line},
    help::Page,
    layer::{Costs, Layer},
    layout,
    panel::Tab,
};
use crate::domain::time::Time;
use crossterm::event::{
    Event as Input, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent,
    MouseEventKind,
};

impl App {
    pub(super) fn input(&mut self, input: Input, now: Time) -> Reply {
        match input {
            Input::Key(key) if key.kind != KeyEventKind::Release => self.key(key, now),
            Input::Mouse(mouse) if self.mouse => self.click(mouse, now),
            Input::Paste(text) => {
                self.paste(&text);
                Reply::none()
            }
            Input::Resize(width, height) => {
                self.size = (width, height);
                Reply::none()
            }
            _ => Reply::none(),
        }
    }

    fn key(&mut self, key: KeyEvent, now: Time) -> Reply {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            // These work whatever is open.
            match key.code {
                KeyCode::Char('c') => return self.command(Command::Quit, now),
                KeyCode::Char('z') => return self.command(Command::Suspend, now),
                KeyCode::Char('l') => return self.command(Command::Repaint, now),
                _ => {}
            }
        }
        if self.layer != Layer::None {
            return self.layer_key(key, now);
        }
        if self.tab == Tab::Calls
            && let Some(reply) = self.calls(now, |calls, ground| {
                calls.takes_text().then(|| calls.text_key(key, ground))
            })
        {
            return reply;
        }
        let before = self.before.take();
        let found = command::find(&key, before, self.tab);
        if found.is_none()
            && let KeyCode::Char(c) = key.code
        {
            self.before = Some(c);
        }
        found.map_or_else(Reply::none, |command| self.command(command, now))
    }

    fn layer_key(&mut self, key: KeyEvent, now: Time) -> Reply {
        if let Layer::Code(target, first) = self.layer {
            return self.code_key(key, target, first);
        }
        let up = matches!(key.code, KeyCode::Up);
        let down = matches!(key.code, KeyCode::Down);
        match &mut self.layer {
            Layer::None | Layer::Code(..) => {}
            Layer::Help(first) => {
                let page = Page::of(self.tab, self.size);
                let (last, leap) = (page.last(), page.visible as u16);
                let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
                *first = (*first).min(last);
                match key.code {
                    KeyCode::Up | KeyCode::Char('k') => *first = first.saturating_sub(1),
                    KeyCode::Down | KeyCode::Char('j') => *first = (*first + 1).min(last),
                    KeyCode::PageUp => *first = first.saturating_sub(leap),
                    KeyCode::Char('u') if ctrl => *first = first.saturating_sub(leap),
                    KeyCode::PageDown => *first = (*first + leap).min(last),
                    KeyCode::Char('d') if ctrl => *first = (*first + leap).min(last),
                    KeyCode::Home | KeyCode::Char('g') => *first = 0,
                    KeyCode::End | KeyCode::Char('G') => *first = last,
                    _ => self.layer = Layer::None,
                }
            }
            Layer::Filter => {
                let mut filter = self.filter().unwrap_or_default().to_owned();
                match key.code {
                    KeyCode::Enter => self.layer = Layer::None,
                    KeyCode::Esc => {
                        filter.clear();
                        self.layer = Layer::None;
                    }
                    _ => edit(&mut filter, key),
                }
                self.filter_by(filter);
            }
            Layer::Palette(palette) => match key.code {
                KeyCode::Esc => self.layer = Layer::None,
                KeyCode::Enter => {
                    let chosen = palette.chosen();
                    self.layer = Layer::None;
                    if let Some(row) = chosen {
                        if row.works_on(self.tab) {
                            return self.command(row.command, now);
                        }
                        if let Some(tab) = row.places.first() {
                            self.tab = *tab;
                            return self.command(row.command, now);
                        }
                    }
                }
                _ if up => palette.selected = palette.selected.saturating_sub(1),
                _ if down || key.code == KeyCode::Tab => {
                    let last = palette.hits.len().saturating_sub(1);
                    palette.selected = (palette.selected + 1).min(last);
                }
                _ => {
                    edit(&mut palette.query, key);
                    palette.search();
                }
            },
            Layer::Profiles(selected) => {
                let siblings = self
                    .profiles
                    .get(self.front)
                    .map_or(&[][..], |profile| &profile.card.siblings);
                let last = siblings.len().saturating_sub(1);
                match key.code {
                    KeyCode::Up | KeyCode::Char('k') => *selected = selected.saturating_sub(1),
                    KeyCode::Down | KeyCode::Char('j') => *selected = (*selected + 1).min(last),
                    KeyCode::Enter => {
                        let chosen = siblings.get(*selected).cloned();
                        self.layer = Layer::None;
                        let here = self.profiles.get(self.front).map(|p| &p.card.name);
                        // Who stays here takes back a choice that has not come yet.
                        if let Some(name) = chosen
                            && Some(&name) != self.chosen.as_ref().or(here)
                        {
                            return Reply::of(Effect::SwitchProfile(name));
                        }
                    }
                    _ => self.layer = Layer::None,
                }
            }
            Layer::Ask(_, Costs::Run) => {
                self.layer = Layer::None;
                if matches!(key.code, KeyCode::Char('y') | KeyCode::Enter) {
                    let sent = self.calls(now, |calls, ground| Some(calls.confirmed(ground)));
                    return sent.unwrap_or_default();
                }
                return Reply::say("Not sent.");
            }
            Layer::Ask(_, Costs::Probe) => {
                self.layer = Layer::None;
                if matches!(key.code, KeyCode::Char('p' | 'y') | KeyCode::Enter) {
                    if let Some(profile) = self.profiles.get_mut(self.front) {
                        profile.probe_accepted = true;
                    }
                    return self.probe(now);
                }
                return Reply::say("Not sent.");
            }
        }
        Reply::none()
    }

    fn paste(&mut self, text: &str) {
        let line = crate::domain::clean::clean(text, 400);
        match &mut self.layer {
            Layer::Filter => {
                let filter = format!("{}{line}", self.filter().unwrap_or_default());
                self.filter_by(filter);
            }
            Layer::Palette(palette) => {
                palette.query.push_str(&line);
                palette.search();
            }
            Layer::None if self.tab == Tab::Calls => {
                if let Some(profile) = self.profiles.get_mut(self.front) {
                    profile.calls.paste(text);
                }
            }
            _ => {}
        }
    }

    fn click(&mut self, mouse: MouseEvent, now: Time) -> Reply {
        match mouse.kind {
            MouseEventKind::ScrollDown => return self.command(Command::Down, now),
            MouseEventKind::ScrollUp => return self.command(Command::Up, now),
            MouseEventKind::Down(MouseButton::Left) => {}
            _ => return Reply::none(),
        }
        if self.layer != Layer::None {
            self.layer = Layer::None;
            return Reply::none();
        }
        let bands = layout::bands(self.size);
        let (x, y) = (mouse.column, mouse.row);
        if bands.tabs == Some(y) {
            let hit = layout::tabs(self.tab, self.unread(), self.size)
                .find(|(_, at, width)| (*at..at + width).contains(&x));
            return hit.map_or_else(Reply::none, |(tab, ..)| {
                self.command(Command::Show(tab), now)
            });
        }
        if y < bands.body || y >= bands.body + bands.rows {
            return Reply::none();
        }
        match self.tab {
            Tab::Calls => {
                let at = (x, y - bands.body);
                let size = (self.size.0, bands.rows);
                self.calls(now, |calls, ground| Some(calls.click(at, size, ground)))
                    .unwrap_or_default()
            }
            Tab::Headroom => {
                self.click_pool(y, now);
                Reply::none()
            }
            Tab::Traffic => {
                self.click_traffic(y, now);
                Reply::none()
            }
            Tab::Events => {
                self.click_event(y, now);
                Reply::none()
            }
        }
    }

    /// The filter of the tab in front is that from now on.
    fn filter_by(&mut self, filter: String) {
        match self.tab {
            Tab::Events => self.events.filter = filter,
            Tab::Headroom => self.headroom.filter = filter,
            Tab::Traffic => self.filter_traffic(&filter),
            Tab::Calls => {}
        }
    }

    /// A click selects an event; on the selected one it opens the evidence.
    fn click_event(&mut self, y: u16, now: Time) {
        let mut state = std::mem::take(&mut self.events);
        if let Some(shown) = self.shown(now)
            && state.open.is_none()
        {
            let rows = state.rows(shown.ring);
            let (top, visible) = layout::events(self.size);
            let lines = state.lines(self.size, shown.ring, &rows);
            if let Some(line) = y.checked_sub(top).filter(|line| *line < visible)
                && let place = lines.place_at(line)
                && let Some(row) = rows.get(place)
            {
                if place == lines.place && state.seq.is_some() {
                    state.open = Some(0);
                }
                state.seq = Some(row.newest.seq);
                state.first = lines.first;
            }
        }
        self.events = state;
    }

    fn click_pool(&mut self, y: u16, now: Time) {
        let mut state = std::mem::take(&mut self.headroom);
        if let Some(shown) = self.shown(now)
            && state.detail.is_none()
        {
            let rows = state.rows(&shown.profile.board, shown.at);
            let lines = Headroom::lines(&rows, &shown.profile.board);
            let layout = layout::headroom(self.size, lines.len());
            if (layout.first..layout.first + layout.visible).contains(&y) {
                let at = state.place(&rows);
                let visible = usize::from(layout.visible);
                let line = Headroom::line_of(&lines, at);
                let first = layout::scroll(state.first, line, visible, lines.len());
                let line = first + usize::from(y - layout.first);
                if let Some(Line::Pool(place)) = lines.get(line) {
                    state.select(&rows, *place);
                }
            }
        }
        self.headroom = state;
    }
}

/// A line of text under a key.
fn edit(text: &mut String, key: KeyEvent) {
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Backspace => {
            text.pop();
        }
        KeyCode::Char('u') if ctrl => text.clear(),
        KeyCode::Char('w') if ctrl => {
            let kept = text.trim_end().rfind(' ').map_or(0, |at| at + 1);
            text.truncate(kept);
        }
        KeyCode::Char(c) if !ctrl && text.len() < 200 => text.push(c),
        _ => {}
    }
}
