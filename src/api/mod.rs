//! The API as a client: messages, streams, limits.
//!
//! [`call`] makes a logical call with its attempts, [`limits`] polls the Admin API, [`models`] lists
//! models, [`count`] counts tokens, [`simulator`] asks whether an address is ours. What comes back is read by `domain::answer`.
//!
//! To add one of these: a file that builds its request with [`connection::Connection`] and reads the
//! answer from bytes, bounded, never panicking; its cases in `tests/it/bad_input`.

pub mod attach;
pub mod batches;
pub mod call;
pub mod connection;
pub mod count;
pub mod error;
pub mod fetch;
pub mod limits;
pub mod load;
pub mod messages;
pub mod models;
pub mod simulator;
