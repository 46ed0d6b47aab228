//! Configured limits, as the Admin API lists them: an organization, its groups, its workspaces.

use super::{
    id::{GroupId, Limiter, ModelId, OrganizationId, WorkspaceId},
    time::Time,
};
use serde::{Deserialize, Serialize};

/// `GET /v1/organizations/me`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// Equals the `anthropic-organization-id` header of its traffic (inferred).
    pub id: OrganizationId,
    /// For people.
    pub name: String,
}

/// `group.type`, an open set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum GroupKind {
    /// Models that share one set of buckets.
    ModelGroup,
    /// Message Batches.
    Batch,
    /// `count_tokens`.
    TokenCount,
    /// Files API.
    Files,
    /// Skills API.
    Skills,
    /// The web search tool.
    WebSearch,
    /// A type this version does not know.
    Other(String),
}

impl From<String> for GroupKind {
    fn from(text: String) -> Self {
        match text.as_str() {
            "model_group" => Self::ModelGroup,
            "batch" => Self::Batch,
            "token_count" => Self::TokenCount,
            "files" => Self::Files,
            "skills" => Self::Skills,
            "web_search" => Self::WebSearch,
            _ => Self::Other(text),
        }
    }
}

impl From<GroupKind> for String {
    fn from(kind: GroupKind) -> Self {
        kind.as_str().to_owned()
    }
}

impl GroupKind {
    /// As the wire writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::ModelGroup => "model_group",
            Self::Batch => "batch",
            Self::TokenCount => "token_count",
            Self::Files => "files",
            Self::Skills => "skills",
            Self::WebSearch => "web_search",
            Self::Other(text) => text,
        }
    }
}

/// One configured limit of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfiguredLimit {
    /// Its `type`.
    pub limiter: Limiter,
    /// Units of the limiter's dimension (requests or tokens a minute, …).
    pub value: u64,
}

/// A pool: what shares one set of buckets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The key for boards, history and alerts.
    pub id: GroupId,
    /// The organization's own id of the entry (`id`), which workspace entries name (`rate_limit_id`).
    pub entry: Option<String>,
    /// What kind of pool.
    pub kind: GroupKind,
    /// `display_name`, else made from the members.
    pub name: String,
    /// Members, ids and aliases, as far as this organization may use them. Empty for other kinds.
    pub models: Vec<ModelId>,
    /// A limiter that is missing here has no configured limit; that is not 0.
    pub limits: Vec<ConfiguredLimit>,
    /// True when members or numbers come from the built-in dated table and not from the API.
    pub guess: bool,
}

/// A workspace's override of one limiter of one group. Absent means inherited, never unlimited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Whose.
    pub workspace: WorkspaceId,
    /// The group it lowers.
    pub group: GroupId,
    /// The limiter.
    pub limiter: Limiter,
    /// The stored value; the lower of this and the organization's is enforced.
    pub value: u64,
    /// The organization's value beside it, when it has one.
    pub org_limit: Option<u64>,
}

impl Override {
    /// What is enforced: the lower of both.
    pub fn effective(&self) -> u64 {
        self.org_limit.map_or(self.value, |org| org.min(self.value))
    }
}

/// A workspace's name, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// `wrkspc_…`.
    pub id: WorkspaceId,
    /// For people.
    pub name: String,
}

/// Everything one poll of the Admin API learnt. Parts that failed are absent, not empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LimitsSnapshot {
    /// When the answers came.
    pub at: Time,
    /// Whose limits.
    pub organization: Option<Organization>,
    /// Pools of the organization.
    pub groups: Vec<Group>,
    /// Its workspaces, as far as listed yet.
    pub workspaces: Vec<Workspace>,
    /// Workspaces whose overrides were read, with what was found; one poll reads a few at a time.
    pub overrides: Vec<(WorkspaceId, Vec<Override>)>,
    /// Entries that could not be read, one sentence each. They never hide the rest.
    pub faults: Vec<String>,
}

/// What became of the poll, for the header line and `sources.limits`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitsState {
    /// Limits were read.
    Ok,
    /// The key may not read limits (401, 403).
    Refused,
    /// There is no Admin key, or no Admin address.
    Absent,
    /// It should have worked and did not; earlier limits stay.
    Failed,
    /// The Admin key's organization is not the API key's.
    OtherOrganization,
}
