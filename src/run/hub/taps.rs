//! The taps that profiles want beside the screen: opened with their profile, once, and served for as long
//! as the program runs.

use super::shared::{Shared, lock};
use crate::{
    app::event::{Event, ProfileCard},
    cli::profile::Profile,
    run::{
        session::Session,
        tap::{Inside, Listening, Neighbours, say_what_is_waited_for},
    },
    tap::hear::Known,
};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

/// How long an ended program waits for what flows through a tap; the tap's own patience, and a little.
const PATIENCE: Duration = Duration::from_millis(10_500);

/// Taps by profile; none while one opens, or where it could not.
pub(super) type Taps = Mutex<HashMap<Arc<str>, Option<Listening>>>;

impl Shared {
    /// Opens the tap that a profile wants, unless that was tried before. Where it cannot listen it says
    /// why, and the screen goes on without.
    pub(super) async fn open_tap(self: &Arc<Self>, profile: &Profile) {
        let name = Arc::clone(&profile.name);
        let others = {
            let mut taps = lock(&self.taps);
            if taps.contains_key(&name) {
                return;
            }
            let others = taps.values().flatten().map(|tap| tap.address).collect();
            taps.insert(Arc::clone(&name), None);
            others
        };
        let around = Neighbours {
            env: &self.ground().env,
            clock: self.ground().clock.clone(),
            taps: others,
            events: self.events(),
        };
        match Inside::open(profile, around).await {
            Ok(None) => {}
            Ok(Some((inside, passing))) => {
                lock(&self.taps).insert(name, Some(inside.listener()));
                self.spawn("the way from the tap to the screen", passing);
                self.spawn("counting what passes the tap", inside.counting());
                self.spawn_to_its_end(inside.serve(self.stop().clone()));
            }
            Err(error) => {
                let why = format!("No tap: {error:#}.");
                self.tell(Event::Fault(why)).await;
            }
        }
    }

    /// Where a profile's tap listens.
    pub fn tap(&self, profile: &Arc<str>) -> Option<SocketAddr> {
        Some(lock(&self.taps).get(profile)?.as_ref()?.address)
    }

    /// A session for the screen, with its tap.
    pub(super) fn card(&self, session: &Session, siblings: &[Arc<str>]) -> ProfileCard {
        let mut card = session.card(siblings);
        card.tap = self
            .tap(&session.profile.name)
            .map(|address| address.to_string());
        card
    }

    /// Tells a profile's tap what polls have brought, for judging refusals.
    pub(super) fn tell_tap(&self, session: &Session) {
        let taps = lock(&self.taps);
        if let Some(Some(tap)) = taps.get(&session.profile.name) {
            let (groups, overrides) = session.known();
            let workspace = session.profile.workspace.as_ref();
            tap.know(Known {
                groups,
                overrides,
                workspace: workspace.map(|id| id.value.clone()),
            });
        }
    }

    /// How long what flows through taps is waited for, if anything does. What passes to a simulator of
    /// this program ends with it.
    pub(super) fn patience_of_taps(&self) -> Option<Duration> {
        self.ground().state.as_ref()?;
        let taps = lock(&self.taps);
        let under_way = taps.values().flatten().map(Listening::under_way).sum();
        if under_way == 0 {
            return None;
        }
        say_what_is_waited_for(under_way);
        Some(PATIENCE)
    }
}
