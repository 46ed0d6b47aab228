//! Whole runs in virtual time, against a transport that only takes its time.

use super::*;
use crate::{
    api::{
        call::{OpenPurse, Purse, Share, Spent, Ticket, Told},
        connection::tests::connection,
        messages::tests::order,
    },
    clock::Clock,
    domain::{
        bucket::Bucket,
        load::{
            pace::{Aimd, Buckets, Limits, Pace},
            plan::Ramp,
        },
        observation::What,
        retry::{Budget, Policy},
        usage::Usage,
    },
    net::transport::{Broken, Request, Response, Transport},
};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream};
use proptest::prelude::*;
use tokio::sync::mpsc;

/// Takes some seconds for every answer; every so many are refused, with a hint of 17 s.
struct Slow {
    takes_s: f64,
    refuses_every: usize,
    /// Requests per minute that it serves and tells, where it counts them.
    bucket: Option<Mutex<Bucket>>,
    /// Requests that it serves at the same time.
    at_once: usize,
    clock: Clock,
    began: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    flying: usize,
    most: usize,
    starts: Vec<f64>,
}

impl Transport for Slow {
    fn send(&self, _: Request) -> BoxFuture<'_, Result<Response, Broken>> {
        async move {
            let (nth, flying) = {
                let mut state = self.state.lock().unwrap();
                state.flying += 1;
                state.most = state.most.max(state.flying);
                let now = self.clock.instant().duration_since(self.began);
                state.starts.push(now.as_secs_f64());
                (state.starts.len(), state.flying)
            };
            let mut headers = http::HeaderMap::new();
            headers.insert("content-type", "application/json".parse().unwrap());
            let mut refused = self.refuses_every > 0 && nth.is_multiple_of(self.refuses_every);
            refused |= flying > self.at_once;
            if let Some(bucket) = &self.bucket {
                let mut bucket = bucket.lock().unwrap();
                let now = self.clock.now();
                refused = bucket.take(1.0, now).is_err();
                let told = [("limit", bucket.capacity()), ("remaining", bucket.level(now).floor())];
                for (suffix, value) in told {
                    let name = format!("anthropic-ratelimit-requests-{suffix}");
                    let name = http::HeaderName::try_from(name).unwrap();
                    headers.insert(name, format!("{value}").parse().unwrap());
                }
            }
            let _landed = Landed(self);
            tokio::time::sleep(Duration::from_secs_f64(self.takes_s)).await;
            let (status, body) = if refused {
                headers.insert("retry-after", "17".parse().unwrap());
                (429, r#"{"type":"error","error":{"type":"rate_limit_error","message":"m"}}"#)
            } else {
                (200, r#"{"type":"message","content":[],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}"#)
            };
            Ok(Response {
                status,
                headers,
                body: stream::iter([Ok(Bytes::from(body))]).boxed(),
            })
        }
        .boxed()
    }
}

/// What the server has room for.
#[derive(Clone, Copy)]
enum Room {
    Any,
    PerMinute(f64),
    AtOnce(usize),
}

/// Also when the call is cancelled.
struct Landed<'a>(&'a Slow);

impl Drop for Landed<'_> {
    fn drop(&mut self) {
        self.0.state.lock().unwrap().flying -= 1;
    }
}

struct Done {
    end: LoadEnd,
    slow: Arc<Slow>,
    seen: mpsc::UnboundedReceiver<What>,
    elapsed_s: f64,
}

impl Done {
    fn starts(&self) -> Vec<f64> {
        self.slow.state.lock().unwrap().starts.clone()
    }

    fn most(&self) -> usize {
        self.slow.state.lock().unwrap().most
    }
}

struct Ear(mpsc::UnboundedSender<What>);

impl crate::api::call::Ear for Ear {
    fn hear(&self, told: Told) -> BoxFuture<'_, ()> {
        if let Told::Seen(seen) = told {
            let _ = self.0.send(seen.what);
        }
        std::future::ready(()).boxed()
    }
}

async fn run(plan: Plan, takes_s: f64, refuses_every: usize, cancel_at_s: Option<f64>) -> Done {
    run_with(
        plan,
        takes_s,
        refuses_every,
        cancel_at_s,
        Arc::new(OpenPurse),
        Arc::default(),
    )
    .await
}

async fn run_with(
    plan: Plan,
    takes_s: f64,
    refuses_every: usize,
    cancel_at_s: Option<f64>,
    purse: Arc<dyn Purse>,
    share: Arc<Share>,
) -> Done {
    run_against(
        plan,
        Room::Any,
        takes_s,
        refuses_every,
        cancel_at_s,
        purse,
        share,
    )
    .await
}

async fn run_against(
    plan: Plan,
    room: Room,
    takes_s: f64,
    refuses_every: usize,
    cancel_at_s: Option<f64>,
    purse: Arc<dyn Purse>,
    share: Arc<Share>,
) -> Done {
    let clock = Clock::anchored("2026-11-24T12:00:00Z".parse().unwrap());
    let began = clock.instant();
    let slow = Arc::new(Slow {
        takes_s,
        refuses_every,
        bucket: match room {
            Room::PerMinute(most) => Some(Mutex::new(Bucket::full(most, 60.0, clock.now()))),
            Room::Any | Room::AtOnce(_) => None,
        },
        at_once: match room {
            Room::AtOnce(most) => most,
            Room::Any | Room::PerMinute(_) => usize::MAX,
        },
        clock: clock.clone(),
        began,
        state: Mutex::default(),
    });
    let (sender, seen) = mpsc::unbounded_channel();
    let mut order = order(false);
    order.policy = Policy::HintJitter;
    order.attempts = 5;
    let load = Load {
        around_others: Vec::new(),
        driver: Driver {
            connection: Arc::new(connection(slow.clone())),
            clock: clock.clone(),
            purse,
            ear: Arc::new(Ear(sender)),
            share,
        },
        order,
        around: Around::default(),
        plan,
    };
    let cancel = CancellationToken::new();
    if let Some(at) = cancel_at_s {
        let cancel = cancel.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs_f64(at)).await;
            cancel.cancel();
        });
    }
    let end = load.run(&mut fastrand::Rng::with_seed(7), &cancel).await;
    let elapsed_s = clock.instant().duration_since(began).as_secs_f64();
    Done {
        end,
        slow,
        seen,
        elapsed_s,
    }
}

fn closed(workers: u32, calls: u32) -> Plan {
    Plan {
        workers,
        calls: Some(calls),
        ..Plan::default()
    }
}

fn open(rate: f64, workers: u32, duration_s: f64) -> Plan {
    Plan {
        workers,
        rate: Some(rate),
        calls: None,
        duration_s: Some(duration_s),
        ramp: Ramp::None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_closed_loop_keeps_its_workers_busy_and_makes_as_many_calls_as_asked() {
    let done = run(closed(4, 10), 1.0, 0, None).await;
    assert_eq!(
        (done.end.begun, done.starts().len(), done.most()),
        (10, 10, 4)
    );
    // Ten calls of a second by four: three rounds.
    assert!((done.elapsed_s - 3.0).abs() < 0.1, "{}", done.elapsed_s);
}

#[tokio::test(start_paused = true)]
async fn an_open_loop_starts_on_time_whatever_becomes_of_the_calls() {
    let done = run(open(10.0, 256, 60.0), 5.0, 0, None).await;
    let starts = done.starts();
    assert_eq!((starts.len(), done.end.missed), (600, 0));
    for (k, start) in starts.iter().enumerate() {
        assert!(
            (start - k as f64 / 10.0).abs() < 0.002,
            "start {k} at {start}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn starts_without_a_free_worker_are_missed_and_counted() {
    // Two workers, each busy for a second, can take 2 of 10 starts a second.
    let done = run(open(10.0, 2, 10.0), 0.999, 0, None).await;
    assert_eq!(done.most(), 2);
    assert_eq!(done.end.begun + done.end.missed, 100);
    assert_eq!(done.end.begun, 20);
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_fires_no_herd_of_overdue_calls() {
    let sleep = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        tokio::time::advance(Duration::from_secs(30)).await;
    };
    let (done, ()) = tokio::join!(run(open(10.0, 256, 60.0), 0.01, 0, None), sleep);
    assert!(
        (280..=300).contains(&done.end.missed),
        "{}",
        done.end.missed
    );
    assert_eq!(done.end.begun + done.end.missed, 600);
    let starts = done.starts();
    let herd = starts
        .iter()
        .filter(|start| (31.9..32.1).contains(*start))
        .count();
    // What is less than a second overdue still leaves: ten, and the two that are due.
    assert!(herd <= 13, "{herd}");
}

/// Room for three calls.
struct Three(AtomicU64);

impl Purse for Three {
    fn reserve(&self, _: &CallOrder, _: &Usage) -> Result<Ticket, String> {
        match self.0.fetch_add(1, Ordering::Relaxed) {
            n @ 0..3 => Ok(Ticket(n)),
            _ => Err("the day's cap of $1.00 is reached".into()),
        }
    }
    fn settle(&self, _: Ticket, _: Spent) {}
}

#[tokio::test(start_paused = true)]
async fn a_cap_ends_the_run() {
    let purse = Arc::new(Three(AtomicU64::new(0)));
    let done = run_with(closed(1, 1_000), 1.0, 0, None, purse, Arc::default()).await;
    assert_eq!(done.starts().len(), 3);
    assert_eq!(done.end.begun, 4);
    assert!(done.end.unsent.unwrap().contains("cap of $1.00"));
}

/// A refused reservation ends no call that is under way: those three are answered whole.
#[tokio::test(start_paused = true)]
async fn a_cap_ends_further_calls_only() {
    let purse = Arc::new(Three(AtomicU64::new(0)));
    let mut done = run_with(closed(4, 1_000), 1.0, 0, None, purse, Arc::default()).await;
    assert_eq!((done.starts().len(), done.end.begun), (3, 4));
    let mut answered = 0;
    while let Ok(what) = done.seen.try_recv() {
        let whole = CallResult::Ok;
        answered += usize::from(matches!(what, What::Closed { result } if result == whole));
    }
    assert_eq!(answered, 3);
}

/// What must not happen: a fault of this program in the middle of a run.
struct Faulty(AtomicU64);

impl Purse for Faulty {
    fn reserve(&self, _: &CallOrder, _: &Usage) -> Result<Ticket, String> {
        let nth = self.0.fetch_add(1, Ordering::Relaxed);
        assert!(nth < 5, "a fault on purpose");
        Ok(Ticket(nth))
    }

    fn settle(&self, _: Ticket, _: Spent) {}
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_panics_ends_the_run_and_is_told() {
    for plan in [closed(2, 1_000), open(2.0, 2, 60.0)] {
        let purse = Arc::new(Faulty(AtomicU64::new(0)));
        let done = run_with(plan, 1.0, 0, None, purse, Arc::default()).await;
        assert!(done.end.faulted, "{plan:?}");
        assert!(done.starts().len() <= 6, "{plan:?}");
    }
}

fn refusals(done: &mut Done) -> usize {
    let mut refusals = 0;
    while let Ok(what) = done.seen.try_recv() {
        refusals += usize::from(matches!(what, What::Head { status: 429, .. }));
    }
    refusals
}

/// 40 requests a minute, asked for 100 by 16 workers. The same run is refused often without a pace,
/// never by one that follows the server's numbers. Where the server has room for 5 at the same time, the
/// one that feels its way is refused seldom.
#[tokio::test(start_paused = true)]
async fn a_paced_run_is_not_refused() {
    let run_in = async |room: Room, pace: Option<Pace>| {
        let share = Arc::new(Share::default().paced(pace));
        let purse = Arc::new(OpenPurse);
        let run = run_against(
            closed(16, 100),
            room,
            0.3,
            0,
            None,
            purse,
            Arc::clone(&share),
        );
        let mut done = run.await;
        (refusals(&mut done), done.elapsed_s, share.waited())
    };
    let run = |pace| run_in(Room::PerMinute(40.0), pace);
    let (without, ..) = run(None).await;
    assert!(without > 20, "{without}");

    let (refused, elapsed_s, waited) = run(Some(Pace::Buckets(Box::new(Buckets::new(
        Limits::default(),
    )))))
    .await;
    assert_eq!(refused, 0, "{waited:?}");
    // 40 are there, 60 come back at 40 a minute: 90 s, and not much more.
    assert!((89.0..100.0).contains(&elapsed_s), "{elapsed_s}");
    let requests: u64 = waited.values().map(|it| it.requests).sum();
    assert!((60..=100).contains(&requests), "{waited:?}");

    let by_hand = Limits {
        requests: Some(20),
        input: Some(1_000_000),
        output: Some(1_000_000),
    };
    let (refused, elapsed_s, _) = run(Some(Pace::Buckets(Box::new(Buckets::new(by_hand))))).await;
    assert_eq!(refused, 0);
    assert!((239.0..245.0).contains(&elapsed_s), "{elapsed_s}");

    let (without, ..) = run_in(Room::AtOnce(5), None).await;
    let (felt, ..) = run_in(Room::AtOnce(5), Some(Pace::Aimd(Aimd::new(16)))).await;
    assert!(felt < without / 2, "{felt} of {without}");
}

#[tokio::test(start_paused = true)]
async fn a_paused_run_sends_nothing_and_then_goes_on_where_it_was() {
    for plan in [open(10.0, 256, 20.0), closed(2, 40)] {
        let share = Arc::new(Share::default());
        let pause = async {
            let clock = Clock::anchored("2026-11-24T12:00:00Z".parse().unwrap());
            tokio::time::sleep(Duration::from_millis(5_050)).await;
            share.pause(clock.instant());
            tokio::time::sleep(Duration::from_secs(30)).await;
            share.resume(clock.instant());
        };
        let run = run_with(plan, 0.9, 0, None, Arc::new(OpenPurse), Arc::clone(&share));
        let (done, ()) = tokio::join!(run, pause);
        let starts = done.starts();
        assert!(
            !starts.iter().any(|at| (5.06..35.04).contains(at)),
            "{starts:?}"
        );
        let all = if plan.rate.is_some() { 200 } else { 40 };
        assert_eq!((starts.len(), done.end.missed), (all, 0));
        assert!(done.elapsed_s < 52.0, "{}", done.elapsed_s);
    }
}

/// Four workers whose every third request is refused with a hint of 17 s: a day of that.
#[tokio::test(start_paused = true)]
async fn a_day_of_waits_takes_no_time() {
    let plan = Plan {
        duration_s: Some(86_400.0),
        calls: None,
        ..closed(4, 1)
    };
    let mut done = run(plan, 2.0, 3, None).await;
    assert!((86_400.0..86_500.0).contains(&done.elapsed_s));
    let mut waits = Vec::new();
    while let Ok(what) = done.seen.try_recv() {
        if let What::Decided { decision, .. } = what {
            waits.push(decision.wait_s);
        }
    }
    assert!(waits.len() > 5_000, "{}", waits.len());
    assert!(waits.iter().all(|wait| (17.0..=21.25).contains(wait)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Where everything is refused, all workers together retry no more than the budget allows, and
    /// those that may not say why.
    #[test]
    fn retries_stay_within_the_budget_of_all_workers(
        workers in 1_u32..20,
        calls in 1_u32..80,
        share in 0.0_f64..0.5,
        reserve in 0_u32..10,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        let budget = Arc::new(Share::new(Some(Budget::new(share, f64::from(reserve)))));
        let purse = Arc::new(OpenPurse);
        let run = run_with(closed(workers, calls), 0.1, 1, None, purse, Arc::clone(&budget));
        let mut done = runtime.block_on(run);
        let retries = done.starts().len() as f64 - f64::from(calls);
        prop_assert!(retries <= f64::from(reserve) + share * f64::from(calls) + 1e-9);
        let mut denied = 0;
        while let Ok(what) = done.seen.try_recv() {
            if let What::Decided { decision, .. } = what {
                denied += u64::from(decision.reason.contains("retry budget"));
            }
        }
        prop_assert_eq!(denied, budget.denied());
    }

    /// Two programs that were seeded alike, by chance or from one image, throw other dice for each client
    /// and each worker: their retries do not come together.
    #[test]
    fn clients_that_were_seeded_alike_do_not_wait_alike(seed in any::<u64>(), one in "[a-z]{1,8}", other in "[a-z]{1,8}") {
        prop_assume!(one != other);
        let dice = |client: &str| own_dice(&mut fastrand::Rng::with_seed(seed), &client.into());
        let (mut one, mut other, mut same) = (dice(&one), dice(&other), dice(&one));
        let mut worker = one.fork();
        let _ = same.fork();
        for _ in 0..4 {
            let die = one.f64();
            prop_assert!((die - other.f64()).abs() > 1e-12);
            prop_assert!((die - worker.f64()).abs() > 1e-12);
            prop_assert!((die - same.f64()).abs() < 1e-12, "but the same run is the same again");
        }
    }

    /// A cancelled run sends nothing more, ends at once, and counts what it began.
    #[test]
    fn after_a_cancel_nothing_is_sent(
        at in 0.0_f64..20.0,
        workers in 1_u32..20,
        rate in proptest::option::of(0.5_f64..50.0),
        takes_s in 0.01_f64..5.0,
        refuses_every in 0_usize..4,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        let plan = Plan { workers, rate, calls: None, duration_s: Some(1_000.0), ramp: Ramp::Linear(5.0) };
        let done = runtime.block_on(run(plan, takes_s, refuses_every, Some(at)));
        prop_assert!(done.starts().iter().all(|start| *start <= at + 0.002));
        prop_assert!(done.elapsed_s <= at + 0.01, "{} after {}", done.elapsed_s, at);
        prop_assert_eq!(done.slow.state.lock().unwrap().flying, 0);
        prop_assert!(done.most() <= workers as usize);
    }
}
