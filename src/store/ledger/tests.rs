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
    let whole =
        "{\"schema\":\"ratetop.ledger/1\",\"day\":\"2026-11-24\",\"usd\":1.0,\"probes_usd\":0.0}";
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
