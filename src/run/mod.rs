//! Where everybody meets.
pub mod hub;
pub mod purse;
pub mod session;
pub mod signals;
