//! What a gateway in front of the API does to what passes: the list of things that clients need whole,
//! and what an examination found of each.
//!
//! To add one of these: a variant of [`Check`], its words below, and the case in `doctor` that finds it.

use serde::Serialize;

/// One thing that a client relies on, and that a gateway may spoil.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// `retry-after` of a 429 arrives, with its status.
    RetryAfter,
    /// `x-should-retry` arrives.
    ShouldRetry,
    /// The error envelope arrives, with `error.details.error_code`.
    ErrorBody,
    /// A 529 stays a 529 and gets no `retry-after`.
    Overloaded,
    /// One request of the client is one request upstream.
    OwnRetries,
    /// `anthropic-ratelimit-*` arrive.
    RateLimitHeaders,
    /// `request-id` arrives.
    RequestId,
    /// Events arrive with their `event:` lines.
    EventLines,
    /// The first event arrives before the second is sent.
    FirstEvent,
    /// An `error` event after a 200 arrives.
    StreamError,
    /// A stream that breaks is not made to look whole.
    CutStream,
    /// A compressed answer arrives as one that can be read.
    Compression,
    /// A request near the API's 32 MB arrives, and a large answer comes back.
    BigBodies,
    /// The body of a request arrives byte for byte.
    RequestBody,
    /// `metadata` of a request arrives.
    Metadata,
    /// `x-stainless-retry-count` arrives upstream.
    RetryCount,
    /// `anthropic-version` and `anthropic-beta` arrive upstream.
    VersionHeaders,
    /// The query of the address arrives upstream.
    Query,
}

impl Check {
    /// Every check, in the order of the table.
    pub const ALL: [Self; 18] = [
        Self::RetryAfter,
        Self::ShouldRetry,
        Self::ErrorBody,
        Self::Overloaded,
        Self::OwnRetries,
        Self::RateLimitHeaders,
        Self::RequestId,
        Self::EventLines,
        Self::FirstEvent,
        Self::StreamError,
        Self::CutStream,
        Self::Compression,
        Self::BigBodies,
        Self::RequestBody,
        Self::Metadata,
        Self::RetryCount,
        Self::VersionHeaders,
        Self::Query,
    ];

    /// For people, in a few words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::RetryAfter => "retry-after of a 429",
            Self::ShouldRetry => "x-should-retry",
            Self::ErrorBody => "error body",
            Self::Overloaded => "529 stays a 529",
            Self::OwnRetries => "one request stays one",
            Self::RateLimitHeaders => "rate-limit headers",
            Self::RequestId => "request-id",
            Self::EventLines => "stream events",
            Self::FirstEvent => "first event at once",
            Self::StreamError => "error event after a 200",
            Self::CutStream => "a cut stream stays cut",
            Self::Compression => "compressed answers",
            Self::BigBodies => "big bodies",
            Self::RequestBody => "request body",
            Self::Metadata => "metadata",
            Self::RetryCount => "x-stainless-retry-count",
            Self::VersionHeaders => "version and beta headers",
            Self::Query => "query string",
        }
    }
}

/// What became of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// It passes whole.
    Pass,
    /// It is lost or changed.
    Fail,
    /// It could not be seen from here.
    Unknown,
}

impl Grade {
    /// In one word.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "FAIL",
            Self::Unknown => "unknown",
        }
    }
}

/// What was found of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Of what.
    pub check: Check,
    /// What became of it.
    pub grade: Grade,
    /// What was sent and what arrived, in one sentence. Cleaned, without keys.
    pub evidence: String,
}

impl Finding {
    /// A finding.
    pub fn new(check: Check, grade: Grade, evidence: impl Into<String>) -> Self {
        Self {
            check,
            grade,
            evidence: evidence.into(),
        }
    }

    /// `Pass` or `Fail`.
    pub fn of(check: Check, whole: bool, evidence: impl Into<String>) -> Self {
        let grade = if whole { Grade::Pass } else { Grade::Fail };
        Self::new(check, grade, evidence)
    }
}

/// How the gateway was examined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// It leads to our own upstream: both ends were seen, and nothing was spent.
    OwnUpstream,
    /// It leads elsewhere: one cheap call showed what comes back.
    OneCall,
    /// It was not reached: no call was made.
    NoCall,
}

/// A whole examination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkup {
    /// How.
    pub means: Means,
    /// One for each of [`Check::ALL`], in that order.
    pub findings: Vec<Finding>,
}

impl Checkup {
    /// Puts findings into the order of the table; a check that nobody looked at is unknown for the
    /// reason given. Of two findings of one check the worse one stays.
    pub fn of(means: Means, found: Vec<Finding>, otherwise: &str) -> Self {
        let findings = Check::ALL
            .into_iter()
            .map(|check| {
                let of_it = found.iter().filter(|finding| finding.check == check);
                let worst = of_it.max_by_key(|finding| match finding.grade {
                    Grade::Fail => 2,
                    Grade::Unknown => 1,
                    Grade::Pass => 0,
                });
                worst
                    .cloned()
                    .unwrap_or_else(|| Finding::new(check, Grade::Unknown, otherwise))
            })
            .collect();
        Self { means, findings }
    }

    /// How many findings have that grade.
    pub fn count(&self, grade: Grade) -> usize {
        self.findings.iter().filter(|it| it.grade == grade).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_its_line_and_the_worse_of_two_findings_stays() {
        let found = vec![
            Finding::of(Check::RequestId, true, "arrived"),
            Finding::of(Check::RequestId, false, "lost"),
            Finding::of(Check::Query, true, "arrived"),
        ];
        let checkup = Checkup::of(Means::OneCall, found, "not seen");
        assert_eq!(checkup.findings.len(), Check::ALL.len());
        let grade = |check| {
            let mut found = checkup.findings.iter().filter(|it| it.check == check);
            found.next().unwrap().grade
        };
        assert_eq!(grade(Check::RequestId), Grade::Fail);
        assert_eq!(grade(Check::Query), Grade::Pass);
        assert_eq!(grade(Check::Metadata), Grade::Unknown);
        assert_eq!(checkup.count(Grade::Unknown), Check::ALL.len() - 2);
    }
}
