//! One ledger, many processes and threads: the day is the exact sum, and no cap is ever passed.

use crate::{life::dawn, memory, size::sized};
use ratetop::{
    domain::spend::Spend,
    store::ledger::{Ledger, LedgerError, Purpose},
};
use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

/// Says to a process of [`books_a_share`] where the ledger is, and how many bookings it makes.
const PLACE: &str = "RATETOP_LONG_LEDGER";
const PROCESSES: usize = 4;
const THREADS: usize = 4;
/// Worst price and real cost of every call: sums of these are exact in binary.
const WORST: f64 = 3.0 / 1_024.0;
const COST: f64 = 1.0 / 1_024.0;

fn ledger(directory: &Path, day_cap_usd: Option<f64>) -> Ledger {
    let caps = Spend {
        day_cap_usd,
        ..Spend::default()
    };
    Ledger::new(directory, "shared", caps, 0.0)
}

/// Books and settles `bookings` times on each of [`THREADS`] threads. Every third is never settled,
/// as after a crash.
fn book(directory: &Path, bookings: u32) {
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut ledger = ledger(directory, None);
                for n in 0..bookings {
                    let booked = ledger.reserve(dawn(), Some(WORST), Purpose::Call).unwrap();
                    if n % 3 != 2 {
                        ledger.settle(dawn(), booked, Some(COST)).unwrap();
                    }
                }
            });
        }
    });
}

/// Another process of this binary that runs [`books_a_share`].
fn another(place: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ledger::books_a_share", "--include-ignored"])
        .env(PLACE, place)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "a process of the test below, which says where to book"]
fn books_a_share() {
    let Some(place) = std::env::var_os(PLACE) else {
        return;
    };
    let place = place.into_string().unwrap();
    let (bookings, directory) = place.split_once(' ').unwrap();
    book(Path::new(directory), bookings.parse().unwrap());
}

#[test]
fn many_processes_and_threads_book_the_exact_sum() {
    let _beside = memory::beside_others();
    let dir = tempfile::tempdir().unwrap();
    let spend = dir.path().join("spend");
    let bookings = sized(1_500, 6) / 3 * 3;
    let place = format!("{bookings} {}", spend.display());
    let children: Vec<Child> = (0..PROCESSES).map(|_| another(&place)).collect();
    book(&spend, bookings);
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let calls = f64::from(bookings) * (THREADS * (PROCESSES + 1)) as f64;
    let expected = calls / 3.0 * (2.0 * COST + WORST);
    let day = ledger(&spend, None).spend(dawn()).unwrap().day_usd;
    assert!((day - expected).abs() == 0.0, "{day} is not {expected}");
    let files = std::fs::read_dir(&spend).unwrap().count();
    assert_eq!(files, 2, "the ledger and its lock, nothing half-written");
}

#[test]
fn no_race_passes_the_cap() {
    let _beside = memory::beside_others();
    let dir = tempfile::tempdir().unwrap();
    let fits = sized(2_000, 40);
    let cap = f64::from(fits) * WORST;
    let admitted: u32 = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..2 * THREADS)
            .map(|_| {
                scope.spawn(|| {
                    let mut ledger = ledger(dir.path(), Some(cap));
                    let mut admitted = 0;
                    for _ in 0..fits {
                        match ledger.reserve(dawn(), Some(WORST), Purpose::Call) {
                            Ok(_kept) => admitted += 1,
                            Err(LedgerError::Refused(_)) => break,
                            Err(error) => panic!("{error}"),
                        }
                    }
                    admitted
                })
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).sum()
    });
    assert_eq!(admitted, fits);
}
