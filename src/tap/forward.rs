//! One request: through the gate, to upstream, and its answer back.

use super::{
    bodies::{self, Answer, Drive, Passing, Task, Upload},
    chaos::body::Fuse,
    hear::End,
    hop, http2,
    link::Link,
    mishap,
    refusal::Refusal,
    talk::Talk,
};
use crate::net::transport::Broken;
use http::{
    HeaderValue, Method, Request, Response, StatusCode, Version,
    header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT},
    request::Parts,
};
use hyper::body::{Body, Incoming};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

/// The connection to the client ends here, without an answer or in the middle of one.
#[derive(Clone, Copy, Debug)]
pub struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection ends here as upstream's did")
    }
}

impl std::error::Error for Cut {}

/// Carries one request.
pub async fn forward(link: Arc<Link>, request: Request<Incoming>) -> Result<Response<Answer>, Cut> {
    let (mut head, body) = request.into_parts();
    let raw = link.take_head(!body.is_end_stream());
    let passed = link.tap.gate.pass(&mut head, || raw.bytes().to_vec());
    if let Err(refusal) = passed {
        let mut response = refuse(&link, &refusal);
        if !body.is_end_stream() {
            // Its body is not worth reading.
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        return Ok(response);
    }
    let talk = Talk::begin(&link, &head);
    let (body, mishap) = match link.tap.befall(&head, link.now()) {
        None => (body, None),
        Some(fate) => match Box::pin(mishap::meet(fate, &talk, &mut head, body)).await {
            Ok((body, mishap)) => (body, Some(mishap)),
            Err(answered) => return answered,
        },
    };
    if link.tap.upstream.is_http2() {
        return Box::pin(http2::forward(&talk, head, body, mishap)).await;
    }
    let is_head = head.method == Method::HEAD;
    let is_old = head.version == Version::HTTP_10;
    let Some(request) = outgoing(&talk, head, body) else {
        return Ok(refuse(&link, &Refusal::Target));
    };
    let lease = match link.tap.upstream.lease().await {
        Ok(lease) => lease,
        Err(broken) => return Ok(unreachable(&talk, broken)),
    };
    let (answer, lease) = match lease.send(request, Some(raw)).await {
        Ok(answered) => answered,
        Err(error) => return no_answer(&talk, &error),
    };
    let (mut head, body) = answer.into_parts();
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return Ok(unreachable(&talk, not_asked_for(&link)));
    }
    talk.answered(head.status, &head.headers);
    hop::incoming(&mut head.headers);
    let fuse = mishap.and_then(|mishap| mishap.mark(&mut head));
    if is_old && (fuse.is_some() || body.size_hint().exact().is_none()) {
        // Only the end of the connection ends this body, so a break must not look like one.
        link.reset();
    }
    head.version = Version::HTTP_11;
    // Behind another answer that the client takes slowly this one's head could not be told from it.
    link.all_is_written().await;
    link.spell(lease.take_raw());
    let drive = if talk.is_request_whole() {
        Drive::Reader(lease)
    } else {
        talk.set_apart();
        let (connection, sender) = lease.split();
        let running = tokio::spawn(connection).abort_handle();
        Drive::Task(Task {
            running,
            _sender: sender,
            answered: false,
        })
    };
    Ok(pass_on(talk, head, body, is_head, drive, fuse))
}

/// An answer on its way to the client.
pub fn pass_on(
    talk: Arc<Talk>,
    head: http::response::Parts,
    body: Incoming,
    is_head: bool,
    drive: Drive,
    fuse: Option<Box<Fuse>>,
) -> Response<Answer> {
    if body.is_end_stream() {
        bodies::finish(Some(drive), &talk);
        let bare = matches!(
            head.status,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        );
        let body = if bare && !is_head {
            Answer::Nothing
        } else {
            Answer::Own(None)
        };
        return Response::from_parts(head, body);
    }
    let body = Answer::Passing(Passing::new(body, talk, drive, fuse));
    Response::from_parts(head, body)
}

/// The request as upstream gets it; none if its target cannot be written.
fn outgoing(talk: &Arc<Talk>, mut head: Parts, body: Incoming) -> Option<Request<Box<Upload>>> {
    let upstream = &talk.link.tap.upstream;
    hop::outgoing(&mut head.headers, upstream.host());
    head.uri = upstream.target(head.uri)?;
    head.version = Version::HTTP_11;
    let waits = head
        .headers
        .get(EXPECT)
        .is_some_and(|expected| expected.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    let wanted = (waits && !body.is_end_stream()).then(|| Arc::new(AtomicBool::new(false)));
    let body = Box::new(Upload::new(body, Arc::clone(talk), wanted.clone()));
    let mut request = Request::from_parts(head, body);
    if let Some(wanted) = wanted {
        hyper::ext::on_informational(&mut request, move |answer| {
            if answer.status() == StatusCode::CONTINUE {
                wanted.store(true, Relaxed);
            }
        });
    }
    Some(request)
}

/// There is no answer on a connection that stood.
pub fn no_answer(talk: &Talk, error: &hyper::Error) -> Result<Response<Answer>, Cut> {
    let link = &talk.link;
    if talk.are_chunks_bad() {
        talk.end(End::ClientGone);
        return Ok(refuse(link, &Refusal::Chunks));
    }
    if error.is_user() {
        // The client broke off its request.
        talk.end(End::ClientGone);
        return Err(Cut);
    }
    let broken = link.tap.upstream.no_answer(error);
    if error.is_parse() {
        return Ok(unreachable(talk, broken));
    }
    // Whether upstream saw the request nobody knows, so it is not sent again: the client decides.
    talk.end(End::UpstreamBroke(broken.how));
    link.reset();
    Err(Cut)
}

fn not_asked_for(link: &Link) -> Broken {
    Broken {
        kind: crate::domain::outcome::Unreachable::Broken,
        how: format!(
            "{} changed to another protocol although nobody asked for one",
            link.tap.upstream.base().host_and_port()
        ),
    }
}

pub fn unreachable(talk: &Talk, broken: Broken) -> Response<Answer> {
    let refusal = Refusal::Unreachable(broken.how.clone());
    let told = talk.is_message();
    talk.end(End::Unreachable {
        kind: broken.kind,
        how: broken.how,
    });
    let tap = &talk.link.tap;
    if told {
        tap.count(&refusal);
    } else {
        tap.refuse(&refusal);
    }
    answer(&refusal)
}

/// The tap's own answer.
pub fn refuse(link: &Link, refusal: &Refusal) -> Response<Answer> {
    link.tap.refuse(refusal);
    answer(refusal)
}

fn answer(refusal: &Refusal) -> Response<Answer> {
    let body = refusal.body();
    let length = HeaderValue::from(body.len());
    let mut response = Response::new(Answer::Own(Some(body)));
    *response.status_mut() = refusal.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_LENGTH, length);
    headers.insert("x-ratetop-tap", HeaderValue::from_static("refused"));
    response
}
