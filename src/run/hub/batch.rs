//! A message batch for the screen.

use super::shared::Shared;
use crate::{
    api::{batches::Heed, call::Driver},
    app::event::Event,
    domain::{
        batch::{BatchOrder, Standing},
        id::CallId,
    },
    run::{batch, session::Session},
};
use futures_util::FutureExt;
use std::{panic::AssertUnwindSafe, sync::Arc};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What is said of a batch whose watching ended by a panic.
const FAULT: &str = "a fault in ratetop ended it; see the log";

impl Shared {
    /// Makes a batch and tells how it stands, to its end; also where that is a panic.
    pub async fn make_batch(
        &self,
        driver: Driver,
        session: &Session,
        asked: BatchOrder,
        cancel: &CancellationToken,
    ) {
        let profile = &session.profile.name;
        let id = asked.order.call;
        let (sender, mut steps) = mpsc::unbounded_channel::<Standing>();
        let tell = move |standing: &Standing| {
            // Nobody listens any more when the program ends.
            let _ = sender.send(standing.clone());
        };
        let heed = Heed::new(cancel.clone(), false);
        let mut dice = self.dice();
        let made = batch::make(&driver, session, &asked, heed, &mut dice, tell);
        let made = AssertUnwindSafe(made).catch_unwind();
        let told = async {
            let mut last = Standing::default();
            while let Some(standing) = steps.recv().await {
                last = standing.clone();
                self.tell_batch(profile, id, standing, false).await;
            }
            last
        };
        let (made, last) = tokio::join!(made, told);
        let standing = made.unwrap_or_else(|_| {
            tracing::error!("a batch ended by a panic");
            Standing {
                unsent: Some(FAULT.to_owned()),
                ..last
            }
        });
        if let (false, Some(spend)) = (session.free, session.purse.last()) {
            let profile = Arc::clone(profile);
            self.tell(Event::Spent { profile, spend }).await;
        }
        self.tell_batch(profile, id, standing, true).await;
    }

    /// Tells how a batch stands.
    pub(super) async fn tell_batch(
        &self,
        profile: &Arc<str>,
        id: CallId,
        standing: Standing,
        over: bool,
    ) {
        let (profile, standing) = (Arc::clone(profile), Box::new(standing));
        let event = Event::Batch {
            profile,
            id,
            standing,
            over,
        };
        self.tell(event).await;
    }
}
