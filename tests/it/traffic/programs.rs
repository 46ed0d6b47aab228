//! One call of somebody's program, typed from the facts about the API and its SDKs.

use super::OPUS;
use crate::world::{at, reading, seen, send};
use ratetop::{
    app::App,
    domain::{
        headers::{Hint, Reading},
        id::ClientId,
        observation::{CallResult, Observation, Source, What},
        outcome::{ApiError, Outcome},
        time::{Time, after},
        timeline::FIRST_FOREIGN_CALL,
        usage::{CacheCreation, Usage},
        verdict::{Cause, Certainty, Evidence, EvidenceFrom, Scope, Verdict},
    },
};

/// One call as a tap tells it: nobody knows the client's policy.
pub(super) struct Life<'a> {
    app: &'a mut App,
    id: u64,
    client: &'static str,
    model: &'static str,
    attempt: u32,
}

impl<'a> Life<'a> {
    pub(super) fn begin(
        app: &'a mut App,
        n: u64,
        client: &'static str,
        model: &'static str,
        when: f64,
        stream: bool,
    ) -> Self {
        let mut life = Self {
            app,
            id: FIRST_FOREIGN_CALL + n,
            client,
            model,
            attempt: 0,
        };
        let began = What::Began {
            policy: String::new(),
            attempts: None,
            stream,
            input_estimate: 900,
        };
        life.tell(when, began);
        life
    }

    pub(super) fn tell(&mut self, when: f64, what: What) -> &mut Self {
        let seen = Observation {
            source: Source::Tap,
            client: Some(ClientId::from(self.client)),
            attempt: (self.attempt > 0).then_some(self.attempt),
            organization: None,
            ..seen(at(when), self.id, self.model, what)
        };
        send(self.app, seen);
        self
    }

    pub(super) fn sent(&mut self, when: f64) -> &mut Self {
        self.attempt += 1;
        self.tell(when, What::Sent)
    }

    pub(super) fn head(
        &mut self,
        when: f64,
        first_byte_s: f64,
        status: u16,
        asked: Option<f64>,
    ) -> &mut Self {
        let out = if status == 429 { 0 } else { 206_000 };
        let levels = [(5_000, 4_412), (5_000_000, 3_100_000), (1_000_000, out)];
        let hint = Hint {
            retry_after_s: asked,
            ..Hint::default()
        };
        let mut reading = Reading {
            hint,
            request: Some(request(self.id, self.attempt).into()),
            ..reading(at(when), levels)
        };
        if status == 529 {
            // What refuses for everybody's load says nothing of one's own.
            (reading.levels, reading.raw) = (Vec::new(), Vec::new());
        }
        reading.unknown = Vec::new();
        if let Some(asked) = asked {
            let asked = ("retry-after".to_owned(), asked.to_string());
            reading.raw.push(asked);
        }
        self.tell(
            when,
            What::Head {
                status,
                reading,
                first_byte_s,
            },
        )
    }

    pub(super) fn token(&mut self, when: f64, after_s: f64, so_far: Usage) -> &mut Self {
        self.tell(when, What::FirstToken { after_s });
        self.tell(when, What::Progress { usage: so_far })
    }

    pub(super) fn whole(&mut self, when: f64, duration_s: f64, usage: Usage) {
        let outcome = Outcome::Complete {
            status: 200,
            stop_reason: Some("end_turn".to_owned()),
        };
        self.ended(when, duration_s, outcome, Some(usage), None);
        self.closed(when, CallResult::Ok);
    }

    pub(super) fn ended(
        &mut self,
        when: f64,
        duration_s: f64,
        outcome: Outcome,
        usage: Option<Usage>,
        verdict: Option<Verdict>,
    ) -> &mut Self {
        let verdict = verdict.map(Box::new);
        self.tell(
            when,
            What::Finished {
                outcome,
                usage,
                duration_s,
                verdict,
            },
        )
    }

    pub(super) fn closed(&mut self, when: f64, result: CallResult) {
        self.tell(when, What::Closed { result });
    }

    /// The 429 of the output limit, head and end.
    pub(super) fn output_refused(&mut self, when: f64, asked: f64) -> &mut Self {
        let verdict = Verdict {
            request_id: Some(request(self.id, self.attempt).into()),
            ..output_verdict(at(when), asked)
        };
        let hint = Hint {
            retry_after_s: Some(asked),
            ..Hint::default()
        };
        let error = ApiError {
            kind: "rate_limit_error".to_owned(),
            message: OUTPUT.to_owned(),
            ..ApiError::default()
        };
        let refused = Outcome::Refused {
            status: 429,
            error,
            hint,
        };
        self.head(when, 0.012, 429, Some(asked));
        self.ended(when + 0.001, 0.013, refused, None, Some(verdict))
    }

    /// Refused with 429, for what the verdict says.
    pub(super) fn refused(&mut self, when: f64, verdict: Verdict) -> &mut Self {
        let error = ApiError {
            kind: "rate_limit_error".to_owned(),
            ..ApiError::default()
        };
        let refused = Outcome::Refused {
            status: 429,
            error,
            hint: Hint::default(),
        };
        self.head(when, 0.2, 429, None);
        self.ended(when + 0.01, 0.21, refused, None, Some(verdict))
    }

    pub(super) fn overloaded(&mut self, when: f64) -> &mut Self {
        let error = ApiError {
            kind: "overloaded_error".to_owned(),
            message: "Overloaded".to_owned(),
            ..ApiError::default()
        };
        let verdict = plain(Cause::Overloaded, Some(529), "overloaded_error", true);
        let refused = Outcome::Refused {
            status: 529,
            error,
            hint: Hint::default(),
        };
        self.head(when, 0.2, 529, None);
        self.ended(when + 0.01, 0.21, refused, None, Some(verdict))
    }
}

/// The newer form of the message.
const OUTPUT: &str = "This request would exceed your organization's rate limit of 1,000,000 output \
                      tokens per minute (org: org-1, model: claude-opus-5-5).";

fn request(id: u64, attempt: u32) -> String {
    format!("req_011CX{:03}{attempt}9f", id - FIRST_FOREIGN_CALL)
}

fn output_verdict(when: Time, asked: f64) -> Verdict {
    Verdict {
        cause: Cause::OutputTokensPerMinute,
        limiter: Some("output_tokens_per_minute".into()),
        scope: Scope::Unknown,
        certainty: Certainty::Stated,
        evidence: vec![
            Evidence {
                from: EvidenceFrom::Message,
                text: "limit of 1,000,000 output tokens per minute".to_owned(),
            },
            Evidence {
                from: EvidenceFrom::Headers,
                text: "output-tokens 0 of 1,000,000 left".to_owned(),
            },
        ],
        status: Some(429),
        model: Some(OPUS.into()),
        pool: Some("rlg_opus55".into()),
        retry_helps: true,
        retry_at: Some(after(when, asked)),
        asked_s: Some(asked),
        request_id: None,
        sentence: format!(
            "Opus 5.5 refused a call: its output tokens per minute are used up; a retry helps in {asked} s."
        ),
    }
}

pub(super) fn plain(cause: Cause, status: Option<u16>, text: &str, retry_helps: bool) -> Verdict {
    Verdict {
        cause,
        limiter: None,
        scope: Scope::Unknown,
        certainty: Certainty::Stated,
        evidence: vec![Evidence {
            from: EvidenceFrom::Message,
            text: text.to_owned(),
        }],
        status,
        model: None,
        pool: None,
        retry_helps,
        retry_at: None,
        asked_s: None,
        request_id: None,
        sentence: format!("{}: {text}", cause.words()),
    }
}

pub(super) const fn used(input: u64, read: u64, out: u64) -> Usage {
    Usage {
        input_tokens: input,
        output_tokens: out,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: read,
        cache_creation: CacheCreation::of(0, false),
    }
}
