//! Bytes in use, counted by the allocator of this binary. Tests share it, so that whoever measures
//! is alone.

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::{
    alloc::System,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

static ROOM: RwLock<()> = RwLock::new(());

/// Held by tests that do not measure.
pub(crate) fn beside_others() -> RwLockReadGuard<'static, ()> {
    ROOM.read().unwrap_or_else(PoisonError::into_inner)
}

/// Held by a test that measures.
pub(crate) fn alone() -> RwLockWriteGuard<'static, ()> {
    ROOM.write().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes in use now.
pub(crate) fn in_use() -> isize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated as isize - stats.bytes_deallocated as isize
}

/// Bytes that a copy of `it` takes: what it holds, without spare room.
pub(crate) fn size_of_copy<T: Clone>(it: &T) -> isize {
    let before = in_use();
    let copy = it.clone();
    let taken = in_use() - before;
    drop(copy);
    taken
}
