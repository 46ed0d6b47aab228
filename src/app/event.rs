//! What can happen to the app.

use crate::domain::{
    batch::Standing,
    count::Count,
    id::CallId,
    load::run::RunEnd,
    notice::Draft,
    observation::Observation,
    retry::Policy,
    spend::{Prices, Spend},
    tier::Tiers,
    time::Time,
    traffic::Totals,
};
use std::sync::Arc;

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A key, a click, a paste, a resize, as the terminal tells it.
    Input(crossterm::event::Event),
    /// A source saw something; it belongs to the board of that profile.
    Observed {
        /// The profile whose connection it came from.
        profile: Arc<str>,
        /// What was seen.
        seen: Arc<Observation>,
    },
    /// What a profile's tap has counted so far; it stands for what it said before.
    Traffic {
        /// The profile whose tap it is.
        profile: Arc<str>,
        /// Everything since the tap began.
        totals: Box<Totals>,
    },
    /// A piece of the answer of a test call. Kept on screen only, never stored.
    Text {
        /// The profile whose call it is.
        profile: Arc<str>,
        /// The call.
        call: CallId,
        /// The attempt, from 1.
        attempt: u32,
        /// What to append.
        delta: String,
    },
    /// The making of a run has ended; nothing more is seen of its calls.
    RunEnded {
        /// The profile whose run it is.
        profile: Arc<str>,
        /// Its first call.
        first: CallId,
        /// How.
        end: Box<RunEnd>,
    },
    /// What is known of a message batch.
    Batch {
        /// The profile whose batch it is.
        profile: Arc<str>,
        /// By which it is known.
        id: CallId,
        /// What is known.
        standing: Box<Standing>,
        /// Whether nothing more comes of it.
        over: bool,
    },
    /// A prompt's tokens were counted, or could not be.
    Counted {
        /// The profile whose form asked.
        profile: Arc<str>,
        /// What came of it.
        count: Box<Count>,
    },
    /// A profile is ready, or its state changed.
    Profile(Box<ProfileCard>),
    /// A profile's tap listens after all: its port has become free.
    Tapped {
        /// The profile.
        profile: Arc<str>,
        /// Where.
        address: String,
    },
    /// The spend of a profile changed.
    Spent {
        /// Whose.
        profile: Arc<str>,
        /// Now.
        spend: Spend,
    },
    /// Something of the tool itself failed; one sentence, already cleaned of keys.
    Fault(String),
    /// Something worth a line of tab 7 and at the foot of the screen.
    Noted(Draft),
    /// What was seen of a profile counts no more: it is told from the beginning.
    Anew(Arc<str>),
    /// Something worth a line at the foot of the screen for a few seconds.
    Said(String),
    /// The clock was corrected by that many seconds (a laptop that slept).
    ClockJumped(f64),
    /// SIGTERM and the like: end as `q` does.
    Terminate,
}

/// What the app may know of a profile. No key in it.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfileCard {
    /// Its name in the config file, `env`, or `demo`.
    pub name: Arc<str>,
    /// Host and port of its base URL, for the header line.
    pub host: String,
    /// Whether it has an API key: without one there are no calls.
    pub can_call: bool,
    /// Why not, in one sentence.
    pub cannot_call_because: Option<String>,
    /// Whether limits are polled.
    pub can_poll: bool,
    /// Where its tap listens, `127.0.0.1:4788`, while it has one.
    pub tap: Option<String>,
    /// Whether this screen only looks on at a tap elsewhere.
    pub attached: Option<Attached>,
    /// The plan by which its tap breaks answers on purpose, if it does.
    pub chaos: Option<String>,
    /// Of a demo whose point a call may miss: how to meet it, in a sentence or two.
    pub meet: Option<Arc<str>>,
    /// Its workspace, where the profile names one.
    pub workspace: Option<crate::domain::id::WorkspaceId>,
    /// Percent left below which a gauge is tight, and below which it is critical.
    pub thresholds: Thresholds,
    /// What the form of tab 2 starts with.
    pub form: FormDefaults,
    /// Spent so far, and the caps.
    pub spend: Spend,
    /// All profile names, for the switcher.
    pub siblings: Vec<Arc<str>>,
}

impl ProfileCard {
    /// Whether all it learns comes from traffic of others: it has a tap, or looks on at one, and can
    /// make no calls.
    pub const fn only_hears(&self) -> bool {
        !self.can_call && (self.tap.is_some() || self.attached.is_some())
    }
}

/// A connection to a tap elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attached {
    /// Since when it does not stand, by our clock.
    pub lost_since: Option<Time>,
}

/// When a gauge changes its look, percent left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Below: tight. 25 unless configured.
    pub tight_percent: f64,
    /// Below: critical. 10 unless configured.
    pub critical_percent: f64,
}

/// What the form of tab 2 starts with.
#[derive(Clone, Debug, PartialEq)]
pub struct FormDefaults {
    /// A model id.
    pub model: String,
    /// The prompt.
    pub prompt: String,
    /// `max_tokens`.
    pub max_tokens: u32,
    /// Whether to stream.
    pub stream: bool,
    /// The policy.
    pub policy: Policy,
    /// Attempts; none means the policy's own number.
    pub attempts: Option<u32>,
    /// Policies to choose from: built in, and of the config file.
    pub policies: Arc<[Policy]>,
}

/// The first thing a fresh app is told: see `App::new`.
#[derive(Clone, Debug)]
pub struct Started {
    /// When.
    pub at: Time,
    /// Seconds east of UTC, for showing times.
    pub local_offset_s: i32,
    /// Whether mouse clicks are wanted.
    pub mouse: bool,
    /// Whether anything that costs is refused.
    pub read_only: bool,
    /// Columns and rows of the terminal; later ones come as `Event::Input(Resize)`.
    pub size: (u16, u16),
    /// What calls cost.
    pub prices: Arc<Prices>,
    /// Pools, members and tiers as the dated table has them.
    pub tiers: Arc<Tiers>,
}
