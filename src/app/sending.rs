//! What leaves the program: probes, test calls, text for the clipboard.

use super::{
    App,
    effect::Effect,
    ground::{Ground, Reply},
    headroom::Headroom,
    layer::{Costs, Layer},
    panel::Tab,
};
use crate::domain::{
    board::Pool, call::CallOrder, id::ModelId, spend::Prices, time::Time, usage::Usage,
};

/// Input tokens that a probe takes at most (a one-token probe takes 8 to 10).
const PROBE_INPUT: u64 = 12;

impl App {
    /// Lends tab 2 what it may look at.
    pub(super) fn calls<T>(
        &mut self,
        now: Time,
        react: impl FnOnce(&mut super::calls::Calls, &mut Ground<'_>) -> Option<T>,
    ) -> Option<T> {
        let profile = self.profiles.get_mut(self.front)?;
        let mut ground = Ground {
            now,
            card: &profile.card,
            board: &profile.board,
            timeline: &profile.timeline,
            answers: &profile.answers,
            prices: &self.started.prices,
            read_only: self.started.read_only,
            runs: &profile.runs,
            next_call: &mut self.next_call,
            next_run: &mut self.next_run,
        };
        react(&mut profile.calls, &mut ground)
    }

    pub(super) fn selected_pool(&self, now: Time) -> Option<&Pool> {
        let board = &self.profiles.get(self.front)?.board;
        let rows = self.headroom.rows(board, now);
        rows.get(self.headroom.place(&rows)).copied()
    }

    /// Why the selected pool takes no calls with this profile's key: it is of another organization or
    /// workspace.
    fn not_ours(&self, now: Time) -> Option<String> {
        let pool = self.selected_pool(now)?;
        let foreign = self.profiles.get(self.front)?.board.foreign();
        let theirs = foreign.iter().any(|other| other.key == pool.key);
        theirs.then(|| {
            format!(
                "{} here is of another organization or workspace: this profile's key does not reach it.",
                pool.name
            )
        })
    }

    pub(super) fn test_call(&mut self, now: Time) -> Reply {
        if self.tab == Tab::Headroom
            && let Some(why) = self.not_ours(now)
        {
            return Reply::say(why);
        }
        let model = if self.tab == Tab::Traffic {
            let profile = self.shown(now).map(|shown| shown.profile);
            profile.and_then(|profile| Some(self.traffic.call(profile)?.model.clone()))
        } else {
            self.selected_pool(now)
                .and_then(|pool| pool.models.first().cloned())
        };
        self.tab = Tab::Calls;
        self.calls(now, |calls, _| {
            if let Some(model) = &model {
                calls.choose_model(model);
            }
            Some(Reply::none())
        })
        .unwrap_or_default()
    }

    /// The pool's model for a probe and what it costs at most: the cheapest one with a price.
    fn probe_model(&self, now: Time) -> Result<(ModelId, Option<f64>, String), String> {
        let Some(pool) = self.selected_pool(now) else {
            return Err("There is no pool to probe yet.".to_owned());
        };
        if let Some(why) = self.not_ours(now) {
            return Err(why);
        }
        let name = pool.name.clone();
        cheapest(&pool.models, &self.started.prices)
            .map(|(model, usd)| (model, usd, name.clone()))
            .ok_or_else(|| format!("{name} serves no messages: there is nothing to probe."))
    }

    pub(super) fn ask_probe(&mut self, now: Time) -> Reply {
        let (_, usd, name) = match self.probe_model(now) {
            Ok(found) => found,
            Err(why) => return Reply::say(why),
        };
        let may = self.calls(now, |_, ground| Some(ground.may_send(usd)));
        if let Some(Err(why)) = may {
            return Reply::say(why);
        }
        let Some(profile) = self.profiles.get(self.front) else {
            return Reply::none();
        };
        if profile.card.spend.free || profile.probe_accepted {
            return self.probe(now);
        }
        let cost = usd.map_or_else(
            || "an unknown amount".to_owned(),
            |usd| format!("about ${usd:.6}"),
        );
        self.layer = Layer::Ask(
            format!(
                "A probe of {name} is a real call: one request, about 10 input tokens, 1 output token, {cost}."
            ),
            Costs::Probe,
        );
        Reply::none()
    }

    pub(super) fn probe(&mut self, now: Time) -> Reply {
        let (model, usd, name) = match self.probe_model(now) {
            Ok(found) => found,
            Err(why) => return Reply::say(why),
        };
        self.calls(now, |_, ground| {
            Some(match ground.may_send(usd) {
                Err(why) => Reply::say(why),
                Ok(()) => Reply {
                    effects: vec![Effect::Call(CallOrder::probe(
                        ground.new_call(),
                        "me".into(),
                        model,
                    ))],
                    said: Some(format!("Probing {name}.")),
                    ask: None,
                },
            })
        })
        .unwrap_or_default()
    }

    pub(super) fn copy(&mut self, now: Time) -> Reply {
        let text = match self.tab {
            Tab::Calls => self.calls(now, |calls, ground| calls.copyable(ground)),
            Tab::Headroom => self.copy_headroom(now),
            Tab::Traffic => self.copy_traffic(now),
            Tab::Events => self.shown(now).and_then(|shown| {
                let opened = self.events.opened(shown.ring);
                let (line, notice) = if let Some((line, notice)) = opened {
                    (Some(line), notice)
                } else {
                    let rows = self.events.rows(shown.ring);
                    let row = rows.get(self.events.place(shown.ring, &rows))?;
                    (None, row.newest)
                };
                Some(match (line, &notice.request) {
                    (Some(line), _) if !notice.evidence.is_empty() => {
                        notice.evidence[line.min(notice.evidence.len() - 1)].clone()
                    }
                    (_, Some(request)) => request.to_string(),
                    _ => notice.sentence.clone(),
                })
            }),
        };
        match text {
            Some(text) => Reply {
                said: Some(format!(
                    "Copied: {}",
                    crate::domain::clean::clean(&text, 60)
                )),
                effects: vec![Effect::Copy(text)],
                ask: None,
            },
            None => Reply::say("There is nothing here to copy."),
        }
    }

    fn copy_headroom(&self, now: Time) -> Option<String> {
        let shown = self.shown(now)?;
        let rows = self.headroom.rows(&shown.profile.board, shown.at);
        if let Some(line) = self.headroom.detail {
            let pool = rows.get(self.headroom.place(&rows))?;
            return Headroom::headers(pool)
                .nth(line)
                .map(|(name, value, _)| format!("{name}: {value}"));
        }
        let verdict = &shown.profile.refusal.as_ref()?.verdict;
        Some(match &verdict.request_id {
            Some(request) => request.to_string(),
            None => verdict.sentence.clone(),
        })
    }
}

fn cheapest(models: &[ModelId], prices: &Prices) -> Option<(ModelId, Option<f64>)> {
    let usage = Usage {
        input_tokens: PROBE_INPUT,
        output_tokens: 1,
        ..Usage::default()
    };
    let least = models
        .iter()
        .filter_map(|model| Some((model, prices.cost(model, &usage)?)))
        .min_by(|a, b| a.1.total_cmp(&b.1));
    match least {
        Some((model, usd)) => Some((model.clone(), Some(usd))),
        None => models.first().map(|model| (model.clone(), None)),
    }
}
