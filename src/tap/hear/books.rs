//! What is counted, behind one short lock: rows, drops, calls that wait for their client, and who was
//! read or told when.

use super::{
    allowance::Allowance,
    ask::Wishes,
    head::{Answered, Asked},
    names::{Names, model_name},
    waiting::{Again, Failed, Waiting},
};
use crate::domain::{
    headers::Reading,
    id::{CallId, ClientId, Limiter, ModelId, OrganizationId, WorkspaceId},
    time::{Time, seconds_between},
    traffic::{ClientRow, Drops, Elsewhere, ModelRow, Tally, Totals},
    usage::Usage,
};
use http::HeaderValue;

/// An organization's head is read at least this often, seconds, whatever else is not told.
const READ_EVERY_S: f64 = 1.0;
/// Seconds between two tellings of what is counted together.
const COUNTED_EVERY_S: f64 = 0.1;
/// Organizations and workspaces of one model that are told apart.
const MOST_LANES: usize = 16;

/// Everything that is counted.
pub(super) struct Books {
    pub(super) clients: Names<ClientId>,
    pub(super) models: Names<ModelId>,
    /// One for each row of `models`.
    paces: Vec<Pace>,
    pub(super) waiting: Waiting,
    next_call: u64,
    pub(super) drops: Drops,
    pub(super) elsewhere: Elsewhere,
}

/// How often one model is told and read.
#[derive(Default)]
struct Pace {
    allowance: Allowance,
    lanes: Vec<Lane>,
}

/// One model as one organization's workspace uses it.
struct Lane {
    organization: Option<HeaderValue>,
    workspace: Option<HeaderValue>,
    fast: bool,
    owner: Owner,
    read: Option<Time>,
    limits: Vec<(Limiter, u64)>,
    /// Whether a subscription pays, whose windows are not drawn from by tokens.
    subscription: bool,
    counted: Counted,
    told: Option<Time>,
}

/// Whose traffic it is, as heads say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) organization: Option<OrganizationId>,
    pub(super) workspace: Option<WorkspaceId>,
}

/// Whole answers that are not told one by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) requests: u64,
    pub(super) usage: Usage,
}

/// What of it is to be told now.
#[derive(Debug)]
pub(super) struct Bulk {
    pub(super) model: ModelId,
    pub(super) owner: Owner,
    pub(super) fast: bool,
    pub(super) counted: Counted,
    pub(super) at: Time,
    /// Where it came from, so that it can go back.
    pub(super) place: (usize, usize),
}

/// A request that has found its call.
pub(super) struct Linked {
    pub(super) call: CallId,
    pub(super) attempt: u32,
    pub(super) model_row: usize,
    pub(super) client: ClientId,
    pub(super) model: ModelId,
    /// Whether it may be told.
    pub(super) told: bool,
    pub(super) again: Option<Again>,
}

/// How a wire call ended, for the rows.
pub(super) enum Ending {
    Whole,
    Refused(crate::domain::verdict::Cause),
    Unreachable,
    Cancelled,
    Broken,
}

/// What the rows take from an answer's head, and when its first token came.
#[derive(Clone, Copy)]
pub(super) struct Timed {
    pub(super) status: u16,
    pub(super) first_byte_s: f64,
    pub(super) first_token_s: Option<f64>,
}

impl Books {
    pub(super) fn new(first_call: CallId) -> Self {
        Self {
            clients: Names::new(),
            models: Names::new(),
            paces: Vec::new(),
            waiting: Waiting::default(),
            next_call: first_call.0,
            drops: Drops::default(),
            elsewhere: Elsewhere::default(),
        }
    }

    /// The row of the client with such a head.
    pub(super) fn client(&mut self, asked: &Asked<'_>) -> usize {
        let (row, folded) = self.clients.find_client(asked);
        self.drops.names += u64::from(folded);
        row
    }

    /// A request of that client is known: to which call it belongs, and that it is under way.
    pub(super) fn link(
        &mut self,
        client: usize,
        wishes: &Wishes,
        print: Option<u64>,
        count: Option<u32>,
        sent: Time,
    ) -> Option<Linked> {
        let (model, folded) = self.models.find(wishes.model(), model_name);
        self.drops.names += u64::from(folded);
        let again = print.and_then(|print| self.waiting.take(print, count, sent));
        self.both((client, model), |tally| {
            tally.wire += 1;
            tally.open += 1;
            tally.retries += u64::from(again.is_some() || count.is_some_and(|count| count > 0));
            let Some(again) = &again else {
                tally.logical += 1;
                return;
            };
            tally.stacked += u64::from(again.stacked);
            tally.slept_s += again.slept_s;
            tally.asked_s += again.failed.asked_s.unwrap_or(0.0);
            if let Some(early) = again.early_s {
                tally.early += 1;
                tally.early_s += early;
                tally.early_worst_s = tally.early_worst_s.max(early);
            }
        });
        let (call, attempt) = if let Some(again) = &again {
            (again.failed.call, again.failed.attempt.saturating_add(1))
        } else {
            let call = CallId(self.next_call);
            self.next_call += 1;
            (call, count.unwrap_or(0).saturating_add(1))
        };
        let known = again.as_ref().is_some_and(|again| again.failed.told);
        Some(Linked {
            call,
            attempt,
            model_row: model,
            client: self.clients.rows().get(client)?.id.clone(),
            model: self.models.rows().get(model)?.id.clone(),
            told: known || self.pace(model).allowance.takes(sent),
            again,
        })
    }

    fn pace(&mut self, model: usize) -> &mut Pace {
        if self.paces.len() <= model {
            self.paces.resize_with(model + 1, Pace::default);
        }
        &mut self.paces[model]
    }

    fn both(&mut self, (client, model): (usize, usize), mut change: impl FnMut(&mut Tally)) {
        if let Some(row) = self.clients.row(client) {
            change(&mut row.tally);
        }
        if let Some(row) = self.models.row(model) {
            change(&mut row.tally);
        }
    }

    /// A good head came: whose it is, and whether its limits are to be read.
    pub(super) fn head(
        &mut self,
        model: usize,
        answered: &Answered<'_>,
        fast: bool,
        must: bool,
        now: Time,
    ) -> (Option<usize>, bool) {
        let (organization, workspace) = (answered.organization, answered.workspace);
        let lanes = &mut self.pace(model).lanes;
        let same = |lane: &Lane| {
            lane.fast == fast
                && lane.organization.as_ref() == organization
                && lane.workspace.as_ref() == workspace
        };
        let at = match lanes.iter().position(same) {
            Some(at) => at,
            None if lanes.len() < MOST_LANES => {
                lanes.push(Lane {
                    organization: organization.cloned(),
                    workspace: workspace.cloned(),
                    fast,
                    owner: Owner::default(),
                    read: None,
                    limits: Vec::new(),
                    subscription: false,
                    counted: Counted::default(),
                    told: None,
                });
                lanes.len() - 1
            }
            None => return (None, must),
        };
        let lane = &mut lanes[at];
        let due = lane
            .read
            .is_none_or(|read| seconds_between(read, now) >= READ_EVERY_S);
        let read = must || due;
        if read {
            lane.read = Some(now);
        } else {
            self.drops.readings += 1;
        }
        (Some(at), read)
    }

    /// A head was read: whether a limit is another than the last time.
    pub(super) fn note(&mut self, model: usize, lane: Option<usize>, reading: &Reading) -> bool {
        let lanes = &mut self.pace(model).lanes;
        let Some(lane) = lane.and_then(|lane| lanes.get_mut(lane)) else {
            return false;
        };
        lane.owner = Owner {
            organization: reading.organization.clone(),
            workspace: reading.workspace.clone(),
        };
        lane.subscription = reading.unified.is_some() && reading.levels.is_empty();
        let mut changed = false;
        for level in &reading.levels {
            match lane
                .limits
                .iter_mut()
                .find(|(limiter, _)| *limiter == level.limiter)
            {
                Some((_, limit)) => {
                    changed |= std::mem::replace(limit, level.limit) != level.limit;
                }
                None => lane.limits.push((level.limiter.clone(), level.limit)),
            }
        }
        changed
    }

    /// A wire call ended; `timed` where there was an answer.
    pub(super) fn end(
        &mut self,
        rows: (usize, usize),
        ending: &Ending,
        usage: Option<Usage>,
        timed: Option<Timed>,
    ) {
        let usage = usage.unwrap_or_default();
        self.both(rows, |tally| {
            tally.open = tally.open.saturating_sub(1);
            tally.usage = tally.usage.plus(&usage);
            if let Some(timed) = timed {
                tally.count_status(timed.status);
                if timed.status < 300 {
                    tally.first_byte.add(timed.first_byte_s);
                }
                if let Some(first_token_s) = timed.first_token_s {
                    tally.first_token.add(first_token_s);
                }
            }
            match ending {
                Ending::Whole => tally.whole += 1,
                Ending::Refused(cause) => *tally.refused.entry(*cause).or_default() += 1,
                Ending::Unreachable => tally.unreachable += 1,
                Ending::Cancelled => tally.cancelled += 1,
                Ending::Broken => {
                    tally.broken += 1;
                    tally.lost = tally.lost.plus(&usage);
                }
            }
        });
    }

    /// A whole answer that was not told. What of its like is to be told together comes back.
    pub(super) fn untold(
        &mut self,
        model: usize,
        lane: Option<usize>,
        usage: Option<Usage>,
        now: Time,
    ) -> Option<Bulk> {
        self.drops.observations += 1;
        let at = lane?;
        let lane = self.pace(model).lanes.get_mut(at)?;
        lane.counted.requests += 1;
        lane.counted.usage = lane.counted.usage.plus(&usage.unwrap_or_default());
        let due = lane
            .told
            .is_none_or(|told| seconds_between(told, now) >= COUNTED_EVERY_S);
        due.then(|| self.bulk((model, at), now)).flatten()
    }

    fn bulk(&mut self, place: (usize, usize), now: Time) -> Option<Bulk> {
        let model = self.models.rows().get(place.0)?.id.clone();
        let lane = self.paces.get_mut(place.0)?.lanes.get_mut(place.1)?;
        lane.told = Some(now);
        let counted = std::mem::take(&mut lane.counted);
        (counted.requests > 0 && !lane.subscription).then(|| Bulk {
            model,
            owner: lane.owner.clone(),
            fast: lane.fast,
            counted,
            at: now,
            place,
        })
    }

    /// There was no room for it: it is told with the next.
    pub(super) fn back(&mut self, bulk: &Bulk) {
        self.drops.screen += 1;
        let lane = self.paces.get_mut(bulk.place.0);
        if let Some(lane) = lane.and_then(|pace| pace.lanes.get_mut(bulk.place.1)) {
            lane.counted.requests += bulk.counted.requests;
            lane.counted.usage = lane.counted.usage.plus(&bulk.counted.usage);
        }
    }

    /// Everything that is counted and not told yet.
    pub(super) fn all_bulks(&mut self, now: Time) -> Vec<Bulk> {
        let places: Vec<(usize, usize)> = self
            .paces
            .iter()
            .enumerate()
            .flat_map(|(model, pace)| (0..pace.lanes.len()).map(move |lane| (model, lane)))
            .collect();
        places
            .into_iter()
            .filter_map(|place| self.bulk(place, now))
            .collect()
    }

    /// Calls whose clients have not come back by `now`.
    pub(super) fn expired(&mut self, now: Time) -> Vec<Failed> {
        std::iter::from_fn(|| self.waiting.expired(now)).collect()
    }

    /// A snapshot.
    pub(super) fn totals(&self, since: Time, now: Time) -> Totals {
        let clients = self.clients.counted().map(|row| ClientRow {
            client: row.id.clone(),
            tally: row.tally.clone(),
        });
        let mut clients: Vec<ClientRow> = clients.collect();
        clients.sort_by(|a, b| a.client.cmp(&b.client));
        let models = self.models.counted().map(|row| ModelRow {
            model: row.id.clone(),
            tally: row.tally.clone(),
        });
        let mut models: Vec<ModelRow> = models.collect();
        models.sort_by(|a, b| a.model.cmp(&b.model));
        Totals {
            since,
            until: now,
            clients,
            models,
            elsewhere: self.elsewhere,
            drops: self.drops,
        }
    }
}
