//! An app on tab 2 whose runs and batches are made in worlds of their own.

use crate::{screens, simulated, world};
use ratetop::{
    api::{
        batches::{self, Batches, Heed},
        call::{Around, Driver, OpenPurse, Share, Told},
        load::Load,
    },
    app::{App, calls::form::Field, effect::Effect, event::Event},
    clock::Clock,
    domain::{
        batch::{BatchOrder, Standing},
        id::CallId,
        load::run::{Run, RunEnd, RunOrder},
        observation::Observation,
        org::GroupKind,
        time::Time,
    },
    report::run::Held,
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
pub(super) struct Stage {
    pub(super) app: App,
    clock: Clock,
    scenario: &'static str,
    tell: mpsc::UnboundedSender<Event>,
    told: mpsc::UnboundedReceiver<Event>,
    /// What was seen of all calls, in order.
    pub(super) seen: Vec<Arc<Observation>>,
    cancels: HashMap<CallId, (CancellationToken, Arc<Share>)>,
    /// Whether the limits of batches are known.
    pub(super) limits: bool,
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
    pub(super) fn new(scenario: &'static str, model: &str) -> Self {
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
            seen: Vec::new(),
            cancels: HashMap::new(),
            limits: true,
        };
        stage.keys("2");
        stage
    }

    pub(super) fn keys(&mut self, script: &str) -> &mut Self {
        let mut now = self.clock.now();
        for effect in screens::press(&mut self.app, script, &mut now) {
            match effect {
                Effect::Run(order) => self.make(order),
                Effect::Batch(asked) => self.make_batch(asked),
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
    pub(super) fn to(&mut self, field: Field) -> &mut Self {
        self.keys("gg");
        while self.app.test_calls().unwrap().field() != field {
            self.keys("j");
        }
        self
    }

    /// Sets fields of the form, as a person types them.
    pub(super) fn form(&mut self, (workers, calls): (u32, u32), policy: &str) -> &mut Self {
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

    /// Sets them, sends the run, and waits until it is over.
    pub(super) async fn run(&mut self, size: (u32, u32), policy: &str) -> &mut Self {
        self.form(size, policy).keys("<enter>").until_over().await
    }

    /// A run of forty calls, three of four to Haiku, the others to Opus, until it is over.
    pub(super) async fn spread(&mut self) -> &mut Self {
        self.form((4, 40), "hint-jitter").to(Field::Spread);
        let parts = "e claude-haiku-4-5=3,claude-opus-5-5=1 <enter>";
        self.keys(parts).keys("<enter>").until_over().await
    }

    /// Someone who calls, in a world of his own.
    fn driver(&self, share: &Arc<Share>) -> Driver {
        let named = Scenario::named(self.scenario);
        let mut scenario = named.unwrap_or_else(|_| {
            // Its text then.
            Scenario::parse(self.scenario, "a test").unwrap()
        });
        scenario.unseen.clear();
        let engine = Engine::new(scenario, 7, self.clock.now());
        let engine = Arc::new(Mutex::new(engine));
        let transport = Direct::new(World::new(engine, self.clock.clone()));
        Driver {
            connection: simulated::connection(transport, "prod"),
            clock: self.clock.clone(),
            purse: Arc::new(OpenPurse),
            ear: Arc::new(Ear(self.tell.clone())),
            share: Arc::clone(share),
        }
    }

    fn make_batch(&mut self, asked: BatchOrder) {
        let share = Arc::new(Share::default());
        let driver = self.driver(&share);
        let cancel = CancellationToken::new();
        let id = asked.order.call;
        self.cancels.insert(id, (cancel.clone(), share));
        let pool = world::group(
            "batch",
            GroupKind::Batch,
            "batch queue",
            &[],
            &[
                ("requests_per_minute", 2_000),
                ("enqueued_batch_requests", 300_000),
            ],
        );
        let pool = self.limits.then_some(pool);
        let tell = self.tell.clone();
        let told = move |standing: &Standing, over| {
            let (profile, standing) = ("prod".into(), Box::new(standing.clone()));
            let event = Event::Batch {
                profile,
                id,
                standing,
                over,
            };
            let _ = tell.send(event);
        };
        tokio::spawn(async move {
            let mut batches = Batches {
                connection: driver.connection,
                clock: driver.clock,
                ear: driver.ear,
                order: &asked.order,
                standing: Standing {
                    pool,
                    ..Standing::default()
                },
                cancel: Heed::new(cancel, false),
            };
            let body = batches::body(&asked.order, asked.requests).unwrap();
            let mut dice = fastrand::Rng::with_seed(7);
            let step = |standing: &Standing| told(standing, false);
            batches.work(body, &mut dice, step).await;
            batches.standing.cost_usd = Some(0.0);
            told(&batches.standing, true);
        });
    }

    fn make(&mut self, order: RunOrder) {
        let share = Arc::new(Share::of(&order, Vec::new(), self.clock.now()));
        let driver = self.driver(&share);
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
    pub(super) async fn pass(&mut self, seconds: f64) -> &mut Self {
        let until = self.clock.instant() + Duration::from_secs_f64(seconds);
        while self.clock.instant() < until {
            tokio::time::sleep(LOOK).await;
            while let Ok(event) = self.told.try_recv() {
                let now = match &event {
                    Event::Observed { seen, .. } => {
                        self.seen.push(Arc::clone(seen));
                        seen.at
                    }
                    _ => self.clock.now(),
                };
                self.app.update(event, now);
            }
        }
        self
    }

    /// Until every run is over, an hour at most.
    pub(super) async fn until_over(&mut self) -> &mut Self {
        for _ in 0..3_600 {
            if self.runs().iter().all(|run| !run.is_open()) {
                return self;
            }
            self.pass(1.0).await;
        }
        panic!("a run does not end");
    }

    pub(super) fn runs(&self) -> Vec<&Run> {
        let shown = self.app.shown(self.now()).unwrap();
        shown.profile.runs.all().collect()
    }

    /// What the requests of a run waited for, as its calls themselves reckon.
    pub(super) fn held(&self, first: CallId) -> Vec<Held> {
        let waited = self.cancels[&first].1.waited().into_iter();
        let held = waited.map(|(gate, waited)| Held {
            gate,
            requests: waited.requests,
            seconds: waited.seconds,
        });
        held.collect()
    }

    /// The screen of the widest terminal.
    pub(super) fn text(&self) -> String {
        let look = screens::look("dark", false);
        screens::text(&screens::cells(&self.app, self.now(), screens::WIDE, &look))
    }

    pub(super) fn now(&self) -> Time {
        self.clock.now()
    }

    pub(super) fn shots(&self, name: &str) {
        for size in SIZES {
            let look = screens::look("dark", false);
            let text = screens::text(&screens::cells(&self.app, self.now(), size, &look));
            insta::assert_snapshot!(format!("{name}-{}x{}", size.0, size.1), text);
        }
    }
}

/// A world whose output limit is soon met.
pub(super) const TIGHT: (&str, &str) = ("tight-output", "claude-sonnet-5-5");
