//! HTTP/1.1 connections to one address (or, by setting, HTTP/2), kept between requests: the tap's way out, and our own to a server
//! on this machine.
//!
//! A connection has no task of its own: whoever holds a [`Lease`] drives it, so that a request and its
//! answer cross no queue between tasks. hyper-util's client would spawn, queue and wake for each; that
//! is a third of the cost of a hop.

mod connect;
mod greeting;
mod shared;
mod stream;
mod wire;

use super::{base::Base, spelling::RawHead, transport::Broken};
use bytes::Bytes;
use connect::Connector;
use http::{HeaderValue, Request, Response, Uri, uri::PathAndQuery};
use hyper::{
    body::{Body, Incoming},
    client::conn::http1::{Builder, Connection, SendRequest},
};
use hyper_util::rt::TokioIo;
use shared::Shared;
pub use shared::{Failed, Place};
use std::{
    error::Error,
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::sync::Notify;
use wire::{Heads, Wire};

/// Between two looks at unused connections: what was there at the last one goes. Less than servers wait,
/// so that they seldom close one under a request.
const SWEEP: Duration = Duration::from_secs(30);
/// Unused connections that are kept. With fewer than a busy client has at once, those it opens anew for each
/// wave of calls take other pages of memory than the wave before.
const MOST_IDLE: usize = 512;

/// Connections to one address.
pub struct Upstream<B: Body + 'static> {
    connector: Connector,
    builder: Builder,
    host: HeaderValue,
    idle: Mutex<Idle<B>>,
    awake: AtomicBool,
    some_idle: Notify,
    /// HTTP/2, where that was asked for.
    shared: Option<Box<Shared<B>>>,
}

/// Unused connections, the one used last at the end, each with the sweep that it came after.
struct Idle<B: Body + 'static> {
    leases: Vec<(Lease<B>, u32)>,
    sweeps: u32,
}

/// A connection for one request and its answer. Dropping it closes the connection.
pub struct Lease<B: Body + 'static>(Box<Open<B>>);

/// One open connection.
struct Open<B: Body + 'static> {
    sender: SendRequest<B>,
    connection: Connection<TokioIo<Wire>, B>,
    heads: Arc<Heads>,
}

impl<B> Upstream<B>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// Connections to `base`; nothing is opened yet. Plain http beyond this machine is refused unless
    /// `allow_plain_http`, and so is a proxy that cannot be used: one sentence.
    pub fn new(base: Base, allow_plain_http: bool) -> Result<Self, String> {
        if base.is_plain_http() && !base.is_loopback() && !allow_plain_http {
            return Err(format!(
                "{} is plain http beyond this machine, so keys would travel unencrypted: use https, or \
                 set allow_plain_http = true in the profile",
                base.as_str()
            ));
        }
        let host = HeaderValue::try_from(base.short())
            .map_err(|_| format!("{} cannot be written as a host", base.short()))?;
        let mut builder = Builder::new();
        builder.ignore_invalid_headers_in_responses(true);
        Ok(Self {
            connector: Connector::new(base)?,
            builder,
            host,
            idle: Mutex::new(Idle {
                leases: Vec::new(),
                sweeps: 0,
            }),
            awake: AtomicBool::new(false),
            some_idle: Notify::new(),
            shared: None,
        })
    }

    /// Over HTTP/2, and nothing else: agreed on in TLS, known beforehand without. One sentence where that
    /// cannot be.
    pub fn over_http2(mut self) -> Result<Self, String>
    where
        B: Unpin,
    {
        if self.connector.is_behind_plain_proxy() {
            return Err(format!(
                "{} goes through a proxy unencrypted, which HTTP/2 cannot: use https, or turn http2 off",
                self.base().as_str()
            ));
        }
        self.connector.want_http2();
        self.shared = Some(Box::new(Shared::new()));
        Ok(self)
    }

    /// Whether it speaks HTTP/2.
    pub const fn is_http2(&self) -> bool {
        self.shared.is_some()
    }

    /// The target of a request over HTTP/2: the whole address.
    pub fn whole_target(&self, asked: &Uri) -> Option<Uri> {
        let asked = asked.path_and_query().map_or("/", PathAndQuery::as_str);
        let asked = if asked == "*" { "" } else { asked };
        let (origin, path) = (self.base().origin(), self.base().path());
        Uri::try_from(format!("{origin}{path}{asked}")).ok()
    }

    /// Sends a request over HTTP/2, once, and waits for the head of its answer. The place is held until the
    /// answer's body is over.
    pub async fn send_shared(
        &self,
        request: Request<B>,
    ) -> Result<(Response<Incoming>, Place), Failed>
    where
        B: Unpin,
    {
        let Some(shared) = &self.shared else {
            let place = self.base().host_and_port();
            let broken = super::trouble::broken(&place, "HTTP/2 was not asked for");
            return Err(Failed::Connecting(broken));
        };
        let sent = shared.send(request, &self.connector).await;
        self.wake_sweep();
        sent
    }

    fn wake_sweep(&self) {
        if !self.awake.load(Ordering::Relaxed) && !self.awake.swap(true, Ordering::Relaxed) {
            self.some_idle.notify_one();
        }
    }

    /// Where it leads.
    pub fn base(&self) -> &Base {
        self.connector.base()
    }

    /// The `Host` of every request.
    pub fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// The target of a request as this address wants it: with its path in front, and absolute for a
    /// plain proxy. None where that is no target.
    pub fn target(&self, asked: Uri) -> Option<Uri> {
        let path = self.base().path();
        let proxied = self.connector.is_behind_plain_proxy();
        if path.is_empty() && !proxied {
            return Some(asked);
        }
        let asked = asked.path_and_query().map_or("/", PathAndQuery::as_str);
        let asked = if asked == "*" { "" } else { asked };
        let scheme = if proxied { self.base().origin() } else { "" };
        Uri::try_from(format!("{scheme}{path}{asked}")).ok()
    }

    /// A connection: one that is unused, else a new one.
    pub async fn lease(&self) -> Result<Lease<B>, Broken> {
        match self.reuse() {
            Some(lease) => Ok(lease),
            // Seldom, and large: not a part of everything that may wait for one.
            None => Box::pin(self.connect()).await,
        }
    }

    /// A connection that is still open after another request; the one that was used last.
    fn reuse(&self) -> Option<Lease<B>> {
        loop {
            let (mut lease, _) = self.idle().leases.pop()?;
            // One that the other side closed meanwhile says so here.
            if lease.poll(&mut nobody()).is_pending() && lease.0.sender.is_ready() {
                return Some(lease);
            }
        }
    }

    async fn connect(&self) -> Result<Lease<B>, Broken> {
        let (wire, heads) = Wire::new(self.connector.open().await?);
        let (sender, connection) = self
            .builder
            .handshake(TokioIo::new(wire))
            .await
            .map_err(|error| self.connector.no_answer(&error))?;
        Ok(Lease(Box::new(Open {
            sender,
            connection,
            heads,
        })))
    }

    /// Keeps a connection whose answer has been read to its end, if it may serve another.
    pub fn give_back(&self, mut lease: Lease<B>) {
        let over = lease.poll(&mut nobody()).is_ready();
        if over || !lease.0.sender.is_ready() || lease.0.heads.is_stuck() {
            return;
        }
        let mut idle = self.idle();
        if idle.leases.len() < MOST_IDLE {
            let after = idle.sweeps;
            idle.leases.push((lease, after));
        }
        drop(idle);
        self.wake_sweep();
    }

    /// Closes what has been unused for long or was closed by the other side. Runs until dropped; wakes
    /// only while something is unused.
    pub async fn sweep(&self) {
        loop {
            self.some_idle.notified().await;
            loop {
                tokio::time::sleep(SWEEP).await;
                if self.close_old() {
                    break;
                }
            }
        }
    }

    /// Whether nothing is left.
    fn close_old(&self) -> bool {
        let mut idle = self.idle();
        let now = idle.sweeps;
        idle.leases
            .retain_mut(|(lease, after)| *after == now && lease.poll(&mut nobody()).is_pending());
        idle.sweeps = now.wrapping_add(1);
        let none_shared = self.shared.as_ref().is_none_or(|shared| shared.close_old());
        let none = idle.leases.is_empty() && none_shared;
        if none {
            idle.leases = Vec::new();
            self.awake.store(false, Ordering::Relaxed);
        }
        none
    }

    /// Unused connections of HTTP/1.1.
    pub fn unused(&self) -> usize {
        self.idle().leases.len()
    }

    /// Why a connection that stood brought no answer, in one sentence.
    pub fn no_answer(&self, error: &(dyn Error + 'static)) -> Broken {
        self.connector.no_answer(error)
    }

    /// How a connection broke within an answer, in one sentence.
    pub fn broke(&self, error: &(dyn Error + 'static)) -> Broken {
        self.connector.broke(error)
    }

    fn idle(&self) -> MutexGuard<'_, Idle<B>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes nobody: an unused connection has nothing to say that cannot wait until it is wanted, and the
/// task that used it last must not be woken by the one that uses it next.
const fn nobody() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

impl<B> Lease<B>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// Sends a request, once, and waits for the head of its answer. The names of its headers are those
    /// that they have in `names`, if it is there. The body comes only as the connection is driven on:
    /// see [`Self::poll`].
    pub async fn send(
        mut self,
        request: Request<B>,
        names: Option<RawHead>,
    ) -> hyper::Result<(Response<Incoming>, Self)> {
        if let Some(names) = names {
            self.0.heads.expect(names);
        }
        // Makes no progress by itself.
        let mut sending = pin!(self.0.sender.send_request(request));
        let answer = poll_fn(|cx| {
            // The connection first: the answer comes out of it and from nowhere else, so it need wake
            // nobody.
            let over = self.poll(cx).is_ready();
            let answer = sending.as_mut().poll(&mut nobody());
            if over && answer.is_pending() {
                // Only for want of budget; the answer is there at the next poll.
                cx.waker().wake_by_ref();
            }
            answer
        })
        .await?;
        Ok((answer, self))
    }

    /// Drives the connection: writes what is to be written, reads what has come. Ready when it is over.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0.connection).poll(cx).map(drop)
    }

    /// The bytes of the answer's head, once it is there.
    pub fn take_raw(&self) -> RawHead {
        self.0.heads.answer()
    }

    /// The connection by itself, for a task; and what keeps it from ending after this answer.
    pub fn split(self) -> (impl Future<Output = ()> + Send + use<B>, SendRequest<B>) {
        let Open {
            sender, connection, ..
        } = *self.0;
        (async move { drop(connection.await) }, sender)
    }
}
