//! One line for prompts and status bars.

/// The template unless another is given: `Opus 5.5 21% OTPM ▼1m40s`.
pub const DEFAULT: &str = "{pool} {percent} {dimension} {empty_in}";
