//! What a tap counts and what is left of every limit, in Prometheus' text format or as OpenMetrics.
//!
//! - `text` writes either format
//! - `traffic` is what passed: counters, and histograms of times
//! - `headroom` is what is left, as gauges: what is not known is absent, never 0
//!
//! Labels hold names of models, clients, pools, organizations and words of fixed sets, each bounded and
//! cleaned: never a key, a prompt, an answer, a request's id or a path.
//!
//! To add a metric: a family in `traffic` or `headroom`; `tests/sdk/python/test_metrics.py` reads it with a
//! parser of somebody else's.

mod headroom;
#[cfg(test)]
mod tests;
mod text;
mod traffic;

use crate::domain::{board::Board, time::Time, traffic::Totals};
pub use text::Format;
use text::{Kind, Labels, Text};

/// Everything that is told.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// This program's version.
    pub version: &'a str,
    /// What passed the tap.
    pub totals: &'a Totals,
    /// What happened at its door.
    pub door: Door,
    /// What is left, as headers and limits say.
    pub board: &'a Board,
}

/// What happened at a tap's door.
#[derive(Clone, Copy, Debug, Default)]
pub struct Door {
    /// Requests that were not passed on.
    pub refused: u64,
    /// Requests for which there was no upstream.
    pub unreachable: u64,
    /// Requests that chaos befell; none without a plan for that.
    pub chaos: Option<u64>,
}

/// The whole page at `now`.
pub fn page(subject: &Subject<'_>, format: Format, now: Time) -> String {
    let mut text = Text::new(format);
    let version = Labels::default().with("version", subject.version);
    let help = "The program that tells this.";
    text.family("ratetop_build", Kind::Info, help)
        .is(&version, 1);
    let started = subject.totals.since.timestamp_millis() as f64 / 1e3;
    let help = "When counting began, seconds of the Unix epoch.";
    text.family("ratetop_start_time_seconds", Kind::Gauge, help)
        .is(&Labels::default(), started);
    traffic::write(&mut text, subject.totals, subject.door);
    headroom::write(&mut text, subject.board, now);
    text.finish()
}
