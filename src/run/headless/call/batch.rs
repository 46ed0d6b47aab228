//! `ratetop call --batch`: the same work as a message batch.

use super::{
    super::{Desk, Gone, Outlet},
    guard,
};
use crate::{
    api::batches::{self, Heed},
    cli::{args, exits},
    domain::{
        batch::{BatchOrder, Standing},
        call::CallOrder,
        load::plan::Plan,
        outcome::Outcome,
        time::{seconds_between, spoken},
        verdict::Cause,
    },
    report::{
        self,
        batch::{BatchOut, Done},
    },
    run::{batch, signals::Signals},
};
use std::{
    io::IsTerminal,
    sync::{Arc, Mutex, PoisonError},
};
use tokio_util::sync::CancellationToken;

/// There is no board here that would hear what its requests tell.
struct Deaf;

impl crate::api::call::Ear for Deaf {
    fn hear(&self, _: crate::api::call::Told) -> futures_util::future::BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

pub(super) async fn run(
    args: &args::Call,
    plan: &Plan,
    order: &CallOrder,
    desk: &Desk,
    dice: &mut fastrand::Rng,
    outlet: &mut Outlet<'_>,
) -> Result<u8, Gone> {
    let asked = BatchOrder {
        order: order.clone(),
        requests: plan.most_calls(),
    };
    let fits = batches::fits(order, asked.requests);
    if let Err(why) = fits.and_then(|()| guard::pass(plan, order, (args, false), desk, outlet)) {
        outlet.tell(&why);
        return Ok(exits::USAGE);
    }
    let Some(driver) = desk.session.driver(Arc::new(Deaf)) else {
        return Ok(super::no_key(desk, outlet));
    };
    // One listener for all of them: what comes between two looks is not lost.
    let mut signals = match Signals::for_server() {
        Ok(signals) => signals,
        Err(error) => {
            outlet.tell(&format!("signals cannot be listened to: {error}"));
            return Ok(exits::FAILURE);
        }
    };
    let began = desk.clock.now();
    let shown = std::io::stderr().is_terminal();
    let standing = {
        let cancel = CancellationToken::new();
        let heed = Heed::new(cancel.clone(), true);
        let people = Mutex::new(&mut *outlet);
        let people = || people.lock().unwrap_or_else(PoisonError::into_inner);
        let tell = |standing: &Standing| {
            if let (true, Some(batch)) = (shown, &standing.batch) {
                let waited = spoken(seconds_between(began, desk.clock.now()).round());
                people().progress(&format!("\r{waited} · {}\u{1b}[K", batch.sentence()));
            }
        };
        let made = batch::make(&driver, &desk.session, &asked, heed, dice, tell);
        tokio::pin!(made);
        loop {
            tokio::select! {
                biased;
                standing = &mut made => break standing,
                _ = signals.next() => {
                    let line_end = if shown { "\n" } else { "" };
                    people().progress(line_end);
                    // Whoever asks twice does not want to wait.
                    if cancel.is_cancelled() {
                        people().tell("left: if the API has the batch it goes on there, and is paid");
                        return Ok(exits::FAILURE);
                    }
                    people().tell("cancelling, as soon as the API answers; Ctrl-C again leaves it there");
                    cancel.cancel();
                }
            }
        }
    };
    if shown {
        outlet.progress("\r\u{1b}[K");
    }
    let done = Done {
        asked: &asked,
        standing: &standing,
        elapsed_s: seconds_between(began, desk.clock.now()),
        free: desk.session.free,
    };
    if args.json {
        outlet.print(&report::to_pretty(&BatchOut::of(&done)).map_err(|_| Gone)?)?;
    } else {
        outlet.print(&report::batch::text(&done))?;
    }
    if let Some(why) = &standing.unsent {
        outlet.tell(why);
    }
    Ok(exit(&standing, asked.requests))
}

/// 0 when all was answered, 4 when the key was refused, 5 when nobody was reached.
fn exit(standing: &Standing, requests: u32) -> u8 {
    let results = standing.results.as_ref();
    if results.is_some_and(|tally| tally.succeeded == u64::from(requests)) {
        return exits::FINE;
    }
    let refused = standing.refused.as_ref();
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
