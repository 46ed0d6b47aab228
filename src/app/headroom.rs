//! State of tab 1: which pool is selected, which gauge of it, whether its details are open.

use super::layout;
use crate::domain::{
    board::{Board, Pool, PoolKey},
    gauge::{Gauge, GaugeView},
    id::{OrganizationId, WorkspaceId},
    time::Time,
};
use std::cmp::Reverse;

/// One line of the list. Pools are named by their place among [`Headroom::rows`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// A pool.
    Pool(usize),
    /// The heading over the pools of another organization or workspace; this is the first of them.
    Elsewhere(usize),
}

/// State of tab 1.
#[derive(Clone, Debug, Default)]
pub struct Headroom {
    /// The selected pool, by its key, so that it stays selected when pools come and go.
    pub key: Option<PoolKey>,
    /// Its place in the list when it was selected.
    pub index: usize,
    /// Whether somebody chose it; until then the selection follows the worst pool.
    pub chosen: bool,
    /// The first line shown.
    pub first: usize,
    /// The selected gauge of the pool; none follows the tightest.
    pub gauge: Option<usize>,
    /// Whether details are open, and the selected header line there.
    pub detail: Option<usize>,
    /// Only pools that contain this text.
    pub filter: String,
    /// Whether the tightest pool comes first; else the order is the organization's and never changes.
    pub tightest_first: bool,
}

impl Headroom {
    /// The pools of the list: the profile's own, then foreign ones, as far as the filter lets them.
    pub fn rows<'b>(&self, board: &'b Board, now: Time) -> Vec<&'b Pool> {
        let needle = self.filter.trim().to_lowercase();
        let fitting = |pools: &'b [Pool]| -> Vec<&'b Pool> {
            let fitting = pools.iter();
            fitting
                .filter(|pool| needle.is_empty() || fits(pool, &needle))
                .collect()
        };
        let (mut rows, mut foreign) = (fitting(board.pools()), fitting(board.foreign()));
        if self.tightest_first {
            // Whole percents, so that two that are nearly equal do not change places all the time.
            let left = |pool: &&Pool| {
                let left = pool.tightest(now)?.1.percent_left()?;
                Some(left.ceil().clamp(0.0, 1e6) as u32)
            };
            // Where no level is known, whatever burns the larger share of its limit, by whole doublings.
            let burnt = |pool: &Pool| {
                let (share, ..) = pool.burns_first(now)?;
                Some(share.log2().floor() as i32)
            };
            let order = |pool: &&Pool| match left(pool) {
                Some(left) => (left, Reverse(None)),
                None => (u32::MAX, Reverse(burnt(pool))),
            };
            rows.sort_by_cached_key(order);
            foreign.sort_by_cached_key(order);
        }
        // Each board in one piece.
        foreign.sort_by(|a, b| whose(a).cmp(&whose(b)));
        rows.extend(foreign);
        rows
    }

    /// The lines of the list: `rows`, with a heading over each other board.
    pub fn lines(rows: &[&Pool], board: &Board) -> Vec<Line> {
        let foreign = |pool: &Pool| board.foreign().iter().any(|f| std::ptr::eq(f, pool));
        let mut lines = Vec::with_capacity(rows.len());
        let mut over = None;
        for (place, pool) in rows.iter().enumerate() {
            if foreign(pool) && over != Some(whose(pool)) {
                over = Some(whose(pool));
                lines.push(Line::Elsewhere(place));
            }
            lines.push(Line::Pool(place));
        }
        lines
    }

    /// The line of a pool.
    pub fn line_of(lines: &[Line], place: usize) -> usize {
        let line = lines.iter().position(|line| *line == Line::Pool(place));
        line.unwrap_or(0)
    }

    /// Scrolls so that a pool is in sight, with the heading that stands over it.
    pub fn scroll_to(&mut self, lines: &[Line], place: usize, visible: usize) {
        let line = Self::line_of(lines, place);
        self.first = layout::scroll(self.first, line, visible, lines.len());
        let headed = lines[..line].last() == Some(&Line::Elsewhere(place));
        if headed && self.first == line && visible > 1 {
            self.first -= 1;
        }
    }

    /// The place of the selected pool among `rows`.
    pub fn place(&self, rows: &[&Pool]) -> usize {
        let last = rows.len().saturating_sub(1);
        let Some(key) = &self.key else {
            return self.index.min(last);
        };
        rows.iter()
            .position(|pool| pool.key == *key)
            .or_else(|| rows.iter().position(|pool| pool.key.group == key.group))
            .unwrap_or_else(|| self.index.min(last))
    }

    /// Selects a place of the list.
    pub fn select(&mut self, rows: &[&Pool], place: usize) {
        let place = place.min(rows.len().saturating_sub(1));
        self.chosen = true;
        if let Some(pool) = rows.get(place) {
            if self.key.as_ref() != Some(&pool.key) {
                self.gauge = None;
            }
            self.key = Some(pool.key.clone());
        }
        self.index = place;
    }

    /// Until somebody chooses, the selection is the pool with the least left: the eye lands on the
    /// worst first. It only moves on when another has gone below `critical` percent and its own pool
    /// has not, so that it does not flicker. While no level is known it is the pool that burns the
    /// largest share of its limit, until another burns twice as much.
    pub fn follow_worst(&mut self, board: &Board, critical: f64, now: Time) {
        if self.chosen || !self.filter.is_empty() {
            return;
        }
        let left = |pool: &Pool| pool.tightest(now)?.1.percent_left();
        let burnt = |pool: &Pool| pool.burns_first(now).map(|(share, ..)| share);
        let own = self.key.as_ref();
        let own = board.pools().iter().find(|pool| Some(&pool.key) == own);
        let own_left = own.and_then(left);
        if own_left.is_some_and(|left| left < critical) {
            return;
        }
        let pools = board.pools().iter();
        let worst = pools
            .clone()
            .filter_map(|pool| Some((left(pool)?, pool)))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        let next = match worst {
            Some((least, pool)) if own_left.is_none() || least < critical => Some(pool),
            Some(_) => None,
            None => {
                let most = pools
                    .filter_map(|pool| Some((burnt(pool)?, pool)))
                    .max_by(|a, b| a.0.total_cmp(&b.0));
                let held = own.and_then(burnt).unwrap_or(0.0) * 2.0;
                most.filter(|(most, _)| *most > held).map(|(_, pool)| pool)
            }
        };
        if let Some(pool) = next {
            self.key = Some(pool.key.clone());
            self.gauge = None;
        }
    }

    /// The gauge to look at: the chosen one, else the tightest, else the one that burns first, else the
    /// first.
    pub fn gauge_of<'p>(&self, pool: &'p Pool, now: Time) -> Option<(&'p Gauge, GaugeView)> {
        self.gauge
            .and_then(|i| pool.gauges.get(i))
            .map(|gauge| (gauge, gauge.view(now)))
            .or_else(|| pool.tightest(now))
            .or_else(|| pool.burns_first(now).map(|(_, gauge, view)| (gauge, view)))
            .or_else(|| pool.gauges.first().map(|gauge| (gauge, gauge.view(now))))
    }

    /// Moves the chosen gauge to the left or right, around the end.
    pub fn step_gauge(&mut self, pool: &Pool, by: isize, now: Time) {
        let len = pool.gauges.len() as isize;
        if len == 0 {
            return;
        }
        let tightest = pool
            .tightest(now)
            .and_then(|(gauge, _)| pool.gauges.iter().position(|g| std::ptr::eq(g, gauge)));
        let here = self.gauge.or(tightest).unwrap_or(0) as isize;
        self.gauge = Some((here + by).rem_euclid(len) as usize);
    }

    /// The header lines of the details, those that are understood first.
    pub fn headers(pool: &Pool) -> impl Iterator<Item = (&str, &str, bool)> {
        let known = |name: &str| !pool.unknown.iter().any(|(unknown, _)| unknown == name);
        let raw = pool
            .raw
            .iter()
            .filter(move |(name, _)| known(name))
            .map(|(name, value)| (name.as_str(), value.as_str(), true));
        raw.chain(
            pool.unknown
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str(), false)),
        )
    }
}

fn whose(pool: &Pool) -> (&Option<OrganizationId>, &Option<WorkspaceId>) {
    (&pool.key.organization, &pool.key.workspace)
}

fn fits(pool: &Pool, needle: &str) -> bool {
    pool.name.to_lowercase().contains(needle)
        || pool.kind.as_str().contains(needle)
        || pool
            .models
            .iter()
            .any(|model| model.as_str().contains(needle))
}
