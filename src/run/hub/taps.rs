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

/// Between two tries of a port that another program has.
const TRY_AGAIN: Duration = Duration::from_secs(2);

/// Taps by profile; none while one opens, or where it could not.
pub(super) type Taps = Mutex<HashMap<Arc<str>, Option<Listening>>>;

impl Shared {
    /// Opens the tap that a profile wants, unless that was tried before. Where it cannot listen it says
    /// why, and the screen goes on without; a port that is taken is tried again.
    pub(super) async fn open_tap(self: &Arc<Self>, profile: &Arc<Profile>) {
        {
            let mut taps = lock(&self.taps);
            if taps.contains_key(&profile.name) {
                return;
            }
            taps.insert(Arc::clone(&profile.name), None);
        }
        let Err(error) = self.try_tap(profile).await else {
            return;
        };
        let mut why = format!("No tap: {error:#}.");
        if is_taken(&error) {
            why += " It listens there as soon as the port is free.";
            let (shared, profile) = (Arc::clone(self), Arc::clone(profile));
            self.spawn("waiting for the tap's port", async move {
                shared.wait_for_port(&profile).await;
            });
        }
        self.tell(Event::Fault(why)).await;
    }

    /// Tries it quietly, again and again.
    async fn wait_for_port(self: &Arc<Self>, profile: &Arc<Profile>) {
        loop {
            tokio::time::sleep(TRY_AGAIN).await;
            match self.try_tap(profile).await {
                Err(error) if is_taken(&error) => {}
                Err(error) => {
                    let why = format!("No tap: {error:#}.");
                    return self.tell(Event::Fault(why)).await;
                }
                Ok(()) => break,
            }
        }
        if let Some(working) = self.working(&profile.name) {
            self.tell_tap(&working.session);
        }
        if let Some(address) = self.tap(&profile.name) {
            let (profile, address) = (Arc::clone(&profile.name), address.to_string());
            self.tell(Event::Tapped { profile, address }).await;
        }
    }

    async fn try_tap(self: &Arc<Self>, profile: &Profile) -> anyhow::Result<()> {
        let taps: Vec<SocketAddr> = {
            let taps = lock(&self.taps);
            taps.values().flatten().map(|tap| tap.address).collect()
        };
        let around = Neighbours {
            env: &self.ground().env,
            clock: self.ground().clock.clone(),
            taps,
            events: self.events(),
        };
        if let Some((inside, passing)) = Inside::open(profile, around).await? {
            lock(&self.taps).insert(Arc::clone(&profile.name), Some(inside.listener()));
            self.spawn("the way from the tap to the screen", passing);
            self.spawn("counting what passes the tap", inside.counting());
            self.spawn_to_its_end(inside.serve(self.stop().clone()));
        }
        Ok(())
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

/// Whether another program listens there.
fn is_taken(error: &anyhow::Error) -> bool {
    let taken = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::AddrInUse;
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref())
        .any(taken)
}
