//! One pool with its gauges.

use super::super::{
    gauge::{Gauge, GaugeState, GaugeView},
    headers::Level,
    id::{GroupId, Limiter, ModelId, OrganizationId, WorkspaceId},
    limit::{Dimension, Family},
    org::{Group, GroupKind},
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
    /// The last response's rate-limit headers, put back into words, for evidence.
    pub raw: Vec<(String, String)>,
    /// Answers with status 200 since the last rate-limit header, or ever, that carried none: some
    /// accounts and gateways send none at all, and then what is left cannot be known.
    pub bare_answers: u64,
}

impl Pool {
    pub(super) fn from_group(group: &Group, key: PoolKey) -> Self {
        Self {
            key,
            kind: group.kind.clone(),
            name: group.name.clone(),
            models: group.models.clone(),
            guess: group.guess,
            gauges: Vec::new(),
            unknown: Vec::new(),
            raw: Vec::new(),
            bare_answers: 0,
        }
    }

    /// The gauge that binds first at `now`: least share left among those whose level is known. A
    /// combined `tokens` gauge counts only where no other token gauge is known.
    pub fn tightest(&self, now: Time) -> Option<(&Gauge, GaugeView)> {
        let known = || {
            self.gauges
                .iter()
                .map(move |gauge| (gauge, gauge.view(now)))
                .filter_map(|(g, view)| {
                    matches!(view.state, GaugeState::Live | GaugeState::Projected)
                        .then(|| view.percent_left())
                        .flatten()
                        .map(|left| (left, g, view))
                })
        };
        let least = |family: fn(Family) -> bool| {
            known()
                .filter(|(_, gauge, _)| family(gauge.family))
                .min_by(|(a, ..), (b, ..)| a.total_cmp(b))
                .map(|(_, gauge, view)| (gauge, view))
        };
        least(|family| family != Family::Combined).or_else(|| least(|_| true))
    }

    /// The gauge of which our own calls burn the largest share, with that share of its limit a minute:
    /// where no level is known, this one would run out first. A gauge without a limit comes last.
    pub fn burns_first(&self, now: Time) -> Option<(f64, &Gauge, GaugeView)> {
        let share = |view: &GaugeView| {
            let limit = view.effective_limit.filter(|limit| *limit > 0);
            let limit = limit.unwrap_or(u64::MAX);
            Some(view.own_burn_per_min.filter(|own| *own > 0.0)? / limit as f64)
        };
        self.gauges
            .iter()
            .map(|gauge| (gauge, gauge.view(now)))
            .filter_map(|(gauge, view)| Some((share(&view)?, gauge, view)))
            .max_by(|(a, ..), (b, ..)| a.total_cmp(b))
    }

    /// The gauge of a dimension and family, e.g. the OTPM column's.
    pub fn gauge(&self, dimension: Dimension, family: Family) -> Option<&Gauge> {
        self.gauges
            .iter()
            .find(|g| g.dimension == dimension && g.family == family)
    }

    /// Seconds since the last header of any family.
    pub fn age_s(&self, now: Time) -> Option<f64> {
        self.gauges
            .iter()
            .filter_map(|gauge| gauge.view(now).age_s)
            .min_by(f64::total_cmp)
    }

    /// The gauge of a limiter, made when it is new. Columns keep their order.
    pub(super) fn gauge_mut(
        &mut self,
        limiter: &Limiter,
        dimension: Dimension,
        family: Family,
    ) -> &mut Gauge {
        let found = self
            .gauges
            .iter()
            .position(|g| g.limiter == *limiter && g.family == family);
        let at = found.unwrap_or_else(|| {
            let place = self.gauges.partition_point(|g| {
                (g.family, g.dimension, &g.limiter) < (family, dimension, limiter)
            });
            self.gauges
                .insert(place, Gauge::new(limiter.clone(), dimension, family));
            place
        });
        &mut self.gauges[at]
    }

    /// Which gauge a level belongs to. Headers have one input family; where only the plain limiter
    /// is configured, or its limit is the one in the header, it is that one's.
    pub(super) fn limiter_of(&self, level: &Level) -> (Limiter, Dimension) {
        let own = (level.limiter.clone(), level.dimension);
        if level.dimension != Dimension::Itpm || level.family != Family::Standard {
            return own;
        }
        let limit_of = |dimension| {
            self.gauges
                .iter()
                .find(|g| g.dimension == dimension && g.family == Family::Standard)
                .filter(|g| g.configured().is_some())
                .map(|g| (g.limiter.clone(), [g.configured(), g.workspace_limit()]))
        };
        match (limit_of(Dimension::Itpm), limit_of(Dimension::ItpmAll)) {
            (None, Some((plain, _))) => (plain, Dimension::ItpmAll),
            (Some((_, aware)), Some((plain, all)))
                if all.contains(&Some(level.limit)) && !aware.contains(&Some(level.limit)) =>
            {
                (plain, Dimension::ItpmAll)
            }
            _ => own,
        }
    }
}
