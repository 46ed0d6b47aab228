//! What an answer says in JSON, whole or one event of it: the values that are of interest and no other.

use super::scan::{Key, Scanner, Value, Wanted};
use crate::domain::{clean::clean, outcome::ApiError, usage::Usage};
use std::borrow::Cow;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    Type,
    Content,
    /// `usage` of the object itself, or of the `message` within.
    Usage {
        within: bool,
    },
    Input,
    Output,
    CacheWrite,
    CacheWrite5m,
    CacheWrite1h,
    CacheRead,
    StopReason,
    Delta,
    DeltaType,
    Text,
    Thinking,
    PartialJson,
    BlockText,
    Error,
    ErrorType,
    ErrorMessage,
    ErrorCode,
    /// `param` or `code` in `error`: another vendor's envelope.
    ErrorOfOthers,
    RequestId,
}

const fn leaf(name: &'static str, want: Want) -> Key<Want> {
    Key {
        name,
        want: Some(want),
        inner: &[],
    }
}

const fn object(name: &'static str, want: Option<Want>, inner: Wanted<Want>) -> Key<Want> {
    Key { name, want, inner }
}

const USAGE: Wanted<Want> = &[
    leaf("input_tokens", Want::Input),
    leaf("output_tokens", Want::Output),
    leaf("cache_creation_input_tokens", Want::CacheWrite),
    leaf("cache_read_input_tokens", Want::CacheRead),
    object(
        "cache_creation",
        None,
        &[
            leaf("ephemeral_5m_input_tokens", Want::CacheWrite5m),
            leaf("ephemeral_1h_input_tokens", Want::CacheWrite1h),
        ],
    ),
];

/// A message, an error envelope, or the data of any event.
const ANSWER: Wanted<Want> = &[
    leaf("type", Want::Type),
    leaf("content", Want::Content),
    leaf("stop_reason", Want::StopReason),
    object("usage", Some(Want::Usage { within: false }), USAGE),
    object(
        "message",
        None,
        &[object("usage", Some(Want::Usage { within: true }), USAGE)],
    ),
    object(
        "delta",
        Some(Want::Delta),
        &[
            leaf("type", Want::DeltaType),
            leaf("text", Want::Text),
            leaf("thinking", Want::Thinking),
            leaf("partial_json", Want::PartialJson),
            leaf("stop_reason", Want::StopReason),
        ],
    ),
    object("content_block", None, &[leaf("text", Want::BlockText)]),
    object(
        "error",
        Some(Want::Error),
        &[
            leaf("type", Want::ErrorType),
            leaf("message", Want::ErrorMessage),
            object("details", None, &[leaf("error_code", Want::ErrorCode)]),
            leaf("param", Want::ErrorOfOthers),
            leaf("code", Want::ErrorOfOthers),
        ],
    ),
    leaf("request_id", Want::RequestId),
];

/// `type` of an answer or event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// It says none.
    #[default]
    Unsaid,
    Message,
    Error,
    MessageStart,
    MessageDelta,
    MessageStop,
    BlockStart,
    BlockDelta,
    /// `content_block_stop`, whose loss would change the answer, but which says nothing itself.
    BlockStop,
    /// Any other; to be ignored.
    Other,
}

impl Kind {
    pub(super) fn of(name: &[u8]) -> Self {
        match name {
            b"" => Self::Unsaid,
            b"message" => Self::Message,
            b"error" => Self::Error,
            b"message_start" => Self::MessageStart,
            b"message_delta" => Self::MessageDelta,
            b"message_stop" => Self::MessageStop,
            b"content_block_start" => Self::BlockStart,
            b"content_block_delta" => Self::BlockDelta,
            b"content_block_stop" => Self::BlockStop,
            _ => Self::Other,
        }
    }
}

/// Which field of a delta counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Delta {
    #[default]
    None,
    Text,
    Thinking,
    Json,
}

/// What a `usage` object says; what it leaves out, or says as null, is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SaidUsage {
    there: bool,
    input: Option<u64>,
    output: Option<u64>,
    cache_write: Option<u64>,
    cache_write_5m: Option<u64>,
    cache_write_1h: Option<u64>,
    cache_read: Option<u64>,
}

impl SaidUsage {
    /// Overwrites what it says. Values are cumulative: never summed.
    pub(super) fn apply(&self, usage: &mut Option<Usage>) {
        if !self.there {
            return;
        }
        let held = usage.get_or_insert_default();
        let created = &mut held.cache_creation;
        let fields = [
            (&mut created.ephemeral_5m_input_tokens, self.cache_write_5m),
            (&mut created.ephemeral_1h_input_tokens, self.cache_write_1h),
            (&mut held.input_tokens, self.input),
            (&mut held.output_tokens, self.output),
            (&mut held.cache_creation_input_tokens, self.cache_write),
            (&mut held.cache_read_input_tokens, self.cache_read),
        ];
        for (field, said) in fields {
            *field = said.unwrap_or(*field);
        }
    }

    /// Whether it says how much was generated.
    pub(super) fn counts_output(&self) -> bool {
        self.output.is_some()
    }
}

/// What one object said.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Said {
    pub(super) kind: Kind,
    pub(super) stop_reason: Option<Cow<'static, str>>,
    /// Whether `content` is a list.
    pub(super) content: bool,
    pub(super) usage: SaidUsage,
    /// Of the `message` within.
    pub(super) message_usage: SaidUsage,
    within: bool,
    delta: Delta,
    text: u64,
    thinking: u64,
    json: u64,
    block_text: u64,
    error: Option<Box<Failure>>,
    request: Option<String>,
}

/// An `error` object.
#[derive(Clone, Debug, Default, PartialEq)]
struct Failure {
    kind: Option<String>,
    message: Option<String>,
    code: Option<String>,
    of_others: bool,
}

impl Said {
    /// Takes one value in.
    fn take(&mut self, want: Want, value: Value<'_>) {
        let length = match value {
            Value::Text(_, length) => length,
            _ => 0,
        };
        let text = |most| value.text().map(|text| clean(&text, most));
        match want {
            Want::Type => {
                self.kind = match value {
                    Value::Text(name, _) if !name.is_empty() => Kind::of(name),
                    Value::Text(..) => Kind::Other,
                    _ => Kind::Unsaid,
                }
            }
            Want::Content => self.content = value == Value::Array,
            Want::StopReason => self.stop_reason = reason(value).or(self.stop_reason.take()),
            Want::Usage { within } => {
                self.within = within;
                *self.said() = SaidUsage {
                    there: value == Value::Object,
                    ..SaidUsage::default()
                };
            }
            Want::Input => self.said().input = value.whole(),
            Want::Output => self.said().output = value.whole(),
            Want::CacheWrite => self.said().cache_write = value.whole(),
            Want::CacheRead => self.said().cache_read = value.whole(),
            Want::CacheWrite5m => self.said().cache_write_5m = value.whole(),
            Want::CacheWrite1h => self.said().cache_write_1h = value.whole(),
            Want::Delta => {
                self.delta = Delta::None;
                (self.text, self.thinking, self.json) = (0, 0, 0);
            }
            Want::DeltaType => {
                self.delta = match value {
                    Value::Text(b"text_delta", _) => Delta::Text,
                    Value::Text(b"thinking_delta", _) => Delta::Thinking,
                    Value::Text(b"input_json_delta", _) => Delta::Json,
                    _ => Delta::None,
                }
            }
            Want::Text => self.text = length,
            Want::Thinking => self.thinking = length,
            Want::PartialJson => self.json = length,
            Want::BlockText => self.block_text = length,
            Want::Error => {
                self.error = (value == Value::Object).then(Box::default);
            }
            Want::ErrorType => self.fail(|it| it.kind = text(100)),
            Want::ErrorMessage => self.fail(|it| it.message = text(2_000)),
            Want::ErrorCode => self.fail(|it| it.code = text(100)),
            Want::ErrorOfOthers => self.fail(|it| it.of_others = true),
            Want::RequestId => self.request = text(200).filter(|id| !id.is_empty()),
        }
    }

    fn said(&mut self) -> &mut SaidUsage {
        if self.within {
            &mut self.message_usage
        } else {
            &mut self.usage
        }
    }

    fn fail(&mut self, set: impl FnOnce(&mut Failure)) {
        if let Some(error) = &mut self.error {
            set(error);
        }
    }

    /// Bytes that the model generated in this event, unescaped.
    pub(super) fn generated(&self) -> u64 {
        match (self.kind, self.delta) {
            (Kind::BlockStart, _) => self.block_text,
            (Kind::BlockDelta, Delta::Text) => self.text,
            (Kind::BlockDelta, Delta::Thinking) => self.thinking,
            (Kind::BlockDelta, Delta::Json) => self.json,
            _ => 0,
        }
    }

    /// The API's error, if this is one.
    pub(super) fn api_error(&self) -> Option<ApiError> {
        let error = self.error.as_deref()?;
        if self.kind != Kind::Error && error.of_others {
            return None;
        }
        if error.kind.is_none() && error.message.is_none() {
            return None;
        }
        Some(ApiError {
            kind: error.kind.clone().unwrap_or_default(),
            message: error.message.clone().unwrap_or_default(),
            code: error.code.clone().filter(|code| !code.is_empty()),
            request: self.request.clone().map(Into::into),
        })
    }
}

/// JSON of an answer, as it passes, and what it has said so far.
pub(super) struct Json {
    scanner: Scanner<Want>,
    pub(super) said: Said,
}

impl Json {
    pub(super) fn new() -> Self {
        Self {
            scanner: Scanner::new(ANSWER),
            said: Said::default(),
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        let said = &mut self.said;
        self.scanner
            .push(bytes, &mut |want, value| said.take(want, value));
    }

    /// What the object said, and whether it is whole. The next begins.
    pub(super) fn next(&mut self) -> (Said, bool) {
        let whole = self.scanner.is_over();
        self.scanner.restart();
        (std::mem::take(&mut self.said), whole)
    }

    /// Whether the object is whole.
    pub(super) fn is_over(&self) -> bool {
        self.scanner.is_over()
    }

    /// Whether nothing but blanks has come.
    pub(super) fn is_untouched(&self) -> bool {
        self.scanner.is_untouched()
    }

    /// Whether it is no object.
    pub(super) fn is_dead(&self) -> bool {
        self.scanner.is_dead()
    }
}

/// A `stop_reason`, cleaned. Those that are known cost nothing.
fn reason(value: Value<'_>) -> Option<Cow<'static, str>> {
    const KNOWN: [&str; 7] = [
        "end_turn",
        "max_tokens",
        "tool_use",
        "stop_sequence",
        "pause_turn",
        "refusal",
        "model_context_window_exceeded",
    ];
    let Value::Text(bytes, _) = value else {
        return None;
    };
    let known = KNOWN.iter().find(|known| known.as_bytes() == bytes);
    Some(match known {
        Some(known) => Cow::Borrowed(*known),
        None => Cow::Owned(clean(&value.text()?, 60)),
    })
}
