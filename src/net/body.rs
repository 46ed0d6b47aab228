//! Reading a whole body, bounded.

use super::transport::Broken;
use bytes::Bytes;
use futures_util::{StreamExt, stream::BoxStream};

/// How the reading of a body ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The body is whole.
    Whole,
    /// It is longer than was allowed; the rest was not read.
    TooLong,
    /// The connection broke.
    Broken(Broken),
}

/// Reads at most `most` bytes. What arrived comes back however it ended, for error messages.
pub async fn read(
    mut body: BoxStream<'static, Result<Bytes, Broken>>,
    most: usize,
) -> (Vec<u8>, End) {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        match chunk {
            Ok(chunk) => {
                let room = most - bytes.len();
                bytes.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
                if chunk.len() > room {
                    return (bytes, End::TooLong);
                }
            }
            Err(broken) => return (bytes, End::Broken(broken)),
        }
    }
    (bytes, End::Whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::outcome::Unreachable;

    fn body(
        chunks: Vec<Result<&'static [u8], Broken>>,
    ) -> BoxStream<'static, Result<Bytes, Broken>> {
        let chunks = chunks
            .into_iter()
            .map(|chunk| chunk.map(Bytes::from_static));
        futures_util::stream::iter(chunks).boxed()
    }

    #[tokio::test]
    async fn whole_too_long_and_broken() {
        let broken = Broken {
            kind: Unreachable::Broken,
            how: "it broke".into(),
        };
        let (bytes, end) = read(body(vec![Ok(b"ab"), Ok(b"cd")]), 4).await;
        assert_eq!((bytes.as_slice(), end), (b"abcd".as_slice(), End::Whole));
        let (bytes, end) = read(body(vec![Ok(b"ab"), Ok(b"cde")]), 4).await;
        assert_eq!((bytes.as_slice(), end), (b"abcd".as_slice(), End::TooLong));
        let (bytes, end) = read(body(vec![Ok(b"ab"), Err(broken.clone())]), 4).await;
        assert_eq!(
            (bytes.as_slice(), end),
            (b"ab".as_slice(), End::Broken(broken))
        );
    }
}
