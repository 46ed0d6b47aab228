//! Headless commands as a shell sees them: output, exit code, what goes over the wire.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod call;
mod configuration;
mod count;
mod doctor;
mod home;
mod limits;
mod money;
mod serve;
mod status;

pub use home::{Gateway, Home, Simulator, nowhere, valid, world};
pub use money::ANSWER;
