//! One call: its answer as it comes, its attempts as they end.

use super::{
    super::{Desk, Gone, Outlet, heard::Heard, interrupted},
    CALL,
};
use crate::{
    api::call::{Around, Ear, Told},
    assets,
    cli::{args, exits},
    domain::{
        call::CallOrder,
        load::result::{cost, was_sent},
        observation::{CallResult, What},
        outcome::Outcome,
        spend::Prices,
        timeline::Call,
        verdict::Cause,
    },
    report::{self, call::Calls, call::Ended, call_text},
};
use futures_util::{FutureExt, future::BoxFuture};
use std::{io::IsTerminal, sync::Arc};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Keeps everything, and passes on what is told to people.
struct Both {
    heard: Heard,
    people: mpsc::UnboundedSender<Told>,
}

impl Ear for Both {
    fn hear(&self, told: Told) -> BoxFuture<'_, ()> {
        let _ = self.people.send(told.clone());
        async move { self.heard.hear(told).await }.boxed()
    }
}

pub(super) async fn run(
    args: &args::Call,
    order: &CallOrder,
    (around, heard): (&Around, Heard),
    desk: &Desk,
    dice: &mut fastrand::Rng,
    outlet: &mut Outlet<'_>,
) -> Result<u8, Gone> {
    let (people, mut told) = mpsc::unbounded_channel();
    let ear = Both {
        heard: heard.clone(),
        people,
    };
    let Some(driver) = desk.session.driver(Arc::new(ear)) else {
        return Ok(super::no_key(desk, outlet));
    };
    let cancel = CancellationToken::new();
    let live = !args.json && std::io::stdout().is_terminal();
    let end = {
        let call = driver.run(order, around, dice, &cancel);
        tokio::pin!(call);
        let interrupted = interrupted();
        tokio::pin!(interrupted);
        loop {
            tokio::select! {
                biased;
                Some(told) = told.recv() => tell(&told, &heard, live, args.json, outlet)?,
                end = &mut call => break end,
                () = &mut interrupted, if !cancel.is_cancelled() => cancel.cancel(),
            }
        }
    };
    while let Ok(told) = told.try_recv() {
        tell(&told, &heard, live, args.json, outlet)?;
    }
    let kept = heard.kept();
    let Some(call) = kept.timeline.call(CALL) else {
        return Ok(exits::FAILURE);
    };
    let listed = spent(call, &assets::prices());
    let ended = Ended {
        call,
        text: Some(&kept.text),
        cache: order.cache,
        free: desk.session.free,
        cost_usd: if desk.session.free { Some(0.0) } else { listed },
        list_cost_usd: listed,
        unsent: end.unsent.as_deref(),
    };
    if args.json {
        outlet.print(&report::to_pretty(&Calls::of(&[ended])).map_err(|_| Gone)?)?;
    } else {
        if !live && !kept.text.is_empty() {
            outlet.print(&crate::domain::clean::clean_lines(&kept.text))?;
        }
        if !kept.text.is_empty() {
            outlet.print("\n")?;
        }
        outlet.progress(&call_text::summary(&ended));
    }
    if let Some(why) = end.unsent {
        outlet.tell(&why);
    }
    Ok(exit(end.result, call))
}

/// Tells people what happens: text as it streams, attempts as they end.
fn tell(
    told: &Told,
    heard: &Heard,
    live: bool,
    json: bool,
    outlet: &mut Outlet<'_>,
) -> Result<(), Gone> {
    match told {
        Told::Text { delta, .. } if live => {
            outlet.print(&crate::domain::clean::clean_lines(delta))?;
        }
        Told::Seen(seen) if !json => {
            let over = match &seen.what {
                // Every failure is followed by a decision, which is told with it; a paused turn too.
                What::Decided { .. } => true,
                What::Finished { outcome, .. } => match outcome {
                    Outcome::Complete { stop_reason, .. } => {
                        stop_reason.as_deref() != Some("pause_turn")
                    }
                    outcome => *outcome == Outcome::Cancelled,
                },
                _ => false,
            };
            let kept = heard.kept();
            let call = kept.timeline.call(CALL).filter(|_| over);
            let attempt = call.and_then(|call| {
                call.attempts
                    .iter()
                    .rev()
                    .find(|it| Some(it.n) == seen.attempt && it.outcome.is_some())
            });
            if let Some(attempt) = attempt {
                outlet.progress(&call_text::attempt(attempt));
            }
        }
        _ => {}
    }
    Ok(())
}

/// What the attempts of a call cost; none when of one nobody knows.
pub(super) fn spent(call: &Call, prices: &Prices) -> Option<f64> {
    let attempts = call.attempts.iter().filter(|it| was_sent(it));
    attempts.map(|it| cost(call, it, prices)).sum()
}

fn exit(result: CallResult, call: &Call) -> u8 {
    let last = call.attempts.last();
    let cause = last.and_then(|it| it.verdict.as_ref()).map(|it| it.cause);
    match (result, cause) {
        (CallResult::Ok, _) => exits::FINE,
        (CallResult::Failed, Some(Cause::Auth | Cause::Permission)) => exits::KEY_REFUSED,
        (CallResult::Failed, _)
            if matches!(
                last.and_then(|it| it.outcome.as_ref()),
                Some(Outcome::Unreachable { .. })
            ) =>
        {
            exits::UNREACHABLE
        }
        _ => exits::FAILURE,
    }
}
