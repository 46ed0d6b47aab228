//! One limiter of one pool: configured limit, last reading, projection with its band, burn.
//!
//! ```text
//!            set_limits            fold                draw
//!  Admin API ─────────► limit   header ─► band ◄──── own usage
//!                                  │       ▲             │
//!                                  ▼       │ highest     ▼
//!                               series   others ◄─── own totals
//! ```
//! To add a fact to draw: a field of [`GaugeView`], filled in [`Gauge::view`].

mod band;
mod burn;
mod series;
mod view;

use self::{
    band::{Band, Levels, UNKNOWN_AFTER_S},
    burn::{Bucket, OthersBurn, OwnUsage, SAME_S},
    series::Series,
};
use super::{
    headers::{Level, Window},
    id::Limiter,
    limit::{Dimension, Family},
    number::EMPTY_PERCENT,
    observation::Source,
    time::{Time, after, seconds_between},
};
pub(in crate::domain) use burn::MOST_SHARE;
pub use view::{Fill, GaugeState, GaugeView};

/// A header younger than this is called live, seconds; older ones are projected.
const LIVE_S: f64 = 5.0;
/// A subscription window's header says something for this long, seconds: it moves over hours.
const WINDOW_STALE_S: f64 = 900.0;
/// Below this many percent a gauge looks tight where no profile says otherwise.
const TIGHT_PERCENT: f64 = 25.0;
/// Two readings taken within this many seconds: the lower counts, their order is not certain.
const TOGETHER_S: f64 = 1.0;

/// One limiter of one pool, as it is known so far.
#[derive(Clone, Debug)]
pub struct Gauge {
    /// Which limiter. For a subscription window its name: `5h`, `7d`.
    pub limiter: Limiter,
    /// What it counts.
    pub dimension: Dimension,
    /// Its header family.
    pub family: Family,
    configured: Option<u64>,
    configured_by: Option<Source>,
    workspace: Option<u64>,
    last: Option<Reading>,
    window: Option<Window>,
    band: Option<Band>,
    own: OwnUsage,
    others: OthersBurn,
    series: Series,
}

/// The last header's word.
#[derive(Clone, Copy, Debug)]
struct Reading {
    /// When its head arrived.
    at: Time,
    /// When the server took it: at admission, so when the request was sent. A captured
    /// `requests-reset` earlier than the same response's `date` shows that.
    taken: Time,
    limit: u64,
    remaining: u64,
    source: Source,
}

/// When and by whom a level was read.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// When the head arrived.
    pub at: Time,
    /// Seconds from sending the request to its head; 0 when not known.
    pub first_byte_s: f64,
    /// Who read it.
    pub source: Source,
}

/// What folding a level did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folded {
    /// It is the gauge's reading now.
    Taken,
    /// It was older than, or less strict than, what is known.
    Ignored,
    /// It is of another bucket size than the last one; what was known is gone.
    LimitChanged {
        /// The limit before.
        before: u64,
    },
}

impl Gauge {
    /// A gauge of which nothing is known.
    pub fn new(limiter: Limiter, dimension: Dimension, family: Family) -> Self {
        Self {
            limiter,
            dimension,
            family,
            configured: None,
            configured_by: None,
            workspace: None,
            last: None,
            window: None,
            band: None,
            own: OwnUsage::default(),
            others: OthersBurn::default(),
            series: Series::default(),
        }
    }

    /// Sets the organization's limit; the one before comes back.
    pub fn set_limit(&mut self, limit: Option<u64>, by: Source) -> Option<u64> {
        self.configured_by = limit.map(|_| by);
        std::mem::replace(&mut self.configured, limit)
    }

    /// Sets the workspace's override; the one before comes back.
    pub fn set_workspace_limit(&mut self, limit: Option<u64>) -> Option<u64> {
        std::mem::replace(&mut self.workspace, limit)
    }

    /// The organization's limit, as configured.
    pub fn configured(&self) -> Option<u64> {
        self.configured
    }

    /// The workspace's override.
    pub fn workspace_limit(&self) -> Option<u64> {
        self.workspace
    }

    /// What is enforced: the last header's limit, else the lower of both configured ones.
    pub fn effective_limit(&self) -> Option<u64> {
        self.last
            .map(|last| last.limit)
            .or(match (self.configured, self.workspace) {
                (Some(org), Some(own)) => Some(org.min(own)),
                (org, own) => org.or(own),
            })
    }

    /// Whether anything but a configured limit was ever seen of it.
    pub fn has_reading(&self) -> bool {
        self.last.is_some() || self.window.is_some()
    }

    fn bucket(&self, limit: u64) -> Bucket {
        let refill = self
            .dimension
            .refill_seconds()
            .map_or(0.0, |s| limit as f64 / s);
        // A count that is exact is still a whole number of a level that refills continuously.
        let rounding = (self.dimension.rounding() as f64).max(1.0);
        Bucket {
            limit: limit as f64,
            refill,
            rounding,
        }
    }

    /// Takes a level in. Readings are ordered by when the server took them, so that a slow response
    /// does not undo a fast one; of two within a second the lower counts.
    pub fn fold(&mut self, level: &Level, when: Taken) -> Folded {
        let taken = after(when.at, -when.first_byte_s.max(0.0));
        let mut folded = Folded::Taken;
        if let Some(last) = self.last {
            let later = seconds_between(last.taken, taken);
            if last.limit != level.limit {
                if later < 0.0 {
                    return Folded::Ignored;
                }
                self.others.reset();
                folded = Folded::LimitChanged { before: last.limit };
            } else if later < -TOGETHER_S || (later <= 0.0 && level.remaining >= last.remaining) {
                return Folded::Ignored;
            }
        }
        let remaining = level.remaining.min(level.limit);
        let reading = Reading {
            at: when.at,
            taken,
            limit: level.limit,
            remaining,
            source: when.source,
        };
        let bucket = self.bucket(level.limit);
        self.others.add(taken, remaining as f64, bucket, &self.own);
        // A bucket that needs longer than its whole refill is in debt: the header shows 0.
        let debt = match (level.full_in_s, self.dimension.refill_seconds()) {
            (Some(full_in), Some(whole)) if remaining == 0 && full_in > whole + 1.0 => {
                (full_in - whole) * bucket.refill
            }
            _ => 0.0,
        };
        let level_now = remaining as f64 - debt;
        self.band = Some(Band::from_reading(
            taken,
            level_now,
            bucket,
            &self.others,
            &self.own,
        ));
        self.series
            .note(when.at, remaining as f64 / bucket.limit.max(1.0));
        self.last = Some(reading);
        folded
    }

    /// Takes a subscription window in.
    pub fn fold_window(&mut self, window: &Window, when: Taken) {
        if self.last.is_some_and(|last| last.at > when.at) {
            return;
        }
        if let Some(used) = window.utilization {
            self.series.note(when.at, 1.0 - used);
        }
        self.last = Some(Reading {
            at: when.at,
            taken: when.at,
            limit: 0,
            remaining: 0,
            source: when.source,
        });
        self.window = Some(window.clone());
    }

    /// Own usage: `amount` drawn at `at`; negative for a refund. A header that was taken later has it
    /// in it already.
    pub fn draw(&mut self, at: Time, amount: f64) {
        self.own.add(at, amount);
        self.lower(at, amount);
    }

    /// A request that left at `at` will draw about `amount`: how much of its input a cache serves is
    /// not known before the answer. `share` is what earlier requests of its sender drew of their
    /// estimates; without one the share of all requests stands in.
    pub fn expect(&mut self, at: Time, amount: f64, share: Option<f64>) {
        self.own.expect(at, amount, share);
    }

    /// The request of [`Gauge::expect`] has really drawn so much.
    pub fn settle(&mut self, at: Time, expected: f64, drawn: f64) {
        self.own.settle(at, expected, drawn);
        self.lower(at, drawn);
    }

    fn lower(&mut self, at: Time, amount: f64) {
        let unseen = |last: Reading| seconds_between(last.taken, at) > SAME_S;
        if let Some(band) = &mut self.band
            && self.last.is_none_or(unseen)
        {
            band.draw(at, amount);
        }
    }

    /// Everything about it at `now`.
    pub fn view(&self, now: Time) -> GaugeView {
        let mut view = GaugeView {
            dimension: self.dimension,
            family: self.family,
            state: GaugeState::NoData,
            fill: Fill::Unknown,
            source: self.configured_by,
            limit: self.configured,
            workspace_limit: self.workspace,
            effective_limit: self.effective_limit(),
            remaining: None,
            remaining_low: None,
            remaining_high: None,
            reading: None,
            age_s: None,
            full_at: None,
            burn_per_min: None,
            own_burn_per_min: self.own.per_min(now),
            others_burn_per_min: None,
            empty_in_s: None,
            empty_in_range_s: None,
            utilization: None,
        };
        if view.effective_limit.is_some() {
            view.state = GaugeState::LimitOnly;
        }
        let Some(last) = self.last else { return view };
        let age = seconds_between(last.at, now).max(0.0);
        view.age_s = Some(age);
        view.source = Some(last.source);
        if let Some(window) = &self.window {
            view.effective_limit = None;
            view.state = state_of(age, WINDOW_STALE_S / 2.0, WINDOW_STALE_S);
            view.utilization = window.utilization;
            view.full_at = window.reset;
            view.fill = fill_of(&view);
            return view;
        }
        view.reading = Some(last.remaining);
        view.state = state_of(age, LIVE_S, UNKNOWN_AFTER_S);
        if view.state == GaugeState::Stale {
            return view;
        }
        if let Some(band) = self.band {
            self.project(&mut view, band, last, now);
        }
        view
    }

    fn project(&self, view: &mut GaugeView, band: Band, last: Reading, now: Time) {
        let bucket = self.bucket(last.limit);
        let Levels { low, mid, high } = band.levels(now, self.own.expected_after(last.taken));
        view.remaining = Some(mid.max(0.0).round() as u64);
        view.remaining_low = Some(low.floor() as u64);
        view.remaining_high = Some(high.ceil() as u64);
        view.fill = if mid < 0.0 { Fill::Debt } else { fill_of(view) };
        if bucket.refill > 0.0 {
            view.full_at = Some(after(now, ((bucket.limit - mid) / bucket.refill).max(0.0)));
        }
        let own = view.own_burn_per_min;
        let others = self.others.current();
        view.others_burn_per_min = others.map(|rate| rate * 60.0);
        view.burn_per_min = match (own, view.others_burn_per_min) {
            (Some(own), others) => Some(own + others.unwrap_or(0.0)),
            (None, others) => others,
        };
        let Some(burn) = view.burn_per_min.map(|per_min| per_min / 60.0) else {
            return;
        };
        let until_empty = |level: f64, burn: f64| {
            (burn > bucket.refill).then(|| level.max(0.0) / (burn - bucket.refill))
        };
        view.empty_in_s = until_empty(mid, burn);
        if let Some(likely) = view.empty_in_s {
            let fastest = burn.max(own.unwrap_or(0.0) / 60.0 + band.others_high());
            let soonest = until_empty(low, fastest).unwrap_or(likely).min(likely);
            let latest = until_empty(high, burn).unwrap_or(likely).max(likely);
            view.empty_in_range_s = Some((soonest, latest));
        }
    }

    /// `slots` shares left (0 to 1), evenly spaced over the `span_s` seconds before `now`, oldest
    /// first; none where nothing was known.
    pub fn series(&self, now: Time, span_s: f64, slots: usize) -> Vec<Option<f32>> {
        self.series.sampled(now, span_s, slots)
    }

    /// Seconds that the series reaches back; none when nothing was read. At most eleven minutes.
    pub fn series_age_s(&self, now: Time) -> Option<f64> {
        self.series.age_s(now)
    }

    /// Entries of all its histories. Each is bounded, so this is too.
    pub fn kept(&self) -> usize {
        self.own.kept() + self.others.kept() + self.series.kept()
    }

    /// A subscription window's own status word, e.g. `allowed_warning`.
    pub fn status(&self) -> Option<&str> {
        self.window.as_ref()?.status.as_deref()
    }
}

fn state_of(age: f64, live: f64, stale: f64) -> GaugeState {
    match age {
        age if age <= live => GaugeState::Live,
        age if age <= stale => GaugeState::Projected,
        _ => GaugeState::Stale,
    }
}

/// What is shown is judged, not the level behind it: what reads 0 is called empty.
fn fill_of(view: &GaugeView) -> Fill {
    match view.percent_left() {
        None if view.remaining == Some(0) => Fill::Empty,
        None => Fill::Unknown,
        Some(left) if left < EMPTY_PERCENT => Fill::Empty,
        Some(left) if left < TIGHT_PERCENT => Fill::Tight,
        Some(_) => Fill::Calm,
    }
}

#[cfg(test)]
mod tests;
