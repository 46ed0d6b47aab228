//! Attempts that are under way: what they have drawn so far, so that usage is counted once.

use super::super::{
    gauge::MOST_SHARE,
    id::{CallId, ClientId, GroupId, ModelId},
    time::Time,
    usage::Usage,
};
use super::PoolKey;
use std::collections::BTreeMap;

/// More attempts than this at once are not followed; their usage shows as others' until they end.
const MOST: usize = 4_096;

/// An attempt's name: sources number their calls apart.
pub(super) type FlightKey = (Option<ClientId>, CallId, u32);

/// Which buckets an attempt draws from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Drawn {
    /// Those of the profile's own pool.
    Home(GroupId),
    /// Those of a pool of another organization or workspace.
    Away(PoolKey),
    /// None that is followed: another organization's that sent no headers, or a subscription's window.
    Nowhere,
}

/// What one attempt has been charged.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Charged {
    /// When it left: a server charges requests and input then.
    pub(super) sent: Time,
    /// Where it draws; none until that is known.
    pub(super) from: Option<Drawn>,
    /// Whether it is fast traffic, which has buckets of its own.
    pub(super) fast: bool,
    /// Requests: 0 or 1 of an attempt, more where many are counted together.
    pub(super) requests: u64,
    /// Whether the input below is what the server said, no longer an estimate.
    pub(super) input_known: bool,
    /// Input tokens: the estimate, then what the server says.
    pub(super) usage: Usage,
    /// What its sender's requests draw of their estimates.
    pub(super) shares: Shares,
}

/// What the requests of one client to one model draw of their estimates: a cache serves the prompts of
/// one client and not those of another.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Shares {
    /// Without cache reads.
    pub(super) counted: Option<f64>,
    /// With them.
    pub(super) all: Option<f64>,
}

impl Shares {
    fn learn(&mut self, estimate: u64, usage: &Usage) {
        let learn = |known: &mut Option<f64>, drawn: u64| {
            let share = (drawn as f64 / estimate as f64).min(MOST_SHARE);
            *known = Some(known.map_or(share, |known| known + (share - known) * 0.2));
        };
        learn(&mut self.counted, usage.counted_input());
        learn(&mut self.all, usage.all_input());
    }
}

/// Attempts under way, bounded.
#[derive(Clone, Debug, Default)]
pub(super) struct Flights {
    under_way: BTreeMap<FlightKey, Charged>,
    estimates: BTreeMap<(Option<ClientId>, CallId), u64>,
    shares: BTreeMap<(Option<ClientId>, ModelId), Shares>,
}

impl Flights {
    /// A call began with that estimate of its input.
    pub(super) fn began(&mut self, call: (Option<ClientId>, CallId), estimate: u64) {
        if self.estimates.len() < MOST {
            self.estimates.insert(call, estimate);
        }
    }

    /// A call closed: all of it is forgotten.
    pub(super) fn closed(&mut self, call: &(Option<ClientId>, CallId)) {
        self.estimates.remove(call);
    }

    /// The input estimate of a call, 0 when it is not known.
    pub(super) fn estimate(&self, call: &(Option<ClientId>, CallId)) -> u64 {
        self.estimates.get(call).copied().unwrap_or(0)
    }

    /// What is known of a client's requests to a model.
    pub(super) fn shares(&self, client: Option<&ClientId>, model: &ModelId) -> Shares {
        let key = (client.cloned(), model.clone());
        self.shares.get(&key).copied().unwrap_or_default()
    }

    /// The server said what a request took whose input was estimated.
    pub(super) fn learn(
        &mut self,
        client: Option<&ClientId>,
        model: &ModelId,
        estimate: u64,
        usage: &Usage,
    ) {
        let key = (client.cloned(), model.clone());
        if estimate > 0 && (self.shares.len() < MOST || self.shares.contains_key(&key)) {
            self.shares.entry(key).or_default().learn(estimate, usage);
        }
    }

    /// An attempt left.
    pub(super) fn sent(&mut self, key: FlightKey, charged: Charged) {
        if self.under_way.len() < MOST {
            self.under_way.insert(key, charged);
        }
    }

    /// What an attempt was charged so far.
    pub(super) fn get_mut(&mut self, key: &FlightKey) -> Option<&mut Charged> {
        self.under_way.get_mut(key)
    }

    /// Attempts and calls that are followed.
    pub(super) fn kept(&self) -> usize {
        self.under_way.len() + self.estimates.len()
    }

    /// An attempt ended.
    pub(super) fn landed(&mut self, key: &FlightKey) -> Option<Charged> {
        self.under_way.remove(key)
    }
}
