//! `ratetop call --count-tokens`: how long the prompt is. Free, so `--read-only` allows it.

use super::{Desk, Gone, Outlet, call};
use crate::{
    cli::{args, exits},
    domain::{count::CountOrder, verdict::Cause},
    report::{self, count::CountOut},
};

pub(super) async fn run(
    args: &args::Call,
    desk: &Desk,
    outlet: &mut Outlet<'_>,
) -> Result<u8, Gone> {
    if args.model.is_none() {
        desk.session.settle_model().await;
    }
    let form = desk.session.form();
    let prompt = match call::prompt(args, form.prompt) {
        Ok(prompt) => prompt,
        Err(why) => {
            outlet.tell(&why);
            return Ok(exits::USAGE);
        }
    };
    let order = CountOrder {
        model: args.model.clone().unwrap_or(form.model).into(),
        prompt,
    };
    let Some((count, _)) = desk.session.count(order).await else {
        outlet.tell(&format!(
            "profile {} has no api_key",
            desk.session.profile.name
        ));
        return Ok(exits::USAGE);
    };
    if args.json {
        outlet.print(&report::to_pretty(&CountOut::of(&count)).map_err(|_| Gone)?)?;
    } else {
        let sentence = crate::domain::clean::clean(&count.sentence(), 600);
        if count.tokens.is_some() {
            outlet.print(&format!("{sentence}\n"))?;
        } else {
            outlet.tell(&sentence);
        }
    }
    Ok(match count.verdict.as_ref().map(|it| it.cause) {
        None if count.tokens.is_some() => exits::FINE,
        Some(Cause::Auth | Cause::Permission) => exits::KEY_REFUSED,
        Some(Cause::Unreachable) => exits::UNREACHABLE,
        _ => exits::FAILURE,
    })
}
