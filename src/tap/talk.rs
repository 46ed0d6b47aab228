//! What both halves of one exchange know of it.

use super::{
    hear::{End, Exchange},
    link::Link,
};
use crate::domain::time::Time;
use http::request::Parts;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

/// One request and its answer. Dropped before its end, it tells that the client went away.
pub struct Talk {
    pub link: Arc<Link>,
    heard: Mutex<Option<Exchange>>,
    uploaded: AtomicBool,
    bad_chunks: AtomicBool,
}

impl Talk {
    /// A request has come.
    pub fn begin(link: &Arc<Link>, head: &Parts) -> Arc<Self> {
        let now = link.now();
        let begin = || link.tap.hearing.begin(head, now);
        let exchange = catch_unwind(AssertUnwindSafe(begin)).ok();
        if exchange.is_none() {
            unheard(link);
        }
        Arc::new(Self {
            link: Arc::clone(link),
            heard: Mutex::new(exchange),
            uploaded: AtomicBool::new(false),
            bad_chunks: AtomicBool::new(false),
        })
    }

    /// Lets the reader hear something. One that fails hears no more of this exchange, and the exchange
    /// goes on.
    pub fn hear(&self, what: impl FnOnce(&mut Exchange, Time)) {
        let now = self.link.now();
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(exchange) = heard.as_mut() else {
            return;
        };
        if catch_unwind(AssertUnwindSafe(|| what(exchange, now))).is_err() {
            let broken = heard.take();
            let _ = catch_unwind(AssertUnwindSafe(|| drop(broken)));
            unheard(&self.link);
        }
    }

    /// It is over. Only the first end counts.
    pub fn end(&self, end: End) {
        self.hear(|exchange, now| exchange.ended(end, now));
        let over = {
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.take()
        };
        if over.is_some() && catch_unwind(AssertUnwindSafe(|| drop(over))).is_err() {
            unheard(&self.link);
        }
    }

    /// The request's body is whole.
    pub fn request_is_whole(&self) {
        self.hear(Exchange::request_end);
        self.uploaded.store(true, Relaxed);
        self.link.body_is_over();
    }

    pub fn is_request_whole(&self) -> bool {
        self.uploaded.load(Relaxed)
    }

    /// The request's body is not what its framing says.
    pub fn chunks_are_bad(&self) {
        self.bad_chunks.store(true, Relaxed);
    }

    pub fn are_chunks_bad(&self) -> bool {
        self.bad_chunks.load(Relaxed)
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.end(End::ClientGone);
    }
}

fn unheard(link: &Link) {
    link.tap.counts.unheard.fetch_add(1, Relaxed);
}
