//! What stands beneath the attempts of a call: what happens now, why, and the policy's rule.

use super::{
    Scene,
    pen::{clipped, wrap},
    words,
};
use crate::{
    domain::{
        clean::clean,
        observation::CallResult,
        retry::{Action, Decision, Policy},
        time::seconds_between,
        timeline::{Call, Doing},
    },
    ui::theme::Roles,
};
use ratatui::style::Style;

pub(super) type Pick = fn(&Roles) -> Style;

/// What happens now, why, and the policy's rule.
pub(super) fn tail(
    scene: &Scene<'_>,
    call: &Call,
    (room, tall): (usize, bool),
    columns: usize,
) -> Vec<(String, Pick)> {
    let mut tail: Vec<(String, Pick)> = Vec::new();
    let (now, style) = doing(scene, call);
    tail.push((fit_front(&now, columns), style));
    let view = scene.view;
    let decided = match view.attempt {
        Some(_) => view.attempt(call),
        None => call
            .attempts
            .iter()
            .rev()
            .find(|attempt| attempt.decision.is_some()),
    };
    if let Some((attempt, decision)) = decided.and_then(|a| Some((a, a.decision.as_ref()?))) {
        let lines = room.saturating_sub(1).min(3);
        // A second line is worth the row of an old attempt.
        let most = if tall { lines.max(2) } else { lines };
        let why = why(attempt.n, decision, (lines, most), columns);
        tail.extend(
            clipped(wrap(&why, columns), most, columns)
                .into_iter()
                .map(|line| (line, (|r| r.text) as Pick)),
        );
    }
    if tail.len() < room && !call.policy.is_empty() {
        let rule = policy(scene, call).map_or("as the config file defines it", Policy::rule);
        let rule = format!("{}: {rule}", clean(&call.policy, 40));
        tail.extend(
            clipped(wrap(&rule, columns), room - tail.len(), columns)
                .into_iter()
                .map(|line| (line, (|r| r.quiet) as Pick)),
        );
    }
    tail
}

/// Why it waits or stops, after which attempt: in as many words as fit into so many lines, or into as many
/// as there may be. How long it waits, and what came too early, stands in the attempt's row, too.
fn why(n: u32, decision: &Decision, (lines, most): (usize, usize), columns: usize) -> String {
    let reason = clean(&decision.reason, 200);
    let verb = match decision.action {
        Action::Retry => format!("waits {}", words::span(decision.wait_s)),
        Action::Stop => "stops".to_owned(),
    };
    let long = format!("after {n}: {verb}, {reason}");
    let short = format!("after {n}: {reason}");
    if decision.action == Action::Stop {
        return long;
    }
    let fits = |why: &str, lines: usize| wrap(why, columns).len() <= lines;
    if fits(&short, lines) && !fits(&long, lines) {
        return short;
    }
    let brief = reason.replace("the server asked", "asked");
    let first = brief.split(';').next().unwrap_or_default().to_owned();
    let fewer = [
        long.clone(),
        format!("after {n}: {brief}"),
        brief,
        format!("after {n}: {first}"),
        first,
    ];
    let fitting = fewer.into_iter().find(|why| fits(why, most));
    fitting.unwrap_or(long)
}

/// The policy of a call, built in or of the config file.
fn policy(scene: &Scene<'_>, call: &Call) -> Option<Policy> {
    let known = scene.calls.form().policies.iter().copied();
    known
        .chain(Policy::ALL.iter().copied())
        .find(|it| it.name() == call.policy)
}

/// Parts joined, without the last ones as long as all do not fit.
fn fit_front(parts: &[String], columns: usize) -> String {
    let fitting = (1..=parts.len()).rev().map(|to| parts[..to].join(" · "));
    let mut fitting = fitting.skip_while(|line| super::pen::width(line) > columns);
    fitting
        .next()
        .or_else(|| parts.first().cloned())
        .unwrap_or_default()
}

/// What the call does now, and totals.
fn doing(scene: &Scene<'_>, call: &Call) -> (Vec<String>, Pick) {
    let elapsed = call.elapsed_s(scene.now);
    let tries = call.tries();
    let (what, style): (String, Pick) = match call.doing() {
        Doing::InFlight => ("in flight".to_owned(), |r| r.mine),
        Doing::Receiving => ("the answer arrives".to_owned(), |r| r.good),
        Doing::Deciding if call.may_come_back_since().is_some() => {
            ("the client may come back".to_owned(), |r| r.hint)
        }
        Doing::Deciding => ("deciding".to_owned(), |r| r.text),
        Doing::Waiting(due) => {
            let left = words::countdown(seconds_between(scene.now, due));
            (format!("next attempt in {left}"), |r| r.hint)
        }
        Doing::Held(hold) => (format!("held back for {}", hold.gate.short()), |r| r.mine),
        Doing::Over(CallResult::Ok) => ("answered".to_owned(), |r| r.good),
        Doing::Over(CallResult::Failed) => ("gave up".to_owned(), |r| r.bad),
        Doing::Over(CallResult::Cancelled) => ("cancelled".to_owned(), |r| r.tight),
    };
    let budget = policy(scene, call).and_then(Policy::budget_s);
    // While it runs only whole seconds are shown, so that they tick.
    let elapsed = if call.is_open() && call.may_come_back_since().is_none() {
        format!("{:.0} s", elapsed.floor())
    } else {
        words::span(elapsed)
    };
    let mut parts = vec![what];
    match call.early_retries() {
        0 => {}
        1 => parts.push("1 EARLY retry".to_owned()),
        n => parts.push(format!("{n} EARLY retries")),
    }
    let one = call.allowed.is_none() && tries == 1;
    parts.push(format!(
        "{} attempt{}",
        call.tries_of_allowed(),
        if one { "" } else { "s" }
    ));
    parts.push(match budget {
        Some(budget) => format!("{elapsed} of {budget:.0} s"),
        None => elapsed,
    });
    let hops = call.attempts.len() as u32 - tries.min(call.attempts.len() as u32);
    if hops > 0 {
        parts.push(format!(
            "{hops} turn{} continued",
            if hops == 1 { "" } else { "s" }
        ));
    }
    let slept: f64 = call
        .attempts
        .iter()
        .filter_map(|attempt| attempt.slept_s)
        .sum();
    if slept > 0.0 {
        parts.push(format!("slept {}", words::span(slept)));
    }
    (parts, style)
}
