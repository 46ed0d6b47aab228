//! What the hub's tasks share: the way to the screen, the sessions at work, dice, and how one is run.

use super::{ear::ToScreen, taps::Taps};
use crate::{
    api::call::{Around, Driver, Ear, Share},
    app::event::Event,
    domain::{
        call::CallOrder,
        id::{CallId, ModelId},
        observation::Observation,
    },
    run::session::{Ground, Session},
};
use futures_util::{FutureExt, future::BoxFuture};
use std::{
    collections::{HashMap, HashSet},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{Notify, mpsc::Sender};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What tasks share with the hub.
pub struct Shared {
    events: Sender<Event>,
    ground: Ground,
    pub(super) stop: CancellationToken,
    tasks: TaskTracker,
    pub(super) sessions: Mutex<HashMap<Arc<str>, Arc<Working>>>,
    /// Profiles that are being opened.
    opening: Mutex<HashSet<Arc<str>>>,
    /// Rings when a session was added.
    pub(super) opened: Notify,
    pub(super) cancels: Mutex<HashMap<CallId, CancellationToken>>,
    /// What the calls of each run share, by its first call.
    pub(super) shares: Mutex<HashMap<CallId, Arc<Share>>>,
    pub(super) taps: Taps,
    dice: Mutex<fastrand::Rng>,
}

/// A session with what may be asked of its tasks.
pub(super) struct Working {
    pub(super) session: Session,
    pub(super) poll_now: Notify,
}

/// A profile that is being opened, until this is dropped.
pub(super) struct Opening(Arc<Shared>, Arc<str>);

impl Drop for Opening {
    fn drop(&mut self) {
        lock(&self.0.opening).remove(&self.1);
    }
}

impl Shared {
    pub(super) fn new(events: Sender<Event>, ground: Ground, dice: fastrand::Rng) -> Self {
        Self {
            events,
            ground,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            sessions: Mutex::default(),
            opening: Mutex::default(),
            opened: Notify::new(),
            cancels: Mutex::default(),
            shares: Mutex::default(),
            taps: Taps::default(),
            dice: Mutex::new(dice),
        }
    }

    /// Ends every task, within that long; a tap through which something of the user's flows has longer.
    pub(super) async fn end(&self, patience: Duration) {
        self.stop.cancel();
        self.tasks.close();
        let patience = self.patience_of_taps().unwrap_or(patience);
        let _ = tokio::time::timeout(patience, self.tasks.wait()).await;
    }

    /// Runs a task to its end, or to the hub's. A panic is told.
    pub fn spawn(
        self: &Arc<Self>,
        what: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        self.run(what, Box::pin(task));
    }

    /// Boxed at the door, so that one wrapping and one task type of the runtime serve all: each copy of
    /// a big future on its way down would be stack that stays resident.
    fn run(self: &Arc<Self>, what: &'static str, task: BoxFuture<'static, ()>) {
        let shared = Arc::clone(self);
        self.tasks.spawn(async move {
            let caught = AssertUnwindSafe(task).catch_unwind();
            let ended = shared.stop.run_until_cancelled(caught).await;
            if let Some(Err(_)) = ended {
                tracing::error!("{what} ended by a panic");
                shared
                    .tell(Event::Fault(format!(
                        "A fault in ratetop ended {what}; see the log."
                    )))
                    .await;
            }
        });
    }

    /// The same for a task that ends by itself soon after the hub has.
    pub(super) fn spawn_to_its_end(&self, task: impl Future<Output = ()> + Send + 'static) {
        let task: BoxFuture<'static, ()> = Box::pin(task);
        self.tasks.spawn(task);
    }

    /// Cancelled when the hub ends.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// The ground of all sessions.
    pub fn ground(&self) -> &Ground {
        &self.ground
    }

    /// Begins to open a profile; none while it is being opened already, as its keys are fetched and its
    /// limits polled only once.
    pub(super) fn begin_opening(self: &Arc<Self>, profile: &Arc<str>) -> Option<Opening> {
        let begun = lock(&self.opening).insert(Arc::clone(profile));
        begun.then(|| Opening(Arc::clone(self), Arc::clone(profile)))
    }

    /// Waits until that profile is at work.
    pub async fn until_open(&self, profile: &Arc<str>) {
        loop {
            // Before the look: what opens in between rings for it.
            let opened = self.opened.notified();
            if self.working(profile).is_some() {
                return;
            }
            opened.await;
        }
    }

    /// A generator of its own for one task.
    pub fn dice(&self) -> fastrand::Rng {
        lock(&self.dice).fork()
    }

    /// Tells the app.
    pub async fn tell(&self, event: Event) {
        let _ = self.events.send(event).await;
    }

    /// The way to the app, for those that wait for room themselves.
    pub(super) fn events(&self) -> Sender<Event> {
        self.events.clone()
    }

    /// An ear whose calls show on that profile's board.
    pub(super) fn ear(&self, profile: &Arc<str>) -> Arc<dyn Ear> {
        Arc::new(ToScreen {
            events: self.events.clone(),
            profile: Arc::clone(profile),
        })
    }

    /// Makes one call and tells what it spent, and why it was not sent if it was not.
    pub async fn make(
        &self,
        driver: &Driver,
        session: &Session,
        order: &CallOrder,
        cancel: &CancellationToken,
    ) {
        let around = session.around(&order.model);
        let end = driver.run(order, &around, &mut self.dice(), cancel).await;
        if let Some(why) = end.unsent {
            self.tell(Event::Fault(format!("Nothing was sent: {why}.")))
                .await;
        }
        if let (false, Some(spend)) = (session.free, session.purse.last()) {
            let profile = Arc::clone(&session.profile.name);
            self.tell(Event::Spent { profile, spend }).await;
        }
    }

    /// What is known around a call of that model.
    pub fn around(&self, profile: &Arc<str>, model: &ModelId) -> Around {
        let working = self.working(profile);
        working.map_or_else(Around::default, |working| working.session.around(model))
    }

    pub(super) fn fault(self: &Arc<Self>, sentence: String) {
        let shared = Arc::clone(self);
        self.spawn("telling a fault", async move {
            shared.tell(Event::Fault(sentence)).await;
        });
    }

    pub(super) fn working(&self, name: &Arc<str>) -> Option<Arc<Working>> {
        lock(&self.sessions).get(name).cloned()
    }

    pub(super) async fn observe(&self, profile: &Arc<str>, seen: Observation) {
        let profile = Arc::clone(profile);
        self.tell(Event::Observed {
            profile,
            seen: Arc::new(seen),
        })
        .await;
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
