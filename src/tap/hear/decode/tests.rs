use super::*;
use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use std::io::Write as _;

#[derive(Clone, Copy, Debug)]
enum Way {
    Gzip,
    /// With every optional part of the head.
    GzipFull,
    /// Two members, one after the other.
    GzipTwice,
    Zlib,
    Raw,
    Brotli,
    Zstd,
}

const WAYS: [Way; 7] = [
    Way::Gzip,
    Way::GzipFull,
    Way::GzipTwice,
    Way::Zlib,
    Way::Raw,
    Way::Brotli,
    Way::Zstd,
];

impl Way {
    fn coding(self) -> Coding {
        match self {
            Self::Gzip | Self::GzipFull | Self::GzipTwice => Coding::Gzip,
            Self::Zlib | Self::Raw => Coding::Deflate,
            Self::Brotli => Coding::Brotli,
            Self::Zstd => Coding::Zstd,
        }
    }

    fn encode(self, plain: &[u8]) -> Vec<u8> {
        let level = Compression::fast();
        let gzip = |plain: &[u8]| {
            let mut encoder = GzEncoder::new(Vec::new(), level);
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        };
        match self {
            Self::Gzip => gzip(plain),
            Self::GzipFull => {
                let mut encoder = flate2::GzBuilder::new()
                    .extra(b"some extra".to_vec())
                    .filename("a name")
                    .comment("a comment")
                    .write(Vec::new(), level);
                encoder.write_all(plain).unwrap();
                encoder.finish().unwrap()
            }
            Self::GzipTwice => {
                let (a, b) = plain.split_at(plain.len() / 2);
                [gzip(a), gzip(b)].concat()
            }
            Self::Zlib => {
                let mut encoder = ZlibEncoder::new(Vec::new(), level);
                encoder.write_all(plain).unwrap();
                encoder.finish().unwrap()
            }
            Self::Raw => {
                let mut encoder = DeflateEncoder::new(Vec::new(), level);
                encoder.write_all(plain).unwrap();
                encoder.finish().unwrap()
            }
            Self::Brotli => {
                let mut out = Vec::new();
                let mut encoder = brotli::CompressorWriter::new(&mut out, 4096, 3, 18);
                encoder.write_all(plain).unwrap();
                drop(encoder);
                out
            }
            Self::Zstd => zstd::encode_all(plain, 1).unwrap(),
        }
    }
}

fn decoded(coding: Coding, bytes: &[u8], cut: usize) -> (Vec<u8>, Result<(), Stopped>) {
    let idle = Idle::default();
    let mut decoder = Decoder::new(coding, &idle).unwrap();
    let mut out = Vec::new();
    let mut result = Ok(());
    for piece in bytes.chunks(cut.max(1)) {
        result = decoder.push(piece, &mut |plain| out.extend_from_slice(plain));
        if result.is_err() {
            break;
        }
    }
    decoder.retire(&idle);
    (out, result)
}

proptest! {
    #[test]
    fn what_was_encoded_comes_back(
        plain in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..3_000),
            "[a-c]{0,3000}".prop_map(String::into_bytes),
            (0_usize..60_000).prop_map(|n| (0..n).map(|i| (i % 251) as u8).collect()),
        ],
        way in prop::sample::select(WAYS.to_vec()),
        cut in 1_usize..5_000,
    ) {
        let bytes = way.encode(&plain);
        prop_assert_eq!(decoded(way.coding(), &bytes, cut), (plain, Ok(())));
    }

    #[test]
    fn any_bytes_end_somehow(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        way in prop::sample::select(WAYS.to_vec()),
        cut in 1_usize..50,
    ) {
        let _ = decoded(way.coding(), &bytes, cut);
        let mut nearly = way.encode(&bytes);
        let at = bytes.len() * 7 % nearly.len().max(1);
        if let Some(byte) = nearly.get_mut(at) {
            *byte ^= 0x55;
        }
        let _ = decoded(way.coding(), &nearly, cut);
    }
}

#[test]
fn an_event_comes_out_as_soon_as_it_is_flushed() {
    let idle = Idle::default();
    let event = b"data: {\"type\":\"ping\"}\n\n";
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let mut decoder = Decoder::new(Coding::Gzip, &idle).unwrap();
    for _ in 0..3 {
        encoder.write_all(event).unwrap();
        encoder.flush().unwrap();
        let bytes = std::mem::take(encoder.get_mut());
        let mut out = Vec::new();
        decoder
            .push(&bytes, &mut |plain| out.extend_from_slice(plain))
            .unwrap();
        assert_eq!(out, event);
    }
}

#[test]
fn a_bomb_is_not_blown_up() {
    let zeros = vec![0; 80 << 20];
    for way in [Way::Gzip, Way::Zlib, Way::Brotli, Way::Zstd] {
        let bytes = way.encode(&zeros);
        let (out, result) = decoded(way.coding(), &bytes, 16 << 10);
        assert_eq!(result, Err(Stopped), "{way:?}");
        let most = (bytes.len() * 100).max(256 << 10);
        assert!(out.len() <= most.min(64 << 20), "{way:?}: {}", out.len());
    }
}

#[test]
fn what_is_not_bomb_but_large_ends_at_64_megabytes() {
    let mut dice = 7_u32;
    let mut noise = move || {
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (dice >> 28) as u8
    };
    let plain: Vec<u8> = (0..65 << 20).map(|_| noise()).collect();
    let (out, result) = decoded(Coding::Zstd, &Way::Zstd.encode(&plain), 1 << 20);
    assert_eq!(result, Err(Stopped));
    assert!(out.len() <= 64 << 20 && out.len() > 60 << 20);
}

#[test]
fn a_window_that_takes_too_much_memory_is_refused() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.write_all(&vec![7; 9 << 20]).unwrap();
    let bytes = encoder.finish().unwrap();
    assert_eq!(decoded(Coding::Zstd, &bytes, usize::MAX).1, Err(Stopped));
}

#[test]
fn codings_by_their_names() {
    let of = |values: &[&'static str]| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("content-encoding", HeaderValue::from_static(value));
        }
        Coding::of(&Answered::of(&headers))
    };
    assert_eq!(of(&[]), Ok(None));
    assert_eq!(of(&["identity"]), Ok(None));
    assert_eq!(of(&["GZIP"]), Ok(Some(Coding::Gzip)));
    assert_eq!(of(&["x-gzip"]), Ok(Some(Coding::Gzip)));
    assert_eq!(of(&["br"]), Ok(Some(Coding::Brotli)));
    assert_eq!(of(&["zstd"]), Ok(Some(Coding::Zstd)));
    assert_eq!(of(&["deflate"]), Ok(Some(Coding::Deflate)));
    assert_eq!(of(&["gzip, br"]), Err(Unread));
    assert_eq!(of(&["gzip", "br"]), Err(Unread));
    assert_eq!(of(&["dcb"]), Err(Unread));
}
