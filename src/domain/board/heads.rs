//! What a response's head changes: the gauges of its pool, and whose key it was.

use super::{Board, flight::Drawn, limits::other_organization};
use crate::domain::{
    gauge::{Folded, Taken},
    headers::Reading,
    id::{Limiter, OrganizationId, WorkspaceId},
    limit::{Dimension, Family},
    notice::{Draft, NoticeKind, Weight},
    number::thousands,
    observation::{Observation, Source},
    org::LimitsState,
    time::Time,
};

impl Board {
    pub(super) fn absorb_head(
        &mut self,
        seen: &Observation,
        status: u16,
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
                self.assumed_home = true;
            }
        }
        let workspace = reading.workspace.as_ref().or(seen.workspace.as_ref());
        if own
            && self.workspace.is_none()
            && workspace.is_some()
            && self.seen_in.as_ref() != workspace
        {
            self.seen_in = workspace.cloned();
            // What was read before is not news, only whose it is.
            self.apply_overrides(true, seen.at, &mut told);
        }
        let elsewhere = self.is_elsewhere(seen.source, organization, workspace);
        if elsewhere || (reading.unified.is_some() && reading.levels.is_empty()) {
            self.draws_from(seen, Drawn::Nowhere);
        }
        if reading.levels.is_empty() && reading.unified.is_none() && reading.unknown.is_empty() {
            // Only a 200 of a model should have had them: faults never carry any.
            if let Some(model) = seen.model.as_ref().filter(|_| status == 200 && !elsewhere) {
                self.sources.bare_answers += 1;
                let pool = self.home_pool(model);
                pool.bare_answers += 1;
                // Where no limit is known either there is no gauge yet that could count what we draw.
                if pool.gauges.is_empty() {
                    for limiter in [
                        "requests_per_minute",
                        "input_tokens_per_minute_cache_aware",
                        "output_tokens_per_minute",
                    ] {
                        let limiter = Limiter::from(limiter);
                        pool.gauge_mut(&limiter, limiter.dimension(), limiter.family());
                    }
                }
            }
            return told;
        }
        if !elsewhere {
            self.sources.headers_at = Some(reading.at);
            self.sources.bare_answers = 0;
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
        pool.bare_answers = 0;
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
        if elsewhere && !reading.levels.is_empty() {
            let key = pool.key.clone();
            self.draws_from(seen, Drawn::Away(key));
        }
        told
    }

    /// The profile's own key answered for that organization.
    pub(super) fn see_own_organization(
        &mut self,
        at: Time,
        seen: &OrganizationId,
    ) -> Option<Draft> {
        self.settle_home(seen);
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
        self.read_of.clear();
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

    /// The profile's own keys say whose it is. Until then passing traffic was taken for its own: what
    /// was read of another organization goes, and comes back as a board apart with its next answer.
    pub(super) fn settle_home(&mut self, own: &OrganizationId) {
        if std::mem::take(&mut self.assumed_home) && self.seen_as.as_ref() != Some(own) {
            self.seen_as = None;
            self.sources.headers_at = None;
            self.sources.bare_answers = 0;
            self.pools.clear();
            self.index();
            self.assume_table();
        }
    }

    /// Whether traffic of that organization and workspace is not the profile's own.
    pub(super) fn is_elsewhere(
        &self,
        source: Source,
        organization: Option<&OrganizationId>,
        workspace: Option<&WorkspaceId>,
    ) -> bool {
        !matches!(source, Source::Call | Source::Probe)
            && (organization.is_some_and(|o| self.home().is_some_and(|home| home != o))
                || workspace.is_some_and(|w| self.workspace.as_ref().is_some_and(|own| own != w)))
    }

    pub(super) fn home(&self) -> Option<&OrganizationId> {
        self.seen_as
            .as_ref()
            .or(self.organization.as_ref().map(|o| &o.id))
    }
}
