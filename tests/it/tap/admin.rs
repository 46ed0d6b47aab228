//! The admin port: what passes the tap, for those that attach; read-only, resumable, behind its own gate.

use super::{
    planted,
    process::{Home, Running},
    rig::{Peer, Stub},
    wire::{self, Kind, Message, chunk},
};
use ratetop::domain::{
    answer::sse::Reader,
    feed::wire::{Hello, Told, read},
    observation::{Observation, What},
    org::LimitsState,
    traffic::Totals,
};
use std::{
    io::{BufRead, Read},
    net::{SocketAddr, TcpListener},
};

/// An upstream, a tap before it, and where to attach to that.
struct Attachable {
    tap: Running,
    admin: SocketAddr,
    _stub: Stub,
    home: Home,
}

impl Attachable {
    fn new(more: &[&str]) -> Self {
        let stub = planted::upstream("");
        let home = Home::new();
        home.file("token", "planted-token-0123456789", 0o600);
        let upstream = format!("http://{}", stub.address);
        let args = ["--upstream", &upstream, "--admin", "127.0.0.1:0", "--json"];
        let tap = Running::tap(&home, &[&args, more].concat(), &[]);
        let admin = admin_of(&tap);
        Self {
            tap,
            admin,
            _stub: stub,
            home,
        }
    }

    fn get(&self, path: &str, more: &str) -> Message {
        let mut peer = Peer::to(self.admin);
        peer.send(format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\n{more}\r\n",
            self.admin
        ));
        peer.next(Kind::Answer)
    }

    /// A call through the tap.
    fn call(&self) {
        planted::call(&self.tap);
    }

    fn attach(&self, path: &str, more: &str) -> Attached {
        Attached::to(self.admin, path, more)
    }
}

pub fn admin_of(tap: &Running) -> SocketAddr {
    let said = crate::cli::valid(&tap.first);
    let url = said["admin_url"].as_str().unwrap();
    url.strip_prefix("http://").unwrap().parse().unwrap()
}

/// A reader of the stream.
struct Attached {
    peer: Peer,
    reader: Reader,
    told: std::collections::VecDeque<(Option<u64>, Told)>,
    /// Everything as it came.
    text: String,
    head: Message,
}

impl Attached {
    fn to(admin: SocketAddr, path: &str, more: &str) -> Self {
        let mut peer = Peer::to(admin);
        peer.send(format!(
            "GET {path} HTTP/1.1\r\nHost: {admin}\r\n{more}\r\n"
        ));
        let head = wire::head(&mut peer.lines).unwrap().unwrap();
        Self {
            peer,
            reader: Reader::new(),
            told: std::collections::VecDeque::new(),
            text: String::new(),
            head,
        }
    }

    fn next(&mut self) -> (Option<u64>, Told) {
        loop {
            if let Some(told) = self.told.pop_front() {
                return told;
            }
            let mut size = String::new();
            self.peer.lines.read_line(&mut size).unwrap();
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            let mut data = vec![0; size + 2];
            self.peer.lines.read_exact(&mut data).unwrap();
            data.truncate(size);
            self.text += std::str::from_utf8(&data).unwrap();
            let mut events = Vec::new();
            self.reader.push(&data, &mut events).unwrap();
            let told = events.iter().filter_map(|event| read(event).unwrap());
            self.told.extend(told);
        }
    }

    fn hello(&mut self) -> Hello {
        match self.next() {
            (None, Told::Hello(hello)) => *hello,
            other => panic!("{other:?}"),
        }
    }

    /// What is seen next that fits, and its number.
    fn seen(&mut self, fits: impl Fn(&Observation) -> bool) -> (u64, Observation) {
        loop {
            if let (Some(n), Told::Seen(seen)) = self.next()
                && fits(&seen)
            {
                return (n, *seen);
            }
        }
    }

    fn totals(&mut self, fits: impl Fn(&Totals) -> bool) -> Totals {
        loop {
            if let (_, Told::Totals(totals)) = self.next()
                && fits(&totals)
            {
                return *totals;
            }
        }
    }
}

fn closed(seen: &Observation) -> bool {
    matches!(seen.what, What::Closed { .. })
}

#[test]
fn whoever_attaches_sees_what_passes_and_nothing_of_what_was_said() {
    let it = Attachable::new(&[]);
    assert_eq!(it.get("/healthz", "").text(), "ok\n");
    let mut attached = it.attach("/events", "Origin: http://evil.example\r\n");
    assert_eq!(
        attached.head.get("content-type").unwrap(),
        "text/event-stream; charset=utf-8"
    );
    let any = |name: &(String, Vec<u8>)| name.0.to_ascii_lowercase().starts_with("access-control");
    assert!(!attached.head.headers.iter().any(any));
    let hello = attached.hello();
    assert!(
        attached
            .text
            .starts_with("event: hello\ndata: {\"program\":\"ratetop\",")
    );
    assert_eq!(hello.tap, it.tap.address.to_string());
    it.call();
    let (_, seen) = attached.seen(closed);
    assert_eq!(seen.model.unwrap().as_str(), "claude-opus-5-5");
    let totals = attached.totals(|totals| totals.all().whole == 1);
    assert_eq!(totals.all().usage.output_tokens, 2);
    // One that comes later is told what was before, too.
    let mut late = it.attach("/events", "");
    let again = late.hello();
    assert_eq!((again.run, again.tap), (hello.run, hello.tap));
    assert!(again.at > hello.at);
    late.seen(closed);
    for text in [&attached.text, &late.text] {
        assert!(
            text.contains("\"finished\"") && !text.contains("planted"),
            "{text}"
        );
    }
    let (code, _, err) = it.tap.end();
    assert_eq!(code, 0, "{err}");
    assert!(
        err.contains(&format!("ratetop --attach http://{}\n", it.admin)),
        "{err}"
    );
}

#[test]
fn a_reader_that_was_away_goes_on_where_it_was() {
    let it = Attachable::new(&[]);
    let mut first = it.attach("/events", "");
    let run = first.hello().run;
    it.call();
    let (known, _) = first.seen(closed);
    drop(first);
    it.call();
    for (path, header) in [
        ("/events".to_owned(), format!("Last-Event-ID: {known}\r\n")),
        (format!("/events?after={known}"), String::new()),
    ] {
        let mut again = it.attach(&path, &header);
        assert_eq!(again.hello().run, run);
        let (n, began) = again.seen(|_| true);
        assert!(
            n > known && matches!(began.what, What::Began { .. }),
            "{n} {began:?}"
        );
        again.seen(closed);
    }
    // A number of an earlier run means the beginning.
    let mut lost = it.attach("/events?after=99999999", "");
    lost.hello();
    let closings = |lost: &mut Attached| lost.seen(closed).0;
    assert_eq!(closings(&mut lost), known);
    assert!(closings(&mut lost) > known);
    it.tap.end();
}

#[test]
fn the_admin_port_only_tells_and_only_those_on_this_machine() {
    let it = Attachable::new(&[]);
    assert_eq!(it.get("/", "").status(), 404);
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let mut peer = Peer::to(it.admin);
        peer.send(format!(
            "{method} /events HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n\r\n",
            it.admin
        ));
        let answer = peer.next(Kind::Answer);
        assert_eq!(answer.status(), 405, "{method}");
        assert_eq!(answer.get("allow").unwrap(), "GET, HEAD");
    }
    for (head, status) in [
        ("GET /events HTTP/1.1\r\nHost: evil.example".to_owned(), 403),
        (
            format!("GET http://x/events HTTP/1.1\r\nHost: {}", it.admin),
            400,
        ),
        (format!("CONNECT x:1 HTTP/1.1\r\nHost: {}", it.admin), 405),
    ] {
        let mut peer = Peer::to(it.admin);
        peer.send(format!("{head}\r\n\r\n"));
        assert_eq!(peer.next(Kind::Answer).status(), status, "{head}");
    }
    it.tap.end();
}

#[test]
fn with_a_token_the_admin_port_wants_it_too() {
    let it = Attachable::new(&["--token-file", "token"]);
    assert_eq!(it.get("/healthz", "").status(), 401);
    let with = "X-Ratetop-Token: planted-token-0123456789\r\n";
    assert_eq!(it.get("/healthz", with).status(), 200);
    assert_eq!(
        it.get("/t/planted-token-0123456789/healthz", "").status(),
        200
    );
    let mut attached = it.attach("/t/planted-token-0123456789/events", "");
    attached.hello();
    assert!(!attached.text.contains("planted"));
    it.tap.end();
}

#[test]
fn the_33rd_reader_is_told_to_come_back() {
    let it = Attachable::new(&[]);
    let mut readers: Vec<Attached> = (0..32)
        .map(|_| {
            let mut reader = it.attach("/events", "");
            reader.hello();
            reader
        })
        .collect();
    assert_eq!(it.get("/events", "").status(), 503);
    assert_eq!(it.get("/healthz", "").status(), 200);
    it.call();
    for reader in &mut readers {
        reader.seen(closed);
    }
    it.tap.end();
}

#[test]
fn an_admin_address_that_cannot_be_had_is_named_with_its_flag() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let tap = ["tap", "--listen", "127.0.0.1:0", "--admin"];
    for (admin, code, said) in [
        (
            taken.as_str(),
            1,
            "name another address with --admin, or say `--admin off`",
        ),
        (
            "0.0.0.0:0",
            2,
            "--admin: 0.0.0.0:0 can be reached from other machines: add --allow-remote",
        ),
        ("here", 2, "must be an address with a port"),
    ] {
        let (got, out, err) = home.run(&[&tap[..], &[admin]].concat(), &[]);
        assert_eq!((got, out.as_str()), (code, ""), "{err}");
        assert!(err.contains(said), "{err}");
    }
}

#[test]
fn limits_are_polled_for_those_that_attach_where_the_profile_has_an_admin_key() {
    let home = Home::new();
    let sim = Running::sim(&home, &[]);
    let config = format!(
        "[profiles.p]\nbase_url = \"http://{}\"\nadmin_key = {{ env = \"ADMIN\" }}\n",
        sim.address
    );
    let config = home.file("config.toml", &config, 0o600);
    let args = ["--config", &config, "--admin", "127.0.0.1:0", "--json"];
    let vars = [("ADMIN", "sk-ant-admin01-ratetop-sim")];
    let tap = Running::tap(&home, &args, &vars);
    let mut attached = Attached::to(admin_of(&tap), "/events", "");
    assert_eq!(attached.hello().profile, "p");
    let (_, seen) = attached.seen(|seen| matches!(seen.what, What::Limits { .. }));
    let What::Limits {
        state, snapshot, ..
    } = seen.what
    else {
        unreachable!()
    };
    assert_eq!(state, LimitsState::Ok);
    assert!(!snapshot.unwrap().groups.is_empty());
    assert!(!attached.text.contains("sk-ant"), "{}", attached.text);
    tap.end();
    sim.end();
    // Without a profile it says why there are none.
    let it = Attachable::new(&[]);
    let mut attached = it.attach("/events", "");
    let (_, seen) = attached.seen(|seen| matches!(seen.what, What::Limits { .. }));
    let What::Limits { state, error, .. } = seen.what else {
        unreachable!()
    };
    assert_eq!(state, LimitsState::Absent);
    assert!(error.unwrap().contains("no profile with an Admin key"));
    it.tap.end();
    drop(it.home);
}

#[test]
fn a_chunked_request_with_a_length_is_no_way_in() {
    let it = Attachable::new(&[]);
    let mut peer = Peer::to(it.admin);
    peer.send(format!(
        "GET /healthz HTTP/1.1\r\nHost: {}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        it.admin
    ));
    peer.send(chunk(b"x"));
    assert_eq!(peer.next(Kind::Answer).status(), 400);
    it.tap.end();
}
