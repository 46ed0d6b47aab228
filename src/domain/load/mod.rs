//! A run of many calls: how they are started ([`plan`]), what they are doing ([`live`]), and what came
//! of them ([`result`]). Pure: the time is an argument, so a day of a run takes no time in a test.
//!
//! To add a shape of a ramp: a variant of [`plan::Ramp`], its arm in [`plan::Plan::due_s`], and the law
//! that starts never go back. To add a number about a run: a field of [`result::Summary`], counted in
//! its `take`.

pub mod live;
pub mod plan;
pub mod result;
