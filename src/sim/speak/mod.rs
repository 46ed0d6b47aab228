//! The wire: requests as they are read, answers as they are written.
//!
//! To add an endpoint: a variant of [`ask::Route`], a row in `ask::route`, an arm in `engine::answer`.

pub mod ask;
pub mod batch;
pub mod limits;
pub mod message;
pub mod prose;
pub mod refusal;
pub mod reply;
pub mod script;
mod size;
pub mod tools;
