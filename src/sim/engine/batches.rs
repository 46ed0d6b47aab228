//! Message batches. What a batch is at a moment follows from when it was created, cancelled, and how
//! long the world lets it take; nothing runs in between. Batches draw from their own group alone: its
//! requests per minute, and its queue, in which a request counts until it is done.

use super::{Engine, models};
use crate::{
    domain::{
        limit::Dimension,
        number::thousands,
        time::{Time, after, seconds_between},
        usage::Usage,
    },
    sim::{
        dice::Dice,
        speak::{
            batch::{BatchAsk, Item},
            refusal::Refusal,
            reply::{Ending, Reply, Stop},
        },
    },
};
use bytes::Bytes;
use chrono::SecondsFormat;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Batches that are remembered; the oldest go first.
const KEPT: usize = 64;
/// A batch that is not done by then expires (batch-processing page, "Batch limitations").
const EXPIRES_S: f64 = 86_400.0;
/// How long what is under way at a cancellation still takes.
const CANCELS_S: f64 = 10.0;

/// One batch.
#[derive(Debug)]
pub(super) struct Batch {
    id: String,
    ordinal: u64,
    created: Time,
    /// When its last request would be done, and when it expires; both by the world's clock for batches.
    done: Time,
    expires: Time,
    cancelled: Option<Time>,
    /// Seconds of the cancellation itself.
    cancels_s: f64,
    items: Vec<Item>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Done,
    Cancelled,
    Expired,
}

impl Batch {
    /// When request `n` is done if nothing intervenes: one after the other, evenly.
    fn due(&self, n: usize) -> Time {
        let share = (n + 1) as f64 / self.items.len() as f64;
        after(
            self.created,
            seconds_between(self.created, self.done) * share,
        )
    }

    /// When processing ends.
    fn ended(&self) -> Time {
        let end = self.done.min(self.expires);
        match self.cancelled {
            Some(at) => end.min(after(at, self.cancels_s)),
            None => end,
        }
    }

    /// How request `n` ends.
    fn end(&self, n: usize) -> End {
        let due = self.due(n);
        match self.cancelled {
            _ if due > self.expires => End::Expired,
            Some(at) if due > at => End::Cancelled,
            _ => End::Done,
        }
    }

    /// Requests that wait in the queue.
    fn queued(&self, now: Time) -> usize {
        if now >= self.ended() {
            return 0;
        }
        (0..self.items.len())
            .rev()
            .take_while(|n| self.due(*n) > now)
            .count()
    }
}

impl Engine {
    /// Answers `/v1/messages/batches…`; `host` is that of the request. JSON, or lines of it.
    pub(super) fn batches(
        &mut self,
        host: &str,
        ask: BatchAsk,
        now: Time,
    ) -> Result<Bytes, Refusal> {
        self.count_request("batch", now)?;
        let json = |value: Value| Bytes::from(value.to_string());
        match ask {
            BatchAsk::Create(items) => {
                let items = items?;
                self.batch_queue(items.len(), now)?;
                let at = self.create_batch(items, now);
                Ok(json(self.batch(at, host, now)))
            }
            BatchAsk::List(query) => {
                let newest_first = (0..self.batches.len()).rev();
                let all = newest_first.map(|at| self.batch(at, host, now)).collect();
                models::page(all, &query).map(json)
            }
            BatchAsk::Retrieve(id) => Ok(json(self.batch(self.find(&id)?, host, now))),
            BatchAsk::Cancel(id) => {
                let at = self.find(&id)?;
                let batch = &mut self.batches[at];
                if now >= batch.ended() {
                    return Err(Refusal::invalid(format!(
                        "Batch {id} has ended and cannot be canceled"
                    )));
                }
                batch.cancelled.get_or_insert(now);
                Ok(json(self.batch(at, host, now)))
            }
            BatchAsk::Results(id) => {
                let at = self.find(&id)?;
                if now < self.batches[at].ended() {
                    return Err(Refusal::invalid(format!(
                        "Batch {id} has no results before it has ended"
                    )));
                }
                Ok(self.results(at))
            }
            BatchAsk::Delete(id) => {
                let at = self.find(&id)?;
                if now < self.batches[at].ended() {
                    return Err(Refusal::invalid(format!(
                        "Batch {id} is in progress: cancel it before it is deleted"
                    )));
                }
                self.batches.remove(at);
                Ok(json(json!({ "id": id, "type": "message_batch_deleted" })))
            }
        }
    }

    /// Whether that many more fit the queue. How the API refuses them is not established.
    fn batch_queue(&mut self, more: usize, now: Time) -> Result<(), Refusal> {
        let world = std::sync::Arc::clone(&self.world);
        self.gates.spend(&world, now)?;
        let mut pools = self.world.pools.iter().zip(&self.pools);
        let limit = pools
            .find(|(spec, _)| spec.kind == "batch")
            .and_then(|(_, pool)| {
                let mut limits = pool.limits.iter();
                limits.find(|limit| limit.dimension == Dimension::Queue)
            });
        let queued: usize = self.batches.iter().map(|batch| batch.queued(now)).sum();
        match limit {
            Some(limit) if (queued + more) as u64 > limit.value => Err(Refusal {
                levels: false,
                ..Refusal::limited(
                    format!(
                        "This request would exceed your organization's limit of {} enqueued batch requests \
                         (org: {}). {} are enqueued; try again when some of them are processed.",
                        thousands(limit.value),
                        self.world.organization.id,
                        thousands(queued as u64)
                    ),
                    None,
                )
            }),
            _ => Ok(()),
        }
    }

    fn create_batch(&mut self, items: Vec<Item>, now: Time) -> usize {
        if self.batches.len() >= KEPT {
            self.batches.remove(0);
        }
        self.batches_made += 1;
        let ordinal = self.batches_made;
        let mut dice = Dice::new(self.seed, ordinal, 31);
        let mut id = String::from("msgbatch_01");
        dice.letters(22, &mut id);
        let rules = &self.world.batches;
        let clock = rules.clock;
        self.batches.push(Batch {
            id,
            ordinal,
            created: now,
            done: after(now, dice.between(rules.takes_s) / clock),
            expires: after(now, EXPIRES_S / clock),
            cancelled: None,
            cancels_s: CANCELS_S / clock,
            items,
        });
        self.batches.len() - 1
    }

    fn find(&self, id: &str) -> Result<usize, Refusal> {
        let found = self.batches.iter().position(|batch| batch.id == id);
        found.ok_or_else(|| Refusal::not_found(format!("batch: {id}")))
    }

    /// The batch as the API shows it. Counts stay at `processing` until all of it has ended.
    fn batch(&self, at: usize, host: &str, now: Time) -> Value {
        let batch = &self.batches[at];
        let ended = now >= batch.ended();
        let mut counts = [0_usize; 5];
        for (n, item) in batch.items.iter().enumerate() {
            let which = match (ended, batch.end(n)) {
                (false, _) => 0,
                (true, End::Done) if self.fails(batch, n, item).is_some() => 2,
                (true, End::Done) => 1,
                (true, End::Cancelled) => 3,
                (true, End::Expired) => 4,
            };
            counts[which] += 1;
        }
        let [processing, succeeded, errored, canceled, expired] = counts;
        let time = |at: Time| at.to_rfc3339_opts(SecondsFormat::Micros, true);
        json!({
            "id": batch.id,
            "type": "message_batch",
            "processing_status": match (ended, batch.cancelled) {
                (true, _) => "ended",
                (false, Some(_)) => "canceling",
                (false, None) => "in_progress",
            },
            "request_counts": {
                "processing": processing, "succeeded": succeeded, "errored": errored,
                "canceled": canceled, "expired": expired,
            },
            "created_at": time(batch.created),
            "expires_at": time(batch.expires),
            "ended_at": ended.then(|| time(batch.ended())),
            "cancel_initiated_at": batch.cancelled.map(time),
            "archived_at": null,
            "results_url": ended.then(|| format!("http://{host}/v1/messages/batches/{}/results", batch.id)),
        })
    }

    /// Why a request that was processed failed, if it did.
    fn fails(&self, batch: &Batch, n: usize, item: &Item) -> Option<Refusal> {
        let ask = match &item.ask {
            Ok(ask) => ask,
            Err(refusal) => return Some(refusal.clone()),
        };
        if !self.by_model.contains_key(ask.model.as_str()) {
            return Some(Refusal::not_found(format!("model: {}", ask.model)));
        }
        let die = item_dice(self.seed, batch, n, 32).share();
        (die < self.world.batches.errored)
            .then(|| Refusal::new(500, "api_error", "Internal server error"))
    }

    /// One line for each request. The last comes first: results need not keep the order of requests.
    fn results(&self, at: usize) -> Bytes {
        let batch = &self.batches[at];
        let mut lines = String::new();
        for (n, item) in batch.items.iter().enumerate().rev() {
            let result = match batch.end(n) {
                End::Cancelled => json!({ "type": "canceled" }),
                End::Expired => json!({ "type": "expired" }),
                End::Done => match self.fails(batch, n, item) {
                    Some(refusal) => {
                        let error: Value =
                            serde_json::from_slice(&refusal.body("")).unwrap_or_default();
                        json!({ "type": "errored", "error": {
                            "type": "error", "error": error["error"], "request_id": null,
                        } })
                    }
                    None => json!({ "type": "succeeded", "message": self.message(batch, n, item) }),
                },
            };
            let line = json!({ "custom_id": item.custom_id, "result": result });
            let _ = writeln!(lines, "{line}");
        }
        lines.into()
    }

    /// The answer of a request, the same however often it is read.
    fn message(&self, batch: &Batch, n: usize, item: &Item) -> Value {
        let Ok(ask) = &item.ask else {
            return Value::Null;
        };
        let mut dice = item_dice(self.seed, batch, n, 33);
        let natural = dice.between(self.world.answers.tokens).round().max(1.0) as u64;
        let output = natural.min(ask.max_tokens);
        let mut id = String::from("msg_01");
        dice.letters(22, &mut id);
        let reply = Reply {
            id,
            model: ask.model.clone(),
            usage: Usage {
                input_tokens: ask.input_tokens,
                output_tokens: output,
                ..Usage::default()
            },
            one_hour: false,
            fast: false,
            priority: false,
            thinking: false,
            stop: if natural > ask.max_tokens {
                Stop::MaxTokens
            } else {
                Stop::EndTurn
            },
            ending: Ending::Normal,
            dice: item_dice(self.seed, batch, n, 34),
            tokens_per_s: 0.0,
        };
        let mut message: Value = serde_json::from_slice(&reply.whole()).unwrap_or_default();
        message["usage"]["service_tier"] = "batch".into();
        message
    }
}

fn item_dice(seed: u64, batch: &Batch, n: usize, purpose: u64) -> Dice {
    Dice::new(seed, (batch.ordinal << 24) + n as u64, purpose)
}
