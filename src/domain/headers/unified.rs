//! `anthropic-ratelimit-unified-*`: subscription windows, with epoch seconds and utilizations.

use super::{
    Unified, Window,
    parse::{Line, finite, instant},
};
use crate::domain::clean::clean;

/// Subscription windows kept of one head.
const WINDOWS: usize = 16;

/// What the lines say, each with its name after `anthropic-ratelimit-unified-`; the rest goes to
/// `unknown`.
pub(super) fn unified<'a>(
    lines: &[(String, Line<'a>)],
    unknown: &mut Vec<Line<'a>>,
) -> Option<Unified> {
    let mut unified = Unified::default();
    let mut understood = false;
    for (rest, line) in lines {
        let done = match rest.as_str() {
            "status" => fill(&mut unified.status, line.text()),
            "reset" => fill(&mut unified.reset, line.ascii().and_then(instant)),
            "representative-claim" => fill(&mut unified.representative, line.text()),
            "overage-status" => fill(&mut unified.overage_status, line.text()),
            "overage-disabled-reason" => fill(&mut unified.overage_disabled_reason, line.text()),
            other => window(&mut unified.windows, other, *line),
        };
        understood |= done;
        if !done {
            unknown.push(*line);
        }
    }
    understood.then_some(unified)
}

/// `5h-utilization` and the like. False when the header is none of a window's, or says nothing.
fn window(windows: &mut Vec<Window>, tail: &str, line: Line<'_>) -> bool {
    let Some((name, suffix)) = tail.rsplit_once('-') else {
        return false;
    };
    // `overage-…` is about money, not about a window.
    if name.is_empty() || name == "overage" {
        return false;
    }
    let status = (suffix == "status").then(|| line.text()).flatten();
    let reset = (suffix == "reset")
        .then(|| line.ascii().and_then(instant))
        .flatten();
    let utilization = (suffix == "utilization")
        .then(|| line.ascii().and_then(utilization))
        .flatten();
    if status.is_none() && reset.is_none() && utilization.is_none() {
        return false;
    }
    let name = clean(name, 40);
    let place = windows.iter().position(|window| window.name == name);
    if place.is_none() {
        if windows.len() == WINDOWS {
            return false;
        }
        windows.push(Window {
            name,
            status: None,
            utilization: None,
            reset: None,
        });
    }
    let place = place.unwrap_or(windows.len() - 1);
    let Some(window) = windows.get_mut(place) else {
        return false;
    };
    fill(&mut window.status, status)
        | fill(&mut window.reset, reset)
        | fill(&mut window.utilization, utilization)
}

/// Keeps the first value; whether there was one to keep.
fn fill<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    let there = value.is_some();
    if place.is_none() {
        *place = value;
    }
    there
}

/// 0 to 1, may exceed 1, and may print "-0.0".
fn utilization(text: &str) -> Option<f64> {
    finite(text)
        .filter(|share| *share >= 0.0)
        .map(|share| share + 0.0)
}
