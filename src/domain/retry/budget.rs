//! A retry budget that many callers share: retries as a share of calls. It is a token bucket: each
//! call pays its share in, each retry takes one out, and a retry without one is not made. The idea is
//! that of Finagle's `RetryBudget` and gRPC's retry throttling (gRFC A6): in an outage retries add at
//! most that share to the load instead of multiplying it.

/// What is left for retries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    share: f64,
    most: f64,
    left: f64,
}

impl Budget {
    /// A full budget: each call pays in `share` of a retry (0.1: one retry for ten calls), and at most
    /// `reserve` retries are kept, so that few calls may retry too. What is no number, or below 0,
    /// counts as 0.
    pub fn new(share: f64, reserve: f64) -> Self {
        let sane = |x: f64| if x.is_finite() { x.max(0.0) } else { 0.0 };
        Self {
            share: sane(share),
            most: sane(reserve),
            left: sane(reserve),
        }
    }

    /// A call begins.
    pub fn called(&mut self) {
        self.left = (self.left + self.share).min(self.most);
    }

    /// Takes a retry out. False, and nothing is taken, when there is none.
    #[must_use]
    pub fn take(&mut self) -> bool {
        let may = self.left >= 1.0;
        if may {
            self.left -= 1.0;
        }
        may
    }

    /// Retries that it allows in the long run, percent of calls.
    pub fn percent(&self) -> f64 {
        (self.share * 1e4).round() / 100.0
    }

    /// Retries that could be made now, with their fraction.
    pub const fn left(&self) -> f64 {
        self.left
    }
}
