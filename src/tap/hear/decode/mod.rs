//! Compressed bodies, decoded on the side while they pass as they are. Bounded: what grows too much is
//! not read further.

use super::head::Answered;
use flate2::{Decompress, FlushDecompress, Status};
use std::sync::{Mutex, PoisonError};
use zstd::stream::raw::{DParameter, Decoder as ZstdDecoder, InBuffer, Operation, OutBuffer};

/// Bytes that one body may become.
const MOST: u64 = 64 << 20;
/// How many times its size it may become, once it is above [`FREE`].
const RATIO: u64 = 100;
/// Bytes that any body may become.
const FREE: u64 = 256 << 10;
/// A window of zstd above 2^23 bytes is not taken (RFC 9659).
const ZSTD_WINDOW: u32 = 23;
/// Inflaters that are kept for the next body.
const IDLE: usize = 64;

/// A content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    /// Of a body with this head: none when it is plain, an error when it is one that is not read.
    pub(super) fn of(answered: &Answered<'_>) -> Result<Option<Self>, Unread> {
        let Some(first) = answered.encoding else {
            return Ok(None);
        };
        if answered.is_encoded_again {
            return Err(Unread);
        }
        let name = first.as_bytes().trim_ascii();
        let is = |names: [&str; 2]| {
            names
                .iter()
                .any(|n| name.eq_ignore_ascii_case(n.as_bytes()))
        };
        match () {
            () if is(["identity", ""]) => Ok(None),
            () if is(["gzip", "x-gzip"]) => Ok(Some(Self::Gzip)),
            () if is(["deflate", "deflate"]) => Ok(Some(Self::Deflate)),
            () if is(["br", "br"]) => Ok(Some(Self::Brotli)),
            () if is(["zstd", "zstd"]) => Ok(Some(Self::Zstd)),
            () => Err(Unread),
        }
    }
}

/// An encoding that is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unread;

/// The body grew too much, or is broken: no more of it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stopped;

/// Inflaters between two bodies: making one costs more than using it.
#[derive(Default)]
pub(super) struct Idle(Mutex<Vec<Decompress>>);

impl Idle {
    fn take(&self) -> Decompress {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.pop().unwrap_or_else(|| Decompress::new(false))
    }

    fn put(&self, mut inflater: Decompress) {
        inflater.reset(false);
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(inflater);
        }
    }
}

/// Decodes one body.
pub(super) struct Decoder {
    inner: Inner,
    taken: u64,
    given: u64,
}

enum Inner {
    Inflate(Decompress, Frame),
    Brotli(Box<BrotliState>),
    Zstd(ZstdDecoder<'static>),
}

type BrotliState = brotli::BrotliState<
    brotli::enc::StandardAlloc,
    brotli::enc::StandardAlloc,
    brotli::enc::StandardAlloc,
>;

impl Decoder {
    pub(super) fn new(coding: Coding, idle: &Idle) -> Result<Self, Stopped> {
        let inner = match coding {
            Coding::Gzip => Inner::Inflate(idle.take(), Frame::Head(GzipHead::default())),
            Coding::Deflate => Inner::Inflate(idle.take(), Frame::Sniff(None)),
            Coding::Brotli => {
                let alloc = brotli::enc::StandardAlloc::default;
                Inner::Brotli(Box::new(BrotliState::new_strict(alloc(), alloc(), alloc())))
            }
            Coding::Zstd => {
                let mut decoder = ZstdDecoder::new().map_err(|_| Stopped)?;
                decoder
                    .set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW))
                    .map_err(|_| Stopped)?;
                Inner::Zstd(decoder)
            }
        };
        Ok(Self {
            inner,
            taken: 0,
            given: 0,
        })
    }

    /// Gives its space back.
    pub(super) fn retire(self, idle: &Idle) {
        if let Inner::Inflate(inflater, _) = self.inner {
            idle.put(inflater);
        }
    }

    /// Takes the next bytes and gives what they decode to, in pieces.
    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        give: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Stopped> {
        self.taken += bytes.len() as u64;
        let most = MOST.min(self.taken.saturating_mul(RATIO).max(FREE));
        let given = &mut self.given;
        let mut give = |piece: &[u8]| {
            *given += piece.len() as u64;
            if *given > most {
                return Err(Stopped);
            }
            give(piece);
            Ok(())
        };
        match &mut self.inner {
            Inner::Inflate(inflater, frame) => inflate(inflater, frame, bytes, &mut give),
            Inner::Brotli(state) => unbrotli(state, bytes, &mut give),
            Inner::Zstd(decoder) => unzstd(decoder, bytes, &mut give),
        }
    }
}

type Give<'a> = &'a mut dyn FnMut(&[u8]) -> Result<(), Stopped>;

/// Space for one piece.
const PIECE: usize = 8 << 10;

/// What stands around deflated data.
enum Frame {
    /// The head of a gzip member (RFC 1952).
    Head(GzipHead),
    /// `deflate`: zlib's head (RFC 1950), or, as some servers have it, none.
    Sniff(Option<u8>),
    /// Deflated data; whether a gzip trailer follows.
    Data { gzip: bool },
    /// That many bytes of a gzip trailer.
    Tail(u8),
    /// After a gzip member: another may follow, or padding.
    Between,
    /// Nothing more is read.
    Over,
}

fn inflate(
    inflater: &mut Decompress,
    frame: &mut Frame,
    bytes: &[u8],
    give: Give<'_>,
) -> Result<(), Stopped> {
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        match frame {
            Frame::Over => return Ok(()),
            Frame::Between if *first == 0x1f => *frame = Frame::Head(GzipHead::default()),
            Frame::Between => *frame = Frame::Over,
            Frame::Head(head) => {
                rest = after;
                if head.take(*first)? {
                    inflater.reset(false);
                    *frame = Frame::Data { gzip: true };
                }
            }
            Frame::Sniff(None) => {
                rest = after;
                *frame = Frame::Sniff(Some(*first));
            }
            Frame::Sniff(Some(before)) => {
                let pair = u16::from_be_bytes([*before, *first]);
                let zlib = *before & 0x0f == 8 && pair.is_multiple_of(31) && *first & 0x20 == 0;
                let before = *before;
                *frame = Frame::Data { gzip: false };
                if zlib {
                    rest = after;
                } else {
                    data(inflater, frame, &[before], give)?;
                }
            }
            Frame::Data { .. } => rest = data(inflater, frame, rest, give)?,
            Frame::Tail(left) => {
                rest = after;
                *left -= 1;
                if *left == 0 {
                    *frame = Frame::Between;
                }
            }
        }
    }
    Ok(())
}

/// Deflated data up to its end; what follows it comes back.
fn data<'a>(
    inflater: &mut Decompress,
    frame: &mut Frame,
    bytes: &'a [u8],
    give: Give<'_>,
) -> Result<&'a [u8], Stopped> {
    let mut rest = bytes;
    let mut piece = [0; PIECE];
    loop {
        let (before_in, before_out) = (inflater.total_in(), inflater.total_out());
        let status = inflater
            .decompress(rest, &mut piece, FlushDecompress::None)
            .map_err(|_| Stopped)?;
        let taken = (inflater.total_in() - before_in) as usize;
        let given = (inflater.total_out() - before_out) as usize;
        rest = rest.get(taken..).unwrap_or_default();
        give(&piece[..given])?;
        if status == Status::StreamEnd {
            let gzip = matches!(frame, Frame::Data { gzip: true });
            *frame = if gzip { Frame::Tail(8) } else { Frame::Over };
            return Ok(rest);
        }
        if given < PIECE && (rest.is_empty() || taken + given == 0) {
            return Ok(&[]);
        }
    }
}

/// The head of a gzip member, byte by byte.
#[derive(Clone, Copy, Default)]
struct GzipHead {
    at: u8,
    flags: u8,
    extra: u16,
    part: Part,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Fixed,
    ExtraLength,
    Extra,
    Name,
    Comment,
    Check,
}

impl GzipHead {
    /// Takes one byte; true when it was the last.
    fn take(&mut self, byte: u8) -> Result<bool, Stopped> {
        self.at = self.at.saturating_add(1);
        match self.part {
            Part::Fixed => {
                let wrong = match self.at {
                    1 => byte != 0x1f,
                    2 => byte != 0x8b,
                    3 => byte != 8,
                    4 => {
                        self.flags = byte;
                        byte & 0xe0 != 0
                    }
                    _ => false,
                };
                if wrong {
                    return Err(Stopped);
                }
                Ok(self.at == 10 && self.next(Part::Fixed))
            }
            Part::ExtraLength => {
                self.extra = self.extra >> 8 | u16::from(byte) << 8;
                if self.at < 2 {
                    return Ok(false);
                }
                if self.extra == 0 {
                    return Ok(self.next(Part::Extra));
                }
                self.part = Part::Extra;
                Ok(false)
            }
            Part::Extra => {
                self.extra -= 1;
                Ok(self.extra == 0 && self.next(Part::Extra))
            }
            Part::Name | Part::Comment => Ok(byte == 0 && self.next(self.part)),
            Part::Check => Ok(self.at == 2),
        }
    }

    /// Goes on after a part; true when nothing follows it.
    fn next(&mut self, done: Part) -> bool {
        let parts = [
            (Part::Fixed, 0x04, Part::ExtraLength),
            (Part::Extra, 0x08, Part::Name),
            (Part::Name, 0x10, Part::Comment),
            (Part::Comment, 0x02, Part::Check),
        ];
        self.at = 0;
        let following = parts.iter().skip_while(|(after, ..)| *after != done);
        for (_, flag, part) in following {
            if self.flags & flag != 0 {
                self.part = *part;
                return false;
            }
        }
        true
    }
}

fn unbrotli(state: &mut BrotliState, bytes: &[u8], give: Give<'_>) -> Result<(), Stopped> {
    let (mut left, mut at, mut total) = (bytes.len(), 0, 0);
    let mut piece = [0; PIECE];
    loop {
        let (mut room, mut filled) = (PIECE, 0);
        let result = brotli::BrotliDecompressStream(
            &mut left,
            &mut at,
            bytes,
            &mut room,
            &mut filled,
            &mut piece,
            &mut total,
            state,
        );
        give(&piece[..filled])?;
        match result {
            brotli::BrotliResult::NeedsMoreOutput => {}
            brotli::BrotliResult::NeedsMoreInput | brotli::BrotliResult::ResultSuccess => {
                return Ok(());
            }
            brotli::BrotliResult::ResultFailure => return Err(Stopped),
        }
    }
}

fn unzstd(decoder: &mut ZstdDecoder<'_>, bytes: &[u8], give: Give<'_>) -> Result<(), Stopped> {
    let mut input = InBuffer::around(bytes);
    let mut piece = [0; PIECE];
    loop {
        let before = input.pos();
        let mut output = OutBuffer::around(&mut piece[..]);
        decoder.run(&mut input, &mut output).map_err(|_| Stopped)?;
        let filled = output.pos();
        give(&piece[..filled])?;
        let stuck = filled == 0 && input.pos() == before;
        if filled < PIECE && (input.pos() == bytes.len() || stuck) {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests;
