//! The admin port: what the tap hears, to those that attach.
//!
//! - `GET /healthz` says that it works
//! - `GET /events` is the feed as server-sent events, after the line in `last-event-id` or `?after=`

use super::port::{Body, Pages, Told, plain};
use crate::{
    clock::Clock,
    domain::feed::{
        Feed,
        wire::{Hello, missed},
    },
};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Response, StatusCode, header, request::Parts};
use http_body_util::{Either, StreamBody};
use hyper::body::Frame;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Those that attach at the same time; more are told to come back.
pub const MOST_READERS: usize = 32;
/// Lines written at a time.
const PAGE: usize = 256;
/// With nothing to tell, a sign of life.
pub const HEARTBEAT: Duration = Duration::from_secs(15);

/// A feed that is written in one place and read in many.
#[derive(Debug)]
pub struct Shared {
    feed: Mutex<Feed>,
    newest: watch::Sender<u64>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            feed: Mutex::new(Feed::new()),
            newest: watch::Sender::new(0),
        }
    }
}

impl Shared {
    /// Adds to the feed; readers are woken.
    pub fn write(&self, add: impl FnOnce(&mut Feed)) {
        let last = {
            let mut feed = self.feed.lock().unwrap_or_else(PoisonError::into_inner);
            add(&mut feed);
            feed.last()
        };
        self.newest.send_replace(last);
    }

    /// The next events for a reader that knows that line, as text, and the line it knows then.
    fn page(&self, known: u64) -> Option<(String, u64)> {
        let page = {
            let feed = self.feed.lock().unwrap_or_else(PoisonError::into_inner);
            feed.after(known, PAGE)
        };
        let last = page.lines.last()?.number;
        let mut text = String::new();
        if page.missed > 0 {
            text.push_str(&missed(page.missed));
        }
        for line in &page.lines {
            text.push_str(&line.event());
        }
        Some((text, last))
    }
}

/// What the admin port tells.
pub struct Admin {
    shared: Arc<Shared>,
    hello: Hello,
    clock: Clock,
    readers: Arc<Semaphore>,
}

impl Admin {
    /// Tells that feed, and first who speaks.
    pub fn new(shared: Arc<Shared>, hello: Hello, clock: Clock) -> Self {
        Self {
            shared,
            hello,
            clock,
            readers: Arc::new(Semaphore::new(MOST_READERS)),
        }
    }

    fn events(&self, head: &Parts) -> Response<Body> {
        let Ok(place) = Arc::clone(&self.readers).try_acquire_owned() else {
            let sentence = "too many readers are attached already; try again later\n";
            return plain(StatusCode::SERVICE_UNAVAILABLE, sentence);
        };
        let hello = Hello {
            at: Some(self.clock.now()),
            ..self.hello.clone()
        };
        let reading = Reading {
            newest: self.shared.newest.subscribe(),
            shared: Arc::clone(&self.shared),
            hello: Some(hello.event()),
            known: known(head),
            _place: place,
        };
        let told: Told = Box::pin(stream::unfold(reading, |mut reading| async move {
            let text = reading.next().await?;
            Some((Ok(Frame::data(Bytes::from(text))), reading))
        }));
        let mut response = Response::new(Either::Right(StreamBody::new(told)));
        let headers = response.headers_mut();
        let events = HeaderValue::from_static("text/event-stream; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, events);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

impl Pages for Admin {
    fn page(&self, head: &Parts) -> Response<Body> {
        match head.uri.path() {
            "/healthz" => plain(StatusCode::OK, "ok\n"),
            "/events" => self.events(head),
            _ => plain(
                StatusCode::NOT_FOUND,
                "there is /events and /healthz; `ratetop --attach` reads the first\n",
            ),
        }
    }
}

/// One reader of the feed.
struct Reading {
    shared: Arc<Shared>,
    newest: watch::Receiver<u64>,
    /// Until it was said.
    hello: Option<String>,
    known: u64,
    _place: OwnedSemaphorePermit,
}

impl Reading {
    /// The next text; none when there is nobody left to tell more. A reader that is slow takes no room:
    /// what falls off the feed meanwhile it misses, and it is told how much.
    async fn next(&mut self) -> Option<String> {
        if let Some(hello) = self.hello.take() {
            return Some(hello);
        }
        loop {
            // Before the look: what is written in between wakes.
            self.newest.mark_unchanged();
            if let Some((text, last)) = self.shared.page(self.known) {
                self.known = last;
                return Some(text);
            }
            match tokio::time::timeout(HEARTBEAT, self.newest.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return None,
                Err(_) => return Some(": still here\n\n".to_owned()),
            }
        }
    }
}

/// The last line that a reader knows.
fn known(head: &Parts) -> u64 {
    let header = head.headers.get("last-event-id");
    let header = header.and_then(|value| value.to_str().ok());
    let query = head.uri.query().unwrap_or_default();
    let query = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("after="));
    let known = header.or(query).and_then(|text| text.trim().parse().ok());
    known.unwrap_or(0)
}
