//! `ratetop tap` as a shell sees it: what it says, refuses and takes from the environment.

use super::{
    process::{Home, Running, parts, signal_to},
    rig::{PATIENCE, Peer, Stub, Then},
    wire::Kind,
};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    time::Duration,
};

#[test]
fn a_tap_says_where_it_listens_once_and_tells_totals_at_its_end() {
    let (stub, _asked) = Stub::plain();
    let upstream = format!("http://{}", stub.address);
    let home = Home::new();
    let tap = Running::tap(&home, &["--upstream", &upstream], &[]);
    assert_eq!(tap.first, format!("listening on http://{}\n", tap.address));
    let mut client = Peer::to(tap.address);
    let answer = tap.ask(
        &mut client,
        "POST /v1/messages",
        "Content-Length: 2\r\n\r\n{}",
    );
    assert_eq!(answer.text(), "ok");
    client.send("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    assert_eq!(client.next(Kind::Answer).status(), 403);
    let (code, out, err) = tap.end();
    assert_eq!((code, out.as_str()), (0, ""));
    assert!(err.contains(&format!("upstream {upstream}\n")), "{err}");
    assert!(
        err.contains("not passed on: its Host must be localhost"),
        "{err}"
    );
    assert!(err.contains("through the tap: "), "{err}");
    assert!(
        err.contains("not passed on by the tap: 1 request\n"),
        "{err}"
    );

    let tap = Running::tap(&home, &["--upstream", &upstream, "--json"], &[]);
    let said = crate::cli::valid(&tap.first);
    assert_eq!(said["schema"], "ratetop.listening/1");
    assert_eq!(said["url"], format!("http://{}", tap.address));
    tap.signal("INT");
    let (code, out, _) = parts(&tap.child.wait_with_output().unwrap());
    assert_eq!((code, out.as_str()), (0, ""));
}

/// A call that reaches nobody is told once, as a call; a request to another path, of which only the tap
/// knows, is told too.
#[test]
fn what_reaches_nobody_is_told_once() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let upstream = format!("http://{}", nobody.unwrap());
    let home = Home::new();
    let tap = Running::tap(&home, &["--upstream", &upstream], &[]);
    let mut client = Peer::to(tap.address);
    let body = r#"{"model":"claude-haiku-4-5","max_tokens":1}"#;
    let message = format!("Content-Length: {}\r\n\r\n{body}", body.len());
    let answer = tap.ask(&mut client, "POST /v1/messages", &message);
    assert_eq!(answer.status(), 502);
    let (_, _, err) = tap.end();
    let told = |err: &str| err.matches("Nobody listens at").count();
    assert_eq!(told(&err), 1, "{err}");

    let tap = Running::tap(&home, &["--upstream", &upstream], &[]);
    let mut client = Peer::to(tap.address);
    let answer = tap.ask(&mut client, "GET /v1/models", "\r\n");
    assert_eq!(answer.status(), 502);
    let (_, _, err) = tap.end();
    assert_eq!(told(&err), 1, "{err}");
    assert!(err.contains("no answer from upstream: "), "{err}");
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_listens() {
    let home = Home::new();
    let token = home.file("token", "planted-token-0123456789", 0o600);
    let open = home.file("open", "planted-token-0123456789", 0o644);
    let short = home.file("short", "planted", 0o600);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let own = "http://127.0.0.1:47881";
    for (args, vars, code, said) in [
        (
            vec!["--upstream", "ftp://x"],
            vec![],
            2,
            "--upstream: The base URL begins neither",
        ),
        (
            vec!["--upstream", "http://10.1.2.3"],
            vec![],
            2,
            "plain http beyond this machine",
        ),
        (
            vec!["--listen", &taken],
            vec![],
            1,
            "name another address with --listen",
        ),
        (
            vec!["--listen", "0.0.0.0:0"],
            vec![],
            2,
            "add --allow-remote and --token-file",
        ),
        (
            vec!["--listen", "0.0.0.0:0", "--allow-remote"],
            vec![],
            2,
            "--token-file",
        ),
        (
            vec!["--token-file", &open],
            vec![],
            2,
            "can be read by others",
        ),
        (vec!["--token-file", &short], vec![], 2, "holds no token"),
        (vec!["--token-file", "none"], vec![], 2, "cannot be read"),
        (
            vec!["--listen", "127.0.0.1:47881", "--upstream", own],
            vec![],
            2,
            "is this tap itself",
        ),
        (
            vec![
                "--listen",
                "127.0.0.1:47881",
                "--upstream",
                "http://localhost:47881/x",
            ],
            vec![],
            2,
            "is this tap itself",
        ),
        (
            vec![
                "--listen",
                "0.0.0.0:47881",
                "--allow-remote",
                "--token-file",
                &token,
                "--upstream",
                own,
            ],
            vec![],
            2,
            "is this tap itself",
        ),
        (
            vec!["--upstream", "https://api.example"],
            vec![("HTTPS_PROXY", "socks5://127.0.0.1:1")],
            2,
            "only one that begins with http://",
        ),
    ] {
        let args = [vec!["tap"], args].concat();
        let (got, out, err) = home.run(&args, &vars);
        assert_eq!((got, out.as_str()), (code, ""), "{args:?} {err}");
        assert!(err.contains(said), "{args:?} {err}");
        assert!(!err.contains("planted"), "{err}");
    }
}

#[test]
fn a_variable_that_leads_back_to_the_tap_is_passed_over() {
    let home = Home::new();
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://{free}");
    let vars = [
        ("ANTHROPIC_BASE_URL", url.as_str()),
        ("ANTHROPIC_API_KEY", "sk-ant-api03-planted"),
    ];
    let mut child = home
        .command(
            &["tap", "--admin", "off", "--listen", &free.to_string()],
            &vars,
        )
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut first)
        .unwrap();
    assert_eq!(first, format!("listening on {url}\n"));
    signal_to(child.id(), "TERM");
    let (code, _, err) = parts(&child.wait_with_output().unwrap());
    assert_eq!(code, 0, "{err}");
    assert!(
        err.contains("ANTHROPIC_BASE_URL leads to this tap itself"),
        "{err}"
    );
    assert!(
        err.contains("upstream https://api.anthropic.com\n"),
        "{err}"
    );
}

#[test]
fn a_tap_beyond_loopback_wants_its_token() {
    let (stub, asked) = Stub::plain();
    let home = Home::new();
    let token = home.file("token", "planted-token-0123456789\n", 0o600);
    let upstream = format!("http://{}", stub.address);
    let args = [
        "--listen",
        "0.0.0.0:0",
        "--allow-remote",
        "--token-file",
        &token,
        "--upstream",
        &upstream,
    ];
    let mut tap = Running::tap(&home, &args[2..], &[]);
    let mut client = Peer::to(tap.address);
    assert_eq!(tap.ask(&mut client, "GET /v1/models", "\r\n").status(), 401);
    let with = "x-ratetop-token: planted-token-0123456789\r\n\r\n";
    assert_eq!(tap.ask(&mut client, "GET /v1/models", with).status(), 200);
    let path = "GET /t/planted-token-0123456789/v1/models";
    assert_eq!(tap.ask(&mut client, path, "\r\n").status(), 200);
    for _ in 0..2 {
        let asked = asked.recv_timeout(PATIENCE).unwrap();
        assert_eq!(asked.start, "GET /v1/models HTTP/1.1");
        assert!(!format!("{asked:?}").contains("planted"));
    }
    let pid = tap.child.id();
    signal_to(pid, "TERM");
    let mut err = String::new();
    tap.child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut err)
        .unwrap();
    assert!(tap.child.wait().unwrap().success());
    assert!(!err.contains("planted"), "{err}");
}

#[test]
fn real_hosts_take_the_proxy_of_the_environment_and_loopback_never() {
    let (proxy, asked) = Stub::answering(
        vec![b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n".to_vec()],
        Then::Close,
    );
    let proxy = format!("http://user:planted@{}", proxy.address);
    let vars = [
        ("HTTPS_PROXY", proxy.as_str()),
        ("HTTP_PROXY", proxy.as_str()),
    ];
    let home = Home::new();
    let tap = Running::tap(&home, &["--upstream", "https://api.example"], &vars);
    let mut client = Peer::to(tap.address);
    let answer = tap.ask(&mut client, "GET /v1/models", "\r\n");
    assert_eq!(answer.status(), 502);
    assert!(
        answer.text().contains("through the proxy 127.0.0.1:"),
        "{}",
        answer.text()
    );
    assert!(!answer.text().contains("planted"), "{}", answer.text());
    let tunnel = asked.recv_timeout(PATIENCE).unwrap();
    assert_eq!(tunnel.start, "CONNECT api.example:443 HTTP/1.1");
    assert_eq!(
        tunnel.get("proxy-authorization").as_deref(),
        Some("Basic dXNlcjpwbGFudGVk")
    );
    let (_, _, err) = tap.end();
    assert!(!err.contains("planted"), "{err}");

    let config = "[profiles.p]\nbase_url = \"http://gateway.example/x\"\nallow_plain_http = true\n";
    let config = home.file("config.toml", config, 0o600);
    let tap = Running::tap(&home, &["--config", &config], &vars);
    let mut client = Peer::to(tap.address);
    assert_eq!(
        tap.ask(&mut client, "GET /v1/models?a", "\r\n").status(),
        403
    );
    let whole = asked.recv_timeout(PATIENCE).unwrap();
    assert_eq!(
        whole.start,
        "GET http://gateway.example/x/v1/models?a HTTP/1.1"
    );
    assert_eq!(whole.all("host"), ["gateway.example"]);
    tap.end();

    let (stub, _asked) = Stub::plain();
    let upstream = format!("http://{}", stub.address);
    let tap = Running::tap(&home, &["--upstream", &upstream], &vars);
    let mut client = Peer::to(tap.address);
    assert_eq!(tap.ask(&mut client, "GET /v1/models", "\r\n").text(), "ok");
    assert!(asked.recv_timeout(Duration::ZERO).is_err());
    tap.end();
}

/// Most memory that a process has had, bytes.
#[cfg(target_os = "linux")]
fn most_memory(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.unwrap().trim().trim_end_matches(" kB");
    kib.parse::<usize>().unwrap() << 10
}

#[cfg(target_os = "linux")]
#[test]
fn uploads_and_answers_of_32_mb_take_no_memory() {
    const SIZE: usize = 32 << 20;
    let stub = Stub::playing(|mut peer, _| {
        for _ in 0..4 {
            let request = peer.next(Kind::Request);
            let body = request.body;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            peer.send(head);
            // An echo, as late as can be.
            peer.out.write_all(&body).unwrap();
        }
    });
    let home = Home::new();
    let upstream = format!("http://{}", stub.address);
    let tap = Running::tap(&home, &["--upstream", &upstream], &[]);
    let mut client = Peer::to(tap.address);
    let mut run = |size: usize| {
        let head = format!(
            "POST /v1/messages HTTP/1.1\r\nHost: {}\r\nContent-Length: {size}\r\n\r\n",
            tap.address
        );
        client.send(head);
        client.send(vec![b'x'; size]);
        assert_eq!(client.next(Kind::Answer).body, vec![b'x'; size]);
    };
    run(1 << 20);
    let before = most_memory(tap.child.id());
    run(SIZE);
    run(SIZE);
    let after = most_memory(tap.child.id());
    // The kernel counts pages a little late: a peak may even seem to have fallen.
    assert!(after < before + SIZE / 8, "{before} then {after} bytes");
    tap.end();
}
