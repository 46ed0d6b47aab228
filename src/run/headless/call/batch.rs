//! `ratetop call --batch`: the same work as a message batch.

use super::{
    super::{Desk, Gone, Outlet, interrupted},
    guard,
};
use crate::{
    api::batches::{self, Batches, Refused, Results},
    assets,
    cli::{args, exits},
    domain::{
        batch::{self, Batch},
        call::CallOrder,
        load::plan::Plan,
        org::GroupKind,
        outcome::Outcome,
        time::{seconds_between, spoken},
        verdict::Cause,
    },
    report::{
        self,
        batch::{BatchOut, Done},
    },
};
use bytes::Bytes;
use std::{io::IsTerminal, sync::Arc, time::Duration};

/// Nobody hears what a batch tells: it is no call.
struct Deaf;

impl crate::api::call::Ear for Deaf {
    fn hear(&self, _: crate::api::call::Told) -> futures_util::future::BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// What came of it.
#[derive(Default)]
struct End {
    batch: Option<Batch>,
    results: Option<Results>,
    refused: Option<Refused>,
    interrupted: bool,
}

pub(super) async fn run(
    args: &args::Call,
    plan: &Plan,
    order: &CallOrder,
    desk: &Desk,
    dice: &mut fastrand::Rng,
    outlet: &mut Outlet<'_>,
) -> Result<u8, Gone> {
    let requests = plan.most_calls();
    let body = match batches::body(order, requests) {
        Ok(body) => body,
        Err(why) => {
            outlet.tell(&why);
            return Ok(exits::USAGE);
        }
    };
    if let Err(why) = guard::pass(plan, order, (args, false), desk, outlet) {
        outlet.tell(&why);
        return Ok(exits::USAGE);
    }
    let Some(driver) = desk.session.driver(Arc::new(Deaf)) else {
        return Ok(super::no_key(desk, outlet));
    };
    let (known, _) = desk.session.known();
    let guessed = || assets::tiers().guess_groups(None);
    let of_batches = |groups: Vec<crate::domain::org::Group>| {
        groups.into_iter().find(|it| it.kind == GroupKind::Batch)
    };
    let pool = of_batches(known).or_else(|| of_batches(guessed()));
    let mut batches = Batches {
        connection: Arc::clone(&driver.connection),
        clock: desk.clock.clone(),
        order,
        pool,
        made: 0,
        limited: 0,
    };
    let began = desk.clock.now();
    let ticket = driver
        .purse
        .reserve_batch(order, &order.most(), u64::from(requests));
    let (end, unsent) = match &ticket {
        Ok(_) => (made(&mut batches, body, dice, outlet).await, None),
        Err(why) => (End::default(), Some(why.as_str())),
    };
    if let Ok(ticket) = ticket {
        let none = end.batch.is_none();
        let refused = end.refused.as_ref();
        let never = none && refused.is_some_and(|it| it.outcome.status().is_some());
        match &end.results {
            Some(results) => driver.purse.settle_batch(ticket, Some(&results.usages)),
            // A refused creation costs nothing; of anything else nobody knows.
            None if never => driver.purse.settle_batch(ticket, Some(&[])),
            None => driver.purse.settle_batch(ticket, None),
        }
    }
    let free = desk.session.free;
    let prices = assets::prices();
    let cost = |results: &Results| {
        let costs = results.usages.iter();
        let sum: Option<f64> = costs.map(|usage| prices.cost(&order.model, usage)).sum();
        sum.map(|usd| usd * batch::PRICE)
    };
    let done = Done {
        model: &order.model,
        requests,
        batch: end.batch.as_ref(),
        results: end.results.as_ref().map(|it| &it.tally),
        pool: batches.pool.as_ref(),
        made: batches.made,
        limited: batches.limited,
        elapsed_s: seconds_between(began, desk.clock.now()),
        free,
        cost_usd: match &end.results {
            _ if free => Some(0.0),
            Some(results) => cost(results),
            None => None,
        },
        interrupted: end.interrupted,
        unsent,
        verdict: end.refused.as_ref().and_then(|it| it.verdict.as_deref()),
    };
    if args.json {
        outlet.print(&report::to_pretty(&BatchOut::of(&done)).map_err(|_| Gone)?)?;
    } else {
        outlet.print(&report::batch::text(&done))?;
    }
    if let Some(why) = unsent {
        outlet.tell(why);
    }
    Ok(exit(&end, requests))
}

/// Submits it, watches it, and reads its results; Ctrl-C cancels it.
async fn made(
    batches: &mut Batches<'_>,
    body: Bytes,
    dice: &mut fastrand::Rng,
    outlet: &mut Outlet<'_>,
) -> End {
    let mut end = End::default();
    let mut batch = match batches.create(body, dice).await {
        Ok(batch) => batch,
        Err(refused) => {
            end.refused = Some(refused);
            return end;
        }
    };
    let shown = std::io::stderr().is_terminal();
    let began = batches.clock.now();
    let mut looks = 0;
    let interrupted = interrupted();
    tokio::pin!(interrupted);
    while !batch.is_over() {
        if shown {
            let waited = spoken(seconds_between(began, batches.clock.now()).round());
            outlet.progress(&format!("\r{waited} · {}\u{1b}[K", batch.sentence()));
        }
        let pause = Duration::from_secs_f64(batch::look_again_s(looks));
        let looked = tokio::select! {
            biased;
            () = &mut interrupted, if !end.interrupted => {
                end.interrupted = true;
                batches.cancel(&batch.id, dice).await
            }
            () = tokio::time::sleep(pause) => batches.state(&batch.id, dice).await,
        };
        looks += 1;
        match looked {
            Ok(now) => batch = now,
            Err(refused) => {
                end.refused = Some(refused);
                break;
            }
        }
        if end.interrupted {
            // What is under way ends by itself; its results can be had later by the batch's id.
            break;
        }
    }
    if shown {
        outlet.progress("\r\u{1b}[K");
    }
    if batch.is_over() {
        match batches.results(&batch.id, dice).await {
            Ok(results) => end.results = Some(results),
            Err(refused) => end.refused = Some(refused),
        }
    }
    end.batch = Some(batch);
    end
}

/// 0 when all was answered, 4 when the key was refused, 5 when nobody was reached.
fn exit(end: &End, requests: u32) -> u8 {
    let all = |results: &Results| results.tally.succeeded == u64::from(requests);
    if end.results.as_ref().is_some_and(all) {
        return exits::FINE;
    }
    let refused = end.refused.as_ref();
    let cause = refused
        .and_then(|it| it.verdict.as_ref())
        .map(|it| it.cause);
    match cause {
        Some(Cause::Auth | Cause::Permission) => exits::KEY_REFUSED,
        _ if refused.is_some_and(|it| matches!(it.outcome, Outcome::Unreachable { .. })) => {
            exits::UNREACHABLE
        }
        _ => exits::FAILURE,
    }
}
