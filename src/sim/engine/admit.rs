//! Admitting a call to `/v1/messages`: what refuses it, what it is charged, what it will say.

use super::{Admitted, Answered, Engine, Ticket, gates, pool::Short};
use crate::{
    domain::{
        limit::{Dimension, Family},
        number::thousands,
        time::{Time, after, seconds_between},
        usage::Usage,
    },
    sim::{
        dice::Dice,
        scenario::{AsOf, FaultKind},
        speak::{
            message::{CacheAsk, MessagesAsk},
            refusal::Refusal,
            reply::{Ending, Reply},
        },
    },
};
use std::sync::Arc;

use super::pool::Take;

/// Shorter prompts are silently not cached (prompt-caching page: 512 to 4,096, by model).
const CACHE_MINIMUM: u64 = 1024;
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
        let fast = ask.fast
            && self.pools[n]
                .limits
                .iter()
                .any(|limit| limit.family == Family::Fast);
        self.refused_pool = Some((n, fast));
        self.gates.spend(&world, now)?;
        self.gates.enter(&world)?;

        let at_s = seconds_between(self.start, now);
        let fault = gates::fault(&world, &model, at_s, self.dice(1))
            .filter(|fault| !(ask.continued && fault.kind == FaultKind::PauseTurn));
        if let Some(fault) = fault {
            let overloaded = || Refusal::new(529, "overloaded_error", "Overloaded");
            let refusal = match fault.kind {
                FaultKind::Overloaded => Some(overloaded()),
                FaultKind::ServerError => {
                    Some(Refusal::new(500, "api_error", "Internal server error"))
                }
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
                FaultKind::StreamError if !ask.stream => Some(overloaded()),
                _ => None,
            };
            if let Some(refusal) = refusal {
                return Err(refusal);
            }
        }

        let usage = self.usage_of(&ask, at_s, now);
        let uncached = usage.counted_input() as f64;
        let take = Take {
            requests: 1.0,
            uncached: (uncached * world.answers.estimate).round(),
            all_input: (usage.all_input() as f64 * world.answers.estimate).round(),
            output: 0.0,
        };
        let subject = || format!("(org: {}, model: {model})", world.organization.id);
        self.gates.ramp(&world, n, uncached, &subject, now)?;
        if let Some(short) = self.pools[n].short_of(&take, 1.0, fast, false, now) {
            if world.rules.refused_counts_rpm {
                let refused = Take {
                    requests: 1.0,
                    ..Take::default()
                };
                if self.pools[n]
                    .short_of(&refused, 0.0, fast, false, now)
                    .is_none()
                {
                    self.pools[n].draw(&refused, fast, false, now);
                }
            }
            return Err(over(&short, &subject()));
        }

        let mut dice = self.dice(2);
        let answers = &world.answers;
        let slow_s = fault
            .filter(|fault| fault.kind == FaultKind::Slow)
            .map_or(0.0, |fault| fault.wait_s);
        let first_byte_s = dice.between(answers.first_byte_s) + slow_s;
        let tokens_per_s = dice.between(answers.tokens_per_s) * if fast { 2.5 } else { 1.0 };
        let natural = dice.between(answers.tokens).round().max(1.0) as u64;
        let output = natural.min(ask.max_tokens);
        let stop_reason = match fault.map(|fault| fault.kind) {
            Some(FaultKind::PauseTurn) => "pause_turn",
            Some(FaultKind::Refusal) => "refusal",
            _ if natural > ask.max_tokens => "max_tokens",
            _ => "end_turn",
        };
        let ending = match fault {
            Some(fault) => match fault.kind {
                FaultKind::StreamError => Ending::Error(
                    fault
                        .error
                        .clone()
                        .unwrap_or_else(|| "overloaded_error".into()),
                    fault.after_tokens,
                ),
                FaultKind::Cut => Ending::Cut(fault.after_tokens),
                FaultKind::Truncated if ask.stream => Ending::Truncated(fault.after_tokens),
                _ => Ending::Normal,
            },
            None => Ending::Normal,
        };
        let said = match ending {
            Ending::Normal => output,
            Ending::Error(_, after) | Ending::Cut(after) | Ending::Truncated(after) => {
                output.min(after)
            }
        } as f64;
        let seconds = if tokens_per_s > 0.0 {
            said / tokens_per_s
        } else {
            0.0
        };

        let pool = &mut self.pools[n];
        pool.draw(&take, fast, false, now);
        let (excess, all_excess) = (
            take.uncached - uncached,
            take.all_input - usage.all_input() as f64,
        );
        let first = after(now, first_byte_s);
        if first_byte_s > 0.0 {
            pool.true_up(excess, all_excess, fast, first);
            pool.run(self.calls, said, first, seconds, fast);
        } else {
            let back = Take {
                uncached: -excess,
                all_input: -all_excess,
                output: if seconds > 0.0 { 0.0 } else { said },
                requests: 0.0,
            };
            pool.draw(&back, fast, false, now);
            if seconds > 0.0 {
                pool.run(self.calls, said, now, seconds, fast);
            }
        }
        self.gates
            .admitted(n, uncached, usage.all_input() as f64, output as f64, now);

        let mut head = self.head_of(self.calls, 3, true, now);
        let early = world.headers.levels_as_of == AsOf::Admission;
        let own_output = if !ask.stream && !world.answers.own_output_in_remaining {
            said
        } else {
            0.0
        };
        if early {
            self.levels(n, fast, 0.0, now, &mut head);
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
            one_hour: ask.cache.is_some_and(|cache| cache.one_hour),
            fast,
            stop_reason,
            ending,
            dice: Dice::new(self.seed, self.calls, 4),
            tokens_per_s,
        };
        let one_hour = reply.one_hour;
        let written = usage.cache_creation_input_tokens;
        Ok(Answered::Call(Box::new(Admitted {
            ticket: Ticket {
                pool: n,
                flow: self.calls,
                fast,
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
                over_at: (first_byte_s <= 0.0 && seconds <= 0.0).then_some(said as u64),
            },
            wait_s: first_byte_s + if ask.stream { 0.0 } else { seconds },
            stream: ask.stream,
            reply,
        })))
    }

    /// How the input of a call splits into uncached, written and read.
    fn usage_of(&mut self, ask: &MessagesAsk, at_s: f64, now: Time) -> Usage {
        let answers = &self.world.answers;
        if let Some(cache) = ask.cache.filter(|cache| cache.tokens >= CACHE_MINIMUM) {
            return self.cached(ask.input_tokens, cache, now);
        }
        let shared = (ask.input_tokens as f64 * answers.cache_share.clamp(0.0, 1.0)).round() as u64;
        let cold = at_s < answers.cache_cold_s;
        Usage {
            input_tokens: ask.input_tokens - shared,
            cache_creation_input_tokens: if cold { shared } else { 0 },
            cache_read_input_tokens: if cold { 0 } else { shared },
            output_tokens: 0,
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
            output_tokens: 0,
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
        if let Some(n) = self
            .world
            .pools
            .iter()
            .position(|pool| pool.kind == "token_count")
        {
            let one = Take {
                requests: 1.0,
                ..Take::default()
            };
            if let Some(short) = self.pools[n].short_of(&one, 0.0, false, false, now) {
                let subject = format!("(org: {})", self.world.organization.id);
                return Err(Refusal {
                    levels: false,
                    ..over(&short, &subject)
                });
            }
            self.pools[n].draw(&one, false, false, now);
        }
        Ok(serde_json::json!({ "input_tokens": ask.input_tokens }))
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
