//! Carries out what the app wants done: calls, polls, profiles. Every task ends with the hub, and one
//! that panics is told as a fault, not passed over.
//!
//! | part | what |
//! | --- | --- |
//! | this | which profile is in front, and what each effect starts |
//! | `batch` | a message batch: making one, telling how it stands |
//! | `crowd` | runs of many calls: making one, holding it back |
//! | `shared` | what tasks share: the way to the screen, sessions, dice; running one, making a call |
//! | `standing` | what a session does unasked: waits for its server, polls, probes |
//! | `taps` | the taps that profiles want beside the screen |
//! | `ear` | what calls tell, as events |

mod batch;
mod crowd;
pub mod ear;
mod shared;
mod standing;
mod taps;

pub use shared::Shared;

use super::session::{Ground, Session};
use crate::{
    api::call::Driver,
    app::{effect::Effect, event::Event},
    cli::profile::Profile,
    domain::{
        batch::{BatchOrder, Standing},
        call::CallOrder,
        count::CountOrder,
        load::run::RunOrder,
    },
};
use shared::{Working, lock};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc::Sender;

/// How long an ended program waits for its tasks.
const PATIENCE: Duration = Duration::from_secs(2);

/// Everything that works for the screen.
pub struct Hub {
    shared: Arc<Shared>,
    profiles: Vec<Arc<Profile>>,
    front: Arc<str>,
}

impl Hub {
    /// A hub for these profiles. Nothing is opened yet.
    pub fn new(
        profiles: Vec<Arc<Profile>>,
        front: Arc<str>,
        ground: Ground,
        events: Sender<Event>,
        dice: fastrand::Rng,
    ) -> Self {
        Self {
            shared: Arc::new(Shared::new(events, ground, dice)),
            profiles,
            front,
        }
    }

    /// Opens the profile in front.
    pub fn start(&self) {
        self.open(&self.front);
    }

    /// What tasks share, for those that bring traffic of their own.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Carries out one effect. Those of the screen are the loop's own.
    pub fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Call(order) => self.call(order),
            Effect::Count(order) => self.count(order),
            Effect::Run(run) => self.make_run(run),
            Effect::Batch(asked) => self.make_batch(asked),
            Effect::HoldRun(first, held) => self.shared.hold(first, held),
            Effect::Overheard {
                first,
                at,
                model,
                levels,
            } => self.shared.overheard(first, at, &model, &levels),
            Effect::Cancel(call) => {
                if let Some(cancel) = lock(&self.shared.cancels).get(&call) {
                    cancel.cancel();
                }
            }
            Effect::PollLimits => match self.shared.working(&self.front) {
                Some(working) => working.poll_now.notify_one(),
                None => self.open(&self.front),
            },
            Effect::SwitchProfile(name) => {
                self.front = name;
                self.open(&self.front);
            }
            Effect::Copy(_)
            | Effect::Mouse(_)
            | Effect::Suspend
            | Effect::Repaint
            | Effect::Quit => {}
        }
    }

    /// Cards of all profiles, by name.
    pub fn names(&self) -> Vec<Arc<str>> {
        self.profiles
            .iter()
            .map(|profile| Arc::clone(&profile.name))
            .collect()
    }

    fn open(&self, name: &Arc<str>) {
        let Some(profile) = self.profiles.iter().find(|p| p.name == *name).cloned() else {
            self.shared.fault(format!("There is no profile {name}."));
            return;
        };
        let siblings = self.names();
        let shared = Arc::clone(&self.shared);
        self.shared.spawn("opening a profile", async move {
            let opening = match shared.working(&profile.name) {
                None => shared.begin_opening(&profile.name),
                Some(_) => None,
            };
            if let Some(known) = shared.working(&profile.name) {
                let card = shared.card(&known.session, &siblings);
                shared.tell(Event::Profile(Box::new(card))).await;
                return;
            }
            // Whoever asked first gets it, and its card comes to all.
            let Some(_opening) = opening else { return };
            match Session::open(profile, shared.ground()).await {
                Ok(session) => shared.start(session, &siblings).await,
                Err(error) => shared.tell(Event::Fault(format!("{error:#}."))).await,
            }
        });
    }

    fn count(&self, order: CountOrder) {
        let Some(working) = self.shared.working(&self.front) else {
            self.shared
                .fault(format!("Profile {} is not ready yet.", self.front));
            return;
        };
        let (shared, profile) = (Arc::clone(&self.shared), Arc::clone(&self.front));
        self.shared.spawn("counting tokens", async move {
            if let Some((count, seen)) = working.session.count(order).await {
                shared.observe(&profile, seen).await;
                let count = Box::new(count);
                shared.tell(Event::Counted { profile, count }).await;
            }
        });
    }

    /// The session in front with a driver whose calls show on its board; a fault says why there is none.
    fn driver(&self) -> Option<(Arc<Working>, Driver)> {
        let Some(working) = self.shared.working(&self.front) else {
            self.shared
                .fault(format!("Profile {} is not ready yet.", self.front));
            return None;
        };
        let ear = self.shared.ear(&self.front);
        let Some(driver) = working.session.driver(ear) else {
            self.shared
                .fault(format!("Profile {} has no API key.", self.front));
            return None;
        };
        Some((working, driver))
    }

    fn make_run(&self, run: RunOrder) {
        let first = run.order.call;
        let Some((working, driver)) = self.driver() else {
            self.shared.never_made(&self.front, first);
            return;
        };
        let shared = Arc::clone(&self.shared);
        let cancel = shared.stop.child_token();
        lock(&shared.cancels).insert(first, cancel.clone());
        self.shared.spawn("a run", async move {
            shared
                .make_many_whatever_comes(driver, &working.session, run, &cancel)
                .await;
            lock(&shared.cancels).remove(&first);
        });
    }

    fn make_batch(&self, asked: BatchOrder) {
        let id = asked.order.call;
        let Some((working, driver)) = self.driver() else {
            let (shared, profile) = (Arc::clone(&self.shared), Arc::clone(&self.front));
            self.shared.spawn("telling the end of a batch", async move {
                let standing = Standing {
                    unsent: Some("this profile cannot call".to_owned()),
                    ..Standing::default()
                };
                shared.tell_batch(&profile, id, standing, true).await;
            });
            return;
        };
        let shared = Arc::clone(&self.shared);
        let cancel = shared.stop.child_token();
        lock(&shared.cancels).insert(id, cancel.clone());
        self.shared.spawn("a batch", async move {
            shared
                .make_batch(driver, &working.session, asked, &cancel)
                .await;
            lock(&shared.cancels).remove(&id);
        });
    }

    fn call(&self, order: CallOrder) {
        let Some((working, driver)) = self.driver() else {
            return;
        };
        let shared = Arc::clone(&self.shared);
        let cancel = shared.stop.child_token();
        lock(&shared.cancels).insert(order.call, cancel.clone());
        self.shared.spawn("a test call", async move {
            shared
                .make(&driver, &working.session, &order, &cancel)
                .await;
            lock(&shared.cancels).remove(&order.call);
        });
    }

    /// Ends every task, two seconds at most.
    pub async fn shut_down(self) {
        self.shared.end(PATIENCE).await;
    }
}
