//! Sockets: outbound HTTP behind [`transport::Transport`], and what is known of addresses.
//!
//! [`outbound`] makes our own calls; [`upstream`] carries what passes through the tap.
//!
//! To add a way out (another client, an engine without sockets): implement `Transport`.
//! To add a kind of failure: an arm in `trouble`, with its sentence, and a case in the bad-input table.

pub mod base;
pub mod body;
pub mod outbound;
pub mod transport;
mod trouble;
pub mod upstream;
