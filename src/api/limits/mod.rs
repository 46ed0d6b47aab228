//! Polls of the Admin API: whose organization, which limits, which workspaces lower them.
//!
//! A poll asks for limits, the organization, the workspaces, and the profile's own workspace; the
//! others follow in turn, one request a second. `read` understands the answers, `rota` says whose turn
//! it is.
//!
//! To add one of these (another thing to ask for): its reader in `read` with a fixture, its request in
//! `poll`, and what goes wrong as a fault that hides nothing else.

mod name;
pub mod read;
pub mod rota;

use super::{
    connection::{Connection, escaped},
    fetch::{self, Kind, Trouble},
};
use crate::{
    clock::Clock,
    domain::{
        id::WorkspaceId,
        observation::{Observation, Source, What},
        org::{Group, LimitsSnapshot, LimitsState, Organization, Workspace},
        time::{Time, seconds_between, spoken},
    },
};
use read::Page;
use rota::Rota;
use serde_json::Value;
use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};

/// Pages of one list; a cursor that leads in a circle is noticed before.
const MOST_PAGES: usize = 100;
/// Seconds between two requests for workspaces' overrides.
const PACE_S: f64 = 1.0;
/// Workspaces that are read between two polls unless said otherwise.
pub const TURNS: usize = 20;

/// What one poll, or one turn, brought.
#[derive(Clone, Debug, PartialEq)]
pub struct Polled {
    /// For the board.
    pub seen: Observation,
    /// Seconds that the server asks us to stay away, when it limits us.
    pub stay_away_s: Option<f64>,
    /// Whether nobody answered at all; a server that answers with an error is reached.
    pub unreachable: bool,
}

/// Polls one organization with one Admin key.
pub struct Poller {
    connection: Arc<Connection>,
    clock: Clock,
    turns: usize,
    /// The workspace that is read with each poll.
    home: Option<WorkspaceId>,
    rota: Rota,
    organization: Option<Organization>,
    groups: Vec<Group>,
    groups_at: Time,
    workspaces: Vec<Workspace>,
    /// Faults of the last round, so that each is told once while it lasts.
    told: BTreeSet<String>,
    round: BTreeSet<String>,
    last_turn: Option<Time>,
}

/// The observation that limits are not polled at all, and why: one sentence.
pub fn absent(at: Time, why: String) -> Observation {
    observation(at, LimitsState::Absent, Some(why), None)
}

impl Poller {
    /// A poller of the connection's organization. `turns` is how many other workspaces are read after
    /// each poll: [`TURNS`], or `usize::MAX` for all of them.
    pub fn new(connection: Arc<Connection>, clock: Clock, turns: usize) -> Self {
        Self {
            groups_at: clock.now(),
            home: connection.workspace.clone(),
            connection,
            clock,
            turns,
            rota: Rota::default(),
            organization: None,
            groups: Vec::new(),
            workspaces: Vec::new(),
            told: BTreeSet::new(),
            round: BTreeSet::new(),
            last_turn: None,
        }
    }

    /// Asks for limits, organization, workspaces, and the profile's own workspace. Where the limits
    /// themselves cannot be read there is no snapshot, and what was known stays.
    pub async fn poll(&mut self) -> Polled {
        self.rota.rest();
        self.told = std::mem::take(&mut self.round);
        let mut faults = Vec::new();
        let groups = self
            .all(
                "/v1/organizations/rate_limits",
                "page",
                &mut faults,
                read::groups,
            )
            .await;
        let groups = match groups {
            Ok(groups) => groups,
            Err(trouble) => return self.nothing(trouble),
        };
        self.groups = groups;
        self.groups_at = self.clock.now();
        self.ask_organization(&mut faults).await;
        self.list_workspaces(&mut faults).await;
        let mut overrides = Vec::new();
        if let Some(own) = self.home.clone() {
            match self.read_workspace(&own, &mut faults).await {
                Ok(found) => overrides.push((own, found)),
                Err(trouble) => faults.push(self.unread(&own, &trouble)),
            }
        }
        self.snapshot(overrides, faults)
    }

    /// Where answers name the workspace only after a poll: reads it now, and with each later poll. None
    /// where that is done, or where limits themselves were never read.
    pub async fn settle_in(&mut self, home: &WorkspaceId) -> Option<Polled> {
        if self.groups.is_empty() || self.home.as_ref() == Some(home) {
            return None;
        }
        self.home = Some(home.clone());
        Some(self.read_one(home.clone()).await)
    }

    /// How many workspaces [`Self::turn`] has still to read in this round.
    pub fn turns_left(&self) -> usize {
        self.rota.due()
    }

    /// Reads the next workspace of the round, a second after the one before it; none when the round is
    /// over.
    pub async fn turn(&mut self) -> Option<Polled> {
        let workspace = self.rota.take()?;
        if let Some(last) = self.last_turn {
            let rest = PACE_S - seconds_between(last, self.clock.now());
            let rest = Duration::try_from_secs_f64(rest.min(PACE_S)).unwrap_or_default();
            tokio::time::sleep(rest).await;
        }
        self.last_turn = Some(self.clock.now());
        Some(self.read_one(workspace).await)
    }

    async fn read_one(&mut self, workspace: WorkspaceId) -> Polled {
        let mut faults = Vec::new();
        let mut overrides = Vec::new();
        let mut stay_away_s = None;
        match self.read_workspace(&workspace, &mut faults).await {
            Ok(found) => overrides.push((workspace, found)),
            Err(trouble) => {
                if !matches!(trouble.kind, Kind::Failed | Kind::Unreachable) {
                    // The rest would be told the same.
                    self.rota.rest();
                }
                stay_away_s = trouble.hint.asked_s();
                faults.push(self.unread(&workspace, &trouble));
            }
        }
        let mut polled = self.snapshot(overrides, faults);
        polled.stay_away_s = stay_away_s;
        polled
    }

    async fn ask_organization(&mut self, faults: &mut Vec<String>) {
        let target = "/v1/organizations/me".to_owned();
        match fetch::json(&self.connection, &self.clock, target).await {
            Ok(value) => match read::organization(&value) {
                Some(organization) => self.organization = Some(organization),
                None => faults.push(format!(
                    "{} did not say which organization the Admin key belongs to.",
                    self.connection.host
                )),
            },
            Err(trouble) => faults.push(format!(
                "The organization's name could not be read from {}: {}.",
                self.connection.host, trouble.what
            )),
        }
    }

    async fn list_workspaces(&mut self, faults: &mut Vec<String>) {
        let target = "/v1/organizations/workspaces?limit=1000";
        match self.all(target, "after_id", faults, read::workspaces).await {
            Ok(workspaces) => self.workspaces = workspaces,
            Err(trouble) => faults.push(format!(
                "Workspaces could not be listed at {}: {}.",
                self.connection.host, trouble.what
            )),
        }
        let own = self.home.as_ref();
        let all = self.workspaces.iter().map(|workspace| workspace.id.clone());
        self.rota.set(all, own, self.turns);
    }

    async fn read_workspace(
        &self,
        workspace: &WorkspaceId,
        faults: &mut Vec<String>,
    ) -> Result<Vec<crate::domain::org::Override>, Trouble> {
        let target = format!(
            "/v1/organizations/workspaces/{}/rate_limits",
            escaped(workspace.as_str())
        );
        let read = |value: &Value| read::overrides(value, workspace, &self.groups);
        let pages = self.all(&target, "page", faults, read).await?;
        Ok(pages.into_iter().flatten().collect())
    }

    /// Every page of a list. Half a list is none: a limit that is on the missing half did not go.
    async fn all<T>(
        &self,
        target: &str,
        cursor_name: &str,
        faults: &mut Vec<String>,
        read: impl Fn(&Value) -> Result<Page<T>, String>,
    ) -> Result<Vec<T>, Trouble> {
        let mut entries = Vec::new();
        let mut cursors = HashSet::new();
        let mut next = target.to_owned();
        loop {
            let value = fetch::json(&self.connection, &self.clock, next).await?;
            let page = read(&value).map_err(|what| {
                Trouble::failed(format!("the list could not be read, for {what}"))
            })?;
            entries.extend(page.entries);
            faults.extend(page.faults);
            let Some(cursor) = page.next else {
                return Ok(entries);
            };
            let joint = if target.contains('?') { '&' } else { '?' };
            next = format!("{target}{joint}{cursor_name}={}", escaped(&cursor));
            if !cursors.insert(cursor) {
                let what = "its pages lead in a circle".to_owned();
                return Err(Trouble::failed(what));
            }
            if cursors.len() >= MOST_PAGES {
                let what = format!("it has more than {MOST_PAGES} pages");
                return Err(Trouble::failed(what));
            }
        }
    }

    fn unread(&self, workspace: &WorkspaceId, trouble: &Trouble) -> String {
        let name = self
            .workspaces
            .iter()
            .find(|known| known.id == *workspace)
            .map_or(workspace.as_str(), |known| known.name.as_str());
        format!(
            "The limits of workspace {name} could not be read from {}: {}.",
            self.connection.host, trouble.what
        )
    }

    fn snapshot(
        &mut self,
        overrides: Vec<(WorkspaceId, Vec<crate::domain::org::Override>)>,
        faults: Vec<String>,
    ) -> Polled {
        self.round.extend(faults.iter().cloned());
        let new = faults
            .into_iter()
            .filter(|fault| !self.told.contains(fault))
            .collect();
        let snapshot = LimitsSnapshot {
            at: self.groups_at,
            organization: self.organization.clone(),
            groups: self.groups.clone(),
            workspaces: self.workspaces.clone(),
            overrides,
            faults: new,
        };
        Polled {
            seen: observation(self.clock.now(), LimitsState::Ok, None, Some(snapshot)),
            stay_away_s: None,
            unreachable: false,
        }
    }

    /// The limits themselves could not be read.
    fn nothing(&mut self, trouble: Trouble) -> Polled {
        let Connection { profile, host, .. } = self.connection.as_ref();
        let what = &trouble.what;
        let (state, sentence) = match trouble.kind {
            Kind::Refused => (
                LimitsState::Refused,
                format!(
                    "Headers only: {host} refuses limits to the Admin key of profile {profile} ({what}); use \
                     an Admin key, or a key that no workspace holds"
                ),
            ),
            Kind::Missing => (
                LimitsState::Failed,
                format!(
                    "Headers only: {host} has no list of limits ({what}); check admin_base_url of profile \
                     {profile}"
                ),
            ),
            Kind::Limited => (
                LimitsState::Failed,
                format!(
                    "{host} limits the polling of limits ({what}){}: earlier limits stay",
                    trouble
                        .hint
                        .asked_s()
                        .map_or_else(String::new, |asked| format!(
                            " and allows it again in {}",
                            spoken(asked)
                        ))
                ),
            ),
            Kind::Failed | Kind::Unreachable => (
                LimitsState::Failed,
                format!("Limits could not be read from {host}: {what}; earlier limits stay"),
            ),
        };
        Polled {
            seen: observation(self.clock.now(), state, Some(sentence), None),
            stay_away_s: trouble.hint.asked_s(),
            unreachable: trouble.kind == Kind::Unreachable,
        }
    }
}

fn observation(
    at: Time,
    state: LimitsState,
    error: Option<String>,
    snapshot: Option<LimitsSnapshot>,
) -> Observation {
    Observation {
        at,
        source: Source::Admin,
        call: None,
        attempt: None,
        client: None,
        organization: snapshot
            .as_ref()
            .and_then(|snapshot| snapshot.organization.as_ref())
            .map(|organization| organization.id.clone()),
        workspace: None,
        model: None,
        fast: false,
        what: What::Limits {
            state,
            error,
            snapshot: snapshot.map(Box::new),
        },
    }
}

#[cfg(test)]
mod tests;
