//! `/v1/messages/batches`: the same work as a batch, half price. Created, watched, cancelled, and its
//! results read line by line. Every request draws on the batch group's own requests per minute.
//!
//! To add one of these (an operation on a batch): a variant of `Ask`, and its method.

use super::{
    call::{Ear, Told},
    connection::Connection,
    error, messages,
};
use crate::{
    clock::Clock,
    domain::{
        batch::{self, Batch, MOST_BYTES, MOST_REQUESTS, Refused, Standing, Tally, result_usage},
        call::CallOrder,
        headers::{Reading, read},
        observation::{Observation, Source, What},
        org::GroupKind,
        outcome::{Outcome, Unreachable},
        retry::{Action, Ended},
        time::{after, seconds_between},
        usage::Usage,
        verdict::{Context, judge},
    },
    net::{
        body::{self, End},
        transport::{Request, Response},
    },
};
use bytes::Bytes;
use futures_util::StreamExt;
use http::Method;
use serde_json::value::RawValue;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

const PATH: &str = "/v1/messages/batches";
/// Bytes of a batch's description that are read.
const LONGEST: usize = 256 << 10;
/// Bytes of one line of results: a whole answer.
const LONGEST_LINE: usize = crate::domain::answer::LONGEST;

/// Works on one batch.
pub struct Batches<'a> {
    /// Where to.
    pub connection: Arc<Connection>,
    /// The time.
    pub clock: Clock,
    /// Who is told of each request: it counts to the batch group.
    pub ear: Arc<dyn Ear>,
    /// What each of its requests asks, and the policy after a refusal.
    pub order: &'a CallOrder,
    /// What is known of it.
    pub standing: Standing,
    /// Cancels it: at once where it waits, else after the answer that is under way.
    pub cancel: Heed,
}

/// A wish to cancel a batch that is heeded once.
pub struct Heed {
    /// Cancelled by whoever wants it.
    pub token: CancellationToken,
    /// Whether to leave it then; else it is watched to its end, and its results are read.
    pub leave: bool,
    done: bool,
}

impl Heed {
    /// Of that token.
    pub const fn new(token: CancellationToken, leave: bool) -> Self {
        Self {
            token,
            leave,
            done: false,
        }
    }

    /// Waits for the wish; for ever once it was heeded.
    async fn wished(&self) {
        if self.done {
            std::future::pending::<()>().await;
        }
        self.token.cancelled().await;
    }
}

/// Results that were read.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// What they come to.
    pub tally: Tally,
    /// The tokens of each answer.
    pub usages: Vec<Usage>,
}

enum Ask<'a> {
    Create(Bytes),
    State(&'a str),
    Cancel(&'a str),
    Results(&'a str),
}

impl Ask<'_> {
    fn request(&self, connection: &Connection) -> Result<Request, String> {
        let (method, target, body) = match self {
            Self::Create(body) => (Method::POST, PATH.to_owned(), body.clone()),
            Self::State(id) => (Method::GET, format!("{PATH}/{id}"), Bytes::new()),
            Self::Cancel(id) => (Method::POST, format!("{PATH}/{id}/cancel"), Bytes::new()),
            Self::Results(id) => (Method::GET, format!("{PATH}/{id}/results"), Bytes::new()),
        };
        // Results may be long, so that only a gap in them is too long.
        let mut request = connection.request(method, target, body, false)?;
        request.stream = matches!(self, Self::Results(_));
        Ok(request)
    }
}

/// Whether a batch of so many requests can be; one sentence where not.
pub fn fits(order: &CallOrder, requests: u32) -> Result<(), String> {
    described(order, requests).map(|_| ())
}

/// What each of its requests asks, where they fit.
fn described(order: &CallOrder, requests: u32) -> Result<String, String> {
    if !(1..=MOST_REQUESTS).contains(&requests) {
        return Err(format!("a batch has from 1 to {MOST_REQUESTS} requests"));
    }
    let params = messages::body(order, &[]).to_string();
    if params.len().saturating_mul(requests as usize) > MOST_BYTES {
        return Err(
            "a batch has at most 256 MB; make it fewer requests, or shorter ones".to_owned(),
        );
    }
    Ok(params)
}

/// The body that creates a batch of so many equal requests, named `call-1` and on.
pub fn body(order: &CallOrder, requests: u32) -> Result<Bytes, String> {
    let params = described(order, requests)?;
    let params = RawValue::from_string(params).map_err(|error| error.to_string())?;
    let mut all = Vec::with_capacity((params.get().len() + 40) * requests as usize + 20);
    all.extend_from_slice(b"{\"requests\":[");
    for n in 1..=requests {
        let comma = if n > 1 { "," } else { "" };
        let head = format!("{comma}{{\"custom_id\":\"call-{n}\",\"params\":");
        all.extend_from_slice(head.as_bytes());
        all.extend_from_slice(params.get().as_bytes());
        all.push(b'}');
    }
    all.extend_from_slice(b"]}");
    Ok(all.into())
}

impl Batches<'_> {
    /// Makes it of what [`body()`] wrote, watches it to its end and reads its results; what is known is
    /// told after each step. What became of it stands in `standing`.
    pub async fn work(
        &mut self,
        body: Bytes,
        dice: &mut fastrand::Rng,
        mut tell: impl FnMut(&Standing) + Send,
    ) -> Option<Results> {
        tell(&self.standing);
        match self.watched(body, dice, &mut tell).await {
            Ok(results) => results,
            Err(refused) => {
                self.standing.refused = Some(refused);
                None
            }
        }
    }

    async fn watched(
        &mut self,
        body: Bytes,
        dice: &mut fastrand::Rng,
        tell: &mut (impl FnMut(&Standing) + Send),
    ) -> Result<Option<Results>, Refused> {
        let mut batch = self.create(body, dice).await?;
        tracing::info!("batch {} was made", batch.id);
        let mut looks = 0;
        while !batch.is_over() {
            let pause_s = batch::look_again_s(looks);
            looks += 1;
            let id = batch.id.clone();
            self.standing.batch = Some(batch);
            self.standing.next_look = Some(after(self.clock.now(), pause_s));
            tell(&self.standing);
            let wished = tokio::select! {
                biased;
                () = self.cancel.wished() => true,
                () = tokio::time::sleep(Duration::from_secs_f64(pause_s)) => false,
            };
            self.standing.next_look = None;
            if !wished {
                batch = self.state(&id, dice).await?;
                continue;
            }
            (self.cancel.done, self.standing.cancelled, looks) = (true, true, 0);
            batch = match self.cancel(&id, dice).await {
                Ok(batch) => batch,
                // It may have ended in that moment.
                Err(refused) => self.state(&id, dice).await.map_err(|_| refused)?,
            };
            if self.cancel.leave {
                // What is under way ends by itself; its results can be had later by the batch's id.
                break;
            }
        }
        let id = batch.id.clone();
        let over = batch.is_over();
        self.standing.batch = Some(batch);
        tell(&self.standing);
        if !over {
            return Ok(None);
        }
        let results = self.results(&id, dice).await?;
        self.standing.results = Some(results.tally.clone());
        Ok(Some(results))
    }

    /// Submits it: what [`body()`] wrote.
    pub async fn create(
        &mut self,
        body: Bytes,
        dice: &mut fastrand::Rng,
    ) -> Result<Batch, Refused> {
        self.batch(&Ask::Create(body), dice).await
    }

    /// How it stands.
    pub async fn state(&mut self, id: &str, dice: &mut fastrand::Rng) -> Result<Batch, Refused> {
        self.batch(&Ask::State(id), dice).await
    }

    /// Ends it; what is under way goes on.
    pub async fn cancel(&mut self, id: &str, dice: &mut fastrand::Rng) -> Result<Batch, Refused> {
        self.batch(&Ask::Cancel(id), dice).await
    }

    /// What became of each of its requests.
    pub async fn results(
        &mut self,
        id: &str,
        dice: &mut fastrand::Rng,
    ) -> Result<Results, Refused> {
        let (response, reading) = self.answered(&Ask::Results(id), dice).await?;
        let mut results = Results::default();
        let mut body = response.body;
        let mut line = Vec::new();
        while let Some(chunk) = body.next().await {
            let chunk = match chunk {
                Ok(chunk) => chunk,
                Err(broken) => {
                    let how = self.connection.without_key(broken.how);
                    return Err(self.judged(Outcome::StreamCut { how }, Some(&reading)));
                }
            };
            for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
                line.extend_from_slice(piece);
                if line.len() > LONGEST_LINE {
                    let how = "a line of the results is longer than 16 MB".to_owned();
                    return Err(self.judged(Outcome::StreamCut { how }, Some(&reading)));
                }
                if piece.ends_with(b"\n") {
                    results.take(&line);
                    line.clear();
                }
            }
        }
        results.take(&line);
        Ok(results)
    }

    /// A batch, as an answer describes it.
    async fn batch(&mut self, ask: &Ask<'_>, dice: &mut fastrand::Rng) -> Result<Batch, Refused> {
        let (response, reading) = self.answered(ask, dice).await?;
        let (status, headers) = (response.status, response.headers);
        let (bytes, end) = body::read(response.body, LONGEST).await;
        if let End::Broken(broken) = end {
            let how = self.connection.without_key(broken.how);
            return Err(self.judged(unreachable(broken.kind, how), Some(&reading)));
        }
        Batch::read(&bytes).ok_or_else(|| {
            let bytes = self.connection.without_key_in(&bytes);
            let outcome = error::outcome(status, &headers, reading.hint, &bytes, &end);
            self.judged(outcome, Some(&reading))
        })
    }

    /// Sends it, and again as the policy decides; a head with a good status.
    async fn answered(
        &mut self,
        ask: &Ask<'_>,
        dice: &mut fastrand::Rng,
    ) -> Result<(Response, Reading), Refused> {
        let began = self.clock.now();
        let (mut attempts, mut last_wait_s) = (0, 0.0);
        loop {
            attempts += 1;
            let refused = match self.once(ask).await {
                Ok(answered) => return Ok(answered),
                Err(refused) => refused,
            };
            // Nobody knows whether a batch was made when no answer came: a second one would cost twice.
            let unsure = matches!(ask, Ask::Create(_)) && refused.outcome.status().is_none();
            let ended = Ended {
                attempts,
                allowed: self.order.attempts.max(1),
                elapsed_s: seconds_between(began, self.clock.now()),
                last_wait_s,
                outcome: &refused.outcome,
                verdict: refused.verdict.as_deref(),
                die: dice.f64(),
            };
            let decision = self.order.policy.decide(&ended);
            let decision = self.order.limits.bound(decision, &ended);
            if unsure || decision.action == Action::Stop {
                return Err(refused);
            }
            last_wait_s = decision.wait_s;
            let wait = Duration::try_from_secs_f64(decision.wait_s.max(0.0)).unwrap_or_default();
            tokio::select! {
                biased;
                // Nothing is there yet that could be cancelled.
                () = self.cancel.wished(), if matches!(ask, Ask::Create(_)) => {
                    self.standing.cancelled = true;
                    return Err(refused);
                }
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Sends it once, and tells what came.
    async fn once(&mut self, ask: &Ask<'_>) -> Result<(Response, Reading), Refused> {
        let answered = self.sent(ask).await;
        let (reading, status, verdict) = match &answered {
            Ok((response, reading)) => (Some(reading), Some(response.status), None),
            Err((refused, reading)) => (
                reading.as_ref(),
                refused.outcome.status(),
                refused.verdict.clone(),
            ),
        };
        let seen = Observation {
            at: self.clock.now(),
            source: Source::Call,
            call: None,
            attempt: None,
            client: Some(self.order.client.clone()),
            organization: reading.and_then(|it| it.organization.clone()),
            workspace: reading.and_then(|it| it.workspace.clone()),
            model: None,
            fast: false,
            what: What::Aside {
                group: GroupKind::Batch,
                status,
                verdict,
            },
        };
        self.ear.hear(Told::Seen(Box::new(seen))).await;
        answered.map_err(|(refused, _)| refused)
    }

    async fn sent(
        &mut self,
        ask: &Ask<'_>,
    ) -> Result<(Response, Reading), (Refused, Option<Reading>)> {
        let request = ask.request(&self.connection).map_err(|how| {
            let outcome = unreachable(Unreachable::Broken, how);
            (self.judged(outcome, None), None)
        })?;
        self.standing.made += 1;
        let response = match self.connection.transport.send(request).await {
            Ok(response) => response,
            Err(broken) => {
                let how = self.connection.without_key(broken.how);
                return Err((self.judged(unreachable(broken.kind, how), None), None));
            }
        };
        let headers = self.connection.without_key_in_headers(&response.headers);
        let lines = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()));
        let reading = read(lines, self.clock.now());
        if (200..300).contains(&response.status) {
            return Ok((response, reading));
        }
        self.standing.limited += u64::from(response.status == 429);
        let (bytes, end) = body::read(response.body, LONGEST).await;
        let bytes = self.connection.without_key_in(&bytes);
        let outcome = error::outcome(response.status, &headers, reading.hint, &bytes, &end);
        Err((self.judged(outcome, Some(&reading)), Some(reading)))
    }

    fn judged(&self, outcome: Outcome, reading: Option<&Reading>) -> Refused {
        let context = Context {
            model: Some(&self.order.model),
            pool: self.standing.pool.as_ref(),
            reading,
            ..Context::at(self.clock.now())
        };
        let verdict = judge(&outcome, &context).map(Box::new);
        Refused { outcome, verdict }
    }
}

impl Results {
    fn take(&mut self, line: &[u8]) {
        self.tally.take(line);
        self.usages.extend(result_usage(line));
    }
}

fn unreachable(kind: Unreachable, how: String) -> Outcome {
    Outcome::Unreachable { kind, how }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::messages::tests::order;
    use serde_json::{Value, json};

    // Batch-processing page: `custom_id` and `params`; no stream in a batch.
    #[test]
    fn a_batch_asks_what_the_calls_would_and_does_not_stream() {
        let order = order(true);
        let body: Value = serde_json::from_slice(&body(&order, 3).unwrap()).unwrap();
        let requests = body["requests"].as_array().unwrap();
        assert_eq!(requests.len(), 3);
        assert_eq!(requests[2]["custom_id"], "call-3");
        assert_eq!(
            requests[2]["params"],
            json!({"model": "claude-opus-5-5", "max_tokens": 256,
                   "messages": [{"role": "user", "content": "Say hello."}]})
        );
    }

    #[test]
    fn more_than_a_batch_holds_is_refused() {
        let mut order = order(false);
        assert!(body(&order, 0).is_err() && body(&order, MOST_REQUESTS + 1).is_err());
        order.prompt = "x".repeat(1 << 20);
        assert!(body(&order, 300).unwrap_err().contains("256 MB"));
    }
}
