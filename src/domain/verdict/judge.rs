//! Weighing the evidence: error code, message, headers, limits, in this order.

use super::{
    Cause, Certainty, Evidence, EvidenceFrom, Scope, Verdict,
    broken::{foreign, stream_broken, stream_error, unreachable},
    refused::refused,
};
use crate::domain::{
    clean::clean,
    headers::Reading,
    id::{Limiter, ModelId, WorkspaceId},
    org::{Group, Override},
    outcome::Outcome,
    time::{Time, after, spoken},
};

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

/// `; asked to wait 17 s`, or nothing.
pub(super) fn asks(asked: Option<f64>) -> String {
    asked.map_or_else(String::new, |s| format!("; asked to wait {}", spoken(s)))
}
