//! Calls as one line each, newest first.

use super::{Scene, batch, pen::Pen, words};
use crate::{
    app::calls::view::Item,
    domain::{
        clean::clean,
        load::run::Run,
        observation::CallResult,
        time::seconds_between,
        timeline::{Call, Doing},
    },
    ui::{canvas::Canvas, format, theme::Roles},
};
use ratatui::{layout::Rect, style::Style};

/// Draws the list; the shown call is marked.
pub(super) fn draw(scene: &Scene<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let view = scene.view;
    let (timeline, runs) = (&scene.profile.timeline, &scene.profile.runs);
    let listed = view.items(timeline, runs);
    let shown = view.item(timeline, runs).map(|item| item.id());
    let mut pen = Pen::new(canvas, area);
    if listed.is_empty() {
        let calls = scene.profile.timeline.calls();
        let others = calls.filter(|call| !call.is_own()).count();
        // Where there is no room for both, what can be done comes first.
        if others == 0 || area.height >= 4 {
            let none = if scene.profile.card.can_call {
                "No calls yet: Enter sends the one above."
            } else {
                "No calls of this screen."
            };
            pen.pair("", 1, none, roles.quiet, 2);
        }
        if others > 0 {
            if area.height >= 4 {
                pen.skip();
            }
            let calls = if others == 1 { "call" } else { "calls" };
            let text = format!(" shows {others} {calls} of others");
            pen.line(&[(" ", roles.quiet), ("o", roles.key), (&text, roles.quiet)]);
        }
        return;
    }
    let rows = usize::from(pen.left()).max(1);
    let at = listed
        .iter()
        .position(|item| Some(item.id()) == shown)
        .unwrap_or(0);
    let first = (at + 1).saturating_sub(rows);
    for item in listed.into_iter().skip(first).take(rows) {
        let here = pen.here();
        let marked = Some(item.id()) == shown;
        if marked && here.height > 0 {
            pen.canvas.tint(here, roles.select);
        }
        let clock = format::clock(item.began_at(), scene.offset);
        let ((who, who_style), (state, style)) = match item {
            Item::Run(run) => ((name(run), roles.mine), run_state(run, &roles)),
            Item::Batch(work) => {
                let name = format!("{} batch {}×", work.number, work.asked.requests);
                ((name, roles.mine), batch::state(work, &roles))
            }
            Item::Call(call) if call.is_own() => {
                let model = clean(call.model.as_str(), 60);
                let model = model.strip_prefix("claude-").unwrap_or(&model).to_owned();
                ((model, roles.mine), state(call, scene, &roles))
            }
            Item::Call(call) => (
                (clean(call.client.as_str(), 60), roles.others),
                state(call, scene, &roles),
            ),
        };
        let mark = if marked { "▸" } else { " " };
        let fixed = 1 + 9 + state.chars().count() as u16 + 1;
        let room = usize::from(pen.width().saturating_sub(fixed));
        let who = if super::pen::width(&who) > room {
            clean(&who, room.saturating_sub(1))
        } else {
            who
        };
        pen.line(&[
            (mark, roles.accent),
            (&clock, roles.quiet),
            (" ", roles.quiet),
            (&who, who_style),
        ]);
        pen.right_of_last(&state, style);
    }
}

/// `2 hint-jitter 32×`.
fn name(run: &Run) -> String {
    format!(
        "{} {} {}×",
        run.number,
        run.policy(),
        run.asked.plan.workers
    )
}

/// How a run stands, in a few characters.
fn run_state(run: &Run, roles: &Roles) -> (String, Style) {
    let s = run.summary();
    if run.is_open() {
        return (format!("{} over", format::count(s.logical)), roles.mine);
    }
    if run.cancelled {
        return ("cancelled".to_owned(), roles.tight);
    }
    if run.faulted {
        return ("a fault".to_owned(), roles.bad);
    }
    if s.failed > s.unsent {
        let failed = format::count(s.failed - s.unsent);
        return (format!("{failed} failed"), roles.bad);
    }
    if run.unsent.is_some() {
        return ("cut short".to_owned(), roles.bad);
    }
    (format!("{} ok", format::count(s.ok)), roles.good)
}

/// How a call stands, in a few characters.
fn state(call: &Call, scene: &Scene<'_>, roles: &Roles) -> (String, Style) {
    let tries = call.tries();
    let early = if call.early_retries() > 0 {
        " EARLY"
    } else {
        ""
    };
    match call.doing() {
        Doing::Over(CallResult::Ok) if tries < 2 => (format!("ok{early}"), roles.good),
        Doing::Over(CallResult::Ok) => (format!("{tries}× ok{early}"), roles.good),
        Doing::Over(CallResult::Failed) => (format!("{tries}× failed{early}"), roles.bad),
        Doing::Over(CallResult::Cancelled) => ("cancelled".to_owned(), roles.tight),
        Doing::Waiting(due) => {
            let left = words::countdown(seconds_between(scene.now, due));
            (format!("waits {left}"), roles.hint)
        }
        Doing::Held(hold) => (format!("for {}", hold.gate.short()), roles.mine),
        Doing::InFlight | Doing::Receiving | Doing::Deciding => {
            ("in flight".to_owned(), roles.mine)
        }
    }
}
