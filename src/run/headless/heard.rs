//! The ear of headless calls: board, timeline, refusals and events, folded as they come.

use crate::{
    api::call::{Ear, Told},
    assets,
    domain::{
        board::Board,
        id::WorkspaceId,
        notice::Ring,
        observation::{Observation, What},
        timeline::Timeline,
        verdict::Verdict,
    },
};
use futures_util::{FutureExt, future::BoxFuture};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Calls kept.
const CALLS: usize = 64;
/// Refusals and events kept.
const EVENTS: usize = 100;

/// Hears and keeps. Clones share what they heard.
#[derive(Clone)]
pub(super) struct Heard(Arc<Mutex<Kept>>);

/// What was heard so far.
pub(super) struct Kept {
    pub board: Board,
    pub timeline: Timeline,
    pub events: Ring,
    pub refusals: Vec<Verdict>,
    /// The answer of the attempt that is under way or was last.
    pub text: String,
    attempt: u32,
    paused: bool,
}

impl Heard {
    pub(super) fn new(workspace: Option<WorkspaceId>) -> Self {
        Self(Arc::new(Mutex::new(Kept {
            board: Board::new(workspace, assets::tiers()),
            timeline: Timeline::new(CALLS),
            events: Ring::new(EVENTS),
            refusals: Vec::new(),
            text: String::new(),
            attempt: 0,
            paused: false,
        })))
    }

    /// What was heard so far. Do not hold it over an await.
    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one observation in.
    pub(super) fn absorb(&self, seen: &Observation) {
        let mut kept = self.kept();
        for draft in kept.board.absorb(seen) {
            kept.events.push(draft);
        }
        kept.timeline.absorb(seen);
        if let What::Finished {
            verdict, outcome, ..
        } = &seen.what
        {
            if let Some(verdict) = verdict {
                if kept.refusals.len() == EVENTS {
                    kept.refusals.remove(0);
                }
                kept.refusals.push(verdict.as_ref().clone());
            }
            kept.paused = matches!(outcome, crate::domain::outcome::Outcome::Complete { stop_reason: Some(reason), .. } if reason == "pause_turn");
        }
    }

    fn take(&self, told: &Told) {
        match told {
            Told::Seen(seen) => self.absorb(seen),
            Told::Text { attempt, delta, .. } => {
                let mut kept = self.kept();
                if kept.attempt != *attempt {
                    // A retry begins its answer anew; a continued turn goes on.
                    if !kept.paused {
                        kept.text.clear();
                    }
                    kept.attempt = *attempt;
                }
                kept.text.push_str(delta);
            }
        }
    }
}

impl Ear for Heard {
    fn hear(&self, told: Told) -> BoxFuture<'_, ()> {
        self.take(&told);
        std::future::ready(()).boxed()
    }
}
