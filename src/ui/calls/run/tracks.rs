//! Under the lanes, on the same axis: how many attempts left at a time, and what was left of the limit
//! that held them up.

use super::lanes::{Frame, Picture, name};
use crate::{
    domain::{
        limit::Dimension,
        load::{pace::Gate, run::Run},
        verdict::Cause,
    },
    ui::{
        calls::{Scene, axis::Axis, pen::Pen},
        format::{count, percent},
    },
};

const LEVELS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

impl Picture<'_> {
    /// How many attempts left in each cell's time: the most at the same moment.
    pub(super) fn starts(&self, frame: &Frame, scene: &Scene<'_>, pen: &mut Pen<'_, '_>) {
        let roles = *pen.canvas.roles();
        let here = pen.here();
        pen.skip();
        if here.height == 0 {
            return;
        }
        let track = &self.run.track;
        let peaks: Vec<(u32, bool)> = (0..frame.axis.cells)
            .map(|cell| {
                let (a, b) = frame.axis.span(cell);
                (track.peak(a, b), track.any_early(a, b))
            })
            .collect();
        let most = peaks
            .iter()
            .map(|(peak, _)| *peak)
            .max()
            .unwrap_or(0)
            .max(1);
        let end = frame.bars + frame.axis.cells;
        name(pen, here, "starts", frame);
        for (cell, (peak, early)) in peaks.into_iter().enumerate().filter(|(_, p)| p.0 > 0) {
            let step = (f64::from(peak) / f64::from(most) * 8.0)
                .ceil()
                .clamp(1.0, 8.0);
            let style = if early { roles.bad } else { roles.mine };
            let x = frame.bars + cell as u16;
            pen.canvas
                .put(x, here.y, LEVELS[step as usize - 1], style, end);
        }
        if frame.facts > 0 && self.run.herd > 0 {
            let text = format!("herd {} in 100 ms", count(self.run.herd as u64));
            let style = if self.run.herd > 1 {
                roles.text
            } else {
                roles.quiet
            };
            pen.canvas
                .put_right(end + 1, here.y, &text, style, end + 1 + frame.facts);
        }
        let _ = scene;
    }

    /// What was left of the tightest limit.
    pub(super) fn level(&self, frame: &Frame, scene: &Scene<'_>, pen: &mut Pen<'_, '_>) {
        let roles = *pen.canvas.roles();
        let here = pen.here();
        pen.skip();
        let Some(of) = limit(self.run).filter(|_| here.height > 0) else {
            return;
        };
        name(pen, here, of.label(), frame);
        let end = frame.bars + frame.axis.cells;
        let limits = scene.profile.card.thresholds;
        let mut last = None;
        for (cell, (left, projected)) in shares(self.run, of, &frame.axis, self.now_s(scene)) {
            let step = (left * 8.0).floor().clamp(0.0, 7.0) as usize;
            let left = f64::from(left) * 100.0;
            let (read, light) = if left < limits.critical_percent {
                (roles.critical, roles.critical_light)
            } else if left < limits.tight_percent {
                (roles.tight, roles.tight_light)
            } else {
                (roles.calm, roles.calm_light)
            };
            let style = if projected { light } else { read };
            let x = frame.bars + cell;
            pen.canvas.put(x, here.y, LEVELS[step], style, end);
            last = Some((left, projected));
        }
        if let Some((left, projected)) = last.filter(|_| frame.facts > 0) {
            let about = if projected { "~" } else { "" };
            let text = format!("{about}{} left", percent(left));
            pen.canvas
                .put_right(end + 1, here.y, &text, roles.quiet, end + 1 + frame.facts);
        }
    }
}

/// The limit that most refusals named, else the one that most requests were held back for, else the
/// tightest.
fn limit(run: &Run) -> Option<Dimension> {
    let named = run.failed.iter().filter_map(|(cause, n)| {
        let of = match cause {
            Cause::RequestsPerMinute => Dimension::Rpm,
            Cause::InputTokensPerMinute => Dimension::Itpm,
            Cause::OutputTokensPerMinute => Dimension::Otpm,
            Cause::Tokens => Dimension::Combined,
            _ => return None,
        };
        Some((*n, of))
    });
    let most = named.max_by_key(|(n, _)| *n).map(|(_, of)| of);
    let held = run.paced.iter().filter_map(|(gate, waited)| {
        let of = match gate {
            Gate::Requests => Dimension::Rpm,
            Gate::Input => Dimension::Itpm,
            Gate::Output => Dimension::Otpm,
            _ => return None,
        };
        Some((waited.requests, of))
    });
    let held = held.max_by_key(|(n, _)| *n).map(|(_, of)| of);
    most.or(held).or_else(|| run.track.tightest())
}

/// The share left in each cell until now, and whether it is computed from an earlier header.
fn shares(run: &Run, of: Dimension, axis: &Axis, now: f64) -> Vec<(u16, (f32, bool))> {
    let Some(refill_s) = of.refill_seconds() else {
        return Vec::new();
    };
    let mut last = run.track.last(of, axis.from);
    let mut shares = Vec::new();
    for cell in 0..axis.cells {
        let (a, b) = axis.span(cell);
        if a > now {
            break;
        }
        let b = b.min(now);
        if let Some(left) = run.track.least(of, a, b) {
            shares.push((cell, (left, false)));
            last = Some((b, left));
        } else if let Some((at, left)) = last {
            let refilled = f64::from(left) + (b - at).max(0.0) / refill_s;
            shares.push((cell, (refilled.clamp(0.0, 1.0) as f32, true)));
        }
    }
    shares
}
