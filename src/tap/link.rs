//! The client's side of one connection: its socket, and what the parts of the tap tell each other of it.

use super::Tap;
use crate::domain::time::Time;
use chrono::DateTime;
use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering::Relaxed},
    },
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// Longer heads than this are refused by the parser.
const LONGEST_HEAD: usize = 512 << 10;
/// Room for heads that is kept between requests.
const ROOM: usize = 4 << 10;

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
    raw: Mutex<Raw>,
}

/// What came since the last request.
#[derive(Default)]
struct Raw {
    closed: bool,
    bytes: Vec<u8>,
}

impl Link {
    pub fn new(tap: Arc<Tap>) -> Self {
        Self {
            tap,
            tick: AtomicI64::new(OUTSIDE),
            stuck: AtomicBool::new(false),
            reset: AtomicBool::new(false),
            raw: Mutex::default(),
        }
    }

    /// Begins a poll of the connection: within one, the time stands still and is read once at most.
    pub fn enter(&self) {
        self.tick.store(UNREAD, Relaxed);
    }

    /// Ends it.
    pub fn leave(&self) {
        self.tick.store(OUTSIDE, Relaxed);
    }

    /// Now.
    pub fn now(&self) -> Time {
        match self.tick.load(Relaxed) {
            OUTSIDE => self.tap.clock.now(),
            UNREAD => {
                let now = self.tap.clock.now();
                if let Some(nanos) = now.timestamp_nanos_opt() {
                    self.tick.store(nanos, Relaxed);
                }
                now
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

    /// The bytes that came since the request before, to check this one's head.
    pub fn raw_head(&self) -> Vec<u8> {
        self.raw().bytes.clone()
    }

    /// A head was read; what comes next is a body.
    pub fn head_is_over(&self) {
        let mut raw = self.raw();
        raw.closed = true;
        raw.bytes.clear();
        if raw.bytes.capacity() > ROOM {
            raw.bytes = Vec::new();
        }
    }

    /// The body is over; what comes next is a head.
    pub fn body_is_over(&self) {
        self.raw().closed = false;
    }

    fn raw(&self) -> MutexGuard<'_, Raw> {
        self.raw.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn wrote<T>(&self, result: Poll<T>) -> Poll<T> {
        if result.is_pending() != self.link.is_stuck() {
            self.link.stuck.store(result.is_pending(), Relaxed);
        }
        result
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
            let mut raw = self.link.raw();
            if !raw.closed && raw.bytes.len() < LONGEST_HEAD {
                raw.bytes.extend_from_slice(came);
            }
        }
        result
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.wrote(result)
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
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.wrote(result)
    }
}
