//! The simulated API as a pure state machine: a request and an instant in, an answer out.
//!
//! For a seed, ids, texts, token counts and faults depend on the ordinal of the call; levels depend
//! on time as well. To add a limit that is no bucket: a check in `gates`, a setting in `scenario::Rules`.

mod admin;
mod admit;
mod batches;
mod gates;
mod heads;
mod models;
mod overrides;
mod pool;
mod say;
mod take;
#[cfg(test)]
mod tests;
mod unseen;
mod usage;

pub use take::Take;

use super::{
    dice::Dice,
    scenario::{Client, Scenario},
    speak::{
        ask::{Ask, Key, Route, Version},
        batch::BatchAsk,
        refusal::Refusal,
        reply::Reply,
    },
};
use crate::domain::{
    limit::Dimension,
    time::{Time, seconds_between},
};
use bytes::Bytes;
use gates::Gates;
use http::{HeaderMap, HeaderValue};
use pool::{FlowId, Limit, Pool};
use std::{collections::HashMap, sync::Arc};
use take::Lane;
use unseen::Unseen;

/// An answer that is known at once.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// All but what the server adds itself.
    pub headers: HeaderMap,
    /// JSON, or empty.
    pub body: Bytes,
    /// Seconds until it is sent.
    pub wait_s: f64,
}

/// A call that was admitted. Its ticket must be given back with [`Engine::end`] however it ends.
#[derive(Debug)]
pub struct Admitted {
    /// For the engine.
    pub ticket: Ticket,
    /// Seconds until the head is sent; ask [`Engine::head`] for it then.
    pub wait_s: f64,
    /// What it says.
    pub reply: Reply,
    /// Whether it says it event by event.
    pub stream: bool,
}

/// Names an admitted call.
#[derive(Debug)]
pub struct Ticket {
    pool: usize,
    flow: FlowId,
    lane: Lane,
    head: HeaderMap,
    /// Output tokens to add to the level shown, where own output is not in it.
    own_output: f64,
    levels_done: bool,
    model: Arc<str>,
    input: Take,
    cached: (u64, u64, u64),
    over_at: Option<u64>,
}

/// What became of a request.
#[derive(Debug)]
pub enum Answered {
    /// An answer that is known at once.
    Now(Answer),
    /// An answer of the model, which takes its time.
    Call(Box<Admitted>),
}

/// What an engine keeps, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Answers that run.
    pub flows: usize,
    /// Steps of buckets that are still to come.
    pub steps: usize,
    /// Prompts in the simulated cache.
    pub cached: usize,
    /// Minutes of usage.
    pub minutes: usize,
    /// Calls that were admitted and have not ended.
    pub in_flight: u32,
}

/// The simulated API.
#[derive(Debug)]
pub struct Engine {
    world: Arc<Scenario>,
    seed: u64,
    start: Time,
    pools: Vec<Pool>,
    by_model: HashMap<Arc<str>, usize>,
    gates: Gates,
    cache: HashMap<u64, (u64, Time)>,
    usage: usage::Log,
    batches: Vec<batches::Batch>,
    batches_made: u64,
    calls: u64,
    others: u64,
    organization: HeaderValue,
    workspace: Option<HeaderValue>,
    date: (i64, HeaderValue),
    last_settled: Time,
    /// Whose levels a refusal shows.
    refused_pool: Option<(usize, Lane)>,
}

impl Engine {
    /// A world that begins at `start`.
    pub fn new(world: Scenario, seed: u64, start: Time) -> Self {
        let mut by_model = HashMap::new();
        let mut pools = Vec::new();
        for (n, spec) in world.pools.iter().enumerate() {
            for model in &spec.models {
                by_model.insert(Arc::from(model.as_str()), n);
            }
            let share = |limiter: &String| spec.start.get(limiter).copied().unwrap_or(1.0);
            let mut limits: Vec<Limit> = spec
                .limits
                .iter()
                .map(|(limiter, value)| Limit::new(limiter, *value, false, share(limiter), start))
                .collect();
            let own = world
                .workspaces
                .iter()
                .find(|workspace| Some(&workspace.id) == world.workspace.as_ref())
                .and_then(|workspace| workspace.limits.get(&spec.name));
            limits.extend(
                own.into_iter()
                    .flatten()
                    .map(|(limiter, value)| Limit::new(limiter, *value, true, 1.0, start)),
            );
            limits.sort_by_key(|limit| (limit.workspace, limit.family, limit.dimension));
            let unseen: Vec<Unseen> = world
                .unseen
                .iter()
                .enumerate()
                .filter(|(_, client)| spec.models.contains(&client.model))
                .map(|(n, client): (usize, &Client)| {
                    Unseen::new(client.clone(), seed, n as u64, start)
                })
                .collect();
            pools.push(Pool::new(limits, world.rules.burst_window_s, unseen, start));
        }
        let value =
            |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("?"));
        Self {
            organization: value(&world.organization.id),
            workspace: world.workspace.as_deref().map(value),
            gates: Gates::new(&world, start),
            usage: usage::Log::new(start),
            batches: Vec::new(),
            batches_made: 0,
            world: Arc::new(world),
            seed,
            start,
            pools,
            by_model,
            cache: HashMap::new(),
            calls: 0,
            others: 0,
            date: (i64::MIN, HeaderValue::from_static("")),
            last_settled: start,
            refused_pool: None,
        }
    }

    /// The world that is simulated.
    pub fn world(&self) -> &Scenario {
        &self.world
    }

    /// Answers a request that arrived at `now`.
    pub fn answer(&mut self, ask: Ask, now: Time) -> Answered {
        self.refused_pool = None;
        let messages = matches!(ask.route, Route::Messages(_));
        if messages {
            self.calls += 1;
        } else {
            self.others += 1;
        }
        let lines = matches!(ask.route, Route::Batches(_, BatchAsk::Results(_)));
        let result = self.admission(&ask).and_then(|()| match ask.route {
            Route::Messages(body) => body.and_then(|body| self.admit(body, now)),
            route => self
                .look_up(route, ask.version, now)
                .map(|(body, workspace)| {
                    let mut headers = self.head_of(self.others, 21, workspace, now);
                    headers.insert("content-type", if lines { JSON_LINES } else { JSON });
                    Answered::Now(Answer {
                        status: 200,
                        headers,
                        body,
                        wait_s: 0.0,
                    })
                }),
        });
        result.unwrap_or_else(|refusal| {
            let model_known = messages && refusal.status != 401 && refusal.status != 403;
            Answered::Now(self.refuse(refusal, messages, model_known, now))
        })
    }

    fn look_up(
        &mut self,
        route: Route,
        version: Version,
        now: Time,
    ) -> Result<(Bytes, bool), Refusal> {
        let json = |value: serde_json::Value| Bytes::from(value.to_string());
        match route {
            Route::Refused(refusal) => Err(refusal),
            Route::Messages(_) | Route::Alive => Ok((Bytes::new(), false)),
            Route::Simulator => Ok((Bytes::from_static(SIMULATOR.as_bytes()), false)),
            Route::CountTokens(body) => self
                .count_tokens(&body?, now)
                .map(|value| (json(value), true)),
            Route::Batches(host, ask) => self.batches(&host, ask, now).map(|body| (body, true)),
            Route::Models(query) => {
                models::list(&self.world, &query, now).map(|value| (json(value), true))
            }
            Route::Model(id) => models::get(&self.world, &id, now).map(|value| (json(value), true)),
            Route::Me => Ok((json(admin::me(&self.world)), false)),
            Route::RateLimits(query) => {
                admin::rate_limits(&self.world, &query, version).map(|value| (json(value), false))
            }
            Route::Workspaces(query) => {
                admin::workspaces(&self.world, &query).map(|value| (json(value), false))
            }
            Route::Workspace(id) => {
                admin::workspace(&self.world, &id).map(|value| (json(value), false))
            }
            Route::WorkspaceRateLimits(id, query) => {
                admin::workspace_rate_limits(&self.world, &id, &query, version)
                    .map(|value| (json(value), false))
            }
            Route::SetRateLimits(id, entry, changes) => self
                .set_overrides(&id, &entry, &changes?, version, now)
                .map(|value| (json(value), false)),
            Route::Usage(query) => {
                self.settle_all(now);
                self.usage
                    .report(&self.world, &query, now)
                    .map(|value| (json(value), false))
            }
        }
    }

    /// Key and version, before anything else is looked at.
    fn admission(&self, ask: &Ask) -> Result<(), Refusal> {
        let admin = match ask.route {
            Route::Alive | Route::Simulator | Route::Refused(_) => return Ok(()),
            Route::Messages(_)
            | Route::CountTokens(_)
            | Route::Batches(..)
            | Route::Models(_)
            | Route::Model(_) => false,
            _ => true,
        };
        let any = self.world.rules.any_key;
        let refuse = |message: &str| Err(Refusal::new(401, "authentication_error", message));
        match ask.key {
            Key::Missing if !any => return refuse("x-api-key header is required"),
            Key::Unknown if !any => return refuse("invalid x-api-key"),
            Key::Admin if !admin => return refuse("invalid x-api-key"),
            Key::Api if admin && !self.world.rules.api_key_reads_limits => {
                return Err(Refusal::new(
                    403,
                    "permission_error",
                    "This endpoint requires an Admin API key or an organization-level credential",
                )
                .code("organization_level_scoped_api_key_required"));
            }
            _ => {}
        }
        match ask.version {
            Version::Missing => Err(Refusal::invalid("anthropic-version: header is required")),
            Version::Unknown => Err(Refusal::invalid(
                "anthropic-version: not a valid version; known are 2023-06-01 and 2026-10-21",
            )),
            Version::Y2023 | Version::Y2026 => Ok(()),
        }
    }

    fn settle_pool(&mut self, n: usize, now: Time) {
        let usage = &mut self.usage;
        if let Some(pool) = self.pools.get_mut(n) {
            pool.settle(now, self.start, &mut |at, model, take| {
                let tokens = (take.uncached, 0.0, 0.0, 0.0, take.output);
                usage.add(at, usage::Whose::standard(model), tokens);
            });
        }
    }

    fn settle_all(&mut self, now: Time) {
        for n in 0..self.pools.len() {
            self.settle_pool(n, now);
        }
        self.last_settled = now;
    }

    /// The true level of a bucket of the pool that serves `model`; negative is debt.
    pub fn level(&mut self, model: &str, limiter: &str, now: Time) -> Option<f64> {
        let n = *self.by_model.get(model)?;
        self.settle_pool(n, now);
        let limit = self.pools[n]
            .limits
            .iter()
            .find(|limit| limit.limiter.as_str() == limiter && !limit.workspace)?;
        limit.bucket.as_ref().map(|bucket| bucket.level(now))
    }

    /// What unseen clients would draw a minute from that pool if nothing refused them.
    pub fn hidden_rate(&self, model: &str, limiter: &str, now: Time) -> Option<f64> {
        let pool = self.pools.get(*self.by_model.get(model)?)?;
        let at_s = seconds_between(self.start, now);
        Some(
            pool.unseen
                .iter()
                .map(|unseen| share(limiter, &unseen.per_minute(at_s)))
                .sum(),
        )
    }

    /// What unseen clients have drawn from that pool since the start (less what was skipped while
    /// nobody asked for minutes).
    pub fn hidden_drawn(&mut self, model: &str, limiter: &str, now: Time) -> Option<f64> {
        let n = *self.by_model.get(model)?;
        self.settle_pool(n, now);
        Some(
            self.pools[n]
                .unseen
                .iter()
                .map(|unseen| share(limiter, &unseen.drawn()))
                .sum(),
        )
    }

    /// Running answers, steps to come, cache entries and minutes of usage: all that could pile up.
    pub fn kept(&self) -> Kept {
        Kept {
            flows: self.pools.iter().map(Pool::flows).sum(),
            steps: self.pools.iter().map(Pool::steps).sum(),
            cached: self.cache.len(),
            minutes: self.usage.minutes(),
            in_flight: self.gates.in_flight(),
        }
    }

    fn dice(&self, purpose: u64) -> Dice {
        Dice::new(self.seed, self.calls, purpose)
    }
}

fn share(limiter: &str, take: &Take) -> f64 {
    match crate::domain::id::Limiter::from(limiter).dimension() {
        Dimension::Rpm => take.requests,
        Dimension::Itpm => take.uncached,
        Dimension::ItpmAll => take.all_input,
        Dimension::Otpm => take.output,
        Dimension::Combined | Dimension::Tpd => take.uncached + take.output,
        _ => 0.0,
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const JSON_LINES: HeaderValue = HeaderValue::from_static("application/x-jsonl");

/// What makes an address free of charge, and nothing else does.
pub const SIMULATOR: &str = concat!(
    r#"{"schema":"ratetop.simulator/1","program":"ratetop","what":"simulator","version":""#,
    env!("CARGO_PKG_VERSION"),
    r#""}"#
);
