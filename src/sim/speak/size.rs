//! Sizes and hashes of parts of a request, without keeping the texts.

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use std::{borrow::Cow, fmt, hash::Hasher};

/// `cache_control` of a block or of the whole request.
#[derive(Deserialize)]
pub(super) struct CacheControl<'a> {
    #[serde(borrow)]
    ttl: Option<Cow<'a, str>>,
}

impl CacheControl<'_> {
    /// Whether it asks for an hour.
    pub(super) fn one_hour(&self) -> bool {
        self.ttl.as_deref() == Some("1h")
    }
}

/// A string or a list of blocks, as its size.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Content {
    /// All of it.
    pub bytes: u64,
    /// Of all its texts.
    pub hash: u64,
    /// Bytes and hash up to the last breakpoint, and whether it asks for an hour.
    pub mark: Option<(u64, u64, bool)>,
    /// Whether a server tool is in use: a paused turn sent back.
    pub server_tool: bool,
    /// Whether it brings the result of a tool.
    pub tool_result: bool,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow, default)]
    r#type: Cow<'a, str>,
    text: Option<Size>,
    thinking: Option<Size>,
    input: Option<Size>,
    content: Option<Size>,
    source: Option<IgnoredAny>,
    cache_control: Option<CacheControl<'a>>,
}

/// An image or a document counts as so many bytes.
const SOURCE_BYTES: u64 = 6_000;

/// Of two texts in order.
pub(super) fn mix(hash: u64, more: u64) -> u64 {
    (hash ^ more)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .rotate_left(29)
}

/// The size of any JSON value, and a hash of its texts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Size {
    /// Of texts; numbers and the like count as a few.
    pub bytes: u64,
    /// Of all texts in order.
    pub hash: u64,
}

impl Size {
    fn of(text: &str) -> Self {
        let mut hasher = std::hash::DefaultHasher::new();
        hasher.write(text.as_bytes());
        Self {
            bytes: text.len() as u64,
            hash: hasher.finish(),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_add(other.bytes),
            hash: mix(self.hash, other.hash),
        }
    }
}

struct Sizing;

impl<'de> Visitor<'de> for Sizing {
    type Value = Size;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Size, E> {
        Ok(Size::of(text))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Size, E> {
        Ok(Size { bytes: 4, hash: 1 })
    }

    fn visit_i64<E>(self, value: i64) -> Result<Size, E> {
        Ok(Size {
            bytes: 4,
            hash: value as u64,
        })
    }

    fn visit_u64<E>(self, value: u64) -> Result<Size, E> {
        Ok(Size {
            bytes: 4,
            hash: value,
        })
    }

    fn visit_f64<E>(self, value: f64) -> Result<Size, E> {
        Ok(Size {
            bytes: 6,
            hash: value.to_bits(),
        })
    }

    fn visit_unit<E>(self) -> Result<Size, E> {
        Ok(Size { bytes: 2, hash: 3 })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Size, A::Error> {
        let mut size = Size::default();
        while let Some(item) = seq.next_element::<Size>()? {
            size = size.plus(item);
        }
        Ok(size)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Size, A::Error> {
        let mut size = Size::default();
        while let Some((key, value)) = map.next_entry::<Size, Size>()? {
            size = size.plus(key).plus(value);
        }
        Ok(size)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Sizing)
    }
}

struct Contents;

impl<'de> Visitor<'de> for Contents {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a list of content blocks")
    }

    fn visit_str<E>(self, text: &str) -> Result<Content, E> {
        let size = Size::of(text);
        Ok(Content {
            bytes: size.bytes,
            hash: size.hash,
            ..Content::default()
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Content, A::Error> {
        let mut all = Content::default();
        while let Some(block) = seq.next_element::<Block<'_>>()? {
            let mut size = Size::default();
            for part in [block.text, block.thinking, block.input, block.content] {
                size = size.plus(part.unwrap_or_default());
            }
            if block.source.is_some() {
                size.bytes += SOURCE_BYTES;
            }
            all.bytes = all.bytes.saturating_add(size.bytes);
            all.hash = mix(all.hash, size.hash);
            all.server_tool |= block.r#type == "server_tool_use";
            all.tool_result |= block.r#type == "tool_result";
            if let Some(control) = block.cache_control {
                all.mark = Some((all.bytes, all.hash, control.one_hour()));
            }
        }
        Ok(all)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Contents)
    }
}
