//! `ratetop limits`: the organization's limits and every workspace's overrides.

use super::{Desk, Gone, Outlet};
use crate::{
    api::limits::Poller,
    assets,
    cli::{args, exits},
    domain::{
        clean::clean,
        id::WorkspaceId,
        observation::What,
        org::{LimitsSnapshot, LimitsState},
    },
    report::{self, limits::Limits},
};
use std::{
    io::{self, IsTerminal},
    sync::Arc,
};

pub(super) async fn run(
    args: &args::Limits,
    desk: &Desk,
    outlet: &mut Outlet<'_>,
) -> Result<u8, Gone> {
    let admin = match &desk.session.admin {
        Ok(admin) => admin,
        Err(why) => {
            if args.json {
                let absent = LimitsState::Absent;
                let (subject, now) = (desk.subject(), desk.clock.now());
                let report = Limits::of(subject, absent, Some(why), None, None, None, now);
                let text = report::to_pretty(&report).map_err(|_| Gone)?;
                outlet.print(&text)?;
            }
            outlet.tell(why);
            return Ok(if desk.session.silent.is_some() {
                exits::UNREACHABLE
            } else {
                exits::USAGE
            });
        }
    };
    let only = args.workspace.as_deref().map(WorkspaceId::from);
    // One workspace is read with the poll itself; all of them follow it, one a second.
    let mut connection = admin.as_ref().clone();
    let mut turns = usize::MAX;
    if let Some(only) = &only {
        connection.workspace = Some(only.clone());
        turns = 0;
    }
    let mut poller = Poller::new(Arc::new(connection), desk.clock.clone(), turns);
    let polled = poller.poll().await;
    let What::Limits {
        state,
        error,
        mut snapshot,
    } = polled.seen.what
    else {
        return Ok(exits::FAILURE);
    };
    if let Some(whole) = &mut snapshot {
        // A second each: whoever waits sees for what.
        let all = poller.turns_left();
        let shown = all > 1 && io::stderr().is_terminal();
        let progress = |left: usize, outlet: &mut Outlet<'_>| {
            if shown && left > 0 {
                let nth = all - left + 1;
                outlet.progress(&format!(
                    "\rreading workspace {nth} of {all}, one a second\u{1b}[K"
                ));
            }
        };
        progress(all, outlet);
        while let Some(turn) = poller.turn().await {
            progress(poller.turns_left(), outlet);
            if let What::Limits {
                snapshot: Some(more),
                ..
            } = turn.seen.what
            {
                whole.overrides.extend(more.overrides);
                whole.faults.extend(more.faults);
            }
        }
        if shown {
            outlet.progress("\r\u{1b}[K");
        }
    }
    let tiers = assets::tiers();
    let tier = snapshot.as_ref().and_then(|it| tiers.infer(&it.groups));
    let now = desk.clock.now();
    let report = Limits::of(
        desk.subject(),
        state.clone(),
        error.as_deref(),
        snapshot.as_deref(),
        tier,
        only.as_ref(),
        now,
    );
    if args.json {
        let text = report::to_pretty(&report).map_err(|_| Gone)?;
        outlet.print(&text)?;
    } else if snapshot.is_some() {
        outlet.print(&report.text())?;
    }
    if let Some(error) = error {
        outlet.tell(&clean(&error, 600));
    }
    Ok(match state {
        LimitsState::Refused => exits::KEY_REFUSED,
        LimitsState::Failed if polled.unreachable => exits::UNREACHABLE,
        LimitsState::Failed => exits::FAILURE,
        _ if lacks(snapshot.as_deref(), only.as_ref()) => exits::FAILURE,
        _ => exits::FINE,
    })
}

/// Whether the one workspace that was asked for could not be read.
fn lacks(snapshot: Option<&LimitsSnapshot>, only: Option<&WorkspaceId>) -> bool {
    only.is_some_and(|only| {
        snapshot.is_none_or(|it| !it.overrides.iter().any(|(read, _)| read == only))
    })
}
