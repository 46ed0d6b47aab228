//! Keys, clicks and pastes: from what is pressed to what changes.

use super::{
    App, Frozen,
    command::{self, Command},
    effect::Effect,
    ground::{Ground, Reply},
    headroom::Headroom,
    layer::{Layer, Palette},
    layout,
    panel::Tab,
};
use crate::domain::{
    board::Pool,
    call::CallOrder,
    id::{ClientId, ModelId},
    observation::Source,
    retry::Policy,
    spend::Prices,
    time::Time,
    usage::Usage,
};
use crossterm::event::{
    Event as Input, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent,
    MouseEventKind,
};

/// The text of a probe: one short user message.
const PROBE_PROMPT: &str = "Hi";
/// Input tokens that a probe takes at most (claude-api facts, "one-token probe": 8 to 10).
const PROBE_INPUT: u64 = 12;

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
        let up = matches!(key.code, KeyCode::Up);
        let down = matches!(key.code, KeyCode::Down);
        match &mut self.layer {
            Layer::None => {}
            Layer::Help(first) => match key.code {
                KeyCode::Up | KeyCode::Char('k') => *first = first.saturating_sub(1),
                KeyCode::Down | KeyCode::Char('j') => *first = first.saturating_add(1).min(200),
                KeyCode::PageUp => *first = first.saturating_sub(10),
                KeyCode::PageDown => *first = first.saturating_add(10).min(200),
                _ => self.layer = Layer::None,
            },
            Layer::Filter => {
                let filter = match self.tab {
                    Tab::Events => &mut self.events.filter,
                    Tab::Headroom | Tab::Calls => &mut self.headroom.filter,
                };
                match key.code {
                    KeyCode::Enter => self.layer = Layer::None,
                    KeyCode::Esc => {
                        filter.clear();
                        self.layer = Layer::None;
                    }
                    _ => edit(filter, key),
                }
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
                        let here = self.profiles.get(self.front).map(|p| p.card.name.clone());
                        if let Some(name) = chosen
                            && Some(&name) != here.as_ref()
                        {
                            return Reply::of(Effect::SwitchProfile(name));
                        }
                    }
                    _ => self.layer = Layer::None,
                }
            }
            Layer::Ask(_) => {
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
            Layer::Filter => match self.tab {
                Tab::Events => self.events.filter.push_str(&line),
                Tab::Headroom | Tab::Calls => self.headroom.filter.push_str(&line),
            },
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

    /// Carries out a command of the table, wherever it came from.
    pub fn command(&mut self, command: Command, now: Time) -> Reply {
        self.dirty = true;
        match command {
            Command::Quit => {
                self.quitting = true;
                return Reply::of(Effect::Quit);
            }
            Command::Suspend => return Reply::of(Effect::Suspend),
            Command::Repaint => return Reply::of(Effect::Repaint),
            Command::Help => self.layer = Layer::Help(0),
            Command::Palette => self.layer = Layer::Palette(Palette::open()),
            Command::NextTab => self.tab = self.tab.step(1),
            Command::PrevTab => self.tab = self.tab.step(-1),
            Command::Show(tab) => self.tab = tab,
            Command::Mouse => {
                self.mouse = !self.mouse;
                let word = if self.mouse { "on" } else { "off" };
                return Reply {
                    effects: vec![Effect::Mouse(self.mouse)],
                    said: Some(format!("Mouse {word}.")),
                };
            }
            Command::Filter if self.filter().is_some() => self.layer = Layer::Filter,
            _ if self.profiles.is_empty() => {
                return Reply::say("There is no profile yet: quit with q, then try ratetop demo.");
            }
            Command::Pause => self.pause(now),
            Command::Profiles => return self.open_profiles(),
            Command::PollLimits => {
                let can = self
                    .profiles
                    .get(self.front)
                    .is_some_and(|p| p.card.can_poll);
                return if can {
                    Reply {
                        effects: vec![Effect::PollLimits],
                        said: Some("Reading the limits.".to_owned()),
                    }
                } else {
                    Reply::say("This profile reads no limits: it has no Admin key.")
                };
            }
            Command::Probe => return self.ask_probe(now),
            Command::TestCall => return self.test_call(now),
            Command::Copy => return self.copy(now),
            _ => return self.move_or_open(command, now),
        }
        Reply::none()
    }

    fn pause(&mut self, now: Time) {
        if self.frozen.take().is_none()
            && let Some(profile) = self.profiles.get(self.front)
        {
            self.frozen = Some(Box::new(Frozen {
                at: now,
                profile: profile.clone(),
                ring: self.ring.clone(),
            }));
        }
    }

    fn open_profiles(&mut self) -> Reply {
        let Some(profile) = self.profiles.get(self.front) else {
            return Reply::none();
        };
        let card = &profile.card;
        if card.siblings.len() < 2 {
            return Reply::say(format!(
                "{} is the only profile; the config file may name more.",
                card.name
            ));
        }
        let here = card.siblings.iter().position(|name| *name == card.name);
        self.layer = Layer::Profiles(here.unwrap_or(0));
        Reply::none()
    }

    fn move_or_open(&mut self, command: Command, now: Time) -> Reply {
        match self.tab {
            Tab::Calls => self
                .calls(now, |calls, ground| Some(calls.command(command, ground)))
                .unwrap_or_default(),
            Tab::Headroom => {
                self.on_headroom(command, now);
                Reply::none()
            }
            Tab::Events => {
                self.on_events(command, now);
                Reply::none()
            }
        }
    }

    fn on_headroom(&mut self, command: Command, now: Time) {
        let mut state = std::mem::take(&mut self.headroom);
        if let Some(shown) = self.shown(now) {
            let rows = state.rows(&shown.profile.board);
            let at = state.place(&rows);
            let page = usize::from(layout::headroom(self.size, rows.len()).visible / 2).max(1);
            let pool = rows.get(at).copied();
            if let Some(line) = state.detail {
                let last = pool.map_or(0, |pool| Headroom::headers(pool).count().saturating_sub(1));
                match command {
                    Command::Back => state.detail = None,
                    Command::Left | Command::Right => {
                        if let Some(pool) = pool {
                            let by = if command == Command::Left { -1 } else { 1 };
                            state.step_gauge(pool, by, shown.at);
                        }
                    }
                    _ => state.detail = Some(moved(line, last, 10, command)),
                }
            } else {
                match command {
                    Command::Enter if pool.is_some() => state.detail = Some(0),
                    Command::Back => {
                        state.filter.clear();
                        state.gauge = None;
                    }
                    Command::Left | Command::Right => {
                        if let Some(pool) = pool {
                            let by = if command == Command::Left { -1 } else { 1 };
                            state.step_gauge(pool, by, shown.at);
                        }
                    }
                    _ => {
                        let to = moved(at, rows.len().saturating_sub(1), page, command);
                        if to != at {
                            state.select(&rows, to);
                        }
                        let visible = layout::headroom(self.size, rows.len()).visible;
                        state.first = layout::scroll(state.first, to, visible.into(), rows.len());
                    }
                }
            }
        }
        self.headroom = state;
    }

    fn on_events(&mut self, command: Command, now: Time) {
        let mut state = std::mem::take(&mut self.events);
        if let Some(shown) = self.shown(now) {
            let rows = state.rows(shown.ring);
            let at = state.place(&rows);
            let page = usize::from(layout::bands(self.size).rows / 2).max(1);
            if let Some(line) = state.open {
                let last = rows
                    .get(at)
                    .map_or(0, |notice| notice.evidence.len().saturating_sub(1));
                match command {
                    Command::Back => state.open = None,
                    _ => state.open = Some(moved(line, last, 10, command)),
                }
            } else {
                match command {
                    Command::Enter => {
                        // What is being read must not move away under the reader.
                        if let Some(notice) = rows.get(at) {
                            state.seq = Some(notice.seq);
                            state.open = Some(0);
                        }
                    }
                    Command::Back => state.filter.clear(),
                    _ => {
                        let to = moved(at, rows.len().saturating_sub(1), page, command);
                        state.select(&rows, to);
                        let visible = usize::from(layout::bands(self.size).rows).max(1);
                        state.first = layout::scroll(state.first, to, visible, rows.len());
                    }
                }
            }
        }
        self.events = state;
    }

    /// Lends tab 2 what it may look at.
    fn calls<T>(
        &mut self,
        now: Time,
        react: impl FnOnce(&mut super::calls::Calls, &mut Ground<'_>) -> Option<T>,
    ) -> Option<T> {
        let profile = self.profiles.get_mut(self.front)?;
        let mut ground = Ground {
            now,
            card: &profile.card,
            board: &profile.board,
            timeline: &profile.timeline,
            answers: &profile.answers,
            prices: &self.started.prices,
            read_only: self.started.read_only,
            next_call: &mut self.next_call,
        };
        react(&mut profile.calls, &mut ground)
    }

    fn selected_pool(&self) -> Option<&Pool> {
        let board = &self.profiles.get(self.front)?.board;
        let rows = self.headroom.rows(board);
        rows.get(self.headroom.place(&rows)).copied()
    }

    fn test_call(&mut self, now: Time) -> Reply {
        let model = self
            .selected_pool()
            .and_then(|pool| pool.models.first().cloned());
        self.tab = Tab::Calls;
        self.calls(now, |calls, _| {
            if let Some(model) = &model {
                calls.choose_model(model);
            }
            Some(Reply::none())
        })
        .unwrap_or_default()
    }

    /// The pool's model for a probe and what it costs at most: the cheapest one with a price.
    fn probe_model(&self) -> Result<(ModelId, Option<f64>, String), String> {
        let Some(pool) = self.selected_pool() else {
            return Err("There is no pool to probe yet.".to_owned());
        };
        let name = pool.name.clone();
        cheapest(&pool.models, &self.started.prices)
            .map(|(model, usd)| (model, usd, name.clone()))
            .ok_or_else(|| format!("{name} serves no messages: there is nothing to probe."))
    }

    fn ask_probe(&mut self, now: Time) -> Reply {
        let (_, usd, name) = match self.probe_model() {
            Ok(found) => found,
            Err(why) => return Reply::say(why),
        };
        let may = self.calls(now, |_, ground| Some(ground.may_send(usd)));
        if let Some(Err(why)) = may {
            return Reply::say(why);
        }
        let Some(profile) = self.profiles.get(self.front) else {
            return Reply::none();
        };
        if profile.card.spend.free || profile.probe_accepted {
            return self.probe(now);
        }
        let cost = usd.map_or_else(
            || "an unknown amount".to_owned(),
            |usd| format!("about ${usd:.6}"),
        );
        self.layer = Layer::Ask(format!(
            "A probe of {name} is a real call: one request, about 10 input tokens, 1 output token, {cost}."
        ));
        Reply::none()
    }

    fn probe(&mut self, now: Time) -> Reply {
        let (model, usd, name) = match self.probe_model() {
            Ok(found) => found,
            Err(why) => return Reply::say(why),
        };
        self.calls(now, |_, ground| {
            Some(match ground.may_send(usd) {
                Err(why) => Reply::say(why),
                Ok(()) => Reply {
                    effects: vec![Effect::Call(CallOrder {
                        call: ground.new_call(),
                        client: ClientId::from("me"),
                        source: Source::Probe,
                        model,
                        prompt: PROBE_PROMPT.to_owned(),
                        max_tokens: 1,
                        stream: false,
                        policy: Policy::None,
                        attempts: 1,
                    })],
                    said: Some(format!("Probing {name}.")),
                },
            })
        })
        .unwrap_or_default()
    }

    fn copy(&mut self, now: Time) -> Reply {
        let text = match self.tab {
            Tab::Calls => self.calls(now, |calls, ground| calls.copyable(ground)),
            Tab::Headroom => self.copy_headroom(now),
            Tab::Events => self.shown(now).and_then(|shown| {
                let rows = self.events.rows(shown.ring);
                let notice = rows.get(self.events.place(&rows))?;
                Some(match (self.events.open, &notice.request) {
                    (Some(line), _) if !notice.evidence.is_empty() => {
                        notice.evidence[line.min(notice.evidence.len() - 1)].clone()
                    }
                    (_, Some(request)) => request.to_string(),
                    _ => notice.sentence.clone(),
                })
            }),
        };
        match text {
            Some(text) => Reply {
                said: Some(format!(
                    "Copied: {}",
                    crate::domain::clean::clean(&text, 60)
                )),
                effects: vec![Effect::Copy(text)],
            },
            None => Reply::say("There is nothing here to copy."),
        }
    }

    fn copy_headroom(&self, now: Time) -> Option<String> {
        let shown = self.shown(now)?;
        let rows = self.headroom.rows(&shown.profile.board);
        if let Some(line) = self.headroom.detail {
            let pool = rows.get(self.headroom.place(&rows))?;
            return Headroom::headers(pool)
                .nth(line)
                .map(|(name, value, _)| format!("{name}: {value}"));
        }
        let verdict = &shown.profile.refusal.as_ref()?.verdict;
        Some(match &verdict.request_id {
            Some(request) => request.to_string(),
            None => verdict.sentence.clone(),
        })
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
            let hit = layout::tabs(self.unread(), self.size)
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
            Tab::Events => Reply::none(),
        }
    }

    fn click_pool(&mut self, y: u16, now: Time) {
        let mut state = std::mem::take(&mut self.headroom);
        if let Some(shown) = self.shown(now)
            && state.detail.is_none()
        {
            let rows = state.rows(&shown.profile.board);
            let layout = layout::headroom(self.size, rows.len());
            if (layout.first..layout.first + layout.visible).contains(&y) {
                let place = state.first + usize::from(y - layout.first);
                if place < rows.len() {
                    state.select(&rows, place);
                }
            }
        }
        self.headroom = state;
    }
}

/// Where a selection at `at` goes.
fn moved(at: usize, last: usize, page: usize, command: Command) -> usize {
    match command {
        Command::Up => at.saturating_sub(1),
        Command::Down => (at + 1).min(last),
        Command::Top => 0,
        Command::Bottom => last,
        Command::PageUp => at.saturating_sub(page),
        Command::PageDown => (at + page).min(last),
        _ => at.min(last),
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

fn cheapest(models: &[ModelId], prices: &Prices) -> Option<(ModelId, Option<f64>)> {
    let usage = Usage {
        input_tokens: PROBE_INPUT,
        output_tokens: 1,
        ..Usage::default()
    };
    let least = models
        .iter()
        .filter_map(|model| Some((model, prices.cost(model, &usage)?)))
        .min_by(|a, b| a.1.total_cmp(&b.1));
    match least {
        Some((model, usd)) => Some((model.clone(), Some(usd))),
        None => models.first().map(|model| (model.clone(), None)),
    }
}
