//! Arguments, config file, profiles: what the user wants, before anything is started.
//!
//! [`args::Cli`] parses; [`config::Config::load`] reads file, variables and flags and chooses the
//! profile; [`profile::Profile::connect`] fetches its keys. Every value knows where it came from.
//!
//! To add a key of the config file: a field of [`profile::Profile`], one line in [`profile_file`], one in
//! [`check`], one in `config.example.toml` (a test misses it).
//! To add a setting of `[policies.NAME]`: a field of `domain::retry::Backoff`, read in [`policies`].
//! To add a command: a variant of [`args::Command`] and its arm in `main.rs`.

pub mod args;
pub mod call;
pub mod check;
pub mod commands;
pub mod config;
pub mod environment;
pub mod error;
pub mod exits;
pub mod key;
pub mod policies;
pub mod profile;
pub mod profile_file;
pub mod section;
#[cfg(test)]
mod tests;
pub mod token;
