//! The tap: the user's own traffic passes through it untouched, and is listened to on the side.
//!
//! To add something that is heard: a reader in [`hear`], a number in `domain::traffic`.

pub mod chaos;
pub mod hear;
