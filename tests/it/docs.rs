//! What the README and the examples say.
