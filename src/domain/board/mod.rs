//! Every pool of one profile, folded from observations: limits, headers, own usage.
//!
//! Readings of another organization never touch the profile's own gauges; they get pools apart.
//!
//! To add something that is observed: an arm in [`Board::absorb`], and its fold in the file that
//! holds its kind (`limits` for polls, `flight` for own usage, `pool` for gauges).

mod flight;
mod limits;
mod pool;
#[cfg(test)]
mod tests;

use self::flight::{Charged, FlightKey, Flights};
use super::{
    gauge::{Folded, Taken},
    headers::Reading,
    id::{GroupId, Limiter, ModelId, OrganizationId, WorkspaceId},
    limit::{Dimension, Family},
    notice::{Draft, NoticeKind, Weight},
    number::thousands,
    observation::{Observation, Source, What},
    org::{Group, GroupKind, LimitsSnapshot, LimitsState, Organization, Override, Workspace},
    outcome::Outcome,
    tier::Tiers,
    time::Time,
    usage::Usage,
    verdict::Verdict,
};
pub use pool::{Pool, PoolKey};
use std::{collections::HashMap, sync::Arc};

/// Pools of other organizations and workspaces that are followed; more are not.
const MOST_FOREIGN: usize = 64;
/// Pools that nothing lists, made for models that only traffic named; more share the last.
const MOST_POOLS: usize = 2_000;

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
    by_model: HashMap<ModelId, usize>,
    foreign: Vec<Pool>,
    organization: Option<Organization>,
    /// The organization that the profile's own API key belongs to, as headers say.
    seen_as: Option<OrganizationId>,
    workspace: Option<WorkspaceId>,
    overrides: Vec<Override>,
    workspaces: Vec<Workspace>,
    sources: SourceLine,
    /// Whether limits were ever read: only then is a difference a change.
    polled: bool,
    /// Pools as the built-in table guesses them, for when the Admin API does not say.
    table: Vec<Group>,
    tier: Option<String>,
    tiers: Arc<Tiers>,
    flights: Flights,
}

impl Board {
    /// A board for a profile's workspace. Without Admin data pools and members are taken from the
    /// dated table, marked as guesses.
    pub fn new(workspace: Option<WorkspaceId>, tiers: Arc<Tiers>) -> Self {
        Self {
            workspace,
            table: tiers.guess_groups(None),
            tiers,
            ..Self::default()
        }
    }

    /// Takes one observation in. What is worth telling comes back.
    pub fn absorb(&mut self, seen: &Observation) -> Vec<Draft> {
        match &seen.what {
            What::Limits {
                state,
                error,
                snapshot,
            } => self.absorb_limits(seen.at, state, error.as_deref(), snapshot.as_deref()),
            What::Began { input_estimate, .. } => {
                if let Some(call) = seen.call {
                    self.flights
                        .began((seen.client.clone(), call), *input_estimate);
                }
                Vec::new()
            }
            What::Sent => {
                self.absorb_sent(seen);
                Vec::new()
            }
            What::Head {
                reading,
                first_byte_s,
                ..
            } => self.absorb_head(seen, reading, *first_byte_s),
            What::Progress { usage } => {
                self.charge(seen, Some(usage), true);
                Vec::new()
            }
            What::Finished {
                outcome,
                usage,
                verdict,
                ..
            } => {
                self.absorb_end(seen, outcome, usage.as_ref());
                verdict
                    .iter()
                    .map(|verdict| refusal(seen.at, verdict))
                    .collect()
            }
            What::Closed { .. } => {
                if let Some(call) = seen.call {
                    self.flights.closed(&(seen.client.clone(), call));
                }
                Vec::new()
            }
            What::FirstToken { .. } | What::Decided { .. } => Vec::new(),
        }
    }

    fn absorb_limits(
        &mut self,
        at: Time,
        state: &LimitsState,
        error: Option<&str>,
        snapshot: Option<&LimitsSnapshot>,
    ) -> Vec<Draft> {
        let before = self.sources.limits.clone();
        self.sources.limits = Some(state.clone());
        self.sources.limits_error = error.map(str::to_owned);
        let mut told = Vec::new();
        if let Some(snapshot) = snapshot {
            let admin = snapshot.organization.as_ref().map(|o| &o.id);
            if let (Some(admin), Some(own)) = (admin, &self.seen_as)
                && admin != own
            {
                let sentence = other_organization(admin, own);
                self.sources.limits = Some(LimitsState::OtherOrganization);
                self.sources.limits_error = Some(sentence);
            } else {
                self.sources.limits_at = Some(snapshot.at);
                told = self.take_limits(snapshot);
            }
            told.extend(snapshot.faults.iter().map(|fault| Draft {
                at,
                weight: Weight::Warning,
                kind: NoticeKind::Fault,
                sentence: fault.clone(),
                evidence: Vec::new(),
                request: None,
            }));
        }
        if self.sources.limits != Some(LimitsState::Ok) {
            if !self.polled {
                self.assume_table();
            }
            if before != self.sources.limits {
                told.push(Draft {
                    at,
                    weight: if self.sources.limits == Some(LimitsState::Absent) {
                        Weight::Info
                    } else {
                        Weight::Warning
                    },
                    kind: NoticeKind::Note,
                    sentence: self.sources.limits_error.clone().unwrap_or_else(|| {
                        "Limits could not be read; gauges show headers only.".to_owned()
                    }),
                    evidence: Vec::new(),
                    request: None,
                });
            }
        }
        told
    }

    /// Shows the table's pools, so that there is something to select and probe.
    fn assume_table(&mut self) {
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

    fn index(&mut self) {
        self.by_model.clear();
        for (i, pool) in self.pools.iter().enumerate() {
            for model in &pool.models {
                self.by_model.entry(model.clone()).or_insert(i);
            }
        }
    }

    fn absorb_head(
        &mut self,
        seen: &Observation,
        reading: &Reading,
        first_byte_s: f64,
    ) -> Vec<Draft> {
        let mut told = Vec::new();
        let own = matches!(seen.source, Source::Call | Source::Probe);
        let organization = reading.organization.as_ref().or(seen.organization.as_ref());
        if let Some(organization) = organization {
            if own {
                told.extend(self.see_own_organization(seen.at, organization));
            } else if self.home().is_none() {
                self.seen_as = Some(organization.clone());
            }
        }
        let workspace = reading.workspace.as_ref().or(seen.workspace.as_ref());
        let elsewhere = !own
            && (organization.is_some_and(|o| self.home().is_some_and(|home| home != o))
                || workspace.is_some_and(|w| self.workspace.as_ref().is_some_and(|own| own != w)));
        if reading.levels.is_empty() && reading.unified.is_none() && reading.unknown.is_empty() {
            return told;
        }
        if !elsewhere {
            self.sources.headers_at = Some(reading.at);
        }
        let when = Taken {
            at: reading.at,
            first_byte_s,
            source: seen.source,
        };
        if let Some(unified) = &reading.unified
            && !unified.windows.is_empty()
        {
            let pool = self.subscription(elsewhere, organization, workspace);
            for window in &unified.windows {
                let limiter = Limiter::from(window.name.as_str());
                pool.gauge_mut(&limiter, Dimension::Window, Family::Unified)
                    .fold_window(window, when);
            }
        }
        if reading.levels.is_empty() && reading.unknown.is_empty() {
            return told;
        }
        let Some(model) = &seen.model else {
            return told;
        };
        let fast = seen.fast
            || reading
                .levels
                .iter()
                .any(|level| level.family == Family::Fast);
        let pool = if elsewhere {
            self.foreign_pool(model, organization, workspace)
        } else {
            self.home_pool(model)
        };
        pool.unknown.clone_from(&reading.unknown);
        pool.raw.clone_from(&reading.raw);
        // A fast response says nothing about the standard buckets, whatever else it carries.
        for level in reading
            .levels
            .iter()
            .filter(|l| !fast || l.family == Family::Fast)
        {
            let (limiter, dimension) = pool.limiter_of(level);
            let folded = pool
                .gauge_mut(&limiter, dimension, level.family)
                .fold(level, when);
            // The combined family flips between organization and workspace by itself.
            if let Folded::LimitChanged { before } = folded
                && level.family != Family::Combined
            {
                told.push(Draft {
                    at: seen.at,
                    weight: Weight::Info,
                    kind: NoticeKind::LimitChanged,
                    sentence: format!(
                        "{}: the limit of {} in response headers went from {} to {}.",
                        pool.name,
                        dimension.words(),
                        thousands(before),
                        thousands(level.limit)
                    ),
                    evidence: reading
                        .raw
                        .iter()
                        .map(|(n, v)| format!("{n}: {v}"))
                        .collect(),
                    request: reading.request.clone(),
                });
            }
        }
        told
    }

    /// The profile's own key answered for that organization.
    fn see_own_organization(&mut self, at: Time, seen: &OrganizationId) -> Option<Draft> {
        if self.seen_as.as_ref() == Some(seen) {
            return None;
        }
        let admin = self.organization.as_ref().map(|o| o.id.clone());
        let moved = self.seen_as.replace(seen.clone());
        let sentence = if let Some(admin) = admin.filter(|admin| admin != seen) {
            self.sources.limits = Some(LimitsState::OtherOrganization);
            other_organization(&admin, seen)
        } else if let Some(before) = moved {
            format!("The API key now answers for organization {seen}, no longer for {before}.")
        } else {
            for pool in &mut self.pools {
                pool.key.organization = Some(seen.clone());
            }
            return None;
        };
        // What was known is another organization's.
        self.organization = None;
        self.polled = false;
        self.tier = None;
        self.pools.clear();
        self.overrides.clear();
        self.workspaces.clear();
        self.index();
        self.assume_table();
        if self.sources.limits == Some(LimitsState::OtherOrganization) {
            self.sources.limits_error = Some(sentence.clone());
        }
        let kind = NoticeKind::Fault;
        Some(Draft {
            at,
            weight: Weight::Error,
            kind,
            sentence,
            evidence: vec![],
            request: None,
        })
    }

    fn home(&self) -> Option<&OrganizationId> {
        self.seen_as
            .as_ref()
            .or(self.organization.as_ref().map(|o| &o.id))
    }

    /// The profile's pool of a model; from the table, or of its own, when nothing lists it.
    fn home_pool(&mut self, model: &ModelId) -> &mut Pool {
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

    fn foreign_pool(
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
    fn subscription(
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

    fn absorb_sent(&mut self, seen: &Observation) {
        let (Some(key), Some(model)) = (flight_key(seen), &seen.model) else {
            return;
        };
        let estimate = self.flights.estimate(&(seen.client.clone(), key.1));
        let charged = Charged {
            pool: self.pool_of(model).map(|pool| pool.key.group.clone()),
            fast: seen.fast,
            requests: 1,
            usage: Usage {
                input_tokens: estimate,
                ..Usage::default()
            },
        };
        self.draw(&charged, &Charged::default(), seen.at);
        self.flights.sent(key, charged);
    }

    /// Draws what an attempt has used since the last time. Input is an estimate until the server
    /// says it; `usage` without input (deltas counted here) keeps the estimate.
    fn charge(&mut self, seen: &Observation, usage: Option<&Usage>, under_way: bool) {
        let Some(key) = flight_key(seen) else { return };
        let pool = seen
            .model
            .as_ref()
            .and_then(|m| self.pool_of(m))
            .map(|p| p.key.group.clone());
        let Some(charged) = self.flights.get_mut(&key) else {
            return;
        };
        let before = charged.clone();
        if charged.pool.is_none() {
            // The first response of a pool made it; what was drawn before is in its reading.
            charged.pool.clone_from(&pool);
        }
        match usage {
            Some(usage) if usage.all_input() > 0 => charged.usage = *usage,
            Some(usage) => charged.usage.output_tokens = usage.output_tokens,
            None => {}
        }
        let now = charged.clone();
        if !under_way {
            self.flights.landed(&key);
        }
        self.draw(&now, &before, seen.at);
    }

    fn absorb_end(&mut self, seen: &Observation, outcome: &Outcome, usage: Option<&Usage>) {
        let refused = matches!(outcome, Outcome::Refused { .. } | Outcome::Foreign { .. });
        if !refused {
            self.charge(seen, usage, false);
            return;
        }
        // A refused call's tokens are not drawn. Whether it counts to RPM is not established; it is
        // taken not to, and the band holds either way within one request.
        let Some(before) = flight_key(seen).and_then(|key| self.flights.landed(&key)) else {
            return;
        };
        let after = Charged {
            requests: 0,
            usage: Usage::default(),
            ..before.clone()
        };
        self.draw(&after, &before, seen.at);
    }

    /// Draws the difference from every gauge of the pool that counts it.
    fn draw(&mut self, now: &Charged, before: &Charged, at: Time) {
        let Some(group) = &now.pool else { return };
        let Some(pool) = self.pools.iter_mut().find(|pool| pool.key.group == *group) else {
            return;
        };
        let more = |now: u64, before: u64| now as f64 - before as f64;
        let counted = more(now.usage.counted_input(), before.usage.counted_input());
        let all = more(now.usage.all_input(), before.usage.all_input());
        let output = more(now.usage.output_tokens, before.usage.output_tokens);
        for gauge in &mut pool.gauges {
            // Priority requests draw from both their own and the regular buckets (service tiers).
            if now.fast != (gauge.family == Family::Fast) {
                continue;
            }
            let amount = match gauge.dimension {
                Dimension::Rpm => more(now.requests, before.requests),
                Dimension::Itpm => counted,
                Dimension::ItpmAll => all,
                Dimension::Otpm => output,
                Dimension::Combined => counted + output,
                _ => continue,
            };
            gauge.draw(at, amount);
        }
    }

    /// The profile's own pools: model groups first, then the others, each in a stable order.
    pub fn pools(&self) -> &[Pool] {
        &self.pools
    }

    /// Pools of other organizations or workspaces whose traffic was seen.
    pub fn foreign(&self) -> &[Pool] {
        &self.foreign
    }

    /// The pool that serves a model.
    pub fn pool_of(&self, model: &ModelId) -> Option<&Pool> {
        self.by_model.get(model).and_then(|i| self.pools.get(*i))
    }

    /// Whose board this is.
    pub fn organization(&self) -> Option<&Organization> {
        self.organization.as_ref()
    }

    /// The organization that the profile's own key answers for, as headers say.
    pub fn seen_as(&self) -> Option<&OrganizationId> {
        self.seen_as.as_ref()
    }

    /// The profile's workspace.
    pub fn workspace(&self) -> Option<&WorkspaceId> {
        self.workspace.as_ref()
    }

    /// The tier that the limits look like ("Build"): always a guess.
    pub fn tier(&self) -> Option<&str> {
        self.tier.as_deref()
    }

    /// Whether limits come from the Admin API, so that a tier can be guessed from them.
    pub fn polled(&self) -> bool {
        self.polled
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

fn flight_key(seen: &Observation) -> Option<FlightKey> {
    Some((seen.client.clone(), seen.call?, seen.attempt?))
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

/// A refusal as an event, with its evidence line by line.
fn refusal(at: Time, verdict: &Verdict) -> Draft {
    let mut evidence: Vec<String> = verdict
        .evidence
        .iter()
        .map(|e| format!("{}: {}", e.from.label(), e.text))
        .collect();
    evidence.extend(
        verdict
            .asked_s
            .map(|asked| format!("the server asked for {asked} s")),
    );
    evidence.extend(
        verdict
            .model
            .as_ref()
            .map(|model| format!("model: {model}")),
    );
    Draft {
        at,
        weight: if verdict.retry_helps {
            Weight::Warning
        } else {
            Weight::Error
        },
        kind: NoticeKind::Refusal,
        sentence: verdict.sentence.clone(),
        evidence,
        request: verdict.request_id.clone(),
    }
}

fn other_organization(admin: &OrganizationId, own: &OrganizationId) -> String {
    format!(
        "The Admin key belongs to organization {admin}, the API key to {own}: gauges show headers \
         only until both belong together."
    )
}
