//! What both halves of one exchange know of it.

use super::{
    hear::{End, Exchange},
    link::Link,
};
use crate::domain::time::Time;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, request::Parts};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

/// Pieces that are put off: they take memory until they are heard.
const MOST_PIECES: usize = 8;
/// Pieces from this size on are heard at once.
const LARGE: usize = 8 << 10;

/// One request and its answer. Dropped before its end, it tells that the client went away.
pub struct Talk {
    pub link: Arc<Link>,
    heard: Mutex<Heard>,
    /// Whether the request goes on by itself while the answer comes.
    apart: AtomicBool,
    uploaded: AtomicBool,
    bad_chunks: AtomicBool,
}

/// What is heard, and what is still to be.
struct Heard {
    exchange: Option<Exchange>,
    later: Vec<Later>,
}

/// Heard when it has been passed on: nobody waits for the reader.
enum Later {
    Request(Bytes),
    RequestEnd,
    Head(StatusCode, Box<HeaderMap>),
    Response(Bytes),
    End,
}

impl Talk {
    /// A request has come.
    pub fn begin(link: &Arc<Link>, head: &Parts) -> Arc<Self> {
        let now = link.now();
        link.tap.stirred.notify_one();
        let begin = || link.tap.hearing.begin(head, now);
        let exchange = catch_unwind(AssertUnwindSafe(begin)).ok();
        if exchange.is_none() {
            unheard(link);
        }
        Arc::new(Self {
            link: Arc::clone(link),
            heard: Mutex::new(Heard {
                exchange,
                later: Vec::new(),
            }),
            apart: AtomicBool::new(false),
            uploaded: AtomicBool::new(false),
            bad_chunks: AtomicBool::new(false),
        })
    }

    /// The next bytes of the request.
    pub fn request_bytes(self: &Arc<Self>, bytes: &Bytes) {
        self.hear_later(Later::Request(bytes.clone()));
    }

    /// The answer's head.
    pub fn answered(self: &Arc<Self>, status: StatusCode, headers: &HeaderMap) {
        let mut reads = false;
        self.hear(|exchange, now| reads = exchange.head_came(status.as_u16(), headers, now));
        if reads {
            self.hear_later(Later::Head(status, Box::new(headers.clone())));
        }
    }

    /// The next bytes of the answer.
    pub fn response_bytes(self: &Arc<Self>, bytes: &Bytes) {
        self.hear_later(Later::Response(bytes.clone()));
    }

    /// Lets the reader hear something at the end of this poll, when it has been passed on.
    fn hear_later(self: &Arc<Self>, what: Later) {
        let much = {
            let later = &mut self.heard().later;
            later.push(what);
            later.len() > MOST_PIECES || later.last().is_some_and(Later::is_large)
        };
        if much || self.apart.load(Relaxed) || !self.link.is_polled() {
            self.catch_up();
        } else {
            self.link.hear_later(self);
        }
    }

    /// Hears what has been passed on.
    pub fn catch_up(&self) {
        self.hear(|_, _| ());
    }

    /// Lets the reader hear something, after what was passed on before. One that fails hears no more of
    /// this exchange, and the exchange goes on.
    fn hear(&self, what: impl FnOnce(&mut Exchange, Time)) {
        let mut heard = self.heard();
        let Heard { exchange, later } = &mut *heard;
        let Some(hearing) = exchange else {
            later.clear();
            return;
        };
        let now = self.link.now();
        let all = || {
            for later in later.drain(..) {
                later.hear(hearing, now);
            }
            what(hearing, now);
        };
        let failed = catch_unwind(AssertUnwindSafe(all)).is_err();
        if failed || hearing.is_over() {
            let over = exchange.take();
            let dropped = catch_unwind(AssertUnwindSafe(|| drop(over)));
            if failed || dropped.is_err() {
                unheard(&self.link);
            }
        }
    }

    /// Whether it is a message, so that its end is told with its client and its model.
    pub fn is_message(&self) -> bool {
        let heard = self.heard();
        heard.exchange.as_ref().is_some_and(Exchange::is_message)
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It is over. Only the first end counts.
    pub fn end(&self, end: End) {
        self.hear(|exchange, now| exchange.ended(end, now));
    }

    /// The answer is whole, which is heard when its last bytes have been passed on.
    pub fn whole(self: &Arc<Self>) {
        self.hear_later(Later::End);
    }

    /// The request's body is whole.
    pub fn request_is_whole(self: &Arc<Self>) {
        self.hear_later(Later::RequestEnd);
        self.uploaded.store(true, Relaxed);
        self.link.body_is_over();
    }

    /// From now on the request is driven by a task of its own.
    pub fn set_apart(&self) {
        self.apart.store(true, Relaxed);
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

impl Later {
    const fn is_large(&self) -> bool {
        match self {
            Self::Request(bytes) | Self::Response(bytes) => bytes.len() >= LARGE,
            Self::RequestEnd | Self::Head(..) | Self::End => false,
        }
    }

    fn hear(self, exchange: &mut Exchange, now: Time) {
        match self {
            Self::Request(bytes) => exchange.request_bytes(&bytes, now),
            Self::RequestEnd => exchange.request_end(now),
            Self::Head(status, headers) => exchange.read_head(status.as_u16(), &headers, now),
            Self::Response(bytes) => exchange.response_bytes(&bytes, now),
            Self::End => exchange.ended(End::Whole, now),
        }
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
