//! HTTP around the engine: 1.1, and 2 for those that begin with its preface.

use super::{
    engine::Engine,
    play::{Played, PlayedBody, World, read},
    speak::{
        ask::{Ask, Key, MAX_BODY, Route, Version},
        refusal::Refusal,
        script::Cut,
    },
};
use crate::clock::Clock;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::{
    body::{Body, Frame, Incoming, SizeHint},
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::graceful::GracefulConnection,
};
use std::{
    fmt, io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A body that is too large is read to its end, up to this size, so that the caller hears the 413.
const MAX_DRAIN: usize = 4 * MAX_BODY;
/// How long connections may finish after a stop.
const GRACE: Duration = Duration::from_secs(1);
/// How long to wait when the system has no more file handles.
const BREATH: Duration = Duration::from_millis(50);

/// Serves the engine until `stop` is cancelled; then finishes what is in flight, for a second.
pub async fn serve(
    listener: TcpListener,
    engine: Arc<Mutex<Engine>>,
    clock: Clock,
    stop: CancellationToken,
) {
    let world = World::new(engine, clock);
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, _)) => {
                connections.spawn(connection(socket, world.clone(), stop.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "the simulator cannot accept a connection");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn connection(socket: TcpStream, world: World, stop: CancellationToken) {
    // Without it the kernel would hold small events back until the last is acknowledged.
    let _ = socket.set_nodelay(true);
    let service = service_fn(move |request| {
        let world = world.clone();
        async move { respond(&world, request).await }
    });
    let is_http2 = tokio::select! {
        () = stop.cancelled() => return,
        begun = begins_http2(&socket) => match begun {
            Ok(is_http2) => is_http2,
            Err(_) => return,
        },
    };
    let socket = TokioIo::new(socket);
    if is_http2 {
        let builder = http2::Builder::new(TokioExecutor::new());
        finish(builder.serve_connection(socket, service), &stop).await;
    } else {
        finish(
            http1::Builder::new().serve_connection(socket, service),
            &stop,
        )
        .await;
    }
}

/// Whether what comes first is the preface of HTTP/2. Nothing of it is taken.
async fn begins_http2(socket: &TcpStream) -> io::Result<bool> {
    const PREFACE: &[u8] = b"PRI *";
    let mut first = [0; PREFACE.len()];
    loop {
        let seen = socket.peek(&mut first).await?;
        let first = &first[..seen];
        if seen == 0 || seen == PREFACE.len() || !PREFACE.starts_with(first) {
            return Ok(first == PREFACE);
        }
        // What is there is not waited for again, so more would be asked for without a pause.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Serves a connection to its end, or until a stop and what was in flight then.
async fn finish(connection: impl GracefulConnection, stop: &CancellationToken) {
    tokio::pin!(connection);
    tokio::select! {
        biased;
        // A connection that breaks, by fault or by its caller, is the caller's to notice.
        _ = connection.as_mut() => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(GRACE, connection).await;
        }
    }
}

async fn respond(world: &World, request: Request<Incoming>) -> Result<Response<Piecewise>, Broke> {
    let (mut parts, body) = request.into_parts();
    if let Some(authority) = parts.uri.authority()
        && let Ok(host) = http::HeaderValue::try_from(authority.as_str())
    {
        // HTTP/2 has no Host.
        parts.headers.entry(http::header::HOST).or_insert(host);
    }
    let target = parts
        .uri
        .path_and_query()
        .map_or("/", http::uri::PathAndQuery::as_str);
    let ask = match collect(body).await? {
        Some(body) => read(&parts.method, target, &parts.headers, &body),
        None => Ask {
            key: Key::Missing,
            version: Version::Missing,
            route: Route::Refused(Refusal::too_large()),
        },
    };
    let Played {
        status,
        headers,
        body,
    } = world.play(ask, &parts.headers).await.map_err(|Cut| Broke)?;
    let body = match body {
        PlayedBody::Whole(bytes) => Piecewise::Whole(Some(bytes)),
        PlayedBody::Told(told) => {
            Piecewise::Told(Box::pin(stream::unfold(told, |mut told| async move {
                told.next().await.map(|piece| (piece, told))
            })))
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    *response.headers_mut() = headers;
    Ok(response)
}

/// The whole body; none when it is larger than the API takes.
async fn collect(mut body: Incoming) -> Result<Option<Bytes>, Broke> {
    if body.is_end_stream() {
        return Ok(Some(Bytes::new()));
    }
    let mut first: Option<Bytes> = None;
    let mut all = BytesMut::new();
    let mut size = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Broke)?.into_data() else {
            continue;
        };
        size += data.len();
        if size > MAX_DRAIN {
            break;
        }
        if size > MAX_BODY {
            (first, all) = (None, BytesMut::new());
        } else if size == data.len() {
            first = Some(data);
        } else {
            if let Some(first) = first.take() {
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&data);
        }
    }
    Ok((size <= MAX_BODY).then(|| first.unwrap_or_else(|| all.freeze())))
}

/// The connection breaks here, on purpose or because the caller left.
#[derive(Clone, Copy, Debug)]
struct Broke;

impl fmt::Display for Broke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection breaks here")
    }
}

impl std::error::Error for Broke {}

/// A body at once, or in pieces.
enum Piecewise {
    Whole(Option<Bytes>),
    Told(Pin<Box<dyn Stream<Item = Result<Bytes, Cut>> + Send>>),
}

impl Body for Piecewise {
    type Data = Bytes;
    type Error = Broke;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broke>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Told(told) => told
                .poll_next_unpin(cx)
                .map(|piece| piece.map(|piece| piece.map(Frame::data).map_err(|Cut| Broke))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.as_ref().is_none_or(Bytes::is_empty))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Told(_) => SizeHint::default(),
        }
    }
}
