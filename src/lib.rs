//! ratetop: htop for Claude API rate limits.

pub mod api;
pub mod app;
pub mod assets;
pub mod cli;
pub mod clock;
pub mod domain;
pub mod net;
pub mod report;
pub mod run;
pub mod sim;
pub mod store;
pub mod ui;
