//! Real loopback.
