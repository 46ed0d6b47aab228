//! What a session does unasked, for as long as the program runs: waits for a server that is not there
//! yet, polls limits, probes.

use super::shared::{Shared, Working, lock};
use crate::{
    api::limits,
    app::event::Event,
    domain::{call::CallOrder, id::CallId},
    run::{polling, session::Session},
    store::ledger::Purpose,
};
use futures_util::{FutureExt, future::BoxFuture};
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

/// Ids of automatic probes begin here, far above those of the form.
const PROBE_IDS: u64 = 1 << 48;
/// An address where nobody listened is asked again this much later, seconds.
const KNOCK_AGAIN_S: f64 = 5.0;

impl Shared {
    /// Starts the tasks of a session that has just been opened.
    pub(super) async fn start(self: &Arc<Self>, session: Session, siblings: &[Arc<str>]) {
        let name = Arc::clone(&session.profile.name);
        self.open_tap(&session.profile).await;
        let card = self.card(&session, siblings);
        let working = Arc::new(Working {
            session,
            poll_now: Notify::new(),
        });
        lock(&self.sessions).insert(Arc::clone(&name), Arc::clone(&working));
        self.opened.notify_waiters();
        self.tell(Event::Profile(Box::new(card))).await;
        if let Some(odd) = &working.session.odd_key {
            self.tell(Event::Fault(format!("Look at the keys: {odd}.")))
                .await;
        }
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
                    let card = shared.card(&asking.session, &siblings);
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
            let seen = limits::absent(self.ground().clock.now(), why);
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
            match Session::open(Arc::clone(profile), self.ground()).await {
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
        let tell = |seen| {
            self.tell_tap(session);
            self.observe(profile, seen).boxed()
        };
        polling::poll(session, &self.ground().clock, &working.poll_now, &tell).await;
    }

    /// Sends one-token calls in turn, as the profile asks for, within their own daily budget.
    async fn probe(self: &Arc<Self>, working: &Working) {
        let session = &working.session;
        let probes = &session.profile.probes;
        let ear = self.ear(&session.profile.name);
        let Some(driver) = session.driver_for(Purpose::AutomaticProbe, ear) else {
            return;
        };
        let pause = probes.interval_s.value / probes.models.value.len().max(1) as f64;
        let mut next = PROBE_IDS;
        for model in probes.models.value.iter().cycle() {
            next += 1;
            let order = CallOrder::probe(CallId(next), "probe".into(), model.clone());
            self.make(&driver, session, &order, &self.stop).await;
            tokio::time::sleep(Duration::from_secs_f64(pause.max(1.0))).await;
        }
    }
}
