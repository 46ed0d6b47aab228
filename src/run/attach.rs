//! Reads a headless tap's feed for the screen, for as long as the program runs: after a break it comes
//! back and goes on where it was, and says since when it was gone and what it missed.

use super::hub::Shared;
use crate::{
    api::{
        attach::{self, Stream},
        connection::{AuthStyle, Connection, Version},
    },
    app::{
        event::{Attached, Event, ProfileCard},
        profile::blank_card,
    },
    domain::{
        clean::clean,
        feed::wire::{Hello, Told},
        notice::{Draft, NoticeKind, Weight},
        time::{Time, seconds_between, spoken},
    },
    net::{
        base::Base,
        outbound::{Options, Outbound},
    },
};
use std::{sync::Arc, time::Duration};

/// Between two attempts to come back: at first, and at most.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// The other end says something every 15 s at least.
const SILENCE: Duration = Duration::from_secs(45);
/// A feed has no end.
const YEAR: Duration = Duration::from_hours(24 * 365);
/// Clocks that differ by more than this many seconds make ages wrong.
const SKEW_S: f64 = 2.0;

/// A tap somewhere else, whose feed the screen shows.
#[derive(Clone, Debug)]
pub struct Watching {
    connection: Arc<Connection>,
    /// The profile on the screen: host and port of the admin address. What stands in its path may be a
    /// token and is not shown.
    pub name: Arc<str>,
}

/// Where the reading stands.
#[derive(Debug, Default)]
struct Standing {
    /// The number of the last line that was taken.
    last: u64,
    /// The run of the program that numbered it.
    run: Option<String>,
    /// Since when there is no connection, and why.
    lost: Option<(Time, String)>,
    /// What the last hello made of the profile.
    card: Option<ProfileCard>,
    skew_told: bool,
}

/// Why a stream is left.
enum Left {
    /// It ended; one sentence.
    Lost(String),
    /// Another run speaks, which counts from the beginning, and so must we.
    Anew,
}

impl Watching {
    /// The tap with that admin address. Nothing is opened yet. The error is one sentence.
    pub fn of(url: &str) -> Result<Self, String> {
        let base = Base::parse(url)?;
        let name: Arc<str> = base.host_and_port().into();
        let options = Options {
            gap: SILENCE,
            longest_stream: YEAR,
            most_bytes: u64::MAX,
            // No key travels.
            allow_plain_http: true,
            ..Options::default()
        };
        let connection = Connection {
            host: base.host_and_port(),
            transport: Arc::new(Outbound::new(base, options)?),
            key: None,
            auth: AuthStyle::default(),
            version: Version::default(),
            workspace: None,
            fast: false,
            profile: Arc::clone(&name),
        };
        Ok(Self {
            connection: Arc::new(connection),
            name,
        })
    }

    /// What the screen knows before anything was heard.
    pub fn card(&self) -> ProfileCard {
        let mut card = blank_card(Arc::clone(&self.name));
        card.cannot_call_because = Some(format!(
            "This screen only looks on at the tap of {}: make test calls with `ratetop` and a profile of \
             your own.",
            self.name
        ));
        card.attached = Some(Attached { lost_since: None });
        card
    }

    /// Reads for as long as the program runs.
    pub async fn read(self, shared: Arc<Shared>) {
        let mut standing = Standing::default();
        let mut wait = AGAIN.0;
        loop {
            let left = match attach::open(&self.connection, standing.last).await {
                Err(why) => Left::Lost(why),
                Ok(mut stream) => {
                    wait = AGAIN.0;
                    let left = self.follow(&mut stream, &mut standing, &shared).await;
                    standing.last = stream.last;
                    left
                }
            };
            match left {
                Left::Anew => standing.last = 0,
                Left::Lost(why) => {
                    self.lost(why, &mut standing, &shared).await;
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(AGAIN.1);
                }
            }
        }
    }

    /// Says that the connection is gone; the same trouble once, however often it is met.
    async fn lost(&self, why: String, standing: &mut Standing, shared: &Shared) {
        let now = shared.ground().clock.now();
        let since = standing.lost.as_ref().map_or(now, |(since, _)| *since);
        if standing.lost.as_ref().is_some_and(|(_, said)| *said == why) {
            return;
        }
        let mut card = standing.card.clone().unwrap_or_else(|| self.card());
        card.attached = Some(Attached {
            lost_since: Some(since),
        });
        shared.tell(Event::Profile(Box::new(card))).await;
        let sentence = format!("{}; trying again.", why.trim_end_matches('.'));
        self.note(sentence, Weight::Warning, shared).await;
        standing.lost = Some((since, why));
    }

    async fn note(&self, sentence: String, weight: Weight, shared: &Shared) {
        let draft = Draft {
            at: shared.ground().clock.now(),
            weight,
            kind: NoticeKind::Note,
            sentence,
            evidence: Vec::new(),
            request: None,
        };
        shared.tell(Event::Noted(draft)).await;
    }

    /// Passes on what is told until the stream ends; why it did.
    async fn follow(&self, stream: &mut Stream, standing: &mut Standing, shared: &Shared) -> Left {
        loop {
            let told = match stream.next().await {
                Ok(told) => told,
                Err(why) => return Left::Lost(why),
            };
            let profile = Arc::clone(&self.name);
            let event = match told {
                Told::Hello(hello) => {
                    if self.greeted(*hello, stream.last, standing, shared).await {
                        continue;
                    }
                    return Left::Anew;
                }
                Told::Missed(lines) => {
                    // What was known before the gap may have ended within it.
                    shared.tell(Event::Anew(profile)).await;
                    let sentence = format!(
                        "{lines} lines of {} were dropped before they could be read: what is left is \
                         shown from the beginning.",
                        self.name
                    );
                    self.note(sentence, Weight::Warning, shared).await;
                    continue;
                }
                Told::Seen(seen) => Event::Observed {
                    profile,
                    seen: Arc::new(*seen),
                },
                Told::Totals(totals) => Event::Traffic { profile, totals },
            };
            shared.tell(event).await;
        }
    }

    /// Takes in who speaks; whether what follows goes on from where we are.
    async fn greeted(
        &self,
        hello: Hello,
        known: u64,
        standing: &mut Standing,
        shared: &Shared,
    ) -> bool {
        let now = shared.ground().clock.now();
        let before = standing.run.replace(hello.run.clone());
        let other = before.as_ref().is_some_and(|run| *run != hello.run);
        if other {
            shared.tell(Event::Anew(Arc::clone(&self.name))).await;
            let sentence = format!(
                "The tap at {} was started anew; what it saw before is gone.",
                self.name
            );
            self.note(sentence, Weight::Warning, shared).await;
            if known > 0 {
                return false;
            }
        }
        let card = self.introduced(&hello);
        standing.card = Some(card.clone());
        shared.tell(Event::Profile(Box::new(card))).await;
        if let (Some((since, _)), Some(_)) = (standing.lost.take(), before) {
            let gone = spoken(seconds_between(since, now));
            let sentence = format!("Attached to {} again after {gone}.", self.name);
            self.note(sentence, Weight::Info, shared).await;
        }
        let skew = hello.at.map_or(0.0, |at| seconds_between(at, now));
        if skew.abs() > SKEW_S && !std::mem::replace(&mut standing.skew_told, true) {
            let sentence = format!(
                "The clock at {} differs from this one by {}: ages are wrong by as much.",
                self.name,
                spoken(skew.abs())
            );
            self.note(sentence, Weight::Warning, shared).await;
        }
        true
    }

    fn introduced(&self, hello: &Hello) -> ProfileCard {
        let mut card = self.card();
        card.host = clean(&hello.upstream, 64);
        card.workspace = hello.workspace.as_deref().map(Into::into);
        card.tap = Some(clean(&hello.tap, 64));
        card.chaos = hello.chaos.as_deref().map(|name| clean(name, 64));
        card
    }
}
