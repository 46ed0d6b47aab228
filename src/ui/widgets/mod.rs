//! Picture elements that panels share.
//!
//! To add one: a file here with one function that draws on a `Canvas` and panics nowhere.
