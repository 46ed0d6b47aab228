//! The tap's way out: HTTP/1.1 connections to one address, kept between requests.
//!
//! A connection has no task of its own: whoever holds a [`Lease`] drives it, so that a request and its
//! answer cross no queue between tasks. hyper-util's client would spawn, queue and wake for each; that
//! is a third of the cost of a hop.

mod connect;
mod wire;

use super::{base::Base, transport::Broken};
use crate::domain::time::{Time, seconds_between};
use bytes::Bytes;
use connect::Connector;
use http::{HeaderValue, Request, Response, Uri, uri::PathAndQuery};
use hyper::{
    body::{Body, Incoming},
    client::conn::http1::{Builder, Connection, SendRequest},
};
use std::{
    error::Error,
    pin::Pin,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::sync::Notify;
use wire::Wire;

/// Unused connections are kept for this long, seconds: less than servers do, so that they seldom close
/// one under a request.
const IDLE_S: f64 = 30.0;
/// Unused connections that are kept.
const MOST_IDLE: usize = 256;
/// Head lines of an answer; hyper's own bound is 100.
const MOST_HEADERS: usize = 256;

/// Connections to one address.
pub struct Upstream<B: Body + 'static> {
    connector: Connector,
    builder: Builder,
    host: HeaderValue,
    idle: Mutex<Vec<(Lease<B>, Time)>>,
    awake: AtomicBool,
    some_idle: Notify,
}

/// A connection for one request and its answer. Dropping it closes the connection.
pub struct Lease<B: Body + 'static>(Box<Open<B>>);

/// One open connection.
struct Open<B: Body + 'static> {
    sender: SendRequest<B>,
    connection: Connection<Wire, B>,
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
        builder
            .preserve_header_case(true)
            .max_headers(MOST_HEADERS)
            .ignore_invalid_headers_in_responses(true);
        Ok(Self {
            connector: Connector::new(base)?,
            builder,
            host,
            idle: Mutex::default(),
            awake: AtomicBool::new(false),
            some_idle: Notify::new(),
        })
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

    /// A connection that is still open after another request; the one that was used last.
    pub fn reuse(&self, cx: &mut Context<'_>) -> Option<Lease<B>> {
        loop {
            let (mut lease, _) = self.idle().pop()?;
            // One that the other side closed meanwhile says so here.
            if lease.poll(cx).is_pending() && lease.0.sender.is_ready() {
                return Some(lease);
            }
        }
    }

    /// A new connection.
    pub async fn connect(&self) -> Result<Lease<B>, Broken> {
        let wire = self.connector.open().await?;
        let (sender, connection) = self
            .builder
            .handshake(wire)
            .await
            .map_err(|error| self.connector.no_answer(&error))?;
        Ok(Lease(Box::new(Open { sender, connection })))
    }

    /// Keeps a connection whose answer has been read to its end, if it may serve another.
    pub fn give_back(&self, mut lease: Lease<B>, now: Time, cx: &mut Context<'_>) {
        if lease.poll(cx).is_ready() || !lease.0.sender.is_ready() {
            return;
        }
        let mut idle = self.idle();
        if idle.len() < MOST_IDLE {
            idle.push((lease, now));
        }
        drop(idle);
        if !self.awake.load(Ordering::Relaxed) && !self.awake.swap(true, Ordering::Relaxed) {
            self.some_idle.notify_one();
        }
    }

    /// Closes what has been unused for long or was closed by the other side. Runs until dropped; wakes
    /// only while something is unused.
    pub async fn sweep(&self, now: impl Fn() -> Time) {
        loop {
            self.some_idle.notified().await;
            loop {
                tokio::time::sleep(Duration::from_secs_f64(IDLE_S)).await;
                if self.close_old(now()) {
                    break;
                }
            }
        }
    }

    /// Whether nothing is left.
    fn close_old(&self, now: Time) -> bool {
        let mut idle = self.idle();
        let mut cx = Context::from_waker(Waker::noop());
        idle.retain_mut(|(lease, since)| {
            seconds_between(*since, now) < IDLE_S && lease.poll(&mut cx).is_pending()
        });
        if idle.is_empty() {
            self.awake.store(false, Ordering::Relaxed);
        }
        idle.is_empty()
    }

    /// Unused connections.
    pub fn unused(&self) -> usize {
        self.idle().len()
    }

    /// Why a connection that stood brought no answer, in one sentence.
    pub fn no_answer(&self, error: &(dyn Error + 'static)) -> Broken {
        self.connector.no_answer(error)
    }

    /// How a connection broke within an answer, in one sentence.
    pub fn broke(&self, error: &(dyn Error + 'static)) -> Broken {
        self.connector.broke(error)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Lease<B>, Time)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B> Lease<B>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// Sends a request, once. The future makes no progress by itself: [`Self::poll`] does.
    pub fn send(
        &mut self,
        request: Request<B>,
    ) -> impl Future<Output = hyper::Result<Response<Incoming>>> + Send + use<B> {
        self.0.sender.send_request(request)
    }

    /// Drives the connection: writes what is to be written, reads what has come. Ready when it is over.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0.connection).poll(cx).map(drop)
    }

    /// The connection by itself, for a task; and what keeps it from ending after this answer.
    pub fn split(self) -> (impl Future<Output = ()> + Send + use<B>, SendRequest<B>) {
        let Open { sender, connection } = *self.0;
        (async move { drop(connection.await) }, sender)
    }
}
