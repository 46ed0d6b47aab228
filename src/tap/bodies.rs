//! The two bodies of an exchange on their way: passed on as they come, heard, never kept.

use super::{
    Out,
    alarm::held_back,
    chaos::body::{Fuse, Passes},
    forward::Cut,
    hear::End,
    talk::Talk,
};
use crate::net::upstream::{Lease, Place};
use bytes::Bytes;
use hyper::{
    body::{Body, Frame, Incoming, SizeHint},
    client::conn::http1::SendRequest,
};
use std::{
    error::Error,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};
use tokio::{task::AbortHandle, time::Sleep};

/// How long a body waits for a `100 Continue` that upstream does not send.
const PATIENCE: Duration = Duration::from_secs(1);

/// A request's body.
pub struct Upload {
    body: Incoming,
    talk: Arc<Talk>,
    waits: Option<Waits>,
}

/// A body that the client holds back until upstream wants it.
struct Waits {
    wanted: Arc<AtomicBool>,
    patience: Pin<Box<Sleep>>,
}

impl Upload {
    /// The body of a request that may be asked for; `wanted` where the client waits for that.
    pub fn new(body: Incoming, talk: Arc<Talk>, wanted: Option<Arc<AtomicBool>>) -> Self {
        if body.is_end_stream() {
            talk.request_is_whole();
        }
        let waits = wanted.map(|wanted| Waits {
            wanted,
            patience: Box::pin(tokio::time::sleep(PATIENCE)),
        });
        Self { body, talk, waits }
    }

    /// The next piece. Its sender hears that it was taken only if there may be more.
    fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let (frame, sender) = held_back(|| Pin::new(&mut self.body).poll_frame(cx));
        let is_last = matches!(frame, Poll::Ready(Some(Ok(_)))) && self.body.is_end_stream();
        if let Some(sender) = sender.filter(|_| !is_last) {
            sender.wake();
        }
        frame
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        if let Some(waits) = &mut this.waits {
            if !waits.wanted.load(Relaxed) && waits.patience.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            this.waits = None;
        }
        let frame = this.poll_body(cx);
        match &frame {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    this.talk.request_bytes(data);
                }
                if this.body.is_end_stream() {
                    this.talk.request_is_whole();
                }
            }
            Poll::Ready(None) if !this.talk.is_request_whole() => this.talk.request_is_whole(),
            Poll::Ready(Some(Err(error))) => {
                let bad = [io::ErrorKind::InvalidData, io::ErrorKind::InvalidInput];
                if kind(error).is_some_and(|kind| bad.contains(&kind)) {
                    this.talk.chunks_are_bad();
                }
            }
            _ => {}
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What drives the upstream connection while its answer is read.
pub enum Drive {
    /// Whoever reads the answer.
    Reader(Lease<Box<Upload>>),
    /// A task, as the request is still on its way while its answer comes.
    Task(Task),
    /// Its own task, as others share it; a place on it.
    Shared { _place: Place },
}

/// A task that ends when the answer is dropped before its end.
pub struct Task {
    pub running: AbortHandle,
    /// Keeps the connection from ending.
    pub _sender: SendRequest<Box<Upload>>,
    /// Whether the answer was read to its end, so that the rest of the request may still go.
    pub answered: bool,
}

impl Drop for Task {
    fn drop(&mut self) {
        if !self.answered {
            self.running.abort();
        }
    }
}

/// An answer's body.
pub enum Answer {
    /// The tap's own.
    Own(Option<Bytes>),
    /// Upstream said that there is none, and its head says it too.
    Nothing,
    /// Upstream's, on its way.
    Passing(Passing),
}

/// Upstream's body on its way.
pub struct Passing {
    body: Incoming,
    talk: Arc<Talk>,
    drive: Option<Drive>,
    broken: Option<Broken>,
    /// Where chaos ends it.
    fuse: Option<Box<Fuse>>,
}

/// How the upstream broke; told to the client when it has all that came before.
struct Broken {
    flushed: bool,
}

impl Passing {
    pub const fn new(
        body: Incoming,
        talk: Arc<Talk>,
        drive: Drive,
        fuse: Option<Box<Fuse>>,
    ) -> Self {
        Self {
            body,
            talk,
            drive: Some(drive),
            broken: None,
            fuse,
        }
    }

    /// The next piece, driving the connection as far as it takes.
    fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(Drive::Reader(lease)) = &mut self.drive else {
            return Pin::new(&mut self.body).poll_frame(cx);
        };
        // A piece comes from nowhere but the connection, which is polled right after and again until it
        // has none: neither need wake the other.
        let mut quiet = Context::from_waker(Waker::noop());
        let (frame, _) = held_back(|| Pin::new(&mut self.body).poll_frame(&mut quiet));
        if frame.is_ready() {
            return frame;
        }
        let over = lease.poll(cx).is_ready();
        let (frame, _) = held_back(|| Pin::new(&mut self.body).poll_frame(&mut quiet));
        if over && frame.is_pending() {
            // Cannot be: a connection that is over has ended its body.
            return Poll::Ready(None);
        }
        frame
    }

    /// The answer is whole: the connection may serve another request.
    fn finish(&mut self) {
        finish(self.drive.take(), &self.talk);
    }

    fn broke(&mut self, error: &hyper::Error, cx: &Context<'_>) {
        let link = &self.talk.link;
        let how = link.tap.upstream.broke(error).how;
        self.talk.end(End::UpstreamBroke(how));
        // A stream has no other end than a whole one and a reset.
        let is_stream = matches!(self.drive.take(), Some(Drive::Shared { .. }));
        if is_stream || kind(error).is_some_and(|kind| kind == io::ErrorKind::ConnectionReset) {
            link.reset();
        }
        self.broken = Some(Broken { flushed: false });
        cx.waker().wake_by_ref();
    }
}

impl Answer {
    /// Chaos ends it here: with that event, or as upstream's reset would.
    fn end_early(
        &mut self,
        mut bytes: Bytes,
        last: Option<Bytes>,
        cx: &Context<'_>,
    ) -> Frame<Bytes> {
        let Self::Passing(passing) = self else {
            return Frame::data(bytes);
        };
        let ends = last.is_some();
        if let Some(last) = last {
            bytes = [bytes, last].concat().into();
        }
        let talk = Arc::clone(&passing.talk);
        talk.response_bytes(&bytes);
        // Upstream need not say the rest.
        passing.drive = None;
        if ends {
            talk.end(End::Whole);
            *self = Self::Own(None);
        } else {
            talk.end(End::UpstreamBroke("chaos cut the stream".to_owned()));
            talk.link.reset();
            passing.broken = Some(Broken { flushed: false });
            cx.waker().wake_by_ref();
        }
        Frame::data(bytes)
    }
}

/// An answer is whole: its connection may serve another request.
pub fn finish(drive: Option<Drive>, talk: &Arc<Talk>) {
    talk.whole();
    match drive {
        Some(Drive::Reader(lease)) => {
            let upstream: &Out = &talk.link.tap.upstream;
            upstream.give_back(lease);
        }
        Some(Drive::Task(mut task)) => task.answered = true,
        Some(Drive::Shared { .. }) | None => {}
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let this = match &mut *self {
            Self::Own(bytes) => {
                return Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes))));
            }
            Self::Nothing => return Poll::Ready(None),
            Self::Passing(passing) => passing,
        };
        if let Some(broken) = &mut this.broken {
            // What came before the break reaches the client first: once round to flush it, and then
            // for as long as the client takes it slowly.
            if std::mem::replace(&mut broken.flushed, true) && !this.talk.link.is_stuck() {
                return Poll::Ready(Some(Err(Cut)));
            }
            if !this.talk.link.is_stuck() {
                cx.waker().wake_by_ref();
            }
            return Poll::Pending;
        }
        match std::task::ready!(this.poll_body(cx)) {
            Some(Ok(frame)) => {
                let due = this.fuse.as_mut().zip(frame.data_ref());
                if let Some(Passes::Until(bytes, last)) = due.map(|(fuse, data)| fuse.take(data)) {
                    return Poll::Ready(Some(Ok(self.end_early(bytes, last, cx))));
                }
                if let Some(data) = frame.data_ref() {
                    this.talk.response_bytes(data);
                }
                if this.body.is_end_stream() || frame.is_trailers() {
                    this.finish();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            None => {
                this.finish();
                Poll::Ready(None)
            }
            Some(Err(error)) => {
                this.broke(&error, cx);
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(bytes) => bytes.is_none(),
            // Not an end by itself: only so does the head keep its length.
            Self::Nothing => false,
            Self::Passing(passing) => passing.broken.is_none() && passing.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Nothing => SizeHint::default(),
            Self::Passing(passing) if passing.fuse.is_some() => SizeHint::default(),
            Self::Passing(passing) => passing.body.size_hint(),
        }
    }
}

/// The kind of the first I/O error among the causes.
pub fn kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    let mut next = Some(error);
    while let Some(this) = next {
        if let Some(io) = this.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        next = this.source();
    }
    None
}
