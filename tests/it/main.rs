//! One binary for everything that is tested from outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod agreement;
mod architecture;
mod bad_input;
mod cli;
mod clicks;
mod decisions;
mod demo;
mod docs;
mod doctor;
mod frames;
mod hub;
mod journeys;
mod laws;
mod looks;
mod many;
mod margins;
mod pty;
mod runs;
mod screens;
mod sentences;
mod simulated;
mod source;
mod states;
mod storm;
mod switching;
mod tap;
mod traffic;
mod traps;
mod variants;
mod world;
