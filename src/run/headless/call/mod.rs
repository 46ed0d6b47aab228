//! `ratetop call`: one test call ([`one`]) or a run of many ([`many`]), perhaps beside another one
//! ([`beside`]), or the same as a message batch ([`batch`]), behind the spend guard ([`guard`]).

mod batch;
mod beside;
mod guard;
mod many;
mod one;

use super::{Desk, Gone, Outlet};
use crate::{
    cli::{args, exits, policies::find},
    domain::{call::CallOrder, id::CallId, observation::Source, retry::Limits},
};
use std::{io::Read, time::Duration};

/// A prompt from standard input is never longer: the API takes 32 MB.
const MOST_BYTES: u64 = 32 << 20;
/// For limits before the call.
const POLL_PATIENCE: Duration = Duration::from_secs(3);
/// The id of the first call of this session.
const CALL: CallId = CallId(1);

/// What can be refused before anything is opened.
pub(super) fn check(args: &args::Call) -> Result<(), String> {
    args.agrees()
}

pub(super) async fn run(
    args: &args::Call,
    desk: &Desk,
    outlet: &mut Outlet<'_>,
) -> Result<u8, Gone> {
    if args.model.is_none() {
        desk.session.settle_model().await;
    }
    let planned = args.plan().and_then(|plan| Ok((plan, order(args, desk)?)));
    let (plan, order) = match planned {
        Ok(planned) => planned,
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
    #[expect(
        clippy::disallowed_methods,
        reason = "a command of its own seeds its own dice"
    )]
    let mut dice = fastrand::Rng::new();
    if args.batch {
        return batch::run(args, &plan, &order, desk, &mut dice, outlet).await;
    }
    if plan.is_single() {
        return one::run(args, &order, (&around, heard), desk, &mut dice, outlet).await;
    }
    many::run(args, plan, (order, around), desk, &mut dice, outlet).await
}

fn no_key(desk: &Desk, outlet: &mut Outlet<'_>) -> u8 {
    let name = &desk.session.profile.name;
    outlet.tell(&format!("profile {name} has no api_key"));
    exits::USAGE
}

fn order(args: &args::Call, desk: &Desk) -> Result<CallOrder, String> {
    let form = desk.session.form();
    let prompt = prompt(args, form.prompt)?;
    let named = args.policy.as_deref();
    let policies = &desk.session.profile.policies;
    let named = named.map(|name| find(policies, name)).transpose()?;
    let policy = named.unwrap_or(form.policy);
    if let Some(why) = policy.refusal(desk.session.free) {
        return Err(format!("policy {why}"));
    }
    // The profile's attempts belong to the profile's policy.
    let attempts = args
        .attempts
        .or(form.attempts.filter(|_| named.is_none()))
        .unwrap_or(policy.attempts());
    let model = args.model.clone().unwrap_or(form.model);
    // A spread over models writes a prompt that the first of them keeps.
    let first = args.spread.as_ref().and_then(|spread| spread.parts.first());
    let model = first.map_or(model, |part| part.model.to_string());
    let seconds = |span: Option<Duration>| span.map(|span| span.as_secs_f64());
    let limits = Limits {
        deadline_s: seconds(args.deadline),
        longest_wait_s: seconds(args.max_wait),
        broken: args.mid_stream.unwrap_or_default(),
    };
    Ok(CallOrder {
        call: CALL,
        client: "me".into(),
        source: Source::Call,
        cache: args.cache(&model),
        model: model.into(),
        prompt,
        max_tokens: args.max_tokens.unwrap_or(form.max_tokens),
        stream: (form.stream || args.stream) && !args.no_stream,
        policy,
        attempts,
        limits,
    })
}

/// What is asked: the argument, standard input, or what the profile says.
pub(super) fn prompt(args: &args::Call, default: String) -> Result<String, String> {
    let prompt = match args.prompt.as_deref() {
        Some("-") => read_prompt()?,
        Some(text) => text.to_owned(),
        None => default,
    };
    if prompt.trim().is_empty() {
        return Err("the prompt is empty".to_owned());
    }
    Ok(prompt)
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
