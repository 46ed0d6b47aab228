//! The examination of gateways: one that changes nothing, and one for each thing that can be spoilt.
#![expect(clippy::panic, reason = "a test may fail loudly")]

use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use ratetop::{
    doctor::{First, PATIENCE, Probe, Upstream, case::Case, examine},
    domain::checkup::{Check, Checkup, Grade},
    net::{
        base::Base,
        outbound::{Options, Outbound},
        transport,
    },
};
use rstest::rstest;
use serde_json::Value;
use std::{convert::Infallible, io, net::SocketAddr, time::Duration};
use tokio::net::{TcpListener, TcpStream};

/// What a gateway does wrong; everything else it passes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    LosesRetryAfter,
    LosesShouldRetry,
    WritesErrorsAnew,
    Turns529Into503,
    AddsRetryAfter,
    RetriesItself,
    LosesRateLimits,
    PrefixesRateLimits,
    LosesRequestId,
    LosesEventLines,
    CollectsAnswers,
    SwallowsErrorEvents,
    EndsCutStreams,
    LosesContentEncoding,
    RefusesBigBodies,
    LosesMetadata,
    LosesRetryCount,
    LosesBeta,
    LosesQuery,
}

#[derive(Clone)]
struct Gateway {
    fault: Fault,
    upstream: SocketAddr,
    client: reqwest::Client,
}

type Body = UnsyncBoxBody<Bytes, io::Error>;

impl Gateway {
    async fn start(fault: Fault, upstream: SocketAddr) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only(std::iter::empty())
            .build()
            .unwrap();
        let gateway = Self {
            fault,
            upstream,
            client,
        };
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(gateway.clone().connection(socket));
            }
        });
        address
    }

    async fn connection(self, socket: TcpStream) {
        let service = service_fn(move |request| {
            let gateway = self.clone();
            async move { Ok::<_, Infallible>(gateway.pass(request).await) }
        });
        let _ = http1::Builder::new()
            .serve_connection(TokioIo::new(socket), service)
            .await;
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    async fn pass(self, request: Request<Incoming>) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        let mut body = body.collect().await.unwrap().to_bytes();
        if self.is(Fault::RefusesBigBodies) && body.len() > 10_000_000 {
            let mut refusal = Response::new(whole(Bytes::from_static(b"too large")));
            *refusal.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
            return refusal;
        }
        if self.is(Fault::LosesMetadata) {
            let mut read: Value = serde_json::from_slice(&body).unwrap();
            read.as_object_mut().unwrap().remove("metadata");
            body = Bytes::from(read.to_string());
        }
        parts.headers.remove("host");
        parts.headers.remove("content-length");
        if self.is(Fault::LosesRetryCount) {
            parts.headers.remove("x-stainless-retry-count");
        }
        if self.is(Fault::LosesBeta) {
            parts.headers.remove("anthropic-beta");
        }
        let target = if self.is(Fault::LosesQuery) {
            parts.uri.path().to_owned()
        } else {
            parts.uri.to_string()
        };
        let url = format!("http://{}{target}", self.upstream);
        let mut answer = self.ask(&parts.method, &url, &parts.headers, &body).await;
        if self.is(Fault::RetriesItself) && answer.status() == 429 {
            answer = self.ask(&parts.method, &url, &parts.headers, &body).await;
        }
        self.answer(answer).await
    }

    async fn ask(
        &self,
        method: &Method,
        url: &str,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> reqwest::Response {
        self.client
            .request(method.clone(), url)
            .headers(headers.clone())
            .body(body.clone())
            .send()
            .await
            .unwrap()
    }

    async fn answer(&self, answer: reqwest::Response) -> Response<Body> {
        let mut status = answer.status();
        let mut headers = answer.headers().clone();
        headers.remove("content-length");
        headers.remove("transfer-encoding");
        match self.fault {
            Fault::LosesRetryAfter => drop(headers.remove("retry-after")),
            Fault::LosesShouldRetry => drop(headers.remove("x-should-retry")),
            Fault::LosesRequestId => drop(headers.remove("request-id")),
            Fault::LosesContentEncoding => drop(headers.remove("content-encoding")),
            Fault::AddsRetryAfter if status == 529 => {
                headers.insert("retry-after", HeaderValue::from_static("5"));
            }
            Fault::Turns529Into503 if status == 529 => status = StatusCode::SERVICE_UNAVAILABLE,
            Fault::LosesRateLimits | Fault::PrefixesRateLimits => {
                let names: Vec<HeaderName> = headers
                    .keys()
                    .filter(|name| name.as_str().starts_with("anthropic-ratelimit-output"))
                    .cloned()
                    .collect();
                for name in names {
                    let value = headers.remove(&name).unwrap();
                    if self.is(Fault::PrefixesRateLimits) {
                        let name = format!("llm_provider-{name}");
                        headers.insert(HeaderName::try_from(name).unwrap(), value);
                    }
                }
            }
            _ => {}
        }
        let streams = headers
            .get("content-type")
            .is_some_and(|kind| kind.to_str().unwrap().starts_with("text/event-stream"));
        let body = match self.fault {
            Fault::CollectsAnswers | Fault::EndsCutStreams => collected(answer).await,
            Fault::LosesEventLines if streams => edited(answer, "event: ").await,
            Fault::SwallowsErrorEvents if streams => edited_event(answer).await,
            Fault::WritesErrorsAnew if status == 429 => whole(Bytes::from_static(
                br#"{"error":{"message":"Rate limited","code":429}}"#,
            )),
            _ => StreamBody::new(
                answer
                    .bytes_stream()
                    .map(|piece| piece.map(Frame::data).map_err(io::Error::other)),
            )
            .boxed_unsync(),
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes)
        .map_err(|never: Infallible| match never {})
        .boxed_unsync()
}

/// Everything that came, in one piece, also when it broke.
async fn collected(mut answer: reqwest::Response) -> Body {
    let mut all = Vec::new();
    while let Ok(Some(piece)) = answer.chunk().await {
        all.extend_from_slice(&piece);
    }
    whole(Bytes::from(all))
}

/// The answer without lines of that beginning.
async fn edited(answer: reqwest::Response, beginning: &str) -> Body {
    let text = collected(answer).await.collect().await.unwrap().to_bytes();
    let text = String::from_utf8(text.to_vec()).unwrap();
    let lines = text
        .split_inclusive('\n')
        .filter(|line| !line.starts_with(beginning));
    whole(Bytes::from(lines.collect::<String>()))
}

/// The answer without its `error` event.
async fn edited_event(answer: reqwest::Response) -> Body {
    let text = collected(answer).await.collect().await.unwrap().to_bytes();
    let text = String::from_utf8(text.to_vec()).unwrap();
    let kept = text.split("event: error").next().unwrap().to_owned();
    whole(Bytes::from(kept))
}

async fn checkup(gateway: SocketAddr, upstream: &Upstream, cases: &[Case]) -> Checkup {
    let base = Base::parse(&format!("http://{gateway}")).unwrap();
    let transport = Outbound::new(base, Options::default()).unwrap();
    let request = |target: String, body: Bytes, stream: bool| {
        let mut headers = HeaderMap::new();
        headers.insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
        Ok(transport::Request {
            method: Method::POST,
            target,
            headers,
            body,
            stream,
        })
    };
    let probe = Probe {
        transport: &transport,
        cases,
        model: "claude-haiku-5-5",
        request: &request,
    };
    match examine(&probe, upstream).await.unwrap() {
        First::Whole(checkup) => checkup,
        First::Elsewhere(answer) => panic!("the gateway led elsewhere: {answer:?}"),
    }
}

async fn listening(patience: Duration) -> Upstream {
    let address = "127.0.0.1:0".parse().unwrap();
    Upstream::start(address, 42, patience).await.unwrap()
}

#[rstest]
#[case(Fault::None, &[])]
#[case(Fault::LosesRetryAfter, &[Check::RetryAfter])]
#[case(Fault::LosesShouldRetry, &[Check::ShouldRetry])]
#[case(Fault::WritesErrorsAnew, &[Check::ErrorBody])]
#[case(Fault::Turns529Into503, &[Check::Overloaded])]
#[case(Fault::AddsRetryAfter, &[Check::Overloaded])]
#[case(Fault::RetriesItself, &[Check::OwnRetries])]
#[case(Fault::LosesRateLimits, &[Check::RateLimitHeaders])]
#[case(Fault::PrefixesRateLimits, &[Check::RateLimitHeaders])]
#[case(Fault::LosesRequestId, &[Check::RequestId])]
// An error event without its name is none: the SDKs look at the name.
#[case(Fault::LosesEventLines, &[Check::EventLines, Check::FirstEvent, Check::StreamError, Check::CutStream])]
#[case(Fault::CollectsAnswers, &[Check::FirstEvent, Check::CutStream])]
#[case(Fault::SwallowsErrorEvents, &[Check::FirstEvent, Check::StreamError, Check::CutStream])]
#[case(Fault::EndsCutStreams, &[Check::FirstEvent, Check::CutStream])]
#[case(Fault::LosesContentEncoding, &[Check::Compression])]
#[case(Fault::RefusesBigBodies, &[Check::BigBodies])]
#[case(Fault::LosesMetadata, &[Check::RequestBody, Check::Metadata])]
#[case(Fault::LosesRetryCount, &[Check::RetryCount])]
#[case(Fault::LosesBeta, &[Check::VersionHeaders])]
#[case(Fault::LosesQuery, &[Check::Query])]
#[tokio::test]
async fn what_a_gateway_spoils_is_found_and_nothing_else(
    #[case] fault: Fault,
    #[case] expected: &[Check],
) {
    // Of a gateway that withholds events nothing comes, however long one waits.
    let patience = if expected.contains(&Check::FirstEvent) {
        Duration::from_millis(200)
    } else {
        PATIENCE
    };
    let upstream = listening(patience).await;
    let gateway = Gateway::start(fault, upstream.address).await;
    // Thirty megabytes a case are sent only where they matter.
    let big = matches!(fault, Fault::None | Fault::RefusesBigBodies);
    let cases = Case::ALL
        .into_iter()
        .filter(|case| big || *case != Case::Big);
    let checkup = checkup(gateway, &upstream, &cases.collect::<Vec<_>>()).await;
    let failed: Vec<Check> = checkup
        .findings
        .iter()
        .filter(|it| it.grade == Grade::Fail)
        .map(|it| it.check)
        .collect();
    assert_eq!(failed, expected, "{:#?}", checkup.findings);
    assert_eq!(checkup.count(Grade::Unknown), usize::from(!big));
}

/// Bytes pass both ways, whatever they are.
#[tokio::test]
async fn a_relay_of_bytes_passes_everything() {
    let upstream = listening(PATIENCE).await;
    let gateway = relay(upstream.address).await;
    let checkup = checkup(gateway, &upstream, &Case::ALL).await;
    assert_eq!(
        checkup.count(Grade::Pass),
        Check::ALL.len(),
        "{:#?}",
        checkup.findings
    );
    let event_lines = checkup
        .findings
        .iter()
        .find(|it| it.check == Check::EventLines);
    assert_eq!(
        event_lines.unwrap().evidence,
        "7 events arrived byte for byte"
    );
}

/// Passes bytes between its port and another.
async fn relay(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut here, _)) = listener.accept().await {
            tokio::spawn(async move {
                if let Ok(mut there) = TcpStream::connect(to).await {
                    let _ = tokio::io::copy_bidirectional(&mut here, &mut there).await;
                }
            });
        }
    });
    address
}
