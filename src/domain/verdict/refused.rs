//! Error statuses with the API's envelope: code first, then the message, then the status.

use super::{
    Cause, Certainty, EvidenceFrom, Scope,
    judge::{Context, Draft, asks},
    limits,
    prose::{self, About, Said},
};
use crate::domain::{
    clean::clean,
    number::thousands,
    outcome::{ApiError, Outcome},
    time::Time,
};
use chrono::{DateTime, Datelike, NaiveDate};

/// An error status with the API's envelope.
pub(super) fn refused(
    status: u16,
    error: &ApiError,
    outcome: &Outcome,
    context: &Context<'_>,
) -> Draft {
    let said = prose::read(&error.message);
    let asked = outcome.hint().asked_s();
    let mut draft = by_code(status, error, said.as_ref(), asked, context)
        .or_else(|| by_message(status, error, said.as_ref()?, asked, context))
        .unwrap_or_else(|| by_status(status, error, asked, context));
    if let Some(code) = &error.code
        && !draft
            .evidence
            .iter()
            .any(|evidence| evidence.from == EvidenceFrom::ErrorCode)
    {
        draft.note(EvidenceFrom::ErrorCode, clean(code, 80));
    }
    if !error.message.is_empty() {
        draft.note(EvidenceFrom::Message, clean(&error.message, 300));
    }
    if let (Some(named), Some(asked)) = (said.and_then(|said| said.model), context.model)
        && named != asked.as_str()
    {
        draft.note(
            EvidenceFrom::Message,
            format!("the message names {}", clean(&named, 60)),
        );
    }
    draft
}

/// The codes that settle it.
fn by_code(
    status: u16,
    error: &ApiError,
    said: Option<&Said>,
    asked: Option<f64>,
    context: &Context<'_>,
) -> Option<Draft> {
    match error.code.as_deref()? {
        "ramp_limit_exceeded" => Some(ramp(status, said, asked, context)),
        code @ ("enforced_spend_limit_reached" | "contract_spend_limit_reached") => {
            Some(spend_cap(status, Some(code), context))
        }
        "organization_on_hold" => Some(Draft::stated(
            Cause::Permission,
            false,
            format!("{status}: the organization is on hold; only Anthropic's support can end that"),
        )),
        _ => None,
    }
}

/// The messages that settle it.
fn by_message(
    status: u16,
    error: &ApiError,
    said: &Said,
    asked: Option<f64>,
    context: &Context<'_>,
) -> Option<Draft> {
    let limited = status == 429 || error.kind == "rate_limit_error";
    match said.about {
        About::Limit(cause) if limited => {
            Some(limits::stated(status, cause, said.limit, asked, context))
        }
        About::Compliance if limited => {
            let limit = said.limit.map_or_else(String::new, thousands);
            Some(Draft::stated(
                Cause::RequestsPerMinute,
                true,
                format!(
                    "{status}: the Compliance API's own limit of {limit} requests per minute, not a \
                     limit of the Messages API"
                ),
            ))
        }
        About::Ramp(_) if limited => Some(ramp(status, Some(said), asked, context)),
        // Also seen as 403 (one code base).
        About::Concurrency if limited || status == 403 => Some(Draft::stated(
            Cause::Concurrency,
            true,
            format!(
                "{status}: too many connections at once; no header or configured limit shows this one"
            ),
        )),
        About::LongContext => Some(Draft::stated(
            Cause::Billing,
            false,
            format!("{status}: prompts this long need paid extra usage on this subscription"),
        )),
        About::Opaque if limited => Some(limits::unexplained(status, asked, context)),
        About::SpendCap if status == 429 => Some(spend_cap(status, None, context)),
        About::SpendCap if status == 400 => {
            let mut draft = spend_limit(status, false, asked);
            draft.certainty = Certainty::Inferred;
            Some(draft)
        }
        About::SpendLimit(workspace) => Some(spend_limit(status, workspace, asked)),
        _ => None,
    }
}

/// What the status alone says.
fn by_status(status: u16, error: &ApiError, asked: Option<f64>, context: &Context<'_>) -> Draft {
    let overloaded = error.kind == "overloaded_error";
    let (cause, helps, words) = match status {
        429 => return limits::unexplained(status, asked, context),
        401 => (
            Cause::Auth,
            false,
            "the API refuses the key; check this profile's key",
        ),
        402 => (Cause::Billing, false, "billing must be put right first"),
        403 => (Cause::Permission, false, "the key may not do this"),
        404 => (Cause::NotFound, false, "the API does not know this"),
        408 => (Cause::Timeout, true, "the request took too long to arrive"),
        409 => (Cause::Conflict, true, "another request was in the way"),
        413 => (Cause::TooLarge, false, "the request is too large"),
        504 => (Cause::Timeout, true, "the API took too long"),
        529 => (
            Cause::Overloaded,
            true,
            "everyone's load; says nothing about own limits",
        ),
        500.. if overloaded => (
            Cause::Overloaded,
            true,
            "everyone's load; says nothing about own limits",
        ),
        500.. => (Cause::ServerError, true, "the API failed"),
        _ if error.kind == "rate_limit_error" => {
            return limits::unexplained(status, asked, context);
        }
        _ => (
            Cause::InvalidRequest,
            false,
            "the API does not accept this request",
        ),
    };
    let message = clean(&error.message, 120);
    let sentence = if message.is_empty() {
        format!("{status}: {words}")
    } else {
        format!("{status}: {words} ({message})")
    };
    Draft::stated(cause, helps, sentence)
}

/// Growth faster than allowed. Unlike a bucket it steps at minute boundaries.
fn ramp(status: u16, said: Option<&Said>, asked: Option<f64>, context: &Context<'_>) -> Draft {
    let dimension = match said.map(|said| said.about) {
        Some(About::Ramp(cause)) => cause,
        Some(About::Limit(cause)) => Some(cause),
        _ => None,
    };
    let limit = said.and_then(|said| said.limit);
    let next = said.and_then(|said| said.next);
    let words = dimension.map_or("traffic", Cause::words);
    let allowance = match (limit, next) {
        (Some(limit), Some(next)) => format!(
            ": {} allowed now, {} from the next minute",
            thousands(limit),
            thousands(next)
        ),
        (Some(limit), None) => format!(": {} allowed now", thousands(limit)),
        _ => String::new(),
    };
    let mut draft = Draft::stated(
        Cause::Ramp,
        true,
        format!(
            "{status}: {words} of {} grew faster than the ramp allowance{allowance}{}",
            context.subject(),
            asks(asked)
        ),
    );
    draft.limiter = dimension.and_then(|cause| limits::limiter(cause, None, context));
    if asked.is_none() {
        draft.retry_at = next_minute(context.head_at());
    }
    draft
}

/// The tier's or the contract's cap, by its code or, without one, by its message.
fn spend_cap(status: u16, code: Option<&str>, context: &Context<'_>) -> Draft {
    let tier = code != Some("contract_spend_limit_reached");
    let whose = if tier {
        "the tier's monthly spend cap"
    } else {
        "the contract's spend limit"
    };
    // Error table: access returns at 00:00 UTC on the 1st; of a contract's limit nothing is stated.
    let at = first_of_next_month(context.head_at()).filter(|_| tier);
    let back = match at {
        Some(at) => format!("access returns at 00:00 UTC on {}", at.format("%Y-%m-%d")),
        None if tier => "access returns with the next month".to_owned(),
        None => "when access returns is not stated".to_owned(),
    };
    let mut draft = Draft::stated(
        Cause::SpendCap,
        false,
        format!("{status}: {whose} is reached; no retry helps, {back}"),
    );
    draft.scope = Scope::Organization;
    draft.retry_at = at;
    match code {
        Some(code) => draft.note(EvidenceFrom::ErrorCode, format!("{code}: {back}")),
        None => draft.note(EvidenceFrom::Message, format!("a monthly cap: {back}")),
    }
    draft
}

/// A limit that the customer set.
fn spend_limit(status: u16, workspace: bool, asked: Option<f64>) -> Draft {
    let whose = if workspace {
        "workspace"
    } else {
        "organization"
    };
    let mut draft = Draft::stated(
        Cause::SpendLimit,
        false,
        format!(
            "{status}: the spend limit set for this {whose} is reached; no retry helps before it is \
             raised or its period ends{}",
            asks(asked)
        ),
    );
    // A workspace's limit of Claude Code comes as 429 with a hint: then waiting that long does help.
    draft.retry_helps = status == 429 && asked.is_some();
    draft.scope = if workspace {
        Scope::Workspace
    } else {
        Scope::Organization
    };
    draft
}

fn next_minute(at: Time) -> Option<Time> {
    DateTime::from_timestamp((at.timestamp().div_euclid(60) + 1).checked_mul(60)?, 0)
}

fn first_of_next_month(at: Time) -> Option<Time> {
    let (year, month) = (at.year(), at.month());
    let day = if month == 12 {
        NaiveDate::from_ymd_opt(year + 1, 1, 1)
    } else {
        NaiveDate::from_ymd_opt(year, month + 1, 1)
    };
    Some(day?.and_hms_opt(0, 0, 0)?.and_utc())
}
