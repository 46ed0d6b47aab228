//! The other end of a headless tap's admin port: what it tells, as it tells it.

use super::connection::Connection;
use crate::{
    domain::{
        answer::{
            error::{Ending, looks_like},
            sse::{Event, Reader},
        },
        feed::wire::{self, Told},
    },
    net::{body, transport::Response},
};
use futures_util::StreamExt;
use http::HeaderValue;

/// Bytes of an answer that is not a stream.
const MOST_BYTES: usize = 64 << 10;

/// A stream that is being read.
pub struct Stream {
    response: Response,
    reader: Reader,
    events: std::vec::IntoIter<Event>,
    host: String,
    /// The number of the last line that was taken.
    pub last: u64,
}

/// Opens the stream after the line that is known last; 0 is the beginning. The error is one sentence.
pub async fn open(connection: &Connection, known: u64) -> Result<Stream, String> {
    let mut request = connection.get("/events".to_owned())?;
    request.stream = true;
    let events = HeaderValue::from_static("text/event-stream");
    request.headers.insert(http::header::ACCEPT, events);
    request
        .headers
        .insert("last-event-id", HeaderValue::from(known));
    let response = connection.transport.send(request).await;
    let response = response.map_err(|broken| broken.how)?;
    if response.status != 200 {
        let (body, _) = body::read(response.body, MOST_BYTES).await;
        let looks = looks_like(response.status, None, &body, Ending::Whole);
        let host = &connection.host;
        return Err(match response.status {
            401 => format!(
                "{host} wants the token of its --token-file: put /t/TOKEN behind the address"
            ),
            403 => format!(
                "{host} takes no request for that host: a tunnel to it must begin at the same port of \
                 localhost"
            ),
            503 => format!("{host} has as many readers as it takes"),
            status => format!(
                "{host} is not the admin address of a tap: it answered {status} with {looks}"
            ),
        });
    }
    Ok(Stream {
        response,
        reader: Reader::new(),
        events: Vec::new().into_iter(),
        host: connection.host.clone(),
        last: known,
    })
}

impl Stream {
    /// The next thing that is told. An error, one sentence, ends the stream.
    pub async fn next(&mut self) -> Result<Told, String> {
        loop {
            for event in self.events.by_ref() {
                if let Some((number, told)) = wire::read(&event)? {
                    self.last = number.unwrap_or(self.last);
                    return Ok(told);
                }
            }
            let piece = match self.response.body.next().await {
                None => return Err(format!("{} ended the stream", self.host)),
                Some(Err(broken)) => return Err(broken.how),
                Some(Ok(piece)) => piece,
            };
            let mut events = Vec::new();
            self.reader
                .push(&piece, &mut events)
                .map_err(|_| format!("{} sent a line that is too long to be a tap's", self.host))?;
            self.events = events.into_iter();
        }
    }
}
