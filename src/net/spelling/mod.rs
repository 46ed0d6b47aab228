//! Header names as they came. The parser keeps names in lower case and writes them so; what is to leave
//! a hop as it came to it gets its names back here, in the bytes of the head and in its length.

use memchr::memmem::Finder;
use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::LazyLock,
    task::{Context, Poll, ready},
};
use tokio::io::AsyncWrite;

/// Longer heads than this are refused by the parser.
const LONGEST_HEAD: usize = 512 << 10;
/// From here on it pays to look for the head's end before copying.
const LARGE: usize = 4 << 10;
/// Lines that are looked at, which is as many as the parser takes. Its own bound, and that of Envoy and
/// Apache where nobody changes it: for another one it would fill two tables anew for each head, which is
/// a twentieth of what a request costs.
const MOST_LINES: usize = 100;
/// Pieces that are written at once.
const PIECES: usize = 16;
/// What is written with a head, up to this size in all, is copied behind it: one piece is written faster.
const SMALL: usize = 4 << 10;
/// The end of a head; made once, as that takes longer than a search.
static BLANK: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\r\n\r\n"));

/// The bytes of a head as they came, with whatever followed it in the same piece.
#[derive(Debug, Default)]
pub struct RawHead(Vec<u8>);

impl RawHead {
    /// Takes the next bytes.
    pub fn push(&mut self, came: &[u8]) {
        let room = LONGEST_HEAD.saturating_sub(self.0.len());
        let mut came = came.get(..room).unwrap_or(came);
        if came.len() > LARGE && self.0.is_empty() && !is_informational(came) {
            let end = end_of_head(came, 0);
            came = end.and_then(|end| came.get(..end)).unwrap_or(came);
        }
        self.0.extend_from_slice(came);
    }

    /// Empties `used` and takes its memory, if there is nothing here yet and none of its own.
    fn reuse(&mut self, used: &mut Vec<u8>) {
        if self.0.capacity() == 0 {
            self.0 = std::mem::take(used);
            self.0.clear();
        }
    }

    /// What came.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Takes it, and leaves what follows the head: the next one, if no body comes between.
    #[must_use]
    pub fn take_first(&mut self) -> Self {
        let rest = match end_of_head(&self.0, 0) {
            Some(end) if end < self.0.len() => self.0.split_off(end),
            _ => Vec::new(),
        };
        Self(std::mem::replace(&mut self.0, rest))
    }
}

/// Writes, and gives the next head its names back on the way.
#[derive(Debug, Default)]
pub struct Speller {
    original: RawHead,
    armed: bool,
    /// A head that is being written, with what follows it if that is small, and how much of it was.
    head: Vec<u8>,
    written: usize,
    /// Memory of a head that was written, for the next one that comes.
    used: Vec<u8>,
}

impl Speller {
    /// The next head to be written has its names from this one. Nothing of what was written before may
    /// still be waiting.
    pub fn arm(&mut self, original: RawHead) {
        self.original = original;
        self.armed = true;
    }

    /// Takes the next bytes of a head that comes, into memory of one that was written.
    pub fn hear(&mut self, head: &mut RawHead, came: &[u8]) {
        head.reuse(&mut self.used);
        head.push(came);
    }

    /// Writes pieces, the first of which begins with the whole head if one is expected.
    pub fn poll_write<W: AsyncWrite + Unpin>(
        &mut self,
        io: &mut W,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = pieces.iter().map(|piece| piece.len()).sum();
        if self.armed && length > 0 {
            self.begin(pieces, length);
        }
        if self.head.is_empty() {
            // A body that goes on, maybe for long: it keeps no room for heads.
            self.head = Vec::new();
            self.used = Vec::new();
            return Pin::new(io).poll_write_vectored(cx, pieces);
        }
        let head = self.head.get(self.written..).unwrap_or_default();
        let written = if head.len() == length {
            ready!(Pin::new(io).poll_write(cx, head))?
        } else {
            let mut out = [IoSlice::new(&[]); PIECES];
            let count = behind(head, pieces, &mut out);
            let out = out.get(..count).unwrap_or_default();
            ready!(Pin::new(io).poll_write_vectored(cx, out))?
        };
        self.written += written;
        if self.written >= self.head.len() {
            self.head.clear();
        }
        Poll::Ready(Ok(written))
    }

    fn begin(&mut self, pieces: &[IoSlice<'_>], length: usize) {
        self.armed = false;
        self.written = 0;
        let original = std::mem::take(&mut self.original).0;
        let first = pieces.iter().find(|piece| !piece.is_empty());
        let first = first.map_or(&[][..], |piece| piece);
        // An answer of the parser's own that says no more than to go on.
        let mut start = 0;
        while first.get(start..).is_some_and(is_informational) {
            match end_of_head(first, start) {
                Some(end) => start = end,
                None => return,
            }
        }
        let Some(end) = end_of_head(first, start) else {
            return;
        };
        if length <= SMALL {
            for piece in pieces {
                self.head.extend_from_slice(piece);
            }
        } else {
            self.head
                .extend_from_slice(first.get(..end).unwrap_or(first));
        }
        if let Some(head) = self.head.get_mut(start..end) {
            respell(head, &original);
        }
        if original.capacity() <= SMALL {
            self.used = original;
        }
    }
}

/// Puts `head`, and of `pieces` what is behind as many bytes, into `out`. The count.
fn behind<'a>(head: &'a [u8], pieces: &'a [IoSlice<'_>], out: &mut [IoSlice<'a>]) -> usize {
    let mut skipped = head.len();
    let rest = pieces.iter().filter_map(|piece| {
        let skip = skipped.min(piece.len());
        skipped -= skip;
        piece.get(skip..).filter(|rest| !rest.is_empty())
    });
    let mut count = 0;
    for (slot, piece) in out.iter_mut().zip(std::iter::once(head).chain(rest)) {
        *slot = IoSlice::new(piece);
        count += 1;
    }
    count
}

/// Where the head that begins at `start` ends.
fn end_of_head(bytes: &[u8], start: usize) -> Option<usize> {
    let at = BLANK.find(bytes.get(start..)?)?;
    Some(start + at + 4)
}

/// Whether these bytes are an answer that is followed by another.
fn is_informational(bytes: &[u8]) -> bool {
    bytes.starts_with(b"HTTP/1.1 1") || bytes.starts_with(b"HTTP/1.0 1")
}

/// Gives the names in `head` the spelling that they have in `original`: the first of a name there to the
/// first here, the second to the second. Nothing else changes.
pub fn respell(head: &mut [u8], original: &[u8]) {
    let start = start_of(original);
    // Mostly the lines are the same ones in the same order, so all that are alike are taken in one step.
    let (mut was, mut is) = (line_end(original, start), line_end(head, 0));
    while let (Some(there), Some(here)) = (original.get(was..), head.get_mut(is..)) {
        let same = alike(here, there);
        let lines = here
            .get(..same)
            .and_then(|same| memchr::memrchr(b'\n', same));
        if let Some(end) = lines {
            let end = end + 1;
            let taken = here.get_mut(..end).zip(there.get(..end));
            if let Some((here, there)) = taken {
                here.copy_from_slice(there);
            }
            (was, is) = (was + end, is + end);
            continue;
        }
        if matches!(here, [] | [b'\r' | b'\n', ..]) {
            return;
        }
        let length = memchr::memchr(b':', here);
        if !spell(here, there, length) {
            return respell_any_order(here, original, start, was);
        }
        // The value is another.
        (was, is) = (line_end(original, was), line_end(head, is));
    }
}

/// How many bytes are alike from the beginning, whatever the case of their letters.
fn alike(one: &[u8], other: &[u8]) -> usize {
    let (chunks, others) = (one.as_chunks::<16>().0, other.as_chunks::<16>().0);
    // Most are equal, which is seen at once.
    let same =
        |(one, other): &(&[u8; 16], &[u8; 16])| one == other || one.eq_ignore_ascii_case(*other);
    let at = 16 * chunks.iter().zip(others).take_while(same).count();
    let rest = one.iter().zip(other).skip(at);
    at + rest
        .take_while(|(one, other)| one.eq_ignore_ascii_case(other))
        .count()
}

/// The same for lines in another order than those of the head that begins at `start`. What stands there
/// before `taken` has been used.
fn respell_any_order(lines: &mut [u8], original: &[u8], start: usize, taken: usize) {
    let mut names = [(0, 0); MOST_LINES];
    let count = names_of(original, start, &mut names);
    let mut rest = names.get_mut(..count).unwrap_or_default();
    let used = rest
        .iter()
        .take_while(|(at, _)| (*at as usize) < taken)
        .count();
    rest = rest.get_mut(used..).unwrap_or_default();
    let mut is = 0;
    while is < lines.len() {
        let end = line_end(lines, is);
        let Some(here) = lines.get_mut(is..end) else {
            return;
        };
        let found = rest.iter_mut().find(|(at, length)| {
            let (at, length) = (*at as usize, *length as usize);
            let line = original.get(at..).unwrap_or_default();
            length > 0 && spell(here, line, Some(length))
        });
        if let Some(found) = found {
            *found = (0, 0);
        }
        is = end;
    }
}

/// Writes the name of `line`, which has this length, over the same name of `here`. Whether it is the
/// same.
fn spell(here: &mut [u8], line: &[u8], length: Option<usize>) -> bool {
    let is_end = |text: &[u8], length: usize| text.get(length) == Some(&b':');
    let Some(length) = length.filter(|it| is_end(here, *it) && is_end(line, *it)) else {
        return false;
    };
    match here.get_mut(..length).zip(line.get(..length)) {
        Some((here, name)) if here.eq_ignore_ascii_case(name) => {
            here.copy_from_slice(name);
            true
        }
        _ => false,
    }
}

/// Where the line that begins at `at` ends.
fn line_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    memchr::memchr(b'\n', rest).map_or(bytes.len(), |end| at + end + 1)
}

/// Where the head begins, behind empty lines and informational answers.
fn start_of(bytes: &[u8]) -> usize {
    let mut at = bytes
        .iter()
        .position(|byte| !matches!(byte, b'\r' | b'\n'))
        .unwrap_or(bytes.len());
    while bytes.get(at..).is_some_and(is_informational) {
        loop {
            let end = line_end(bytes, at);
            let is_last = is_empty_line(bytes.get(at..end));
            at = end;
            if is_last {
                break;
            }
        }
    }
    at
}

/// Begin and length of each name of the head that begins at `start`. The count.
fn names_of(bytes: &[u8], start: usize, names: &mut [(u32, u32)]) -> usize {
    let mut at = line_end(bytes, start);
    let mut count = 0;
    while let Some(slot) = names.get_mut(count) {
        let end = line_end(bytes, at);
        let line = bytes.get(at..end);
        if is_empty_line(line) {
            break;
        }
        if let Some(length) = line.and_then(|line| memchr::memchr(b':', line)) {
            *slot = (at as u32, length as u32);
            count += 1;
        }
        at = end;
    }
    count
}

fn is_empty_line(line: Option<&[u8]>) -> bool {
    matches!(line, None | Some([] | b"\n" | b"\r\n"))
}

#[cfg(test)]
mod tests;
