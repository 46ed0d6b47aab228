//! `ratetop exec`: one command with a tap of its own in front of the API.

use super::{
    Making, Named, Open,
    ears::Keeping,
    listening, pass_on,
    place::{Place, Prefer, VARIABLE},
    tell,
};
use crate::{
    cli::{
        args::{self, Global},
        environment::Environment,
    },
    clock::Clock,
};
use std::{io, net::SocketAddr, process::ExitStatus, sync::Arc};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// As shells have it: the command cannot be run.
const CANNOT_RUN: u8 = 126;
/// As shells have it: there is no such command.
const NOT_FOUND: u8 = 127;

/// Runs the command to its end; its exit code.
pub async fn around(
    options: &args::Exec,
    global: &Global,
    env: &Environment,
) -> anyhow::Result<u8> {
    let place = Place::find(options.upstream.as_deref(), global, env, Prefer::Variable)?;
    let keeping = Arc::new(Keeping::default());
    let door = Arc::clone(&keeping);
    let making = Making {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        token: None,
        sink: Arc::clone(&keeping) as _,
        refused: Box::new(move |refusal| door.keep(refusal.to_string())),
        chaos: None,
        http2: options.http2,
        clock: Clock::start(),
        named: Named::flags(),
    };
    let note = |note: &str| tell(&format!("ratetop: {note}\n"));
    let open = Open::at(making, place, env, note).await?;
    let mut signals = pass_on::Signals::listen()?;
    let Some((program, arguments)) = options.command.split_first() else {
        return Ok(CANNOT_RUN);
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env(VARIABLE, listening::url(open.address));
    for (name, value) in around_proxies(env) {
        command.env(name, value);
    }
    let stop = CancellationToken::new();
    let serving = open.serve(stop.clone());
    tokio::pin!(serving);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let program = crate::domain::clean::clean(&program.to_string_lossy(), 200);
            tell(&format!("ratetop: cannot start {program}: {error}\n"));
            let missing = error.kind() == io::ErrorKind::NotFound;
            return Ok(if missing { NOT_FOUND } else { CANNOT_RUN });
        }
    };
    let ended = loop {
        tokio::select! {
            ended = child.wait() => break ended?,
            signal = signals.next() => pass_on::to(&child, signal?),
            _ = &mut serving => anyhow::bail!("the tap ended before the command"),
        }
    };
    stop.cancel();
    let passed = serving.await;
    tell(&keeping.text());
    tell(&passed.text());
    Ok(code(ended))
}

/// A proxy of the environment must not take what goes to the tap.
fn around_proxies(env: &Environment) -> Vec<(&'static str, String)> {
    let proxied = env
        .names()
        .any(|name| name.to_ascii_lowercase().ends_with("_proxy"));
    if !proxied {
        return Vec::new();
    }
    ["NO_PROXY", "no_proxy"]
        .map(|name| {
            let listed = env.get(name).or_else(|| env.get("NO_PROXY"));
            let listed = listed.or_else(|| env.get("no_proxy"));
            let comma = if listed.is_some() { "," } else { "" };
            let value = format!("{}{comma}127.0.0.1", listed.unwrap_or_default());
            (name, value)
        })
        .into()
}

/// The command's exit code; 128 and the signal's number where one ended it.
fn code(ended: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&ended) {
        return 128_u8.saturating_add(signal as u8);
    }
    ended
        .code()
        .map_or(crate::cli::exits::FAILURE, |code| code as u8)
}
