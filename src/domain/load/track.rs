//! A run over time in equal spans: how many attempts left in each, and what was left of the limits.
//! Bounded: when a run outgrows its spans, each two become one of twice the length.

use crate::domain::limit::Dimension;

/// The length of a span at first, seconds: what counts as "at the same moment".
pub const SPAN_S: f64 = 0.1;
/// Spans kept, an even number.
const SPANS: usize = 4_096;

/// The limits of which the level is followed.
pub const FOLLOWED: [Dimension; 4] = [
    Dimension::Rpm,
    Dimension::Itpm,
    Dimension::Otpm,
    Dimension::Combined,
];

/// One span.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Span {
    /// Attempts that left.
    starts: u32,
    /// Most that left in one span of the first length.
    peak: u32,
    /// Of these, retries before the hint had passed.
    early: u32,
    /// The least that was left of each of [`FOLLOWED`], as a share.
    left: [Option<f32>; FOLLOWED.len()],
}

/// A run over time.
#[derive(Clone, Debug)]
pub struct Track {
    span_s: f64,
    spans: Vec<Span>,
}

impl Default for Track {
    fn default() -> Self {
        Self {
            span_s: SPAN_S,
            spans: Vec::new(),
        }
    }
}

impl Track {
    fn at(&mut self, second: f64) -> Option<&mut Span> {
        if !second.is_finite() || second > 1e9 {
            return None;
        }
        let second = second.max(0.0);
        while second / self.span_s >= SPANS as f64 {
            self.halve();
        }
        let at = (second / self.span_s) as usize;
        if at >= self.spans.len() {
            self.spans.resize(at + 1, Span::default());
        }
        self.spans.get_mut(at)
    }

    fn halve(&mut self) {
        let halves = self.spans.chunks(2).map(|two| {
            let mut sum = two[0];
            for other in &two[1..] {
                sum.starts += other.starts;
                sum.early += other.early;
                sum.peak = sum.peak.max(other.peak);
                for (left, other) in sum.left.iter_mut().zip(other.left) {
                    *left = lesser(*left, other);
                }
            }
            sum
        });
        self.spans = halves.collect();
        self.span_s *= 2.0;
    }

    /// An attempt left.
    pub fn started(&mut self, second: f64) {
        let fine = self.span_s <= SPAN_S;
        if let Some(span) = self.at(second) {
            span.starts += 1;
            // Once spans are longer the peak within them is no longer known; what was counted stays.
            span.peak = if fine { span.starts } else { span.peak.max(1) };
        }
    }

    /// A retry left too early.
    pub fn early(&mut self, second: f64) {
        if let Some(span) = self.at(second) {
            span.early += 1;
        }
    }

    /// A header said what is left of a limit, as a share.
    pub fn left(&mut self, second: f64, of: Dimension, share: f32) {
        let Some(which) = FOLLOWED.iter().position(|followed| *followed == of) else {
            return;
        };
        if let Some(span) = self.at(second) {
            span.left[which] = lesser(span.left[which], Some(share.clamp(0.0, 1.0)));
        }
    }

    /// Most attempts that left within one span between two seconds; as long as spans have their first
    /// length that is [`SPAN_S`].
    pub fn peak(&self, from: f64, to: f64) -> u32 {
        self.range(from, to)
            .iter()
            .map(|span| span.peak)
            .max()
            .unwrap_or(0)
    }

    /// Whether a retry came too early between two seconds.
    pub fn any_early(&self, from: f64, to: f64) -> bool {
        self.range(from, to).iter().any(|span| span.early > 0)
    }

    /// The least that was said to be left of a limit between two seconds.
    pub fn least(&self, of: Dimension, from: f64, to: f64) -> Option<f32> {
        let which = FOLLOWED.iter().position(|followed| *followed == of)?;
        let said = self.range(from, to).iter().map(|span| span.left[which]);
        said.fold(None, lesser)
    }

    /// The last that was said to be left of a limit before a second, and the second until which that
    /// stands for.
    pub fn last(&self, of: Dimension, before: f64) -> Option<(f64, f32)> {
        let which = FOLLOWED.iter().position(|followed| *followed == of)?;
        let spans = self.range(0.0, before);
        let found = spans.iter().enumerate().rev();
        let mut known = found.filter_map(|(at, span)| Some((at, span.left[which]?)));
        let (at, left) = known.next()?;
        Some((((at + 1) as f64 * self.span_s).min(before), left))
    }

    /// The limit of which the least was left at any time; none before a header.
    pub fn tightest(&self) -> Option<Dimension> {
        let least = |of: Dimension| self.least(of, 0.0, f64::INFINITY).map(|left| (of, left));
        let known = FOLLOWED.iter().filter_map(|of| least(*of));
        known.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(of, _)| of)
    }

    fn range(&self, from: f64, to: f64) -> &[Span] {
        let place = |s: f64| ((s.max(0.0) / self.span_s) as usize).min(self.spans.len());
        let first = place(from);
        let end = place((to / self.span_s).ceil() * self.span_s).max(first);
        &self.spans[first..end]
    }
}

fn lesser(a: Option<f32>, b: Option<f32>) -> Option<f32> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_and_levels_are_found_where_they_were() {
        let mut track = Track::default();
        for second in [0.0, 0.01, 0.05, 1.0, 1.05, 17.3] {
            track.started(second);
        }
        track.left(0.02, Dimension::Otpm, 0.5);
        track.left(0.03, Dimension::Otpm, 0.25);
        track.left(0.03, Dimension::Rpm, 0.9);
        track.early(1.0);
        assert_eq!((track.peak(0.0, 0.1), track.peak(0.5, 2.0)), (3, 2));
        assert_eq!(track.peak(2.0, 17.0), 0);
        assert_eq!(track.peak(0.0, f64::INFINITY), 3);
        assert_eq!(track.least(Dimension::Otpm, 0.0, 1.0), Some(0.25));
        assert_eq!(track.least(Dimension::Itpm, 0.0, 1.0), None);
        assert_eq!(track.tightest(), Some(Dimension::Otpm));
        assert!(track.any_early(0.9, 1.1) && !track.any_early(1.1, 30.0));
    }

    #[test]
    fn a_day_takes_no_more_room_than_minutes() {
        let mut track = Track::default();
        for second in 0..86_400 {
            track.started(f64::from(second));
            track.started(f64::from(second));
        }
        track.left(86_000.0, Dimension::Rpm, 0.1);
        assert!(track.spans.len() <= SPANS);
        assert_eq!(track.peak(0.0, 300.0), 2);
        assert_eq!(track.least(Dimension::Rpm, 85_000.0, 87_000.0), Some(0.1));
        for absurd in [f64::NAN, f64::INFINITY, 1e300, -5.0] {
            track.started(absurd);
        }
        assert!(track.spans.len() <= SPANS);
    }
}
