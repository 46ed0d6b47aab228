//! What these tests run commands in: a home directory, a simulator, a gateway.

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
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener},
    path::PathBuf,
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
    pub fn of(world: Scenario) -> Self {
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

    /// It answers at once: most of what a command tells depends on the limits, not on how long a model
    /// thinks.
    fn at_once(mut world: Scenario) -> Self {
        world.answers.first_byte_s = (0.0, 0.0);
        world.answers.tokens_per_s = (0.0, 0.0);
        Self::of(world)
    }

    /// A world of the assets that answers at once.
    pub fn named(name: &str) -> Self {
        Self::at_once(Scenario::named(name).unwrap())
    }

    /// A world of one's own that answers at once.
    pub fn with(settings: &str) -> Self {
        Self::at_once(world(settings))
    }
}

/// A world of one's own.
pub fn world(settings: &str) -> Scenario {
    let text = format!("about = \"a test\"\n{settings}");
    Scenario::parse(&text, "test.toml").unwrap()
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
    pub dir: tempfile::TempDir,
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
    pub fn files(&self, ending: &str) -> Vec<PathBuf> {
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

/// JSON that its schema accepts. Where it is of calls, the requests on the wire are the calls that left,
/// their retries and their continued turns, whatever the run was.
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
    if let Some(totals) = value.get("totals").filter(|totals| totals["wire"].is_u64()) {
        let of = |name: &str| totals[name].as_u64();
        let parts = ["sent", "retries", "continued"].map(of);
        let sum = parts.into_iter().sum::<Option<u64>>();
        assert_eq!(sum, of("wire"), "{totals:#}");
    }
    value
}
