//! State and how it changes: `update(event, now)` gives effects. Knows neither HTTP nor the screen.
pub mod effect;
pub mod event;
