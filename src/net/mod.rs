//! Sockets: outbound HTTP behind [`transport::Transport`], and the loopback listener.
//!
//! To add a way out (another client, an engine without sockets): implement `Transport`.

pub mod transport;
