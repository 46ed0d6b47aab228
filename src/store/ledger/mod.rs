//! What a profile has spent today, over all sessions and processes.
//!
//! A call is booked at its worst price before it is sent and corrected when it has ended, so a crash in
//! between can only count too much. Every change happens under a lock on a file beside the ledger.

use super::private;
use crate::domain::{spend::Spend, time::Time};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

const SCHEMA: &str = "ratetop.ledger/1";
/// Longer than any ledger; what is longer is not one.
const MOST_BYTES: u64 = 64 * 1024;

/// Why money could not be booked.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A cap, or `--read-only`: the sentence of `Spend::check`.
    #[error("{0}")]
    Refused(String),
    /// The directory or a file cannot be used.
    #[error("the spend ledger {} cannot be used: {error}", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The file is not a ledger. Nothing may be spent on it: it might hide what was spent.
    #[error(
        "the spend ledger {} is damaged ({what}): nothing is sent until it is mended or moved away, which sets today's spend to 0",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

/// What an amount is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Somebody asked for it.
    Call,
    /// An automatic probe, with a daily budget of its own inside the day's cap.
    AutomaticProbe,
}

/// The content of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Day {
    schema: String,
    #[serde(rename = "day")]
    date: NaiveDate,
    usd: f64,
    probes_usd: f64,
}

/// An amount that was booked before sending. Give it back with [`Ledger::settle`].
#[derive(Debug)]
#[must_use = "an amount that is never settled stays booked at its worst price"]
pub struct Reservation {
    day: NaiveDate,
    usd: f64,
    purpose: Purpose,
}

/// The ledger of one profile in one session.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    caps: Spend,
    probes_cap_usd: f64,
    session_usd: f64,
}

impl Ledger {
    /// The ledger of `profile` in `directory`, with the caps, `free` and `read_only` of `caps`.
    /// `profile` must be a plain file name, as profile names are. Nothing is touched yet.
    pub fn new(directory: &Path, profile: &str, caps: Spend, probes_cap_usd: f64) -> Self {
        Self {
            path: directory.join(format!("{profile}.json")),
            caps,
            probes_cap_usd,
            session_usd: 0.0,
        }
    }

    /// Whether the address is free of charge.
    pub const fn is_free(&self) -> bool {
        self.caps.free
    }

    /// Says that the address is free of charge: nothing is booked from now on.
    pub fn set_free(&mut self, free: bool) {
        self.caps.free = free;
    }

    /// Spent so far. A ledger that does not exist yet is 0; one that cannot be read is an error.
    pub fn spend(&self, now: Time) -> Result<Spend, LedgerError> {
        if self.caps.free || !self.path.exists() {
            return Ok(self.with_day(0.0));
        }
        let _lock = self.lock()?;
        Ok(self.with_day(self.read(now)?.usd))
    }

    fn with_day(&self, day_usd: f64) -> Spend {
        Spend {
            session_usd: self.session_usd,
            day_usd,
            ..self.caps
        }
    }

    /// Books `usd`, the most that a call can cost (none when its price is unknown), if the caps allow
    /// it.
    pub fn reserve(
        &mut self,
        now: Time,
        usd: Option<f64>,
        purpose: Purpose,
    ) -> Result<Reservation, LedgerError> {
        let today = now.date_naive();
        if self.caps.free || self.caps.read_only {
            self.with_day(0.0)
                .check(usd)
                .map_err(LedgerError::Refused)?;
            return Ok(Reservation {
                day: today,
                usd: 0.0,
                purpose,
            });
        }
        let amount = usd.unwrap_or(0.0);
        if !amount.is_finite() || amount < 0.0 {
            return Err(LedgerError::Refused(
                "the price of this call cannot be told".to_owned(),
            ));
        }
        let _lock = self.lock()?;
        let mut day = self.read(now)?;
        self.with_day(day.usd)
            .check(usd)
            .map_err(LedgerError::Refused)?;
        if purpose == Purpose::AutomaticProbe {
            if day.probes_usd + amount > self.probes_cap_usd {
                return Err(LedgerError::Refused(format!(
                    "automatic probes have spent their ${:.2} of today",
                    self.probes_cap_usd
                )));
            }
            day.probes_usd += amount;
        }
        day.usd += amount;
        self.write(&day)?;
        self.session_usd += amount;
        Ok(Reservation {
            day: day.date,
            usd: amount,
            purpose,
        })
    }

    /// Replaces the booked amount by what the call cost; with none it stays booked. An amount that was
    /// booked before midnight is not moved into the new day.
    pub fn settle(
        &mut self,
        now: Time,
        booked: Reservation,
        usd: Option<f64>,
    ) -> Result<Spend, LedgerError> {
        let cost = usd.filter(|usd| usd.is_finite() && *usd >= 0.0);
        let (Some(cost), false) = (cost, self.caps.free) else {
            return self.spend(now);
        };
        self.session_usd = (self.session_usd + cost - booked.usd).max(0.0);
        let _lock = self.lock()?;
        let mut day = self.read(now)?;
        if day.date == booked.day {
            day.usd = (day.usd + cost - booked.usd).max(0.0);
            if booked.purpose == Purpose::AutomaticProbe {
                day.probes_usd = (day.probes_usd + cost - booked.usd).max(0.0);
            }
            self.write(&day)?;
        }
        Ok(self.with_day(day.usd))
    }

    /// Held while it lives; given back by the system when the process dies.
    fn lock(&self) -> Result<File, LedgerError> {
        let lock = || {
            private::directory(self.path.parent().unwrap_or(Path::new(".")))?;
            let file = private::open(&self.path.with_extension("lock"))?;
            file.lock()?;
            Ok(file)
        };
        lock().map_err(|error| self.disk(error))
    }

    fn disk(&self, error: io::Error) -> LedgerError {
        LedgerError::Disk {
            path: self.path.clone(),
            error,
        }
    }

    /// The running day. A day that is later than now (a clock that was set back) goes on.
    fn read(&self, now: Time) -> Result<Day, LedgerError> {
        let today = now.date_naive();
        let fresh = Day {
            schema: SCHEMA.to_owned(),
            date: today,
            usd: 0.0,
            probes_usd: 0.0,
        };
        let damaged = |what: String| LedgerError::Damaged {
            path: self.path.clone(),
            what,
        };
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(fresh),
            Err(error) => return Err(self.disk(error)),
        };
        let mut bytes = Vec::new();
        file.take(MOST_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| self.disk(error))?;
        let day: Day =
            serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if day.schema != SCHEMA {
            return Err(damaged(format!("not {SCHEMA}")));
        }
        if !(day.usd >= 0.0 && day.probes_usd >= 0.0) {
            return Err(damaged("a negative amount".to_owned()));
        }
        Ok(if day.date < today { fresh } else { day })
    }

    fn write(&self, day: &Day) -> Result<(), LedgerError> {
        let text = serde_json::to_vec(day).map_err(|error| self.disk(error.into()))?;
        private::replace(&self.path, &text).map_err(|error| self.disk(error))
    }
}

#[cfg(test)]
mod tests;
