//! Every pool of one profile, folded from observations: limits, headers, own usage.
//!
//! Readings of another organization never touch the profile's own gauges; they get pools apart.
//!
//! To add something that is observed: an arm in [`Board::absorb`], and its fold in the file that
//! holds its kind (`limits` for polls, `heads` for response headers, `draws` for own usage, `levels` for
//! what is told of them, `places` for the pool that it belongs to, `pool` for gauges).

mod draws;
mod flight;
mod heads;
mod levels;
mod limits;
mod places;
mod pool;
#[cfg(test)]
mod tests;

use self::flight::Flights;
use super::{
    id::{ModelId, OrganizationId, WorkspaceId},
    notice::{Draft, NoticeKind, Weight},
    observation::{Observation, What},
    org::{Group, LimitsState, Organization, Override, Workspace},
    tier::{Tiers, ending},
    time::Time,
    verdict::Verdict,
};
pub use pool::{Pool, PoolKey};
use std::{collections::HashMap, sync::Arc};

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
    /// Answers with status 200 that came since then, or ever, without any such header.
    pub bare_answers: u64,
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
    /// Whether that was only concluded from passing traffic.
    assumed_home: bool,
    /// As the profile says.
    workspace: Option<WorkspaceId>,
    /// As the headers of the profile's own key say, where the profile does not.
    seen_in: Option<WorkspaceId>,
    overrides: Vec<Override>,
    /// Workspaces whose overrides were read, also those that have none.
    read_of: Vec<WorkspaceId>,
    workspaces: Vec<Workspace>,
    sources: SourceLine,
    /// Whether limits were ever read: only then is a difference a change.
    polled: bool,
    /// Pools as the built-in table guesses them, for when the Admin API does not say.
    table: Vec<Group>,
    tier: Option<String>,
    /// Models whose end was told; at most as many as the table has.
    endings: Vec<ModelId>,
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
                self.tell_ending(seen).into_iter().collect()
            }
            What::Sent => {
                self.absorb_sent(seen);
                Vec::new()
            }
            What::Head {
                status,
                reading,
                first_byte_s,
            } => self.absorb_head(seen, *status, reading, *first_byte_s),
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
            What::Counted { requests, usage } => {
                self.draw_counted(seen, *requests, usage);
                Vec::new()
            }
            What::Aside { group, verdict, .. } => {
                self.draw_aside(group, verdict.is_some(), seen.at);
                verdict
                    .iter()
                    .map(|verdict| refusal(seen.at, verdict))
                    .collect()
            }
            What::Held { .. }
            | What::FirstToken { .. }
            | What::Thought(_)
            | What::Decided { .. } => Vec::new(),
        }
    }

    /// A model that is called though its end is near, once.
    fn tell_ending(&mut self, seen: &Observation) -> Option<Draft> {
        let model = seen.model.as_ref()?;
        let listed = &self.tiers.model(model)?.id;
        if self.endings.contains(listed) {
            return None;
        }
        let told = ending(&self.tiers, model, seen.client.as_ref(), seen.at)?;
        self.endings.push(listed.clone());
        Some(told)
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

    /// The profile's workspace: as it says itself, else as headers of its own key say.
    pub fn workspace(&self) -> Option<&WorkspaceId> {
        self.workspace.as_ref().or(self.seen_in.as_ref())
    }

    /// Whether it is known what the profile's workspace lowers: without one nothing does.
    pub fn knows_workspace(&self) -> bool {
        self.workspace().is_none_or(|id| self.read_of.contains(id))
    }

    /// The tier that the limits look like ("Build"): always a guess.
    pub fn tier(&self) -> Option<&str> {
        self.tier.as_deref()
    }

    /// Whether limits come from the Admin API, so that a tier can be guessed from them.
    pub fn polled(&self) -> bool {
        self.polled
    }

    /// Attempts and calls that are followed because they have not ended yet.
    pub fn under_way(&self) -> usize {
        self.flights.kept()
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
