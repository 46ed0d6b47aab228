//! Limits per minute and subscription windows: what the headers show, which limiter and scope the
//! numbers point at, and whether the call fits its bucket at all.

use super::{
    Cause, Certainty, EvidenceFrom, Scope,
    judge::{Context, Draft, asks},
};
use crate::domain::{
    clean::clean,
    headers::{Level, Unified},
    id::Limiter,
    limit::{Dimension, Family},
    number::thousands as grouped,
    org::Override,
    time::spoken,
};

/// Below this share left a family is a plausible culprit although it is not empty: the server counts
/// the refused call's own need, and token headers are rounded.
const LITTLE: f64 = 0.10;
/// Above this share left everywhere, no bucket can have refused an ordinary call.
const PLENTY: f64 = 0.50;

/// A message that names the limit, and mostly its number.
pub(super) fn stated(
    status: u16,
    cause: Cause,
    number: Option<u64>,
    asked: Option<f64>,
    context: &Context<'_>,
) -> Draft {
    let limiter = limiter(cause, number, context);
    let level = limiter
        .as_ref()
        .and_then(|limiter| levels(context).find(|level| level.limiter == *limiter));
    let number = number
        .or_else(|| level.map(|level| level.limit))
        .or_else(|| effective(limiter.as_ref()?, context));
    let size = number.map_or_else(String::new, |n| format!(" (limit {})", grouped(n)));
    let mut draft = Draft::stated(
        cause,
        true,
        format!(
            "{status}: {} of {} used up{size}{}",
            cause.words(),
            context.subject(),
            asks(asked)
        ),
    );
    if let Some(level) = level {
        draft.note(EvidenceFrom::Headers, left(level));
    }
    draft.limiter = limiter;
    weigh_limits(&mut draft, status, number, context);
    draft
}

/// A refusal without a code and without a limit in its message: what do the headers show?
pub(super) fn unexplained(status: u16, asked: Option<f64>, context: &Context<'_>) -> Draft {
    if let Some(draft) = context
        .reading
        .and_then(|reading| reading.unified.as_ref())
        .and_then(|unified| subscription(status, unified, asked))
    {
        return draft;
    }
    let least = levels(context).min_by(|a, b| share(a).total_cmp(&share(b)));
    let culprit = least.filter(|level| {
        share(level) <= LITTLE
            || level.remaining == 0
            || (is_input(level.dimension)
                && context.input_estimate.is_some_and(|n| n > level.remaining))
    });
    if let Some(level) = culprit {
        return inferred(status, level, asked, context);
    }
    let mut draft = Draft::stated(
        Cause::Unknown,
        true,
        format!(
            "{status} that nothing explains: no code, no limit in its message, no empty header{}",
            asks(asked)
        ),
    );
    draft.certainty = Certainty::Unknown;
    if let Some(level) = least {
        draft.note(
            EvidenceFrom::Headers,
            format!("the least that is left: {}", left(level)),
        );
        if asked.is_none() {
            draft.note(
                EvidenceFrom::Headers,
                "no retry-after: ordinary limits send one, a spend cap does not",
            );
        } else if share(level) >= PLENTY && levels(context).count() >= 3 {
            draft.cause = Cause::Ramp;
            draft.certainty = Certainty::Inferred;
            draft.sentence = format!(
                "{status}, acceleration suspected: every header of {} shows more than half left{}",
                context.subject(),
                asks(asked)
            );
        }
    }
    draft
}

/// The header that stands lowest is the culprit, as far as one can see.
fn inferred(status: u16, level: &Level, asked: Option<f64>, context: &Context<'_>) -> Draft {
    let cause = cause_of(level.dimension);
    let mut draft = Draft::stated(
        cause,
        true,
        format!(
            "{status}, probably {} of {}: {}{}",
            cause.words(),
            context.subject(),
            left(level),
            asks(asked)
        ),
    );
    draft.certainty = Certainty::Inferred;
    draft.note(EvidenceFrom::Headers, left(level));
    draft.limiter = Some(level.limiter.clone()).filter(|_| level.family != Family::Combined);
    weigh_limits(&mut draft, status, Some(level.limit), context);
    draft
}

/// A rejected subscription window.
fn subscription(status: u16, unified: &Unified, asked: Option<f64>) -> Option<Draft> {
    let is_rejected = |status: &Option<String>| status.as_deref() == Some("rejected");
    let used = |window: &&crate::domain::headers::Window| window.utilization.unwrap_or(0.0);
    let representative = unified.representative.as_deref().map(|name| match name {
        "five_hour" => "5h",
        "seven_day" => "7d",
        "seven_day_overage_included" => "7d_oi",
        other => other,
    });
    let window = unified
        .windows
        .iter()
        .find(|window| is_rejected(&window.status))
        .or_else(|| {
            unified
                .windows
                .iter()
                .filter(|window| window.utilization.is_some_and(|used| used >= 1.0))
                .max_by(|a, b| used(a).total_cmp(&used(b)))
        })
        .or_else(|| {
            let name = representative?;
            let windows = &unified.windows;
            windows.iter().find(|window| window.name == name)
        });
    let full = window.is_some_and(|window| {
        is_rejected(&window.status) || window.utilization.is_some_and(|used| used >= 1.0)
    });
    if !full && !is_rejected(&unified.status) {
        return None;
    }
    let name = window
        .map(|window| window.name.as_str())
        .or(representative)
        .map(|name| clean(name, 20));
    let words = name.as_deref().unwrap_or("subscription");
    let mut draft = Draft::stated(
        Cause::SubscriptionWindow,
        true,
        format!(
            "{status}: the {words} window of this subscription is used up{}",
            asks(asked)
        ),
    );
    draft.certainty = Certainty::Inferred;
    draft.retry_at = window.and_then(|window| window.reset).or(unified.reset);
    draft.limiter = name.as_deref().map(Limiter::from);
    let used = window
        .and_then(|window| window.utilization)
        .map_or_else(String::new, |used| format!(", {:.0} % used", used * 100.0));

    draft.note(
        EvidenceFrom::Headers,
        format!("window {words} is used up{used}"),
    );
    if let Some(why) = &unified.overage_disabled_reason {
        draft.note(
            EvidenceFrom::Headers,
            format!("extra usage is off: {}", clean(why, 60)),
        );
    }
    Some(draft)
}

/// Compares the limit in force with the configured ones: scope, disagreement, and a call that can
/// never fit.
fn weigh_limits(draft: &mut Draft, status: u16, number: Option<u64>, context: &Context<'_>) {
    let Some(number) = number else { return };
    if let Some(limiter) = draft.limiter.clone() {
        let lowered = lowered(&limiter, context);
        let org = configured(&limiter, context);
        let guess = context.pool.is_some_and(|pool| pool.guess);
        if let Some(lowered) = lowered
            .filter(|lowered| lowered.effective() == number && org.is_none_or(|org| number < org))
        {
            draft.scope = Scope::Workspace;
            draft.note(
                EvidenceFrom::Limits,
                format!(
                    "workspace {} has its own {}{}",
                    clean(lowered.workspace.as_str(), 40),
                    grouped(number),
                    org.map_or_else(String::new, |org| {
                        format!(", below the organization's {}", grouped(org))
                    })
                ),
            );
        } else if let Some(org) = org.filter(|_| !guess) {
            if org == number {
                draft.scope = Scope::Organization;
                draft.note(
                    EvidenceFrom::Limits,
                    format!("the organization's configured limit is {}", grouped(org)),
                );
            } else {
                draft.note(
                    EvidenceFrom::Limits,
                    format!(
                        "configured {}, but {} is in force: a limit of the workspace, or a change \
                         since the last poll",
                        grouped(org),
                        grouped(number)
                    ),
                );
            }
        }
    }
    let input = matches!(draft.cause, Cause::InputTokensPerMinute | Cause::Tokens);
    if let Some(estimate) = context.input_estimate.filter(|n| input && *n > number) {
        draft.retry_helps = false;
        draft.sentence = format!(
            "{status}: the call takes about {} input tokens, more than the whole {} per minute of {}; \
             no retry helps, make it smaller",
            grouped(estimate),
            grouped(number),
            context.subject()
        );
        draft.note(
            EvidenceFrom::Limits,
            format!(
                "about {} input tokens against a bucket of {}",
                grouped(estimate),
                grouped(number)
            ),
        );
    } else if number == 0 {
        draft.retry_helps = false;
        draft.note(EvidenceFrom::Limits, "the limit in force is 0");
    }
}

/// Which limiter a cause points at: the one whose known number agrees, else one that is known, else
/// the usual one.
pub(super) fn limiter(cause: Cause, number: Option<u64>, context: &Context<'_>) -> Option<Limiter> {
    let names: &[&str] = match (cause, context.fast) {
        (Cause::RequestsPerMinute, _) => &["requests_per_minute"],
        (Cause::InputTokensPerMinute, false) => &[
            "input_tokens_per_minute_cache_aware",
            "input_tokens_per_minute",
        ],
        (Cause::InputTokensPerMinute, true) => &[
            "fast_itpmca",
            "input_tokens_per_minute_cache_aware",
            "input_tokens_per_minute",
        ],
        (Cause::OutputTokensPerMinute, false) => &["output_tokens_per_minute"],
        (Cause::OutputTokensPerMinute, true) => &["fast_otpm", "output_tokens_per_minute"],
        (Cause::Tokens, _) => {
            let combined = Limiter::from("tokens_per_minute");
            return effective(&combined, context).map(|_| combined);
        }
        _ => return None,
    };
    let known = |name: &str| {
        let limiter = Limiter::from(name);
        let header = levels(context)
            .find(|level| level.limiter == limiter)
            .map(|level| level.limit);
        [
            configured(&limiter, context),
            lowered(&limiter, context).map(Override::effective),
            header,
        ]
    };
    names
        .iter()
        .find(|name| number.is_some() && known(name).contains(&number))
        .or_else(|| {
            names
                .iter()
                .find(|name| known(name).iter().any(Option::is_some))
        })
        .or_else(|| names.first())
        .map(|name| Limiter::from(*name))
}

fn configured(limiter: &Limiter, context: &Context<'_>) -> Option<u64> {
    let limits = &context.pool?.limits;
    limits
        .iter()
        .find(|limit| limit.limiter == *limiter)
        .map(|limit| limit.value)
}

fn lowered<'a>(limiter: &Limiter, context: &Context<'a>) -> Option<&'a Override> {
    let workspace = context
        .reading
        .and_then(|reading| reading.workspace.as_ref())
        .or(context.workspace)?;
    let pool = context.pool?;
    context.overrides.iter().find(|lowered| {
        lowered.workspace == *workspace && lowered.group == pool.id && lowered.limiter == *limiter
    })
}

fn effective(limiter: &Limiter, context: &Context<'_>) -> Option<u64> {
    match (configured(limiter, context), lowered(limiter, context)) {
        (Some(org), Some(lowered)) => Some(org.min(lowered.value)),
        (org, lowered) => org.or(lowered.map(Override::effective)),
    }
}

/// The levels that can refuse this call: its own families; the combined one only where it is alone.
fn levels<'a>(context: &Context<'a>) -> impl Iterator<Item = &'a Level> {
    let fast = context.fast;
    let all = context.reading.map_or(&[][..], |reading| &reading.levels);
    let own = move |level: &&Level| match level.family {
        Family::Standard => true,
        Family::Fast => fast,
        _ => false,
    };
    let alone = !all.iter().any(|level| own(&level));
    all.iter()
        .filter(move |level| own(level) || (alone && level.family == Family::Combined))
}

fn share(level: &Level) -> f64 {
    if level.limit == 0 {
        0.0
    } else {
        level.remaining as f64 / level.limit as f64
    }
}

const fn is_input(dimension: Dimension) -> bool {
    matches!(dimension, Dimension::Itpm | Dimension::ItpmAll)
}

const fn cause_of(dimension: Dimension) -> Cause {
    match dimension {
        Dimension::Rpm => Cause::RequestsPerMinute,
        Dimension::Itpm | Dimension::ItpmAll => Cause::InputTokensPerMinute,
        Dimension::Otpm => Cause::OutputTokensPerMinute,
        Dimension::Combined | Dimension::Tpd => Cause::Tokens,
        _ => Cause::Unknown,
    }
}

/// `output tokens per minute: 0 of 1,000,000 left, full in 58 s`.
fn left(level: &Level) -> String {
    let full = level
        .full_in_s
        .map_or_else(String::new, |s| format!(", full in {}", spoken(s)));
    format!(
        "{}: {} of {} left{full}",
        level.dimension.words(),
        grouped(level.remaining),
        grouped(level.limit)
    )
}
