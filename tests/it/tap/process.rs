//! `ratetop tap` and `ratetop exec` as a shell sees them.

use super::{
    rig::{PATIENCE, Peer, Stub, Then},
    wire::{self, Kind},
};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener},
    ops::{Deref, DerefMut},
    os::unix::fs::PermissionsExt,
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::Duration,
};

/// A user's machine without variables but those that are given.
pub struct Home(tempfile::TempDir);

impl Home {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn command(&self, args: &[&str], vars: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ratetop"));
        command
            .env_clear()
            .env("HOME", self.0.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(vars.iter().copied())
            .args(args)
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run(&self, args: &[&str], vars: &[(&str, &str)]) -> (i32, String, String) {
        let output = self.command(args, vars).output().unwrap();
        parts(&output)
    }

    pub fn file(&self, name: &str, text: &str, mode: u32) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path.display().to_string()
    }
}

pub fn parts(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let code = output.status.code().unwrap_or(-1);
    (code, text(&output.stdout), text(&output.stderr))
}

/// A process that does not outlive its test, whatever becomes of that.
pub struct Reaped(Option<Child>);

impl Reaped {
    pub fn wait_with_output(mut self) -> std::io::Result<Output> {
        self.0.take().unwrap().wait_with_output()
    }
}

impl Deref for Reaped {
    type Target = Child;

    fn deref(&self) -> &Child {
        self.0.as_ref().unwrap()
    }
}

impl DerefMut for Reaped {
    fn deref_mut(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }
}

impl Drop for Reaped {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A server that has said where it listens.
pub struct Running {
    pub child: Reaped,
    pub first: String,
    pub address: SocketAddr,
}

impl Running {
    pub fn tap(home: &Home, args: &[&str], vars: &[(&str, &str)]) -> Self {
        let mut all = vec!["tap", "--listen", "127.0.0.1:0"];
        if !args.contains(&"--admin") {
            all.extend(["--admin", "off"]);
        }
        Self::server(home, &[&all, args].concat(), vars)
    }

    pub fn sim(home: &Home, args: &[&str]) -> Self {
        let args = [&["sim", "--listen", "127.0.0.1:0"], args].concat();
        Self::server(home, &args, &[])
    }

    fn server(home: &Home, args: &[&str], vars: &[(&str, &str)]) -> Self {
        let mut child = Reaped(Some(home.command(args, vars).spawn().unwrap()));
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        out.read_line(&mut first).unwrap();
        let at = first.find("http://").unwrap_or_else(|| {
            let mut why = String::new();
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut why)
                .unwrap();
            panic!("{first:?} {why}")
        });
        let address = first[at + 7..].split(['"', '\n']).next().unwrap();
        let address = address.parse().unwrap();
        child.stdout = Some(out.into_inner());
        Self {
            child,
            first,
            address,
        }
    }

    pub fn signal(&self, signal: &str) {
        signal_to(self.child.id(), signal);
    }

    /// Ends it; its code, the rest of its standard output, its standard error.
    pub fn end(self) -> (i32, String, String) {
        self.signal("TERM");
        parts(&self.child.wait_with_output().unwrap())
    }

    pub fn ask(&self, peer: &mut Peer, line: &str, rest: &str) -> wire::Message {
        peer.send(format!(
            "{line} HTTP/1.1\r\nHost: {}\r\n{rest}",
            self.address
        ));
        peer.next(Kind::Answer)
    }
}

pub fn signal_to(pid: u32, signal: &str) {
    let status: ExitStatus = Command::new("kill")
        .args([format!("-{signal}"), pid.to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

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
    assert!(after - before < SIZE / 8, "{before} then {after} bytes");
    tap.end();
}

#[test]
fn exec_gives_a_command_a_tap_of_its_own() {
    let (stub, asked) = Stub::plain();
    let upstream = format!("http://{}", stub.address);
    let home = Home::new();
    let script = "printf '%s|%s' \"$ANTHROPIC_BASE_URL\" \"$NO_PROXY\"; exit 7";
    let vars = [("ANTHROPIC_BASE_URL", upstream.as_str())];
    let (code, out, err) = home.run(&["exec", "--", "sh", "-c", script], &vars);
    assert_eq!(code, 7, "{err}");
    let (url, no_proxy) = out.split_once('|').unwrap();
    assert!(
        url.starts_with("http://127.0.0.1:") && url != upstream,
        "{out}"
    );
    assert_eq!(no_proxy, "");
    assert!(err.contains("through the tap: 0 requests"), "{err}");
    // What it asks goes to where it would have gone without, past any proxy.
    let client = "exec 3<>/dev/tcp/127.0.0.1/${ANTHROPIC_BASE_URL##*:}; printf 'GET /v1/models HTTP/1.1\\r\\nHost: %s\\r\\nConnection: close\\r\\n\\r\\n' \"${ANTHROPIC_BASE_URL#http://}\" >&3; cat <&3; printf '|%s|%s' \"$NO_PROXY\" \"$no_proxy\"";
    let vars = [
        vars[0],
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("no_proxy", "a.example"),
    ];
    let (code, out, err) = home.run(&["exec", "bash", "-c", client], &vars);
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("\r\n\r\nok|a.example,127.0.0.1|a.example,127.0.0.1"),
        "{out}"
    );
    assert_eq!(
        asked.recv_timeout(PATIENCE).unwrap().start,
        "GET /v1/models HTTP/1.1"
    );
}

#[test]
fn exec_ends_as_its_command_does() {
    let home = Home::new();
    for (script, want) in [
        ("exit 0", 0),
        ("exit 3", 3),
        ("kill -TERM $$", 143),
        ("kill -KILL $$", 137),
    ] {
        let (code, _, err) = home.run(&["exec", "--", "sh", "-c", script], &[]);
        assert_eq!(code, want, "{script} {err}");
    }
    let (code, _, err) = home.run(&["exec", "--", "no-such-program"], &[]);
    assert_eq!(code, 127);
    assert!(err.contains("cannot start no-such-program"), "{err}");
    let plain = home.file("plain", "text", 0o600);
    assert_eq!(home.run(&["exec", "--", &plain], &[]).0, 126);
    assert_eq!(home.run(&["exec"], &[]).0, 2);
}

#[test]
fn signals_reach_the_command() {
    let home = Home::new();
    for signal in ["TERM", "HUP", "INT", "QUIT"] {
        let script = format!(
            "trap 'echo got {signal}; exit 9' {signal}; echo ready; while :; do read -r x <pipe; done"
        );
        let pipe = home.0.path().join("pipe");
        let _ = std::fs::remove_file(&pipe);
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        let mut child = home
            .command(&["exec", "--", "bash", "-c", &script], &[])
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        signal_to(child.id(), signal);
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, format!("got {signal}\n"));
        assert_eq!(child.wait().unwrap().code(), Some(9));
    }
}
