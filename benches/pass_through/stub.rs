//! An upstream that answers at once, or with as many events as it is asked for.

use crate::Failure;
use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, Either, Full, StreamBody};
use hyper::{
    Request, Response,
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use std::{convert::Infallible, net::SocketAddr, time::Duration};
use tokio::{net::TcpListener, time::Instant};

/// How many events, and microseconds between two of them.
pub(crate) const EVENTS: &str = "x-events";

const LIMITS: &[(&str, &str)] = &[
    ("request-id", "req_011CX0000000000000000001"),
    (
        "anthropic-organization-id",
        "6a3f0f4e-0000-4000-8000-000000000001",
    ),
    ("anthropic-ratelimit-requests-limit", "4000"),
    ("anthropic-ratelimit-requests-remaining", "3999"),
    ("anthropic-ratelimit-requests-reset", "2026-11-24T12:00:01Z"),
    ("anthropic-ratelimit-input-tokens-limit", "2000000"),
    ("anthropic-ratelimit-input-tokens-remaining", "1999000"),
    (
        "anthropic-ratelimit-input-tokens-reset",
        "2026-11-24T12:00:01Z",
    ),
    ("anthropic-ratelimit-output-tokens-limit", "400000"),
    ("anthropic-ratelimit-output-tokens-remaining", "399000"),
    (
        "anthropic-ratelimit-output-tokens-reset",
        "2026-11-24T12:00:01Z",
    ),
];

/// Serves for ever.
pub(crate) async fn serve(listen: SocketAddr) -> Result<(), Failure> {
    let listener = TcpListener::bind(listen).await?;
    let text = "lorem ipsum ".repeat(65);
    let message = Bytes::from(format!(
        r#"{{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-5-5","content":[{{"type":"text","text":"{text}"}}],"stop_reason":"end_turn","stop_sequence":null,"usage":{{"input_tokens":42,"output_tokens":180}}}}"#
    ));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let message = message.clone();
        let service = service_fn(move |request| answer(request, message.clone()));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(
    request: Request<Incoming>,
    message: Bytes,
) -> Result<Response<impl hyper::body::Body<Data = Bytes, Error = Failure>>, Failure> {
    let asked = request.headers().get(EVENTS).cloned();
    request.into_body().collect().await?;
    let mut response = Response::builder();
    for (name, value) in LIMITS {
        response = response.header(*name, *value);
    }
    let Some(asked) = asked else {
        let response = response.header("content-type", "application/json");
        return Ok(response.body(Either::Left(Full::new(message)))?);
    };
    let (count, gap) = asked.to_str()?.split_once(' ').ok_or("no gap")?;
    let (count, gap) = (count.parse::<u32>()?, Duration::from_micros(gap.parse()?));
    let events = stream::unfold((0, Instant::now()), move |(n, begun)| async move {
        if n >= count {
            return None;
        }
        tokio::time::sleep_until(begun + gap * n).await;
        let event = Bytes::from(event(n, count));
        Some((Ok::<_, Infallible>(Frame::data(event)), (n + 1, begun)))
    });
    let response = response.header("content-type", "text/event-stream; charset=utf-8");
    Ok(response.body(Either::Right(StreamBody::new(Box::pin(events))))?)
}

fn event(n: u32, count: u32) -> &'static str {
    match n {
        0 => {
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-sonnet-5-5\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":42,\"output_tokens\":1}}}\n\n"
        }
        n if n + 1 == count => {
            "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":180}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
        }
        _ => {
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" word\"}}\n\n"
        }
    }
}
