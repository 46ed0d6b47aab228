//! The time axis of one call: seconds to cells, and what each cell of an attempt's bar means.

use crate::domain::{
    time::{Time, seconds_between},
    timeline::{Attempt, Call},
};

/// Ends that an axis may have, seconds: it grows in steps, so that nothing shifts from frame to frame.
const ENDS_S: &[f64] = &[
    2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 240.0, 300.0, 450.0, 600.0,
    900.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 43_200.0, 86_400.0,
];

/// Distances between two labels, seconds.
const TICKS_S: &[f64] = &[
    0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0,
    7_200.0, 21_600.0,
];

/// What one cell of a bar means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Nothing happens.
    Blank,
    /// A request is out, no token yet.
    InFlight,
    /// Tokens arrive.
    Tokens,
    /// The policy sleeps.
    Wait,
    /// The policy will sleep.
    Planned,
    /// What the server asked for ends here.
    Hint,
    /// That lies beyond the right edge.
    HintBeyond,
}

/// A part of a call's time, laid over cells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// Second of the left edge, counted from the beginning of the call.
    pub from: f64,
    /// Second of the right edge; greater.
    pub to: f64,
    /// Cells; at least 1.
    pub cells: u16,
}

/// How far a call and its axis reach, seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extent {
    /// Where there is nothing more to see.
    pub end: f64,
    /// Where the axis ends.
    pub axis: f64,
}

/// Seconds that the whole of a call takes on an axis: what has been, the planned wait, and the hint
/// unless that is far out.
pub fn whole_s(call: &Call, now: Time) -> Extent {
    let since = |at: Time| seconds_between(call.began_at, at);
    let mut end = call.elapsed_s(now);
    if let (true, Some(last)) = (call.is_open(), call.attempts.last()) {
        end = end.max(last.next_due().map_or(0.0, since));
    }
    let near = (end * 3.0).max(60.0);
    let hints = call.attempts.iter().filter_map(Attempt::hint_until);
    let hint = hints.map(since).filter(|s| *s <= near).fold(0.0, f64::max);
    Extent::of(end.max(hint))
}

impl Extent {
    /// The axis for that much: the next of the ends that an axis may have.
    pub fn of(end: f64) -> Self {
        let step = ENDS_S.iter().copied().find(|step| *step >= end * 1.02);
        let axis = step.unwrap_or_else(|| (end / 86_400.0).ceil().min(1e6) * 86_400.0);
        Self { end, axis }
    }
}

impl Axis {
    /// An axis from second `from` to second `to` on that many cells.
    pub fn new((from, to): (f64, f64), cells: u16) -> Self {
        Self {
            from,
            to: to.max(from + 1e-3),
            cells: cells.max(1),
        }
    }

    fn per_cell(&self) -> f64 {
        (self.to - self.from) / f64::from(self.cells)
    }

    /// Seconds that a cell covers: from, to.
    pub fn span(&self, cell: u16) -> (f64, f64) {
        let from = self.from + self.per_cell() * f64::from(cell);
        (from, from + self.per_cell())
    }

    /// The cell of a second, if it is on the axis.
    pub fn cell(&self, s: f64) -> Option<u16> {
        let at = ((s - self.from) / self.per_cell()).floor();
        (at >= 0.0 && at < f64::from(self.cells)).then_some(at as u16)
    }

    /// Labels with the cell of their first character; they never overlap nor leave the axis.
    pub fn ticks(&self) -> Vec<(u16, String)> {
        let least = self.per_cell() * 7.0;
        let step = TICKS_S
            .iter()
            .copied()
            .find(|step| *step >= least)
            .unwrap_or(86_400.0);
        let mut ticks = Vec::new();
        let mut free = 0;
        let mut at = (self.from / step).ceil() * step;
        while at < self.to && ticks.len() < usize::from(self.cells) {
            let label = label(at, step);
            let width = label.len() as u16;
            if let Some(cell) = self
                .cell(at + 1e-9)
                .filter(|cell| *cell >= free && cell + width <= self.cells)
            {
                free = cell + width + 1;
                ticks.push((cell, label));
            }
            at += step;
        }
        ticks
    }

    /// The bar of one attempt: `next` is when the attempt after it left. The cell in which it left is
    /// always marked, so that no attempt is too short to be seen.
    pub fn bar(&self, call: &Call, attempt: &Attempt, next: Option<Time>, now: Time) -> Vec<Mark> {
        let since = |at: Time| seconds_between(call.began_at, at);
        let now = since(call.closed_at.map_or(now, |closed| closed.min(now)));
        let next = next.map(since);
        let sent = since(attempt.sent_at);
        let ended = attempt.ended_at.map(since);
        let end = ended.or(attempt.duration_s.map(|s| sent + s));
        let end = end.or(next).unwrap_or(now).max(sent);
        let tokens = attempt.first_token_s.map_or(end, |s| sent + s);
        // A cell in which the answer came shows that; one in which nothing came yet does not.
        let arrived = attempt.first_token_s.is_some() || attempt.head_at.is_some();
        let asleep = attempt.asleep_since().map(since);
        let due = attempt.next_due().map(since);
        let awake = next.or(due.map(|due| due.min(now)));
        let planned = due.filter(|_| next.is_none() && call.is_open());
        let hint = attempt.hint_until().map(since);
        let home = self.cell(sent);
        (0..self.cells)
            .map(|cell| {
                let (a, b) = self.span(cell);
                let overlaps = |from: f64, to: f64| from < b && to > a;
                let middle = f64::midpoint(a, b);
                let waits = !arrived && overlaps(sent, end);
                if home == Some(cell) || waits || (sent..tokens).contains(&middle) {
                    Mark::InFlight
                } else if overlaps(tokens, end) {
                    Mark::Tokens
                } else if hint.is_some_and(|hint| (a..b).contains(&hint)) {
                    Mark::Hint
                } else if cell + 1 == self.cells && hint.is_some_and(|hint| hint >= b) {
                    Mark::HintBeyond
                } else if asleep
                    .zip(awake)
                    .is_some_and(|(from, to)| overlaps(from, to))
                {
                    Mark::Wait
                } else if planned.is_some_and(|due| overlaps(now, due)) {
                    Mark::Planned
                } else {
                    Mark::Blank
                }
            })
            .collect()
    }
}

fn label(s: f64, step: f64) -> String {
    if step < 1.0 {
        return format!("{s:.1}s");
    }
    let s = s.round() as u64;
    match (s, step as u64) {
        (_, ..60) if s < 100 => format!("{s}s"),
        (_, 60..) if s.is_multiple_of(3_600) && s > 0 => format!("{}h", s / 3_600),
        (_, 60..) if s.is_multiple_of(60) => format!("{}m", s / 60),
        _ => format!("{}m{:02}", s / 60, s % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::timeline::{
        Timeline,
        fixtures::{refused_then_ok, t},
    };
    use proptest::prelude::*;

    #[test]
    fn labels_are_where_their_seconds_are() {
        let axis = Axis::new((0.0, 30.0), 48);
        let labels: Vec<_> = axis.ticks();
        assert_eq!(labels[0], (0, "0s".into()));
        assert_eq!(labels[1], (8, "5s".into()));
        assert_eq!(label(90.0, 30.0), "90s");
        assert_eq!(label(150.0, 30.0), "2m30");
        assert_eq!(label(7_200.0, 3_600.0), "2h");
        assert_eq!(label(0.5, 0.5), "0.5s");
    }

    #[test]
    fn a_bar_says_what_happened_in_each_cell() {
        let mut timeline = Timeline::new(1);
        for seen in refused_then_ok(1, 4.0) {
            timeline.absorb(&seen);
        }
        let call = timeline.calls().next().unwrap();
        let [first, second] = call.attempts.as_slice() else {
            panic!("two attempts")
        };
        let axis = Axis::new((0.0, 8.0), 16);
        let bar = |attempt, next| -> String {
            let marks = axis.bar(call, attempt, next, t(60.0));
            marks
                .iter()
                .map(|mark| match mark {
                    Mark::Blank => ' ',
                    Mark::InFlight => '>',
                    Mark::Tokens => '#',
                    Mark::Wait => '/',
                    Mark::Planned => '.',
                    Mark::Hint => '|',
                    Mark::HintBeyond => '+',
                })
                .collect()
        };
        assert_eq!(bar(first, Some(second.sent_at)), ">////////      +");
        assert_eq!(bar(second, None), "        >###    ");
    }

    #[test]
    fn a_request_without_an_answer_is_in_flight_up_to_now() {
        let mut timeline = Timeline::new(1);
        for seen in &refused_then_ok(1, 4.0)[..2] {
            timeline.absorb(seen);
        }
        let call = timeline.calls().next().unwrap();
        let axis = Axis::new((0.0, 8.0), 8);
        let marks = axis.bar(call, &call.attempts[0], None, t(2.5));
        assert_eq!(marks[..3], [Mark::InFlight; 3]);
        assert_eq!(marks[3..], [Mark::Blank; 5]);
    }

    proptest! {
        #[test]
        fn every_cell_covers_its_seconds_and_ticks_do_not_overlap(
            from in 0.0_f64..1e5, span in 1e-3_f64..1e6, cells in 0_u16..300, at in 0.0_f64..1.0,
        ) {
            let axis = Axis::new((from, from + span), cells);
            let s = from + span * at;
            if let Some(cell) = axis.cell(s) {
                let (a, b) = axis.span(cell);
                let slack = span * 1e-6 + 1e-9;
                prop_assert!(a - slack <= s && s <= b + slack);
            }
            let mut free = 0;
            for (cell, label) in axis.ticks() {
                prop_assert!(cell >= free);
                free = cell + label.len() as u16;
                prop_assert!(free <= axis.cells);
            }
        }
    }
}
