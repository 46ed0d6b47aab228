//! Limits of the profile that leads where the tap leads: for verdicts, and for those that attach.

use crate::{
    api::limits,
    cli::{environment::Environment, profile::Profile},
    clock::Clock,
    domain::{observation::Observation, org::LimitsState},
    run::{
        polling,
        session::{Ground, Session},
    },
    tap::hear::{Hearing, Known, Sink},
};
use futures_util::FutureExt;
use std::sync::Arc;
use tokio::sync::Notify;

/// Polls for as long as the tap runs, or says once why there is nothing to poll.
pub async fn poll(
    profile: Option<Profile>,
    env: Environment,
    clock: Clock,
    hearing: Arc<Hearing>,
    sink: Arc<dyn Sink>,
) {
    let Some(mut profile) = profile else {
        let why = "Headers only: this tap has no profile with an Admin key, so configured limits are not \
                   known.";
        sink.must(limits::absent(clock.now(), why.to_owned()));
        return;
    };
    // The tap adds no key to anything, so it has no need of one.
    profile.api_key = None;
    let workspace = profile.workspace.as_ref().map(|id| id.value.clone());
    let ground = Ground {
        env: Arc::new(env),
        clock: clock.clone(),
        state: None,
        read_only: true,
    };
    let session = match Session::open(profile, &ground).await {
        Ok(session) => session,
        Err(error) => {
            let why = format!("Limits cannot be polled: {error:#}.");
            sink.must(failed(&clock, why));
            return;
        }
    };
    let tell = |seen: Observation| {
        let (groups, overrides) = session.known();
        hearing.know(Known {
            groups,
            overrides,
            workspace: workspace.clone(),
        });
        sink.must(seen);
        std::future::ready(()).boxed()
    };
    polling::poll(&session, &clock, &Notify::new(), &tell).await;
}

fn failed(clock: &Clock, why: String) -> Observation {
    let mut seen = limits::absent(clock.now(), why);
    if let crate::domain::observation::What::Limits { state, .. } = &mut seen.what {
        *state = LimitsState::Failed;
    }
    seen
}
