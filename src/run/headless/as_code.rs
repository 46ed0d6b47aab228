//! `ratetop call --as-code TARGET`: the policy as code. Nothing is sent and no key is needed.

use super::{Gone, Outlet};
use crate::{
    cli::{
        args::{Call, Global},
        config::Config,
        exits,
        policies::find,
        profile::Profile,
    },
    domain::retry::{
        Limits, Policy,
        code::{Plan, Target},
    },
    run::session::Ground,
};

pub(super) fn run(
    args: &Call,
    target: &str,
    global: &Global,
    ground: &Ground,
    outlet: &mut Outlet<'_>,
) -> Result<u8, Gone> {
    let config = match Config::load(global, &ground.env) {
        Ok(config) => config,
        Err(error) => {
            outlet.tell(&error.sentence);
            return Ok(exits::USAGE);
        }
    };
    let Some(target) = Target::named(target) else {
        return Ok(exits::USAGE);
    };
    let form = config.chosen().map(Profile::form);
    let named = args.policy.as_deref();
    let named = match named.map(|name| find(&config.policies, name)).transpose() {
        Ok(named) => named,
        Err(why) => {
            outlet.tell(&why);
            return Ok(exits::USAGE);
        }
    };
    let policy = named
        .or(form.as_ref().map(|form| form.policy))
        .unwrap_or(Policy::HintJitter);
    // The profile's attempts belong to the profile's policy.
    let own = form
        .and_then(|form| form.attempts)
        .filter(|_| named.is_none());
    let plan = Plan {
        policy,
        attempts: args.attempts.or(own).unwrap_or(policy.attempts()),
        limits: Limits {
            deadline_s: args.deadline.map(|span| span.as_secs_f64()),
            longest_wait_s: args.max_wait.map(|span| span.as_secs_f64()),
            broken: args.mid_stream.unwrap_or_default(),
        },
    };
    outlet.print(&plan.code(target))?;
    Ok(exits::FINE)
}
