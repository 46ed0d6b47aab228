//! A run of many calls: how they are started ([`plan`]), what they may cost ([`estimate`]), what they are
//! doing ([`live`]), what came of them ([`result`]), which model each asks ([`spread`]), two runs beside
//! each other ([`compare`]), and the run as it is drawn ([`run`]): its attempts by worker ([`lane`]),
//! starts and limits over time ([`track`]). Pure: the time is an argument, so a day of a run takes no time in a test.
//!
//! To add a shape of a ramp: a variant of [`plan::Ramp`], its arm in [`plan::Plan::due_s`], and the law
//! that starts never go back. To add a number about a run: a field of [`result::Summary`], counted in
//! its `take`.

pub mod compare;
pub mod estimate;
pub mod lane;
pub mod live;
pub mod pace;
pub mod plan;
pub mod result;
pub mod run;
pub mod spread;
pub mod track;
pub mod words;
