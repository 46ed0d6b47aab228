//! JSON read in passing: the few values that are asked for, whatever the bytes are cut into and however
//! large the rest is. Nothing is copied but those values, the depth is only a number, and any bytes are
//! survived: what is not JSON gives what was found before.

mod text;
mod value;

pub(super) use text::special;
pub(super) use value::Value;

use memchr::memchr2;
use text::plain_end;

/// Bytes of one value or key that are kept, unescaped. Enough for 64 characters of a name and for 512
/// bytes of a message.
pub(super) const KEPT: usize = 512;
/// Objects within objects that can be asked for.
const LEVELS: usize = 4;

/// What is asked for within one object.
pub(super) type Wanted<W> = &'static [Key<W>];

/// One key of an object. A value is told if `want` says as what; objects under it are looked into if
/// `inner` names keys.
#[derive(Debug)]
pub(super) struct Key<W: 'static> {
    pub(super) name: &'static str,
    pub(super) want: Option<W>,
    pub(super) inner: Wanted<W>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first object.
    Start,
    /// In an object that is looked into: a key, `}` or `,` comes.
    Key,
    /// After such a key: `:` and a value come.
    Value,
    /// In a string of an object that is looked into.
    Text,
    /// In a number or word there.
    Word,
    /// In what nobody asked for, that many brackets deep.
    Skip,
    /// In a string there.
    SkipText,
    /// The object is whole.
    Over,
    /// This is no object.
    Dead,
}

/// Where an escape stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    None,
    /// After a backslash.
    Begun,
    /// After `\u` and that many digits.
    Digits(u8),
}

/// Reads one JSON object.
#[derive(Clone)]
pub(super) struct Scanner<W: 'static> {
    state: State,
    /// The objects that are looked into; the last is the one we are in.
    open: [Wanted<W>; LEVELS],
    depth: usize,
    /// Brackets open in what is skipped.
    skipped: u64,
    /// Whether the string is a key.
    in_key: bool,
    /// Whether what comes is kept.
    keeps: bool,
    /// The key that the value belongs to, of the innermost object.
    key: Option<&'static Key<W>>,
    escape: Escape,
    unit: u16,
    /// The first half of a surrogate pair.
    high: Option<u16>,
    /// What of a value or key is in pieces before, or has escapes; others need no copy.
    kept: Vec<u8>,
    /// Bytes of the string, unescaped.
    total: u64,
}

impl<W: Copy + 'static> Scanner<W> {
    pub(super) fn new(wanted: Wanted<W>) -> Self {
        Self {
            state: State::Start,
            open: [wanted; LEVELS],
            depth: 0,
            skipped: 0,
            in_key: false,
            keeps: false,
            key: None,
            escape: Escape::None,
            unit: 0,
            high: None,
            kept: Vec::new(),
            total: 0,
        }
    }

    /// Begins anew with another object.
    pub(super) fn restart(&mut self) {
        self.state = State::Start;
        self.depth = 0;
        self.escape = Escape::None;
        self.high = None;
    }

    /// Whether the object is whole.
    pub(super) fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// Whether nothing but blanks has come.
    pub(super) fn is_untouched(&self) -> bool {
        self.state == State::Start
    }

    /// Whether this is no object.
    pub(super) fn is_dead(&self) -> bool {
        self.state == State::Dead
    }

    /// Takes the next bytes and tells what was asked for.
    pub(super) fn push(&mut self, bytes: &[u8], tell: &mut impl FnMut(W, Value<'_>)) {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            at += match self.state {
                State::Start => self.start(rest),
                State::Key => self.between(rest, tell),
                State::Value => self.value(rest, tell),
                State::Text => self.text(rest, tell),
                State::Word => self.word(rest, tell),
                State::Skip => self.skip(rest),
                State::SkipText => self.skip_text(rest),
                State::Over | State::Dead => return,
            };
        }
    }

    fn start(&mut self, rest: &[u8]) -> usize {
        let Some(at) = rest.iter().position(|b| !is_blank(*b)) else {
            return rest.len();
        };
        self.state = if rest[at] == b'{' {
            State::Key
        } else {
            State::Dead
        };
        at + 1
    }

    fn between(&mut self, rest: &[u8], tell: &mut impl FnMut(W, Value<'_>)) -> usize {
        let Some(at) = rest.iter().position(|b| !is_blank(*b) && *b != b',') else {
            return rest.len();
        };
        match rest[at] {
            b'"' => {
                let after = &rest[at + 1..];
                if let Some(end) = plain_end(after) {
                    self.key_is(&after[..end]);
                    let taken = at + end + 2;
                    // Mostly its value is there too.
                    return match rest.get(taken..) {
                        Some(value @ [b':', ..]) => taken + self.value(value, tell),
                        _ => taken,
                    };
                }
                self.in_key = true;
                self.open_text();
            }
            b'}' if self.depth == 0 => self.state = State::Over,
            b'}' => self.depth -= 1,
            _ => self.state = State::Dead,
        }
        at + 1
    }

    fn key_is(&mut self, name: &[u8]) {
        let wanted = self.open[self.depth];
        // A call that compares them costs more than most of them.
        let is = |wanted: &[u8]| {
            wanted.len() == name.len() && wanted.first() == name.first() && wanted == name
        };
        self.key = wanted.iter().find(|key| is(key.name.as_bytes()));
        self.state = State::Value;
    }

    fn open_text(&mut self) {
        self.state = State::Text;
        self.kept.clear();
        self.total = 0;
        self.escape = Escape::None;
        self.high = None;
    }

    fn value(&mut self, rest: &[u8], tell: &mut impl FnMut(W, Value<'_>)) -> usize {
        let Some(at) = rest.iter().position(|b| !is_blank(*b) && *b != b':') else {
            return rest.len();
        };
        let want = self.key.and_then(|key| key.want);
        match rest[at] {
            b'"' => {
                let after = &rest[at + 1..];
                if let Some(end) = plain_end(after) {
                    if let Some(want) = want {
                        tell(want, Value::Text(&after[..end.min(KEPT)], end as u64));
                    }
                    self.state = State::Key;
                    return at + end + 2;
                }
                if want.is_some() {
                    self.in_key = false;
                    self.open_text();
                } else {
                    self.skipped = 0;
                    self.escape = Escape::None;
                    self.state = State::SkipText;
                }
            }
            opening @ (b'{' | b'[') => {
                if let Some(want) = want {
                    let is_object = opening == b'{';
                    tell(
                        want,
                        if is_object {
                            Value::Object
                        } else {
                            Value::Array
                        },
                    );
                }
                let inner = self.key.map_or(&[][..], |key| key.inner);
                if opening == b'{' && !inner.is_empty() && self.depth + 1 < LEVELS {
                    self.depth += 1;
                    self.open[self.depth] = inner;
                    self.state = State::Key;
                } else {
                    self.skipped = 1;
                    self.state = State::Skip;
                }
            }
            b'}' | b']' | b',' => self.state = State::Dead,
            _ => {
                self.keeps = want.is_some();
                self.kept.clear();
                self.state = State::Word;
                return at + self.word(&rest[at..], tell);
            }
        }
        at + 1
    }

    fn word(&mut self, rest: &[u8], tell: &mut impl FnMut(W, Value<'_>)) -> usize {
        let end = rest
            .iter()
            .position(|b| is_blank(*b) || matches!(b, b',' | b'}' | b']'));
        let word = &rest[..end.unwrap_or(rest.len())];
        let whole = end.is_some() && self.kept.is_empty();
        if self.keeps && !whole {
            self.keep(word);
        }
        if end.is_some() {
            self.state = State::Key;
            let want = self.key.and_then(|key| key.want);
            if let (true, Some(want)) = (self.keeps, want) {
                match if whole { word } else { &self.kept } {
                    b"true" => tell(want, Value::Bool(true)),
                    b"false" => tell(want, Value::Bool(false)),
                    b"null" => tell(want, Value::Null),
                    number => tell(want, Value::Number(number)),
                }
            }
        }
        word.len()
    }

    fn text(&mut self, rest: &[u8], tell: &mut impl FnMut(W, Value<'_>)) -> usize {
        if self.escape != Escape::None {
            return self.escaped(rest[0]);
        }
        let Some(at) = memchr2(b'"', b'\\', rest) else {
            self.put(rest);
            return rest.len();
        };
        self.put(&rest[..at]);
        if rest[at] == b'\\' {
            self.escape = Escape::Begun;
            return at + 1;
        }
        self.put_half();
        if self.in_key {
            let name = std::mem::take(&mut self.kept);
            self.key_is(&name);
            self.kept = name;
        } else {
            self.state = State::Key;
            let want = self.key.and_then(|key| key.want);
            if let Some(want) = want {
                tell(want, Value::Text(&self.kept, self.total));
            }
        }
        at + 1
    }

    fn skip(&mut self, rest: &[u8]) -> usize {
        let mut at = 0;
        while let Some((byte, after)) = rest.get(at..).and_then(<[u8]>::split_first) {
            at += 1;
            match byte {
                b'"' => {
                    if let Some(end) = plain_end(after) {
                        at += end + 1;
                        continue;
                    }
                    self.escape = Escape::None;
                    self.state = State::SkipText;
                    return at;
                }
                b'{' | b'[' => self.skipped = self.skipped.saturating_add(1),
                b'}' | b']' => {
                    self.skipped -= 1;
                    if self.skipped == 0 {
                        self.state = State::Key;
                        return at;
                    }
                }
                _ => {}
            }
        }
        rest.len()
    }

    fn skip_text(&mut self, rest: &[u8]) -> usize {
        let mut at = usize::from(std::mem::replace(&mut self.escape, Escape::None) != Escape::None);
        while let Some(more) = memchr2(b'"', b'\\', rest.get(at..).unwrap_or_default()) {
            at += more;
            if rest[at] == b'"' {
                self.state = if self.skipped == 0 {
                    State::Key
                } else {
                    State::Skip
                };
                return at + 1;
            }
            if at + 1 == rest.len() {
                self.escape = Escape::Begun;
                return rest.len();
            }
            at += 2;
        }
        rest.len()
    }
}

pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

#[cfg(test)]
mod tests;
