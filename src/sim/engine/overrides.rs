//! Limits of workspaces that are changed while the world runs.

use super::{
    Engine, admin,
    pool::{Limit, Pool},
};
use crate::{
    domain::time::Time,
    sim::speak::{ask::Version, limits::Change, refusal::Refusal},
};
use serde_json::Value;
use std::sync::Arc;

impl Engine {
    /// Changes a workspace's limits; in force at once, where the API takes up to an hour.
    pub(super) fn set_overrides(
        &mut self,
        id: &str,
        entry: &str,
        changes: &[Change],
        version: Version,
        now: Time,
    ) -> Result<Value, Refusal> {
        let n = admin::pool_of(&self.world, entry)?;
        let world = Arc::make_mut(&mut self.world);
        let told = admin::set_overrides(world, id, n, changes, version)?;
        if self.world.workspace.as_deref() == Some(id) {
            self.settle_pool(n, now);
            if let Some(pool) = self.pools.get_mut(n) {
                pool.set_overrides(changes, now);
            }
        }
        Ok(told)
    }
}

impl Pool {
    /// Other limits of the key's workspace. A changed bucket holds what it held, at most its new size.
    fn set_overrides(&mut self, changes: &[Change], now: Time) {
        for change in changes {
            let known = self
                .limits
                .iter()
                .position(|limit| limit.workspace && limit.limiter.as_str() == change.limiter);
            let before = known.map(|at| self.limits.remove(at));
            let Some(value) = change.value else { continue };
            let left = before.and_then(|limit| Some(limit.bucket?.level(now)));
            let share = left.map_or(1.0, |left| (left / value.max(1) as f64).min(1.0));
            self.limits
                .push(Limit::new(&change.limiter, value, true, share, now));
        }
        self.limits
            .sort_by_key(|limit| (limit.workspace, limit.family, limit.dimension));
    }
}
