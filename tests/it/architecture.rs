//! Rooms, arrows, purity.
