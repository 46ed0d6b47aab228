//! Weighing the evidence: error code, message, headers, limits, in this order.

use super::{
    Cause, Certainty, Evidence, EvidenceFrom, Scope, Verdict, limits,
    prose::{self, About, Said},
};
use crate::domain::{
    clean::clean,
    headers::Reading,
    id::{Limiter, ModelId, WorkspaceId},
    org::{Group, Override},
    outcome::{ApiError, Outcome, Unreachable},
    time::{Time, after, spoken},
};
use chrono::{DateTime, Datelike, NaiveDate};

/// What is known around an attempt when it is judged. Everything but `now` may be missing.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// When the attempt ended, by our clock.
    pub now: Time,
    /// The model that was asked for.
    pub model: Option<&'a ModelId>,
    /// Its pool with its configured limits.
    pub pool: Option<&'a Group>,
    /// The workspace of the key, where known without a header.
    pub workspace: Option<&'a WorkspaceId>,
    /// Overrides that were read, of any workspace and pool.
    pub overrides: &'a [Override],
    /// The response's head.
    pub reading: Option<&'a Reading>,
    /// Input tokens that the call probably takes.
    pub input_estimate: Option<u64>,
    /// Whether `speed: "fast"` was asked for.
    pub fast: bool,
}

impl Context<'_> {
    /// Nothing is known but the time.
    pub const fn at(now: Time) -> Self {
        Self {
            now,
            model: None,
            pool: None,
            workspace: None,
            overrides: &[],
            reading: None,
            input_estimate: None,
            fast: false,
        }
    }

    /// When the head came, else now.
    pub(super) fn head_at(&self) -> Time {
        self.reading.map_or(self.now, |reading| reading.at)
    }

    /// The subject of a sentence: `Opus 5.5`, `claude-opus-5-5`, or `this call`.
    pub(super) fn subject(&self) -> String {
        match (self.pool, self.model) {
            (Some(pool), _) => clean(&pool.name, 40),
            (None, Some(model)) => clean(model.as_str(), 60),
            (None, None) => "this model".to_owned(),
        }
    }
}

/// What a refusal was. None for a whole answer and for a cancelled call.
pub fn judge(outcome: &Outcome, context: &Context<'_>) -> Option<Verdict> {
    let mut draft = match outcome {
        Outcome::Complete { .. } | Outcome::Cancelled => return None,
        Outcome::Refused { status, error, .. } => refused(*status, error, outcome, context),
        Outcome::Foreign {
            status, looks_like, ..
        } => foreign(*status, looks_like),
        Outcome::StreamError { error } => stream_error(error),
        Outcome::StreamCut { how } => stream_broken(format!("cut: {}", clean(how, 160))),
        Outcome::StreamTruncated => {
            stream_broken("the stream ended without message_stop".to_owned())
        }
        Outcome::Unreachable { kind, how } => unreachable(*kind, how),
    };
    let asked_s = outcome.hint().asked_s();
    if draft.retry_helps && draft.retry_at.is_none() {
        draft.retry_at = asked_s.map(|s| after(context.head_at(), s));
    }
    draft.evidence.sort_by_key(|evidence| evidence.from);
    let error = match outcome {
        Outcome::Refused { error, .. } | Outcome::StreamError { error } => Some(error),
        _ => None,
    };
    Some(Verdict {
        cause: draft.cause,
        limiter: draft.limiter,
        scope: draft.scope,
        certainty: draft.certainty,
        evidence: draft.evidence,
        status: outcome.status(),
        model: context.model.cloned(),
        pool: context.pool.map(|pool| pool.id.clone()),
        retry_helps: draft.retry_helps,
        retry_at: draft.retry_at,
        asked_s,
        request_id: context
            .reading
            .and_then(|reading| reading.request.clone())
            .or_else(|| error.and_then(|error| error.request.clone())),
        sentence: draft.sentence,
    })
}

/// A verdict in the making.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) cause: Cause,
    pub(super) limiter: Option<Limiter>,
    pub(super) scope: Scope,
    pub(super) certainty: Certainty,
    pub(super) evidence: Vec<Evidence>,
    pub(super) retry_helps: bool,
    pub(super) retry_at: Option<Time>,
    pub(super) sentence: String,
}

impl Draft {
    /// Stated, without a limiter or a scope.
    pub(super) fn stated(cause: Cause, retry_helps: bool, sentence: String) -> Self {
        Self {
            cause,
            limiter: None,
            scope: Scope::Unknown,
            certainty: Certainty::Stated,
            evidence: Vec::new(),
            retry_helps,
            retry_at: None,
            sentence,
        }
    }

    pub(super) fn note(&mut self, from: EvidenceFrom, text: impl Into<String>) {
        self.evidence.push(Evidence {
            from,
            text: text.into(),
        });
    }
}

/// An error status with the API's envelope.
fn refused(status: u16, error: &ApiError, outcome: &Outcome, context: &Context<'_>) -> Draft {
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
        "enforced_spend_limit_reached" => Some(spend_cap(status, true, context)),
        "contract_spend_limit_reached" => Some(spend_cap(status, false, context)),
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
            let limit = said.limit.map_or_else(String::new, limits::grouped);
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
        About::SpendCap if status == 429 => Some(spend_cap(status, true, context)),
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
            limits::grouped(limit),
            limits::grouped(next)
        ),
        (Some(limit), None) => format!(": {} allowed now", limits::grouped(limit)),
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

fn spend_cap(status: u16, tier: bool, context: &Context<'_>) -> Draft {
    let (whose, code) = if tier {
        (
            "the tier's monthly spend cap",
            "enforced_spend_limit_reached",
        )
    } else {
        ("the contract's spend limit", "contract_spend_limit_reached")
    };
    let back = if tier {
        first_of_next_month(context.head_at()).map_or_else(
            || "access returns with the next month".to_owned(),
            |day| format!("access returns at 00:00 UTC on {day}"),
        )
    } else {
        "when access returns is not stated".to_owned()
    };
    let mut draft = Draft::stated(
        Cause::SpendCap,
        false,
        format!("{status}: {whose} is reached; no retry helps, {back}"),
    );
    draft.scope = Scope::Organization;
    draft.note(EvidenceFrom::ErrorCode, format!("{code}: {back}"));
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

/// An answer that is not the API's. A 413 is the exception: its network edge sends that one itself.
fn foreign(status: u16, looks_like: &str) -> Draft {
    let what = clean(looks_like, 120);
    let mut draft = if status == 413 {
        let mut draft = Draft::stated(
            Cause::TooLarge,
            false,
            format!("413: the request is too large ({what} instead of the API's own error)"),
        );
        draft.certainty = Certainty::Inferred;
        draft
    } else {
        Draft::stated(
            Cause::Gateway,
            matches!(status, 408 | 429 | 500..),
            format!(
                "{status}: the answer is not the API's but {what}; something between here and the API \
                 sent it"
            ),
        )
    };
    draft.note(EvidenceFrom::Message, what);
    draft
}

/// An error event after a 200: any type may come, never with a hint.
fn stream_error(error: &ApiError) -> Draft {
    let kind = if error.kind.is_empty() {
        "an error without a type".to_owned()
    } else {
        clean(&error.kind, 60)
    };
    let helps = !matches!(
        error.kind.as_str(),
        "invalid_request_error"
            | "authentication_error"
            | "billing_error"
            | "permission_error"
            | "not_found_error"
            | "request_too_large"
    ) && !error
        .code
        .as_deref()
        .is_some_and(|code| code.contains("spend_limit_reached"));
    let mut draft = Draft::stated(
        Cause::StreamError,
        helps,
        format!("{kind} inside the stream, after a 200: what was generated is spent"),
    );
    if let Some(code) = &error.code {
        draft.note(EvidenceFrom::ErrorCode, clean(code, 80));
    }
    let message = clean(&error.message, 300);
    let text = if message.is_empty() {
        kind
    } else {
        format!("{kind}: {message}")
    };
    draft.note(EvidenceFrom::Message, text);
    draft
}

fn stream_broken(how: String) -> Draft {
    let mut draft = Draft::stated(
        Cause::StreamError,
        true,
        format!("the stream broke after a 200 ({how}): what was generated is spent"),
    );
    draft.note(EvidenceFrom::Message, how);
    draft
}

fn unreachable(kind: Unreachable, how: &str) -> Draft {
    let cause = if kind == Unreachable::Timeout {
        Cause::Timeout
    } else {
        Cause::Unreachable
    };
    let how = clean(how, 200);
    let sentence = if how.is_empty() {
        "no answer came".to_owned()
    } else {
        how.clone()
    };
    // A certificate that is refused stays refused.
    let mut draft = Draft::stated(cause, kind != Unreachable::Tls, sentence);
    draft.note(EvidenceFrom::Message, how);
    draft
}

/// `; the server asks to wait 17 s`, or nothing.
pub(super) fn asks(asked: Option<f64>) -> String {
    asked.map_or_else(String::new, |s| {
        format!("; the server asks to wait {}", spoken(s))
    })
}

fn next_minute(at: Time) -> Option<Time> {
    DateTime::from_timestamp((at.timestamp().div_euclid(60) + 1).checked_mul(60)?, 0)
}

fn first_of_next_month(at: Time) -> Option<NaiveDate> {
    let (year, month) = (at.year(), at.month());
    if month == 12 {
        NaiveDate::from_ymd_opt(year + 1, 1, 1)
    } else {
        NaiveDate::from_ymd_opt(year, month + 1, 1)
    }
}
