//! Our own end of the wire: a server on loopback that keeps what arrives and answers by script.

use super::case::{Case, Piece, Script};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Either, Full, Limited, StreamBody};
use hyper::{
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use std::{
    collections::HashMap,
    convert::Infallible,
    fmt, io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::AbortHandle,
};

/// How long the second half of a stream waits for the first to arrive at the other end.
pub const PATIENCE: Duration = Duration::from_secs(3);
/// How long to wait when the system has no more file handles.
const BREATH: Duration = Duration::from_millis(50);
/// A larger request is not kept: the API takes 32 MB.
const MOST_BYTES: usize = 64 << 20;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// Path and query.
    pub target: String,
    /// Headers of interest: keys are not kept.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Bytes,
}

impl Arrived {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Headers that the examination looks at.
const OF_INTEREST: [&str; 5] = [
    "x-stainless-retry-count",
    "anthropic-version",
    "anthropic-beta",
    "accept-encoding",
    "user-agent",
];

#[derive(Debug)]
struct Shared {
    nonce: u64,
    patience: Duration,
    arrived: Mutex<HashMap<Case, Vec<Arrived>>>,
    received: Notify,
    withheld_in_vain: Mutex<bool>,
}

impl Shared {
    fn arrived(&self) -> MutexGuard<'_, HashMap<Case, Vec<Arrived>>> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the other end has what was sent so far.
    async fn withhold(&self) {
        if tokio::time::timeout(self.patience, self.received.notified())
            .await
            .is_err()
        {
            *self
                .withheld_in_vain
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = true;
        }
    }
}

/// A listening upstream; ends when dropped.
#[derive(Debug)]
pub struct Upstream {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    task: AbortHandle,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Upstream {
    /// Listens at a loopback address. `nonce` tells this examination from any other; `patience` is
    /// [`PATIENCE`] where nothing is known of the gateway.
    pub async fn start(address: SocketAddr, nonce: u64, patience: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            nonce,
            patience,
            arrived: Mutex::default(),
            received: Notify::new(),
            withheld_in_vain: Mutex::new(false),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared))).abort_handle();
        Ok(Self {
            address,
            shared,
            task,
        })
    }

    /// What tells this examination from any other.
    pub fn nonce(&self) -> u64 {
        self.shared.nonce
    }

    /// Tells it that the caller has received something.
    pub fn received(&self) {
        self.shared.received.notify_one();
    }

    /// Requests of a case that arrived, first to last.
    pub fn arrived(&self, case: Case) -> Vec<Arrived> {
        self.shared
            .arrived()
            .get(&case)
            .cloned()
            .unwrap_or_default()
    }

    /// Whether the second half of a stream had to be sent although the first had not been received.
    pub fn withheld_in_vain(&self) -> bool {
        *self
            .shared
            .withheld_in_vain
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Connections end with the listener's task.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((socket, _)) => {
                connections.spawn(connection(socket, Arc::clone(&shared)));
            }
            Err(error) => {
                tracing::warn!(%error, "the upstream cannot accept a connection");
                tokio::time::sleep(BREATH).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(socket: TcpStream, shared: Arc<Shared>) {
    let _ = socket.set_nodelay(true);
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(respond(&shared, request).await) }
    });
    // A connection that breaks does so on purpose, or is the gateway's to notice.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(socket), service)
        .await;
}

type Pieces = StreamBody<std::pin::Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Cut>> + Send>>>;

async fn respond(
    shared: &Arc<Shared>,
    request: Request<Incoming>,
) -> Response<Either<Full<Bytes>, Pieces>> {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, MOST_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => Bytes::new(),
    };
    let Some(case) = Case::of_body(&body, shared.nonce) else {
        return unknown();
    };
    let text = |name: &&str| {
        let value = parts.headers.get(*name)?;
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        Some(((*name).to_owned(), text))
    };
    let arrived = Arrived {
        target: parts.uri.to_string(),
        headers: OF_INTEREST.iter().filter_map(text).collect(),
        body,
    };
    shared.arrived().entry(case).or_default().push(arrived);
    scripted(case.script(), Arc::clone(shared))
}

fn scripted(script: Script, shared: Arc<Shared>) -> Response<Either<Full<Bytes>, Pieces>> {
    let whole = match script.pieces.as_slice() {
        [Piece::Bytes(bytes)] => Some(bytes.clone()),
        _ => None,
    };
    let body = match whole {
        Some(bytes) => Either::Left(Full::new(bytes)),
        None => Either::Right(StreamBody::new(told(script.pieces, shared))),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(script.status).unwrap_or_default();
    for (name, value) in script.headers {
        response.headers_mut().insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    response
}

fn told(
    pieces: Vec<Piece>,
    shared: Arc<Shared>,
) -> std::pin::Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Cut>> + Send>> {
    let pieces = stream::iter(pieces).filter_map(move |piece| {
        let shared = Arc::clone(&shared);
        async move {
            match piece {
                Piece::Bytes(bytes) => Some(Ok(Frame::data(bytes))),
                Piece::Withhold => {
                    shared.withhold().await;
                    None
                }
                Piece::Cut => {
                    // What was sent before is to arrive first: give the connection a turn to write it.
                    tokio::task::yield_now().await;
                    Some(Err(Cut))
                }
            }
        }
    });
    Box::pin(pieces)
}

/// What is not part of this examination: a health check of the gateway, say.
fn unknown() -> Response<Either<Full<Bytes>, Pieces>> {
    const BODY: &[u8] = br#"{"type":"error","error":{"type":"not_found_error","message":"ratetop doctor answers its own requests only"}}"#;
    let mut response = Response::new(Either::Left(Full::new(Bytes::from_static(BODY))));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response.headers_mut().insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

/// The connection breaks here, on purpose.
#[derive(Clone, Copy, Debug)]
struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection breaks here")
    }
}

impl std::error::Error for Cut {}
