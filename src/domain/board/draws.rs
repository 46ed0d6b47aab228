//! What own traffic uses: drawn from the gauges as it is known, and once.

use super::{
    Board,
    flight::{Charged, Drawn, FlightKey},
};
use crate::domain::{
    gauge::Gauge,
    id::ModelId,
    limit::{Dimension, Family},
    observation::Observation,
    org::GroupKind,
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
            sent: seen.at,
            from: self.home_of(model),
            fast: seen.fast,
            requests: 1,
            input_known: false,
            usage: Usage {
                input_tokens: estimate,
                ..Usage::default()
            },
            shares: self.flights.shares(seen.client.as_ref(), model),
        };
        self.draw(&charged, &Charged::default(), seen.at);
        self.flights.sent(key, charged);
    }

    /// Draws what an attempt has used since the last time. Input is an estimate until the server
    /// says it; `usage` without input (deltas counted here) keeps the estimate.
    pub(super) fn charge(&mut self, seen: &Observation, usage: Option<&Usage>, under_way: bool) {
        let Some(key) = flight_key(seen) else { return };
        let home = seen.model.as_ref().and_then(|model| self.home_of(model));
        let Some(charged) = self.flights.get_mut(&key) else {
            return;
        };
        let mut before = charged.clone();
        if charged.from.is_none() {
            // The first response of a pool made it, so nothing was drawn yet.
            charged.from.clone_from(&home);
            before = Charged::default();
        }
        match usage {
            Some(usage) if usage.all_input() > 0 => {
                charged.usage = *usage;
                charged.input_known = true;
            }
            Some(usage) => charged.usage.output_tokens = usage.output_tokens,
            None => {}
        }
        // Whoever never says how much it was leaves the estimate.
        charged.input_known |= !under_way;
        let now = charged.clone();
        if let (Some(usage), Some(model)) = (usage, &seen.model)
            && !before.input_known
            && usage.all_input() > 0
        {
            let (client, estimate) = (seen.client.as_ref(), before.usage.input_tokens);
            self.flights.learn(client, model, estimate, usage);
        }
        if !under_way {
            self.flights.landed(&key);
        }
        self.draw(&now, &before, seen.at);
    }

    /// Draws what whole answers used that are not told one by one.
    pub(super) fn draw_counted(&mut self, seen: &Observation, requests: u64, usage: &Usage) {
        let (organization, workspace) = (seen.organization.as_ref(), seen.workspace.as_ref());
        let Some(model) = &seen.model else { return };
        let from = if self.is_elsewhere(seen.source, organization, workspace) {
            let mut apart = self.foreign.iter().map(|pool| (&pool.key, &pool.models));
            let own = apart.find(|(key, models)| {
                key.organization.as_ref() == organization
                    && key.workspace.as_ref() == workspace
                    && models.contains(model)
            });
            own.map(|(key, _)| Drawn::Away(key.clone()))
        } else {
            self.home_of(model)
        };
        let before = Charged {
            input_known: true,
            ..Charged::default()
        };
        let counted = Charged {
            sent: seen.at,
            from,
            fast: seen.fast,
            requests,
            usage: *usage,
            ..before.clone()
        };
        self.draw(&counted, &before, seen.at);
    }

    /// One request of a group without models. As for calls, a refused one is taken not to count.
    pub(super) fn draw_aside(&mut self, kind: &GroupKind, refused: bool, at: Time) {
        let group = self.pools.iter_mut().find(|pool| pool.kind == *kind);
        let gauges = group.map(|group| &mut group.gauges).into_iter().flatten();
        for gauge in gauges.filter(|gauge| gauge.dimension == Dimension::Rpm && !refused) {
            gauge.draw(at, 1.0);
        }
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
            input_known: true,
            usage: Usage::default(),
            ..before.clone()
        };
        self.draw(&after, &before, seen.at);
    }

    /// An attempt's head says whose it is: what it was charged at home before anybody could know is
    /// given back, and charged there.
    pub(super) fn draws_from(&mut self, seen: &Observation, from: Drawn) {
        let Some(charged) = flight_key(seen).and_then(|key| self.flights.get_mut(&key)) else {
            return;
        };
        if charged.from.as_ref() == Some(&from) {
            return;
        }
        let before = charged.clone();
        charged.from = Some(from);
        let moved = charged.clone();
        let none = Charged {
            requests: 0,
            input_known: true,
            usage: Usage::default(),
            ..before.clone()
        };
        self.draw(&none, &before, seen.at);
        self.draw(&moved, &Charged::default(), seen.at);
    }

    fn home_of(&self, model: &ModelId) -> Option<Drawn> {
        self.pool_of(model)
            .map(|pool| Drawn::Home(pool.key.group.clone()))
    }

    /// Draws the difference from every gauge of the pool that counts it: requests and input as of
    /// when the attempt left, output as of `at`.
    fn draw(&mut self, now: &Charged, before: &Charged, at: Time) {
        let pool = match &now.from {
            Some(Drawn::Home(group)) => self.pools.iter_mut().find(|p| p.key.group == *group),
            Some(Drawn::Away(key)) => self.foreign.iter_mut().find(|p| p.key == *key),
            Some(Drawn::Nowhere) | None => None,
        };
        let Some(pool) = pool else { return };
        let more = |now: u64, before: u64| now as f64 - before as f64;
        let output = more(now.usage.output_tokens, before.usage.output_tokens);
        let input = |gauge: &mut Gauge, of: fn(&Usage) -> u64, share: Option<f64>| {
            let (now_in, before_in) = (of(&now.usage), of(&before.usage));
            match (before.input_known, now.input_known) {
                (false, false) if *before == Charged::default() => {
                    gauge.expect(now.sent, now_in as f64, share);
                }
                (false, false) => {}
                (false, true) => gauge.settle(now.sent, before_in as f64, now_in as f64),
                (true, _) => gauge.draw(now.sent, more(now_in, before_in)),
            }
        };
        for gauge in &mut pool.gauges {
            // Priority requests draw from both their own and the regular buckets (service tiers).
            if now.fast != (gauge.family == Family::Fast) {
                continue;
            }
            match gauge.dimension {
                Dimension::Rpm => gauge.draw(now.sent, more(now.requests, before.requests)),
                Dimension::Itpm => input(gauge, Usage::counted_input, now.shares.counted),
                Dimension::ItpmAll => input(gauge, Usage::all_input, now.shares.all),
                Dimension::Otpm => gauge.draw(at, output),
                Dimension::Combined => {
                    input(gauge, Usage::counted_input, now.shares.counted);
                    gauge.draw(at, output);
                }
                _ => {}
            }
        }
    }
}

fn flight_key(seen: &Observation) -> Option<FlightKey> {
    Some((seen.client.clone(), seen.call?, seen.attempt?))
}
