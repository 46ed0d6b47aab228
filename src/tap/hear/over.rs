//! The end of an exchange: what came of it, whether its call goes on, and what is counted.

use super::{
    End, Hearing,
    body::Transfer,
    books::{Ending, Timed},
    scrub::scrub,
    state::State,
    waiting::{Failed, may_be_repeated},
};
use crate::domain::{
    headers::Hint,
    observation::{CallResult, What},
    outcome::{Outcome, Unreachable},
    time::{Time, seconds_between},
    usage::Usage,
    verdict::{Cause, Context, Verdict, judge},
};

impl State {
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
        let timed = self.timed();
        if let (Outcome::Complete { .. }, false) = (&outcome, call.told) {
            let bulk = {
                let mut books = hearing.books();
                books.end(rows, &Ending::Whole, usage, timed);
                books.untold(call.model_row, lane, usage, now)
            };
            self.counted = true;
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
        let waits = self.waits(&outcome, result, call.told || failed, now);
        let closes = waits.is_none();
        // Before anything is told: its client may be back at once.
        let forgotten = {
            let mut books = hearing.books();
            books.end(rows, &ending, usage, timed);
            let forgotten = waits.and_then(|(print, failed)| books.waiting.add(print, failed));
            books.drops.links += u64::from(forgotten.is_some());
            forgotten
        };
        self.counted = true;
        if failed && !self.is_told() {
            self.tell_beginning(hearing, false, true);
        }
        hearing.close(forgotten.as_slice());
        if self.is_told() {
            let what = What::Finished {
                outcome,
                usage,
                duration_s: seconds_between(self.sent, now).max(0.0),
                verdict: verdict.map(Box::new),
            };
            self.tell(hearing, now, what, true);
            if closes {
                self.tell(hearing, now, What::Closed { result }, true);
            }
        }
    }

    /// Reading its end failed: it is counted as given up, so that nothing stays open for ever.
    pub(super) fn abandon(&mut self, hearing: &Hearing) {
        if let Some(call) = self.call.as_ref().filter(|_| !self.counted) {
            let rows = (self.client_row, call.model_row);
            self.counted = true;
            hearing
                .books()
                .end(rows, &Ending::Cancelled, None, self.timed());
        }
    }

    fn timed(&self) -> Option<Timed> {
        let answer = self.answer.as_ref()?;
        Some(Timed {
            status: answer.status,
            first_byte_s: seconds_between(self.sent, answer.at),
            first_token_s: answer.first_token_s,
        })
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
    fn waits(
        &self,
        outcome: &Outcome,
        result: CallResult,
        told: bool,
        now: Time,
    ) -> Option<(u64, Failed)> {
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
            told,
            fast: self.ask.wishes().fast,
        };
        Some((print, failed))
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
