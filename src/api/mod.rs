//! The API as a client: messages, streams, limits.
