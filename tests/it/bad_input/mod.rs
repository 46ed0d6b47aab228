//! Broken and hostile servers: a raw socket says what it likes, and each case asserts the sentence, the
//! exit code, and that what was known before stays.
//!
//! To add one of these: one `#[case::name]` line in `heads`, `bodies`, `streams` or `limits`.

mod addresses;
mod ask;
mod bodies;
mod heads;
mod keys;
mod limits;
mod server;
mod streams;
