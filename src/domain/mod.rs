//! The rules: limits, buckets, gauges, retry, verdicts, spend. Pure: no clock, network, disk, screen
//! or dice; `now` and the die are arguments.
//!
//! To add a limiter or header family: one row in [`limit::KNOWN`], one fixture in [`headers`].
//! To add a retry policy: one entry in [`retry::Policy::ALL`] and its arms.
//! To add something that is seen: one variant of [`observation::What`], folded where it matters.

pub mod advice;
pub mod answer;
pub mod batch;
pub mod board;
pub mod bucket;
pub mod cache;
pub mod call;
pub mod checkup;
pub mod clean;
pub mod count;
pub mod feed;
#[cfg(test)]
pub mod fixtures;
pub mod gauge;
pub mod headers;
pub mod id;
pub mod limit;
pub mod load;
pub mod near;
pub mod notice;
pub mod number;
pub mod observation;
pub mod org;
pub mod outcome;
pub mod retry;
pub mod spend;
pub mod tier;
pub mod time;
pub mod timeline;
pub mod traffic;
pub mod usage;
pub mod verdict;
pub mod wrap;
