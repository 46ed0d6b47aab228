//! HTTP out: one request for one `send`, no redirect, no hidden retry, every wait bounded.

use super::{
    base::Base,
    client::{self, Client},
    direct::{self, Direct},
    transport::{Broken, Request, Response, Transport},
    trouble,
};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream};
use http::{HeaderMap, StatusCode};
use std::{fmt, pin::Pin, time::Duration};
use tokio::time::{Sleep, sleep, timeout};

/// How we name ourselves.
pub const USER_AGENT: &str = concat!(
    "ratetop/",
    env!("CARGO_PKG_VERSION"),
    " (+https://crates.io/crates/ratetop)"
);

/// Bounds of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// To connect, TLS included.
    pub connect: Duration,
    /// For a whole answer that is not a stream. The SDKs wait 600 s.
    pub whole: Duration,
    /// For the head of a stream, and between two pieces of it. The API sends a `ping` now and then.
    pub gap: Duration,
    /// For a whole stream.
    pub longest_stream: Duration,
    /// Bytes of a body; a longer one is cut with an error.
    pub most_bytes: u64,
    /// Whether a key may travel unencrypted beyond this machine.
    pub allow_plain_http: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            whole: Duration::from_mins(10),
            gap: Duration::from_mins(2),
            longest_stream: Duration::from_hours(1),
            most_bytes: 64 << 20,
            allow_plain_http: false,
        }
    }
}

/// The way out to one base address.
pub struct Outbound {
    base: Base,
    options: Options,
    way: Way,
}

enum Way {
    /// Unencrypted to this machine.
    Direct(Direct),
    /// Anywhere.
    Client(Client),
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound")
            .field("base", &self.base)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Outbound {
    /// A way out to `base`; nothing is opened yet. Plain http beyond this machine is refused unless
    /// the options allow it: one sentence.
    pub fn new(base: Base, options: Options) -> Result<Self, String> {
        if base.is_plain_http() && !base.is_loopback() && !options.allow_plain_http {
            return Err(format!(
                "{} is plain http beyond this machine, so the key would travel unencrypted: use https, \
                 or set allow_plain_http = true in the profile",
                base.as_str()
            ));
        }
        let way = if base.is_loopback() && base.is_plain_http() {
            Way::Direct(Direct::new(base.clone(), &options)?)
        } else {
            Way::Client(Client::new(base.clone(), options.connect))
        };
        Ok(Self { base, options, way })
    }

    /// The same by the client for any address, also to this machine: what holds there holds everywhere.
    pub fn by_client(base: Base, options: Options) -> Result<Self, String> {
        let way = Way::Client(Client::new(base.clone(), options.connect));
        Ok(Self {
            way,
            ..Self::new(base, options)?
        })
    }

    /// Where it leads.
    pub const fn base(&self) -> &Base {
        &self.base
    }

    async fn answer(&self, request: Request) -> Result<(StatusCode, HeaderMap, Pieces), Broken> {
        match &self.way {
            Way::Direct(direct) => {
                let (status, headers, answer) = direct.send(request).await?;
                Ok((status, headers, Pieces::Direct(Box::new(answer))))
            }
            Way::Client(client) => {
                let (status, headers, answer) = client.send(request).await?;
                Ok((status, headers, Pieces::Client(answer)))
            }
        }
    }

    async fn send_once(&self, request: Request) -> Result<Response, Broken> {
        let place = self.base.host_and_port();
        let stream = request.stream;
        let (whole, patience) = if stream {
            (self.options.longest_stream, self.options.gap)
        } else {
            (self.options.whole, self.options.whole)
        };
        let deadline = Box::pin(sleep(whole));
        let (status, headers, pieces) = timeout(patience, self.answer(request))
            .await
            .map_err(|_| trouble::no_head(&place, patience))??;
        let body = Body {
            pieces,
            deadline,
            whole,
            gap: stream.then_some(self.options.gap),
            room: self.options.most_bytes,
            place,
        };
        let body = stream::unfold(Some(body), |body| async {
            let mut body = body?;
            match body.next().await? {
                Ok(chunk) => Some((Ok(chunk), Some(body))),
                Err(broken) => Some((Err(broken), None)),
            }
        })
        .fuse()
        .boxed();
        Ok(Response {
            status: status.as_u16(),
            headers,
            body,
        })
    }
}

impl Transport for Outbound {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, Broken>> {
        self.send_once(request).boxed()
    }
}

/// Who brings a body.
enum Pieces {
    Direct(Box<direct::Answer>),
    Client(client::Answer),
}

impl Pieces {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Broken> {
        match self {
            Self::Direct(answer) => answer.chunk().await,
            Self::Client(answer) => answer.chunk().await,
        }
    }
}

/// A body as it arrives.
struct Body {
    pieces: Pieces,
    deadline: Pin<Box<Sleep>>,
    whole: Duration,
    gap: Option<Duration>,
    room: u64,
    place: String,
}

impl Body {
    async fn next(&mut self) -> Option<Result<Bytes, Broken>> {
        let piece = async {
            match self.gap {
                Some(gap) => timeout(gap, self.pieces.chunk()).await.map_err(|_| gap),
                None => Ok(self.pieces.chunk().await),
            }
        };
        let chunk = tokio::select! {
            biased;
            chunk = piece => chunk,
            () = &mut self.deadline => return Some(Err(trouble::too_slow(&self.place, self.whole))),
        };
        match chunk {
            Err(gap) => Some(Err(trouble::silent(&self.place, gap))),
            Ok(Err(broken)) => Some(Err(broken)),
            Ok(Ok(None)) => None,
            Ok(Ok(Some(chunk))) => {
                let Some(room) = self.room.checked_sub(chunk.len() as u64) else {
                    return Some(Err(trouble::endless(&self.place)));
                };
                self.room = room;
                Some(Ok(chunk))
            }
        }
    }
}
