//! What chaos does to one call: answers it, holds it up, or sees to it that its stream ends early.

use super::{
    bodies::{Answer, Upload},
    chaos::{Ending, Fate, HEADER, Refused, body::Fuse},
    forward::{self, Cut},
    hear::End,
    refusal::Refusal,
    talk::Talk,
};
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE},
    request, response,
};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::sync::Arc;

/// What is still to happen to a call that goes on to upstream.
pub struct Mishap {
    ending: Option<Ending>,
    mark: HeaderValue,
}

/// What goes on to upstream; otherwise what the client gets instead.
type Met = Result<(Incoming, Mishap), Result<Response<Answer>, Cut>>;

/// Lets it happen.
pub async fn meet(
    (fate, mark): (Fate, HeaderValue),
    talk: &Arc<Talk>,
    head: &mut request::Parts,
    body: Incoming,
) -> Met {
    let ending = match fate {
        Fate::Refused(refused) => return Err(refuse(talk, body, *refused).await),
        Fate::Delayed(by) => {
            tokio::time::sleep(by).await;
            None
        }
        Fate::Broken(ending) => {
            // Events can be counted in plain text only.
            let plain = HeaderValue::from_static("identity");
            head.headers.insert(ACCEPT_ENCODING, plain);
            Some(ending)
        }
    };
    Ok((body, Mishap { ending, mark }))
}

/// Answers in upstream's place, once the request is whole, as the API does.
async fn refuse(
    talk: &Arc<Talk>,
    body: Incoming,
    refused: Refused,
) -> Result<Response<Answer>, Cut> {
    let mut upload = Upload::new(body, Arc::clone(talk), None);
    while let Some(frame) = upload.frame().await {
        if frame.is_err() {
            talk.end(End::ClientGone);
            let bad = talk.are_chunks_bad();
            return bad
                .then(|| forward::refuse(&talk.link, &Refusal::Chunks))
                .ok_or(Cut);
        }
    }
    let status = StatusCode::from_u16(refused.status).unwrap_or_default();
    talk.answered(status, &refused.headers);
    talk.response_bytes(&refused.body);
    talk.end(End::Whole);
    let length = HeaderValue::from(refused.body.len());
    let mut response = Response::new(Answer::Own(Some(refused.body)));
    *response.status_mut() = status;
    *response.headers_mut() = refused.headers;
    response.headers_mut().insert(CONTENT_LENGTH, length);
    Ok(response)
}

impl Mishap {
    /// Marks an answer; what ends it early, if it is a stream.
    pub fn mark(self, head: &mut response::Parts) -> Option<Box<Fuse>> {
        let ending = match self.ending {
            Some(_) if !is_plain_stream(head.status, &head.headers) => return None,
            ending => ending,
        };
        head.headers.insert(HEADER, self.mark);
        let ending = ending?;
        // It will not be as long as upstream says.
        head.headers.remove(CONTENT_LENGTH);
        Some(Box::new(Fuse::new(ending)))
    }
}

fn is_plain_stream(status: StatusCode, headers: &HeaderMap) -> bool {
    let begins = |value: &HeaderValue, with: &[u8]| {
        let start = value.as_bytes().get(..with.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(with))
    };
    let kind = headers.get(CONTENT_TYPE);
    let coded = headers.get(CONTENT_ENCODING);
    status == StatusCode::OK
        && kind.is_some_and(|kind| begins(kind, b"text/event-stream"))
        && coded.is_none_or(|coding| begins(coding, b"identity"))
}
