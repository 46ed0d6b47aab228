//! Trouble on purpose looks to a client like the API's own, says that it is none, and leaves the rest alone.

#[cfg(unix)]
use super::process::{Home, Running, parts};
use super::{
    rig::{PATIENCE, Peer, Seen, Stub, Tapped, Then},
    wire::{Ended, Kind, Message, chunk, chunked},
};
use ratetop::domain::{
    observation::{Observation, What},
    outcome::Outcome,
    verdict::Cause,
};
use serde_json::{Value, json};
use std::sync::{Arc, mpsc};

const ASK: &str = r#"{"model":"claude-opus-5-5","max_tokens":9,"stream":true,"messages":[]}"#;
const STORM: &str = "
about = 'x'
[[troubles]]
kind = 'refuse'
share = 1
status = 429
retry_after_s = 8
error = 'rate_limit_error'
message = \"This request would exceed your organization's rate limit of 8,000 output tokens per minute\"
code = 'some_code'
headers = { x-more = 'this' }
";

fn event(n: usize) -> String {
    format!("event: ping\r\ndata: {{\"type\": \"ping\", \"n\": {n}}}\r\n\r\n")
}

/// A stream of that many events, each a chunk of its own.
fn stream(events: usize, headers: &str) -> Vec<Vec<u8>> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n{headers}Transfer-Encoding: chunked\r\n\r\n"
    );
    let chunks = (0..events).map(|n| chunk(event(n).as_bytes()));
    let end = [b"0\r\n\r\n".to_vec()];
    std::iter::once(head.into_bytes())
        .chain(chunks)
        .chain(end)
        .collect()
}

fn ask(tap: &Tapped, client: &mut Peer) -> Message {
    let head = tap.head("POST /v1/messages") + "Accept-Encoding: gzip, br\r\nContent-Length: ";
    client.send(format!("{head}{}\r\n\r\n{ASK}", ASK.len()));
    client.next(Kind::Answer)
}

fn outcome(seen: &Seen) -> (Observation, Outcome) {
    seen.first(|seen| match &seen.what {
        What::Finished { outcome, .. } => Some((seen.clone(), outcome.clone())),
        _ => None,
    })
}

#[test]
fn a_refusal_is_the_apis_in_every_part_and_upstream_hears_nothing_of_it() {
    let (stub, asked) = Stub::plain();
    let seen = Arc::new(Seen::default());
    let tap = Tapped::troubled(stub.address, STORM, Arc::clone(&seen) as _);
    let mut client = tap.client();
    // A body in pieces, which the client holds back until it is asked for.
    client.send(
        tap.head("POST /v1/messages")
            + "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    for piece in chunked("", ASK.as_bytes(), 7) {
        client.send(piece);
    }
    let answer = client.next(Kind::Answer);
    assert_eq!((answer.status(), answer.ended), (429, Ended::Whole));
    assert_eq!(answer.informed, ["HTTP/1.1 100 Continue"]);
    let id = answer.get("request-id").unwrap();
    assert!(id.starts_with("req_chaos"), "{id}");
    // claude-api.md, section 5.
    let message = "This request would exceed your organization's rate limit of 8,000 output tokens per minute";
    let expected = json!({
        "type": "error",
        "error": {"type": "rate_limit_error", "message": message, "details": {"error_code": "some_code"}},
        "request_id": id,
    });
    assert_eq!(
        serde_json::from_slice::<Value>(&answer.body).unwrap(),
        expected
    );
    for (name, value) in [
        ("retry-after", "8"),
        ("content-type", "application/json"),
        ("x-ratetop-chaos", "planned"),
        ("x-more", "this"),
    ] {
        assert_eq!(answer.all(name), [value], "{name}");
    }
    assert!(answer.get("date").unwrap().ends_with(" GMT"));
    assert!(answer.get("x-ratetop-tap").is_none());
    // The connection serves on, and what is no message passes.
    assert_eq!(ask(&tap, &mut client).status(), 429);
    client.send(tap.head("GET /v1/models") + "\r\n");
    let other = client.next(Kind::Answer);
    assert_eq!((other.status(), other.get("x-ratetop-chaos")), (200, None));
    assert_eq!(
        asked.recv_timeout(PATIENCE).unwrap().start,
        "GET /v1/models HTTP/1.1"
    );
    assert!(asked.try_recv().is_err());
    assert_eq!(tap.counted().chaos, 2);
    // It is heard like any other.
    let (heard, _) = outcome(&seen);
    assert_eq!(heard.model.unwrap().as_str(), "claude-opus-5-5");
    let What::Finished { verdict, .. } = heard.what else {
        unreachable!()
    };
    assert_eq!(verdict.unwrap().cause, Cause::OutputTokensPerMinute);
}

#[test]
fn a_request_that_is_no_request_is_refused_before_chaos_answers() {
    let (stub, _asked) = Stub::plain();
    let tap = Tapped::troubled(stub.address, STORM, Arc::new(Seen::default()));
    let mut client = tap.client();
    client.send(tap.head("POST /v1/messages") + "Transfer-Encoding: chunked\r\n\r\nzz\r\n");
    assert_eq!(client.next(Kind::Answer).status(), 400);
}

#[test]
fn a_delay_comes_before_upstream_and_its_answer_says_so() {
    let (stub, asked) = Stub::plain();
    let plan = "about = 'x'\n[[troubles]]\nkind = 'delay'\nshare = 1\ndelay_s = 0.3\n";
    let seen = Arc::new(Seen::default());
    let tap = Tapped::troubled(stub.address, plan, Arc::clone(&seen) as _);
    let answer = ask(&tap, &mut tap.client());
    let first_byte_s = seen.first(|seen| match seen.what {
        What::Head { first_byte_s, .. } => Some(first_byte_s),
        _ => None,
    });
    assert!(first_byte_s >= 0.3, "{first_byte_s}");
    assert_eq!((answer.status(), answer.text().as_str()), (200, "ok"));
    assert_eq!(answer.all("x-ratetop-chaos"), ["planned"]);
    let asked = asked.recv_timeout(PATIENCE).unwrap();
    assert_eq!(asked.all("accept-encoding"), ["gzip, br"]);
    assert!(asked.get("x-ratetop-chaos").is_none());
}

const ERROR_EVENT: &str = "
about = 'x'
[[troubles]]
kind = 'error-event'
share = 1
after_events = 3
error = 'overloaded_error'
message = 'Overloaded'
";

#[test]
fn an_error_event_ends_a_stream_that_began_with_a_200() {
    for length in ["", "Content-Length: 999\r\n"] {
        let (tell, left) = mpsc::channel();
        let stub = Stub::playing(move |mut peer, _| {
            let asked = peer.next(Kind::Request);
            for piece in stream(6, length) {
                let _ = std::io::Write::write_all(&mut peer.out, &piece);
            }
            peer.wait_for_the_end();
            let _ = tell.send(asked);
        });
        let seen = Arc::new(Seen::default());
        let tap = Tapped::troubled(stub.address, ERROR_EVENT, Arc::clone(&seen) as _);
        let mut client = tap.client();
        let answer = ask(&tap, &mut client);
        assert_eq!((answer.status(), answer.ended), (200, Ended::Whole));
        assert_eq!(answer.all("x-ratetop-chaos"), ["planned"]);
        assert_eq!(answer.get("retry-after"), None);
        let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
        let expected = [event(0), event(1), event(2)].concat();
        let rest = answer.text();
        let rest = rest.strip_prefix(expected.as_str()).unwrap();
        let data = rest.strip_prefix("event: error\ndata: ").unwrap();
        let data = data.strip_suffix("\n\n").unwrap();
        assert_eq!(serde_json::from_str::<Value>(data).unwrap(), error);
        // Upstream is left alone with the rest, and was asked for what can be read.
        let asked = left.recv_timeout(PATIENCE).unwrap();
        assert_eq!(asked.all("accept-encoding"), ["identity"]);
        let (_, outcome) = outcome(&seen);
        assert!(
            matches!(outcome, Outcome::StreamError { .. }),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_cut_stream_is_a_reset_after_whole_events() {
    let (stub, _asked) = Stub::answering(stream(6, ""), Then::Keep);
    let plan = "about = 'x'\n[[troubles]]\nkind = 'cut'\nshare = 1\nafter_events = 2\n";
    let seen = Arc::new(Seen::default());
    let tap = Tapped::troubled(stub.address, plan, Arc::clone(&seen) as _);
    let answer = ask(&tap, &mut tap.client());
    assert_eq!((answer.status(), answer.ended), (200, Ended::Reset));
    assert_eq!(answer.text(), [event(0), event(1)].concat());
    let (_, outcome) = outcome(&seen);
    assert!(matches!(outcome, Outcome::StreamCut { .. }), "{outcome:?}");
}

#[test]
fn only_streams_end_early() {
    let plain = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    let (stub, _asked) = Stub::answering(vec![plain.as_bytes().to_vec()], Then::Keep);
    let tap = Tapped::troubled(stub.address, ERROR_EVENT, Arc::new(Seen::default()));
    let answer = ask(&tap, &mut tap.client());
    assert_eq!(
        (answer.text().as_str(), answer.get("x-ratetop-chaos")),
        ("{}", None)
    );
    // One that is shorter passes to its end.
    let (stub, _asked) = Stub::answering(stream(2, ""), Then::Keep);
    let tap = Tapped::troubled(stub.address, ERROR_EVENT, Arc::new(Seen::default()));
    let answer = ask(&tap, &mut tap.client());
    assert_eq!(answer.ended, Ended::Whole);
    assert_eq!(answer.text(), [event(0), event(1)].concat());
}

#[cfg(unix)]
#[test]
fn chaos_stands_in_front_of_a_simulator_or_of_what_somebody_said_yes_to() {
    let home = Home::new();
    let sim = Running::sim(&home, &[]);
    let sim_url = format!("http://{}", sim.address);
    let (stub, _asked) = Stub::plain();
    let url = format!("http://{}", stub.address);
    home.file("mine.toml", STORM, 0o600);
    home.file(
        "bad.toml",
        "about = 'x'\n[[troubles]]\nkind = 'cut'\nshare = 7\nafter_events = 1\n",
        0o600,
    );
    for (args, said) in [
        (
            vec!["--chaos", "overloaded", "--upstream", &url],
            "is no ratetop simulator; start `ratetop sim`",
        ),
        (
            vec!["--chaos", "ramp"],
            "api.anthropic.com is no ratetop simulator",
        ),
        (
            vec!["--chaos", "ramp", "--upstream", "http://127.0.0.1:1"],
            "--chaos: ",
        ),
        (
            vec!["--chaos", "429-strom", "--upstream", &sim_url],
            "did you mean `429-storm`?",
        ),
        (
            vec!["--chaos", "none.toml", "--upstream", &sim_url],
            "none.toml cannot be read",
        ),
        (
            vec!["--chaos", "bad.toml", "--upstream", &sim_url],
            "bad.toml: [[troubles]] number 1: share = 7",
        ),
        (vec!["--yes"], "--chaos"),
    ] {
        let args = [vec!["tap", "--listen", "127.0.0.1:0"], args].concat();
        let (code, out, err) = home.run(&args, &[]);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?} {err}");
        assert!(err.contains(said), "{args:?} {err}");
    }
    for args in [
        ["--chaos", "mine.toml", "--upstream", sim_url.as_str()].as_slice(),
        &["--chaos", "mine.toml", "--upstream", &url, "--yes"],
    ] {
        let tap = Running::tap(&home, args, &[]);
        let mut client = Peer::to(tap.address);
        let rest = format!("Content-Length: {}\r\n\r\n{ASK}", ASK.len());
        let answer = tap.ask(&mut client, "POST /v1/messages", &rest);
        assert_eq!(
            (answer.status(), answer.all("x-ratetop-chaos")),
            (429, vec!["mine".to_owned()])
        );
        let (code, _, err) = tap.end();
        assert_eq!(code, 0, "{err}");
        assert!(
            err.contains("CHAOS mine: answers are broken on purpose"),
            "{err}"
        );
        assert!(err.contains("befallen by chaos mine: 1 request\n"), "{err}");
    }
    let _ = parts(&{
        sim.signal("TERM");
        sim.child.wait_with_output().unwrap()
    });
}
