//! Which pool traffic belongs to: the profile's own, another organization's, or a guess.

use super::{Board, Pool, PoolKey};
use crate::domain::{
    id::{GroupId, ModelId, OrganizationId, WorkspaceId},
    org::{Group, GroupKind},
};

/// Pools of other organizations and workspaces that are followed; more are not.
const MOST_FOREIGN: usize = 64;
/// Pools that nothing lists, made for models that only traffic named; more share the last.
const MOST_POOLS: usize = 2_000;

impl Board {
    /// Shows the table's pools, so that there is something to select and probe.
    pub(super) fn assume_table(&mut self) {
        for group in self.table.clone() {
            if !group.models.iter().any(|m| self.by_model.contains_key(m)) {
                let pool = Pool::from_group(&group, self.key_of(&group.id));
                self.pools.push(pool);
            }
        }
        self.pools
            .sort_by_key(|pool| pool.kind != GroupKind::ModelGroup);
        self.index();
    }

    pub(super) fn index(&mut self) {
        self.by_model.clear();
        for (i, pool) in self.pools.iter().enumerate() {
            for model in &pool.models {
                self.by_model.entry(model.clone()).or_insert(i);
            }
        }
    }

    /// The profile's pool of a model; from the table, or of its own, when nothing lists it.
    pub(super) fn home_pool(&mut self, model: &ModelId) -> &mut Pool {
        let at = self.by_model.get(model).copied().unwrap_or_else(|| {
            let group = guessed(&self.table, model);
            if self.pools.len() < MOST_POOLS {
                let models = self
                    .pools
                    .partition_point(|p| p.kind == GroupKind::ModelGroup);
                self.pools
                    .insert(models, Pool::from_group(&group, self.key_of(&group.id)));
                self.index();
                models
            } else {
                self.pools.len() - 1
            }
        });
        &mut self.pools[at]
    }

    pub(super) fn foreign_pool(
        &mut self,
        model: &ModelId,
        organization: Option<&OrganizationId>,
        workspace: Option<&WorkspaceId>,
    ) -> &mut Pool {
        let group = self.pool_of(model).map_or_else(
            || guessed(&self.table, model),
            |pool| Group {
                id: pool.key.group.clone(),
                entry: None,
                kind: pool.kind.clone(),
                name: pool.name.clone(),
                models: pool.models.clone(),
                limits: Vec::new(),
                guess: true,
            },
        );
        self.foreign_of(&group, organization, workspace)
    }

    fn foreign_of(
        &mut self,
        group: &Group,
        organization: Option<&OrganizationId>,
        workspace: Option<&WorkspaceId>,
    ) -> &mut Pool {
        let key = PoolKey {
            organization: organization.cloned(),
            workspace: workspace.cloned(),
            group: group.id.clone(),
        };
        let at = self
            .foreign
            .iter()
            .position(|pool| pool.key == key)
            .unwrap_or_else(|| {
                if self.foreign.len() >= MOST_FOREIGN {
                    self.foreign.remove(0);
                }
                self.foreign.push(Pool::from_group(group, key));
                self.foreign.len() - 1
            });
        &mut self.foreign[at]
    }

    /// Subscription windows belong to the account, not to a model.
    pub(super) fn subscription(
        &mut self,
        elsewhere: bool,
        organization: Option<&OrganizationId>,
        workspace: Option<&WorkspaceId>,
    ) -> &mut Pool {
        let group = Group {
            id: GroupId::from("subscription"),
            entry: None,
            kind: GroupKind::Other("subscription".to_owned()),
            name: "Subscription".to_owned(),
            models: Vec::new(),
            limits: Vec::new(),
            guess: false,
        };
        if elsewhere {
            return self.foreign_of(&group, organization, workspace);
        }
        let at = self
            .pools
            .iter()
            .position(|p| p.key.group == group.id)
            .unwrap_or_else(|| {
                self.pools
                    .push(Pool::from_group(&group, self.key_of(&group.id)));
                self.pools.len() - 1
            });
        &mut self.pools[at]
    }
}

/// The table's group for a model, else one of its own.
fn guessed(table: &[Group], model: &ModelId) -> Group {
    let listed = table.iter().find(|group| group.models.contains(model));
    listed.cloned().unwrap_or_else(|| Group {
        id: GroupId::from(format!("model:{model}")),
        entry: None,
        kind: GroupKind::ModelGroup,
        name: model.as_str().to_owned(),
        models: vec![model.clone()],
        limits: Vec::new(),
        guess: true,
    })
}
