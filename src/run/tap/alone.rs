//! `ratetop tap`: one line on standard output once it accepts connections, refusals on standard error,
//! totals at the end; beside it the admin port, for those that attach, and metrics.

use super::{
    Making, Named, Open,
    chaos::Wanted,
    ears::Telling,
    feeding::{self, Feeding},
    limits, listening,
    metrics::{Left, Metrics},
    place::{Place, Prefer},
    ports::Rules,
    tell,
};
use crate::{
    cli::{
        args::{self, Global, Port},
        environment::Environment,
        profile::Profile,
        token,
    },
    clock::Clock,
    domain::{feed::wire::Hello, observation::VERSION},
    report::tap_text,
    run::signals::Signals,
    tap::{
        admin::{Admin, Shared},
        hear::Sink,
    },
};
use std::{fmt::Write as _, sync::Arc};
use tokio_util::sync::CancellationToken;

/// Runs until a signal.
pub async fn alone(options: &args::Tap, global: &Global, env: &Environment) -> anyhow::Result<()> {
    let place = Place::find(options.upstream.as_deref(), global, env, Prefer::Profile)?;
    let token = options.token_file.as_deref();
    let token = token
        .map(|path| token::read(path, "--token-file"))
        .transpose()?;
    let rules = Rules {
        allow_remote: options.allow_remote,
        token: token.clone(),
    };
    rules.check("--listen", options.listen)?;
    let chaos = options.chaos.as_deref();
    let chaos = chaos
        .map(|wanted| Wanted::read(wanted, options.yes))
        .transpose()?;
    // Before the line is printed: whoever reads it may end us at once.
    let mut signals = Signals::for_server()?;
    let telling = Telling::with(tell)?;
    let (door, last) = (telling.clone(), telling.clone());
    let profile = place.profile().cloned();
    let feed = (options.admin != Port::Off).then(|| Arc::new(Shared::default()));
    let left = (options.metrics != Port::Off).then(|| Arc::new(Left::of(profile.as_ref())));
    let feeding = Arc::new(match (feed.clone(), left.clone()) {
        (None, None) => Feeding::to_nobody(telling),
        (feed, left) => Feeding::to(telling, move |seen| {
            if let Some(left) = &left {
                left.absorb(&seen);
            }
            if let Some(feed) = &feed {
                feed.write(|feed| {
                    for seen in &seen {
                        feed.see(seen);
                    }
                });
            }
        })?,
    });
    let sink: Arc<dyn Sink> = Arc::clone(&feeding) as _;
    let making = Making {
        listen: options.listen,
        token,
        sink: Arc::clone(&sink),
        refused: Box::new(move |refusal| {
            door.line(refusal.to_string());
        }),
        chaos,
        http2: options.http2,
        clock: Clock::start(),
        named: Named::flags(),
    };
    let note = |note: &str| tell(&format!("ratetop: {note}\n"));
    let open = Open::at(making, place, env, note).await?;
    let admin = rules.bind("--admin", options.admin).await?;
    let metrics = rules.bind("--metrics", options.metrics).await?;
    let beside = listening::Beside {
        metrics: metrics.as_ref().map(|bound| bound.address),
        admin: admin.as_ref().map(|bound| bound.address),
    };
    listening::say(open.address, beside, options.json)?;
    tell(&about(&open, beside));
    let stop = CancellationToken::new();
    let (tap, clock) = (Arc::clone(&open.tap), open.clock.clone());
    if let Some((bound, feed)) = admin.zip(feed) {
        let hello = hello(&open, profile.as_ref());
        bound.serve(
            Arc::new(Admin::new(Arc::clone(&feed), hello, clock.clone())),
            stop.clone(),
        );
        let feeding = Arc::clone(&feeding);
        let counting = feeding::count(Arc::clone(&tap), clock.clone(), move |totals| {
            feeding.catch_up();
            feed.write(|feed| feed.count(totals));
        });
        tokio::spawn(stop.clone().run_until_cancelled_owned(counting));
    }
    let looked_at = beside.admin.is_some() || beside.metrics.is_some();
    if let Some((bound, left)) = metrics.zip(left) {
        let metrics = Metrics::new(Arc::clone(&tap), left, feeding, clock.clone());
        bound.serve(Arc::new(metrics), stop.clone());
    }
    if looked_at {
        let hearing = Arc::clone(tap.hearing());
        let polling = limits::poll(profile, env.clone(), clock, hearing, sink);
        tokio::spawn(stop.clone().run_until_cancelled_owned(polling));
    }
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
    last.finish();
    tell(&passed.text());
    Ok(())
}

/// Where it leads and what is beside it, for people.
fn about(open: &Open, beside: listening::Beside) -> String {
    let mut text = format!("upstream {}\n", open.tap.upstream().base().as_str());
    if let Some(admin) = beside.admin {
        let _ = writeln!(
            text,
            "attach with ratetop --attach {}",
            listening::url(admin)
        );
    }
    if let Some(metrics) = beside.metrics {
        let _ = writeln!(text, "metrics at {}/metrics", listening::url(metrics));
    }
    if let Some(plan) = open.tap.chaos() {
        text += &tap_text::banner(&plan.name, &plan.about);
    }
    text
}

/// Who speaks, for those that attach.
#[expect(
    clippy::disallowed_methods,
    reason = "only to tell this run from the next"
)]
fn hello(open: &Open, profile: Option<&Profile>) -> Hello {
    let upstream = open.tap.upstream().base().short();
    let workspace = profile.and_then(|profile| profile.workspace.as_ref());
    Hello {
        program: "ratetop".to_owned(),
        v: VERSION,
        run: format!("{:016x}", fastrand::Rng::new().u64(..)),
        profile: profile
            .map_or(upstream.as_str(), |profile| &profile.name)
            .to_owned(),
        upstream,
        tap: open.address.to_string(),
        workspace: workspace.map(|id| id.value.as_str().to_owned()),
        at: None,
        chaos: open.tap.chaos().map(|plan| plan.name),
    }
}
