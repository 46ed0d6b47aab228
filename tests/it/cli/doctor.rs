//! `ratetop doctor`.

use super::home::{Gateway, Home, Simulator, nowhere};
use std::net::{SocketAddr, TcpListener};

/// Passes bytes between a port of its own and another.
fn relay(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for here in listener.incoming().map_while(Result::ok) {
            let Ok(there) = std::net::TcpStream::connect(to) else {
                continue;
            };
            for (from, into) in [(&here, &there), (&there, &here)] {
                let (mut from, mut into) = (from.try_clone().unwrap(), into.try_clone().unwrap());
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut into);
                    let _ = into.shutdown(std::net::Shutdown::Write);
                });
            }
        }
    });
    address
}

#[test]
fn a_gateway_in_front_of_the_doctors_upstream_is_seen_from_both_ends() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = free.local_addr().unwrap();
    drop(free);
    let gateway = relay(upstream);
    let done = Home::bare()
        .run(&format!(
            "doctor http://{gateway} --upstream {upstream} --json"
        ))
        .exits(0);
    let report = done.json();
    assert_eq!(report["means"], "own_upstream");
    assert_eq!(report["passed"], 18);
    assert_eq!(report["cost_usd"], 0.0);
    assert_eq!(report["gateway"], format!("http://{gateway}"));
    assert!(done.err.is_empty(), "{}", done.err);
}

#[test]
fn a_gateway_that_leads_elsewhere_gets_one_call_and_unknown_is_no_pass() {
    let simulator = Simulator::named("calm");
    let done = Home::at(&simulator.url)
        .run("doctor --upstream 127.0.0.1:0 --json")
        .exits(6);
    let report = done.json();
    assert_eq!(report["means"], "one_call");
    assert_eq!(report["failed"], 0);
    let grade = |check: &str| {
        let checks = report["checks"].as_array().unwrap();
        let found = checks.iter().find(|it| it["check"] == check).unwrap();
        found["grade"].clone()
    };
    assert_eq!(grade("rate_limit_headers"), "pass");
    assert_eq!(grade("event_lines"), "pass");
    assert_eq!(grade("retry_after"), "unknown");
    assert!(done.err.contains("point its upstream"), "{}", done.err);
}

#[test]
fn the_doctor_takes_no_profiles_key_elsewhere_and_tells_who_did_not_answer() {
    let simulator = Simulator::named("calm");
    // The key of the environment belongs to another address, so the simulator refuses the stand-in.
    let elsewhere =
        Home::at(&nowhere()).run(&format!("doctor {} --upstream 127.0.0.1:0", simulator.url));
    let elsewhere = elsewhere.exits(4);
    assert!(
        elsewhere.err.contains("no key of a profile was sent there"),
        "{}",
        elsewhere.err
    );
    // What is said to help helps.
    let way = format!("ANTHROPIC_BASE_URL={} beside", simulator.url);
    assert!(elsewhere.err.contains(&way), "{}", elsewhere.err);
    assert!(
        elsewhere.out.contains("a 401 need not carry any"),
        "{}",
        elsewhere.out
    );
    let free = "one call, nothing was spent";
    assert!(elsewhere.out.contains(free), "{}", elsewhere.out);
    let itself = Home::at(&simulator.url).run(&format!(
        "doctor {} --upstream 127.0.0.1:0 --profile env",
        simulator.url
    ));
    itself.exits(6);
    let nobody = Home::bare().run(&format!("doctor {} --upstream 127.0.0.1:0", nowhere()));
    let nobody = nobody.exits(5);
    let nothing = "18 unknown; no call was made, nothing was spent";
    assert!(nobody.out.contains(nothing), "{}", nobody.out);
    for line in [
        "doctor",
        "doctor nonsense",
        "doctor http://127.0.0.1:1 --upstream 0.0.0.0:0",
    ] {
        let done = Home::bare().run(line).exits(2);
        assert!(done.out.is_empty(), "{line}: {}", done.out);
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let line = format!(
        "doctor http://127.0.0.1:1 --upstream {}",
        taken.local_addr().unwrap()
    );
    let done = Home::bare().run(&line).exits(2);
    assert!(done.err.contains("--upstream"), "{}", done.err);
}

/// The request arrived, so it may have been served and paid.
#[test]
fn what_a_call_without_an_answer_cost_is_not_known() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = std::io::Read::read(&mut stream, &mut [0; 1 << 12]);
        }
    });
    let home = Home::at(&url);
    let doctor = "doctor --upstream 127.0.0.1:0";
    let said = home.run(doctor).exits(5).out;
    assert!(
        said.contains("one call, what it cost is not known"),
        "{said}"
    );
    let report = home.run(&format!("{doctor} --json")).exits(5).json();
    assert_eq!(
        (&report["means"], report["cost_usd"].is_null()),
        (&"one_call".into(), true)
    );
}

#[test]
fn the_doctors_real_call_is_paid_for_and_refused_when_read_only() {
    let stream: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":14,\"output_tokens\":1}}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let gateway = Gateway::answering(200, stream);
    let home = Home::at(&gateway.url);
    let doctor = "doctor --upstream 127.0.0.1:0 --model claude-opus-5-5";
    let refused = home.run(&format!("{doctor} --read-only")).exits(1);
    assert!(refused.err.contains("read-only"), "{}", refused.err);
    assert_eq!(gateway.posts(), 0);
    // It loses request-id, and it costs 14 in and 1 out at 4 and 20 USD per million (pricing page).
    let report = home.run(&format!("{doctor} --json")).exits(1).json();
    let cost = 14.0 * 4e-6 + 20e-6;
    assert!((report["cost_usd"].as_f64().unwrap() - cost).abs() < 1e-9);
    assert!((home.ledger().unwrap()["usd"].as_f64().unwrap() - cost).abs() < 1e-9);
    assert_eq!(gateway.posts(), 1);
}
