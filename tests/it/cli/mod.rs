//! Headless commands as a shell sees them: output, exit code, what goes over the wire.
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
