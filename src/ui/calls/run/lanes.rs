//! The lanes of a run on a common time axis, and on the same axis beneath them how many attempts left
//! and what was left of the limit.

use super::cells::{self, Cell};
use crate::{
    app::layout,
    domain::{
        advice,
        limit::Dimension,
        load::{
            lane::{Bar, Ending},
            run::Run,
        },
        time::Time,
    },
    ui::{
        calls::{
            Scene,
            axis::{Axis, Extent},
            pen::{Pen, clipped, cut, width, wrap},
            words,
        },
        canvas::Canvas,
        format::{count, percent},
        theme::Roles,
    },
};
use ratatui::{layout::Rect, style::Style};

const LEVELS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Columns left of the lanes: marker and worker, or the name of a track.
const HEAD: u16 = 8;
/// The columns right of them: answered, refused, early, slept.
const COLUMNS: [(&str, u16); 4] = [("ok", 4), ("×", 5), ("early", 6), ("slept", 8)];

/// Where things are.
struct Frame {
    axis: Axis,
    bars: u16,
    /// Columns right of the lanes; 0 where they are few.
    facts: u16,
}

/// What is drawn of a run.
pub(super) struct Picture<'a> {
    pub run: &'a Run,
    pub extent: Extent,
    /// Whether its selected worker and attempt are marked.
    pub selected: bool,
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
            COLUMNS.iter().map(|(_, columns)| columns).sum()
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
            line.extend(self::legend(&roles, usize::from(inner)));
            pen.line(&line);
        }
    }

    fn now_s(&self, scene: &Scene<'_>) -> f64 {
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
        for (label, columns) in COLUMNS.iter().filter(|_| frame.facts > 0) {
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
            canvas.tint(here, roles.select);
            canvas.put(here.x, here.y, "▸", roles.accent, frame.bars);
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
        let slept = if lane.slept_s >= 0.05 {
            (words::span(f64::from(lane.slept_s)), roles.text)
        } else {
            ("·".to_owned(), roles.border)
        };
        let facts = [
            zero(lane.ok, roles.good),
            zero(lane.failed, roles.text),
            zero(lane.early, roles.bad),
            slept,
        ];
        let mut x = end + 1;
        for ((text, style), (_, columns)) in facts.iter().zip(COLUMNS) {
            canvas.put_right(x, here.y, text, *style, x + columns);
            x += columns;
        }
    }

    /// How many attempts left in each cell's time: the most at the same moment.
    fn starts(&self, frame: &Frame, scene: &Scene<'_>, pen: &mut Pen<'_, '_>) {
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
    fn level(&self, frame: &Frame, scene: &Scene<'_>, pen: &mut Pen<'_, '_>) {
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

    /// The selected attempt and the policy's rule: as many lines as there are, one fewer where that leaves
    /// room to say what the marks mean.
    fn words(&self, scene: &Scene<'_>, lines: usize, columns: usize) -> Vec<(String, Pick)> {
        let mut words: Vec<(String, Pick)> = Vec::new();
        let view = &scene.view.run;
        if let (true, Some(bar)) = (view.worker.is_some() && self.selected, view.bar(self.run)) {
            let worker = view.worker(self.run) + 1;
            let text = format!("worker {worker}: {}", told(bar, self.now_s(scene)));
            let style: Pick = if bar.early { |r| r.bad } else { |r| r.text };
            words.push((cut(&text, columns), style));
        }
        let policy = self.run.asked.order.policy;
        let rule = format!("{}: {}", policy.name(), policy.rule());
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

type Pick = fn(&Roles) -> Style;

/// What the marks mean, as many of them as fit.
fn legend(roles: &Roles, columns: usize) -> Vec<(&'static str, Style)> {
    let marks = [
        (Cell::InFlight, " in flight   "),
        (Cell::Answer, " answer   "),
        (Cell::Refused, " refused   "),
        (Cell::Slept, " slept   "),
        (Cell::Asked, ""),
        (Cell::Hint, " asked   "),
        (Cell::Early, " early   "),
        (Cell::GaveUp, " gave up"),
    ];
    let mut legend = Vec::new();
    let mut used = 0;
    for (mark, word) in marks {
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

fn name(pen: &mut Pen<'_, '_>, here: Rect, name: &str, frame: &Frame) {
    let quiet = pen.canvas.roles().quiet;
    let x = here.x + u16::from(frame.facts > 0);
    pen.canvas.put(x, here.y, name, quiet, frame.bars - 1);
}

/// The limit that most refusals named, else the tightest.
fn limit(run: &Run) -> Option<Dimension> {
    use crate::domain::verdict::Cause;
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
    most.or_else(|| run.track.tightest())
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

/// One attempt in words: what the server asked, what the policy chose, how long it slept.
pub(super) fn told(bar: &Bar, now: f64) -> String {
    let mut parts = vec![format!("attempt {} of call {}", bar.n, bar.call + 1)];
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
        return format!(
            "{held}{} over · {} out · {} wait · {:.0} s",
            count(over),
            busy.in_flight,
            busy.waiting,
            elapsed.floor()
        );
    }
    let took = words::span(elapsed);
    match (&run.unsent, run.cancelled) {
        (Some(_), _) => format!("ended by the spend guard after {took}"),
        (None, true) => format!("cancelled after {took}"),
        (None, false) => format!("over in {took}"),
    }
}
