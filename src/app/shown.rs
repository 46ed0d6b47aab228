//! What drawing reads of the app.

use super::{
    App, Toast,
    calls::{self, offers::Esc},
    command::Command,
    event::{ProfileCard, Started},
    events, headroom,
    layer::Layer,
    panel::Tab,
    profile::Profile,
    traffic,
};
use crate::domain::{notice::Ring, spend::Prices, time::Time};

/// What drawing looks at: live, or as it was at the pause.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// The moment that is shown.
    pub at: Time,
    /// Whether it is frozen.
    pub paused: bool,
    /// The profile in front.
    pub profile: &'a Profile,
    /// What happened.
    pub ring: &'a Ring,
    /// Seconds east of UTC, for showing times.
    pub offset_s: i32,
}

impl App {
    /// What to show; none without a profile.
    pub fn shown(&self, now: Time) -> Option<Shown<'_>> {
        if let Some(frozen) = &self.frozen {
            return Some(Shown {
                at: frozen.at,
                paused: true,
                profile: &frozen.profile,
                ring: &frozen.ring,
                offset_s: self.started.local_offset_s,
            });
        }
        self.profiles.get(self.front).map(|profile| Shown {
            at: now,
            paused: false,
            profile,
            ring: &self.ring,
            offset_s: self.started.local_offset_s,
        })
    }

    /// The card of the profile in front, live even while paused.
    pub fn front_card(&self) -> Option<&ProfileCard> {
        self.profiles.get(self.front).map(|profile| &profile.card)
    }

    /// The tab in front.
    pub fn tab(&self) -> Tab {
        self.tab
    }

    /// What lies over it.
    pub fn layer(&self) -> &Layer {
        &self.layer
    }

    /// The sentence at the foot of the screen, if there is one.
    pub fn toast(&self) -> Option<&Toast> {
        self.toast.as_ref()
    }

    /// State of tab 2, live also while paused: what is typed must be seen.
    pub fn test_calls(&self) -> Option<&calls::Calls> {
        self.profiles.get(self.front).map(|profile| &profile.calls)
    }

    /// State of tab 1.
    pub fn headroom(&self) -> &headroom::Headroom {
        &self.headroom
    }

    /// State of tab 7.
    pub fn events(&self) -> &events::Events {
        &self.events
    }

    /// State of tab 3.
    pub fn traffic(&self) -> &traffic::Traffic {
        &self.traffic
    }

    /// What the app was started with.
    pub fn started(&self) -> &Started {
        &self.started
    }

    /// What calls cost.
    pub fn prices(&self) -> &Prices {
        &self.started.prices
    }

    /// Whether something is open that Esc closes: a pool's details, a request's, an event's evidence.
    pub fn inside(&self) -> bool {
        match self.tab {
            Tab::Headroom => self.headroom.detail.is_some(),
            Tab::Events => self.events.open.is_some(),
            Tab::Traffic => self.traffic.open.is_some() || self.traffic.totals.is_some(),
            Tab::Calls => false,
        }
    }

    /// Whether that command does something now: nothing is sent where no calls can be made, and what
    /// only looks on has no other profile.
    pub fn offers(&self, command: Command) -> bool {
        let Some(profile) = self.profiles.get(self.front) else {
            return true;
        };
        let card = &profile.card;
        let on_calls = self.tab == Tab::Calls;
        match command {
            Command::Probe | Command::TestCall => card.can_call,
            Command::Enter | Command::CountTokens if on_calls => card.can_call,
            Command::Profiles => card.attached.is_none() || card.siblings.len() > 1,
            _ if on_calls => profile
                .calls
                .offers(command, &profile.timeline, &profile.runs),
            _ => true,
        }
    }

    /// What Esc does on tab 2.
    pub fn esc(&self) -> Esc {
        let profile = self.profiles.get(self.front);
        profile.map_or(Esc::Nothing, |profile| {
            profile.calls.esc(&profile.timeline, &profile.runs)
        })
    }

    /// Events that came since tab 7 was last shown.
    pub fn unread(&self) -> u64 {
        if self.tab == Tab::Events {
            return 0;
        }
        self.ring.total().saturating_sub(self.events.read)
    }

    /// Whether mouse clicks are wanted.
    pub fn mouse(&self) -> bool {
        self.mouse
    }

    /// The filter of the tab in front, where that tab has one.
    pub fn filter(&self) -> Option<&str> {
        match self.tab {
            Tab::Headroom => Some(&self.headroom.filter),
            Tab::Events => Some(&self.events.filter),
            Tab::Traffic => {
                let profile = self.profiles.get(self.front)?;
                Some(profile.passed.index.filter())
            }
            Tab::Calls => None,
        }
    }
}
