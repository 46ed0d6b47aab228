//! Where everybody meets: the loop, the profiles at work, the simulator in this process.
//!
//! - [`tui`] paints first and starts the rest; [`drive`] is the loop, [`wait`] its sleep
//! - [`hub`] carries out effects in tasks; [`session`] is one profile at work, [`purse`] its spend guard,
//!   [`polling`] reads its limits again and again
//! - [`batch`] makes a message batch, for the screen and without one
//! - [`attach`] reads what a tap elsewhere tells, for the screen
//! - [`headless`] are the commands without a screen
//! - [`world`] is the simulator, alone or behind the demo, [`programs`] the demo's clients
//! - [`tap`] is the tap: alone, around a command, or beside the screen
//!
//! To add a headless command: a file in [`headless`], its arm there and in `main.rs`.
//! To add one of these, an effect: a variant of `app::effect::Effect`, an arm in `hub::Hub::carry_out`.

pub mod attach;
pub mod batch;
pub mod drive;
pub mod headless;
pub mod hub;
pub mod listening;
pub mod polling;
pub mod programs;
pub mod purse;
pub mod session;
pub mod signals;
pub mod tap;
pub mod tui;
pub mod wait;
pub mod world;
