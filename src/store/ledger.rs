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
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn noon() -> Time {
        at("2026-11-24T12:00:00Z")
    }

    fn caps() -> Spend {
        Spend {
            session_cap_usd: Some(100.0),
            day_cap_usd: Some(100.0),
            ..Spend::default()
        }
    }

    fn ledger(dir: &Path) -> Ledger {
        Ledger::new(&dir.join("spend"), "prod", caps(), 0.10)
    }

    fn near(left: f64, right: f64) {
        assert!((left - right).abs() < 1e-9, "{left} is not {right}");
    }

    fn book(ledger: &mut Ledger, usd: f64) -> Reservation {
        ledger.reserve(noon(), Some(usd), Purpose::Call).unwrap()
    }

    #[test]
    fn a_restart_and_a_second_process_go_on_with_the_day() {
        let dir = tempfile::tempdir().unwrap();
        let (mut one, mut two) = (ledger(dir.path()), ledger(dir.path()));
        let booked = book(&mut one, 0.5);
        near(two.spend(noon()).unwrap().day_usd, 0.5);
        let other = book(&mut two, 0.25);
        near(one.settle(noon(), booked, Some(0.1)).unwrap().day_usd, 0.35);
        let spend = two.settle(noon(), other, Some(0.2)).unwrap();
        near(spend.day_usd, 0.3);
        near(spend.session_usd, 0.2);
        let again = ledger(dir.path()).spend(noon()).unwrap();
        near(again.day_usd, 0.3);
        near(again.session_usd, 0.0);
    }

    #[test]
    fn a_crash_before_settling_counts_the_worst() {
        let dir = tempfile::tempdir().unwrap();
        drop(book(&mut ledger(dir.path()), 0.5));
        near(ledger(dir.path()).spend(noon()).unwrap().day_usd, 0.5);
    }

    #[test]
    fn a_new_utc_day_begins_at_zero_and_a_clock_set_back_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let mut one = ledger(dir.path());
        let late = at("2026-11-24T23:59:59Z");
        let booked = one.reserve(late, Some(0.5), Purpose::Call).unwrap();
        let after = at("2026-11-25T00:00:01Z");
        near(one.spend(after).unwrap().day_usd, 0.0);
        near(one.settle(after, booked, Some(0.4)).unwrap().day_usd, 0.0);
        near(one.spend(after).unwrap().session_usd, 0.4);
        drop(one.reserve(after, Some(0.3), Purpose::Call).unwrap());
        near(one.spend(late).unwrap().day_usd, 0.3);
    }

    #[test]
    fn a_damaged_ledger_refuses_and_is_left_alone() {
        let whole = "{\"schema\":\"ratetop.ledger/1\",\"day\":\"2026-11-24\",\"usd\":1.0,\"probes_usd\":0.0}";
        let cases = [
            "",
            "{",
            "null",
            "\u{0}\u{0}",
            &whole.replace("1.0", "-1.0"),
            &whole.replace("ledger/1", "ledger/9"),
            &whole.replace("2026-11-24", "yesterday"),
            whole.get(..40).unwrap(),
        ];
        for text in cases {
            let dir = tempfile::tempdir().unwrap();
            let mut one = ledger(dir.path());
            drop(book(&mut one, 0.1));
            let path = dir.path().join("spend/prod.json");
            std::fs::write(&path, text).unwrap();
            for error in [
                one.reserve(noon(), Some(0.1), Purpose::Call).unwrap_err(),
                one.spend(noon()).unwrap_err(),
            ] {
                assert!(
                    matches!(error, LedgerError::Damaged { .. }),
                    "{text:?}: {error}"
                );
                assert!(
                    error.to_string().contains("prod.json is damaged ("),
                    "{error}"
                );
            }
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn automatic_probes_have_a_budget_of_their_own() {
        let dir = tempfile::tempdir().unwrap();
        let mut one = ledger(dir.path());
        let booked = one
            .reserve(noon(), Some(0.08), Purpose::AutomaticProbe)
            .unwrap();
        let refused = one
            .reserve(noon(), Some(0.08), Purpose::AutomaticProbe)
            .unwrap_err();
        assert_eq!(
            refused.to_string(),
            "automatic probes have spent their $0.10 of today"
        );
        drop(book(&mut one, 0.08));
        near(
            one.settle(noon(), booked, Some(0.01)).unwrap().day_usd,
            0.09,
        );
        drop(
            one.reserve(noon(), Some(0.08), Purpose::AutomaticProbe)
                .unwrap(),
        );
    }

    #[test]
    fn a_free_address_books_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut one = ledger(dir.path());
        one.set_free(true);
        let booked = book(&mut one, 50.0);
        near(one.settle(noon(), booked, Some(50.0)).unwrap().day_usd, 0.0);
        assert!(!dir.path().join("spend").exists());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_user_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let spend = dir.path().join("spend");
        std::fs::create_dir(&spend).unwrap();
        std::fs::set_permissions(&spend, std::fs::Permissions::from_mode(0o755)).unwrap();
        drop(book(&mut ledger(dir.path()), 0.1));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&spend), 0o700);
        let files: Vec<_> = std::fs::read_dir(&spend)
            .unwrap()
            .map(|it| it.unwrap().path())
            .collect();
        assert_eq!(files.len(), 2, "{files:?}");
        for file in files {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
    }

    #[test]
    fn many_threads_lose_nothing() {
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut one = ledger(dir.path());
                    for _ in 0..10 {
                        let booked = book(&mut one, 0.03);
                        one.settle(noon(), booked, Some(0.01)).unwrap();
                    }
                });
            }
        });
        near(ledger(dir.path()).spend(noon()).unwrap().day_usd, 0.4);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_day_is_the_sum_of_what_was_settled_and_what_is_open(
            calls in prop::collection::vec((0.0..0.01_f64, prop::option::of(0.0..0.01_f64)), 1..12)
        ) {
            let dir = tempfile::tempdir().unwrap();
            let mut one = ledger(dir.path());
            let mut sum = 0.0;
            for (worst, cost) in calls {
                let booked = book(&mut one, worst);
                let spend = one.settle(noon(), booked, cost).unwrap();
                sum += cost.unwrap_or(worst);
                prop_assert!((spend.day_usd - sum).abs() < 1e-9);
                prop_assert!((spend.session_usd - sum).abs() < 1e-9);
            }
        }
    }
}
