//! One request on the wire and its answer, to the end of the body.

use super::{Run, Spent};
use crate::{
    api::error,
    domain::{
        answer::{self, Answer, Thought, sse, stream::Growing},
        clean::clean_lines,
        headers::{Hint, Reading, raw_rate_limit_headers, read},
        observation::What,
        outcome::Outcome,
        time::{Time, seconds_between},
        usage::Usage,
    },
    net::{
        body::{self, End},
        transport::{Request, Response},
    },
};
use futures_util::StreamExt;
use http::{HeaderMap, header};
use serde_json::Value;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Seconds between two `Progress` of one stream.
const PROGRESS_S: f64 = 0.1;
/// How long a finished stream may take to end its body, so that its connection is used again.
const LINGER: Duration = Duration::from_millis(20);

/// An attempt that has ended.
pub(super) struct Tried {
    pub outcome: Outcome,
    pub usage: Option<Usage>,
    pub thought: Thought,
    pub reading: Option<Reading>,
    /// Content blocks of a whole answer.
    pub content: Vec<Value>,
    pub sent_at: Time,
    pub ended_at: Time,
    pub spent: Spent,
}

/// What was read after a head.
struct Ending {
    outcome: Outcome,
    answer: Answer,
}

impl From<Outcome> for Ending {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            answer: Answer::default(),
        }
    }
}

impl Run<'_> {
    /// Sends the request and reads its answer.
    pub(super) async fn attempt(&mut self, request: Request, cancel: &CancellationToken) -> Tried {
        let sent_at = self.driver.clock.now();
        self.tell_at(sent_at, What::Sent).await;
        let answer = tokio::select! {
            biased;
            () = cancel.cancelled() => None,
            answer = self.driver.connection.transport.send(request) => Some(answer),
        };
        let response = match answer {
            Some(Ok(response)) => response,
            Some(Err(broken)) => {
                let outcome = Outcome::Unreachable {
                    kind: broken.kind,
                    how: broken.how,
                };
                return self.tried(outcome.into(), None, sent_at);
            }
            None => return self.tried(Outcome::Cancelled.into(), None, sent_at),
        };
        let reading = self.head(response.status, &response.headers, sent_at).await;
        let status = response.status;
        let ending = if (200..300).contains(&status) {
            if is_stream(&response.headers, self.order.stream) {
                self.streamed(response, reading.hint, sent_at, cancel).await
            } else {
                self.whole(response, reading.hint, cancel).await
            }
        } else {
            self.refused(response, reading.hint, cancel).await
        };
        self.tried(ending, Some(reading), sent_at)
    }

    /// The outcome without the key, should a server have repeated it.
    fn without_key(&self, mut outcome: Outcome) -> Outcome {
        let texts: &mut [&mut String] = match &mut outcome {
            Outcome::Refused { error, .. } | Outcome::StreamError { error } => {
                let key_less = |text: String| self.driver.connection.without_key(text);
                error.code = error.code.take().map(key_less);
                error.request = error
                    .request
                    .take()
                    .map(|id| key_less(id.as_str().to_owned()).into());
                &mut [&mut error.kind, &mut error.message]
            }
            Outcome::Foreign {
                looks_like: text, ..
            }
            | Outcome::StreamCut { how: text }
            | Outcome::Unreachable { how: text, .. }
            | Outcome::Complete {
                stop_reason: Some(text),
                ..
            } => &mut [text],
            Outcome::Complete { .. } | Outcome::StreamTruncated | Outcome::Cancelled => &mut [],
        };
        for text in texts {
            **text = self.driver.connection.without_key(std::mem::take(*text));
        }
        outcome
    }

    fn tried(&self, ending: Ending, reading: Option<Reading>, sent_at: Time) -> Tried {
        let spent = match ending.answer.usage {
            _ if !ending.outcome.maybe_served() => Spent::Nothing,
            Some(usage) => Spent::Tokens(usage),
            None => Spent::Unknown,
        };
        Tried {
            outcome: self.without_key(ending.outcome),
            usage: ending.answer.usage,
            thought: ending.answer.thought,
            reading,
            content: ending.answer.content,
            sent_at,
            ended_at: self.driver.clock.now(),
            spent,
        }
    }

    async fn head(&mut self, status: u16, headers: &HeaderMap, sent_at: Time) -> Reading {
        let at = self.driver.clock.now();
        let headers = self.driver.connection.without_key_in_headers(headers);
        let lines = || {
            headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_bytes()))
        };
        let mut reading = read(lines(), at);
        reading.raw = raw_rate_limit_headers(lines());
        if reading.organization.is_some() {
            self.organization.clone_from(&reading.organization);
        }
        if reading.workspace.is_some() {
            self.workspace.clone_from(&reading.workspace);
        }
        let share = &self.driver.share;
        share.heard(&self.order.model, &reading, self.reserved);
        self.tell_at(
            at,
            What::Head {
                status,
                reading: reading.clone(),
                first_byte_s: seconds_between(sent_at, at),
            },
        )
        .await;
        reading
    }

    /// An answer in one piece.
    async fn whole(&self, response: Response, hint: Hint, cancel: &CancellationToken) -> Ending {
        let (status, headers) = (response.status, response.headers);
        let Some((bytes, end)) = collect(response.body, answer::LONGEST, cancel).await else {
            return Outcome::Cancelled.into();
        };
        if let End::Broken(broken) = end {
            return Outcome::StreamCut { how: broken.how }.into();
        }
        if let Some(answer) = answer::answer(&bytes) {
            let text = clean_lines(&answer.text());
            if !text.is_empty() {
                self.tell_text(text).await;
            }
            let stop_reason = answer.stop_reason.clone();
            return Ending {
                outcome: Outcome::Complete {
                    status,
                    stop_reason,
                },
                answer,
            };
        }
        match error::envelope(&bytes) {
            Some(error) => Outcome::StreamError { error }.into(),
            None => error::outcome(status, &headers, hint, &bytes, &end).into(),
        }
    }

    /// An error status, with what its body says.
    async fn refused(&self, response: Response, hint: Hint, cancel: &CancellationToken) -> Ending {
        let (status, headers) = (response.status, response.headers);
        if (300..400).contains(&status) {
            return error::outcome(status, &headers, hint, b"", &End::Whole).into();
        }
        match collect(response.body, error::LONGEST, cancel).await {
            Some((bytes, end)) => {
                let bytes = self.driver.connection.without_key_in(&bytes);
                error::outcome(status, &headers, hint, &bytes, &end).into()
            }
            None => Outcome::Cancelled.into(),
        }
    }

    /// An answer event by event.
    async fn streamed(
        &self,
        mut response: Response,
        hint: Hint,
        sent_at: Time,
        cancel: &CancellationToken,
    ) -> Ending {
        let mut reader = sse::Reader::new();
        let mut growing = Growing::up_to(self.order.max_tokens);
        let mut events = Vec::new();
        let mut told = Progress::default();
        let mut start = Vec::new();
        let mut exhausted = false;
        let outcome = loop {
            let chunk = tokio::select! {
                biased;
                () = cancel.cancelled() => break Outcome::Cancelled,
                chunk = response.body.next() => chunk,
            };
            let mut over = None;
            match chunk {
                Some(Ok(bytes)) => {
                    let room = 300_usize.saturating_sub(start.len());
                    start.extend(bytes.iter().take(room));
                    if reader.push(&bytes, &mut events).is_err() {
                        let how = "the stream carried an event larger than 1 MB".into();
                        over = Some(Outcome::StreamCut { how });
                    }
                }
                Some(Err(broken)) => over = Some(Outcome::StreamCut { how: broken.how }),
                None => {
                    exhausted = true;
                    let last = std::mem::take(&mut reader).finish();
                    events.extend(last.filter(Growing::is_whole));
                    over = Some(Outcome::StreamTruncated);
                }
            }
            told.events |= !events.is_empty();
            if let Some(ended) = self
                .take(&mut events, &mut growing, &mut told, sent_at)
                .await
            {
                break ended;
            }
            if let Some(over) = over {
                break over;
            }
        };
        if outcome.is_complete() && !exhausted {
            let _ = tokio::time::timeout(LINGER, response.body.next()).await;
        }
        if outcome == Outcome::StreamTruncated && !told.events && !start.is_empty() {
            // Not one event: this was no event stream, whatever its head said.
            return error::outcome(
                response.status,
                &response.headers,
                hint,
                &start,
                &End::Whole,
            )
            .into();
        }
        Ending {
            outcome,
            answer: growing.answer(),
        }
    }

    /// Folds events and tells what they bring; how the answer ended, if it did.
    async fn take(
        &self,
        events: &mut Vec<sse::Event>,
        growing: &mut Growing,
        told: &mut Progress,
        sent_at: Time,
    ) -> Option<Outcome> {
        for event in std::mem::take(events) {
            let step = growing.take(&event);
            let now = self.driver.clock.now();
            // That it thinks is told at once; how much, when it is over.
            if growing.thought().blocks > told.thoughts {
                told.thoughts = growing.thought().blocks;
                self.tell_at(now, What::Thought(growing.thought())).await;
            }
            if step.token && !std::mem::replace(&mut told.token, true) {
                let after_s = seconds_between(sent_at, now);
                self.tell_at(now, What::FirstToken { after_s }).await;
            }
            if let Some(text) = step.text.filter(|text| !text.is_empty()) {
                self.tell_text(text).await;
            }
            if step.ended.is_some() {
                return step.ended;
            }
            if let Some(usage) = growing.usage().filter(|_| told.is_due(now)) {
                told.at = Some(now);
                self.tell_at(now, What::Progress { usage }).await;
            }
        }
        None
    }
}

/// What was told of a stream so far.
#[derive(Default)]
struct Progress {
    events: bool,
    token: bool,
    /// Blocks of thinking.
    thoughts: u32,
    at: Option<Time>,
}

impl Progress {
    /// The first at once, so that the input is known; then at most ten a second.
    fn is_due(&self, now: Time) -> bool {
        self.at
            .is_none_or(|last| seconds_between(last, now) >= PROGRESS_S)
    }
}

/// A whole body; none when the call was cancelled.
async fn collect(
    stream: futures_util::stream::BoxStream<
        'static,
        Result<bytes::Bytes, crate::net::transport::Broken>,
    >,
    most: usize,
    cancel: &CancellationToken,
) -> Option<(Vec<u8>, End)> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => None,
        read = body::read(stream, most) => Some(read),
    }
}

/// Whether the body is an event stream: what the head says, and without that what was asked for.
fn is_stream(headers: &HeaderMap, asked: bool) -> bool {
    match headers.get(header::CONTENT_TYPE) {
        Some(kind) => kind
            .to_str()
            .is_ok_and(|kind| kind.to_ascii_lowercase().contains("event-stream")),
        None => asked,
    }
}
