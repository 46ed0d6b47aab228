//! Every pool of one profile, folded from observations.

use super::{
    gauge::{Gauge, GaugeView},
    id::{GroupId, ModelId, OrganizationId, WorkspaceId},
    notice::Draft,
    observation::Observation,
    org::{GroupKind, LimitsState, Organization, Override, Workspace},
    time::Time,
};

/// Where a pool belongs. With a gauge's limiter and family this is the board's whole key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolKey {
    /// Whose organization; none until the first header or `/organizations/me`.
    pub organization: Option<OrganizationId>,
    /// The workspace of the key that was used.
    pub workspace: Option<WorkspaceId>,
    /// The pool.
    pub group: GroupId,
}

/// One pool with its gauges.
#[derive(Clone, Debug)]
pub struct Pool {
    /// Where it belongs.
    pub key: PoolKey,
    /// What kind of pool.
    pub kind: GroupKind,
    /// For people.
    pub name: String,
    /// Members.
    pub models: Vec<ModelId>,
    /// Whether members or limits come from the built-in table.
    pub guess: bool,
    /// RPM, ITPM, OTPM, then the others.
    pub gauges: Vec<Gauge>,
    /// Rate-limit headers of the last response that nothing here understands.
    pub unknown: Vec<(String, String)>,
    /// The last response's rate-limit headers as they came, for evidence.
    pub raw: Vec<(String, String)>,
}

impl Pool {
    /// The gauge that binds first at `now`: least share left among those whose level is known.
    pub fn tightest(&self, now: Time) -> Option<(&Gauge, GaugeView)> {
        let _ = now;
        None
    }
}

/// A source of the board, for the header line and for `sources` in JSON.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceLine {
    /// What became of the last limits poll; none before the first.
    pub limits: Option<LimitsState>,
    /// When limits were last read.
    pub limits_at: Option<Time>,
    /// Why the last poll was not fine.
    pub limits_error: Option<String>,
    /// When the last rate-limit header came.
    pub headers_at: Option<Time>,
}

/// Every pool of one profile.
#[derive(Clone, Debug, Default)]
pub struct Board {
    pools: Vec<Pool>,
    organization: Option<Organization>,
    sources: SourceLine,
    overrides: Vec<Override>,
    workspaces: Vec<Workspace>,
}

impl Board {
    /// Takes one observation in. What is worth telling comes back.
    pub fn absorb(&mut self, seen: &Observation) -> Vec<Draft> {
        let _ = seen;
        Vec::new()
    }

    /// The profile's own pools: model groups first, then the others, each in a stable order.
    pub fn pools(&self) -> &[Pool] {
        &self.pools
    }

    /// Pools of other organizations or workspaces whose traffic was seen.
    pub fn foreign(&self) -> &[Pool] {
        &[]
    }

    /// The pool that serves a model.
    pub fn pool_of(&self, model: &ModelId) -> Option<&Pool> {
        self.pools.iter().find(|pool| pool.models.contains(model))
    }

    /// Whose board this is.
    pub fn organization(&self) -> Option<&Organization> {
        self.organization.as_ref()
    }

    /// The tier that the limits look like ("Build"): always a guess.
    pub fn tier(&self) -> Option<&str> {
        None
    }

    /// How the sources stand.
    pub fn sources(&self) -> &SourceLine {
        &self.sources
    }

    /// Overrides of every workspace read so far.
    pub fn overrides(&self) -> &[Override] {
        &self.overrides
    }

    /// Workspaces by name.
    pub fn workspaces(&self) -> &[Workspace] {
        &self.workspaces
    }
}
