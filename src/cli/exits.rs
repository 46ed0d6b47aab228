//! Exit codes that scripts may rely on.

/// Everything was fine.
pub const FINE: u8 = 0;
/// Something failed.
pub const FAILURE: u8 = 1;
/// Wrong usage or configuration; nothing was started.
pub const USAGE: u8 = 2;
/// Below the threshold that was asked for.
pub const BELOW: u8 = 3;
/// The key was refused.
pub const KEY_REFUSED: u8 = 4;
/// Nobody answered.
pub const UNREACHABLE: u8 = 5;
/// It cannot be told; unknown never passes a gate.
pub const CANNOT_TELL: u8 = 6;
