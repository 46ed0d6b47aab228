//! What keys and clicks do on tab 3.

use super::Traffic;
use crate::{
    app::{App, acts::moved, calls::view::View, command::Command, layout, profile::Profile},
    domain::time::Time,
};

/// Lines that the headers of a request may take, for scrolling; drawing clamps again.
const HEADERS_MOST: usize = 200;
/// Lines of the totals that are neither a client nor a model: heads, causes, drops.
const TOTALS_MORE: usize = 12;

impl App {
    pub(in crate::app) fn on_traffic(&mut self, command: Command, now: Time) {
        match command {
            Command::Sort => {
                self.each_shown(|profile| {
                    let Profile {
                        passed, timeline, ..
                    } = profile;
                    passed.next_sort(timeline);
                });
                self.traffic.first = 0;
            }
            Command::Back if self.traffic.open.is_none() && self.traffic.totals.is_none() => {
                self.filter_traffic("");
            }
            _ => {
                let mut state = std::mem::take(&mut self.traffic);
                if let Some(shown) = self.shown(now) {
                    let visible = usize::from(layout::traffic(self.size).visible);
                    state.react(command, shown.profile, visible);
                }
                self.traffic = state;
            }
        }
    }

    /// A click selects a request; on the selected one it opens the details.
    pub(in crate::app) fn click_traffic(&mut self, y: u16, now: Time) {
        let mut state = std::mem::take(&mut self.traffic);
        let layout = layout::traffic(self.size);
        if let (Some(shown), None, None) = (self.shown(now), &state.open, state.totals) {
            let index = &shown.profile.passed.index;
            let line = y
                .checked_sub(layout.list)
                .filter(|line| *line < layout.visible);
            if let Some(line) = line {
                let here = state.place(index);
                let visible = usize::from(layout.visible);
                let first = layout::scroll(state.first, here, visible, index.len());
                let place = first + usize::from(line);
                if let Some(id) = index.at(place) {
                    if place == here {
                        state.id = Some(id);
                        state.react(Command::Enter, shown.profile, visible);
                    } else {
                        state.select(index, place);
                    }
                    state.first = first;
                }
            }
        }
        self.traffic = state;
    }

    /// Filters the list, also the frozen one.
    pub(in crate::app) fn filter_traffic(&mut self, filter: &str) {
        self.each_shown(|profile| {
            let Profile {
                passed, timeline, ..
            } = profile;
            passed.index.filter_by(filter, timeline);
        });
        self.traffic.first = 0;
    }

    /// Does it to the profile in front, and to its frozen copy.
    fn each_shown(&mut self, change: impl Fn(&mut Profile)) {
        if let Some(profile) = self.profiles.get_mut(self.front) {
            change(profile);
        }
        if let Some(frozen) = &mut self.frozen {
            change(&mut frozen.profile);
        }
    }

    /// What `y` copies on tab 3: the attempt's request id, else its verdict, else client and model.
    pub(in crate::app) fn copy_traffic(&self, now: Time) -> Option<String> {
        let shown = self.shown(now)?;
        let call = self.traffic.call(shown.profile)?;
        let view = self.traffic.open.clone().unwrap_or_default();
        let attempt = view.judged(call).or_else(|| view.attempt(call))?;
        let id = attempt.request.as_ref().map(ToString::to_string);
        id.or_else(|| Some(attempt.verdict.as_ref()?.sentence.clone()))
    }
}

impl Traffic {
    fn react(&mut self, command: Command, profile: &Profile, visible: usize) {
        if let Some(first) = self.totals {
            let lines = profile
                .passed
                .totals()
                .map_or(0, |all| all.clients.len() + all.models.len() + TOTALS_MORE);
            let last = lines.saturating_sub(visible);
            self.totals = match command {
                Command::Back | Command::Totals | Command::Enter => None,
                _ => Some(moved(first, last, visible.max(2) / 2, command)),
            };
            return;
        }
        if self.open.is_some() {
            self.in_details(command, profile);
            return;
        }
        let index = &profile.passed.index;
        let here = self.place(index);
        match command {
            Command::Totals => self.totals = Some(0),
            Command::Enter => {
                // What is being read must not move away under the reader.
                if let Some(id) = index.at(here) {
                    self.id = Some(id);
                    self.at = here;
                    self.open = Some(View {
                        evidence: true,
                        ..View::default()
                    });
                }
            }
            _ => {
                let last = index.len().saturating_sub(1);
                let to = moved(here, last, visible.max(2) / 2, command);
                if to != here {
                    self.select(index, to);
                }
                self.first = layout::scroll(self.first, to, visible, index.len());
            }
        }
    }

    fn in_details(&mut self, command: Command, profile: &Profile) {
        let step = match command {
            Command::OlderCall => 1,
            Command::NewerCall => -1,
            _ => 0,
        };
        if step != 0 {
            let index = &profile.passed.index;
            let place = self.id.and_then(|id| index.place(id)).unwrap_or(self.at);
            let to = place
                .saturating_add_signed(step)
                .min(index.len().saturating_sub(1));
            if let Some(id) = index.at(to) {
                self.id = Some(id);
                self.at = to;
                self.kept = None;
                self.open = Some(View {
                    evidence: true,
                    ..View::default()
                });
            }
            return;
        }
        let call = self.call(profile).cloned();
        let Some(view) = &mut self.open else { return };
        match (command, call) {
            (Command::Back, _) => {
                self.open = None;
                self.kept = None;
            }
            (Command::PrevAttempt | Command::Left, Some(call)) => view.step_attempt_of(&call, -1),
            (Command::NextAttempt | Command::Right, Some(call)) => view.step_attempt_of(&call, 1),
            (Command::Up, _) => view.scroll(-1, HEADERS_MOST),
            (Command::Down, _) => view.scroll(1, HEADERS_MOST),
            (Command::PageUp, _) => view.scroll(-8, HEADERS_MOST),
            (Command::PageDown, _) => view.scroll(8, HEADERS_MOST),
            (Command::Top, _) => view.up = 0,
            (Command::ZoomIn, _) => view.zoom(1),
            (Command::ZoomOut, _) => view.zoom(-1),
            (Command::PanLeft, _) => view.pan(-1.0),
            (Command::PanRight, _) => view.pan(1.0),
            _ => {}
        }
    }
}
