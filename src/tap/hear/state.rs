//! One request to `/v1/messages` and its answer: to which call they belong, and what is told of them.

use super::{
    End, Hearing,
    ask::Ask,
    body::{Body, Deaf, Transfer},
    books::{Ending, Linked, Owner},
    scrub::{Secrets, scrub},
    waiting::{Failed, may_be_repeated},
};
use crate::domain::{
    headers::{Hint, Reading, raw_rate_limit_headers, read},
    id::{CallId, ClientId, ModelId},
    observation::{CallResult, Observation, Source, What},
    outcome::{Outcome, Unreachable},
    time::{Time, seconds_between},
    usage::Usage,
    verdict::{Cause, Context, Verdict, judge},
};
use http::{HeaderMap, request::Parts};

/// Seconds between two `Progress` of one stream.
const PROGRESS_S: f64 = 0.25;

/// What is known of an exchange with `/v1/messages`.
pub(super) struct State {
    sent: Time,
    client_row: usize,
    /// `x-stainless-retry-count`.
    count: Option<u32>,
    secrets: Secrets,
    ask: Ask,
    /// Whether the request's body is whole.
    asked: bool,
    /// Whether reading failed: nothing but heads and ends is looked at.
    deaf: bool,
    call: Option<Call>,
    answer: Option<Answer>,
}

/// The call it belongs to.
struct Call {
    id: CallId,
    attempt: u32,
    client: ClientId,
    model: ModelId,
    model_row: usize,
    /// What its body hashes to, once that is known.
    print: Option<u64>,
    told: bool,
    owner: Owner,
}

/// The answer so far.
struct Answer {
    status: u16,
    at: Time,
    reading: Option<Box<Reading>>,
    lane: Option<usize>,
    body: Body,
    token: bool,
    progress: Option<Time>,
}

impl State {
    pub(super) fn new(hearing: &Hearing, head: &Parts, client_row: usize, now: Time) -> Self {
        let count = head.headers.get("x-stainless-retry-count");
        Self {
            sent: now,
            client_row,
            count: count.and_then(|count| count.to_str().ok()?.parse().ok()),
            secrets: Secrets::new(&head.headers),
            ask: Ask::new(&hearing.key),
            asked: false,
            deaf: false,
            call: None,
            answer: None,
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
    fn link(&mut self, hearing: &Hearing, now: Time) {
        if self.call.is_some() {
            return;
        }
        let wishes = self.ask.wishes();
        let whole = self.asked && !self.deaf;
        let print = whole.then(|| self.ask.print(self.client_row as u64));
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
    fn tell_beginning(&mut self, hearing: &Hearing, begun: bool, must: bool) {
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
    fn tell(&self, hearing: &Hearing, at: Time, what: What, must: bool) -> bool {
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

    fn is_told(&self) -> bool {
        self.call.as_ref().is_some_and(|call| call.told)
    }

    pub(super) fn answered(
        &mut self,
        hearing: &Hearing,
        status: u16,
        headers: &HeaderMap,
        now: Time,
    ) {
        self.link(hearing, now);
        if self.answer.is_some() {
            return;
        }
        let Some(call) = &self.call else { return };
        let (model_row, told) = (call.model_row, call.told);
        let good = (200..300).contains(&status);
        let wishes = self.ask.wishes();
        let (mut body, deaf) = Body::new(status, headers, wishes.stream, &hearing.idle);
        if self.deaf {
            body.shut();
        }
        let (lane, reads) = {
            let mut books = hearing.books();
            let head = books.head(model_row, headers, wishes.fast, told || !good, now);
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
            token: false,
            progress: None,
        });
        if !reads {
            return;
        }
        if !told {
            self.tell_beginning(hearing, false, !good);
        }
        self.read_head(hearing, status, headers, now);
    }

    /// Reads a head in full and tells it.
    fn read_head(&mut self, hearing: &Hearing, status: u16, headers: &HeaderMap, now: Time) {
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
        if !answer.body.is_stream() || !self.call.as_ref().is_some_and(|call| call.told) {
            return;
        }
        let first = answer.body.has_token() && !std::mem::replace(&mut answer.token, true);
        let due = answer
            .progress
            .is_none_or(|at| seconds_between(at, now) >= PROGRESS_S);
        let most = self.ask.wishes().max_tokens;
        let usage = due.then(|| answer.body.usage(most)).flatten();
        if usage.is_some() {
            answer.progress = Some(now);
        }
        if first {
            let after_s = seconds_between(self.sent, now).max(0.0);
            self.tell(hearing, now, What::FirstToken { after_s }, false);
        }
        if let Some(usage) = usage {
            self.tell(hearing, now, What::Progress { usage }, false);
        }
    }

    /// It is over.
    pub(super) fn ended(&mut self, hearing: &Hearing, end: End, now: Time) {
        self.link(hearing, now);
        let most = self.ask.wishes().max_tokens;
        let (outcome, usage) = self.outcome(end, most);
        if let Some(answer) = &mut self.answer {
            answer.body.retire(&hearing.idle);
        }
        let Some(call) = &self.call else { return };
        let lane = self.answer.as_ref().and_then(|answer| answer.lane);
        let rows = (self.client_row, call.model_row);
        if let (Outcome::Complete { .. }, false) = (&outcome, call.told) {
            let bulk = {
                let mut books = hearing.books();
                books.end(rows, &Ending::Whole, usage);
                books.untold(call.model_row, lane, usage, now)
            };
            hearing.tell_bulk(bulk);
            return;
        }
        let outcome = scrub(outcome, &self.secrets);
        let verdict = self.judge(hearing, &outcome, now);
        let ending = ending(&outcome, verdict.as_ref());
        let result = match ending {
            Ending::Whole => CallResult::Ok,
            Ending::Cancelled => CallResult::Cancelled,
            _ => CallResult::Failed,
        };
        let failed = !matches!(ending, Ending::Whole | Ending::Cancelled);
        if failed && !call.told {
            self.tell_beginning(hearing, false, true);
        }
        if self.is_told() {
            let what = What::Finished {
                outcome: outcome.clone(),
                usage,
                duration_s: seconds_between(self.sent, now).max(0.0),
                verdict: verdict.map(Box::new),
            };
            self.tell(hearing, now, what, true);
        }
        let waits = self.waits(&outcome, result, now);
        let closes = waits.is_none();
        let forgotten = {
            let mut books = hearing.books();
            books.end(rows, &ending, usage);
            let forgotten = waits.and_then(|(print, failed)| books.waiting.add(print, failed));
            books.drops.links += u64::from(forgotten.is_some());
            forgotten
        };
        hearing.close(forgotten.as_slice());
        if closes && self.is_told() {
            self.tell(hearing, now, What::Closed { result }, true);
        }
    }

    /// How it ended, and the tokens that are known.
    fn outcome(&mut self, end: End, most: Option<u64>) -> (Outcome, Option<Usage>) {
        let Some(answer) = &mut self.answer else {
            let outcome = match end {
                End::Unreachable { kind, how } => Outcome::Unreachable { kind, how },
                End::UpstreamBroke(how) => Outcome::Unreachable {
                    kind: Unreachable::Broken,
                    how,
                },
                End::Whole => Outcome::Unreachable {
                    kind: Unreachable::Broken,
                    how: "the exchange ended without an answer".into(),
                },
                End::ClientGone => Outcome::Cancelled,
            };
            return (outcome, None);
        };
        let transfer = match end {
            End::Whole => Transfer::Whole,
            End::ClientGone => Transfer::Left,
            End::UpstreamBroke(how) | End::Unreachable { how, .. } => Transfer::Broken(how),
        };
        let reading = answer.reading.as_deref();
        let hint = reading.map_or_else(Hint::default, |reading| reading.hint);
        let outcome = answer.body.outcome(answer.status, hint, transfer);
        (outcome, answer.body.usage(most))
    }

    fn judge(&self, hearing: &Hearing, outcome: &Outcome, now: Time) -> Option<Verdict> {
        let call = self.call.as_ref()?;
        if matches!(outcome, Outcome::Complete { .. } | Outcome::Cancelled) {
            return None;
        }
        let known = hearing.known();
        let wishes = self.ask.wishes();
        let reading = self
            .answer
            .as_ref()
            .and_then(|answer| answer.reading.as_deref());
        let pool = known
            .groups
            .iter()
            .find(|group| group.models.contains(&call.model));
        let seen = reading.and_then(|reading| reading.workspace.as_ref());
        let context = Context {
            now,
            model: Some(&call.model),
            pool,
            workspace: seen.or(known.workspace.as_ref()),
            overrides: &known.overrides,
            reading,
            input_estimate: Some(wishes.input_estimate()),
            fast: wishes.fast,
        };
        judge(outcome, &context)
    }

    /// Under what the call waits for its client, if it may come back.
    fn waits(&self, outcome: &Outcome, result: CallResult, now: Time) -> Option<(u64, Failed)> {
        let call = self.call.as_ref()?;
        let hint = outcome.hint();
        let may = match outcome {
            Outcome::Complete { .. } => false,
            Outcome::Refused { status, .. } | Outcome::Foreign { status, .. } => {
                may_be_repeated(*status) || hint.should_retry == Some(true)
            }
            _ => true,
        };
        let print = call.print.filter(|_| may)?;
        let failed = Failed {
            call: call.id,
            attempt: call.attempt,
            count: self.count,
            ended: now,
            head: self.answer.as_ref().map_or(now, |answer| answer.at),
            asked_s: hint.asked_s(),
            result,
            client: call.client.clone(),
            model: call.model.clone(),
            owner: call.owner.clone(),
            told: call.told,
            fast: self.ask.wishes().fast,
        };
        Some((print, failed))
    }
}

fn count(drops: &mut crate::domain::traffic::Drops, deaf: Deaf) {
    match deaf {
        Deaf::Encoding => drops.encodings += 1,
        Deaf::Decoder => drops.decoders += 1,
        Deaf::Line => drops.lines += 1,
    }
}

/// For the rows. A refusal without a verdict does not exist.
fn ending(outcome: &Outcome, verdict: Option<&Verdict>) -> Ending {
    match outcome {
        Outcome::Complete { .. } => Ending::Whole,
        Outcome::Cancelled => Ending::Cancelled,
        Outcome::Refused { .. } | Outcome::Foreign { .. } => {
            Ending::Refused(verdict.map_or(Cause::Unknown, |verdict| verdict.cause))
        }
        Outcome::StreamError { .. } | Outcome::StreamCut { .. } | Outcome::StreamTruncated => {
            Ending::Broken
        }
        Outcome::Unreachable { .. } => Ending::Unreachable,
    }
}
