//! Tab 2 on screen: the request form, the attempts on a time axis, cost, verdict, answer, older calls.
//!
//! To add a mark to the bars: a variant of [`axis::Mark`], its place in [`axis::Axis::bar`], its glyph in
//! `attempts.rs`. To add a fact: `words.rs`. To add a box: a file here and its place in [`draw`].

mod answer;
pub(super) mod attempts;
pub mod axis;
mod level;
mod list;
pub(super) mod pen;
mod request;
mod run;
mod start;
mod verdict;
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
        clean::clean, id::ModelId, load::run::Run, spend::Prices, time::Time, timeline::Call,
    },
};
use pen::Pen;
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
        wide(&scene, canvas, area);
    } else if area.width >= 60 && area.height >= 13 {
        scene.tail_lines = 2;
        medium(&scene, canvas, area);
    } else {
        small(&scene, canvas, area);
    }
}

/// Form, cost and calls on the left; timeline over verdict and answer on the right.
fn wide(scene: &Scene<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    const LEFT: u16 = 35;
    if let Some(run) = scene.compared().filter(|_| !scene.calls.form_open()) {
        run::draw(scene, run, canvas, area);
        return;
    }
    let form_rows = 21.min(area.height * 3 / 5 + 2);
    let cost_rows = 6.min((area.height - form_rows) / 2);
    let left = Rect {
        width: LEFT,
        ..area
    };
    let form = Rect {
        height: form_rows,
        ..left
    };
    let cost = Rect {
        y: form.bottom(),
        height: cost_rows,
        ..left
    };
    let list = Rect {
        y: cost.bottom(),
        height: area.height - form_rows - cost_rows,
        ..left
    };
    let right = Rect {
        x: area.x + LEFT,
        width: area.width - LEFT,
        ..area
    };
    if let Some(run) = scene.run() {
        run::draw(scene, run, canvas, right);
    } else {
        one(scene, canvas, right);
    }

    let inner = room(canvas, cost, "Cost");
    request::cost(scene, canvas, inner);
    let title = if scene.view.others {
        "Calls of everybody"
    } else {
        "Calls"
    };
    let inner = margin(room(canvas, list, title));
    list::draw(scene, canvas, inner);
    // Last, because its choices lie over the rest.
    let inner = margin(room(canvas, form, "Request"));
    request::draw(scene, canvas, inner);
}

/// One call: its attempts over verdict and answer.
fn one(scene: &Scene<'_>, canvas: &mut Canvas<'_>, right: Rect) {
    let call = scene.call();
    // Room for six attempts; more only as they come, so that nothing jumps before.
    let attempts = call.map_or(0, |call| call.attempts.len()).clamp(6, 12) as u16;
    let top = (attempts + 2 + 2 + scene.tail_lines as u16).min(right.height.saturating_sub(9));
    timeline(
        scene,
        call,
        canvas,
        Rect {
            height: top,
            ..right
        },
    );
    let bottom = Rect {
        y: right.y + top,
        height: right.height - top,
        ..right
    };
    halves(scene, call, canvas, bottom);
}

/// The form in two lines; timeline; verdict and answer beside each other.
fn medium(scene: &Scene<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    if let Some(run) = scene.compared() {
        run::draw(scene, run, canvas, area);
        over(scene, canvas, area);
        return;
    }
    let form = Rect { height: 4, ..area };
    let inner = room(canvas, form, "Request");
    summary(scene, canvas, inner);
    if let Some(run) = scene.run() {
        let under = Rect {
            y: form.bottom(),
            height: area.height - 4,
            ..area
        };
        run::draw(scene, run, canvas, under);
        over(scene, canvas, area);
        return;
    }
    let call = scene.call();
    let rest = area.height - 4;
    let bottom = (rest / 2).clamp(5, 9).min(rest);
    let top = Rect {
        y: form.bottom(),
        height: rest - bottom,
        ..area
    };
    timeline(scene, call, canvas, top);
    halves(
        scene,
        call,
        canvas,
        Rect {
            y: top.bottom(),
            height: bottom,
            ..area
        },
    );
    over(scene, canvas, area);
}

/// No boxes: the form in a line, what happens now, the attempts, one line of verdict or answer.
fn small(scene: &Scene<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    if let Some(run) = scene.run() {
        run::small(scene, run, canvas, area);
        over(scene, canvas, area);
        return;
    }
    let roles = *canvas.roles();
    let (price, may) = request::price(scene);
    let style = if may { roles.quiet } else { roles.bad };
    let form = scene.calls.form();
    let what = format!(
        "{} · {} · {}×",
        Scene::short_model(&form.model),
        form.policy.name(),
        form.attempts()
    );
    let mut pen = Pen::new(canvas, area);
    pen.line(&[(&what, roles.quiet)]);
    if usize::from(area.width) > pen::width(&what) + pen::width(&price) {
        pen.right_of_last(&price, style);
    }
    match scene.call() {
        None => {
            pen.line(&[(&price, style)]);
            pen.skip();
            pen.text("Enter sends the call, e edits it.", roles.text, 2);
        }
        Some(call) => {
            let who = if call.is_own() {
                &call.model.as_str()
            } else {
                &call.client.as_str()
            };
            let title = format!("{} · {}", Scene::short_model(who), words::headline(call));
            pen.line(&[(&title, roles.title)]);
            let judged = scene
                .view
                .judged(call)
                .and_then(|attempt| attempt.verdict.as_ref());
            let answer = scene
                .profile
                .answer(call.id)
                .map(|answer| answer.text.trim());
            let foot = match (answer.filter(|text| !text.is_empty()), judged) {
                (Some(text), _) => text.lines().last().map(str::to_owned),
                (None, Some(verdict)) => Some(verdict.sentence.clone()),
                (None, None) => None,
            };
            let used = 2 + u16::from(foot.is_some());
            let body = Rect {
                y: area.y + 2.min(area.height),
                height: area.height.saturating_sub(used),
                ..area
            };
            attempts::draw(scene, call, canvas, body);
            if let Some(foot) = foot {
                let last = Rect {
                    y: body.bottom(),
                    height: 1,
                    ..area
                }
                .intersection(area);
                Pen::new(canvas, last).text(&clean(&foot, 400), roles.text, 1);
            }
        }
    }
    over(scene, canvas, area);
}

/// Two lines that say what Enter will send.
fn summary(scene: &Scene<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let (price, may) = request::price(scene);
    let mut pen = Pen::new(canvas, area);
    pen.line(&[(&request::one_line(scene), roles.strong)]);
    let spend = &scene.profile.card.spend;
    let cost = if spend.free {
        price
    } else {
        format!("{price} · today {}", request::today(scene))
    };
    let room = usize::from(area.width).saturating_sub(cost.chars().count() + 4);
    let prompt = clean(&scene.calls.form().prompt, room.saturating_sub(1));
    pen.line(&[(&prompt, roles.text)]);
    let style = if may { roles.quiet } else { roles.bad };
    pen.right_of_last(&cost, style);
}

/// The whole form over the middle, while it is being changed and there is no room for it otherwise.
fn over(scene: &Scene<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    if !scene.calls.form_open() {
        return;
    }
    let boxed = area.height >= 10;
    let width = 64.min(area.width);
    let height = if boxed {
        21.min(area.height)
    } else {
        area.height
    };
    let at = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y,
        width,
        height,
    };
    canvas.clear(at);
    let inner = if boxed {
        room(canvas, at, "Request")
    } else {
        at
    };
    let keys = inner.height > 6;
    let fields = Rect {
        height: inner.height - u16::from(keys),
        ..inner
    };
    if keys {
        let line = Rect {
            y: fields.bottom(),
            height: 1,
            ..inner
        };
        request::keys(scene, &mut Pen::new(canvas, line));
    }
    request::draw(scene, canvas, if boxed { margin(fields) } else { fields });
}

fn timeline(scene: &Scene<'_>, call: Option<&Call>, canvas: &mut Canvas<'_>, area: Rect) {
    let title = call.map_or_else(|| "Attempts".to_owned(), |call| scene.title(call));
    let inner = room(canvas, area, &title);
    let Some(call) = call else {
        let card = &scene.profile.card;
        let why = card.cannot_call_because.as_deref();
        start::timeline(canvas, inner, why.filter(|_| !card.can_call));
        return;
    };
    attempts::draw(scene, call, canvas, margin(inner));
}

/// Verdict and answer beside each other.
fn halves(scene: &Scene<'_>, call: Option<&Call>, canvas: &mut Canvas<'_>, area: Rect) {
    let half = Rect {
        width: area.width / 2,
        ..area
    };
    let other = Rect {
        x: half.right(),
        width: area.width - half.width,
        ..area
    };
    let judged = call.and_then(|call| scene.view.judged(call));
    let left = room(canvas, half, &verdict::title(judged));
    let right = room(canvas, other, &answer::title(scene, call));
    if let Some(call) = call {
        verdict::draw(scene, call, judged, canvas, left);
        answer::draw(scene, call, canvas, right);
    } else {
        let quiet = canvas.roles().quiet;
        Pen::new(canvas, left).text(start::VERDICT, quiet, 4);
        Pen::new(canvas, right).text(start::ANSWER, quiet, 4);
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
