//! `ratetop call`: one test call, its attempts told as they happen.

use super::{Desk, Gone, Outlet, heard::Heard, interrupted};
use crate::{
    api::call::{Ear, Told},
    assets,
    cli::{args, exits},
    domain::{
        call::CallOrder,
        id::CallId,
        observation::{CallResult, Source, What},
        outcome::{Outcome, Unreachable},
        retry::{Limits, Policy},
        timeline::Call,
        verdict::Cause,
    },
    report::{self, call::Calls, call::Ended, call_text},
};
use futures_util::{FutureExt, future::BoxFuture};
use std::{
    io::{IsTerminal, Read},
    sync::Arc,
    time::Duration,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A prompt from standard input is never longer: the API takes 32 MB.
const MOST_BYTES: u64 = 32 << 20;
/// For limits before the call.
const POLL_PATIENCE: Duration = Duration::from_secs(3);
/// The id of the only call of this session.
const CALL: CallId = CallId(1);

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
    desk: &Desk,
    outlet: &mut Outlet<'_>,
) -> Result<u8, Gone> {
    if args.model.is_none() {
        desk.session.settle_model().await;
    }
    let order = match order(args, desk) {
        Ok(order) => order,
        Err(why) => {
            outlet.tell(&why);
            return Ok(exits::USAGE);
        }
    };
    let heard = desk.heard();
    // With limits at hand a call that is larger than its own bucket is told apart.
    // That is worth a moment, not more.
    if let Some(mut poller) = desk.session.poller(0)
        && let Ok(polled) = tokio::time::timeout(POLL_PATIENCE, poller.poll()).await
    {
        desk.session.learn(&polled.seen);
        heard.absorb(&polled.seen);
    }
    let around = desk.session.around(&order.model);
    let (people, mut told) = mpsc::unbounded_channel();
    let ear = Both {
        heard: heard.clone(),
        people,
    };
    let Some(driver) = desk.session.driver(Arc::new(ear)) else {
        outlet.tell(&format!(
            "profile {} has no api_key",
            desk.session.profile.name
        ));
        return Ok(exits::USAGE);
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "a command of its own seeds its own dice"
    )]
    let mut dice = fastrand::Rng::new();
    let cancel = CancellationToken::new();
    let live = !args.json && std::io::stdout().is_terminal();
    let end = {
        let call = driver.run(&order, &around, &mut dice, &cancel);
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
    let usage = call.usage();
    let ended = Ended {
        call,
        text: &kept.text,
        free: desk.session.free,
        cost_usd: match usage {
            _ if desk.session.free => Some(0.0),
            Some(usage) => assets::prices().cost(&order.model, &usage),
            // Nothing was served, so nothing was charged.
            None => (!maybe_served(call)).then_some(0.0),
        },
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

fn order(args: &args::Call, desk: &Desk) -> Result<CallOrder, String> {
    let form = desk.session.form();
    let prompt = match args.prompt.as_deref() {
        Some("-") => read_prompt()?,
        Some(text) => text.to_owned(),
        None => form.prompt,
    };
    if prompt.trim().is_empty() {
        return Err("the prompt is empty".to_owned());
    }
    let named = args.policy.as_deref().and_then(Policy::named);
    let policy = named.unwrap_or(form.policy);
    if let Some(why) = policy.refusal(desk.session.free) {
        return Err(format!("policy {why}"));
    }
    // The profile's attempts belong to the profile's policy.
    let attempts = args
        .attempts
        .or(form.attempts.filter(|_| named.is_none()))
        .unwrap_or(policy.attempts());
    let seconds = |span: Option<Duration>| span.map(|span| span.as_secs_f64());
    let limits = Limits {
        deadline_s: seconds(args.deadline),
        longest_wait_s: seconds(args.max_wait),
    };
    Ok(CallOrder {
        call: CALL,
        client: "me".into(),
        source: Source::Call,
        model: args.model.clone().unwrap_or(form.model).into(),
        prompt,
        max_tokens: args.max_tokens.unwrap_or(form.max_tokens),
        stream: (form.stream || args.stream) && !args.no_stream,
        policy,
        attempts,
        limits,
    })
}

fn read_prompt() -> Result<String, String> {
    let mut bytes = Vec::new();
    let stdin = std::io::stdin().lock();
    stdin
        .take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("the prompt cannot be read from standard input: {error}"))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err("the prompt is longer than 32 MB".to_owned());
    }
    String::from_utf8(bytes).map_err(|_| "the prompt is not UTF-8".to_owned())
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
                // Every failure is followed by a decision, which is told with it.
                What::Decided { .. } => true,
                What::Finished { outcome, .. } => {
                    matches!(outcome, Outcome::Complete { .. } | Outcome::Cancelled)
                }
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

/// Whether an attempt may have been served although nobody said so.
fn maybe_served(call: &Call) -> bool {
    call.attempts.iter().any(|attempt| {
        let refused = matches!(
            attempt.outcome,
            None | Some(Outcome::Refused { .. } | Outcome::Foreign { .. })
        );
        // A connection that never stood served nothing; one that broke may have.
        let unreached = matches!(
            attempt.outcome,
            Some(Outcome::Unreachable {
                kind: Unreachable::Dns | Unreachable::Refused | Unreachable::Tls,
                ..
            })
        );
        !refused && !unreached
    })
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
