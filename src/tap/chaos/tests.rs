use super::*;
use crate::domain::time::after;

fn start() -> Time {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

fn chaos(name: &str, seed: u64) -> Chaos {
    Chaos::new(
        Plan::named(name).unwrap(),
        fastrand::Rng::with_seed(seed),
        start(),
    )
}

fn refusals(chaos: &mut Chaos, at: f64, calls: usize) -> usize {
    let now = after(start(), at);
    let fates = (0..calls).map(|_| chaos.befall(now));
    fates
        .filter(|fate| matches!(fate, Some(Fate::Refused(_))))
        .count()
}

#[test]
fn a_storm_rages_for_its_seconds_of_every_minute_and_refuses_its_share() {
    let mut chaos = chaos("429-storm", 1);
    let stormy = refusals(&mut chaos, 61.0, 2_000);
    assert!((1_500..1_700).contains(&stormy), "{stormy}");
    assert_eq!(refusals(&mut chaos, 85.0, 2_000), 0);
    let Some(Fate::Refused(refused)) = (0..20).find_map(|_| chaos.befall(after(start(), 121.0)))
    else {
        panic!("no refusal in a storm");
    };
    let Refused {
        status,
        headers,
        body,
        ..
    } = *refused;
    assert_eq!(
        (status, &headers["retry-after"]),
        (429, &HeaderValue::from(8))
    );
    assert_eq!(headers[HEADER], "429-storm");
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["type"], "error");
    assert_eq!(body["error"]["type"], "rate_limit_error");
    assert_eq!(
        body["request_id"].as_str(),
        headers["request-id"].to_str().ok()
    );
    assert_eq!(headers["date"], "Tue, 24 Nov 2026 12:02:01 GMT");
}

#[test]
fn the_ramp_lets_its_allowance_pass_and_steps_at_the_minute() {
    let mut chaos = chaos("ramp", 1);
    assert_eq!(refusals(&mut chaos, 0.0, 12), 2);
    assert_eq!(refusals(&mut chaos, 59.9, 3), 3);
    assert_eq!(refusals(&mut chaos, 60.0, 20), 5);
    assert_eq!(refusals(&mut chaos, 120.0, 30), 8);
    let Some(Fate::Refused(refused)) = chaos.befall(after(start(), 149.5)) else {
        panic!("the allowance of 22 was used up");
    };
    let Refused { headers, body, .. } = *refused;
    assert_eq!(headers["retry-after"], HeaderValue::from(31));
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert!(text.contains("ramp_limit_exceeded"), "{text}");
    assert!(text.contains("current limit is 22;"), "{text}");
    assert!(text.contains("will increase to 33 at"), "{text}");
}

#[test]
fn the_same_seed_gives_the_same_fates() {
    for name in Plan::names() {
        let (mut one, mut other) = (chaos(name, 7), chaos(name, 7));
        for second in 0..200 {
            let now = after(start(), f64::from(second) * 0.7);
            assert_eq!(one.befall(now), other.befall(now), "{name}");
        }
    }
}

#[test]
fn each_plan_shows_its_point() {
    let seen = |name: &str| {
        let mut chaos = chaos(name, 3);
        (0..100)
            .filter_map(|_| chaos.befall(start()))
            .collect::<Vec<_>>()
    };
    let overloaded = seen("overloaded");
    assert!((30..60).contains(&overloaded.len()), "{}", overloaded.len());
    assert!(seen("slow-first-byte").contains(&Fate::Delayed(Duration::from_secs(6))));
    let ends = |name: &str, last: bool| {
        let fates = seen(name);
        let broken = |fate: &Fate| matches!(fate, Fate::Broken(end) if end.last.is_some() == last && end.after_events == 6);
        assert!(
            (20..47).contains(&fates.len()) && fates.iter().all(broken),
            "{name}"
        );
    };
    ends("error-after-200", true);
    ends("cut-stream", false);
}
