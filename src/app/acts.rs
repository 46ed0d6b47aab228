//! Commands of the table, and what each changes.

use super::{
    App, Frozen,
    command::Command,
    effect::Effect,
    ground::Reply,
    headroom::Headroom,
    layer::{Layer, Palette},
    layout,
    panel::Tab,
};
use crate::domain::{retry::code::Target, time::Time};

impl App {
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
                    ask: None,
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
                let attached = self
                    .front_card()
                    .is_some_and(|card| card.attached.is_some());
                return if attached {
                    Reply::say("The tap that is shown reads its limits by itself.")
                } else if can {
                    Reply {
                        effects: vec![Effect::PollLimits],
                        said: Some("Reading the limits.".to_owned()),
                        ask: None,
                    }
                } else {
                    Reply::say("This profile reads no limits: it has no Admin key.")
                };
            }
            Command::Probe => return self.ask_probe(now),
            Command::TestCall => return self.test_call(now),
            Command::Copy => return self.copy(now),
            Command::Code => self.layer = Layer::Code(Target::Python, 0),
            _ => return self.move_or_open(command, now),
        }
        Reply::none()
    }

    pub(super) fn pause(&mut self, now: Time) {
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
            Tab::Traffic => {
                self.on_traffic(command, now);
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
            let rows = state.rows(&shown.profile.board, shown.at);
            let at = state.place(&rows);
            let lines = Headroom::lines(&rows, &shown.profile.board);
            let visible = layout::headroom(self.size, lines.len()).visible;
            let page = usize::from(visible / 2).max(1);
            let pool = rows.get(at).copied();
            if matches!(command, Command::Enter | Command::Left | Command::Right) {
                state.select(&rows, at);
            }
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
                    Command::Sort => {
                        state.tightest_first = !state.tightest_first;
                        state.first = 0;
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
                        state.scroll_to(&lines, to, visible.into());
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
            let at = state.place(shown.ring, &rows);
            let page = usize::from(layout::bands(self.size).rows / 2).max(1);
            if let Some((line, notice)) = state.opened(shown.ring) {
                let last = notice.evidence.len().saturating_sub(1);
                match command {
                    Command::Back => state.open = None,
                    _ => state.open = Some(moved(line, last, 10, command)),
                }
            } else {
                match command {
                    Command::Enter => {
                        // What is being read must not move away under the reader.
                        if let Some(row) = rows.get(at) {
                            state.seq = Some(row.newest.seq);
                            state.open = Some(0);
                        }
                    }
                    Command::Back => state.filter.clear(),
                    Command::Fold => state.each = !state.each,
                    _ => {
                        let to = moved(at, rows.len().saturating_sub(1), page, command);
                        state.select(&rows, to);
                        state.first = state.lines(self.size, shown.ring, &rows).first;
                    }
                }
            }
        }
        self.events = state;
    }
}

/// Where a selection at `at` goes.
pub(super) fn moved(at: usize, last: usize, page: usize, command: Command) -> usize {
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
