//! `accept-encoding`: gzip, br and zstd, whole or flushed event by event.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use std::io::Write;

/// A content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// RFC 1952
    Gzip,
    /// RFC 7932
    Brotli,
    /// RFC 8878
    Zstd,
}

/// Small windows and low effort: a stream's encoder lives as long as the stream.
const BROTLI_BUFFER: usize = 4096;
const BROTLI_QUALITY: u32 = 3;
const BROTLI_WINDOW: u32 = 16;
const ZSTD_LEVEL: i32 = 1;

impl Coding {
    /// The coding that the client likes best; the first of zstd, br, gzip among equals. None when it
    /// wants none.
    pub fn wanted(headers: &HeaderMap) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for value in headers.get_all(header::ACCEPT_ENCODING) {
            for offer in value.to_str().unwrap_or_default().split(',') {
                let mut parts = offer.split(';').map(str::trim);
                let coding = match parts
                    .next()
                    .unwrap_or_default()
                    .to_ascii_lowercase()
                    .as_str()
                {
                    "zstd" => Self::Zstd,
                    "br" => Self::Brotli,
                    "gzip" | "x-gzip" => Self::Gzip,
                    _ => continue,
                };
                let weight = parts
                    .find_map(|part| part.strip_prefix("q="))
                    .map_or(1.0, |text| text.parse::<f32>().unwrap_or(0.0));
                let rank = |coding: Self| coding as u8;
                let better = best.is_none_or(|(most, known)| {
                    weight > most || (weight >= most && rank(coding) > rank(known))
                });
                if weight > 0.0 && better {
                    best = Some((weight, coding));
                }
            }
        }
        best.map(|(_, coding)| coding)
    }

    /// Its name.
    pub fn name(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        })
    }

    /// A whole body at once.
    pub fn whole(self, body: &[u8]) -> std::io::Result<Bytes> {
        let mut flowing = Flowing::new(self)?;
        let mut out = flowing.push(body)?.to_vec();
        out.extend_from_slice(&flowing.finish()?);
        Ok(out.into())
    }
}

/// A body being encoded piece by piece.
pub struct Flowing(Encoder);

enum Encoder {
    Gzip(flate2::write::GzEncoder<Vec<u8>>),
    Brotli(Box<brotli::CompressorWriter<Vec<u8>>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Flowing {
    /// A fresh one.
    pub fn new(coding: Coding) -> std::io::Result<Self> {
        Ok(Self(match coding {
            Coding::Gzip => Encoder::Gzip(flate2::write::GzEncoder::new(
                Vec::new(),
                flate2::Compression::fast(),
            )),
            Coding::Brotli => Encoder::Brotli(Box::new(brotli::CompressorWriter::new(
                Vec::new(),
                BROTLI_BUFFER,
                BROTLI_QUALITY,
                BROTLI_WINDOW,
            ))),
            Coding::Zstd => {
                Encoder::Zstd(zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL)?)
            }
        }))
    }

    /// Encodes a piece so that the other side can decode all of it now.
    pub fn push(&mut self, piece: &[u8]) -> std::io::Result<Bytes> {
        let out = match &mut self.0 {
            Encoder::Gzip(encoder) => {
                encoder.write_all(piece)?;
                encoder.flush()?;
                encoder.get_mut()
            }
            Encoder::Brotli(encoder) => {
                encoder.write_all(piece)?;
                encoder.flush()?;
                encoder.get_mut()
            }
            Encoder::Zstd(encoder) => {
                encoder.write_all(piece)?;
                encoder.flush()?;
                encoder.get_mut()
            }
        };
        Ok(std::mem::take(out).into())
    }

    /// The end of the body.
    pub fn finish(self) -> std::io::Result<Bytes> {
        let rest = match self.0 {
            Encoder::Gzip(encoder) => encoder.finish()?,
            Encoder::Brotli(encoder) => encoder.into_inner(),
            Encoder::Zstd(encoder) => encoder.finish()?,
        };
        Ok(rest.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::io::Read;

    fn decoded(coding: Coding, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        // A stream that is not finished ends in an error, after all that was flushed.
        let _ = match coding {
            Coding::Gzip => flate2::read::GzDecoder::new(bytes).read_to_end(&mut out),
            Coding::Brotli => brotli::Decompressor::new(bytes, 4096).read_to_end(&mut out),
            Coding::Zstd => zstd::stream::read::Decoder::new(bytes)
                .unwrap()
                .read_to_end(&mut out),
        };
        out
    }

    #[rstest]
    fn every_piece_can_be_decoded_when_it_is_sent(
        #[values(Coding::Gzip, Coding::Brotli, Coding::Zstd)] coding: Coding,
    ) {
        let mut flowing = Flowing::new(coding).unwrap();
        let (mut sent, mut plain) = (Vec::new(), Vec::new());
        for n in 0..20 {
            let piece = format!("event: ping\ndata: {{\"n\":{n}}}\n\n");
            plain.extend_from_slice(piece.as_bytes());
            sent.extend_from_slice(&flowing.push(piece.as_bytes()).unwrap());
            assert_eq!(decoded(coding, &sent), plain, "piece {n} is complete");
        }
        sent.extend_from_slice(&flowing.finish().unwrap());
        assert_eq!(decoded(coding, &sent), plain);
        assert_eq!(decoded(coding, &coding.whole(&plain).unwrap()), plain);
        assert!(decoded(coding, &coding.whole(b"").unwrap()).is_empty());
    }

    #[rstest]
    #[case("gzip, deflate, br, zstd", Some(Coding::Zstd))]
    #[case("gzip;q=1.0, br;q=0.5", Some(Coding::Gzip))]
    #[case("br;q=0, gzip;q=0.1", Some(Coding::Gzip))]
    #[case("identity", None)]
    #[case("*", None)]
    #[case("GZIP", Some(Coding::Gzip))]
    #[case("gzip;q=zz", None)]
    #[case("", None)]
    fn the_best_liked_is_taken(#[case] offer: &str, #[case] expected: Option<Coding>) {
        let mut headers = HeaderMap::new();
        headers.insert("accept-encoding", offer.parse().unwrap());
        assert_eq!(Coding::wanted(&headers), expected);
    }
}
