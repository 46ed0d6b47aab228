//! Requests about a batch: each is sent again as the policy decides, is told to whoever counts them, and
//! is judged where it is refused.

use super::Batches;
use crate::{
    api::{call::Told, connection::Connection, error},
    domain::{
        batch::{Batch, Refused, Tally, result_usage},
        headers::{Reading, read},
        observation::{Observation, Source, What},
        org::GroupKind,
        outcome::{Outcome, Unreachable},
        retry::{Action, Ended},
        time::seconds_between,
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
use std::time::Duration;

const PATH: &str = "/v1/messages/batches";
/// Bytes of a batch's description that are read.
const LONGEST: usize = 256 << 10;
/// Bytes of one line of results: a whole answer.
const LONGEST_LINE: usize = crate::domain::answer::LONGEST;

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

/// Results that were read.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// What they come to.
    pub tally: Tally,
    /// The tokens of each answer.
    pub usages: Vec<Usage>,
}

impl Results {
    fn take(&mut self, line: &[u8]) {
        self.tally.take(line);
        self.usages.extend(result_usage(line));
    }
}

impl Batches<'_> {
    /// Submits it: what [`super::body()`] wrote.
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

fn unreachable(kind: Unreachable, how: String) -> Outcome {
    Outcome::Unreachable { kind, how }
}
