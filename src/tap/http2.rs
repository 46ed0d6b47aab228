//! One request to an upstream that speaks HTTP/2: framed otherwise there, and with its names in lower case,
//! as that protocol has no other.

use super::{
    bodies::{Answer, Drive, Upload},
    forward::{Cut, no_answer, pass_on, refuse, unreachable},
    hop,
    mishap::Mishap,
    refusal::Refusal,
    talk::Talk,
};
use crate::net::upstream::Failed;
use http::{Method, Request, Response, Version, request::Parts};
use hyper::body::{Body, Incoming};
use std::sync::Arc;

/// Carries one request that came through the gate.
pub async fn forward(
    talk: &Arc<Talk>,
    head: Parts,
    body: Incoming,
    mishap: Option<Mishap>,
) -> Result<Response<Answer>, Cut> {
    let link = &talk.link;
    // The connection's task asks for its body.
    talk.set_apart();
    let is_head = head.method == Method::HEAD;
    let is_old = head.version == Version::HTTP_10;
    let Some(request) = outgoing(talk, head, body) else {
        return Ok(refuse(link, &Refusal::Target));
    };
    let (answer, place) = match link.tap.upstream.send_shared(request).await {
        Ok(answered) => answered,
        Err(Failed::Connecting(broken)) => return Ok(unreachable(talk, broken)),
        Err(Failed::Sent(error)) => return no_answer(talk, &error),
    };
    let (mut head, body) = answer.into_parts();
    talk.answered(head.status, &head.headers);
    hop::incoming(&mut head.headers);
    let fuse = mishap.and_then(|mishap| mishap.mark(&mut head));
    if is_old && (fuse.is_some() || body.size_hint().exact().is_none()) {
        // Only the end of the connection ends this body, so a break must not look like one.
        link.reset();
    }
    head.version = Version::HTTP_11;
    let drive = Drive::Shared { _place: place };
    Ok(pass_on(Arc::clone(talk), head, body, is_head, drive, fuse))
}

/// The request as upstream gets it; none if its target cannot be written. A body that the client holds back
/// is asked for at once: hyper's client for HTTP/2 (1.12) drops interim answers, so that nobody would hear
/// upstream ask, although h2 has them (`ResponseFuture::poll_informational`). Upstream can end a stream
/// whenever it likes, and does so where the head is enough for a refusal.
fn outgoing(talk: &Arc<Talk>, mut head: Parts, body: Incoming) -> Option<Request<Box<Upload>>> {
    let upstream = &talk.link.tap.upstream;
    hop::outgoing_http2(&mut head.headers, upstream.host());
    head.uri = upstream.whole_target(&head.uri)?;
    head.version = Version::HTTP_2;
    let body = Box::new(Upload::new(body, Arc::clone(talk), None));
    Some(Request::from_parts(head, body))
}
