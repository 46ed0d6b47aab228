//! Tab 2 where there is less room: in boxes without the form, or without boxes.

use super::{
    Scene, attempts, batch, cost, margin, one,
    pen::{self, Pen},
    request, room, run, words,
};
use crate::{
    domain::clean::clean,
    ui::{brief::brief, canvas::Canvas},
};
use ratatui::layout::Rect;

/// The form in two lines; timeline; verdict and answer beside each other.
pub(super) fn medium(scene: &Scene<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    if let Some(run) = scene.compared() {
        run::draw(scene, run, canvas, area);
        over(scene, canvas, area);
        return;
    }
    let form = Rect { height: 4, ..area };
    let inner = room(canvas, form, "Request");
    summary(scene, canvas, inner);
    let under = Rect {
        y: form.bottom(),
        height: area.height - 4,
        ..area
    };
    if let Some(run) = scene.run() {
        run::draw(scene, run, canvas, under);
        over(scene, canvas, area);
        return;
    }
    if let Some(work) = scene.batch() {
        batch::draw(scene, work, canvas, under);
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
    one::timeline(scene, call, canvas, top);
    one::halves(
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
pub(super) fn small(scene: &Scene<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    if let Some(run) = scene.run() {
        run::small(scene, run, canvas, area);
        over(scene, canvas, area);
        return;
    }
    if let Some(work) = scene.batch() {
        batch::small(scene, work, canvas, area);
        over(scene, canvas, area);
        return;
    }
    let roles = *canvas.roles();
    let (price, may) = cost::price(scene);
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
            let card = &scene.profile.card;
            let why = card.cannot_call_because.as_deref();
            let why = why.filter(|_| !card.can_call);
            let text = why.unwrap_or("Enter sends the call, e edits it.");
            pen.text(text, roles.text, 5);
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
                (None, Some(verdict)) => {
                    Some(brief(&verdict.sentence, area.width.into()).into_owned())
                }
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
    let (price, may) = cost::price(scene);
    let mut pen = Pen::new(canvas, area);
    pen.line(&[(&request::one_line(scene), roles.strong)]);
    let spend = &scene.profile.card.spend;
    let cost = if spend.free {
        price
    } else {
        format!("{price} · today {}", cost::today(scene))
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
        cost::keys(scene, &mut Pen::new(canvas, line));
    }
    request::draw(scene, canvas, if boxed { margin(fields) } else { fields });
}
