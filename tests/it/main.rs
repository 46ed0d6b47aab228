//! One binary for everything that is tested from outside.

mod architecture;
mod bad_input;
mod cli;
mod docs;
mod journeys;
mod laws;
mod pty;
mod screens;
mod source;
