//! A server that speaks HTTP/2: hyper's.

use super::rig::PATIENCE;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::{
    body::{Body, Frame, Incoming},
    server::conn::http2,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    task::{Context, Poll},
};
use tokio::sync::Notify;

/// What the server was asked, or what became of an answer.
#[derive(Debug)]
pub enum Told {
    Asked(Box<http::request::Parts>, usize, Option<HeaderMap>),
    /// The answer's body was dropped before its end.
    Dropped,
}

pub struct Server {
    pub address: SocketAddr,
    pub told: mpsc::Receiver<Told>,
    pub connections: Arc<AtomicUsize>,
    /// Ends every connection at once, as one that is reset.
    pub kill: Arc<Notify>,
    /// Lets what is to break do so.
    pub cut: Arc<Notify>,
}

impl Server {
    pub fn new(streams: u32) -> Self {
        let (tell, told) = mpsc::channel();
        let (connections, kill) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let (count, killed) = (Arc::clone(&connections), Arc::clone(&kill));
        let cut = Arc::new(Notify::new());
        let cuts = Arc::clone(&cut);
        let (say, said) = mpsc::channel();
        on_a_thread(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            say.send(listener.local_addr().unwrap()).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, SeqCst);
                let (tell, kill, cut) = (tell.clone(), Arc::clone(&killed), Arc::clone(&cuts));
                tokio::spawn(async move {
                    let socket = socket2::SockRef::from(&stream).try_clone().unwrap();
                    let serving = http2::Builder::new(TokioExecutor::new())
                        .max_concurrent_streams(streams)
                        .serve_connection(
                            TokioIo::new(stream),
                            service_fn(move |request| {
                                answer(request, tell.clone(), Arc::clone(&cut))
                            }),
                        );
                    tokio::select! {
                        _ = serving => {}
                        () = kill.notified() => {
                            socket.set_linger(Some(std::time::Duration::ZERO)).unwrap();
                        }
                    }
                });
            }
        });
        Self {
            address: said.recv_timeout(PATIENCE).unwrap(),
            told,
            connections,
            kill,
            cut,
        }
    }

    pub fn asked(&self) -> (Box<http::request::Parts>, usize, Option<HeaderMap>) {
        match self.told.recv_timeout(PATIENCE).unwrap() {
            Told::Asked(head, size, trailers) => (head, size, trailers),
            Told::Dropped => panic!("an answer was dropped"),
        }
    }
}

fn on_a_thread(what: impl Future<Output = ()> + Send + 'static) {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(what);
    });
}

/// An answer's body: frames, and then its end, or nothing more.
struct Script {
    frames: VecDeque<io::Result<Frame<Bytes>>>,
    goes_on: bool,
    /// Before a break.
    waits: Pin<Box<dyn Future<Output = ()> + Send>>,
    tell: mpsc::Sender<Told>,
}

impl Body for Script {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if matches!(self.frames.front(), Some(Err(_))) && self.waits.as_mut().poll(cx).is_pending()
        {
            return Poll::Pending;
        }
        match self.frames.pop_front() {
            None if self.goes_on => Poll::Pending,
            next => Poll::Ready(next),
        }
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        if self.goes_on {
            let _ = self.tell.send(Told::Dropped);
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    tell: mpsc::Sender<Told>,
    cut: Arc<Notify>,
) -> io::Result<Response<Script>> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let Ok(body) = body.collect().await else {
        return Err(io::Error::other("the request broke"));
    };
    let trailers = body.trailers().cloned();
    let bytes = body.to_bytes();
    let asked = Told::Asked(Box::new(head), bytes.len(), trailers);
    tell.send(asked).unwrap();
    let data = |text: &'static str| Ok(Frame::data(Bytes::from(text)));
    let frames: VecDeque<io::Result<Frame<Bytes>>> = match path.as_str() {
        "/base/echo" => {
            let pieces = bytes.chunks(10_000).map(Bytes::copy_from_slice);
            pieces.map(|piece| Ok(Frame::data(piece))).collect()
        }
        "/base/trailers" => {
            let sum = (
                HeaderName::from_static("x-sum"),
                HeaderValue::from_static("1"),
            );
            [data("ok"), Ok(Frame::trailers([sum].into_iter().collect()))].into()
        }
        "/base/broken" => [data("half"), Err(io::Error::other("broken"))].into(),
        "/base/for-ever" => [data("first")].into(),
        "/base/never" => std::future::pending().await,
        _ => VecDeque::new(),
    };
    let goes_on = path == "/base/for-ever";
    let mut response = Response::new(Script {
        frames,
        goes_on,
        waits: Box::pin(async move { cut.notified().await }),
        tell,
    });
    if path == "/base/nothing" {
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    let headers = response.headers_mut();
    headers.append("x-twice", HeaderValue::from_static("1"));
    headers.append("x-twice", HeaderValue::from_static("2"));
    headers.insert("trailer", HeaderValue::from_static("x-sum"));
    Ok(response)
}
