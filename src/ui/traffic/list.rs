//! The requests as lines. Columns go by rank where there is no room for all of them.

use super::{cell, early_by, short_client, short_model};
use crate::{
    app::{App, Shown, layout},
    domain::{
        clean::clean,
        time::seconds_between,
        timeline::{Attempt, Call},
    },
    ui::{
        calls::{
            axis::{self, Axis, Mark},
            words,
        },
        canvas::Canvas,
        format,
    },
};
use ratatui::{layout::Rect, style::Style};

/// What a column shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Age,
    Client,
    Model,
    Status,
    Attempts,
    FirstByte,
    FirstToken,
    Rate,
    In,
    Cached,
    Out,
    Took,
    Phases,
}

/// One column: what, its head, its least width, how soon it goes where there is little room.
type Row = (Column, &'static str, u16, u8);

/// Left to right.
const COLUMNS: &[Row] = &[
    (Column::Age, "age", 4, 0),
    (Column::Client, "client", 9, 0),
    (Column::Model, "model", 10, 2),
    (Column::Status, "status", 12, 0),
    (Column::Attempts, "attempts", 11, 1),
    (Column::FirstByte, "byte", 6, 8),
    (Column::FirstToken, "token", 6, 4),
    (Column::Rate, "tok/s", 5, 6),
    (Column::In, "in", 5, 7),
    (Column::Cached, "cached", 6, 9),
    (Column::Out, "out", 5, 3),
    (Column::Took, "took", 6, 5),
    (Column::Phases, "", 11, 10),
];

/// How wide columns grow, one after the other, where there is room.
const GROW: &[(Column, u16)] = &[
    (Column::Client, 13),
    (Column::Attempts, 13),
    (Column::Client, 15),
    (Column::Phases, 24),
    (Column::Model, 20),
    (Column::Client, 28),
    (Column::Phases, 120),
];

/// A column that fits: what, its head, its width.
type Fitting = (Column, &'static str, u16);

/// Which columns fit into `room`. A column of air lies between two.
fn fit(room: u16) -> Vec<Fitting> {
    let width = |rank: u8| -> u16 {
        let kept = COLUMNS.iter().filter(|(.., of)| *of <= rank);
        kept.map(|(_, _, width, _)| width + 1).sum()
    };
    let most = (1..=10).take_while(|rank| width(*rank) <= room + 1).last();
    let most = most.unwrap_or(0);
    let mut fitting: Vec<Fitting> = COLUMNS
        .iter()
        .filter(|(.., rank)| *rank <= most)
        .map(|(column, head, width, _)| (*column, *head, *width))
        .collect();
    let mut spare = (room + 1).saturating_sub(width(most));
    for (column, most) in GROW {
        if let Some((_, _, width)) = fitting.iter_mut().find(|(of, ..)| of == column) {
            let more = spare.min(most.saturating_sub(*width));
            *width += more;
            spare -= more;
        }
    }
    fitting
}

/// Whether a list in a box so wide draws the calls on a time axis.
pub(super) fn has_bars(width: u16) -> bool {
    let columns = fit(width.saturating_sub(5));
    columns.iter().any(|(column, ..)| *column == Column::Phases)
}

/// Draws the lines, with their heads where they stand in a box.
pub(super) fn draw(app: &App, shown: &Shown<'_>, canvas: &mut Canvas<'_>, inner: Rect) {
    let roles = *canvas.roles();
    let state = app.traffic();
    let index = &shown.profile.passed.index;
    let boxed = layout::boxed((canvas.buf.area.width, canvas.buf.area.height));
    let heads = u16::from(boxed);
    let rows = Rect {
        y: inner.y + heads,
        height: inner.height.saturating_sub(heads),
        ..inner
    };
    if index.is_empty() {
        let text = if index.filter().trim().is_empty() {
            "The next request will be listed here."
        } else {
            "No request fits the filter; Esc clears it."
        };
        canvas.put(rows.x + 2, rows.y, text, roles.quiet, rows.right());
        return;
    }
    let visible = usize::from(rows.height);
    let place = state.place(index);
    let first = layout::scroll(state.first, place, visible, index.len());
    let margin = 1 + heads;
    let columns = fit(inner.width.saturating_sub(margin + heads));
    let calls: Vec<&Call> = (first..(first + visible).min(index.len()))
        .filter_map(|at| shown.profile.timeline.call(index.at(at)?))
        .collect();
    let table = Table {
        shown,
        columns,
        // One scale for all lines, so that long ones look long.
        scale: calls
            .iter()
            .map(|call| axis::whole_s(call, shown.at).axis)
            .fold(2.0, f64::max),
    };
    if boxed {
        let x = inner.x + margin;
        table.head(canvas, Rect { x, ..inner });
    }
    for (line, call) in calls.into_iter().enumerate() {
        let row = Rect {
            y: rows.y + line as u16,
            height: 1,
            ..rows
        };
        let selected = first + line == place;
        if selected {
            canvas.mark(row);
        }
        let x = row.x + margin;
        table.row(canvas, Rect { x, ..row }, call, selected);
    }
}

/// The requests at one moment.
struct Table<'a> {
    shown: &'a Shown<'a>,
    columns: Vec<Fitting>,
    /// Seconds that the phases' column spans.
    scale: f64,
}

impl Table<'_> {
    fn head(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let quiet = canvas.roles().quiet;
        let (mut x, y) = (area.x, area.y);
        for (column, head, width) in &self.columns {
            let end = x + width;
            match column {
                Column::Phases => {
                    canvas.put(x, y, "0s", quiet, end);
                    canvas.put_right(x + 3, y, &format::span(self.scale), quiet, end);
                }
                column if is_number(*column) => canvas.put_right(x, y, head, quiet, end),
                _ => {
                    canvas.put(x, y, head, quiet, end);
                }
            }
            x = end + 1;
        }
    }

    fn row(&self, canvas: &mut Canvas<'_>, area: Rect, call: &Call, selected: bool) {
        let mut x = area.x;
        for (column, _, width) in &self.columns {
            let cell = Rect {
                x,
                width: *width,
                ..area
            };
            match column {
                Column::Attempts => self.attempts(call, canvas, cell),
                Column::Phases => self.phases(call, canvas, cell),
                _ => {
                    let (text, style) = self.text(canvas, call, *column, selected);
                    if is_number(*column) {
                        canvas.put_right(x, area.y, &text, style, cell.right());
                    } else {
                        canvas.put_cut(x, area.y, &text, style, cell.right());
                    }
                }
            }
            x += width + 1;
        }
    }

    fn text(
        &self,
        canvas: &Canvas<'_>,
        call: &Call,
        column: Column,
        selected: bool,
    ) -> (String, Style) {
        let roles = *canvas.roles();
        let now = self.shown.at;
        let last = call.attempts.last();
        let span = |s: Option<f64>| s.map(words::span).unwrap_or_default();
        let usage = call.usage();
        let tokens = |n: Option<u64>| n.map(format::count).unwrap_or_default();
        match column {
            Column::Age => {
                let age = format::age(seconds_between(call.began_at, now));
                (age, roles.quiet)
            }
            Column::Client => {
                let style = if selected { roles.accent } else { roles.text };
                (clean(short_client(call.client.as_str()), 64), style)
            }
            Column::Model => (clean(short_model(call.model.as_str()), 64), roles.quiet),
            Column::Status => cell::status(call, &roles),
            Column::FirstByte => (span(last.and_then(|a| a.first_byte_s)), roles.text),
            Column::FirstToken => (span(last.and_then(|a| a.first_token_s)), roles.text),
            Column::Rate => {
                let rate = last.and_then(|attempt| cell::rate(attempt, now));
                let rate = rate.map(|rate| format!("{rate:.0}"));
                (rate.unwrap_or_default(), roles.strong)
            }
            Column::In => (tokens(usage.map(|u| u.counted_input())), roles.text),
            Column::Cached => {
                let read = usage.map(|u| u.cache_read_input_tokens);
                (tokens(read), roles.quiet)
            }
            Column::Out => (tokens(usage.map(|u| u.output_tokens)), roles.strong),
            Column::Took => (cell::took(call, now), roles.text),
            Column::Attempts | Column::Phases => (String::new(), roles.text),
        }
    }

    /// `×✓ EARLY 16s`, `× wait 12s`
    fn attempts(&self, call: &Call, canvas: &mut Canvas<'_>, area: Rect) {
        let roles = *canvas.roles();
        let (y, end) = (area.y, area.right());
        let mut x = area.x;
        for (mark, style) in cell::marks(call, &roles) {
            x = canvas.put(x, y, &mark, style, end);
        }
        if let Some(by) = early_by(call) {
            x = canvas.put(x + 1, y, "EARLY", roles.empty, end);
            let by = format::span(by.max(1.0));
            // Half a number would be another number.
            if x + 1 + by.len() as u16 <= end {
                canvas.put(x + 1, y, &by, roles.tight, end);
            }
        } else if let Some(waits) = cell::waits(call, self.shown.at) {
            let word = if x + 6 + waits.len() as u16 <= end {
                " wait "
            } else {
                " "
            };
            x = canvas.put(x, y, word, roles.quiet, end);
            canvas.put(x, y, &waits, roles.hint, end);
        } else if call.may_come_back_since().is_some() {
            let last = call.attempts.last();
            let verdict = last.and_then(|attempt| attempt.verdict.as_ref());
            let ahead = last
                .and_then(Attempt::hint_until)
                .map(|until| seconds_between(self.shown.at, until));
            // In words, and in fewer where many marks are before them.
            let (long, short, style) = match (verdict, ahead) {
                (Some(verdict), _) if !verdict.retry_helps => {
                    ("no use".to_owned(), "no use".to_owned(), roles.quiet)
                }
                // What a client may well sit out is drawn in its bar; longer waits are said.
                (_, Some(ahead)) if ahead > 60.0 => {
                    let span = format::span(ahead);
                    (format!("in {span}"), span, roles.hint)
                }
                _ => ("may retry".to_owned(), "retry?".to_owned(), roles.quiet),
            };
            let fits = x + 1 + long.len() as u16 <= end;
            canvas.put_cut(x + 1, y, if fits { &long } else { &short }, style, end);
        }
    }

    /// The life of a call on the scale that all lines share.
    fn phases(&self, call: &Call, canvas: &mut Canvas<'_>, area: Rect) {
        let axis = Axis::new((0.0, self.scale), area.width);
        let mut cells = vec![Mark::Blank; usize::from(area.width)];
        for (at, attempt) in call.attempts.iter().enumerate() {
            let next = call.attempts.get(at + 1).map(|next| next.sent_at);
            let bar = axis.bar(call, attempt, next, self.shown.at);
            for (cell, mark) in cells.iter_mut().zip(bar) {
                let over = *cell == Mark::Blank || matches!(mark, Mark::Hint | Mark::Tokens);
                if mark != Mark::Blank && over {
                    *cell = mark;
                }
            }
        }
        for (at, mark) in cells.into_iter().enumerate() {
            if let Some((glyph, style)) = cell::glyph(mark, canvas.roles()) {
                canvas.put(area.x + at as u16, area.y, glyph, style, area.right());
            }
        }
    }
}

const fn is_number(column: Column) -> bool {
    !matches!(
        column,
        Column::Client | Column::Model | Column::Status | Column::Attempts | Column::Phases
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_narrowest_list_still_says_who_and_how() {
        use Column::{Age, Attempts, Client, Model, Out, Status};
        let columns = |room| fit(room).into_iter().map(|(c, ..)| c).collect::<Vec<_>>();
        assert_eq!(columns(28), [Age, Client, Status]);
        assert_eq!(columns(39), [Age, Client, Status, Attempts]);
        assert_eq!(columns(57), [Age, Client, Model, Status, Attempts, Out]);
        assert_eq!(columns(116).len(), COLUMNS.len());
    }

    proptest! {
        #[test]
        fn columns_fit(room in 27u16..400) {
            let width: u16 = fit(room).iter().map(|(_, _, width)| width + 1).sum();
            prop_assert!(width <= room + 1, "{width} into {room}");
        }
    }
}
