//! The spend guard before a run: what it may take, and whether that is meant.

use super::super::{Desk, Outlet};
use crate::{
    assets,
    cli::args,
    domain::{
        call::CallOrder,
        load::{
            estimate::{ASK_ABOVE_USD, Estimate},
            plan::Plan,
        },
        spend::dollars,
    },
};
use std::io::{self, BufRead, IsTerminal};

/// Says what a run that is not free may take, and asks where that is much. Why it is not begun, if it
/// is not.
pub(super) fn pass(
    plan: &Plan,
    order: &CallOrder,
    (args, twice): (&args::Call, bool),
    desk: &Desk,
    outlet: &mut Outlet<'_>,
) -> Result<(), String> {
    if desk.session.free {
        return Ok(());
    }
    let prices = assets::prices();
    let estimate = if args.batch {
        Estimate::of_batch(order, plan.most_calls(), &prices)
    } else {
        Estimate::of(order, plan, args.spread.as_ref(), &prices)
    };
    let estimate = if twice { estimate.twice() } else { estimate };
    let spend = desk.session.purse.spend().map_err(|it| it.to_string())?;
    if spend.check(estimate.each_usd).is_err() {
        // Not even one call may be sent: the run says so itself.
        return Ok(());
    }
    outlet.tell(&estimate.sentence(&spend));
    if args.yes || estimate.is_little() {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(format!(
            "a run that may cost more than {} must be meant: add --yes, or make it smaller",
            dollars(ASK_ABOVE_USD)
        ));
    }
    outlet.progress("Send them? [y/N] ");
    let mut answer = String::new();
    match io::stdin().lock().read_line(&mut answer) {
        Ok(_) if matches!(answer.trim(), "y" | "Y" | "yes") => Ok(()),
        _ => Err("nothing was sent".to_owned()),
    }
}
