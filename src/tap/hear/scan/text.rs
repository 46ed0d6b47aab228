//! The inside of strings: where one ends, and, for those that are kept, escapes and halves of characters.

use super::{Escape, KEPT, Scanner};
use memchr::memchr2;

impl<W: Copy + 'static> Scanner<W> {
    /// One byte of an escape; 0 when it is none of it.
    pub(super) fn escaped(&mut self, byte: u8) -> usize {
        let Escape::Digits(count) = self.escape else {
            self.escape = Escape::None;
            match byte {
                b'u' => {
                    self.escape = Escape::Digits(0);
                    self.unit = 0;
                }
                b'n' => self.put(b"\n"),
                b't' => self.put(b"\t"),
                b'r' => self.put(b"\r"),
                b'b' => self.put(b"\x08"),
                b'f' => self.put(b"\x0c"),
                other => self.put(&[other]),
            }
            return 1;
        };
        let Some(digit) = char::from(byte).to_digit(16) else {
            self.escape = Escape::None;
            return 0;
        };
        self.unit = self.unit << 4 | digit as u16;
        self.escape = Escape::Digits(count + 1);
        if count == 3 {
            self.escape = Escape::None;
            self.put_unit();
        }
        1
    }

    /// A UTF-16 unit is whole.
    fn put_unit(&mut self) {
        let unit = self.unit;
        if let (Some(high), 0xdc00..=0xdfff) = (self.high, unit) {
            self.high = None;
            let code = 0x1_0000 + ((u32::from(high) - 0xd800) << 10) + (u32::from(unit) - 0xdc00);
            self.put_char(char::from_u32(code));
        } else if (0xd800..0xdc00).contains(&unit) {
            self.put_half();
            self.high = Some(unit);
        } else {
            self.put_char(char::from_u32(unit.into()));
        }
    }

    fn put_char(&mut self, c: Option<char>) {
        let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
        self.put(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// Half a surrogate pair is no character.
    pub(super) fn put_half(&mut self) {
        if self.high.take().is_some() {
            self.put_char(None);
        }
    }

    pub(super) fn put(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.put_half();
        self.total += bytes.len() as u64;
        self.keep(bytes);
    }

    pub(super) fn keep(&mut self, bytes: &[u8]) {
        let count = bytes.len().min(KEPT - self.kept.len());
        self.kept.extend_from_slice(&bytes[..count]);
    }
}

/// Where a string ends that is there to its end and has no escape: the common case, in which nothing need
/// be kept.
pub(super) fn plain_end(rest: &[u8]) -> Option<usize> {
    special(rest).filter(|at| rest.get(*at) == Some(&b'"'))
}

/// Where the first quote or backslash is. Most strings are so short that nothing need be called.
#[inline]
pub(in crate::tap::hear) fn special(rest: &[u8]) -> Option<usize> {
    let Some((first, after)) = rest.split_first_chunk() else {
        return far_special(rest);
    };
    special_in(*first).or_else(|| Some(first.len() + far_special(after)?))
}

/// The same where it is further on: a search has to be set up, so that begins late.
#[inline(never)]
fn far_special(rest: &[u8]) -> Option<usize> {
    let (words, _) = rest.as_chunks();
    let mut at = 0;
    for word in words.iter().take(3) {
        if let Some(found) = special_in(*word) {
            return Some(at + found);
        }
        at += word.len();
    }
    Some(at + memchr2(b'"', b'\\', rest.get(at..)?)?)
}

/// The same of eight bytes, in one step.
#[inline]
fn special_in(word: [u8; 8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const QUOTES: u64 = u64::from_ne_bytes([b'"'; 8]);
    const BACKSLASHES: u64 = u64::from_ne_bytes([b'\\'; 8]);
    // Has a bit set for each byte that is zero, the lowest of which is right.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    let word = u64::from_le_bytes(word);
    let found = zeros(word ^ QUOTES) | zeros(word ^ BACKSLASHES);
    (found != 0).then(|| found.trailing_zeros() as usize / 8)
}
