//! Tab 2 on screen: the request form, the attempts on a time axis, cost, verdict, answer, older calls.
//!
//! To add a mark to the bars: a variant of [`axis::Mark`], its place in [`axis::Axis::bar`], its glyph in
//! `attempts.rs`. To add a fact: `words.rs`. To add a box: a file here and its place in [`draw`].

mod answer;
pub(super) mod attempts;
pub mod axis;
mod batch;
mod cost;
mod level;
mod list;
mod narrow;
mod one;
pub(super) mod pen;
mod picker;
mod request;
mod run;
mod start;
mod tail;
mod verdict;
mod wide;
pub mod words;

#[cfg(test)]
mod tests;

use super::canvas::Canvas;
use crate::{
    app::{
        App, Shown,
        calls::{Calls, view::View},
        profile::Profile,
    },
    domain::{
        batch::Work, clean::clean, id::ModelId, load::run::Run, spend::Prices, time::Time,
        timeline::Call,
    },
};
use ratatui::layout::Rect;

/// What every part of the tab looks at.
struct Scene<'a> {
    now: Time,
    offset: i32,
    profile: &'a Profile,
    calls: &'a Calls,
    view: &'a View,
    prices: &'a Prices,
    read_only: bool,
    /// Lines under the bars for what happens now, why, and the policy's rule.
    tail_lines: usize,
}

impl Scene<'_> {
    fn call(&self) -> Option<&Call> {
        let profile = self.profile;
        self.calls.call(&profile.timeline, &profile.runs)
    }

    /// The run that is drawn in full: its lanes, unless one of its attempts is looked at.
    fn run(&self) -> Option<&Run> {
        let profile = self.profile;
        let run = self.calls.run(&profile.timeline, &profile.runs)?;
        (!self.view.run.inside).then_some(run)
    }

    /// The message batch that is looked at.
    fn batch(&self) -> Option<&Work> {
        let profile = self.profile;
        self.calls.batch(&profile.timeline, &profile.runs)
    }

    /// The same where another run is drawn beneath it.
    fn compared(&self) -> Option<&Run> {
        let run = self.run()?;
        let other = self.view.run.other(run, &self.profile.runs);
        other.map(|_| run)
    }

    /// The name of a model's pool where that has one member only, else the model's own.
    fn pool_name(&self, model: &ModelId) -> String {
        let pool = self
            .profile
            .board
            .pool_of(model)
            .filter(|pool| pool.models.len() == 1);
        clean(pool.map_or(model.as_str(), |pool| &pool.name), 60)
    }

    /// The model of a call without what all have in common.
    fn short_model(model: &str) -> String {
        let model = clean(model, 60);
        model.strip_prefix("claude-").unwrap_or(&model).to_owned()
    }

    /// `Opus 5.5 · one call, attempt 3 of 5`.
    fn title(&self, call: &Call) -> String {
        let run = self.profile.runs.of(call.id);
        let who = if let Some(run) = run {
            let worker = crate::domain::load::plan::Plan::worker_of(&call.client) + 1;
            format!("Run {}, worker {worker} · ", run.number)
        } else if call.is_own() {
            String::new()
        } else {
            format!("{} · ", clean(call.client.as_str(), 40))
        };
        format!(
            "{who}{} · {}",
            self.pool_name(&call.model),
            words::headline(call)
        )
    }
}

fn scene<'a>(app: &'a App, shown: &Shown<'a>, calls: &'a Calls, view: &'a View) -> Scene<'a> {
    Scene {
        now: shown.at,
        offset: app.started().local_offset_s,
        profile: shown.profile,
        calls,
        view,
        prices: app.prices(),
        read_only: app.started().read_only || shown.profile.card.spend.read_only,
        tail_lines: 1,
    }
}

/// Parts of a call that another tab draws too.
pub(super) struct Parts<'a>(Scene<'a>);

impl<'a> Parts<'a> {
    /// Looks at calls as `view` says; `tail_lines` lines under the bars for what happens now and why.
    pub fn new(app: &'a App, shown: &Shown<'a>, view: &'a View, tail_lines: usize) -> Self {
        let mut scene = scene(app, shown, &shown.profile.calls, view);
        scene.tail_lines = tail_lines;
        Self(scene)
    }

    /// Whose call it is, on which model, and how it stands.
    pub fn title(&self, call: &Call) -> String {
        self.0.title(call)
    }

    /// The attempts on their time axis, without a box; the first column is a margin.
    pub fn attempts(&self, call: &Call, canvas: &mut Canvas<'_>, area: Rect) {
        attempts::draw(&self.0, call, canvas, area);
    }

    /// The verdict's box.
    pub fn verdict(&self, call: &Call, canvas: &mut Canvas<'_>, area: Rect) {
        let judged = self.0.view.judged(call);
        let inner = room(canvas, area, &verdict::title(judged));
        verdict::draw(&self.0, call, judged, canvas, inner);
    }

    /// The box of the attempt's headers.
    pub fn headers(&self, call: &Call, canvas: &mut Canvas<'_>, area: Rect) {
        let inner = room(canvas, area, &answer::title(&self.0, Some(call)));
        answer::draw(&self.0, call, canvas, inner);
    }
}

/// Draws tab 2.
pub fn draw(app: &App, shown: &Shown<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    // What is typed must be seen, also while the rest is paused.
    let calls = app.test_calls().unwrap_or(&shown.profile.calls);
    let mut scene = scene(app, shown, calls, calls.view());
    if area.width >= 100 && area.height >= 20 {
        scene.tail_lines = 4;
        wide::draw(&scene, canvas, area);
    } else if area.width >= 60 && area.height >= 13 {
        scene.tail_lines = 2;
        narrow::medium(&scene, canvas, area);
    } else {
        narrow::small(&scene, canvas, area);
    }
}

/// A box with a column of air on both sides; what is inside comes back.
pub(super) fn room(canvas: &mut Canvas<'_>, area: Rect, title: &str) -> Rect {
    let inner = canvas.boxed(area, title);
    let air = u16::from(inner.width > 8);
    Rect {
        x: inner.x + air,
        width: inner.width - 2 * air,
        ..inner
    }
}

/// The same with the column of air on the left, where a list puts its marker.
pub(super) fn margin(inner: Rect) -> Rect {
    let air = u16::from(inner.width > 6 && inner.x > 0);
    Rect {
        x: inner.x - air,
        width: inner.width + air,
        ..inner
    }
}
