//! The client's side of one connection: its socket, and what the parts of the tap tell each other of it.

use super::{Tap, talk::Talk};
use crate::{
    domain::time::Time,
    net::spelling::{RawHead, Speller},
};
use chrono::DateTime;
use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// Outside of a poll.
const OUTSIDE: i64 = 0;
/// In a poll that has not asked for the time.
const UNREAD: i64 = 1;

/// One connection of a client.
pub struct Link {
    /// The tap that it came to.
    pub tap: Arc<Tap>,
    /// The time of the running poll, nanoseconds of the epoch.
    tick: AtomicI64,
    /// Whether the client does not take what was written to it.
    stuck: AtomicBool,
    /// Whether the connection is to end as one that was reset.
    reset: AtomicBool,
    heads: Mutex<Heads>,
    /// The exchange that is to be heard when the running poll ends.
    later: Mutex<Option<Arc<Talk>>>,
}

/// The heads of a connection as they are on its wire.
#[derive(Default)]
struct Heads {
    /// What came since the last request.
    request: RawHead,
    /// Whether what comes is a body.
    in_body: bool,
    answer: Speller,
    /// Waits until the client has taken all that was written.
    waiting: Option<Waker>,
}

impl Link {
    pub fn new(tap: Arc<Tap>) -> Self {
        Self {
            tap,
            tick: AtomicI64::new(OUTSIDE),
            stuck: AtomicBool::new(false),
            reset: AtomicBool::new(false),
            heads: Mutex::default(),
            later: Mutex::default(),
        }
    }

    /// Begins a poll of the connection: within one, the time stands still and is read once at most.
    pub fn enter(&self) {
        self.tick.store(UNREAD, Relaxed);
    }

    /// Ends it. What was passed on meanwhile is heard.
    pub fn leave(&self) {
        let talk = self.later().take();
        if let Some(talk) = talk {
            talk.catch_up();
        }
        self.tick.store(OUTSIDE, Relaxed);
    }

    /// Whether this is within a poll.
    pub fn is_polled(&self) -> bool {
        self.tick.load(Relaxed) != OUTSIDE
    }

    /// This exchange has something to be heard at the end of the poll.
    pub fn hear_later(&self, talk: &Arc<Talk>) {
        let before = {
            let mut later = self.later();
            match &*later {
                Some(noted) if Arc::ptr_eq(noted, talk) => None,
                _ => later.replace(Arc::clone(talk)),
            }
        };
        if let Some(before) = before {
            before.catch_up();
        }
    }

    fn later(&self) -> MutexGuard<'_, Option<Arc<Talk>>> {
        self.later.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Now.
    pub fn now(&self) -> Time {
        match self.tick.load(Relaxed) {
            OUTSIDE => self.tap.clock.now(),
            UNREAD => {
                let nanos = self.tap.clock.nanos();
                self.tick.store(nanos, Relaxed);
                DateTime::from_timestamp_nanos(nanos)
            }
            nanos => DateTime::from_timestamp_nanos(nanos),
        }
    }

    /// From now on the connection ends as one that was reset, not as one that was closed.
    pub fn reset(&self) {
        self.reset.store(true, Relaxed);
    }

    pub fn is_reset(&self) -> bool {
        self.reset.load(Relaxed)
    }

    pub fn is_stuck(&self) -> bool {
        self.stuck.load(Relaxed)
    }

    /// The bytes that came since the request before, as this one's head was read. With a body, what
    /// comes next is that.
    pub fn take_head(&self, has_body: bool) -> RawHead {
        let mut heads = self.heads();
        heads.in_body = has_body;
        if has_body {
            std::mem::take(&mut heads.request)
        } else {
            heads.request.take_first()
        }
    }

    /// The body is over; what comes next is a head.
    pub fn body_is_over(&self) {
        self.heads().in_body = false;
    }

    /// Whether the client may still be sending: its last request did not come whole, or another has begun.
    pub fn is_within_a_request(&self) -> bool {
        let heads = self.heads();
        heads.in_body || !heads.request.bytes().is_empty()
    }

    /// Waits until nothing that was written before is on its way to the client.
    pub async fn all_is_written(&self) {
        poll_fn(|cx| {
            if !self.is_stuck() {
                return Poll::Ready(());
            }
            self.heads().waiting = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// The head that is written next has the names of this one.
    pub fn spell(&self, answer: RawHead) {
        self.heads().answer.arm(answer);
    }

    fn heads(&self) -> MutexGuard<'_, Heads> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The client's socket, overheard by its [`Link`].
pub struct Socket {
    stream: TcpStream,
    link: Arc<Link>,
}

impl Socket {
    pub const fn new(stream: TcpStream, link: Arc<Link>) -> Self {
        Self { stream, link }
    }

    pub fn into_inner(self) -> TcpStream {
        self.stream
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        if let Some(came) = buf.filled().get(before..).filter(|came| !came.is_empty()) {
            let heads = &mut *self.link.heads();
            if !heads.in_body {
                heads.answer.hear(&mut heads.request, came);
            }
        }
        result
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(buf)])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let mut heads = this.link.heads();
        let result = heads.answer.poll_write(&mut this.stream, cx, bufs);
        if result.is_pending() != this.link.is_stuck() {
            this.link.stuck.store(result.is_pending(), Relaxed);
            if result.is_ready()
                && let Some(waiting) = heads.waiting.take()
            {
                waiting.wake();
            }
        }
        result
    }
}
