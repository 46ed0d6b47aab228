//! What own traffic uses: drawn from the gauges as it is known, and once.

use super::{
    Board,
    flight::{Charged, FlightKey},
};
use crate::domain::{
    limit::{Dimension, Family},
    observation::Observation,
    outcome::Outcome,
    time::Time,
    usage::Usage,
};

impl Board {
    pub(super) fn absorb_sent(&mut self, seen: &Observation) {
        let (Some(key), Some(model)) = (flight_key(seen), &seen.model) else {
            return;
        };
        let estimate = self.flights.estimate(&(seen.client.clone(), key.1));
        let charged = Charged {
            pool: self.pool_of(model).map(|pool| pool.key.group.clone()),
            fast: seen.fast,
            requests: 1,
            usage: Usage {
                input_tokens: estimate,
                ..Usage::default()
            },
        };
        self.draw(&charged, &Charged::default(), seen.at);
        self.flights.sent(key, charged);
    }

    /// Draws what an attempt has used since the last time. Input is an estimate until the server
    /// says it; `usage` without input (deltas counted here) keeps the estimate.
    pub(super) fn charge(&mut self, seen: &Observation, usage: Option<&Usage>, under_way: bool) {
        let Some(key) = flight_key(seen) else { return };
        let pool = seen
            .model
            .as_ref()
            .and_then(|m| self.pool_of(m))
            .map(|p| p.key.group.clone());
        let Some(charged) = self.flights.get_mut(&key) else {
            return;
        };
        let before = charged.clone();
        if charged.pool.is_none() {
            // The first response of a pool made it; what was drawn before is in its reading.
            charged.pool.clone_from(&pool);
        }
        match usage {
            Some(usage) if usage.all_input() > 0 => charged.usage = *usage,
            Some(usage) => charged.usage.output_tokens = usage.output_tokens,
            None => {}
        }
        let now = charged.clone();
        if !under_way {
            self.flights.landed(&key);
        }
        self.draw(&now, &before, seen.at);
    }

    pub(super) fn absorb_end(
        &mut self,
        seen: &Observation,
        outcome: &Outcome,
        usage: Option<&Usage>,
    ) {
        let refused = matches!(outcome, Outcome::Refused { .. } | Outcome::Foreign { .. });
        if !refused {
            self.charge(seen, usage, false);
            return;
        }
        // A refused call's tokens are not drawn. Whether it counts to RPM is not established; it is
        // taken not to, and the band holds either way within one request.
        let Some(before) = flight_key(seen).and_then(|key| self.flights.landed(&key)) else {
            return;
        };
        let after = Charged {
            requests: 0,
            usage: Usage::default(),
            ..before.clone()
        };
        self.draw(&after, &before, seen.at);
    }

    /// Draws the difference from every gauge of the pool that counts it.
    fn draw(&mut self, now: &Charged, before: &Charged, at: Time) {
        let Some(group) = &now.pool else { return };
        let Some(pool) = self.pools.iter_mut().find(|pool| pool.key.group == *group) else {
            return;
        };
        let more = |now: u64, before: u64| now as f64 - before as f64;
        let counted = more(now.usage.counted_input(), before.usage.counted_input());
        let all = more(now.usage.all_input(), before.usage.all_input());
        let output = more(now.usage.output_tokens, before.usage.output_tokens);
        for gauge in &mut pool.gauges {
            // Priority requests draw from both their own and the regular buckets (service tiers).
            if now.fast != (gauge.family == Family::Fast) {
                continue;
            }
            let amount = match gauge.dimension {
                Dimension::Rpm => more(now.requests, before.requests),
                Dimension::Itpm => counted,
                Dimension::ItpmAll => all,
                Dimension::Otpm => output,
                Dimension::Combined => counted + output,
                _ => continue,
            };
            gauge.draw(at, amount);
        }
    }
}

fn flight_key(seen: &Observation) -> Option<FlightKey> {
    Some((seen.client.clone(), seen.call?, seen.attempt?))
}
