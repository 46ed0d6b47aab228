//! How long things took, as percentiles.

use hdrhistogram::Histogram;

/// Spans of time, to three digits, from a tenth of a millisecond to a day.
#[derive(Clone, Debug)]
pub struct Spans(Option<Histogram<u64>>);

impl Spans {
    const UNIT_S: f64 = 1e-4;

    pub(super) fn new() -> Self {
        // These bounds are valid, so there is one.
        Self(Histogram::new_with_bounds(1, 864_000_000, 3).ok())
    }

    /// Takes one in, seconds.
    pub fn take(&mut self, seconds: f64) {
        if let Some(spans) = &mut self.0 {
            spans.saturating_record((seconds.max(0.0) / Self::UNIT_S) as u64);
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, Histogram::len)
    }

    /// The span that so many percent do not exceed, seconds; none without any.
    pub fn percentile_s(&self, percent: f64) -> Option<f64> {
        let spans = self.0.as_ref().filter(|spans| !spans.is_empty())?;
        Some(spans.value_at_percentile(percent) as f64 * Self::UNIT_S)
    }

    /// The longest, seconds.
    pub fn longest_s(&self) -> Option<f64> {
        let spans = self.0.as_ref().filter(|spans| !spans.is_empty())?;
        Some(spans.max() as f64 * Self::UNIT_S)
    }
}
