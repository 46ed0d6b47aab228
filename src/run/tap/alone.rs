//! `ratetop tap`: one line on standard output once it accepts connections, refusals on standard error,
//! totals at the end.

use super::{
    Making, Open,
    chaos::Wanted,
    ears::Telling,
    listening,
    place::{Place, Prefer},
    tell,
};
use crate::{
    cli::{
        args::{self, Global},
        environment::Environment,
        error::ConfigError,
        token,
    },
    report::tap_text,
    run::signals::Signals,
};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Runs until a signal.
pub async fn alone(options: &args::Tap, global: &Global, env: &Environment) -> anyhow::Result<()> {
    let place = Place::find(options.upstream.as_deref(), global, env, Prefer::Profile)?;
    if !options.listen.ip().is_loopback() && !options.allow_remote {
        return Err(ConfigError::new(format!(
            "--listen: {} can be reached from other machines: add --allow-remote and --token-file, or \
             listen on 127.0.0.1",
            options.listen
        ))
        .into());
    }
    let token = options.token_file.as_deref().map(token::read).transpose()?;
    let chaos = options.chaos.as_deref();
    let chaos = chaos
        .map(|wanted| Wanted::read(wanted, options.yes))
        .transpose()?;
    // Before the line is printed: whoever reads it may end us at once.
    let mut signals = Signals::for_server()?;
    let telling = Telling::with(tell)?;
    let lines = telling.lines();
    let making = Making {
        listen: options.listen,
        token,
        sink: Arc::new(telling),
        refused: Box::new(move |refusal| {
            let _ = lines.send(format!("{refusal}\n"));
        }),
        chaos,
    };
    let note = |note: &str| tell(&format!("ratetop: {note}\n"));
    let open = Open::at(making, place, env, note).await?;
    listening::say(open.address, options.json)?;
    tell(&format!(
        "upstream {}\n",
        open.tap.upstream().base().as_str()
    ));
    if let Some(plan) = open.tap.chaos() {
        tell(&tap_text::banner(&plan.name, &plan.about));
    }
    let stop = CancellationToken::new();
    let serving = open.serve(stop.clone());
    tokio::pin!(serving);
    let passed = tokio::select! {
        passed = &mut serving => passed,
        _ = signals.next() => {
            stop.cancel();
            tokio::select! {
                passed = &mut serving => passed,
                // Whoever asks twice does not want to wait.
                _ = signals.next() => return Ok(()),
            }
        }
    };
    tell(&passed.text());
    Ok(())
}
