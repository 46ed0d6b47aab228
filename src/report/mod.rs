//! Output for machines and for pipes: JSON, aligned tables, one line. Pure projections of the same
//! state that the screen draws. Unknown is null, never 0.
//!
//! To add an output: a file here, a schema in `assets/schema`, a test in `tests/it/cli.rs`.

pub mod line;
pub mod table;
