//! The examination: one request after the other, and what came back.

use super::{
    case::Case,
    judge,
    upstream::{Arrived, Upstream},
};
use crate::{
    domain::checkup::{Checkup, Means},
    net::{
        body::End,
        transport::{Broken, Request, Transport},
    },
};
use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Bytes of an answer that are kept: more than the largest of our own.
const MOST_BYTES: usize = 8 << 20;

/// How to ask.
pub struct Probe<'a> {
    /// The way to the gateway.
    pub transport: &'a dyn Transport,
    /// What is tried after the first stream: [`Case::ALL`], or a part of it.
    pub cases: &'a [Case],
    /// A model that the gateway knows.
    pub model: &'a str,
    /// Makes a request with the key and the version from a target and a body.
    pub request: &'a (dyn Fn(String, Bytes, bool) -> Result<Request, String> + Sync),
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answered {
    /// HTTP status.
    pub status: u16,
    /// Headers as they came.
    pub headers: HeaderMap,
    /// The body, as far as it came.
    pub body: Vec<u8>,
    /// How the body ended.
    pub end: End,
}

impl Answered {
    /// The value of a header; text that is not UTF-8 counts as absent.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// One case as seen from both ends.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Which.
    pub case: Case,
    /// The body that left.
    pub sent: Bytes,
    /// What arrived upstream, first to last.
    pub arrived: Vec<Arrived>,
    /// What came back.
    pub answered: Result<Answered, Broken>,
    /// Whether the second half of a stream had to be sent before the first was here.
    pub withheld_in_vain: bool,
}

/// The target of every request: the query is there to be kept.
pub const TARGET: &str = "/v1/messages?beta=true";
/// Sent with every request.
pub const RETRY_COUNT: (&str, &str) = ("x-stainless-retry-count", "1");
/// Sent with every request but the first, which may reach the API: that refuses betas it does not know.
pub const BETA: (&str, &str) = ("anthropic-beta", "ratetop-doctor-2026-11-24");

impl Probe<'_> {
    /// Tries one case. The error is the connection's own, before anything was sent.
    async fn case(&self, case: Case, nonce: u64, upstream: &Upstream) -> Result<Seen, String> {
        let sent = case.body(nonce, self.model);
        let mut request = (self.request)(TARGET.to_owned(), sent.clone(), case.streams())?;
        let beta = (case != Case::Stream).then_some(BETA);
        for (name, value) in std::iter::once(RETRY_COUNT).chain(beta) {
            request.headers.insert(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        if case == Case::Compressed {
            request.headers.insert(
                http::header::ACCEPT_ENCODING,
                HeaderValue::from_static("gzip"),
            );
        }
        let answered = match self.transport.send(request).await {
            Err(broken) => Err(broken),
            Ok(mut response) => {
                let mut body = Vec::new();
                let mut end = End::Whole;
                while let Some(chunk) = response.body.next().await {
                    match chunk {
                        Ok(chunk) => {
                            if !chunk.is_empty() {
                                upstream.received();
                            }
                            let room = MOST_BYTES - body.len();
                            body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
                            if chunk.len() > room {
                                end = End::TooLong;
                                break;
                            }
                        }
                        Err(broken) => end = End::Broken(broken),
                    }
                }
                Ok(Answered {
                    status: response.status,
                    headers: response.headers,
                    body,
                    end,
                })
            }
        };
        Ok(Seen {
            case,
            sent,
            arrived: upstream.arrived(case),
            answered,
            withheld_in_vain: upstream.withheld_in_vain(),
        })
    }
}

/// What the first request showed.
pub enum First {
    /// The gateway leads to our upstream: the whole examination was made.
    Whole(Checkup),
    /// It leads elsewhere; this is what it answered.
    Elsewhere(Result<Answered, Broken>),
}

/// Examines a gateway. The first request may turn out to be a real call, so whoever pays has been
/// asked before; the others are only sent once that one has arrived at `upstream`.
pub async fn examine(probe: &Probe<'_>, upstream: &Upstream) -> Result<First, String> {
    let nonce = upstream.nonce();
    let first = probe.case(Case::Stream, nonce, upstream).await?;
    if first.arrived.is_empty() {
        return Ok(First::Elsewhere(first.answered));
    }
    let mut found = judge::judge(&first);
    for case in probe.cases.iter().filter(|case| **case != Case::Stream) {
        let seen = probe.case(*case, nonce, upstream).await?;
        found.extend(judge::judge(&seen));
    }
    Ok(First::Whole(Checkup::of(
        Means::OwnUpstream,
        found,
        "the request for it did not arrive",
    )))
}

/// What one real call shows of a gateway.
pub fn one_call(answered: &Answered) -> Checkup {
    Checkup::of(
        Means::OneCall,
        judge::from_outside(answered),
        "can only be seen with our own upstream behind the gateway",
    )
}
