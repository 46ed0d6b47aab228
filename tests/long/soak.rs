//! Real sockets for a long while: streams by the thousand through the client code against the
//! simulator, with faults and callers that leave. Nothing is told twice, nothing is lost, nothing is
//! kept, and both sides end when they are asked to.

use crate::{memory, simulated, size::sized};
use futures_util::{FutureExt, future::BoxFuture};
use ratetop::{
    api::call::{Around, Driver, Ear, OpenPurse, Told},
    clock::Clock,
    domain::{
        board::Board,
        call::CallOrder,
        id::CallId,
        observation::{CallResult, Source, What},
        outcome::Outcome,
        retry::{Action, Limits, Policy},
        timeline::Timeline,
    },
    net::{
        base::Base,
        outbound::{Options, Outbound},
    },
    sim::{engine::Engine, scenario::Scenario, server},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Calls at one time.
const AT_ONCE: usize = 48;
/// Longer than the end of a stopped server and its callers takes.
const PATIENCE: Duration = Duration::from_secs(30);

const WORLD: &str = r#"
about = "Everything that can happen to a stream, quickly."
[answers]
tokens = [20, 60]
first_byte_s = [0, 0.004]
tokens_per_s = [4000, 8000]
[rules]
concurrent = 40
[[faults]]
kind = "overloaded"
share = 0.04
[[faults]]
kind = "stream-error"
share = 0.06
after_tokens = 8
[[faults]]
kind = "cut"
share = 0.06
after_tokens = 8
[[faults]]
kind = "truncated"
share = 0.06
after_tokens = 8
[[faults]]
kind = "pause-turn"
share = 0.06
"#;

/// Where a call stands, by what was told of it.
#[derive(Debug, Default)]
struct Life {
    attempts: u32,
    /// What must come next is decided by what came last.
    last: &'static str,
    retries: bool,
}

/// Everything told, checked as it comes.
#[derive(Debug, Default)]
struct Register {
    open: HashMap<CallId, Life>,
    closed: HashMap<&'static str, u64>,
    seen: u64,
    texts: u64,
    broken_streams: u64,
    board: Board,
    timeline: Option<Timeline>,
}

impl Register {
    fn take(&mut self, told: Told) {
        let Told::Seen(seen) = told else {
            self.texts += 1;
            return;
        };
        self.seen += 1;
        self.board.absorb(&seen);
        let timeline = self.timeline.get_or_insert_with(|| Timeline::new(400));
        timeline.absorb(&seen);
        let call = seen.call.unwrap();
        if let What::Began { .. } = seen.what {
            let before = self.open.insert(
                call,
                Life {
                    last: "began",
                    ..Life::default()
                },
            );
            assert!(before.is_none(), "{call:?} began twice");
            return;
        }
        let life = self.open.get_mut(&call);
        let life = life.unwrap_or_else(|| panic!("{call:?} is not open: {:?}", seen.what));
        let now = name(&seen.what);
        assert!(
            may_follow(life.last, now),
            "{call:?}: {now} after {}",
            life.last
        );
        life.last = now;
        match &seen.what {
            What::Sent => {
                assert!(
                    life.attempts == 0 || life.retries,
                    "{call:?} was not to retry"
                );
                life.attempts += 1;
            }
            What::Finished { outcome, .. } => {
                let broken = matches!(
                    outcome,
                    Outcome::StreamError { .. }
                        | Outcome::StreamCut { .. }
                        | Outcome::StreamTruncated
                );
                self.broken_streams += u64::from(broken);
            }
            What::Decided { decision, .. } => life.retries = decision.action == Action::Retry,
            What::Closed { result } => {
                let result = match result {
                    CallResult::Ok => "ok",
                    CallResult::Failed => "failed",
                    CallResult::Cancelled => "cancelled",
                };
                *self.closed.entry(result).or_default() += 1;
                self.open.remove(&call);
                return;
            }
            _ => {}
        }
        assert_eq!(seen.attempt, Some(life.attempts), "{call:?}: {now}");
    }
}

fn name(what: &What) -> &'static str {
    match what {
        What::Began { .. } => "began",
        What::Held { .. } => "held",
        What::Sent => "sent",
        What::Head { .. } => "head",
        What::FirstToken { .. } => "first token",
        What::Thought(_) => "thought",
        What::Progress { .. } => "progress",
        What::Finished { .. } => "finished",
        What::Decided { .. } => "decided",
        What::Closed { .. } => "closed",
        What::Counted { .. } => "counted",
        What::Aside { .. } => "aside",
        What::Limits { .. } => "limits",
    }
}

/// `Began (Sent Head FirstToken? Progress* Finished Decided?)+ Closed`; a head may be missing where
/// no answer came, progress may begin before the first token.
fn may_follow(last: &str, now: &str) -> bool {
    match now {
        "sent" => matches!(last, "began" | "decided"),
        "head" => last == "sent",
        "first token" | "progress" => matches!(last, "head" | "first token" | "progress"),
        "finished" => matches!(last, "sent" | "head" | "first token" | "progress"),
        "decided" => last == "finished",
        "closed" => matches!(last, "began" | "finished" | "decided"),
        _ => false,
    }
}

/// Writes everything into the register, as it is told.
struct Listening(Arc<Mutex<Register>>);

impl Ear for Listening {
    fn hear(&self, told: Told) -> BoxFuture<'_, ()> {
        self.0.lock().unwrap().take(told);
        futures_util::future::ready(()).boxed()
    }
}

fn order(n: u64) -> CallOrder {
    CallOrder {
        call: CallId(n),
        client: "soak".into(),
        source: Source::Call,
        model: ["claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-4-5"][(n % 3) as usize]
            .into(),
        prompt: "Say hello to everybody who is in this room.".repeat(1 + (n % 5) as usize),
        cache: None,
        max_tokens: 64,
        stream: !n.is_multiple_of(8),
        // Retries in step with the faults, without the long waits of the other policies.
        policy: Policy::Sdk,
        attempts: 2,
        limits: Limits::default(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::await_holding_lock,
    reason = "each test has a runtime of its own, and this one is to be alone"
)]
async fn thousands_of_streams_lose_nothing_and_leave_nothing() {
    let _alone = memory::alone();
    let calls = u64::from(sized(60_000, 150));
    let clock = Clock::start();
    let world = Scenario::parse(WORLD, "soak.toml").unwrap();
    let engine = Arc::new(Mutex::new(Engine::new(world, 3, clock.now())));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let serving = tokio::spawn(server::serve(
        listener,
        Arc::clone(&engine),
        clock.clone(),
        stop.clone(),
    ));
    let register = Arc::new(Mutex::new(Register::default()));
    let transport = Outbound::new(Base::parse(&base).unwrap(), Options::default()).unwrap();
    let driver = Driver {
        connection: simulated::connection(transport, "soak"),
        clock,
        purse: Arc::new(OpenPurse),
        ear: Arc::new(Listening(Arc::clone(&register))),
        share: Arc::default(),
    };
    let place = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    let tracker = TaskTracker::new();
    let leaving = CancellationToken::new();
    let mut dice = fastrand::Rng::with_seed(11);
    let mut first = None;
    for n in 1..=calls {
        let held = Arc::clone(&place).acquire_owned().await.unwrap();
        let (driver, leave, mut dice) = (driver.clone(), leaving.child_token(), dice.fork());
        // One in thirty leaves in the middle.
        let patience = (n % 30 == 0).then(|| Duration::from_millis(dice.u64(0..15)));
        tracker.spawn(async move {
            let order = order(n);
            let around = Around::default();
            let run = driver.run(&order, &around, &mut dice, &leave);
            tokio::pin!(run);
            if let Some(patience) = patience {
                if tokio::time::timeout(patience, &mut run).await.is_ok() {
                    return drop(held);
                }
                leave.cancel();
            }
            run.await;
            drop(held);
        });
        if n == calls / 4 {
            first = Some(memory::in_use());
        }
        if n == calls / 4 * 3 {
            let last = memory::in_use();
            let most = first.unwrap() + (6 << 20);
            assert!(
                last <= most,
                "{first:?} bytes after a quarter, {last} later"
            );
        }
    }
    // The server stops while calls are under way: every one of them still ends.
    stop.cancel();
    tokio::time::timeout(PATIENCE, serving)
        .await
        .unwrap()
        .unwrap();
    tracker.close();
    tokio::time::timeout(PATIENCE, tracker.wait())
        .await
        .unwrap();

    let register = register.lock().unwrap();
    assert!(
        register.open.is_empty(),
        "never closed: {:?}",
        register.open
    );
    let closed: u64 = register.closed.values().sum();
    assert_eq!(closed, calls);
    assert_eq!(register.board.under_way(), 0);
    let timeline = register.timeline.as_ref().unwrap();
    assert!(timeline.calls().all(|call| !call.is_open()) && timeline.calls().len() <= 400);
    let kept = engine.lock().unwrap().kept();
    assert_eq!((kept.flows, kept.in_flight), (0, 0), "{kept:?}");
    eprintln!(
        "{calls} calls: {:?}, {} told, {} pieces of text, {} broken streams",
        register.closed, register.seen, register.texts, register.broken_streams
    );
    assert!(register.closed["ok"] > calls / 2 && register.broken_streams > calls / 30);
    assert!(register.closed["cancelled"] > 0);
}
