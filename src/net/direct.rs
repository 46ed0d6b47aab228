//! Our own calls to a server of this machine, unencrypted: on [`super::upstream`], without a client that
//! knows proxies, TLS and redirects. The demo never loads those.

use super::{
    base::Base,
    outbound::{Options, USER_AGENT},
    transport::{Broken, Request},
    trouble,
    upstream::{Lease, Upstream},
};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, StatusCode, Uri,
    header::{HOST, USER_AGENT as NAME},
};
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming};
use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

/// The way out.
pub(super) struct Direct {
    upstream: Arc<Upstream<Full<Bytes>>>,
    connect: Duration,
    sweeping: OnceLock<AbortOnDropHandle<()>>,
}

/// An answer's body on its way, and what brings it. Dropping it before its end closes the connection.
pub(super) struct Answer {
    body: Incoming,
    lease: Option<Lease<Full<Bytes>>>,
    upstream: Arc<Upstream<Full<Bytes>>>,
}

impl Direct {
    /// Nothing is opened yet.
    pub(super) fn new(base: Base, options: &Options) -> Result<Self, String> {
        Ok(Self {
            upstream: Arc::new(Upstream::new(base, options.allow_plain_http)?),
            connect: options.connect,
            sweeping: OnceLock::new(),
        })
    }

    /// Sends one request, once, and waits for the head of its answer.
    pub(super) async fn send(
        &self,
        request: Request,
    ) -> Result<(StatusCode, HeaderMap, Answer), Broken> {
        let upstream = &self.upstream;
        let place = upstream.base().host_and_port();
        let mut outgoing = http::Request::new(Full::new(request.body));
        let target = Uri::try_from(request.target)
            .ok()
            .and_then(|asked| upstream.target(asked))
            .ok_or_else(|| trouble::unwritable(&place))?;
        *outgoing.uri_mut() = target;
        *outgoing.method_mut() = request.method;
        let headers = outgoing.headers_mut();
        *headers = request.headers;
        headers
            .entry(NAME)
            .or_insert(HeaderValue::from_static(USER_AGENT));
        headers.insert(HOST, upstream.host().clone());
        let lease = timeout(self.connect, upstream.lease())
            .await
            .map_err(|_| trouble::no_connection_in_time(&place, self.connect))??;
        self.sweeping.get_or_init(|| {
            let upstream = Arc::clone(upstream);
            AbortOnDropHandle::new(tokio::spawn(async move { upstream.sweep().await }))
        });
        let (answer, lease) = lease
            .send(outgoing, None)
            .await
            .map_err(|error| upstream.no_answer(&error))?;
        let (head, body) = answer.into_parts();
        let body = Answer {
            body,
            lease: Some(lease),
            upstream: Arc::clone(upstream),
        };
        Ok((head.status, head.headers, body))
    }
}

impl Answer {
    /// The next piece; none at the end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Broken> {
        loop {
            match poll_fn(|cx| self.poll(cx)).await {
                None => return Ok(None),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
                Some(Err(error)) => {
                    self.lease = None;
                    return Err(self.upstream.broke(&error));
                }
            }
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let Some(lease) = &mut self.lease else {
            return Poll::Ready(None);
        };
        // The connection first: the body comes out of it.
        let over = lease.poll(cx).is_ready();
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if over && frame.is_pending() {
            // A connection that is over has ended its body: only for want of budget.
            cx.waker().wake_by_ref();
        }
        if matches!(frame, Poll::Ready(None))
            && let Some(lease) = self.lease.take()
        {
            // The answer is whole: the connection may serve another request.
            self.upstream.give_back(lease);
        }
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        sync::mpsc,
    };

    /// A server that answers whatever comes, and tells when a connection begins and when it ends.
    async fn server(answer: &'static [u8]) -> (Direct, mpsc::UnboundedReceiver<&'static str>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (tell, told) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let tell = tell.clone();
                tell.send("begins").unwrap();
                tokio::spawn(async move {
                    let mut bytes = [0; 4_096];
                    while socket.read(&mut bytes).await.is_ok_and(|read| read > 0) {
                        socket.write_all(answer).await.unwrap();
                    }
                    tell.send("ends").unwrap();
                });
            }
        });
        let direct = Direct::new(Base::parse(&base).unwrap(), &Options::default()).unwrap();
        (direct, told)
    }

    async fn ask(direct: &Direct) -> Answer {
        let request = Request {
            method: Method::GET,
            target: "/v1/models?limit=1".to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            stream: false,
        };
        let (status, _, answer) = direct.send(request).await.unwrap();
        assert_eq!(status, StatusCode::OK);
        answer
    }

    #[tokio::test]
    async fn a_connection_is_used_again_and_closed_when_nobody_needs_it() {
        let (direct, mut told) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        for _ in 0..3 {
            let mut answer = ask(&direct).await;
            assert_eq!(answer.chunk().await.unwrap().unwrap(), "ok");
            assert_eq!(answer.chunk().await.unwrap(), None);
            assert_eq!(answer.chunk().await.unwrap(), None);
        }
        assert_eq!(told.recv().await, Some("begins"));
        assert!(told.try_recv().is_err(), "three calls, one connection");
        // Nothing happens from here on but the passing of time.
        tokio::time::pause();
        assert_eq!(told.recv().await, Some("ends"));
        assert_eq!(direct.upstream.unused(), 0);
    }

    #[tokio::test]
    async fn an_answer_that_nobody_reads_to_its_end_closes_the_connection() {
        let (direct, mut told) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await;
        let mut answer = ask(&direct).await;
        assert_eq!(answer.chunk().await.unwrap().unwrap(), "half");
        assert_eq!(told.recv().await, Some("begins"));
        drop(answer);
        assert_eq!(told.recv().await, Some("ends"));
        assert_eq!(direct.upstream.unused(), 0);
    }
}
