//! One request to `/v1/messages` and its answer: to which call they belong, and what is told of them.

use super::{
    Hearing,
    ask::Ask,
    body::{Body, Deaf},
    books::{Linked, Owner},
    head::{Answered, Asked},
    scrub::Secrets,
};
use crate::domain::{
    headers::{Reading, raw_rate_limit_headers, read},
    id::{CallId, ClientId, ModelId},
    observation::{Observation, Source, What},
    time::{Time, seconds_between},
};
use http::HeaderMap;

/// Seconds between two `Progress` of one stream.
const PROGRESS_S: f64 = 0.25;

/// What is known of an exchange with `/v1/messages`.
pub(super) struct State {
    pub(super) sent: Time,
    pub(super) client_row: usize,
    /// `x-stainless-retry-count`.
    pub(super) count: Option<u32>,
    pub(super) secrets: Secrets,
    pub(super) ask: Ask,
    /// Whether the request's body is whole.
    asked: bool,
    /// Whether reading failed: nothing but heads and ends is looked at.
    deaf: bool,
    pub(super) call: Option<Call>,
    pub(super) answer: Option<Answer>,
    /// Whether its end is in the books.
    pub(super) counted: bool,
}

/// The call it belongs to.
pub(super) struct Call {
    pub(super) id: CallId,
    pub(super) attempt: u32,
    pub(super) client: ClientId,
    pub(super) model: ModelId,
    pub(super) model_row: usize,
    /// What its body hashes to, once that is known.
    pub(super) print: Option<u64>,
    pub(super) told: bool,
    pub(super) owner: Owner,
}

/// The answer so far.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) at: Time,
    pub(super) reading: Option<Box<Reading>>,
    pub(super) lane: Option<usize>,
    pub(super) body: Body,
    /// Seconds from the request to the first token of its stream.
    pub(super) first_token_s: Option<f64>,
    progress: Option<Time>,
}

impl State {
    pub(super) fn new(hearing: &Hearing, asked: &Asked<'_>, client_row: usize, now: Time) -> Self {
        let count = asked.retry_count;
        Self {
            sent: now,
            client_row,
            count: count.and_then(|count| count.to_str().ok()?.parse().ok()),
            secrets: Secrets::new(asked.keys),
            ask: Ask::new(&hearing.key),
            asked: false,
            deaf: false,
            call: None,
            answer: None,
            counted: false,
        }
    }

    /// The reader failed.
    pub(super) fn deafen(&mut self) {
        self.deaf = true;
        if let Some(answer) = &mut self.answer {
            answer.body.shut();
        }
    }

    pub(super) fn request_bytes(&mut self, bytes: &[u8]) {
        if self.call.is_none() && !self.deaf {
            self.ask.push(bytes);
        }
    }

    pub(super) fn request_end(&mut self, hearing: &Hearing, now: Time) {
        self.asked = true;
        self.link(hearing, now);
    }

    /// Finds the call it belongs to: when the request is whole, at the latest when the answer comes.
    pub(super) fn link(&mut self, hearing: &Hearing, now: Time) {
        if self.call.is_some() {
            return;
        }
        let whole = self.asked && !self.deaf;
        let print = self.ask.print(self.client_row as u64).filter(|_| whole);
        let wishes = self.ask.wishes();
        let (linked, expired) = {
            let mut books = hearing.books();
            let expired = books.expired(now);
            let linked = books.link(self.client_row, wishes, print, self.count, self.sent);
            (linked, expired)
        };
        hearing.close(&expired);
        let Some(Linked {
            call,
            attempt,
            model_row,
            client,
            model,
            told,
            again,
        }) = linked
        else {
            return;
        };
        self.call = Some(Call {
            id: call,
            attempt,
            client,
            model,
            model_row,
            print,
            told: false,
            owner: Owner::default(),
        });
        let begun = again.as_ref().is_some_and(|again| again.failed.told);
        if let Some(again) = again.filter(|again| again.failed.told) {
            hearing.came_back(&again);
        }
        if told {
            self.tell_beginning(hearing, begun, false);
        }
    }

    /// Tells that it began and left. What was told is told to its end.
    pub(super) fn tell_beginning(&mut self, hearing: &Hearing, begun: bool, must: bool) {
        let wishes = self.ask.wishes();
        let began = What::Began {
            policy: String::new(),
            attempts: None,
            stream: wishes.stream,
            input_estimate: wishes.input_estimate(),
        };
        let sent = self.sent;
        if begun || must {
            if !begun {
                self.tell(hearing, sent, began, true);
            }
        } else if !self.tell(hearing, sent, began, false) {
            return;
        }
        if let Some(call) = &mut self.call {
            call.told = true;
        }
        self.tell(hearing, sent, What::Sent, true);
    }

    /// Tells of this exchange; whether there was room.
    pub(super) fn tell(&self, hearing: &Hearing, at: Time, what: What, must: bool) -> bool {
        let Some(call) = &self.call else { return false };
        let seen = Observation {
            at,
            source: Source::Tap,
            call: Some(call.id),
            attempt: (!matches!(what, What::Began { .. } | What::Closed { .. }))
                .then_some(call.attempt),
            client: Some(call.client.clone()),
            organization: call.owner.organization.clone(),
            workspace: call.owner.workspace.clone(),
            model: Some(call.model.clone()),
            fast: self.ask.wishes().fast,
            what,
        };
        if must {
            hearing.sink.must(seen);
            return true;
        }
        hearing.sample(seen)
    }

    pub(super) fn is_told(&self) -> bool {
        self.call.as_ref().is_some_and(|call| call.told)
    }

    /// The answer's head came. Whether it is to be read in full, which takes its time.
    pub(super) fn answered(
        &mut self,
        hearing: &Hearing,
        status: u16,
        headers: &HeaderMap,
        now: Time,
    ) -> bool {
        self.link(hearing, now);
        if self.answer.is_some() {
            return false;
        }
        let Some(call) = &self.call else {
            return false;
        };
        let (model_row, is_told) = (call.model_row, call.told);
        let good = (200..300).contains(&status);
        let wishes = self.ask.wishes();
        let answered = Answered::of(headers);
        let (mut body, deaf) = Body::new(status, &answered, wishes.stream, &hearing.idle);
        if self.deaf {
            body.shut();
        }
        let (lane, reads) = {
            let mut books = hearing.books();
            let head = books.head(model_row, &answered, wishes.fast, is_told || !good, now);
            if let Some(deaf) = deaf {
                count(&mut books.drops, deaf);
            }
            head
        };
        self.answer = Some(Answer {
            status,
            at: now,
            reading: None,
            lane,
            body,
            first_token_s: None,
            progress: None,
        });
        reads
    }

    /// Reads a head in full and tells it.
    pub(super) fn read_head(
        &mut self,
        hearing: &Hearing,
        status: u16,
        headers: &HeaderMap,
        now: Time,
    ) {
        if !self.is_told() {
            let good = (200..300).contains(&status);
            self.tell_beginning(hearing, false, !good);
        }
        let lines = || {
            headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_bytes()))
        };
        let mut reading = read(lines(), now);
        reading.raw = raw_rate_limit_headers(lines());
        for (_, value) in reading.raw.iter_mut().chain(&mut reading.unknown) {
            *value = self.secrets.blank(std::mem::take(value));
        }
        let (Some(call), Some(answer)) = (&mut self.call, &mut self.answer) else {
            return;
        };
        call.owner = Owner {
            organization: reading.organization.clone(),
            workspace: reading.workspace.clone(),
        };
        let changed = hearing.books().note(call.model_row, answer.lane, &reading);
        answer.reading = Some(Box::new(reading.clone()));
        if self.is_told() {
            let first_byte_s = seconds_between(self.sent, now).max(0.0);
            let what = What::Head {
                status,
                reading,
                first_byte_s,
            };
            self.tell(hearing, now, what, changed || status >= 300);
        }
    }

    pub(super) fn response_bytes(&mut self, hearing: &Hearing, bytes: &[u8], now: Time) {
        let Some(answer) = &mut self.answer else {
            return;
        };
        if let Some(deaf) = answer.body.push(bytes) {
            count(&mut hearing.books().drops, deaf);
        }
        let came = answer.first_token_s.is_none() && answer.body.has_token();
        let first = came.then(|| seconds_between(self.sent, now).max(0.0));
        answer.first_token_s = answer.first_token_s.or(first);
        if !answer.body.is_stream() || !self.call.as_ref().is_some_and(|call| call.told) {
            return;
        }
        let due = answer
            .progress
            .is_none_or(|at| seconds_between(at, now) >= PROGRESS_S);
        let most = self.ask.wishes().max_tokens;
        let usage = due.then(|| answer.body.usage(most)).flatten();
        if usage.is_some() {
            answer.progress = Some(now);
        }
        if let Some(after_s) = first {
            self.tell(hearing, now, What::FirstToken { after_s }, false);
        }
        if let Some(usage) = usage {
            self.tell(hearing, now, What::Progress { usage }, false);
        }
    }
}

fn count(drops: &mut crate::domain::traffic::Drops, deaf: Deaf) {
    match deaf {
        Deaf::Encoding => drops.encodings += 1,
        Deaf::Decoder => drops.decoders += 1,
        Deaf::Line => drops.lines += 1,
    }
}
