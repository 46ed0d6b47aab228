//! The seam between rules and sockets: one request out, one head and a stream of bytes back.

use bytes::Bytes;
use futures_util::{future::BoxFuture, stream::BoxStream};
use http::{HeaderMap, Method};

/// A request relative to the transport's base address. Credentials are already in `headers`, marked
/// sensitive.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: Method,
    /// Path and query, beginning with `/`: `/v1/messages`.
    pub target: String,
    /// Everything but `host` and `content-length`.
    pub headers: HeaderMap,
    /// Empty for `GET`.
    pub body: Bytes,
    /// Whether a long silent body is expected (a stream): then only gaps time out, not the whole.
    pub stream: bool,
}

/// A head, and the body as it arrives.
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// As they came.
    pub headers: HeaderMap,
    /// Chunks; ends after the first error. Dropping it closes the connection.
    pub body: BoxStream<'static, Result<Bytes, Broken>>,
}

/// No response, or a body that broke.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{how}")]
pub struct Broken {
    /// What kind of failure.
    pub kind: crate::domain::outcome::Unreachable,
    /// For people: what failed, for which address, in one sentence without a key.
    pub how: String,
}

/// A way out.
pub trait Transport: Send + Sync {
    /// Sends one request, once; never retries and never follows a redirect.
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, Broken>>;
}
