//! Admitting a call to `/v1/messages`: what refuses it, what it is charged, what it will say.

use super::{
    Admitted, Answered, Engine, Ticket, gates,
    pool::Short,
    take::{Lane, Take},
};
use crate::{
    domain::{
        cache,
        limit::{Dimension, Family},
        number::thousands,
        time::{Time, after, seconds_between},
        usage::Usage,
    },
    sim::{
        dice::Dice,
        scenario::{AsOf, Fault, FaultKind},
        speak::{
            message::{CacheAsk, MessagesAsk},
            refusal::Refusal,
            reply::Reply,
        },
    },
};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

/// Bound of the simulated cache.
const CACHE_ENTRIES: usize = 4096;

impl Engine {
    pub(super) fn admit(&mut self, ask: MessagesAsk, now: Time) -> Result<Answered, Refusal> {
        let world = Arc::clone(&self.world);
        let Some((model, &n)) = self.by_model.get_key_value(ask.model.as_str()) else {
            return Err(Refusal::not_found(format!("model: {}", ask.model)));
        };
        let model = Arc::clone(model);
        if seconds_between(self.last_settled, now) > 30.0 {
            self.settle_all(now);
        }
        self.settle_pool(n, now);
        let has = |family| {
            let mut limits = self.pools[n].limits.iter();
            limits.any(|limit| limit.family == family)
        };
        let fast = ask.fast && has(Family::Fast);
        let mut lane = if fast {
            Lane::Fast
        } else if has(Family::Priority) && !ask.standard_only {
            Lane::Priority
        } else {
            Lane::Standard
        };
        self.refused_pool = Some((n, lane));
        self.gates.spend(&world, now)?;
        self.gates.enter(&world)?;

        let at_s = seconds_between(self.start, now);
        let fault = gates::fault(&world, &model, at_s, self.dice(1))
            .filter(|fault| !(ask.continued && fault.kind == FaultKind::PauseTurn));
        if let Some(refusal) = fault.and_then(|fault| refusal_of(fault, ask.stream)) {
            return Err(refusal);
        }

        let usage = self.usage_of(&ask, &model, at_s, now);
        let one_hour = ask.cache.is_some_and(|cache| cache.one_hour);
        let real = Take::of(&usage, one_hour);
        let uncached = real.uncached;
        let take = real.estimated(world.answers.estimate);
        let subject = || format!("(org: {}, model: {model})", world.organization.id);
        self.gates.ramp(&world, n, uncached, &subject, now)?;
        let short = |lane| self.pools[n].short_of(&take, 1.0, lane, false, now);
        let mut short_of = short(lane);
        if lane == Lane::Priority
            && !world.rules.priority_refuses
            && matches!(&short_of, Some(short) if short.family == Family::Priority)
        {
            // What the commitment does not hold runs as standard.
            lane = Lane::Standard;
            short_of = short(lane);
        }
        if let Some(short) = short_of {
            if world.rules.refused_counts_rpm {
                let refused = Take {
                    requests: 1.0,
                    ..Take::default()
                };
                if self.pools[n]
                    .short_of(&refused, 0.0, lane, false, now)
                    .is_none()
                {
                    self.pools[n].draw(&refused, lane, false, now);
                }
            }
            return Err(over(&short, &subject()));
        }

        let mut dice = self.dice(2);
        let plan = self.plan(&ask, fault, fast, &mut dice);
        let (said, seconds) = (plan.said(), plan.seconds());

        let pool = &mut self.pools[n];
        pool.draw(&take, lane, false, now);
        let excess = real.excess(&take);
        let first = after(now, plan.first_byte_s);
        if plan.first_byte_s > 0.0 {
            pool.true_up(&excess, lane, first);
            pool.run(self.calls, said, first, seconds, lane);
        } else {
            let back = Take {
                uncached: -excess.uncached,
                all_input: -excess.all_input,
                weighted: -excess.weighted,
                output: if seconds > 0.0 { 0.0 } else { said },
                requests: 0.0,
            };
            pool.draw(&back, lane, false, now);
            if seconds > 0.0 {
                pool.run(self.calls, said, now, seconds, lane);
            }
        }
        let (all, output) = (real.all_input, plan.output);
        self.gates.admitted(n, uncached, all, output as f64, now);

        let mut head = self.head_of(self.calls, 3, true, now);
        let early = world.headers.levels_as_of == AsOf::Admission;
        let own_output = if !ask.stream && !world.answers.own_output_in_remaining {
            said
        } else {
            0.0
        };
        if early {
            self.levels(n, lane, 0.0, now, &mut head);
        }
        let mut id = String::from("msg_01");
        dice.letters(22, &mut id);
        let reply = Reply {
            id,
            model: ask.model,
            usage: Usage {
                output_tokens: output,
                ..usage
            },
            one_hour,
            fast,
            priority: lane == Lane::Priority,
            thinking: world.answers.thinking,
            stop: plan.stop,
            ending: plan.ending,
            dice: Dice::new(self.seed, self.calls, 4),
            tokens_per_s: plan.tokens_per_s,
        };
        let written = usage.cache_creation_input_tokens;
        Ok(Answered::Call(Box::new(Admitted {
            ticket: Ticket {
                pool: n,
                flow: self.calls,
                lane,
                head,
                own_output,
                levels_done: early,
                model,
                input: Take {
                    uncached: usage.input_tokens as f64,
                    ..Take::default()
                },
                cached: (
                    if one_hour { 0 } else { written },
                    if one_hour { written } else { 0 },
                    usage.cache_read_input_tokens,
                ),
                over_at: (plan.first_byte_s <= 0.0 && seconds <= 0.0).then_some(said as u64),
            },
            wait_s: plan.first_byte_s + if ask.stream { 0.0 } else { seconds },
            stream: ask.stream,
            reply,
        })))
    }

    /// How the input of a call splits into uncached, written and read.
    fn usage_of(&mut self, ask: &MessagesAsk, model: &str, at_s: f64, now: Time) -> Usage {
        let answers = &self.world.answers;
        let minimum = cache::minimum(model).unwrap_or(answers.cache_minimum);
        if let Some(cache) = ask.cache.filter(|cache| cache.tokens >= minimum) {
            // A cache is a model's own, and one of its speed.
            let mut hasher = DefaultHasher::new();
            (cache.hash, model, ask.fast).hash(&mut hasher);
            let hash = hasher.finish();
            return self.cached(ask.input_tokens, CacheAsk { hash, ..cache }, now);
        }
        let shared = (ask.input_tokens as f64 * answers.cache_share.clamp(0.0, 1.0)).round() as u64;
        let shared = if shared < minimum { 0 } else { shared };
        let cold = at_s < answers.cache_cold_s;
        Usage {
            input_tokens: ask.input_tokens - shared,
            cache_creation_input_tokens: if cold { shared } else { 0 },
            cache_read_input_tokens: if cold { 0 } else { shared },
            ..Usage::default()
        }
    }

    fn cached(&mut self, input: u64, ask: CacheAsk, now: Time) -> Usage {
        let kept_s = if ask.one_hour { 3600.0 } else { 300.0 };
        let tokens = ask.tokens.min(input);
        let warm = self
            .cache
            .get(&ask.hash)
            .is_some_and(|(_, until)| *until > now);
        if self.cache.len() >= CACHE_ENTRIES {
            self.cache.retain(|_, (_, until)| *until > now);
            if self.cache.len() >= CACHE_ENTRIES {
                self.cache.clear();
            }
        }
        self.cache.insert(ask.hash, (tokens, after(now, kept_s)));
        Usage {
            input_tokens: input - tokens,
            cache_creation_input_tokens: if warm { 0 } else { tokens },
            cache_read_input_tokens: if warm { tokens } else { 0 },
            ..Usage::default()
        }
    }

    pub(super) fn count_tokens(
        &mut self,
        ask: &MessagesAsk,
        now: Time,
    ) -> Result<serde_json::Value, Refusal> {
        if !self.by_model.contains_key(ask.model.as_str()) {
            return Err(Refusal::not_found(format!("model: {}", ask.model)));
        }
        self.count_request("token_count", now)?;
        Ok(serde_json::json!({ "input_tokens": ask.input_tokens }))
    }

    /// Draws one request from the pool of that kind, if the world has one: endpoints beside
    /// `/v1/messages` count against nothing else, and show no levels.
    pub(super) fn count_request(&mut self, kind: &str, now: Time) -> Result<(), Refusal> {
        let mut pools = self.world.pools.iter();
        let Some(n) = pools.position(|pool| pool.kind == kind) else {
            return Ok(());
        };
        let one = Take {
            requests: 1.0,
            ..Take::default()
        };
        if let Some(short) = self.pools[n].short_of(&one, 0.0, Lane::Standard, false, now) {
            let subject = format!("(org: {})", self.world.organization.id);
            return Err(Refusal {
                levels: false,
                ..over(&short, &subject)
            });
        }
        self.pools[n].draw(&one, Lane::Standard, false, now);
        Ok(())
    }
}

/// What a fault answers instead of the model; none for those that change its answer.
fn refusal_of(fault: &Fault, stream: bool) -> Option<Refusal> {
    let overloaded = || Refusal::new(529, "overloaded_error", "Overloaded");
    match fault.kind {
        FaultKind::Overloaded => Some(overloaded()),
        FaultKind::ServerError => Some(Refusal::new(500, "api_error", "Internal server error")),
        FaultKind::Timeout => Some(Refusal {
            wait_s: fault.wait_s,
            ..Refusal::new(504, "timeout_error", "Request timed out")
        }),
        FaultKind::Conflict => Some(Refusal::new(
            409,
            "conflict_error",
            "The resource is being changed by another request",
        )),
        FaultKind::Opaque => Some(Refusal::new(429, "rate_limit_error", "Rate limited")),
        FaultKind::Billing => Some(
            Refusal::new(
                402,
                "billing_error",
                "The linked organization has reached its spend limit",
            )
            .code("linked_organization_spend_limit_reached"),
        ),
        FaultKind::OnHold => {
            Some(Refusal::invalid("This organization is on hold").code("organization_on_hold"))
        }
        FaultKind::CompactionUnavailable => Some(
            Refusal::new(529, "overloaded_error", "Compaction is unavailable")
                .code("compaction_unavailable"),
        ),
        FaultKind::StreamError if !stream => Some(overloaded()),
        _ => None,
    }
}

/// The newer prose of section "errors", patterns 2 to 4.
fn over(short: &Short, subject: &str) -> Refusal {
    let what = match short.dimension {
        Dimension::Rpm => "requests",
        Dimension::Otpm => "output tokens",
        Dimension::Combined => "tokens",
        _ => "input tokens",
    };
    Refusal::limited(
        format!(
            "This request would exceed your organization's rate limit of {} {what} per minute {subject}. \
             The response headers show current usage. Please try again later, or ask for a higher limit.",
            thousands(short.value)
        ),
        Some(short.wait_s),
    )
}
