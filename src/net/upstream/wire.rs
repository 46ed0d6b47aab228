//! One connection's bytes, plain or encrypted, with the names of headers as they came.

use super::{
    super::spelling::{RawHead, Speller},
    stream::Stream,
};
use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection.
pub struct Wire {
    stream: Stream,
    heads: Arc<Heads>,
}

/// The heads of a connection's next exchange: of the request as it is to be spelled, of the answer as it
/// was. Shared by the connection and whoever holds it.
#[derive(Default)]
pub struct Heads(Mutex<Spelled>);

#[derive(Default)]
struct Spelled {
    request: Speller,
    answer: RawHead,
    /// Whether what comes is an answer's head.
    awaited: bool,
    /// Whether bytes are left that the other side does not take.
    stuck: bool,
}

impl Heads {
    /// The next request is to have the names of this one, and what comes next is its answer.
    pub fn expect(&self, request: RawHead) {
        let mut heads = self.heads();
        heads.request.arm(request);
        heads.answer = RawHead::default();
        heads.awaited = true;
    }

    /// The head of the answer, which is there.
    pub fn answer(&self) -> RawHead {
        let mut heads = self.heads();
        heads.awaited = false;
        std::mem::take(&mut heads.answer)
    }

    /// Whether some of what was sent still waits.
    pub fn is_stuck(&self) -> bool {
        self.heads().stuck
    }

    fn heads(&self) -> MutexGuard<'_, Spelled> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wire {
    /// A connection over `stream`, and its heads.
    pub fn new(stream: Stream) -> (Self, Arc<Heads>) {
        let heads = Arc::new(Heads::default());
        let wire = Self {
            stream,
            heads: Arc::clone(&heads),
        };
        (wire, heads)
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        if let Some(came) = buf.filled().get(before..).filter(|came| !came.is_empty()) {
            let heads = &mut *self.heads.heads();
            if heads.awaited {
                heads.request.hear(&mut heads.answer, came);
            }
        }
        result
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
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
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let mut heads = this.heads.heads();
        let result = heads.request.poll_write(&mut this.stream, cx, bufs);
        heads.stuck = result.is_pending();
        result
    }
}
