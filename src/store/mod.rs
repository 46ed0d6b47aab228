//! What is kept on disk: the spend ledger and the log, 0600 in a 0700 directory of the user's own.
//!
//! To add something that is kept: a file here, opened through [`private::directory`] and written through
//! [`private::replace`] (or appended with the same modes), and a test of its modes.

pub mod ledger;
pub mod log;
pub mod private;
