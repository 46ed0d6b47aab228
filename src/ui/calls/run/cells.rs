//! From the bars of a lane to cells: what happened in each, the most telling thing first.

use crate::{
    domain::{
        load::lane::{Bar, Ending, Lane},
        load::run::Run,
        time::Time,
    },
    ui::{
        calls::axis::{Axis, Extent},
        theme::Roles,
    },
};
use ratatui::style::Style;

/// What one cell of a lane shows. Later ones win over earlier ones in the same cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// Nothing.
    Blank,
    /// The server asked to stay away.
    Asked,
    /// The policy will sleep.
    Planned,
    /// The policy slept.
    Slept,
    /// The run's own pacing holds the request back.
    Held,
    /// What the server asked for ends here.
    Hint,
    /// It ends beyond the right edge.
    HintBeyond,
    /// A request is out.
    InFlight,
    /// An answer comes.
    Answer,
    /// A retry left before the hint had passed.
    Early,
    /// An attempt failed.
    Refused,
    /// A whole answer, the end of its call.
    Done,
    /// Ended from here.
    Cancelled,
    /// The call ended without an answer.
    GaveUp,
}

impl Cell {
    /// Its glyph and style; none where there is nothing.
    pub const fn glyph(self, roles: &Roles) -> Option<(&'static str, Style)> {
        Some(match self {
            Self::Blank => return None,
            Self::Asked => ("┄", roles.hint),
            Self::Planned => ("░", roles.border),
            Self::Slept => ("▚", roles.quiet),
            Self::Held => ("═", roles.text),
            Self::Hint => ("┊", roles.hint),
            Self::HintBeyond => ("›", roles.hint),
            Self::InFlight => ("▌", roles.mine),
            Self::Answer | Self::Done => ("█", roles.good),
            Self::Early => ("◂", roles.bad),
            Self::Refused => ("×", roles.bad),
            Self::Cancelled => ("▪", roles.tight),
            Self::GaveUp => ("■", roles.bad),
        })
    }
}

/// The cells of a lane as of second `now` of its run.
pub fn lane(lane: &Lane, axis: &Axis, now: f64) -> Vec<Cell> {
    let mut cells = vec![Cell::Blank; usize::from(axis.cells)];
    let mut early = false;
    for bar in lane.between(axis.from as f32, axis.to as f32) {
        put(&mut cells, bar, axis, now, early);
        early = bar.early;
    }
    if let Some(pending) = lane.pending {
        for cell in range(axis, f64::from(pending.since_s), now) {
            let cell = &mut cells[usize::from(cell)];
            *cell = (*cell).max(Cell::Held);
        }
    }
    cells
}

fn put(cells: &mut [Cell], bar: &Bar, axis: &Axis, now: f64, early: bool) {
    let mut fill = |from: f64, to: f64, what: Cell| {
        for cell in range(axis, from, to) {
            cells[usize::from(cell)] = cells[usize::from(cell)].max(what);
        }
    };
    let s = |second: f32| f64::from(second);
    let sent = s(bar.sent_s);
    let ended = bar.ended_s.map(s);
    let end = ended.unwrap_or(now).max(sent);
    let answer = bar.answer_s.map_or(end, s);
    if let Some(hint) = bar.hint_s.map(s) {
        fill(end, hint, Cell::Asked);
        if hint >= axis.to && end < axis.to {
            fill(axis.to - 1e-9, axis.to, Cell::HintBeyond);
        } else {
            fill(hint, hint, Cell::Hint);
        }
    }
    if let Some(due) = bar.due_s.map(s).filter(|_| !bar.gave_up) {
        let asleep = bar.asleep_s.map_or(end, s);
        let awake = bar.awake_s.map_or(due.min(now), s);
        fill(asleep, awake, Cell::Slept);
        if bar.waits() {
            fill(now, due, Cell::Planned);
        }
    }
    if let Some((since, _)) = bar.held {
        fill(s(since), sent, Cell::Held);
    }
    fill(sent, answer.min(end), Cell::InFlight);
    if bar.answer_s.is_some() {
        fill(answer, end, Cell::Answer);
    }
    if early {
        fill(sent, sent, Cell::Early);
    }
    match bar.ending {
        Ending::Open => {}
        Ending::Answered => fill(end, end, Cell::Done),
        Ending::Failed(_) => fill(end, end, Cell::Refused),
        Ending::Cancelled => fill(end, end, Cell::Cancelled),
    }
    if bar.cancelled {
        let until = bar.due_s.map_or(end, s);
        fill(until, until, Cell::Cancelled);
    }
    if bar.gave_up {
        fill(end, end, Cell::GaveUp);
    }
}

/// The cells of a span, at least the one in which it begins.
fn range(axis: &Axis, from: f64, to: f64) -> std::ops::Range<u16> {
    if to < axis.from || from >= axis.to {
        return 0..0;
    }
    let per_cell = (axis.to - axis.from) / f64::from(axis.cells);
    let place = |s: f64| ((s - axis.from) / per_cell).clamp(0.0, f64::from(axis.cells));
    let first = (place(from).floor() as u16).min(axis.cells - 1);
    let end = (place(to).ceil() as u16).max(first + 1);
    first..end.min(axis.cells)
}

/// How far a run and its axis reach as of now: what has been, what is planned, what was asked for
/// unless that is far out.
pub fn extent(run: &Run, now: Time) -> Extent {
    let elapsed = run.elapsed_s(now);
    let near = (elapsed * 3.0).max(60.0);
    let mut end = elapsed;
    for bar in run.lanes.all().iter().filter_map(Lane::last) {
        if bar.waits() {
            end = end.max(f64::from(bar.due_s.unwrap_or(0.0)));
        }
        let hint = f64::from(bar.hint_s.unwrap_or(0.0));
        if hint <= near {
            end = end.max(hint);
        }
    }
    Extent::of(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::calls::form::Form,
        domain::{
            id::CallId,
            observation::{CallResult, Observation, What},
            timeline::fixtures::*,
        },
    };
    use proptest::prelude::*;

    fn run(all: &[Observation]) -> Run {
        let form = Form {
            workers: 2,
            ..Form::default()
        };
        let mut run = Run::new(1, form.run(CallId(0)), t(0.0), std::sync::Arc::default());
        for seen in all {
            let mut seen = seen.clone();
            seen.client = Some("me 001".into());
            run.absorb(&seen);
        }
        run
    }

    fn picture(run: &Run, to: f64, cells: u16, now: f64) -> String {
        let axis = Axis::new((0.0, to), cells);
        let drawn = lane(&run.lanes.all()[0], &axis, now);
        let roles = Roles::default();
        let glyphs = drawn
            .iter()
            .map(|cell| cell.glyph(&roles).map_or(" ", |(glyph, _)| glyph));
        glyphs.collect()
    }

    #[test]
    fn a_wait_that_obeys_covers_what_was_asked() {
        let run = run(&refused_then_ok(0, 18.4));
        // A cell a second; the second attempt leaves after 18.5 s.
        assert_eq!(picture(&run, 24.0, 24, 30.0), "×▚▚▚▚▚▚▚▚▚▚▚▚▚▚▚▚┊██    ");
        // In the middle of the wait the rest is planned.
        assert_eq!(
            picture(&self::run(&refused_then_ok(0, 18.4)[..5]), 24.0, 24, 10.0),
            "×▚▚▚▚▚▚▚▚▚░░░░░░░┊░     "
        );
    }

    #[test]
    fn an_early_retry_leaves_what_was_asked_bare() {
        let run = run(&refused_then_ok(0, 4.2));
        assert_eq!(picture(&run, 24.0, 24, 30.0), "×▚▚▚◂█┄┄┄┄┄┄┄┄┄┄┄┊      ");
    }

    #[test]
    fn who_gives_up_is_seen_to_and_the_hint_stays() {
        let mut all = refused_then_ok(0, 1.0)[..4].to_vec();
        all.push(seen(0, Some(1), 0.12, stops("1 of 1 attempts are used")));
        all.push(seen(
            0,
            None,
            0.13,
            What::Closed {
                result: CallResult::Failed,
            },
        ));
        let run = run(&all);
        assert_eq!(picture(&run, 20.0, 20, 5.0), "■┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┊  ");
        assert_eq!(picture(&run, 10.0, 10, 5.0), "■┄┄┄┄┄┄┄┄›");
        assert!((extent(&run, t(5.0)).axis - 20.0).abs() < 1e-9);
    }

    proptest! {
        /// Whatever part is shown, however fine: as many cells as asked for, and every attempt that left
        /// in it is seen.
        #[test]
        fn any_part_is_drawn(
            slept in 0.0_f64..40.0,
            seen in 2_usize..11,
            from in 0.0_f64..50.0,
            long in 0.001_f64..100.0,
            cells in 1_u16..200,
            now in 0.0_f64..100.0,
        ) {
            let run = run(&refused_then_ok(0, slept)[..seen]);
            let axis = Axis::new((from, from + long), cells);
            let drawn = lane(&run.lanes.all()[0], &axis, now);
            prop_assert_eq!(drawn.len(), usize::from(cells));
            for bar in run.lanes.all()[0].bars() {
                if let Some(cell) = axis.cell(f64::from(bar.sent_s)) {
                    prop_assert!(drawn[usize::from(cell)] >= Cell::InFlight);
                }
            }
        }
    }
}
