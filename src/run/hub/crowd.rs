//! A run of many calls for the screen.

use super::shared::{Shared, lock};
use crate::{
    api::{
        call::{Driver, Share},
        load::Load,
    },
    app::event::Event,
    domain::{
        headers::Level,
        id::{CallId, ModelId},
        load::{
            run::{RunEnd, RunOrder},
            spread::Part,
        },
        time::Time,
    },
    run::session::Session,
};
use futures_util::FutureExt;
use std::{panic::AssertUnwindSafe, sync::Arc};
use tokio_util::sync::CancellationToken;

/// What is said of a run that ended by a panic.
const FAULT: &str = "A fault in ratetop ended a run; see the log.";

impl Shared {
    /// Makes a run to its end, also where that is a panic: it is told, and the run does not stay open.
    pub async fn make_many_whatever_comes(
        &self,
        driver: Driver,
        session: &Session,
        run: RunOrder,
        cancel: &CancellationToken,
    ) {
        let first = run.order.call;
        let made = AssertUnwindSafe(self.make_many(driver, session, run, cancel));
        if made.catch_unwind().await.is_ok() {
            return;
        }
        tracing::error!("a run ended by a panic");
        lock(&self.shares).remove(&first);
        self.tell(Event::Fault(FAULT.to_owned())).await;
        let end = Box::new(RunEnd {
            faulted: true,
            ..RunEnd::default()
        });
        let profile = Arc::clone(&session.profile.name);
        self.tell(Event::RunEnded {
            profile,
            first,
            end,
        })
        .await;
    }

    /// Tells that a run could not even begin.
    pub fn never_made(self: &Arc<Self>, profile: &Arc<str>, first: CallId) {
        let (shared, profile) = (Arc::clone(self), Arc::clone(profile));
        self.spawn("telling the end of a run", async move {
            let end = Box::default();
            let ended = Event::RunEnded {
                profile,
                first,
                end,
            };
            shared.tell(ended).await;
        });
    }

    /// Holds back what a run has not sent yet, or lets it go on.
    pub fn hold(&self, first: CallId, held: bool) {
        let now = self.ground().clock.instant();
        if let Some(share) = lock(&self.shares).get(&first) {
            if held {
                share.pause(now);
            } else {
                share.resume(now);
            }
        }
    }

    /// Tells a run what somebody else's answer said is left of its limits.
    pub fn overheard(&self, first: CallId, at: Time, model: &ModelId, levels: &[Level]) {
        let share = lock(&self.shares).get(&first).cloned();
        if let Some(share) = share {
            share.overheard(at, model, levels);
        }
    }

    /// Makes a run and tells how it ended, what it spent, and why it stopped early if it did.
    async fn make_many(
        &self,
        mut driver: Driver,
        session: &Session,
        run: RunOrder,
        cancel: &CancellationToken,
    ) {
        let first = run.order.call;
        let pools = session.pools(run.models());
        let share = Arc::new(Share::of(&run, pools, self.ground().clock.now()));
        driver.share = Arc::clone(&share);
        lock(&self.shares).insert(first, Arc::clone(&share));
        let around = |part: &Part| (part.model.clone(), session.around(&part.model));
        let load = Load {
            around_others: run
                .spread
                .iter()
                .flat_map(|it| &it.parts)
                .map(around)
                .collect(),
            around: session.around(&run.order.model),
            driver,
            order: run.order,
            plan: run.plan,
        };
        let end = load.run(&mut self.dice(), cancel).await;
        lock(&self.shares).remove(&first);
        if end.faulted {
            self.tell(Event::Fault(FAULT.to_owned())).await;
        }
        if let Some(why) = &end.unsent {
            self.tell(Event::Fault(format!("The run was ended: {why}.")))
                .await;
        }
        let profile = Arc::clone(&session.profile.name);
        if let (false, Some(spend)) = (session.free, session.purse.last()) {
            let profile = Arc::clone(&profile);
            self.tell(Event::Spent { profile, spend }).await;
        }
        let end = Box::new(RunEnd {
            missed: end.missed,
            late_s: end.late_s,
            denied: share.denied(),
            unsent: end.unsent,
            faulted: end.faulted,
        });
        self.tell(Event::RunEnded {
            profile,
            first,
            end,
        })
        .await;
    }
}
