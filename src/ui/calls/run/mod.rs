//! A run of many calls on screen: a lane for each worker on one time axis, starts and the limit's level
//! beneath, the result; or two runs above each other on the same axis.
//!
//! To add a mark to the lanes: a variant of [`cells::Cell`] in its order, its glyph there. To add a
//! figure: a line in `result.rs`, and in `versus.rs` if two runs can be told apart by it.

pub mod cells;
mod lanes;
mod latencies;
mod models;
mod result;
mod told;
mod tracks;
mod versus;

use super::{
    Scene, margin,
    pen::{cut, width},
    room,
};
use crate::{
    domain::{
        load::{run::Run, spread::By, words as spoken},
        number::thousands,
    },
    ui::canvas::Canvas,
};
use axis::Extent;
use lanes::Picture;
use ratatui::layout::Rect;
use std::fmt::Write as _;

use super::axis;

/// Rows of the result's box.
const RESULT: u16 = 12;

/// Rows of a box of lanes that still has two of them, its axis, the starts and the level.
const FEW_LANES: u16 = 7;

/// Draws a run where there is room for boxes.
pub(super) fn draw(scene: &Scene<'_>, run: &Run, canvas: &mut Canvas<'_>, area: Rect) {
    let other = scene.view.run.other(run, &scene.profile.runs);
    if let Some(other) = other {
        pair(scene, [run, other], canvas, area);
        return;
    }
    let most = area.height.saturating_sub(FEW_LANES);
    let lines = result::lines(run).min(most);
    let result = RESULT.min(area.height * 2 / 5).max(lines);
    let lanes = Rect {
        height: area.height - result,
        ..area
    };
    let tail = match lanes.height {
        20.. => 3,
        13.. => 2,
        10.. => 1,
        _ => 0,
    };
    let extent = cells::extent(run, scene.now);
    boxed(
        scene,
        run,
        &title(scene, run),
        extent,
        (true, run.asked.pacing.is_some(), tail),
        canvas,
        lanes,
    );
    let under = Rect {
        y: lanes.bottom(),
        height: result,
        ..area
    };
    let inner = room(canvas, under, "Result");
    result::draw(scene, run, canvas, inner);
}

/// Two runs on one axis, and their figures side by side.
fn pair(scene: &Scene<'_>, runs: [&Run; 2], canvas: &mut Canvas<'_>, area: Rect) {
    let table = 11.min(area.height / 3);
    let each = (area.height - table) / 2;
    let extent = both(scene, runs);
    let held = runs.iter().any(|run| run.asked.pacing.is_some());
    for (at, run) in runs.into_iter().enumerate() {
        let part = Rect {
            y: area.y + at as u16 * each,
            height: each,
            ..area
        };
        let rule = run.asked.order.policy.rule();
        let name = format!(
            "{} · {} workers · {rule}",
            versus::title(run),
            run.asked.plan.workers
        );
        boxed(scene, run, &name, extent, (at == 0, held, 0), canvas, part);
    }
    let under = Rect {
        y: area.y + 2 * each,
        height: area.height - 2 * each,
        ..area
    };
    let inner = room(canvas, under, "Side by side");
    versus::draw(scene, runs, canvas, inner);
}

fn both(scene: &Scene<'_>, runs: [&Run; 2]) -> Extent {
    let [a, b] = runs.map(|run| cells::extent(run, scene.now));
    Extent::of(a.end.max(b.end))
}

/// The box of a run's lanes: its name at the left of the border, how it stands at the right.
fn boxed(
    scene: &Scene<'_>,
    run: &Run,
    title: &str,
    extent: Extent,
    (selected, held, tail): (bool, bool, u16),
    canvas: &mut Canvas<'_>,
    area: Rect,
) {
    let state = format!(" {} ", told::state(run, scene.now));
    let free = usize::from(area.width).saturating_sub(width(&state) + 7);
    let inner = margin(room(canvas, area, &cut(title, free)));
    let roles = *canvas.roles();
    let style = if run.is_open() {
        roles.mine
    } else {
        roles.quiet
    };
    canvas.put_right(
        area.x + 1,
        area.y,
        &state,
        style,
        area.right().saturating_sub(2),
    );
    let picture = Picture {
        run,
        extent,
        selected,
        held,
        tail,
    };
    picture.draw(scene, canvas, inner);
}

/// `Run 2 hint-jitter · 32 workers, 64 calls · Sonnet 5.5`.
fn title(scene: &Scene<'_>, run: &Run) -> String {
    let plan = &run.asked.plan;
    let mut what = match plan.workers {
        1 => "1 worker".to_owned(),
        n => format!("{n} workers"),
    };
    if let Some(rate) = plan.rate {
        let _ = write!(what, " at {}", spoken::rate(rate));
    }
    let _ = match (plan.duration_s, plan.calls) {
        (Some(duration_s), _) => write!(what, " for {}", spoken::span(duration_s)),
        (None, Some(calls)) => write!(what, ", {} calls", thousands(calls.into())),
        (None, None) => Ok(()),
    };
    format!(
        "Run {} · {what} · {}",
        versus::title(run),
        whither(scene, run)
    )
}

/// `Sonnet 5.5`, `4 models by headroom`.
fn whither(scene: &Scene<'_>, run: &Run) -> String {
    let Some(spread) = &run.asked.spread else {
        return scene.pool_name(&run.asked.order.model);
    };
    let by = match spread.by {
        By::Share => "share",
        By::Headroom => "headroom",
    };
    format!("{} models by {by}", spread.parts.len())
}

/// Where there is no room for boxes: the name, a few lanes, one line of the result.
pub(super) fn small(scene: &Scene<'_>, run: &Run, canvas: &mut Canvas<'_>, area: Rect) {
    use super::pen::Pen;
    let roles = *canvas.roles();
    let columns = usize::from(area.width);
    if let Some(other) = scene.view.run.other(run, &scene.profile.runs) {
        versus::draw(scene, [run, other], canvas, area);
        return;
    }
    let mut pen = Pen::new(canvas, area);
    let name = format!("{} · {}×", versus::title(run), run.asked.plan.workers);
    pen.line(&[(&name, roles.title)]);
    let state = cut(&told::state(run, scene.now), columns);
    pen.line(&[(&state, roles.mine)]);
    let (text, style) = result::sentence(run, pen.canvas);
    let body = Rect {
        y: area.y + 2.min(area.height),
        height: area.height.saturating_sub(3),
        ..area
    };
    let picture = Picture {
        run,
        extent: cells::extent(run, scene.now),
        selected: true,
        held: run.asked.pacing.is_some(),
        tail: 0,
    };
    picture.draw(scene, canvas, body);
    let last = Rect {
        y: body.bottom(),
        height: 1,
        ..area
    };
    Pen::new(canvas, last.intersection(area)).line(&[(&cut(&text, columns), style)]);
}
