//! Runs of many calls on tab 2: real policies against the simulator's engine, in virtual time and
//! without sockets, as a person drives them with keys.

use crate::{screens, world};
use ratetop::{
    api::{
        call::{Around, Driver, OpenPurse, Share, Told},
        connection::{AuthStyle, Connection, Version},
        load::Load,
    },
    app::{App, calls::form::Field, effect::Effect, event::Event, panel::Tab},
    clock::Clock,
    domain::{
        cache::CacheUse,
        id::CallId,
        load::{
            pace::Gate,
            run::{Run, RunEnd, RunOrder},
        },
        outcome::Outcome,
        time::Time,
    },
    run::hub::ear,
    sim::{direct::Direct, engine::Engine, play::World, scenario::Scenario},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const SIZES: [screens::Size; 3] = [screens::WIDE, screens::FOLDED, screens::SMALL];
/// From one look at what came to the next.
const LOOK: Duration = Duration::from_millis(20);

/// An app whose runs are made in a world of their own each.
struct Stage {
    app: App,
    clock: Clock,
    scenario: &'static str,
    tell: mpsc::UnboundedSender<Event>,
    told: mpsc::UnboundedReceiver<Event>,
    cancels: HashMap<CallId, (CancellationToken, Arc<Share>)>,
}

struct Ear(mpsc::UnboundedSender<Event>);

impl ratetop::api::call::Ear for Ear {
    fn hear(&self, told: Told) -> futures_util::future::BoxFuture<'_, ()> {
        let event = ear::event(&"prod".into(), told);
        let _ = self.0.send(event);
        Box::pin(std::future::ready(()))
    }
}

impl Stage {
    fn new(scenario: &'static str, model: &str) -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        let mut card = world::card("prod");
        card.spend.free = true;
        model.clone_into(&mut card.form.model);
        card.form.max_tokens = 1_024;
        let clock = Clock::anchored(world::noon());
        let mut app = App::new(world::started(screens::WIDE));
        app.update(Event::Profile(Box::new(card)), clock.now());
        let mut stage = Self {
            app,
            clock,
            scenario,
            tell,
            told,
            cancels: HashMap::new(),
        };
        stage.keys("2");
        stage
    }

    fn keys(&mut self, script: &str) -> &mut Self {
        let mut now = self.clock.now();
        for effect in screens::press(&mut self.app, script, &mut now) {
            match effect {
                Effect::Run(order) => self.make(order),
                Effect::Cancel(first) => self.cancels[&first].0.cancel(),
                Effect::HoldRun(first, true) => self.cancels[&first].1.pause(self.clock.instant()),
                Effect::HoldRun(first, false) => {
                    self.cancels[&first].1.resume(self.clock.instant());
                }
                Effect::Overheard {
                    first,
                    at,
                    model,
                    levels,
                } => {
                    if let Some((_, share)) = self.cancels.get(&first) {
                        share.overheard(at, &model, &levels);
                    }
                }
                _ => {}
            }
        }
        self
    }

    /// Selects a field of the form.
    fn to(&mut self, field: Field) -> &mut Self {
        self.keys("gg");
        while self.app.test_calls().unwrap().field() != field {
            self.keys("j");
        }
        self
    }

    /// Sets fields of the form, as a person types them.
    fn form(&mut self, (workers, calls): (u32, u32), policy: &str) -> &mut Self {
        self.to(Field::Policy);
        let form = |stage: &Self| stage.app.test_calls().unwrap().form().clone();
        while form(self).policy.name() != policy {
            self.keys("l");
        }
        self.to(Field::Workers).keys("e <c-a> <c-k>");
        let typed = format!("{workers} <enter>");
        self.keys(&typed);
        assert_eq!(form(self).workers, workers);
        self.to(Field::Calls).keys("e <c-a> <c-k>");
        let typed = format!("{calls} <enter>");
        self.keys(&typed);
        assert_eq!(form(self).calls, Some(calls));
        self
    }

    fn make(&mut self, order: RunOrder) {
        let now = self.clock.now();
        let mut scenario = Scenario::named(self.scenario).unwrap();
        scenario.unseen.clear();
        let engine = Arc::new(Mutex::new(Engine::new(scenario, 7, now)));
        let transport = Direct::new(World::new(engine, self.clock.clone()));
        let share = Arc::new(Share::of(&order, Vec::new(), now));
        let driver = Driver {
            connection: Arc::new(Connection {
                transport: Arc::new(transport),
                key: Some("sk-ant-api03-ratetop-sim".into()),
                auth: AuthStyle::default(),
                version: Version::default(),
                workspace: None,
                fast: false,
                profile: "prod".into(),
                host: "engine".into(),
            }),
            clock: self.clock.clone(),
            purse: Arc::new(OpenPurse),
            ear: Arc::new(Ear(self.tell.clone())),
            share: Arc::clone(&share),
        };
        let cancel = CancellationToken::new();
        let first = order.order.call;
        self.cancels
            .insert(first, (cancel.clone(), Arc::clone(&share)));
        let load = Load {
            around_others: Vec::new(),
            driver,
            order: order.order,
            around: Around::default(),
            plan: order.plan,
        };
        let tell = self.tell.clone();
        tokio::spawn(async move {
            let mut dice = fastrand::Rng::with_seed(7);
            let end = load.run(&mut dice, &cancel).await;
            let end = Box::new(RunEnd {
                missed: end.missed,
                late_s: end.late_s,
                denied: share.denied(),
                unsent: end.unsent,
                faulted: end.faulted,
            });
            let _ = tell.send(Event::RunEnded {
                profile: "prod".into(),
                first,
                end,
            });
        });
    }

    /// Lets so much time pass, and takes in what happens.
    async fn pass(&mut self, seconds: f64) -> &mut Self {
        let until = self.clock.instant() + Duration::from_secs_f64(seconds);
        while self.clock.instant() < until {
            tokio::time::sleep(LOOK).await;
            while let Ok(event) = self.told.try_recv() {
                let now = match &event {
                    Event::Observed { seen, .. } => seen.at,
                    _ => self.clock.now(),
                };
                self.app.update(event, now);
            }
        }
        self
    }

    /// Until every run is over, an hour at most.
    async fn until_over(&mut self) -> &mut Self {
        for _ in 0..3_600 {
            if self.runs().iter().all(|run| !run.is_open()) {
                return self;
            }
            self.pass(1.0).await;
        }
        panic!("a run does not end");
    }

    fn runs(&self) -> Vec<&Run> {
        let shown = self.app.shown(self.now()).unwrap();
        shown.profile.runs.all().collect()
    }

    fn now(&self) -> Time {
        self.clock.now()
    }

    fn shots(&self, name: &str) {
        for size in SIZES {
            let look = screens::look("dark", false);
            let text = screens::text(&screens::cells(&self.app, self.now(), size, &look));
            insta::assert_snapshot!(format!("{name}-{}x{}", size.0, size.1), text);
        }
    }
}

const TIGHT: (&str, &str) = ("tight-output", "claude-sonnet-5-5");

#[tokio::test(start_paused = true)]
async fn lanes_of_a_policy_that_obeys_the_hint() {
    let mut stage = Stage::new(TIGHT.0, TIGHT.1);
    stage.form((16, 48), "hint-jitter");
    stage.shots("run-form");
    stage.keys("<enter>").pass(11.5).await;
    stage.shots("run-under-way");
    stage.keys("J J J").pass(0.02).await;
    stage.shots("run-lane-selected");
    stage.keys("x").shots("run-attempt-open");
    stage.keys("<esc>").until_over().await;
    stage.shots("run-over");
    let run = stage.runs()[0];
    assert_eq!(
        (run.early, run.summary().early),
        (0, 0),
        "never before the hint"
    );
    assert_eq!(run.summary().logical, 48);
}

#[tokio::test(start_paused = true)]
async fn two_policies_in_the_same_world_side_by_side() {
    let mut stage = Stage::new(TIGHT.0, TIGHT.1);
    stage
        .form((16, 48), "immediate")
        .keys("<enter>")
        .until_over()
        .await;
    stage
        .form((16, 48), "hint-jitter")
        .keys("<enter>")
        .until_over()
        .await;
    stage.keys("b").shots("runs-side-by-side");
    for (name, theme, ascii) in [("plain", "plain", false), ("ascii", "plain", true)] {
        let look = screens::look(theme, ascii);
        let shot = screens::cells(&stage.app, stage.now(), screens::WIDE, &look);
        insta::assert_snapshot!(format!("runs-side-by-side-{name}"), screens::text(&shot));
    }
    let runs = stage.runs();
    let [immediate, obeys] = runs.as_slice() else {
        panic!("two runs")
    };
    assert!(immediate.early > 0 && obeys.early == 0);
    assert!(immediate.summary().success() < obeys.summary().success());
    stage.keys("b").shots("run-over-alone");
}

/// The same work, sent at once and held back until the buckets have room: what waited for which, for how
/// long, and what was spared.
#[tokio::test(start_paused = true)]
async fn a_paced_run_says_what_waited_for_which_bucket_and_what_it_spared() {
    let mut stage = Stage::new(TIGHT.0, TIGHT.1);
    stage
        .form((16, 48), "hint-jitter")
        .keys("<enter>")
        .until_over()
        .await;
    stage.to(Field::Pace).keys("l <enter>").pass(11.5).await;
    stage.shots("run-paced-under-way");
    stage.keys("J J").pass(0.02).await;
    stage.until_over().await;
    stage.shots("run-paced");
    let runs = stage.runs();
    let [without, paced] = runs.as_slice() else {
        panic!("two runs")
    };
    assert!(without.limited() > 10, "{}", without.limited());
    assert_eq!(paced.limited(), 0, "{:?}", paced.failed);
    assert!(paced.paced.contains_key(&Gate::Output), "{:?}", paced.paced);
    let held: f32 = paced.lanes.all().iter().map(|lane| lane.held_s).sum();
    let told: f64 = paced.paced.values().map(|it| it.seconds).sum();
    assert!((f64::from(held) - told).abs() < 0.5, "{held} {told}");
    stage.keys("b").shots("run-paced-side-by-side");
}

/// A cached system prompt is written once and read by all others; one that is too short is explained.
#[tokio::test(start_paused = true)]
async fn a_cached_prompt_says_what_counted_and_why_nothing_was_cached() {
    let mut stage = Stage::new("calm", "claude-haiku-4-5");
    stage.form((2, 20), "hint-jitter");
    stage
        .to(Field::Cache)
        .keys("l <enter>")
        .until_over()
        .await
        .shots("run-cached");
    let used = |run: &Run| CacheUse::from(&run.summary().usage);
    let run = stage.runs()[0];
    let prompt = run.asked.order.cache.unwrap();
    assert!(used(run).read > 10 * u64::from(prompt.tokens));
    assert!(used(run).multiplier().unwrap() > 5.0);
    // Below the model's minimum of 4,096 tokens, which the API passes over in silence.
    stage
        .to(Field::Cache)
        .keys("e 1 h <space> 9 0 0 <enter> <enter>")
        .until_over()
        .await
        .shots("run-too-short-to-cache");
    let runs = stage.runs();
    assert_eq!((used(runs[1]).written, used(runs[1]).read), (0, 0));
    stage.keys("x");
    let look = screens::look("dark", false);
    let shot = screens::text(&screens::cells(
        &stage.app,
        stage.now(),
        screens::WIDE,
        &look,
    ));
    assert!(shot.contains("claude-haiku-4-5's minimum of"), "{shot}");
}

/// Streams that break after a 200: surfaced each fails its call, called anew they are answered, and what
/// was paid twice is shown.
#[tokio::test(start_paused = true)]
async fn a_broken_answer_is_surfaced_or_called_anew_with_its_tokens_paid_twice() {
    let mut stage = Stage::new("mid-stream", "claude-haiku-4-5");
    stage
        .form((4, 24), "hint-jitter")
        .keys("<enter>")
        .until_over()
        .await;
    stage
        .to(Field::Broken)
        .keys("ll <enter>")
        .until_over()
        .await
        .shots("run-called-anew");
    let runs = stage.runs();
    let [surfaced, anew] = runs.as_slice() else {
        panic!("two runs")
    };
    let (surfaced, anew) = (surfaced.summary(), anew.summary());
    assert!(surfaced.broken > 5 && surfaced.failed == surfaced.broken);
    assert_eq!(surfaced.paid_twice.output_tokens, 0);
    assert!(anew.ok > surfaced.ok && anew.retries > 0);
    assert!(anew.paid_twice.output_tokens > 0);
    assert!(anew.paid_twice.output_tokens <= anew.thrown_away.output_tokens);
    assert!(
        anew.sentence().contains("paid twice"),
        "{}",
        anew.sentence()
    );
}

/// One call after the other to whichever pool has most left; each is told by itself.
#[tokio::test(start_paused = true)]
async fn a_spread_run_tells_each_pool_by_itself() {
    let mut stage = Stage::new("calm", "claude-haiku-4-5");
    stage.form((4, 40), "hint-jitter").to(Field::Spread);
    stage
        .keys("e claude-haiku-4-5=3,claude-opus-5-5=1 <enter>")
        .keys("<enter>")
        .until_over()
        .await
        .shots("run-spread");
    let run = stage.runs()[0];
    let of: Vec<u64> = run.models().iter().map(|(_, it)| it.logical).collect();
    assert_eq!(of, [30, 10]);
}

/// Each stop reason is met on purpose, and what to do about it is said.
#[tokio::test(start_paused = true)]
async fn every_stop_reason_is_reached_from_the_form() {
    let mut stage = Stage::new("calm", "claude-haiku-4-5");
    stage
        .keys("gg jj e <c-a> <c-k> 64 <enter>")
        .to(Field::Ending);
    for wanted in [
        "max_tokens",
        "refusal",
        "tool_use",
        "pause_turn",
        "model_context_window_exceeded",
    ] {
        stage.keys("l");
        // Two calls, so that it is a run.
        stage
            .to(Field::Workers)
            .keys("e <c-a> <c-k> 2 <enter>")
            .to(Field::Ending)
            .keys("<enter>")
            .until_over()
            .await;
        let runs = stage.runs();
        let run = runs.last().unwrap();
        let attempts = &run.call(0).unwrap().attempts;
        let reason = attempts.iter().find_map(|attempt| match &attempt.outcome {
            Some(Outcome::Complete { stop_reason, .. }) => stop_reason.clone(),
            _ => None,
        });
        assert_eq!(reason.as_deref(), Some(wanted));
        assert_eq!(run.summary().ok, 2, "{wanted}");
        stage.keys("x");
        if wanted != "pause_turn" {
            let look = screens::look("dark", false);
            let shot = screens::cells(&stage.app, stage.now(), screens::WIDE, &look);
            let text = screens::text(&shot);
            assert!(text.contains(&format!("stop: {wanted}")), "{text}");
        }
        stage.keys("<esc>");
    }
}

#[tokio::test(start_paused = true)]
async fn escape_ends_a_run_at_once_and_nothing_more_is_sent() {
    let mut stage = Stage::new(TIGHT.0, TIGHT.1);
    stage
        .form((32, 96), "hint-jitter")
        .keys("<enter>")
        .pass(6.0)
        .await;
    let wire = stage.runs()[0].wire;
    stage.keys("<esc>").pass(0.1).await;
    assert!(!stage.runs()[0].is_open(), "it ended at once");
    stage.pass(120.0).await;
    let run = stage.runs()[0];
    assert_eq!(run.wire, wire);
    assert!(run.cancelled && run.summary().cancelled > 0);
    stage.shots("run-cancelled");
}

#[tokio::test(start_paused = true)]
async fn a_held_run_sends_nothing_and_goes_on() {
    let mut stage = Stage::new("calm", "claude-haiku-4-5");
    stage.form((2, 40), "hint-jitter");
    stage.keys("<enter>").pass(2.0).await;
    stage.keys("p").pass(5.0).await;
    let held = stage.runs()[0].wire;
    stage.pass(30.0).await;
    assert_eq!(stage.runs()[0].wire, held);
    stage.keys("p").until_over().await;
    assert_eq!(stage.runs()[0].summary().ok, 40);
}

#[tokio::test(start_paused = true)]
async fn many_workers_scroll_and_the_newest_calls_can_be_opened() {
    let mut stage = Stage::new("calm", "claude-haiku-4-5");
    stage
        .form((256, 256), "hint-jitter")
        .keys("<enter>")
        .until_over()
        .await;
    stage.keys("K").shots("run-of-256");
    stage.keys("x");
    assert_eq!(stage.app.tab(), Tab::Calls);
    stage.shots("run-of-256-open");
}
