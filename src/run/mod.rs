//! Where everybody meets: the loop, the profiles at work, the simulator in this process.
//!
//! - [`tui`] paints first and starts the rest; [`drive`] is the loop
//! - [`hub`] carries out effects in tasks; [`session`] is one profile at work, [`purse`] its spend guard
//! - [`world`] is the simulator, alone or behind the demo
//!
//! To add one of these, an effect: a variant of `app::effect::Effect`, an arm in `hub::Hub::carry_out`.

pub mod drive;
pub mod hub;
pub mod purse;
pub mod session;
pub mod signals;
pub mod tui;
pub mod world;
