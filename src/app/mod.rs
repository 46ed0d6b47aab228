//! State and how it changes: [`App::update`] takes an event and gives effects. Knows neither HTTP nor
//! the screen; time is an argument.
//!
//! To add a tab: a row in [`panel::PANELS`], its state in a file here, its picture in `ui`.
//! To add a key or command: a row in [`command::COMMANDS`], an arm in `App::command`.
//! To add something that happens: a variant of [`event::Event`], an arm in [`App::update`].

mod acts;
pub mod answers;
pub mod calls;
mod code;
pub mod command;
pub mod effect;
pub mod event;
pub mod events;
pub mod ground;
pub mod headroom;
pub mod help;
mod input;
pub mod layer;
pub mod layout;
pub mod panel;
pub mod profile;
pub mod runs;
mod sending;
mod shown;
mod toast;
pub mod traffic;

use crate::domain::{
    notice::{Draft, NoticeKind, Ring, Weight},
    time::{Time, after},
};
use effect::Effect;
use event::{Event, ProfileCard, Started};
use ground::Reply;
use layer::{Costs, Layer};
use panel::Tab;
use profile::Profile;
pub use shown::Shown;
use std::sync::Arc;
pub use toast::Toast;

/// Notices kept.
const NOTICES: usize = 500;
/// Seconds a sentence stays at the foot of the screen.
const TOAST_S: f64 = 6.0;

/// What is shown while paused: everything as it was then. Collection goes on behind it.
#[derive(Clone, Debug)]
struct Frozen {
    at: Time,
    profile: Profile,
    ring: Ring,
}

/// The whole state of the terminal program.
#[derive(Debug)]
pub struct App {
    started: Started,
    size: layout::Size,
    profiles: Vec<Profile>,
    front: usize,
    /// The profile that was chosen and is not there yet.
    chosen: Option<Arc<str>>,
    tab: Tab,
    layer: Layer,
    ring: Ring,
    frozen: Option<Box<Frozen>>,
    toast: Option<Toast>,
    /// The letter pressed just before, for `gg`.
    before: Option<char>,
    headroom: headroom::Headroom,
    events: events::Events,
    traffic: traffic::Traffic,
    next_call: u64,
    next_run: u64,
    mouse: bool,
    dirty: bool,
    quitting: bool,
}

impl App {
    /// A fresh app. Profiles come as [`Event::Profile`]; without one it shows what to do.
    pub fn new(started: Started) -> Self {
        Self {
            mouse: started.mouse,
            size: started.size,
            started,
            profiles: Vec::new(),
            front: 0,
            chosen: None,
            tab: Tab::Headroom,
            layer: Layer::None,
            ring: Ring::new(NOTICES),
            frozen: None,
            toast: None,
            before: None,
            headroom: headroom::Headroom::default(),
            events: events::Events::default(),
            traffic: traffic::Traffic::default(),
            next_call: 1,
            next_run: 0,
            dirty: true,
            quitting: false,
        }
    }

    /// Takes one event in; what is to be done comes back.
    pub fn update(&mut self, event: Event, now: Time) -> Vec<Effect> {
        self.expire(now);
        match event {
            Event::Input(input) => {
                let reply = self.input(input, now);
                return self.finish(reply, now);
            }
            Event::Observed { profile, seen } => {
                let at = self.profile_named(&profile);
                let (drafts, gone) = self.profiles[at].absorb(&seen);
                if let (Some(gone), true) = (gone, at == self.front) {
                    self.traffic.gone(&gone);
                }
                self.dirty |= self.toast.take_if(|toast| toast.ends_with(&seen)).is_some();
                let told = !drafts.is_empty();
                for draft in drafts {
                    self.tell(&profile, draft);
                }
                if self.frozen.is_none() && (at == self.front || told) {
                    self.dirty = true;
                    if self.headroom.key.is_none() {
                        self.follow_worst(now);
                    }
                }
                return self.profiles[at].overheard(&seen);
            }
            Event::Text {
                profile,
                call,
                attempt,
                delta,
            } => {
                let at = self.profile_named(&profile);
                self.profiles[at].hear(call, attempt, &delta);
                self.dirty |= self.frozen.is_none() && self.tab == Tab::Calls;
            }
            Event::Traffic { profile, totals } => {
                let at = self.profile_named(&profile);
                self.profiles[at].passed.take(*totals);
                self.dirty |= self.frozen.is_none() && at == self.front;
            }
            Event::RunEnded {
                profile,
                first,
                end,
            } => {
                let at = self.profile_named(&profile);
                self.profiles[at].runs.end(first, &end, now);
                self.dirty |= self.frozen.is_none();
            }
            Event::Batch {
                profile,
                id,
                standing,
                over,
            } => {
                let at = self.profile_named(&profile);
                self.profiles[at].runs.batch_told(id, *standing, over, now);
                self.dirty |= self.frozen.is_none();
            }
            Event::Counted { profile, count } => {
                let at = self.profile_named(&profile);
                self.say(count.sentence(), now);
                self.profiles[at].calls.counted(*count);
            }
            Event::Profile(card) => self.adopt(*card),
            Event::Tapped { profile, address } => {
                let at = self.profile_named(&profile);
                let sentence = format!("The tap of profile {profile} listens at {address} now.");
                self.profiles[at].card.tap = Some(address);
                self.ring.push(noted(sentence.clone(), now));
                self.say(sentence, now);
            }
            Event::Spent { profile, spend } => {
                let at = self.profile_named(&profile);
                self.profiles[at].card.spend = spend;
                self.dirty = true;
            }
            Event::Fault(sentence) => {
                self.ring.push(Draft {
                    at: now,
                    weight: Weight::Error,
                    kind: NoticeKind::Fault,
                    sentence: sentence.clone(),
                    evidence: Vec::new(),
                    request: None,
                });
                self.say(sentence, now);
            }
            Event::Noted(draft) => {
                let sentence = draft.sentence.clone();
                self.ring.push(draft);
                self.say(sentence, now);
            }
            Event::Anew(name) => {
                let at = self.profile_named(&name);
                let card = self.profiles[at].card.clone();
                self.profiles[at] = Profile::new(card, self.started.tiers.clone());
                self.dirty = true;
            }
            Event::Said(sentence) => self.say(sentence, now),
            Event::ClockJumped(seconds) => {
                self.ring.push(noted(
                    format!("The clock moved by {seconds:.0} s; ages count from now."),
                    now,
                ));
                if let Some(toast) = &mut self.toast {
                    toast.until = after(now, TOAST_S);
                }
                self.dirty = true;
            }
            Event::Terminate => {
                self.quitting = true;
                return vec![Effect::Quit];
            }
        }
        Vec::new()
    }

    /// When something on the screen changes next by itself; none when nothing does.
    pub fn next_wake(&self, now: Time) -> Option<Time> {
        let toast = self.toast.as_ref().map(|toast| toast.until);
        let shown = match (&self.frozen, self.profiles.get(self.front)) {
            (None, Some(profile)) => {
                // The clock of the header line, and with it every age, moves on the whole second.
                let second = next_second(now);
                let calls = (self.tab == Tab::Calls)
                    .then(|| {
                        profile
                            .calls
                            .next_wake(&profile.timeline, &profile.runs, now)
                    })
                    .flatten();
                Some(calls.map_or(second, |calls| calls.min(second)))
            }
            _ => None,
        };
        [toast, shown].into_iter().flatten().min()
    }

    /// Tells the app that the moment of [`App::next_wake`] has come.
    pub fn wake(&mut self, now: Time) {
        self.expire(now);
        if self.frozen.is_none() && !self.profiles.is_empty() {
            self.dirty = true;
            self.follow_worst(now);
        }
    }

    fn follow_worst(&mut self, now: Time) {
        if let Some(profile) = self.profiles.get(self.front) {
            let critical = profile.card.thresholds.critical_percent;
            self.headroom.follow_worst(&profile.board, critical, now);
        }
    }

    /// Whether something changed since the last draw.
    pub fn dirty(&self) -> bool {
        self.dirty
    }

    /// The same, and forgets it: call before drawing.
    pub fn take_dirty(&mut self) -> bool {
        if self.tab == Tab::Events && self.frozen.is_none() {
            self.events.read = self.ring.total();
        }
        std::mem::take(&mut self.dirty)
    }

    /// Whether `q` was pressed.
    pub fn quitting(&self) -> bool {
        self.quitting
    }

    fn expire(&mut self, now: Time) {
        if self.toast.as_ref().is_some_and(|toast| toast.until <= now) {
            self.toast = None;
            self.dirty = true;
        }
    }

    fn say(&mut self, sentence: impl Into<String>, now: Time) {
        self.toast = Some(Toast::new(sentence.into(), after(now, TOAST_S)));
        self.dirty = true;
    }

    fn tell(&mut self, profile: &str, mut draft: Draft) {
        if self.profiles.len() > 1 {
            draft.sentence = format!("{profile}: {}", draft.sentence);
        }
        self.ring.push(draft);
    }

    fn finish(&mut self, reply: Reply, now: Time) -> Vec<Effect> {
        self.dirty = true;
        if let Some(said) = reply.said {
            self.say(said, now);
            self.toast = self.toast.take().map(|toast| toast.of(&reply.effects));
        }
        if let Some(question) = reply.ask {
            self.layer = Layer::Ask(question, Costs::Run);
        }
        for effect in &reply.effects {
            let profile = self.profiles.get_mut(self.front);
            match (effect, profile) {
                // Whoever sends a call wants to see it.
                (Effect::Call(_), _) => self.frozen = None,
                (Effect::SwitchProfile(name), _) => self.chosen = Some(Arc::clone(name)),
                (Effect::Run(order), Some(profile)) => {
                    let prices = Arc::clone(&self.started.prices);
                    profile.runs.begin(order.clone(), now, prices);
                    self.frozen = None;
                }
                (Effect::Batch(order), Some(profile)) => {
                    profile.runs.begin_batch(order.clone(), now);
                    self.frozen = None;
                }
                (Effect::HoldRun(first, held), Some(profile)) => profile.runs.hold(*first, *held),
                (Effect::Cancel(call), Some(profile)) => profile.runs.cancelled(*call),
                _ => {}
            }
        }
        reply.effects
    }

    fn profile_named(&mut self, name: &Arc<str>) -> usize {
        let known = self.profiles.iter().position(|p| p.card.name == *name);
        known.unwrap_or_else(|| {
            let card = profile::blank_card(name.clone());
            self.profiles
                .push(Profile::new(card, self.started.tiers.clone()));
            self.profiles.len() - 1
        })
    }

    /// Takes a card in. It comes to the front only if it was chosen: another profile's card may come late,
    /// when its server answers or its models are listed.
    fn adopt(&mut self, card: ProfileCard) {
        self.dirty = true;
        let chosen = self.chosen.take_if(|name| *name == card.name).is_some();
        let known = self.profiles.iter().position(|p| p.card.name == card.name);
        let at = if let Some(at) = known {
            let profile = &mut self.profiles[at];
            if profile.card.workspace != card.workspace && profile.board.pools().is_empty() {
                *profile = Profile::new(card, self.started.tiers.clone());
            } else {
                profile.calls.adopt(&card);
                profile.card = card;
            }
            at
        } else {
            self.profiles
                .push(Profile::new(card, self.started.tiers.clone()));
            self.profiles.len() - 1
        };
        if chosen && at != self.front {
            self.front = at;
            self.frozen = None;
            self.headroom = headroom::Headroom::default();
            self.traffic = traffic::Traffic::default();
        }
    }
}

fn next_second(now: Time) -> Time {
    let into = f64::from(now.timestamp_subsec_nanos() % 1_000_000_000) / 1e9;
    after(now, 1.0 - into)
}

/// Something that is good to know.
fn noted(sentence: String, at: Time) -> Draft {
    Draft {
        at,
        weight: Weight::Info,
        kind: NoticeKind::Note,
        sentence,
        evidence: Vec::new(),
        request: None,
    }
}
