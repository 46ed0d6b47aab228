//! A port beside the tap's own, for machines that look: read-only, behind the same checks as the tap.

use super::gate::Gate;
use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use http_body_util::{Either, Full, StreamBody};
use hyper::{
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, pin::Pin, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Connections at the same time; more are closed at once.
const MOST_CONNECTIONS: usize = 256;
/// How long a client may take over the head of a request.
const HEAD: Duration = Duration::from_secs(10);
/// How long to wait when the system has no more file handles.
const BREATH: Duration = Duration::from_millis(50);

/// A body that goes on.
pub type Told = Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Infallible>> + Send>>;
/// What a port answers with.
pub type Body = Either<Full<Bytes>, StreamBody<Told>>;

/// What a port has to tell.
pub trait Pages: Send + Sync {
    /// The answer to a `GET` that came through the gate.
    fn page(&self, head: &Parts) -> Response<Body>;
}

/// A read-only port.
pub struct Port {
    gate: Gate,
    pages: Arc<dyn Pages>,
}

impl Port {
    /// A port that tells those pages, behind that gate.
    pub fn new(gate: Gate, pages: Arc<dyn Pages>) -> Self {
        Self { gate, pages }
    }

    /// Serves until `stop` is cancelled; what is being told then ends at once.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        let port = Arc::new(self);
        let connections = TaskTracker::new();
        let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stop.cancelled() => break,
            };
            match accepted {
                Ok((socket, _)) => {
                    let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
                        continue;
                    };
                    let (port, stop) = (Arc::clone(&port), stop.clone());
                    connections.spawn(async move {
                        stop.run_until_cancelled(connection(socket, port)).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a port beside the tap cannot accept a connection");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
        drop(listener);
        connections.close();
        connections.wait().await;
    }

    fn answer(&self, mut head: Parts) -> Response<Body> {
        if let Err(refusal) = self.gate.pass(&mut head, Vec::new) {
            let json = HeaderValue::from_static("application/json");
            return whole(refusal.status(), json, refusal.body());
        }
        if !matches!(head.method, Method::GET | Method::HEAD) {
            let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "this port is read-only\n");
            let allowed = HeaderValue::from_static("GET, HEAD");
            response.headers_mut().insert(header::ALLOW, allowed);
            return response;
        }
        self.pages.page(&head)
    }
}

async fn connection(socket: TcpStream, port: Arc<Port>) {
    let _ = socket.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = port.answer(request.into_parts().0);
        async move { Ok::<_, Infallible>(answer) }
    });
    // A reader that goes away does so in the middle of an answer, as a rule.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(socket), service)
        .await;
}

/// A whole answer.
pub fn whole(status: StatusCode, kind: HeaderValue, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::new(body.into())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A sentence.
pub fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    whole(status, kind, text)
}
