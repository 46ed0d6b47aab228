//! The simulator: a world from a file, the API as a pure state machine, and a thin edge of sockets.
//!
//! To add a world: `assets/scenarios/<name>.toml` and a row in `scenario::read::BUILT_IN`.
//! To add a rule of the API: a setting in [`scenario`], a check in [`engine`].
//! To add an endpoint: a variant of [`speak::ask::Route`].

pub mod dice;
pub mod direct;
pub mod encode;
pub mod engine;
pub mod play;
pub mod scenario;
pub mod server;
pub mod speak;
#[cfg(test)]
mod tests;
pub mod traffic;
