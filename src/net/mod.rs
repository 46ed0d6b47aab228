//! Sockets: outbound HTTP behind [`transport::Transport`], and what is known of addresses.
//!
//! [`outbound`] makes our own calls: `direct` to a server of this machine, else by `client`.
//! [`upstream`] carries what passes through the tap, and what goes out directly.
//! [`spelling`] keeps the names of headers as they came.
//!
//! To add a way out (another client, an engine without sockets): implement `Transport`.
//! To add a kind of failure: an arm in `trouble`, with its sentence, and a case in the bad-input table.

pub mod base;
pub mod body;
mod client;
mod direct;
pub mod outbound;
pub mod spelling;
pub mod transport;
mod trouble;
pub mod upstream;
