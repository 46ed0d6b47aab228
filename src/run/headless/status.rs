//! `ratetop status`: the board, once or again and again.

use super::{Desk, Gone, Outlet, heard::Heard, interrupted};
use crate::{
    api::{
        fetch::{self, Kind},
        limits::{Poller, absent},
    },
    cli::{args, error::ConfigError, exits},
    domain::{
        board::Board,
        call::CallOrder,
        id::{CallId, ModelId},
        observation::What,
        org::LimitsState,
        outcome::Outcome,
        time::{Time, after},
    },
    report::{self, Subject, line, status::Status, status_text},
    run::polling::pause_s,
};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Probes of `--watch` are never closer together, seconds.
const PROBE_PAUSE_S: f64 = 30.0;

/// What one source said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Answer {
    /// It did not, or not as the API.
    Unreachable,
    /// It did, but not for this key.
    Refused,
    /// It did.
    Answered,
}

/// Refuses what makes no sense before anything is sent.
pub(super) fn check(args: &args::Status) -> Result<(), ConfigError> {
    let nobody = Subject {
        profile: "",
        base_url: "",
    };
    if let Some(template) = &args.line {
        let filled = line::fill(template, nobody, &Board::default(), Time::UNIX_EPOCH);
        filled.map_err(|why| ConfigError::new(format!("--line: {why}")))?;
    }
    Ok(())
}

pub(super) async fn run(
    args: &args::Status,
    desk: &Desk,
    outlet: &mut Outlet<'_>,
) -> Result<u8, Gone> {
    if !args.probe.is_empty() && desk.session.calls.is_none() {
        outlet.tell(&format!(
            "profile {} has no api_key, which --probe needs",
            desk.session.profile.name
        ));
        return Ok(exits::USAGE);
    }
    let mut watcher = Watcher::new(args, desk);
    let interrupted = interrupted();
    tokio::pin!(interrupted);
    let mut best = Answer::Unreachable;
    loop {
        let answer = tokio::select! {
            biased;
            () = &mut interrupted => return Ok(exits::FINE),
            answer = watcher.look(outlet) => answer,
        };
        best = best.max(answer);
        watcher.print(outlet)?;
        let gate = watcher.gate();
        let Some(interval) = args.watch else {
            return Ok(watcher.exit(best, gate, outlet));
        };
        if gate == Some(exits::BELOW) {
            return Ok(exits::BELOW);
        }
        tokio::select! {
            () = &mut interrupted => return Ok(exits::FINE),
            () = tokio::time::sleep(interval) => {}
        }
    }
}

struct Watcher<'a> {
    args: &'a args::Status,
    desk: &'a Desk,
    heard: Heard,
    poller: Option<Poller>,
    poll_due: Time,
    /// Polls that failed in a row.
    failures: u32,
    probe_due: Time,
    next_call: u64,
    last: Answer,
}

impl<'a> Watcher<'a> {
    fn new(args: &'a args::Status, desk: &'a Desk) -> Self {
        let now = desk.clock.now();
        Self {
            args,
            desk,
            heard: desk.heard(),
            poller: desk.session.poller(0),
            poll_due: now,
            failures: 0,
            probe_due: now,
            next_call: 1,
            last: Answer::Unreachable,
        }
    }

    /// Asks every source that is due; the best of what they said.
    async fn look(&mut self, outlet: &mut Outlet<'_>) -> Answer {
        let now = self.desk.clock.now();
        let mut best = None;
        if now >= self.poll_due {
            best = self.poll().await;
        }
        if now >= self.probe_due {
            let pause = self.args.watch.unwrap_or(Duration::ZERO).as_secs_f64();
            self.probe_due = after(now, pause.max(PROBE_PAUSE_S));
            for model in self.args.probe.clone() {
                best = best.max(Some(self.probe(model.into(), outlet).await));
            }
            self.read_own_workspace().await;
        }
        if best.is_none() && self.poller.is_none() && self.args.probe.is_empty() {
            best = Some(self.knock(outlet).await);
        }
        if let Some(best) = best {
            self.last = best;
        }
        self.last
    }

    async fn poll(&mut self) -> Option<Answer> {
        let interval_s = self.desk.session.profile.limits_interval_s.value;
        let Some(poller) = &mut self.poller else {
            let why = self.desk.session.admin.as_ref().err().cloned();
            let seen = absent(self.desk.clock.now(), why.unwrap_or_default());
            self.heard.absorb(&seen);
            self.poll_due = after(self.desk.clock.now(), interval_s);
            return None;
        };
        let polled = poller.poll().await;
        let seen = polled.seen;
        self.desk.session.learn(&seen);
        self.heard.absorb(&seen);
        let What::Limits { state, .. } = &seen.what else {
            return None;
        };
        let fine = *state == LimitsState::Ok;
        self.failures = if fine { 0 } else { self.failures + 1 };
        let pause_s = pause_s(self.failures, polled.stay_away_s, interval_s);
        self.poll_due = after(self.desk.clock.now(), pause_s);
        Some(match state {
            LimitsState::Ok => Answer::Answered,
            LimitsState::Refused => Answer::Refused,
            _ => Answer::Unreachable,
        })
    }

    /// The overrides of a workspace that only an answer's head has named.
    async fn read_own_workspace(&mut self) {
        let home = self.heard.kept().board.workspace().cloned();
        let (Some(poller), Some(home)) = (&mut self.poller, home) else {
            return;
        };
        if let Some(polled) = poller.settle_in(&home).await {
            self.desk.session.learn(&polled.seen);
            self.heard.absorb(&polled.seen);
        }
    }

    /// One token, one attempt.
    async fn probe(&mut self, model: ModelId, outlet: &mut Outlet<'_>) -> Answer {
        let Some(driver) = self.desk.session.driver(Arc::new(self.heard.clone())) else {
            return Answer::Unreachable;
        };
        let call = CallId(self.next_call);
        self.next_call += 1;
        let order = CallOrder::probe(call, "me".into(), model);
        let around = self.desk.session.around(&order.model);
        // One attempt rolls no dice.
        let mut dice = fastrand::Rng::with_seed(0);
        let end = driver
            .run(&order, &around, &mut dice, &CancellationToken::new())
            .await;
        if let Some(why) = end.unsent {
            outlet.tell(&format!("probe of {}: {why}", order.model));
        }
        let kept = self.heard.kept();
        let attempt = kept.timeline.call(call).and_then(|it| it.attempts.last());
        if let Some(verdict) = attempt.and_then(|it| it.verdict.as_ref()) {
            outlet.tell(&format!("probe of {}: {}", order.model, verdict.sentence));
        }
        match attempt.and_then(|it| it.outcome.as_ref()) {
            Some(Outcome::Refused {
                status: 401 | 403, ..
            }) => Answer::Refused,
            Some(Outcome::Complete { .. } | Outcome::Refused { .. }) => Answer::Answered,
            _ => Answer::Unreachable,
        }
    }

    /// Without Admin key and probe there is nothing to see; a free request tells whether address and
    /// key work.
    async fn knock(&self, outlet: &mut Outlet<'_>) -> Answer {
        let Some(connection) = &self.desk.session.calls else {
            return Answer::Unreachable;
        };
        let target = "/v1/models?limit=1".to_owned();
        match fetch::json(connection, &self.desk.clock, target).await {
            Ok(_) => Answer::Answered,
            Err(trouble) => {
                outlet.tell(&format!("{}: {}", connection.host, trouble.what));
                match trouble.kind {
                    Kind::Refused => Answer::Refused,
                    Kind::Limited => Answer::Answered,
                    _ => Answer::Unreachable,
                }
            }
        }
    }

    fn print(&self, outlet: &mut Outlet<'_>) -> Result<(), Gone> {
        let (kept, now, subject) = (
            self.heard.kept(),
            self.desk.clock.now(),
            self.desk.subject(),
        );
        if self.args.json {
            let events = kept.events.iter();
            let status = Status::of(subject, &kept.board, &kept.refusals, events, now);
            let text = if self.args.watch.is_some() {
                report::to_line(&status)
            } else {
                report::to_pretty(&status)
            };
            return outlet.print(&text.map_err(|_| Gone)?);
        }
        if let Some(template) = &self.args.line {
            let text = line::fill(template, subject, &kept.board, now);
            return outlet.print(&(text.unwrap_or_default() + "\n"));
        }
        let mut text = status_text::text(subject, &kept.board, now);
        if self.args.watch.is_some() {
            text.push('\n');
        }
        outlet.print(&text)
    }

    /// What `--fail-under` says: every pool that was probed, or else every pool with a level, must have
    /// a known level, and none may be below.
    fn gate(&self) -> Option<u8> {
        let under = self.args.fail_under?;
        let (kept, now) = (self.heard.kept(), self.desk.clock.now());
        let left = |pool: &crate::domain::board::Pool| pool.tightest(now)?.1.percent_left();
        let known: Vec<f64> = kept.board.pools().iter().filter_map(left).collect();
        if known.iter().any(|percent| *percent < under) {
            return Some(exits::BELOW);
        }
        let all_told = self.args.probe.iter().all(|model| {
            let pool = kept.board.pool_of(&ModelId::from(model.as_str()));
            pool.and_then(left).is_some()
        });
        (known.is_empty() || !all_told).then_some(exits::CANNOT_TELL)
    }

    fn exit(&self, best: Answer, gate: Option<u8>, outlet: &mut Outlet<'_>) -> u8 {
        let sources = match best {
            Answer::Answered => exits::FINE,
            Answer::Refused => exits::KEY_REFUSED,
            Answer::Unreachable => exits::UNREACHABLE,
        };
        match gate {
            Some(exits::BELOW) => exits::BELOW,
            _ if sources != exits::FINE => {
                let kept = self.heard.kept();
                let told = kept.board.sources();
                // That limits are not polled at all is no reason why nothing was reached.
                if let (Some(error), false) =
                    (&told.limits_error, told.limits == Some(LimitsState::Absent))
                {
                    outlet.tell(error);
                }
                sources
            }
            Some(code) => {
                let advice = if self.args.probe.is_empty() {
                    "no level is known: add --probe MODEL"
                } else {
                    "the level of a probed pool is not known"
                };
                outlet.tell(advice);
                code
            }
            None => sources,
        }
    }
}
