//! Property tests across rooms.
