//! The lanes of a run on a common time axis; beneath them what `tracks` and `told` say.

use super::{cells, told};
use crate::{
    app::layout,
    domain::load::run::Run,
    ui::{
        calls::{
            Scene,
            axis::{Axis, Extent},
            pen::Pen,
            words,
        },
        canvas::Canvas,
        format::count,
    },
};
use ratatui::{layout::Rect, style::Style};

/// Columns left of the lanes: marker and worker, or the name of a track.
const HEAD: u16 = 8;
/// The columns right of them: answered, refused, early, slept, and held back where a run is paced.
const COLUMNS: [(&str, u16); 5] = [("ok", 4), ("×", 5), ("early", 6), ("slept", 8), ("held", 8)];

/// Where things are.
pub(super) struct Frame {
    pub axis: Axis,
    pub bars: u16,
    /// Columns right of the lanes; 0 where they are few.
    pub facts: u16,
}

/// What is drawn of a run.
pub(super) struct Picture<'a> {
    pub run: &'a Run,
    pub extent: Extent,
    /// Whether its selected worker and attempt are marked.
    pub selected: bool,
    /// Whether there is a column for what was held back: of two runs on one axis both have it or none.
    pub held: bool,
    /// Lines under the tracks: the selected attempt, the policy's rule, what the marks mean.
    pub tail: u16,
}

impl Picture<'_> {
    /// Draws it. The first column is a margin, where the selected lane has its marker.
    pub fn draw(&self, scene: &Scene<'_>, canvas: &mut Canvas<'_>, area: Rect) {
        if area.is_empty() {
            return;
        }
        let roles = *canvas.roles();
        let facts = if area.width >= 60 {
            self.columns().iter().map(|(_, columns)| columns).sum()
        } else {
            0
        };
        let head = if area.width >= 60 { HEAD } else { 5 };
        let cells = area
            .width
            .saturating_sub(head + facts + u16::from(facts > 0))
            .max(1);
        let frame = Frame {
            axis: Axis::new(scene.view.span(self.extent.axis, self.extent.end), cells),
            bars: area.x + head,
            facts,
        };
        let mut pen = Pen::new(canvas, area);
        self.head(&frame, scene, &mut pen);
        let tracks = u16::from(area.height >= 4) + u16::from(area.height >= 6);
        let tail = self.tail.min(area.height.saturating_sub(7));
        let rows = pen.left().saturating_sub(tracks + tail);
        self.rows(&frame, scene, &mut pen, rows);
        let under = Rect {
            y: area.bottom() - tracks - tail,
            height: tracks + tail,
            ..area
        };
        let mut pen = Pen::new(canvas, under);
        if tracks > 0 {
            self.starts(&frame, scene, &mut pen);
        }
        if tracks > 1 {
            self.level(&frame, scene, &mut pen);
        }
        let inner = pen.width().saturating_sub(1);
        let words = self.words(scene, usize::from(tail), usize::from(inner));
        let legend = usize::from(tail) > words.len();
        for (text, style) in words {
            pen.line(&[(" ", roles.quiet), (&text, style(&roles))]);
        }
        if legend {
            let mut line = vec![(" ", roles.quiet)];
            line.extend(told::legend(
                &roles,
                self.run.asked.pacing.is_some(),
                usize::from(inner),
            ));
            pen.line(&line);
        }
    }

    /// The columns right of the lanes.
    fn columns(&self) -> &'static [(&'static str, u16)] {
        &COLUMNS[..COLUMNS.len() - usize::from(!self.held)]
    }

    pub(super) fn now_s(&self, scene: &Scene<'_>) -> f64 {
        self.run.elapsed_s(scene.now)
    }

    /// The labels of the axis and of the columns.
    fn head(&self, frame: &Frame, scene: &Scene<'_>, pen: &mut Pen<'_, '_>) {
        let roles = *pen.canvas.roles();
        let here = pen.here();
        pen.skip();
        if here.height == 0 {
            return;
        }
        let end = frame.bars + frame.axis.cells;
        if frame.facts > 0 {
            pen.canvas
                .put(here.x + 1, here.y, "worker", roles.quiet, frame.bars);
        }
        for (cell, label) in frame.axis.ticks() {
            pen.canvas
                .put(frame.bars + cell, here.y, &label, roles.quiet, end);
        }
        let mut x = end + 1;
        for (label, columns) in self.columns().iter().filter(|_| frame.facts > 0) {
            pen.canvas
                .put_right(x, here.y, label, roles.quiet, x + columns);
            x += columns;
        }
        // Above the selected attempt.
        let bar = self
            .selected
            .then(|| scene.view.run.bar(self.run))
            .flatten();
        let bar = bar.filter(|_| scene.view.run.worker.is_some());
        if let Some(cell) = bar.and_then(|bar| frame.axis.cell(f64::from(bar.sent_s))) {
            pen.canvas
                .put(frame.bars + cell, here.y, "▾", roles.accent, end);
        }
    }

    fn rows(&self, frame: &Frame, scene: &Scene<'_>, pen: &mut Pen<'_, '_>, rows: u16) {
        let lanes = self.run.lanes.all();
        let rows = usize::from(rows);
        let selected = scene.view.run.worker.filter(|_| self.selected);
        // A line of air between few lanes.
        let airy = lanes.len() > 1 && lanes.len() * 2 <= rows + 1;
        let at = selected.unwrap_or(0);
        let first = layout::scroll(at.saturating_sub(rows / 2), at, rows, lanes.len());
        let shown = lanes.len().saturating_sub(first).min(rows);
        for worker in first..first + shown {
            let y = pen.here().y;
            self.row(frame, scene, pen, worker, selected == Some(worker));
            let above = worker == first && first > 0;
            let below = worker + 1 == first + shown && worker + 1 < lanes.len();
            if above || below {
                let quiet = pen.canvas.roles().quiet;
                let x = pen.here().x;
                let mark = if above { "▲" } else { "▼" };
                pen.canvas.put(x, y, mark, quiet, x + 1);
            }
            if airy {
                pen.skip();
            }
        }
    }

    fn row(
        &self,
        frame: &Frame,
        scene: &Scene<'_>,
        pen: &mut Pen<'_, '_>,
        worker: usize,
        selected: bool,
    ) {
        let roles = *pen.canvas.roles();
        let here = pen.here();
        pen.skip();
        if here.height == 0 {
            return;
        }
        let Some(lane) = self.run.lanes.all().get(worker) else {
            return;
        };
        let canvas = &mut *pen.canvas;
        if selected {
            canvas.mark(here);
        }
        let number = (worker + 1).to_string();
        let style = if selected { roles.strong } else { roles.quiet };
        canvas.put_right(here.x + 1, here.y, &number, style, frame.bars - 1);
        let end = frame.bars + frame.axis.cells;
        let drawn = cells::lane(lane, &frame.axis, self.now_s(scene));
        for (cell, what) in drawn.into_iter().enumerate() {
            if let Some((glyph, style)) = what.glyph(&roles) {
                canvas.put(frame.bars + cell as u16, here.y, glyph, style, end);
            }
        }
        if frame.facts == 0 {
            return;
        }
        let zero = |n: u32, style: Style| match n {
            0 => ("·".to_owned(), roles.border),
            n => (count(n.into()), style),
        };
        let span = |s: f32| {
            if s >= 0.05 {
                (words::span(f64::from(s)), roles.text)
            } else {
                ("·".to_owned(), roles.border)
            }
        };
        let facts = [
            zero(lane.ok, roles.good),
            zero(lane.failed, roles.text),
            zero(lane.early, roles.bad),
            span(lane.slept_s),
            span(lane.held_s),
        ];
        let mut x = end + 1;
        for ((text, style), (_, columns)) in facts.iter().zip(self.columns()) {
            canvas.put_right(x, here.y, text, *style, x + columns);
            x += columns;
        }
    }
}

pub(super) fn name(pen: &mut Pen<'_, '_>, here: Rect, name: &str, frame: &Frame) {
    let quiet = pen.canvas.roles().quiet;
    let x = here.x + u16::from(frame.facts > 0);
    pen.canvas.put(x, here.y, name, quiet, frame.bars - 1);
}
