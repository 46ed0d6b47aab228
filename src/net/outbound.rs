//! HTTP out: one request for one `send`, no redirect, no hidden retry, every wait bounded.

use super::{
    base::Base,
    transport::{Broken, Request, Response, Transport},
    trouble,
};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream};
use std::{pin::Pin, time::Duration};
use tokio::{
    sync::OnceCell,
    time::{Sleep, sleep, timeout},
};

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
#[derive(Debug)]
pub struct Outbound {
    base: Base,
    options: Options,
    client: OnceCell<reqwest::Client>,
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
        Ok(Self {
            base,
            options,
            client: OnceCell::new(),
        })
    }

    /// Where it leads.
    pub const fn base(&self) -> &Base {
        &self.base
    }

    /// The client, made at the first use: reading the machine's certificates takes a while, and the
    /// demo must neither wait for them nor need any.
    async fn client(&self) -> Result<&reqwest::Client, Broken> {
        self.client
            .get_or_try_init(|| async {
                let (base, connect) = (self.base.clone(), self.options.connect);
                let place = self.base.host_and_port();
                if base.is_loopback() && base.is_plain_http() {
                    return build(&base, connect)
                        .map_err(|error| trouble::of_client(&error, &place));
                }
                tokio::task::spawn_blocking(move || build(&base, connect))
                    .await
                    .map_err(|_| trouble::broken(&place, "the client could not be made"))?
                    .map_err(|error| trouble::of_client(&error, &place))
            })
            .await
    }

    async fn send_once(&self, request: Request) -> Result<Response, Broken> {
        let place = self.base.host_and_port();
        let client = self.client().await?;
        let url = format!("{}{}", self.base.as_str(), request.target);
        let stream = request.stream;
        let sending = client
            .request(request.method, url)
            .headers(request.headers)
            .body(request.body)
            .send();
        let (whole, patience) = if stream {
            (self.options.longest_stream, self.options.gap)
        } else {
            (self.options.whole, self.options.whole)
        };
        let deadline = Box::pin(sleep(whole));
        let response = timeout(patience, sending)
            .await
            .map_err(|_| trouble::no_head(&place, patience))?
            .map_err(|error| trouble::of_request(error, &place, self.options.connect))?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = Body {
            response,
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
            status,
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

/// A body as it arrives.
struct Body {
    response: reqwest::Response,
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
                Some(gap) => timeout(gap, self.response.chunk()).await.map_err(|_| gap),
                None => Ok(self.response.chunk().await),
            }
        };
        let chunk = tokio::select! {
            biased;
            chunk = piece => chunk,
            () = &mut self.deadline => return Some(Err(trouble::too_slow(&self.place, self.whole))),
        };
        match chunk {
            Err(gap) => Some(Err(trouble::silent(&self.place, gap))),
            Ok(Err(error)) => Some(Err(trouble::of_body(error, &self.place))),
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

/// Makes the client. One on this machine uses neither the proxies of the environment nor certificates,
/// and works where there is no certificate store.
fn build(base: &Base, connect: Duration) -> Result<reqwest::Client, reqwest::Error> {
    // Fails only when somebody installed one before, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .tcp_nodelay(true)
        .connect_timeout(connect)
        .http1_ignore_invalid_headers_in_responses(true);
    if base.is_loopback() {
        builder = builder.no_proxy();
        if base.is_plain_http() {
            builder = builder.tls_certs_only(std::iter::empty());
        }
    }
    builder.build()
}
