//! Carries out what the app wants done: calls, polls, profiles. Every task ends with the hub, and one
//! that panics is told as a fault, not passed over.

use super::{
    polling,
    session::{Ground, Session},
};
use crate::{
    api::{
        call::{Driver, Ear, Told},
        limits,
    },
    app::{effect::Effect, event::Event},
    cli::profile::Profile,
    domain::{
        call::CallOrder,
        id::{CallId, ClientId},
        observation::{Observation, Source},
        retry::{Limits, Policy},
    },
    store::ledger::Purpose,
};
use futures_util::{FutureExt, future::BoxFuture};
use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{Notify, mpsc::Sender};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long an ended program waits for its tasks.
const PATIENCE: Duration = Duration::from_secs(2);
/// Ids of automatic probes begin here, far above those of the form.
const PROBE_IDS: u64 = 1 << 48;
/// An address where nobody listened is asked again this much later, seconds.
const KNOCK_AGAIN_S: f64 = 5.0;

/// Everything that works for the screen.
pub struct Hub {
    shared: Arc<Shared>,
    profiles: Vec<Profile>,
    front: Arc<str>,
}

/// What tasks share with the hub.
pub struct Shared {
    events: Sender<Event>,
    ground: Ground,
    stop: CancellationToken,
    tasks: TaskTracker,
    sessions: Mutex<HashMap<Arc<str>, Arc<Working>>>,
    /// Rings when a session was added.
    opened: Notify,
    cancels: Mutex<HashMap<CallId, CancellationToken>>,
    dice: Mutex<fastrand::Rng>,
}

/// A session with what may be asked of its tasks.
struct Working {
    session: Session,
    poll_now: Notify,
}

/// Passes on what calls tell, as events of one profile.
struct ToScreen {
    events: Sender<Event>,
    profile: Arc<str>,
    /// Whether answers are wanted: those of the demo's own traffic are not.
    texts: bool,
}

impl Ear for ToScreen {
    fn hear(&self, told: Told) -> BoxFuture<'_, ()> {
        let event = match told {
            Told::Seen(seen) => Event::Observed {
                profile: Arc::clone(&self.profile),
                seen: Arc::new(*seen),
            },
            Told::Text {
                call,
                attempt,
                delta,
            } => {
                let profile = Arc::clone(&self.profile);
                Event::Text {
                    profile,
                    call,
                    attempt,
                    delta,
                }
            }
        };
        let wanted = self.texts || !matches!(event, Event::Text { .. });
        async move {
            if !wanted {
                return;
            }
            // A loop that ended hears nothing more; its tasks are cancelled.
            let _ = self.events.send(event).await;
        }
        .boxed()
    }
}

impl Hub {
    /// A hub for these profiles. Nothing is opened yet.
    pub fn new(
        profiles: Vec<Profile>,
        front: Arc<str>,
        ground: Ground,
        events: Sender<Event>,
        dice: fastrand::Rng,
    ) -> Self {
        let shared = Shared {
            events,
            ground,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            sessions: Mutex::default(),
            opened: Notify::new(),
            cancels: Mutex::default(),
            dice: Mutex::new(dice),
        };
        Self {
            shared: Arc::new(shared),
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
            if let Some(known) = shared.working(&profile.name) {
                let card = known.session.card(&siblings);
                shared.tell(Event::Profile(Box::new(card))).await;
                return;
            }
            match Session::open(profile, &shared.ground).await {
                Ok(session) => shared.start(session, &siblings).await,
                Err(error) => shared.tell(Event::Fault(format!("{error:#}."))).await,
            }
        });
    }

    fn call(&self, order: CallOrder) {
        let Some(working) = self.shared.working(&self.front) else {
            self.shared
                .fault(format!("Profile {} is not ready yet.", self.front));
            return;
        };
        let shared = Arc::clone(&self.shared);
        let ear = shared.ear(&self.front, true);
        let Some(driver) = working.session.driver(ear) else {
            self.shared
                .fault(format!("Profile {} has no API key.", self.front));
            return;
        };
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
        self.shared.stop.cancel();
        self.shared.tasks.close();
        let _ = tokio::time::timeout(PATIENCE, self.shared.tasks.wait()).await;
    }
}

impl Shared {
    /// Runs a task to its end, or to the hub's. A panic is told.
    pub fn spawn(
        self: &Arc<Self>,
        what: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
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

    /// Cancelled when the hub ends.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// The ground of all sessions.
    pub fn ground(&self) -> &Ground {
        &self.ground
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

    /// An ear whose calls show on that profile's board.
    fn ear(&self, profile: &Arc<str>, texts: bool) -> Arc<dyn Ear> {
        Arc::new(ToScreen {
            events: self.events.clone(),
            profile: Arc::clone(profile),
            texts,
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

    /// Makes a call of the demo's own traffic.
    pub async fn make_traffic(&self, profile: &Arc<str>, order: &CallOrder) {
        let Some(working) = self.working(profile) else {
            return;
        };
        let Some(driver) = working.session.driver(self.ear(profile, false)) else {
            return;
        };
        let around = working.session.around(&order.model);
        driver
            .run(order, &around, &mut self.dice(), &self.stop)
            .await;
    }

    fn fault(self: &Arc<Self>, sentence: String) {
        let shared = Arc::clone(self);
        self.spawn("telling a fault", async move {
            shared.tell(Event::Fault(sentence)).await;
        });
    }

    fn working(&self, name: &Arc<str>) -> Option<Arc<Working>> {
        lock(&self.sessions).get(name).cloned()
    }

    /// Starts the tasks of a session that has just been opened.
    async fn start(self: &Arc<Self>, session: Session, siblings: &[Arc<str>]) {
        let name = Arc::clone(&session.profile.name);
        let card = session.card(siblings);
        let working = Arc::new(Working {
            session,
            poll_now: Notify::new(),
        });
        lock(&self.sessions).insert(Arc::clone(&name), Arc::clone(&working));
        self.opened.notify_waiters();
        self.tell(Event::Profile(Box::new(card))).await;
        let (shared, polled) = (Arc::clone(self), Arc::clone(&working));
        if working.session.silent.is_some() {
            let siblings = siblings.to_vec();
            self.spawn("waiting for a server", async move {
                shared.wait_for(&polled, &siblings).await;
            });
            return;
        }
        self.spawn("polling limits", async move { shared.poll(&polled).await });
        if working.session.admin.is_err() {
            // No list of limits will say which models there are.
            let (shared, asking) = (Arc::clone(self), Arc::clone(&working));
            let siblings = siblings.to_vec();
            self.spawn("listing models", async move {
                if asking.session.settle_model().await {
                    let card = asking.session.card(&siblings);
                    shared.tell(Event::Profile(Box::new(card))).await;
                }
            });
        }
        if !working.session.profile.probes.models.value.is_empty() {
            let shared = Arc::clone(self);
            self.spawn("probing", async move { shared.probe(&working).await });
        }
    }

    /// Nobody listens at the profile's loopback address: says so, and opens the profile anew when
    /// somebody does, for only then can it be told whether that is a simulator.
    fn wait_for<'a>(
        self: &'a Arc<Self>,
        working: &'a Working,
        siblings: &'a [Arc<str>],
    ) -> BoxFuture<'a, ()> {
        async move {
            let profile = &working.session.profile;
            let why = working.session.admin.as_ref().err().cloned();
            let why = why.or(working.session.silent.clone()).unwrap_or_default();
            let seen = limits::absent(self.ground.clock.now(), why);
            self.observe(&profile.name, seen).await;
            loop {
                tokio::select! {
                    () = working.poll_now.notified() => {}
                    () = tokio::time::sleep(Duration::from_secs_f64(KNOCK_AGAIN_S)) => {}
                }
                if working.session.is_answered().await {
                    break;
                }
            }
            match Session::open(profile.clone(), &self.ground).await {
                Ok(session) => self.start(session, siblings).await,
                Err(error) => self.tell(Event::Fault(format!("{error:#}."))).await,
            }
        }
        .boxed()
    }

    /// Polls limits for as long as the program runs.
    async fn poll(&self, working: &Working) {
        let session = &working.session;
        let profile = &session.profile.name;
        let tell = |seen| self.observe(profile, seen).boxed();
        polling::poll(session, &self.ground.clock, &working.poll_now, &tell).await;
    }

    /// Sends one-token calls in turn, as the profile asks for, within their own daily budget.
    async fn probe(self: &Arc<Self>, working: &Working) {
        let session = &working.session;
        let probes = &session.profile.probes;
        let ear = self.ear(&session.profile.name, true);
        let Some(driver) = session.driver_for(Purpose::AutomaticProbe, ear) else {
            return;
        };
        let pause = probes.interval_s.value / probes.models.value.len().max(1) as f64;
        let mut next = PROBE_IDS;
        for model in probes.models.value.iter().cycle() {
            next += 1;
            let order = probe_order(CallId(next), model.clone());
            self.make(&driver, session, &order, &self.stop).await;
            tokio::time::sleep(Duration::from_secs_f64(pause.max(1.0))).await;
        }
    }

    async fn observe(&self, profile: &Arc<str>, seen: Observation) {
        let profile = Arc::clone(profile);
        self.tell(Event::Observed {
            profile,
            seen: Arc::new(seen),
        })
        .await;
    }
}

/// The cheapest call that brings live headers: one token of output.
pub fn probe_order(call: CallId, model: crate::domain::id::ModelId) -> CallOrder {
    CallOrder {
        call,
        client: ClientId::from("probe"),
        source: Source::Probe,
        model,
        prompt: "Hi".to_owned(),
        max_tokens: 1,
        stream: false,
        policy: Policy::None,
        attempts: 1,
        limits: Limits::default(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
