//! Headless commands as a shell sees them: output, exit code, what goes over the wire.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use assert_cmd::Command;
use ratetop::{
    clock::Clock,
    sim::{
        engine::Engine,
        scenario::Scenario,
        server,
        speak::ask::{ADMIN_KEY, API_KEY},
    },
};
use rstest::rstest;
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::Stdio,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Longer than any command here takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// A simulator on a thread of its own, for as long as it is held.
pub struct Simulator {
    pub url: String,
    _guard: DropGuard,
}

impl Simulator {
    fn of(world: Scenario) -> Self {
        let stop = CancellationToken::new();
        let token = stop.clone();
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let clock = Clock::start();
                let engine = Arc::new(Mutex::new(Engine::new(world, 7, clock.now())));
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                server::serve(listener, engine, clock, token).await;
            });
        });
        let address: SocketAddr = told.recv_timeout(PATIENCE).unwrap();
        Self {
            url: format!("http://{address}"),
            _guard: stop.drop_guard(),
        }
    }

    pub fn named(name: &str) -> Self {
        Self::of(Scenario::named(name).unwrap())
    }

    pub fn with(settings: &str) -> Self {
        let text = format!("about = \"a test\"\n{settings}");
        Self::of(Scenario::parse(&text, "test.toml").unwrap())
    }
}

/// A server that is no simulator: it gives one answer to every request for messages, 404 to the rest,
/// and counts.
pub struct Gateway {
    pub url: String,
    posts: Arc<Mutex<usize>>,
}

impl Gateway {
    /// `{key}` in the answer's body becomes the key that came.
    pub fn answering(status: u16, body: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let posts = Arc::new(Mutex::new(0));
        let count = Arc::clone(&posts);
        std::thread::spawn(move || {
            for socket in listener.incoming().take(100) {
                let Ok(mut socket) = socket else { return };
                let mut lines = BufReader::new(socket.try_clone().unwrap());
                let (mut head, mut length, mut key) = (String::new(), 0, String::new());
                loop {
                    let mut line = String::new();
                    if lines.read_line(&mut line).unwrap_or(0) <= 2 {
                        break;
                    }
                    let lower = line.to_lowercase();
                    if let Some(value) = lower.strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    if let Some(value) = lower.strip_prefix("x-api-key:") {
                        value.trim().clone_into(&mut key);
                    }
                    head.push_str(&line);
                }
                std::io::copy(&mut lines.take(length), &mut std::io::sink()).unwrap();
                let post = head.starts_with("POST /v1/messages");
                *count.lock().unwrap() += usize::from(post);
                let (status, body) = if post {
                    (status, body.replace("{key}", &key))
                } else {
                    (404, "{}".to_owned())
                };
                let _ = write!(
                    socket,
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        Self { url, posts }
    }

    pub fn posts(&self) -> usize {
        *self.posts.lock().unwrap()
    }
}

/// An address where nobody listens.
pub fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// A user's machine: an own home, no variables but those that are set.
pub struct Home {
    dir: tempfile::TempDir,
    vars: Vec<(String, String)>,
}

/// What a command did.
pub struct Done {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Home {
    pub fn bare() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            vars: Vec::new(),
        }
    }

    /// With both keys in the environment, for that address.
    pub fn at(url: &str) -> Self {
        Self::bare()
            .var("ANTHROPIC_BASE_URL", url)
            .var("ANTHROPIC_API_KEY", API_KEY)
            .var("ANTHROPIC_ADMIN_KEY", ADMIN_KEY)
    }

    pub fn var(mut self, name: &str, value: &str) -> Self {
        self.vars.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn config(self, text: &str) -> Self {
        let path = self.dir.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        let path = path.display().to_string();
        self.var("RATETOP_CONFIG", &path)
    }

    pub fn command(&self) -> std::process::Command {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ratetop"));
        command
            .env_clear()
            .env("HOME", self.dir.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.vars.iter().map(|(name, value)| (name, value)))
            .current_dir(self.dir.path());
        command
    }

    pub fn run_with(&self, args: &[&str], stdin: &str) -> Done {
        let output = Command::from_std(self.command())
            .args(args)
            .write_stdin(stdin)
            .timeout(PATIENCE)
            .output()
            .unwrap();
        let done = Done {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        for secret in [API_KEY, ADMIN_KEY, "planted"] {
            assert!(!done.out.contains(secret), "{secret} in {}", done.out);
            assert!(!done.err.contains(secret), "{secret} in {}", done.err);
        }
        done
    }

    pub fn run(&self, line: &str) -> Done {
        self.run_with(&line.split_whitespace().collect::<Vec<_>>(), "")
    }

    /// Every file below with that ending.
    fn files(&self, ending: &str) -> Vec<PathBuf> {
        let (mut dirs, mut files) = (vec![self.dir.path().to_owned()], Vec::new());
        while let Some(dir) = dirs.pop() {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path: PathBuf = entry.unwrap().path();
                if path.is_dir() {
                    dirs.push(path);
                } else if path.extension().is_some_and(|it| it == ending) {
                    files.push(path);
                }
            }
        }
        files
    }

    /// The spend ledger of the profile `env`.
    pub fn ledger(&self) -> Option<Value> {
        let files = self.files("json");
        let file = files.iter().find(|it| it.ends_with("env.json"))?;
        Some(serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap())
    }
}

impl Done {
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "out: {}\nerr: {}", self.out, self.err);
        self
    }

    /// Standard output as JSON that its schema accepts.
    pub fn json(&self) -> Value {
        valid(&self.out)
    }
}

/// JSON that its schema accepts.
pub fn valid(text: &str) -> Value {
    let value: Value = serde_json::from_str(text).unwrap();
    let name = value["schema"].as_str().unwrap();
    let name = name.trim_start_matches("ratetop.").trim_end_matches("/1");
    let path = format!("{}/assets/schema/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&value)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{value:#}");
    value
}

const WORKSPACES: &str = "[[workspaces]]\nname = \"batch jobs\"\nid = \"wrkspc_01Jobs\"\nlimits = { \"Opus 5.5\" = { requests_per_minute = 100 } }\n";

#[test]
fn limits_are_told_with_every_workspace() {
    let simulator = Simulator::with(WORKSPACES);
    let home = Home::at(&simulator.url);
    let value = home.run("limits --json").exits(0).json();
    assert_eq!(value["state"], "ok");
    let groups = value["groups"].as_array().unwrap();
    assert!(groups.len() > 5, "{groups:#?}");
    let workspace = &value["workspaces"][0];
    assert_eq!(workspace["name"], "batch jobs");
    assert_eq!(workspace["overrides"][0]["effective"], 100);
    let id = workspace["id"].as_str().unwrap();

    let text = home.run("limits").exits(0);
    assert!(text.out.contains("requests_per_minute"), "{}", text.out);
    assert!(text.out.contains("batch jobs ("), "{}", text.out);
    let one = home
        .run(&format!("limits --json --workspace {id}"))
        .exits(0);
    assert_eq!(one.json()["workspaces"].as_array().unwrap().len(), 1);
    // One that does not exist does not hide the organization's limits.
    let gone = home.run("limits --json --workspace wrkspc_gone").exits(1);
    assert!(gone.json()["groups"].is_array());
}

#[test]
fn a_key_that_may_not_read_limits_is_told_apart_from_silence() {
    let simulator = Simulator::named("calm");
    let refused = Home::at(&simulator.url).var("ANTHROPIC_ADMIN_KEY", API_KEY);
    let done = refused.run("limits --json").exits(4);
    assert_eq!(done.json()["state"], "refused");
    assert!(done.json()["groups"].is_null());
    // Nobody can say yet whether it is a simulator.
    let done = Home::at(&nowhere()).run("limits --json").exits(5);
    assert!(done.err.contains("Nobody listens"), "{}", done.err);
    let value = done.json();
    assert_eq!(value["state"], "absent");
    assert!(value["error"].as_str().unwrap().contains("Nobody listens"));
    let gateway = Gateway::answering(200, ANSWER);
    let done = Home::at(&gateway.url).run("limits --json").exits(2);
    assert!(
        done.err.contains("neither the API nor a simulator"),
        "{}",
        done.err
    );
    // A script gets its object all the same, with the reason.
    let value = done.json();
    assert_eq!(value["state"], "absent");
    let why = value["error"].as_str().unwrap();
    assert!(why.contains("neither the API nor a simulator"), "{why}");
    assert!(value["groups"].is_null() && value["workspaces"].is_null());
    let named = |url: &str| {
        let config = format!(
            "[profiles.p]\nbase_url = \"{url}\"\nadmin_base_url = \"{url}\"\nadmin_key = {{ env = \"K\" }}"
        );
        let home = Home::bare().config(&config);
        home.var("K", "sk-ant-admin01-planted")
    };
    let done = named(&nowhere()).run("limits --json").exits(5);
    assert_eq!(done.json()["state"], "failed");
    // A server that answers, but without limits, is reached: that is a failure, not silence.
    let done = named(&gateway.url).run("limits --json").exits(1);
    assert_eq!(done.json()["state"], "failed");
    assert!(done.err.contains("check admin_base_url"), "{}", done.err);
}

#[test]
fn without_an_admin_key_limits_are_absent_and_say_why() {
    let simulator = Simulator::named("calm");
    let home = Home::bare()
        .var("ANTHROPIC_BASE_URL", &simulator.url)
        .var("ANTHROPIC_API_KEY", API_KEY);
    let done = home.run("limits --json").exits(2);
    let value = done.json();
    assert_eq!(value["state"], "absent");
    assert!(value["error"].as_str().unwrap().contains("no Admin key"));
    assert!(done.err.contains("no Admin key"), "{}", done.err);
    // For people there is the sentence alone.
    let done = home.run("limits").exits(2);
    assert_eq!(done.out, "");
}

/// Trap 16: the profile's ordinary key is not tried, a personal key without the Admin prefix is.
#[test]
fn trap_16_the_admin_api_gets_the_admin_key_whatever_its_shape() {
    let simulator = Simulator::with("[rules]\napi_key_reads_limits = true");
    let home = Home::bare()
        .var("ANTHROPIC_BASE_URL", &simulator.url)
        .var("ANTHROPIC_API_KEY", API_KEY);
    let value = home.run("limits --json").exits(2).json();
    assert_eq!(value["state"], "absent");
    let personal = home.var("ANTHROPIC_ADMIN_KEY", API_KEY);
    let value = personal.run("limits --json").exits(0).json();
    assert_eq!(value["state"], "ok");
}

/// Names below `.invalid` never resolve (RFC 6761).
#[test]
fn a_name_that_does_not_resolve_is_one_sentence_and_unreachable() {
    let home = Home::bare()
        .config(
            "[profiles.p]\nbase_url = \"http://api.nowhere.invalid\"\nadmin_base_url = \"http://api.nowhere.invalid\"\nallow_plain_http = true\napi_key = { env = \"K\" }\nadmin_key = { env = \"K\" }",
        )
        .var("K", "sk-ant-api03-planted");
    let says = |text: &str| {
        assert!(text.contains("api.nowhere.invalid"), "{text}");
        assert!(text.contains("does not resolve"), "{text}");
    };
    for line in [
        "status --json",
        "limits --json",
        "call --json --policy none",
    ] {
        let done = home.run(line).exits(5);
        let value = done.json();
        match value["schema"].as_str().unwrap() {
            "ratetop.status/1" => {
                assert_eq!(value["sources"]["limits"]["state"], "failed");
                says(value["sources"]["limits"]["error"].as_str().unwrap());
            }
            "ratetop.limits/1" => {
                assert_eq!(value["state"], "failed");
                says(value["error"].as_str().unwrap());
            }
            _ => {
                let verdict = &value["calls"][0]["attempts"][0]["verdict"];
                assert_eq!(verdict["cause"], "unreachable");
                assert_eq!(verdict["certainty"], "inferred");
                assert_eq!(verdict["evidence"][0]["from"], "connection");
                says(verdict["sentence"].as_str().unwrap());
            }
        }
    }
    for line in ["status", "limits", "call --policy none"] {
        let done = home.run(line).exits(5);
        let said = done.err.lines().filter(|line| line.contains(".invalid"));
        assert_eq!(said.count(), 1, "{line}: {}", done.err);
        says(&done.err);
    }
}

#[test]
fn a_default_model_that_the_server_lacks_gives_way_and_a_simulator_is_free() {
    // The tiny organization has no Haiku 5.5.
    let simulator = Simulator::named("tiny");
    let home = Home::at(&simulator.url);
    let value = home.run("call --json --max-tokens 5").exits(0).json();
    assert_eq!(value["calls"][0]["model"], "claude-haiku-4-5");
    assert_eq!(value["totals"]["cost_usd"], 0.0);
    let text = home.run("call --max-tokens 5").exits(0);
    assert!(text.err.contains("free: simulator"), "{}", text.err);
    // One that somebody named stays.
    let named = home.run("call --json --model claude-haiku-5-5").exits(1);
    assert_eq!(named.json()["calls"][0]["model"], "claude-haiku-5-5");
}

#[test]
fn status_has_limits_and_with_a_probe_live_levels() {
    let simulator = Simulator::named("calm");
    let home = Home::at(&simulator.url);
    let value = home.run("status --json").exits(0).json();
    assert_eq!(value["sources"]["limits"]["state"], "ok");
    assert_eq!(value["sources"]["headers"]["state"], "none");
    assert!(value["organization"]["name"].is_string());

    let value = home
        .run("status --json --probe claude-haiku-4-5")
        .exits(0)
        .json();
    assert_eq!(value["sources"]["headers"]["state"], "ok");
    let pools = value["pools"].as_array().unwrap();
    let holds = |pool: &&Value| {
        pool["models"]
            .as_array()
            .unwrap()
            .contains(&"claude-haiku-4-5".into())
    };
    let haiku = pools.iter().find(holds).unwrap();
    let rpm = &haiku["gauges"][0];
    assert_eq!(
        (&rpm["dimension"], &rpm["state"]),
        (&"rpm".into(), &"live".into())
    );
    assert_eq!(rpm["source"], "probe");
    assert!(rpm["remaining"].as_u64().unwrap() <= rpm["limit"].as_u64().unwrap());

    let text = home.run("status --probe claude-haiku-4-5").exits(0).out;
    assert!(
        text.contains("Haiku 4.5") && text.contains("probe 0s ago"),
        "{text}"
    );
    let line = home
        .run("status --line --probe claude-haiku-4-5")
        .exits(0)
        .out;
    assert_eq!(line.lines().count(), 1);
    assert!(
        line.starts_with("Haiku 4.5 ") && line.contains('%'),
        "{line}"
    );
    assert!(
        home.run("status --line {nonsense}")
            .exits(2)
            .err
            .contains("--line: the template knows no {nonsense}")
    );
}

#[test]
fn status_without_an_admin_key_lives_on_headers() {
    let simulator = Simulator::named("calm");
    let home = Home::bare()
        .var("ANTHROPIC_BASE_URL", &simulator.url)
        .var("ANTHROPIC_API_KEY", API_KEY);
    let value = home.run("status --json").exits(0).json();
    assert_eq!(value["sources"]["limits"]["state"], "absent");
    assert!(
        value["sources"]["limits"]["error"]
            .as_str()
            .unwrap()
            .contains("Admin key")
    );
    let value = home
        .run("status --json --probe claude-opus-5-5")
        .exits(0)
        .json();
    let opus = value["pools"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["name"] == "Opus 5.5")
        .unwrap();
    assert_eq!(opus["guess"], true);
    assert_eq!(opus["gauges"][0]["state"], "live");
}

#[test]
fn a_gate_passes_only_what_is_known() {
    // Section 4.1: an evaluation organization has 5 requests a minute; a probe leaves 80 %.
    let tiny = Simulator::named("tiny");
    let home = Home::at(&tiny.url);
    let probed = |percent: &str| {
        home.run(&format!(
            "status --probe claude-haiku-4-5 --fail-under {percent}"
        ))
    };
    probed("95").exits(3);
    probed("5").exits(0);
    home.run("status --fail-under 5").exits(6);
    let bare = Simulator::named("bare");
    Home::at(&bare.url)
        .run("status --probe claude-haiku-4-5 --fail-under 5")
        .exits(6);
}

#[test]
fn status_tells_a_refused_key_from_an_unreachable_address() {
    let simulator = Simulator::named("calm");
    let wrong = Home::at(&simulator.url)
        .var("ANTHROPIC_API_KEY", "sk-ant-api03-planted")
        .var("ANTHROPIC_ADMIN_KEY", "sk-ant-admin01-planted");
    wrong.run("status --json").exits(4).json();
    wrong
        .run("status --json --probe claude-haiku-4-5")
        .exits(4)
        .json();
    Home::at(&nowhere()).run("status --json").exits(5).json();
    // Without an Admin key a free request tells.
    let wrong = Home::bare()
        .var("ANTHROPIC_BASE_URL", &simulator.url)
        .var("ANTHROPIC_API_KEY", "sk-ant-api03-planted");
    wrong.run("status --json").exits(4).json();
    // One source that answers is enough.
    Home::at(&simulator.url)
        .var("ANTHROPIC_ADMIN_KEY", API_KEY)
        .run("status --json --probe claude-haiku-4-5")
        .exits(0)
        .json();
}

#[cfg(unix)]
#[test]
fn watching_prints_an_object_a_line_until_it_is_told_to_stop() {
    let simulator = Simulator::named("calm");
    let home = Home::at(&simulator.url);
    let mut child = home
        .command()
        .args(["status", "--json", "--watch", "1s"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (first, second) = (
        valid(&lines.next().unwrap().unwrap()),
        valid(&lines.next().unwrap().unwrap()),
    );
    assert!(first["at"].as_str().unwrap() < second["at"].as_str().unwrap());
    let pid = child.id().to_string();
    assert!(
        std::process::Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[rstest]
#[case("--stream")]
#[case("--no-stream")]
fn a_call_is_told_whole(#[case] how: &str) {
    let simulator = Simulator::named("calm");
    let home = Home::at(&simulator.url);
    let line = format!(
        "call --json {how} --model claude-opus-5-5 --max-tokens 50 --policy none --prompt hello"
    );
    let value = home.run(&line).exits(0).json();
    let call = &value["calls"][0];
    assert_eq!(
        (&call["outcome"], &call["policy"]),
        (&"ok".into(), &"none".into())
    );
    assert_eq!(call["attempts"][0]["status"], 200);
    assert!(
        call["attempts"][0]["request_id"]
            .as_str()
            .unwrap()
            .starts_with("req_")
    );
    assert_eq!(
        call["attempts"][0]["first_token_ms"].is_number(),
        how == "--stream"
    );
    assert!(!call["text"].as_str().unwrap().is_empty());
    assert!(call["usage"]["output_tokens"].as_u64().unwrap() > 0);
    assert!(call["cost_usd"].as_f64().unwrap() == 0.0);
    assert_eq!(value["totals"]["wire"], 1);
    assert_eq!(value["totals"]["slept_s"].to_string(), "0.0");
}

#[test]
fn a_call_for_people_puts_the_answer_on_stdout_and_the_rest_on_stderr() {
    let simulator = Simulator::named("calm");
    let home = Home::at(&simulator.url);
    let done = home
        .run_with(
            &["call", "--prompt", "-", "--model", "claude-haiku-4-5"],
            "from a pipe",
        )
        .exits(0);
    assert!(
        !done.out.trim().is_empty() && !done.out.contains("attempt"),
        "{}",
        done.out
    );
    assert!(
        done.err.contains("attempt 1: 200") && done.err.contains("ok: claude-haiku-4-5"),
        "{}",
        done.err
    );
    assert!(
        home.run_with(&["call", "--prompt", "-"], " \n")
            .exits(2)
            .err
            .contains("the prompt is empty")
    );
}

#[test]
fn refusals_are_judged_and_waits_are_told() {
    let simulator = Simulator::with(
        "tier = \"none\"\n[[pools]]\nname = \"Haiku 4.5\"\nlimits = { requests_per_minute = 60 }\n[rules]\nspend = { kind = \"tier\", left_usd = 0.0 }",
    );
    let home = Home::at(&simulator.url);
    let value = home
        .run("call --json --model claude-haiku-4-5 --policy hint-jitter --attempts 3")
        .exits(1)
        .json();
    let attempt = &value["calls"][0]["attempts"][0];
    assert_eq!(attempt["status"], 429);
    assert_eq!(attempt["verdict"]["cause"], "spend_cap");
    assert_eq!(attempt["verdict"]["retry_helps"], false);
    // Error table: a tier's monthly cap ends at 00:00 UTC on the 1st.
    let back = attempt["verdict"]["retry_at"].as_str().unwrap();
    assert!(back.ends_with("-01T00:00:00Z"), "{back}");
    assert_eq!(attempt["decision"]["action"], "stop");
    assert_eq!(value["totals"]["refused"]["spend_cap"], 1);
}

#[test]
fn immediate_retries_are_for_simulators_only() {
    let command = "call --json --model claude-haiku-4-5 --policy immediate";
    let elsewhere = Home::at(&nowhere()).run(command).exits(2);
    assert!(
        elsewhere
            .err
            .contains("policy immediate is for simulators only"),
        "{}",
        elsewhere.err
    );
    let simulator = Simulator::named("overloaded");
    let value = Home::at(&simulator.url).run(command).json();
    for attempt in value["calls"][0]["attempts"].as_array().unwrap() {
        if attempt["decision"]["action"] == "retry" {
            assert_eq!(attempt["decision"]["wait_s"], 0.0);
        }
    }
}

#[test]
fn a_deadline_and_a_longest_wait_bind_every_policy() {
    let simulator = Simulator::with(
        "tier = \"none\"\n[[pools]]\nname = \"Haiku 4.5\"\nlimits = { requests_per_minute = 60 }\n[[faults]]\nkind = \"overloaded\"\nshare = 1.0",
    );
    let home = Home::at(&simulator.url);
    let ended = |bounds: &str| {
        let line =
            format!("call --json --model claude-haiku-4-5 --policy exponential-jitter {bounds}");
        let value = home.run(&line).exits(1).json();
        let attempts = value["calls"][0]["attempts"].as_array().unwrap().clone();
        let last = attempts.last().unwrap()["decision"].clone();
        assert_eq!(last["action"], "stop");
        (attempts.len(), last["reason"].as_str().unwrap().to_owned())
    };
    // The first wait of this policy is at least 4 s.
    let (attempts, why) = ended("--deadline 3s");
    assert!(
        attempts == 1 && why.contains("would pass the deadline"),
        "{why}"
    );
    let (attempts, why) = ended("--max-wait 10ms --attempts 3");
    assert!(attempts == 3 && why.contains("no attempt is left"), "{why}");
}

#[test]
fn exit_codes_of_calls_tell_keys_from_addresses() {
    let simulator = Simulator::named("calm");
    let call = "call --json --policy none --model claude-haiku-4-5";
    let wrong = Home::at(&simulator.url).var("ANTHROPIC_API_KEY", "sk-ant-api03-planted");
    let value = wrong.run(call).exits(4).json();
    assert_eq!(value["calls"][0]["attempts"][0]["verdict"]["cause"], "auth");
    let value = Home::at(&nowhere()).run(call).exits(5).json();
    assert_eq!(
        value["calls"][0]["attempts"][0]["verdict"]["cause"],
        "unreachable"
    );
    assert_eq!(value["totals"]["cost_usd"], 0.0);
    let unknown = Home::at(&simulator.url)
        .run("call --json --model claude-nonsense-1")
        .exits(1);
    assert_eq!(
        unknown.json()["calls"][0]["attempts"][0]["verdict"]["cause"],
        "not_found"
    );
}

pub const ANSWER: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-5-5","content":[{"type":"text","text":"Hello, {key}!"}],"stop_reason":"end_turn","usage":{"input_tokens":14,"output_tokens":9}}"#;

#[test]
fn a_gateway_costs_and_the_day_is_counted_over_restarts() {
    let gateway = Gateway::answering(200, ANSWER);
    let home = Home::at(&gateway.url);
    let call = "call --json --no-stream --model claude-opus-5-5";
    let value = home.run(call).exits(0).json();
    // Prices of section 10: 4 and 20 USD per million.
    let cost = 14.0 * 4e-6 + 9.0 * 20e-6;
    assert!((value["totals"]["cost_usd"].as_f64().unwrap() - cost).abs() < 1e-9);
    home.run(call).exits(0);
    let spent = home.ledger().unwrap()["usd"].as_f64().unwrap();
    assert!((spent - 2.0 * cost).abs() < 1e-9, "{spent}");
    // A key that an answer repeats is blanked.
    assert_eq!(value["calls"][0]["text"], "Hello, (a key)!");
    assert_eq!(gateway.posts(), 2);
}

#[test]
fn nothing_is_sent_against_read_only_or_a_cap() {
    let gateway = Gateway::answering(200, ANSWER);
    let home = Home::at(&gateway.url);
    let done = home
        .run("call --json --model claude-opus-5-5 --read-only")
        .exits(1);
    assert!(
        done.err.contains("read-only: nothing that costs is sent"),
        "{}",
        done.err
    );
    assert_eq!(done.json()["totals"]["wire"], 0);
    let done = home
        .run("call --model claude-opus-5-5 --max-spend 0.000001")
        .exits(1);
    assert!(done.err.contains("cap of"), "{}", done.err);
    let done = home.run("call --model a-model-without-a-price").exits(1);
    assert!(
        done.err.contains("price of this model is not known"),
        "{}",
        done.err
    );
    let done = home.run("status --read-only --probe claude-opus-5-5");
    assert!(
        done.err.contains("probe of claude-opus-5-5: read-only"),
        "{}",
        done.err
    );
    assert_eq!(gateway.posts(), 0);
}

#[test]
fn a_key_that_a_server_repeats_is_not_printed() {
    let echo = r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key {key}"}}"#;
    let gateway = Gateway::answering(401, echo);
    let home = Home::at(&gateway.url).var("ANTHROPIC_API_KEY", "sk-ant-api03-planted");
    for line in [
        "call --json",
        "call",
        "call --no-stream",
        "status --probe claude-opus-5-5",
        "status --json --probe claude-opus-5-5",
    ] {
        let done = home.run(line).exits(4);
        assert!(
            (done.out + &done.err).contains("invalid x-api-key (the key)"),
            "{line}"
        );
    }
}

#[test]
fn the_log_is_private_and_holds_no_key() {
    let echo = r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key {key}"}}"#;
    let gateway = Gateway::answering(401, echo);
    let home = Home::at(&gateway.url)
        .var("ANTHROPIC_API_KEY", "sk-ant-api03-planted")
        .var("RATETOP_LOG", "trace,hyper=trace,reqwest=trace");
    home.run("call --json").exits(4);
    let logs = home.files("log");
    assert_eq!(logs.len(), 1, "{logs:?}");
    let text = std::fs::read_to_string(&logs[0]).unwrap();
    assert!(!text.is_empty() && !text.contains("planted"), "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(
            (mode(&logs[0]), mode(logs[0].parent().unwrap())),
            (0o600, 0o700)
        );
    }
    home.var("RATETOP_LOG", "loud").run("call").exits(2);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_wait_at_once_and_says_what_was_done() {
    // Without a hint the policy waits 60 s (the guide's retry-after of absent headers).
    let limited =
        r#"{"type":"error","error":{"type":"rate_limit_error","message":"Rate limited"}}"#;
    let gateway = Gateway::answering(429, limited);
    let mut child = Home::at(&gateway.url)
        .command()
        .args([
            "call",
            "--model",
            "claude-haiku-4-5",
            "--policy",
            "retry-after",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let told = lines.find(|line| line.as_ref().unwrap().contains("waits 60 s"));
    assert!(told.is_some());
    let pid = child.id().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status();
    assert!(sent.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let last = lines.last().unwrap().unwrap();
    assert!(last.starts_with("cancelled: claude-haiku-4-5"), "{last}");
    assert_eq!(gateway.posts(), 1);
}

#[rstest]
#[case("", "status", "no profile: set ANTHROPIC_API_KEY")]
#[case(
    "[profiles.p]\nbase_ulr = \"x\"",
    "status",
    "config.toml:2: unknown key `base_ulr` in [profiles.p]; did you mean `base_url`?"
)]
#[case(
    "[profiles.p]\napi_key = { env = \"ABSENT\" }",
    "call",
    "config.toml:2: api_key of profile p: variable ABSENT is not set"
)]
#[case(
    "[profiles.p]\napi_key = { command = [\"false\"] }",
    "limits",
    "config.toml:2: api_key of profile p: key command false failed (exit status: 1)"
)]
#[case(
    "[profiles.p]",
    "status",
    "profile p has neither an api_key nor an admin_key"
)]
#[case("[profiles.p]", "status --profile q", "--profile: no profile `q`")]
#[case(
    "[profiles.p]\nadmin_key = { env = \"HOME\" }",
    "call",
    "profile p has no api_key"
)]
fn configuration_errors_are_one_sentence(
    #[case] config: &str,
    #[case] line: &str,
    #[case] sentence: &str,
) {
    let done = Home::bare().config(config).run(line).exits(2);
    assert!(done.out.is_empty(), "{}", done.out);
    assert!(
        done.err.starts_with("ratetop: ") && done.err.contains(sentence),
        "{}",
        done.err
    );
    assert_eq!(done.err.lines().count(), 1, "{}", done.err);
}

#[test]
fn the_working_directory_is_never_asked_for_a_config() {
    let home = Home::bare();
    std::fs::write(
        home.dir.path().join("config.toml"),
        "[profiles.p]\nnonsense = 1",
    )
    .unwrap();
    let done = home.run("config check").exits(0);
    assert!(done.out.contains("does not exist"), "{}", done.out);
    assert_eq!(
        home.run("config init").exits(0).out,
        format!("wrote {}", home.run("config path").exits(0).out)
    );
    home.run("config init").exits(2);
}

#[test]
fn completions_and_the_manual_name_every_command() {
    let home = Home::bare();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = home.run(&format!("completions {shell}")).exits(0).out;
        assert!(
            text.contains("limits") && text.contains("fail-under"),
            "{shell}"
        );
    }
    let page = home.run("man").exits(0).out;
    for part in [
        ".TH ratetop 1",
        "COMMAND STATUS",
        "COMMAND CALL",
        "fail\\-under",
        "max\\-spend",
    ] {
        assert!(page.contains(part), "{part}");
    }
    home.run("--no-such-flag").exits(2);
    home.run("--version").exits(0);
}

#[test]
fn a_server_says_where_it_listens_in_one_line_and_ends_with_0() {
    let home = Home::bare();
    let mut child = home
        .command()
        .args(["sim", "--listen", "127.0.0.1:0", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert!(
        line.starts_with("{\"schema\":\"ratetop.listening/1\",\"url\":\"http://127.0.0.1:"),
        "{line}"
    );
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}

#[rstest]
#[case("sim --scenario nope", "there is no scenario `nope`")]
#[case("demo --scenario ./nope.toml", "cannot be read")]
#[case("sim --scenario wrong.toml", "wrong.toml, line 2: unknown key `foo`")]
fn a_wrong_scenario_is_wrong_usage(#[case] line: &str, #[case] why: &str) {
    let home = Home::bare();
    std::fs::write(
        home.dir.path().join("wrong.toml"),
        "about = \"x\"\nfoo = 1\n",
    )
    .unwrap();
    let done = home.run(line).exits(2);
    assert!(done.err.contains(why), "{}", done.err);
}

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
    let nobody = Home::bare().run(&format!("doctor {} --upstream 127.0.0.1:0", nowhere()));
    nobody.exits(5);
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

#[test]
fn a_policy_is_written_as_code_without_a_key_and_with_its_bounds() {
    let dir = tempfile::tempdir().unwrap();
    let code = |args: &[&str]| {
        let ended = Command::cargo_bin("ratetop")
            .unwrap()
            .env_clear()
            .env("HOME", dir.path())
            .args(["call", "--as-code"])
            .args(args)
            .assert()
            .success();
        String::from_utf8(ended.get_output().stdout.clone()).unwrap()
    };
    assert!(code(&["python"]).contains("ATTEMPTS = 5  #"));
    let bound = ["python", "--policy", "full-jitter", "--attempts", "3"];
    let bound = code(&[&bound[..], &["--deadline", "30s", "--max-wait", "8s"]].concat());
    for said in ["ATTEMPTS = 3  #", "BUDGET = 30  #", "LONGEST = 8  #"] {
        assert!(bound.contains(said), "{bound}");
    }
}

#[test]
fn tokens_are_counted_free_of_charge_from_a_pool_of_its_own() {
    let simulator = Simulator::named("tiny");
    let home = Home::at(&simulator.url);
    let args = [
        "--read-only",
        "call",
        "--count-tokens",
        "--json",
        "--prompt",
    ];
    let long = "word ".repeat(4_000);
    let counted = home.run_with(&[&args[..], &[&long]].concat(), "").exits(0);
    let counted = counted.json();
    assert!(counted["input_tokens"].as_u64().unwrap() > 3_000);
    assert!(counted["verdict"].is_null());
    let wrong = home.run("call --count-tokens --model claude-none").exits(1);
    assert!(wrong.err.contains("Not counted: "), "{}", wrong.err);
    let words = home.run("call --count-tokens --prompt Hi").exits(0);
    assert!(words.out.ends_with(" input tokens.\n"), "{}", words.out);
    let other = Home::at(&simulator.url).var("ANTHROPIC_API_KEY", "sk-ant-api03-other");
    let refused = other.run("call --count-tokens --json").exits(4).json();
    assert!(refused["input_tokens"].is_null());
    assert_eq!(refused["verdict"]["cause"], "auth");
    Home::at(&nowhere()).run("call --count-tokens").exits(5);
}

#[test]
fn a_full_counting_pool_refuses_with_its_verdict() {
    let simulator = Simulator::with(
        "[[pools]]\nname = \"token_count\"\nlimits = { requests_per_minute = 1 }\n",
    );
    let home = Home::at(&simulator.url);
    home.run("call --count-tokens").exits(0);
    let refused = home.run("call --count-tokens --json").exits(1).json();
    assert_eq!(refused["verdict"]["cause"], "requests_per_minute");
    assert_eq!(refused["verdict"]["status"], 429);
    assert_eq!(refused["verdict"]["retry_helps"], true);
    let said = home.run("call --count-tokens").exits(1);
    assert!(said.err.contains("Not counted"), "{}", said.err);
}
