//! Plays an answer of the engine in time: waits, then the head, then the body as it is due.
//! Shared by the server and by the transport without sockets.

use super::{
    encode::{Coding, Flowing},
    engine::{Answered, Engine, Ticket},
    speak::{
        ask::{self, Ask},
        reply::{Ending, Reply},
        script::{Cut, Script},
    },
};
use crate::{
    clock::Clock,
    domain::time::{Time, after},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Long enough for a loopback write.
const FLUSH: std::time::Duration = std::time::Duration::from_millis(2);

/// An engine that several connections ask.
#[derive(Clone, Debug)]
pub struct World {
    engine: Arc<Mutex<Engine>>,
    clock: Clock,
}

/// An answer.
pub struct Played {
    /// HTTP status.
    pub status: u16,
    /// All but `content-length` and the like.
    pub headers: HeaderMap,
    /// What follows.
    pub body: PlayedBody,
}

/// The body of an answer.
pub enum PlayedBody {
    /// At once.
    Whole(Bytes),
    /// Event by event.
    Told(Box<Told>),
}

/// A call in flight: it is over when this is dropped.
struct Running {
    world: World,
    ticket: Option<Ticket>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            let now = self.world.clock.now();
            self.world.engine().end(ticket, now);
        }
    }
}

/// A stream being told. Dropping it ends the call: what was said until then is charged.
pub struct Told {
    script: Script,
    began: Time,
    encoder: Option<Flowing>,
    over: bool,
    running: Running,
}

impl Told {
    /// The next piece of the body, when it is due; none at the end. After a cut nothing follows.
    pub async fn next(&mut self) -> Option<Result<Bytes, Cut>> {
        if self.over {
            return None;
        }
        let Some(due_s) = self.script.due_s() else {
            self.over = true;
            let rest = self.encoder.take()?.finish().map_err(|_| Cut);
            return Some(rest);
        };
        if due_s > 0.0 {
            let due = self
                .running
                .world
                .clock
                .instant_of(after(self.began, due_s));
            tokio::time::sleep_until(due).await;
        }
        let piece = self.script.event()?;
        if piece.is_err() {
            // What was said before must reach the wire: hyper drops what it has not flushed, and
            // flushes while it waits.
            tokio::time::sleep(FLUSH).await;
        }
        let piece = match (piece, &mut self.encoder) {
            (Ok(event), Some(encoder)) => encoder.push(&event).map_err(|_| Cut),
            (piece, _) => piece,
        };
        self.over = piece.is_err();
        Some(piece)
    }
}

impl World {
    /// An engine and the clock that it lives by.
    pub fn new(engine: Arc<Mutex<Engine>>, clock: Clock) -> Self {
        Self { engine, clock }
    }

    /// The engine. Hold it briefly: every connection waits for it.
    pub fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one request. `headers` are those of the request; an error means that the connection
    /// is to break without an answer.
    pub async fn play(&self, ask: Ask, headers: &HeaderMap) -> Result<Played, Cut> {
        let coding = Coding::wanted(headers);
        let answered = self.engine().answer(ask, self.clock.now());
        let mut call = match answered {
            Answered::Now(answer) => {
                self.wait(answer.wait_s).await;
                return Ok(whole(answer.status, answer.headers, answer.body, coding));
            }
            Answered::Call(call) => call,
        };
        let mut running = Running {
            world: self.clone(),
            ticket: None,
        };
        if call.wait_s > 0.0 {
            let ticket = running.ticket.insert(call.ticket);
            self.wait(call.wait_s).await;
            if !call.stream && matches!(call.reply.ending, Ending::Cut(_)) {
                return Err(Cut);
            }
            let head = self.engine().head(ticket, self.clock.now());
            return Ok(self.tell(call.reply, call.stream, head, coding, running));
        }
        let now = self.clock.now();
        let head = {
            let mut engine = self.engine();
            let head = engine.head(&mut call.ticket, now);
            if call.stream {
                running.ticket = Some(call.ticket);
            } else {
                engine.end(call.ticket, now);
            }
            head
        };
        if !call.stream && matches!(call.reply.ending, Ending::Cut(_)) {
            return Err(Cut);
        }
        Ok(self.tell(call.reply, call.stream, head, coding, running))
    }

    fn tell(
        &self,
        reply: Reply,
        stream: bool,
        mut head: HeaderMap,
        coding: Option<Coding>,
        running: Running,
    ) -> Played {
        if !stream {
            head.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
            return whole(200, head, reply.whole(), coding);
        }
        head.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/event-stream; charset=utf-8"),
        );
        head.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        let encoder = coding.and_then(|coding| {
            let encoder = Flowing::new(coding).ok()?;
            head.insert(header::CONTENT_ENCODING, coding.name());
            head.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
            Some(encoder)
        });
        Played {
            status: 200,
            headers: head,
            body: PlayedBody::Told(Box::new(Told {
                script: reply.script(),
                began: self.clock.now(),
                encoder,
                over: false,
                running,
            })),
        }
    }

    async fn wait(&self, seconds: f64) {
        if seconds > 0.0 {
            let due = self.clock.instant_of(after(self.clock.now(), seconds));
            tokio::time::sleep_until(due).await;
        }
    }
}

fn whole(status: u16, mut headers: HeaderMap, body: Bytes, coding: Option<Coding>) -> Played {
    let mut encoded = None;
    if let Some(coding) = coding.filter(|_| !body.is_empty()) {
        encoded = coding.whole(&body).ok();
        if encoded.is_some() {
            headers.insert(header::CONTENT_ENCODING, coding.name());
            headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
    }
    Played {
        status,
        headers,
        body: PlayedBody::Whole(encoded.unwrap_or(body)),
    }
}

/// Reads a request for [`World::play`].
pub fn read(method: &http::Method, target: &str, headers: &HeaderMap, body: &[u8]) -> Ask {
    ask::read(method, target, headers, body)
}
