//! HTTP/2 connections to one address, each shared by many requests: only where somebody asked for that.
//!
//! A connection has a task of its own here, as many exchanges wait for it.

use super::{
    super::{transport::Broken, trouble},
    connect::Connector,
    greeting::{Greeted, NotHttp2},
};
use bytes::Bytes;
use http::{Request, Response};
use hyper::{
    body::{Body, Incoming},
    client::conn::http2::{Builder, Connection, SendRequest},
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::{
    error::Error,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::timeout;

/// Streams of one connection, also where the server allows more: one lost packet holds them all up.
const MOST_STREAMS: usize = 128;
/// What one stream may bring before its reader takes it; then it waits, and only it.
const STREAM_WINDOW: u32 = 256 << 10;
/// Enough for all streams of a connection.
const CONNECTION_WINDOW: u32 = STREAM_WINDOW * MOST_STREAMS as u32;
/// What of a request is taken in before upstream takes it.
const SEND_BUFFER: usize = 256 << 10;
/// Bytes of an answer's head, as it is counted in HTTP/2.
const MOST_HEAD: u32 = 256 << 10;
/// Between two pings while something is under way; without an answer the connection is over.
const PING: Duration = Duration::from_secs(20);
/// How long a server may take over its first frame.
const PATIENCE: Duration = Duration::from_secs(10);

type Wired<B> = Connection<TokioIo<Greeted>, B, TokioExecutor>;

/// Connections that are shared.
pub struct Shared<B: Body + 'static> {
    builder: Builder<TokioExecutor>,
    open: Mutex<Vec<Line<B>>>,
    /// One opens at a time, for all that wait; why the last one could not.
    opening: tokio::sync::Mutex<Option<Broken>>,
    /// How many could not.
    failures: AtomicUsize,
}

/// One connection.
struct Line<B: Body + 'static> {
    sender: SendRequest<B>,
    load: Arc<Load>,
}

/// How one connection stands.
#[derive(Debug)]
struct Load {
    streams: AtomicUsize,
    /// As many as are allowed.
    room: usize,
    /// Whether it has been unused since the last sweep.
    rested: AtomicBool,
    /// Whether it takes nothing more.
    over: AtomicBool,
}

/// A place on a connection, for one exchange.
#[derive(Debug)]
pub struct Place(Arc<Load>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Relaxed);
    }
}

/// Why there was no answer.
#[derive(Debug)]
pub enum Failed {
    /// There was no connection; nothing was sent.
    Connecting(Broken),
    /// The request left, or may have.
    Sent(hyper::Error),
}

impl<B> Shared<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// None is open yet.
    pub fn new() -> Self {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(SEND_BUFFER)
            .max_header_list_size(MOST_HEAD)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PATIENCE);
        Self {
            builder,
            open: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            failures: AtomicUsize::new(0),
        }
    }

    /// Sends a request, once, and waits for the head of its answer. One that a connection did not take any
    /// more, so that nothing of it left, goes on another.
    pub async fn send(
        &self,
        mut request: Request<B>,
        connector: &Connector,
    ) -> Result<(Response<Incoming>, Place), Failed> {
        loop {
            let (mut sender, place) = match self.pick() {
                Some(picked) => picked,
                None => self.open(connector).await.map_err(Failed::Connecting)?,
            };
            let mut error = match sender.try_send_request(request).await {
                Ok(answer) => return Ok((answer, place)),
                Err(error) => error,
            };
            match error.take_message() {
                Some(unsent) if !place.0.over.swap(true, Relaxed) => request = unsent,
                _ => return Err(Failed::Sent(error.into_error())),
            }
        }
    }

    /// A connection with room.
    fn pick(&self) -> Option<(SendRequest<B>, Place)> {
        let mut open = self.lines();
        open.retain(|line| !line.sender.is_closed() && !line.load.over.load(Relaxed));
        let has_room = |line: &&Line<B>| line.load.streams.load(Relaxed) < line.load.room;
        let line = open.iter().find(has_room)?;
        line.load.rested.store(false, Relaxed);
        line.load.streams.fetch_add(1, Relaxed);
        Some((line.sender.clone(), Place(Arc::clone(&line.load))))
    }

    /// Opens a connection, or takes what another request that did so got.
    async fn open(&self, connector: &Connector) -> Result<(SendRequest<B>, Place), Broken> {
        let before = self.failures.load(Relaxed);
        let mut failed = self.opening.lock().await;
        if let Some(picked) = self.pick() {
            return Ok(picked);
        }
        if let Some(why) = failed
            .clone()
            .filter(|_| self.failures.load(Relaxed) != before)
        {
            return Err(why);
        }
        let opened = self.connect(connector).await;
        *failed = opened.as_ref().err().cloned();
        self.failures
            .fetch_add(usize::from(failed.is_some()), Relaxed);
        opened
    }

    async fn connect(&self, connector: &Connector) -> Result<(SendRequest<B>, Place), Broken> {
        let place = connector.base().host_and_port();
        let (wire, greeting) = Greeted::new(connector.open().await?);
        let (sender, connection) = self
            .builder
            .handshake(TokioIo::new(wire))
            .await
            .map_err(|error| trouble::no_http2(&place, &trouble::innermost(&error)))?;
        let running = tokio::spawn(drive(connection));
        // No request leaves before it is known that HTTP/2 is spoken there.
        let greeting = timeout(PATIENCE, greeting).await;
        let room = match greeting {
            Ok(Ok(Ok(room))) => Ok(room),
            Ok(Ok(Err(NotHttp2))) => Err("it answered something else"),
            Ok(Err(_)) => Err("it closed the connection"),
            Err(_) => Err("it says nothing"),
        };
        let room = room.map_err(|why| {
            running.abort();
            trouble::no_http2(&place, why)
        })?;
        let room = room.map_or(MOST_STREAMS, |room| (room as usize).clamp(1, MOST_STREAMS));
        let load = Arc::new(Load {
            streams: AtomicUsize::new(1),
            room,
            rested: AtomicBool::new(false),
            over: AtomicBool::new(false),
        });
        self.lines().push(Line {
            sender: sender.clone(),
            load: Arc::clone(&load),
        });
        Ok((sender, Place(load)))
    }
}

impl<B: Body + 'static> Shared<B> {
    /// Closes what has been unused since the last time; whether nothing is left.
    pub fn close_old(&self) -> bool {
        let mut open = self.lines();
        open.retain(|line| {
            let unused = line.load.streams.load(Relaxed) == 0;
            let rested = line.load.rested.swap(unused, Relaxed);
            !(line.sender.is_closed() || unused && rested)
        });
        open.is_empty()
    }

    fn lines(&self) -> MutexGuard<'_, Vec<Line<B>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drives a connection to its end; how it ends its streams tell.
async fn drive<B>(connection: Wired<B>)
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let _ = connection.await;
}
