//! Sending what the form describes, counting its tokens, and ending what was sent.

use super::{CACHES, Calls, form::Field, offers::Esc, view::View};
use crate::{
    app::{
        effect::Effect,
        ground::{Ground, Reply},
    },
    domain::count::{Count, CountOrder},
};

/// Own calls that may run at once: enough to see two policies race, few enough for a stuck Enter key.
const RUNNING_MAX: usize = 8;

impl Calls {
    /// Keeps what was counted.
    pub(in crate::app) fn counted(&mut self, count: Count) {
        self.count = Some(count);
    }

    /// Costs nothing, so nothing but a missing key and an empty form stands in its way.
    pub(super) fn count(&mut self, ground: &Ground<'_>) -> Reply {
        let empty = [Field::Model, Field::Prompt]
            .into_iter()
            .find_map(|field| Some((field, field.problem(&self.form.text(field))?)));
        if let Some((field, why)) = empty {
            self.select(field);
            return Reply::say(format!("{}: {why}. e edits it.", field.label()));
        }
        if !ground.card.can_call {
            let why = ground.card.cannot_call_because.clone();
            return Reply::say(why.unwrap_or_else(|| "This profile has no API key.".to_owned()));
        }
        Reply {
            said: Some("Counting.".to_owned()),
            effects: vec![Effect::Count(CountOrder {
                model: self.form.model.as_str().into(),
                prompt: self.form.prompt.clone(),
            })],
            ..Reply::default()
        }
    }

    pub(super) fn send(&mut self, asked: bool, ground: &mut Ground<'_>) -> Reply {
        if let Err(why) = ground.may_call() {
            return Reply::say(why);
        }
        if let Some((field, why)) = self.form.problem().or_else(|| self.form.no_batch()) {
            self.select(field);
            return Reply::say(format!("{}: {why}. e edits it.", field.label()));
        }
        if let Some(why) = self.form.policy.refusal(ground.card.spend.free) {
            self.select(Field::Policy);
            return Reply::say(format!("policy: {why}."));
        }
        if self.form.ending.is_some() && !ground.card.spend.free {
            self.select(Field::Ending);
            return Reply::say("ending: only a simulator ends its answers as asked.");
        }
        if self.form.batch {
            return self.send_batch(asked, ground);
        }
        if !self.form.is_single() {
            return self.send_run(asked, ground);
        }
        let running = ground
            .timeline
            .calls()
            .filter(|call| call.is_own() && call.is_open());
        if running.count() >= RUNNING_MAX {
            return Reply::say(format!("{RUNNING_MAX} calls are running; Esc cancels one."));
        }
        let estimate = self.form.estimate(ground.prices);
        // Each further attempt is asked about when it leaves.
        if let Err(why) = ground.may_send(estimate.each_usd) {
            return Reply::say(why);
        }
        let call = ground.new_call();
        self.open = false;
        self.sent = Some(call);
        self.view.follow();
        let order = self.form.order(call);
        if let Some(cache) = order.cache {
            self.caches.push_back((call, cache));
            self.caches
                .drain(..self.caches.len().saturating_sub(CACHES));
        }
        Reply::of(Effect::Call(order))
    }

    /// Does what [`Calls::esc`] says.
    pub(super) fn back(&mut self, ground: &Ground<'_>) -> Reply {
        match self.esc(ground.timeline, ground.runs) {
            Esc::Cancels(id) => {
                self.sent = self.sent.filter(|sent| *sent != id);
                return Reply::of(Effect::Cancel(id));
            }
            _ if self.view.run.inside => self.view.run.inside = false,
            _ if self.open => self.open = false,
            _ if self.view.run.against.is_some() => self.view.run.against = None,
            _ => self.view = View::default(),
        }
        Reply::none()
    }
}
