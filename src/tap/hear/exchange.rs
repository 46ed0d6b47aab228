//! One exchange as the forwarding half sees it. A failure of the reader stays in here.

use super::{Hearing, state::State};
use crate::domain::{outcome::Unreachable, time::Time};
use http::HeaderMap;
use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// How an exchange ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The answer's body is whole.
    Whole,
    /// The client went away.
    ClientGone,
    /// The answer broke off; in a few words how.
    UpstreamBroke(String),
    /// No answer came.
    Unreachable {
        /// What kind of failure.
        kind: Unreachable,
        /// For people: what failed, for which address.
        how: String,
    },
}

/// One request and its answer, as they pass. Dropped without [`Exchange::ended`], it counts as given up
/// by the client.
pub struct Exchange {
    hearing: Arc<Hearing>,
    state: Heard,
    /// When something was last heard.
    now: Time,
}

pub(super) enum Heard {
    Message(Box<State>),
    /// Another path, and its status once that is known.
    Elsewhere(Option<u16>),
    Over,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").finish_non_exhaustive()
    }
}

impl Exchange {
    pub(super) fn new(hearing: Arc<Hearing>, state: Heard, now: Time) -> Self {
        Self {
            hearing,
            state,
            now,
        }
    }

    /// The next bytes of the request's body, as they came.
    pub fn request_bytes(&mut self, bytes: &[u8], now: Time) {
        self.hear(now, |_, state| state.request_bytes(bytes));
    }

    /// The request's body is whole.
    pub fn request_end(&mut self, now: Time) {
        self.hear(now, |hearing, state| state.request_end(hearing, now));
    }

    /// The answer's head arrived. Informational answers (1xx) are not told.
    pub fn answered(&mut self, status: u16, headers: &HeaderMap, now: Time) {
        if self.head_came(status, headers, now) {
            self.read_head(status, headers, now);
        }
    }

    /// The first half of [`Self::answered`]: whether the other is to follow, before anything else.
    pub fn head_came(&mut self, status: u16, headers: &HeaderMap, now: Time) -> bool {
        if let Heard::Elsewhere(known) = &mut self.state {
            *known = Some(status);
        }
        let mut reads = false;
        self.hear(now, |hearing, state| {
            reads = state.answered(hearing, status, headers, now);
        });
        reads
    }

    /// The other half: reads the head in full, which takes its time.
    pub fn read_head(&mut self, status: u16, headers: &HeaderMap, now: Time) {
        self.hear(now, |hearing, state| {
            state.read_head(hearing, status, headers, now);
        });
    }

    /// The next bytes of the answer's body, as they came.
    pub fn response_bytes(&mut self, bytes: &[u8], now: Time) {
        self.hear(now, |hearing, state| {
            state.response_bytes(hearing, bytes, now);
        });
    }

    /// Whether it is a message under way: what becomes of it is told, with its client and its model.
    pub const fn is_message(&self) -> bool {
        matches!(self.state, Heard::Message(_))
    }

    /// Whether it is over.
    pub const fn is_over(&self) -> bool {
        matches!(self.state, Heard::Over)
    }

    /// It is over. What comes afterwards is ignored.
    pub fn ended(&mut self, end: End, now: Time) {
        self.now = now;
        match std::mem::replace(&mut self.state, Heard::Over) {
            Heard::Over => {}
            Heard::Elsewhere(status) => {
                let mut books = self.hearing.books();
                let elsewhere = &mut books.elsewhere;
                elsewhere.open = elsewhere.open.saturating_sub(1);
                match (status, end) {
                    (Some(400..), _) => elsewhere.refused += 1,
                    (_, End::ClientGone) => elsewhere.cancelled += 1,
                    (Some(_), End::Whole) => elsewhere.whole += 1,
                    _ => elsewhere.failed += 1,
                }
            }
            Heard::Message(mut state) => {
                let hearing = &self.hearing;
                let end = AssertUnwindSafe(|| state.ended(hearing, end, now));
                if catch_unwind(end).is_err() {
                    hearing.books().drops.reader += 1;
                    state.abandon(hearing);
                }
            }
        }
    }

    fn hear(&mut self, now: Time, what: impl FnOnce(&Hearing, &mut State)) {
        self.now = now;
        let Heard::Message(state) = &mut self.state else {
            return;
        };
        let hearing = &self.hearing;
        let heard = catch_unwind(AssertUnwindSafe(|| what(hearing, state)));
        if heard.is_err() {
            state.deafen();
            hearing.books().drops.reader += 1;
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.is_over() {
            self.ended(End::ClientGone, self.now);
        }
    }
}
