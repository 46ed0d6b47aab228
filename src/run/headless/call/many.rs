//! A run of many calls: a line while it goes on, what came of it at its end.

use super::{
    super::{Desk, Gone, Outlet, interrupted},
    beside, guard, one,
};
use crate::{
    api::{
        call::{Around, Ear, Share, Told},
        load::{Load, LoadEnd},
    },
    assets,
    cli::{args, exits},
    domain::{
        call::CallOrder,
        load::{
            compare::{Comparison, Side},
            live::Live,
            pace::Pacing,
            plan::Plan,
            result::Summary,
            spread::Part,
        },
        observation::What,
        time::{Time, after, spoken},
        verdict::Cause,
    },
    report::{
        self,
        call::Calls,
        run::{Held, Run},
        run_text,
    },
};
use futures_util::{FutureExt, future::BoxFuture};
use std::{
    io::IsTerminal,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Calls of a run that are told whole.
const KEEPS: usize = 1_000;
/// Between two lines of progress.
const LINE: Duration = Duration::from_millis(250);
/// Columns of the line of progress: a longer one would wrap and not be erased.
const COLUMNS: usize = 79;

/// Folds what the calls tell.
struct Folds(Mutex<Folded>);

struct Folded {
    live: Live,
    /// When the last heads said that every limit is full again.
    full_at: Option<Time>,
}

impl Folds {
    fn new(live: Live) -> Self {
        let full_at = None;
        Self(Mutex::new(Folded { live, full_at }))
    }

    /// Do not hold it over an await.
    fn lock(&self) -> MutexGuard<'_, Folded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ear for Folds {
    fn hear(&self, told: Told) -> BoxFuture<'_, ()> {
        if let Told::Seen(seen) = &told {
            let mut folded = self.lock();
            if let What::Head { reading, .. } = &seen.what {
                let full = reading.levels.iter().filter_map(|level| level.full_in_s);
                let full = full.map(|seconds| after(seen.at, seconds)).max();
                folded.full_at = folded.full_at.max(full);
            }
            folded.live.absorb(seen);
        }
        std::future::ready(()).boxed()
    }
}

/// What is made, once or twice.
struct Many<'a> {
    args: &'a args::Call,
    plan: Plan,
    order: CallOrder,
    around: Around,
    desk: &'a Desk,
    cancel: CancellationToken,
}

/// A run that is over.
struct Made {
    folds: Arc<Folds>,
    held: Vec<Held>,
    unsent: Option<String>,
}

pub(super) async fn run(
    args: &args::Call,
    plan: Plan,
    (order, around): (CallOrder, Around),
    desk: &Desk,
    dice: &mut fastrand::Rng,
    outlet: &mut Outlet<'_>,
) -> Result<u8, Gone> {
    let twice = args.compare == Some(None);
    let kept = match &args.compare {
        Some(Some(path)) => beside::kept(path).map(Some),
        _ => Ok(None),
    };
    let passed = guard::pass(&plan, &order, (args, twice), desk, outlet);
    let before = match passed.and(kept) {
        Ok(before) => before,
        Err(why) => {
            outlet.tell(&why);
            return Ok(exits::USAGE);
        }
    };
    let many = Many {
        args,
        plan,
        order,
        around,
        desk,
        cancel: CancellationToken::new(),
    };
    let before = if twice {
        let Some(first) = many.make(None, dice, outlet).await else {
            return Ok(super::no_key(desk, outlet));
        };
        many.refill(&first, outlet).await;
        let side = many.side("without pacing", first.folds.lock().live.summary());
        Some(side)
    } else {
        before
    };
    let Some(made) = many.make(args.pace, dice, outlet).await else {
        return Ok(super::no_key(desk, outlet));
    };
    many.tell(&made, before, outlet)
}

impl Many<'_> {
    /// How it is called where no more is known of it.
    fn about<'a>(&'a self, model: &'a str) -> Run<'a> {
        Run {
            plan: &self.plan,
            model,
            policy: self.order.policy.name(),
            retry_budget_percent: self.args.retry_budget,
            pace: None,
            cache: self.order.cache,
            spread: self.args.spread.as_ref(),
            pools: &[],
            comparison: None,
            free: self.desk.session.free,
            interrupted: false,
            unsent: None,
        }
    }

    /// Its numbers beside those of another run; what is free costs nothing.
    fn side(&self, name: &str, summary: &Summary) -> Side {
        let side = Side::of(name, summary);
        let free = self.desk.session.free.then_some(0.0);
        Side {
            cost_usd: free.or(side.cost_usd),
            ..side
        }
    }

    /// The model, or between which the calls are spread.
    fn model(&self) -> String {
        let spread = self.args.spread.as_ref().map(ToString::to_string);
        spread.unwrap_or_else(|| self.order.model.to_string())
    }

    /// Makes it; none without a key.
    async fn make(
        &self,
        pacing: Option<Pacing>,
        dice: &mut fastrand::Rng,
        outlet: &mut Outlet<'_>,
    ) -> Option<Made> {
        let (desk, spread) = (self.desk, self.args.spread.as_ref());
        let prices = Some(assets::prices());
        let summary = Summary::new(desk.clock.now()).with_prices(prices);
        let live = Live::new(summary, KEEPS).by_model(spread);
        let folds = Arc::new(Folds::new(live));
        let pace = pacing.map(|pacing| pacing.pace(self.plan.workers));
        let parts = spread.map_or(&[][..], |spread| &spread.parts);
        let pools = desk.session.pools(parts.iter().map(|part| &part.model));
        let share = Share::new(self.args.budget()).paced(pace).spread(spread);
        let share = Arc::new(share.pools(pools));
        let ear: Arc<dyn Ear> = Arc::clone(&folds) as _;
        let mut driver = desk.session.driver(ear)?;
        driver.share = Arc::clone(&share);
        let around = |part: &Part| (part.model.clone(), desk.session.around(&part.model));
        let load = Load {
            driver,
            order: self.order.clone(),
            around: self.around.clone(),
            around_others: parts.iter().map(around).collect(),
            plan: self.plan,
        };
        let model = self.model();
        let end = self
            .watched(load, dice, (&folds, &self.about(&model)), outlet)
            .await;
        folds
            .lock()
            .live
            .end(end.missed, &end.late_s, share.denied());
        let waited = share.waited();
        let held = waited.into_iter().map(|(gate, waited)| Held {
            gate,
            requests: waited.requests,
            seconds: waited.seconds,
        });
        Some(Made {
            folds,
            held: held.collect(),
            unsent: end.unsent,
        })
    }

    /// Waits until the limits are as full as they were before that run, so that the next one begins
    /// like it.
    async fn refill(&self, made: &Made, outlet: &mut Outlet<'_>) {
        let wait_s = {
            let folded = made.folds.lock();
            let refused = !folded.live.summary().refused.is_empty();
            beside::refill_s(folded.full_at, refused, self.desk.clock.now())
        };
        if self.cancel.is_cancelled() || wait_s <= 0.0 {
            return;
        }
        outlet.tell(&format!(
            "made without pacing; the limits are full again in {}, then once more with it",
            spoken(wait_s.ceil())
        ));
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs_f64(wait_s)) => {}
            () = interrupted() => self.cancel.cancel(),
        }
    }

    /// Tells what came of it.
    fn tell(&self, made: &Made, before: Option<Side>, outlet: &mut Outlet<'_>) -> Result<u8, Gone> {
        let (args, free) = (self.args, self.desk.session.free);
        let folded = made.folds.lock();
        let live = &folded.live;
        let name = args.pace.map_or("without pacing", |_| "with pacing");
        let comparison = before.map(|before| Comparison {
            before,
            after: self.side(name, live.summary()),
        });
        let parts = args.spread.as_ref().map_or(&[][..], |spread| &spread.parts);
        let pool = |part: &Part| {
            let pool = self.desk.session.around(&part.model).pool?;
            Some((part.model.clone(), pool.name))
        };
        let pools: Vec<_> = parts.iter().filter_map(pool).collect();
        let model = self.model();
        let about = Run {
            pace: args
                .pace
                .map(|pacing| (pacing.word(), made.held.as_slice())),
            pools: &pools,
            comparison: comparison.as_ref(),
            interrupted: self.cancel.is_cancelled(),
            unsent: made.unsent.as_deref(),
            ..self.about(&model)
        };
        if args.json {
            let prices = assets::prices();
            let cost = |call: &_| {
                if free {
                    Some(0.0)
                } else {
                    one::spent(call, &prices)
                }
            };
            let calls = Calls::of_run(live, &about, cost);
            outlet.print(&report::to_pretty(&calls).map_err(|_| Gone)?)?;
        } else {
            outlet.print(&run_text::result(live, &about))?;
        }
        if let Some(why) = &made.unsent {
            outlet.tell(why);
        }
        Ok(exit(live.summary()))
    }

    /// Runs it, with a line of progress where a person looks, until its end or Ctrl-C.
    async fn watched(
        &self,
        load: Load,
        dice: &mut fastrand::Rng,
        (folds, about): (&Folds, &Run<'_>),
        outlet: &mut Outlet<'_>,
    ) -> LoadEnd {
        let cancel = &self.cancel;
        let run = load.run(dice, cancel);
        let interrupted = interrupted();
        tokio::pin!(run, interrupted);
        let shown = std::io::stderr().is_terminal();
        let mut lines = tokio::time::interval(LINE);
        lines.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let end = loop {
            tokio::select! {
                biased;
                end = &mut run => break end,
                () = &mut interrupted, if !cancel.is_cancelled() => cancel.cancel(),
                _ = lines.tick(), if shown => {
                    let line = run_text::progress(&folds.lock().live, about, self.desk.clock.now());
                    let line: String = line.chars().take(COLUMNS).collect();
                    outlet.progress(&format!("\r{line}\u{1b}[K"));
                }
            }
        };
        if shown {
            outlet.progress("\r\u{1b}[K");
        }
        end
    }
}

/// 0 when all was answered, 4 when all were refused for their key, 5 when nobody was reached.
fn exit(summary: &Summary) -> u8 {
    let count = |cause| summary.refused.get(&cause).copied().unwrap_or(0);
    let all = |n: u64| summary.wire > 0 && n == summary.wire;
    if summary.ok == summary.logical && summary.ok > 0 {
        exits::FINE
    } else if all(count(Cause::Auth) + count(Cause::Permission)) {
        exits::KEY_REFUSED
    } else if summary.wire > 0 && summary.statuses.is_empty() && summary.cancelled == 0 {
        exits::UNREACHABLE
    } else {
        exits::FAILURE
    }
}
