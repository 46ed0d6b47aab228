//! A streamed answer, read in passing: the same as `domain::answer::stream` finds, without a copy of a
//! line, of an event or of its text.

mod delta;

use super::said::{Json, Kind};
use crate::domain::{outcome::ApiError, usage::Usage};
use delta::delta;
use memchr::memchr2;
use std::borrow::Cow;

/// Bytes of one line. The API's largest events are a few kilobytes.
pub(super) const LONGEST: u64 = 1 << 20;
/// Bytes kept of an event's name or a field's.
const NAME: usize = 24;

/// A few bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Name {
    bytes: [u8; NAME],
    /// More than fit make it none of those that are known.
    len: usize,
}

impl Name {
    fn push(&mut self, bytes: &[u8]) {
        let from = self.len.min(NAME);
        let count = bytes.len().min(NAME - from);
        self.bytes[from..from + count].copy_from_slice(&bytes[..count]);
        self.len += bytes.len();
    }

    fn get(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(b"?")
    }
}

/// Where in a line we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Field,
    /// After the colon: one blank may come.
    Colon,
    Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Data,
    Event,
    /// A comment, `id`, `retry`, and what nobody knows.
    Other,
}

/// How a stream ended by its own words.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Over {
    /// `message_stop`.
    Whole,
    /// An `error` event.
    Failed(ApiError),
    /// An event that should have been JSON.
    Garbled,
    /// A line longer than [`LONGEST`]: nothing after it is read.
    TooLong,
    /// It could not be decoded further.
    Unread,
}

/// A streamed answer so far.
pub(super) struct Events {
    at: At,
    field: Field,
    field_name: Name,
    event: Name,
    has_data: bool,
    line: u64,
    after_cr: bool,
    first_line: bool,
    usage: Option<Usage>,
    stop_reason: Option<Cow<'static, str>>,
    /// Bytes generated since the server last said how many tokens there are.
    counted: u64,
    /// Whether the model has generated anything.
    pub(super) token: bool,
    /// Whether one event came.
    pub(super) any: bool,
    pub(super) over: Option<Over>,
}

impl Events {
    pub(super) fn new() -> Self {
        Self {
            at: At::Field,
            field: Field::Other,
            field_name: Name::default(),
            event: Name::default(),
            has_data: false,
            line: 0,
            after_cr: false,
            first_line: true,
            usage: None,
            stop_reason: None,
            counted: 0,
            token: false,
            any: false,
            over: None,
        }
    }

    /// Takes the next bytes. What comes after the end is ignored.
    pub(super) fn push(&mut self, bytes: &[u8], json: &mut Json) {
        let mut rest = bytes;
        while !rest.is_empty() && self.over.is_none() {
            if std::mem::take(&mut self.after_cr)
                && let Some(after) = rest.strip_prefix(b"\n")
            {
                rest = after;
                continue;
            }
            if self.is_between()
                && let Some((generated, after)) = delta(rest)
            {
                self.any = true;
                self.generate(generated);
                rest = after;
                continue;
            }
            rest = match self.at {
                At::Field => self.field(rest, json),
                At::Colon => {
                    self.at = At::Value;
                    if self.field == Field::Event {
                        self.event = Name::default();
                    }
                    rest.strip_prefix(b" ").unwrap_or(rest)
                }
                At::Value => self.value(rest, json),
            };
        }
    }

    /// Whether an event begins, and it is not the first, before which a mark of its encoding may stand.
    fn is_between(&self) -> bool {
        let at_line = self.at == At::Field && self.line == 0 && !self.first_line;
        at_line && !self.has_data && self.event.len == 0
    }

    fn generate(&mut self, bytes: u64) {
        self.counted += bytes;
        self.token |= bytes > 0;
    }

    /// The stream is over. An event whose last blank line is missing still counts if it is whole.
    pub(super) fn finish(&mut self, json: &mut Json) {
        if self.over.is_some() {
            return;
        }
        if self.line > 0 {
            self.end_line(json);
        }
        if self.has_data && json.is_over() {
            self.dispatch(json);
        }
    }

    /// Tokens so far. Output that the server has not counted yet is taken as four bytes a token, never
    /// more than `most`.
    pub(super) fn usage(&self, most: Option<u64>) -> Option<Usage> {
        let mut usage = self.usage;
        if self.counted > 0 {
            let held = usage.get_or_insert_default();
            let estimate = held.output_tokens.saturating_add(self.counted.div_ceil(4));
            let most = most.unwrap_or(u64::MAX).max(held.output_tokens);
            held.output_tokens = estimate.min(most);
        }
        usage
    }

    pub(super) fn stop_reason(&self) -> Option<&Cow<'static, str>> {
        self.stop_reason.as_ref()
    }

    fn field<'a>(&mut self, rest: &'a [u8], json: &mut Json) -> &'a [u8] {
        // As every line of the API begins.
        if self.line == 0 && !self.first_line {
            if let Some(after) = rest.strip_prefix(b"data:") {
                return self.begin(Field::Data, 5, after, json);
            }
            if let Some(after) = rest.strip_prefix(b"event:") {
                return self.begin(Field::Event, 6, after, json);
            }
        }
        let end = rest.iter().position(|b| matches!(b, b':' | b'\n' | b'\r'));
        let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
        self.field_name.push(name);
        if !self.grow(name.len()) {
            return &[];
        }
        let Some((ending, after)) = after.split_first() else {
            return after;
        };
        if *ending == b':' {
            return self.begin(self.field_named(), 1, after, json);
        }
        self.after_cr = *ending == b'\r';
        if self.line == 0 {
            self.dispatch(json);
        } else {
            self.field = self.field_named();
            if self.field == Field::Event {
                self.event = Name::default();
            }
            self.begin_data(json);
        }
        self.next_line();
        after
    }

    fn field_named(&self) -> Field {
        let name = self.field_name.get();
        let bom = name
            .strip_prefix(b"\xef\xbb\xbf")
            .filter(|_| self.first_line);
        match bom.unwrap_or(name) {
            b"data" => Field::Data,
            b"event" => Field::Event,
            _ => Field::Other,
        }
    }

    fn begin<'a>(
        &mut self,
        field: Field,
        length: usize,
        after: &'a [u8],
        json: &mut Json,
    ) -> &'a [u8] {
        self.line += length as u64;
        self.field = field;
        self.at = At::Colon;
        self.begin_data(json);
        after
    }

    /// A further line of data is joined to the one before with a newline.
    fn begin_data(&mut self, json: &mut Json) {
        if self.field == Field::Data && std::mem::replace(&mut self.has_data, true) {
            json.push(b"\n");
        }
    }

    fn value<'a>(&mut self, rest: &'a [u8], json: &mut Json) -> &'a [u8] {
        let end = memchr2(b'\n', b'\r', rest);
        let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
        if !self.grow(part.len()) {
            return &[];
        }
        match self.field {
            Field::Data => json.push(part),
            Field::Event => self.event.push(part),
            Field::Other => {}
        }
        let Some((ending, after)) = after.split_first() else {
            return after;
        };
        self.after_cr = *ending == b'\r';
        self.end_line(json);
        after
    }

    /// Whether the line is still short enough.
    fn grow(&mut self, by: usize) -> bool {
        self.line += by as u64;
        if self.line > LONGEST {
            self.over = Some(Over::TooLong);
        }
        self.line <= LONGEST
    }

    /// A line with something in it is over, or the stream within it.
    fn end_line(&mut self, json: &mut Json) {
        if self.at == At::Field {
            self.field = self.field_named();
            if self.field == Field::Event {
                self.event = Name::default();
            }
            self.begin_data(json);
        }
        self.next_line();
    }

    fn next_line(&mut self) {
        self.at = At::Field;
        self.line = 0;
        self.field_name.len = 0;
        self.first_line = false;
    }

    /// A blank line: the event is whole.
    fn dispatch(&mut self, json: &mut Json) {
        let name = Kind::of(std::mem::take(&mut self.event).get());
        if !std::mem::take(&mut self.has_data) {
            return;
        }
        self.any = true;
        let (mut said, whole) = json.next();
        if !whole {
            // Events whose loss would change the answer.
            if !matches!(name, Kind::Unsaid | Kind::Other | Kind::Message) {
                self.over = Some(Over::Garbled);
            }
            return;
        }
        if said.kind == Kind::Unsaid {
            said.kind = name;
        }
        self.generate(said.generated());
        match said.kind {
            Kind::MessageStart => said.message_usage.apply(&mut self.usage),
            Kind::MessageDelta => {
                if said.stop_reason.is_some() {
                    self.stop_reason = said.stop_reason;
                }
                said.usage.apply(&mut self.usage);
                if said.usage.counts_output() {
                    self.counted = 0;
                }
            }
            Kind::MessageStop => self.over = Some(Over::Whole),
            Kind::Error => {
                self.over = Some(Over::Failed(said.api_error().unwrap_or_default()));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
