//! `/v1/messages/batches`: the same work as a batch, half price. Created, watched, cancelled, and its
//! results read line by line. Every request draws on the batch group's own requests per minute.
//!
//! To add one of these (an operation on a batch): a variant of `Ask`, and its method.

use super::{connection::Connection, error, messages};
use crate::{
    clock::Clock,
    domain::{
        batch::{Batch, MOST_BYTES, MOST_REQUESTS, Tally, result_usage},
        call::CallOrder,
        headers::{Reading, read},
        org::Group,
        outcome::{Outcome, Unreachable},
        retry::{Action, Ended},
        time::seconds_between,
        usage::Usage,
        verdict::{Context, Verdict, judge},
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
    /// What each of its requests asks, and the policy after a refusal.
    pub order: &'a CallOrder,
    /// The batch group with its limits, where it is known.
    pub pool: Option<Group>,
    /// Requests that were made.
    pub made: u64,
    /// Of these, refused with 429.
    pub limited: u64,
}

/// Why something could not be had.
#[derive(Clone, Debug)]
pub struct Refused {
    /// What came instead.
    pub outcome: Outcome,
    /// What that was.
    pub verdict: Option<Box<Verdict>>,
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

/// The body that creates a batch of so many equal requests, named `call-1` and on.
pub fn body(order: &CallOrder, requests: u32) -> Result<Bytes, String> {
    if !(1..=MOST_REQUESTS).contains(&requests) {
        return Err(format!("a batch has from 1 to {MOST_REQUESTS} requests"));
    }
    let params = messages::body(order, &[]).to_string();
    if params.len().saturating_mul(requests as usize) > MOST_BYTES {
        return Err(
            "a batch has at most 256 MB; make it fewer requests, or shorter ones".to_owned(),
        );
    }
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
            tokio::time::sleep(wait).await;
        }
    }

    async fn once(&mut self, ask: &Ask<'_>) -> Result<(Response, Reading), Refused> {
        let request = ask
            .request(&self.connection)
            .map_err(|how| self.judged(unreachable(Unreachable::Broken, how), None))?;
        self.made += 1;
        let response = match self.connection.transport.send(request).await {
            Ok(response) => response,
            Err(broken) => {
                let how = self.connection.without_key(broken.how);
                return Err(self.judged(unreachable(broken.kind, how), None));
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
        self.limited += u64::from(response.status == 429);
        let (bytes, end) = body::read(response.body, LONGEST).await;
        let bytes = self.connection.without_key_in(&bytes);
        let outcome = error::outcome(response.status, &headers, reading.hint, &bytes, &end);
        Err(self.judged(outcome, Some(&reading)))
    }

    fn judged(&self, outcome: Outcome, reading: Option<&Reading>) -> Refused {
        let context = Context {
            model: Some(&self.order.model),
            pool: self.pool.as_ref(),
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
