//! Examines a gateway: sends known requests through it, and where it can be pointed at our own upstream
//! compares what left one end with what arrived at the other. Nothing is inferred from durations: the
//! upstream withholds the second event until the first has been received.
//!
//! To add a check: a variant of `domain::checkup::Check`, a [`case::Case`] that shows it (or one that
//! is there), and an arm in `judge`.

pub mod case;
mod examine;
mod judge;
mod upstream;

pub use examine::{Answered, First, Probe, examine, one_call};
pub use upstream::{PATIENCE, Upstream};
