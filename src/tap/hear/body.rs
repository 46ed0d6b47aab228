//! An answer's body as it passes.

use super::{
    decode::{Coding, Decoder, Idle},
    events::{Events, Over},
    head::Answered,
    said::{Json, Kind},
};
use crate::domain::{
    answer::error::{self, Ending},
    headers::Hint,
    outcome::{ApiError, Outcome},
    usage::Usage,
};
use http::HeaderValue;

/// Bytes of an answer with an error status that are looked at. An envelope has a few hundred.
const LONGEST_REFUSAL: usize = 64 << 10;

/// What is read of a body.
pub(super) struct Body {
    json: Json,
    reader: Reader,
    decoder: Option<Decoder>,
    /// Nothing more is read.
    shut: bool,
    /// Where a redirect leads.
    location: Option<HeaderValue>,
}

enum Reader {
    Unread,
    Message,
    Events(Box<Events>),
    Refusal(Vec<u8>),
}

/// Why a body is not read any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deaf {
    Encoding,
    Decoder,
    Line,
}

/// How the body's transfer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Transfer {
    Whole,
    /// The client went away.
    Left,
    /// It broke, and how.
    Broken(String),
}

impl Body {
    /// The body of an answer with this head. `asked` says whether a stream was asked for.
    pub(super) fn new(
        status: u16,
        answered: &Answered<'_>,
        asked: bool,
        idle: &Idle,
    ) -> (Self, Option<Deaf>) {
        let success = (200..300).contains(&status);
        let mut body = Self {
            json: Json::new(),
            reader: match (success, is_stream(answered.kind, asked)) {
                (false, _) => Reader::Refusal(Vec::new()),
                (true, true) => Reader::Events(Box::new(Events::new())),
                (true, false) => Reader::Message,
            },
            decoder: None,
            shut: false,
            location: answered.location.filter(|_| !success).cloned(),
        };
        let deaf = match Coding::of(answered) {
            Ok(None) => None,
            Ok(Some(coding)) => match Decoder::new(coding, idle) {
                Ok(decoder) => {
                    body.decoder = Some(decoder);
                    None
                }
                Err(_) => Some(Deaf::Decoder),
            },
            Err(_) => Some(Deaf::Encoding),
        };
        if deaf.is_some() {
            body.shut();
        }
        (body, deaf)
    }

    /// Nothing more is read. What was understood so far stays: a stream's usage is cumulative.
    pub(super) fn shut(&mut self) {
        self.shut = true;
        match &mut self.reader {
            Reader::Events(events) => {
                events.over.get_or_insert(Over::Unread);
            }
            Reader::Message => self.reader = Reader::Unread,
            Reader::Refusal(_) | Reader::Unread => {}
        }
    }

    /// Takes the next bytes as they passed.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Option<Deaf> {
        if self.shut {
            return None;
        }
        let (reader, json) = (&mut self.reader, &mut self.json);
        let Some(decoder) = &mut self.decoder else {
            return reader.push(bytes, json);
        };
        let mut deaf = None;
        if decoder
            .push(bytes, &mut |piece| deaf = deaf.or(reader.push(piece, json)))
            .is_err()
        {
            deaf = Some(Deaf::Decoder);
        }
        if deaf.is_some() {
            self.shut();
        }
        deaf
    }

    /// Whether the model has generated something.
    pub(super) fn has_token(&self) -> bool {
        matches!(&self.reader, Reader::Events(events) if events.token)
    }

    /// Whether it is an event stream.
    pub(super) fn is_stream(&self) -> bool {
        matches!(self.reader, Reader::Events(_))
    }

    /// Tokens so far.
    pub(super) fn usage(&self, most: Option<u64>) -> Option<Usage> {
        match &self.reader {
            Reader::Events(events) => events.usage(most),
            Reader::Message => {
                let mut usage = None;
                self.json.said.usage.apply(&mut usage);
                usage
            }
            Reader::Refusal(_) | Reader::Unread => None,
        }
    }

    /// How the exchange ended.
    pub(super) fn outcome(&mut self, status: u16, hint: Hint, transfer: Transfer) -> Outcome {
        let foreign = |looks: &str| Outcome::Foreign {
            status,
            looks_like: looks.into(),
            hint,
        };
        let complete = |stop_reason: Option<String>| Outcome::Complete {
            status,
            stop_reason,
        };
        let whole = match &mut self.reader {
            Reader::Refusal(bytes) => {
                let transfer = if self.shut { Transfer::Left } else { transfer };
                return refusal(status, self.location.as_ref(), hint, bytes, &transfer);
            }
            Reader::Unread => None,
            Reader::Message if self.json.is_over() => {
                let said = &mut self.json.said;
                let failed = said.api_error();
                Some(match (said.kind, said.content, failed) {
                    (Kind::Message, ..) | (_, true, _) => {
                        complete(said.stop_reason.take().map(Into::into))
                    }
                    (_, false, Some(error)) => Outcome::StreamError { error },
                    (_, false, None) => foreign("JSON of another kind"),
                })
            }
            Reader::Message => match transfer {
                Transfer::Whole if self.json.is_untouched() => Some(foreign("an empty body")),
                Transfer::Whole if self.json.is_dead() => Some(foreign("no JSON object")),
                Transfer::Whole => Some(foreign("JSON that cannot be read")),
                _ => None,
            },
            Reader::Events(events) => {
                events.finish(&mut self.json);
                match &events.over {
                    Some(Over::Whole) => Some(complete(
                        events.stop_reason().map(|it| it.clone().into_owned()),
                    )),
                    Some(Over::Failed(error)) => Some(Outcome::StreamError {
                        error: error.clone(),
                    }),
                    Some(Over::Garbled) => Some(Outcome::StreamCut {
                        how: "the stream carried an event that is not JSON".into(),
                    }),
                    Some(Over::TooLong | Over::Unread) => None,
                    None if transfer != Transfer::Whole => None,
                    None if events.any => Some(Outcome::StreamTruncated),
                    None => Some(foreign("no event stream")),
                }
            }
        };
        whole.unwrap_or_else(|| match transfer {
            Transfer::Whole => complete(None),
            Transfer::Left => Outcome::Cancelled,
            Transfer::Broken(how) => Outcome::StreamCut { how },
        })
    }

    /// Gives its space back.
    pub(super) fn retire(&mut self, idle: &Idle) {
        if let Some(decoder) = self.decoder.take() {
            decoder.retire(idle);
        }
    }
}

impl Reader {
    fn push(&mut self, bytes: &[u8], json: &mut Json) -> Option<Deaf> {
        match self {
            Self::Unread => {}
            Self::Message => json.push(bytes),
            Self::Events(events) => {
                let before = events.over.is_some();
                events.push(bytes, json);
                if !before && events.over == Some(Over::TooLong) {
                    return Some(Deaf::Line);
                }
            }
            Self::Refusal(kept) => {
                let room = LONGEST_REFUSAL.saturating_sub(kept.len());
                kept.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            }
        }
        None
    }
}

/// An answer with an error status. A client that retries may leave before it has read the body, and the
/// status says enough.
fn refusal(
    status: u16,
    location: Option<&HeaderValue>,
    hint: Hint,
    body: &[u8],
    transfer: &Transfer,
) -> Outcome {
    let whole = *transfer == Transfer::Whole;
    if status >= 400 && !whole && error::envelope(body).is_none() {
        return Outcome::Refused {
            status,
            error: ApiError::default(),
            hint,
        };
    }
    let end = if body.len() >= LONGEST_REFUSAL {
        Ending::TooLong
    } else {
        Ending::Whole
    };
    error::outcome(status, location.map(HeaderValue::as_bytes), hint, body, end)
}

/// Whether the body is an event stream: what the head says, and without that what was asked for.
fn is_stream(kind: Option<&HeaderValue>, asked: bool) -> bool {
    let Some(kind) = kind else {
        return asked;
    };
    let kind = kind.as_bytes();
    // As the API writes them.
    match kind {
        b"application/json" => false,
        b"text/event-stream" | b"text/event-stream; charset=utf-8" => true,
        _ => kind
            .to_ascii_lowercase()
            .windows(b"event-stream".len())
            .any(|part| part == b"event-stream"),
    }
}
