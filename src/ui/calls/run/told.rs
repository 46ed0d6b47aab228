//! A run in words: an attempt of it, its policy's rule, what the marks mean, how it stands.

use super::{cells::Cell, lanes::Picture};
use crate::{
    domain::{
        advice,
        load::{
            lane::{Bar, Ending},
            run::Run,
        },
        time::Time,
    },
    ui::{
        calls::{
            Scene,
            pen::{clipped, cut, width, wrap},
            words,
        },
        format::count,
        theme::Roles,
    },
};
use ratatui::style::Style;
use std::fmt::Write as _;

impl Picture<'_> {
    /// The selected attempt and the policy's rule: as many lines as there are, one fewer where that leaves
    /// room to say what the marks mean.
    pub(super) fn words(
        &self,
        scene: &Scene<'_>,
        lines: usize,
        columns: usize,
    ) -> Vec<(String, Pick)> {
        let mut words: Vec<(String, Pick)> = Vec::new();
        let view = &scene.view.run;
        if let (true, Some(bar)) = (view.worker.is_some() && self.selected, view.bar(self.run)) {
            let worker = view.worker(self.run) + 1;
            let text = format!("worker {worker}: {}", told(bar, self.now_s(scene)));
            let style: Pick = if bar.early { |r| r.bad } else { |r| r.text };
            words.push((cut(&text, columns), style));
        }
        let policy = self.run.asked.order.policy;
        let mut rule = format!("{}: {}", policy.name(), policy.rule());
        if let Some(pacing) = self.run.asked.pacing {
            let _ = write!(rule, "; pacing {pacing}: {}", pacing.rule());
        }
        let style: Pick = if policy.ignores_hint() {
            |r| r.tight
        } else {
            |r| r.quiet
        };
        if words.len() < lines {
            let room = if lines - words.len() > 2 { 2 } else { 1 };
            for line in clipped(wrap(&rule, columns), room, columns) {
                words.push((line, style));
            }
        }
        words.truncate(lines);
        words
    }
}

pub(super) type Pick = fn(&Roles) -> Style;

/// What the marks mean, as many of them as fit.
pub(super) fn legend(roles: &Roles, paced: bool, columns: usize) -> Vec<(&'static str, Style)> {
    let marks = [
        (Cell::InFlight, " in flight   "),
        (Cell::Answer, " answer   "),
        (Cell::Refused, " refused   "),
        (Cell::Slept, " slept   "),
        (Cell::Held, " paced   "),
        (Cell::Asked, ""),
        (Cell::Hint, " asked   "),
        (Cell::Early, " early   "),
        (Cell::GaveUp, " gave up"),
    ];
    let mut legend = Vec::new();
    let mut used = 0;
    for (mark, word) in marks {
        if mark == Cell::Held && !paced {
            continue;
        }
        let Some(glyph) = mark.glyph(roles) else {
            continue;
        };
        used += 1 + width(word);
        if used > columns {
            break;
        }
        legend.extend([glyph, (word, roles.quiet)]);
    }
    legend
}

/// One attempt in words: what the server asked, what the policy chose, how long it slept.
pub(super) fn told(bar: &Bar, now: f64) -> String {
    let mut parts = vec![format!("attempt {} of call {}", bar.n, bar.call + 1)];
    if let Some((_, gate)) = bar.held.filter(|_| bar.held_s() >= 0.001) {
        let held = words::span(bar.held_s().into());
        parts.push(format!("held {held} for {}", gate.short()));
    }
    parts.push(match bar.ending {
        Ending::Open if bar.answer_s.is_some() => "the answer comes".to_owned(),
        Ending::Open => "in flight".to_owned(),
        Ending::Answered => "answered".to_owned(),
        Ending::Cancelled => "cancelled".to_owned(),
        Ending::Failed(cause) if bar.broken => {
            format!("broke after a 200: {}", advice::short(cause))
        }
        Ending::Failed(cause) => format!("refused: {}", advice::short(cause)),
    });
    if matches!(bar.ending, Ending::Failed(_)) {
        parts.push(match bar.asked_s {
            Some(asked) => format!("asked {}", words::span(asked.into())),
            None => "asked nothing".to_owned(),
        });
    }
    if let (Some(due), Some(asleep)) = (bar.due_s, bar.asleep_s)
        && !bar.gave_up
    {
        parts.push(format!(
            "chose {}",
            words::span((due - asleep).max(0.0).into())
        ));
        match bar.slept_s() {
            Some(slept) => parts.push(format!("slept {}", words::span(slept.into()))),
            None if bar.waits() => {
                let left = words::countdown(f64::from(due) - now);
                parts.push(format!("next in {left}"));
            }
            None => {}
        }
    }
    if let (true, Some(hint), Some(next)) = (bar.early, bar.hint_s, bar.next_s) {
        parts.push(format!("{} EARLY", words::span((hint - next).into())));
    }
    if bar.gave_up {
        parts.push("gave up".to_owned());
    }
    parts.join(" · ")
}

/// The moment of the run's end, or now, for its title.
pub(super) fn state(run: &Run, now: Time) -> String {
    let elapsed = run.elapsed_s(now);
    if run.is_open() {
        let busy = run.busy();
        let over = run.summary().logical;
        let held = if run.held { "HELD · " } else { "" };
        let paced = match busy.held {
            0 => String::new(),
            n => format!(" · {n} held back"),
        };
        return format!(
            "{held}{} over · {} out · {} wait{paced} · {:.0} s",
            count(over),
            busy.in_flight,
            busy.waiting,
            elapsed.floor()
        );
    }
    let took = words::span(elapsed);
    if run.faulted {
        return format!("ended by a fault after {took}");
    }
    match (&run.unsent, run.cancelled) {
        (Some(_), _) => format!("ended by the spend guard after {took}"),
        (None, true) => format!("cancelled after {took}"),
        (None, false) => format!("over in {took}"),
    }
}
