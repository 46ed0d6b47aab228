//! Whatever has to be long. `RATETOP_LONG` says which share of its full size each test has: 1 is all
//! of it (about three quarters of an hour, most of it for the tap), 0.1 what every change has to pass; without
//! it they only show that they still run.
//!
//! To add one: a file here that takes its size from [`size::sized`], a law that a short run cannot
//! break, bounds in counts and bytes, never in time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod changes;
mod day;
mod flood;
mod ledger;
mod life;
mod listening;
mod memory;
mod parsers;
#[expect(dead_code, reason = "the tests of the tap need more of it")]
#[path = "../it/tap/rig.rs"]
mod rig;
#[path = "../it/simulated.rs"]
mod simulated;
mod size;
mod soak;
mod through;
#[expect(dead_code, reason = "the tests of the tap need more of it")]
#[path = "../it/tap/wire.rs"]
mod wire;
mod worlds;
