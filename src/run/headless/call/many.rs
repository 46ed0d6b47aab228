//! A run of many calls: a line while it goes on, what came of it at its end.

use super::{
    super::{Desk, Gone, Outlet, interrupted},
    guard, one,
};
use crate::{
    api::{
        call::{Around, Ear, Share, Told},
        load::{Load, LoadEnd},
    },
    assets,
    cli::{args, exits},
    clock::Clock,
    domain::{
        call::CallOrder,
        load::{live::Live, plan::Plan, result::Summary},
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
struct Folds(Mutex<Live>);

impl Folds {
    /// Do not hold it over an await.
    fn live(&self) -> MutexGuard<'_, Live> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ear for Folds {
    fn hear(&self, told: Told) -> BoxFuture<'_, ()> {
        if let Told::Seen(seen) = &told {
            self.live().absorb(seen);
        }
        std::future::ready(()).boxed()
    }
}

pub(super) async fn run(
    args: &args::Call,
    plan: Plan,
    (order, around): (CallOrder, Around),
    desk: &Desk,
    dice: &mut fastrand::Rng,
    outlet: &mut Outlet<'_>,
) -> Result<u8, Gone> {
    if let Err(why) = guard::pass(&plan, &order, args.yes, desk, outlet) {
        outlet.tell(&why);
        return Ok(exits::USAGE);
    }
    let free = desk.session.free;
    let prices = assets::prices();
    let summary = Summary::new(desk.clock.now()).with_prices((!free).then(|| Arc::clone(&prices)));
    let folds = Arc::new(Folds(Mutex::new(Live::new(summary, KEEPS))));
    let share = Arc::new(
        Share::new(args.budget()).paced(args.pace.map(|pacing| pacing.pace(plan.workers))),
    );
    let ear = Arc::clone(&folds);
    let Some(mut driver) = desk.session.driver(ear) else {
        return Ok(super::no_key(desk, outlet));
    };
    driver.share = Arc::clone(&share);
    let model = order.model.clone();
    let mut about = Run {
        plan: &plan,
        model: model.as_str(),
        policy: order.policy.name(),
        retry_budget_percent: args.retry_budget,
        pace: None,
        free,
        interrupted: false,
        unsent: None,
    };
    let load = Load {
        driver,
        order,
        around,
        plan,
    };
    let cancel = CancellationToken::new();
    let end = watched(load, dice, &cancel, (&folds, &about, &desk.clock), outlet).await;
    let mut live = folds.live();
    live.end(end.missed, &end.late_s, share.denied());
    let held: Vec<Held> = share
        .waited()
        .into_iter()
        .map(|(gate, waited)| Held {
            gate,
            requests: waited.requests,
            seconds: waited.seconds,
        })
        .collect();
    about.pace = args.pace.map(|pacing| (pacing.word(), held.as_slice()));
    about.interrupted = cancel.is_cancelled();
    about.unsent = end.unsent.as_deref();
    if args.json {
        let cost = |call: &_| {
            if free {
                Some(0.0)
            } else {
                one::spent(call, &prices)
            }
        };
        let calls = Calls::of_run(&live, &about, cost);
        outlet.print(&report::to_pretty(&calls).map_err(|_| Gone)?)?;
    } else {
        outlet.print(&run_text::result(live.summary(), &about))?;
    }
    if let Some(why) = &end.unsent {
        outlet.tell(why);
    }
    Ok(exit(live.summary()))
}

/// Runs it, with a line of progress where a person looks, until its end or Ctrl-C.
async fn watched(
    load: Load,
    dice: &mut fastrand::Rng,
    cancel: &CancellationToken,
    (folds, about, clock): (&Folds, &Run<'_>, &Clock),
    outlet: &mut Outlet<'_>,
) -> LoadEnd {
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
                let line = run_text::progress(&folds.live(), about, clock.now());
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
