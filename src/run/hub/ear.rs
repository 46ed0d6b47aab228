//! What calls tell, as events of one profile.

use crate::{
    api::call::{Ear, Told},
    app::event::Event,
};
use futures_util::{FutureExt, future::BoxFuture};
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

/// What a call told, as an event of that profile.
pub fn event(profile: &Arc<str>, told: Told) -> Event {
    let profile = Arc::clone(profile);
    match told {
        Told::Seen(seen) => Event::Observed {
            profile,
            seen: Arc::new(*seen),
        },
        Told::Text {
            call,
            attempt,
            delta,
        } => Event::Text {
            profile,
            call,
            attempt,
            delta,
        },
    }
}

/// Passes on what calls tell, as events of one profile.
pub(super) struct ToScreen {
    pub(super) events: Sender<Event>,
    pub(super) profile: Arc<str>,
}

impl Ear for ToScreen {
    fn hear(&self, told: Told) -> BoxFuture<'_, ()> {
        let event = event(&self.profile, told);
        async move {
            // A loop that ended hears nothing more; its tasks are cancelled.
            let _ = self.events.send(event).await;
        }
        .boxed()
    }
}
