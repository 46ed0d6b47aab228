//! What may be kept of an answer that is no success. A 400 can quote the prompt, so its words go; those
//! that speak of limits, money or load stay, cut short.

use crate::domain::{
    clean::{clean, without_key},
    outcome::{ApiError, Outcome},
};
use http::HeaderValue;
use std::borrow::Cow;

/// Bytes of a message that are kept.
const MESSAGE: usize = 512;
/// How the messages of spend limits begin that a customer sets: the one 400 whose words are needed,
/// and they are the API's own.
const OWN_LIMITS: [&str; 2] = [
    "You have reached your specified workspace API usage limits",
    "You have reached your specified API usage limits",
];

/// The outcome without anything that may be a prompt, a reply or a key.
pub(super) fn scrub(outcome: Outcome, secrets: &Secrets) -> Outcome {
    match outcome {
        Outcome::Refused {
            status,
            error,
            hint,
        } => Outcome::Refused {
            status,
            error: scrub_error(error, keeps_words(status), secrets),
            hint,
        },
        Outcome::Foreign {
            status,
            looks_like,
            hint,
        } => {
            let mut looks_like = secrets.blank(looks_like);
            if !keeps_words(status)
                && let Some(quote) = looks_like.find('"')
            {
                looks_like.truncate(quote);
                let end = looks_like.trim_end().trim_end_matches(" titled").len();
                looks_like.truncate(end);
            }
            Outcome::Foreign {
                status,
                looks_like,
                hint,
            }
        }
        Outcome::StreamError { error } => {
            let keeps = matches!(
                error.kind.as_str(),
                "rate_limit_error"
                    | "overloaded_error"
                    | "api_error"
                    | "timeout_error"
                    | "billing_error"
                    | "permission_error"
            );
            Outcome::StreamError {
                error: scrub_error(error, keeps, secrets),
            }
        }
        Outcome::StreamCut { how } => Outcome::StreamCut {
            how: secrets.blank(clean(&how, 160)),
        },
        Outcome::Unreachable { kind, how } => Outcome::Unreachable {
            kind,
            how: secrets.blank(clean(&how, 200)),
        },
        whole => whole,
    }
}

/// Whether such an answer's words speak of limits, money, rights or load, never of the request.
const fn keeps_words(status: u16) -> bool {
    matches!(status, 402 | 403 | 429 | 500..)
}

fn scrub_error(mut error: ApiError, keeps_words: bool, secrets: &Secrets) -> ApiError {
    let is_word = |text: &str| {
        text.len() <= 80
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
    };
    error.message = if keeps_words {
        cut(secrets.blank(error.message), MESSAGE)
    } else {
        let own = OWN_LIMITS
            .iter()
            .find(|own| error.message.starts_with(**own));
        own.map_or_else(String::new, |own| (*own).to_owned())
    };
    if !is_word(&error.kind) {
        error.kind.clear();
    }
    error.code = error.code.filter(|code| is_word(code));
    error.request = error.request.filter(|id| is_word(id.as_str()));
    for text in [Some(&mut error.kind), error.code.as_mut()]
        .into_iter()
        .flatten()
    {
        *text = secrets.blank(std::mem::take(text));
    }
    error
}

/// Its first `most` bytes, at the end of a character.
fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        let end = (0..=most).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
    }
    text
}

/// The key that a request carries: only to find it again where an answer repeats it.
#[derive(Clone, Default)]
pub(super) struct Secrets([Option<HeaderValue>; 2]);

impl Secrets {
    /// Of the two headers that carry one. They are copied: a part of the buffer that the request came in
    /// would keep all of it for as long as the answer takes.
    pub(super) fn new(keys: [Option<&HeaderValue>; 2]) -> Self {
        let copied = |value: &HeaderValue| HeaderValue::from_bytes(value.as_bytes()).ok();
        Self(keys.map(|value| value.and_then(copied)))
    }

    /// The text without them.
    pub(super) fn blank(&self, text: String) -> String {
        let words = self
            .0
            .iter()
            .flatten()
            .filter_map(|value| value.to_str().ok());
        let words = words.filter_map(|value| value.split_whitespace().next_back());
        words.fold(text, |text, word| match without_key(&text, word) {
            Cow::Owned(blanked) => blanked,
            Cow::Borrowed(_) => text,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::headers::Hint;
    use rstest::rstest;

    fn refused(status: u16, message: &str) -> Outcome {
        Outcome::Refused {
            status,
            error: ApiError {
                kind: "some_error".into(),
                message: message.into(),
                code: Some("a code with blanks".into()),
                request: Some("req_1".into()),
            },
            hint: Hint::default(),
        }
    }

    fn secrets(value: &'static str) -> Secrets {
        Secrets([Some(HeaderValue::from_static(value)), None])
    }

    #[rstest]
    fn words_of_the_request_never_stay(#[values(400, 401, 404, 408, 409, 413, 422)] status: u16) {
        let text = "messages.0: the prompt quoted";
        let Outcome::Refused { error, .. } = scrub(refused(status, text), &Secrets::default())
        else {
            panic!("not refused");
        };
        assert_eq!((error.message.as_str(), error.code), ("", None));
        assert_eq!(error.kind, "some_error");
        assert_eq!(error.request.unwrap().as_str(), "req_1");
    }

    #[rstest]
    fn words_about_limits_stay_cut_and_without_keys(
        #[values(402, 403, 429, 500, 503, 529)] status: u16,
    ) {
        let text = format!("the key my-own-secret has reached {}", "é".repeat(400));
        let kept = scrub(refused(status, &text), &secrets("Bearer my-own-secret"));
        let Outcome::Refused { error, .. } = kept else {
            panic!("not refused");
        };
        assert!(error.message.starts_with("the key (a key) has reached é"));
        assert!((510..=512).contains(&error.message.len()));
    }

    #[test]
    fn the_customers_own_spend_limit_stays_recognisable() {
        let text = "You have reached your specified API usage limits. You will regain access soon.";
        let Outcome::Refused { error, .. } = scrub(refused(400, text), &Secrets::default()) else {
            panic!("not refused");
        };
        assert_eq!(error.message, OWN_LIMITS[1]);
    }

    #[rstest]
    #[case(400, "plain text \"the prompt\"", "plain text")]
    #[case(404, "an HTML page titled \"the prompt\"", "an HTML page")]
    #[case(
        502,
        "plain text \"upstream failed\"",
        "plain text \"upstream failed\""
    )]
    fn pages_of_others(#[case] status: u16, #[case] looks: &str, #[case] kept: &str) {
        let outcome = Outcome::Foreign {
            status,
            looks_like: looks.into(),
            hint: Hint::default(),
        };
        let Outcome::Foreign { looks_like, .. } = scrub(outcome, &Secrets::default()) else {
            panic!("not foreign");
        };
        assert_eq!(looks_like, kept);
    }
}
