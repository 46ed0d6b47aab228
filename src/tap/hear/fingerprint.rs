//! By what the repetition of a request is recognised: a keyed hash of its whole body, taken in passing.

use siphasher::sip::SipHasher13;
use std::hash::Hasher as _;
use twox_hash::XxHash3_128;

/// A hash of bytes that come in pieces; it does not depend on how they are cut.
///
/// Every byte counts. SipHash-1-3 with the key of this run takes the first [`SHORT`]; XXH3 folds the rest
/// into 128 bits at about 30 GB/s, so that an upload of 32 MB costs a millisecond, and SipHash makes of
/// those the 64 bits that are kept, from which nobody without the key learns anything of what was sent.
pub(super) struct Fingerprint {
    keyed: SipHasher13,
    /// Behind the first bytes. Made when there are any, as it is large.
    rest: Option<Box<XxHash3_128>>,
    seed: u64,
    len: u64,
}

/// Bytes for which setting up the fast hash costs more than it saves.
const SHORT: u64 = 1 << 10;

impl Fingerprint {
    pub(super) fn new(key: &[u8; 16]) -> Self {
        Self {
            keyed: SipHasher13::new_with_key(key),
            rest: None,
            seed: u64::from_le_bytes(std::array::from_fn(|i| key[i])),
            len: 0,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        let short = usize::try_from(SHORT.saturating_sub(self.len)).unwrap_or(usize::MAX);
        let (first, rest) = bytes.split_at(short.min(bytes.len()));
        self.keyed.write(first);
        if !rest.is_empty() {
            self.rest
                .get_or_insert_with(|| Box::new(XxHash3_128::with_seed(self.seed)))
                .write(rest);
        }
        self.len += bytes.len() as u64;
    }

    /// The hash of these bytes when they come from this client.
    pub(super) fn finish(mut self, client: u64) -> u64 {
        if let Some(rest) = &self.rest {
            self.keyed.write_u128(rest.finish_128());
        }
        self.keyed.write_u64(self.len);
        self.keyed.write_u64(client);
        self.keyed.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    const MEGABYTE: usize = 1_000_000;

    /// A body that repeats itself nowhere within any block a hash could fold alike.
    static LONG: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut die = fastrand::Rng::with_seed(3);
        (0..MEGABYTE).map(|_| die.u8(..)).collect()
    });

    static LONG_PRINT: LazyLock<u64> = LazyLock::new(|| print(&LONG, &[usize::MAX]));

    fn print(body: &[u8], cuts: &[usize]) -> u64 {
        let mut print = Fingerprint::new(&[7; 16]);
        let mut rest = body;
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            print.push(piece);
            rest = after;
        }
        print.finish(3)
    }

    fn changed(body: &[u8], at: usize, by: u8) -> Vec<u8> {
        let mut body = body.to_vec();
        body[at] ^= by;
        body
    }

    #[test]
    fn it_needs_the_key_and_tells_clients_apart() {
        let of = |key, client| Fingerprint::new(&[key; 16]).finish(client);
        assert_ne!(of(1, 0), of(2, 0));
        assert_ne!(of(1, 0), of(1, 1));
    }

    #[test]
    fn each_half_of_the_key_counts() {
        let of = |at: usize| {
            let mut key = [0; 16];
            key[at] = 1;
            Fingerprint::new(&key).finish(0)
        };
        assert_ne!(of(0), of(15));
        assert_ne!(of(15), Fingerprint::new(&[0; 16]).finish(0));
    }

    /// Two prompts of an agent: the same megabyte but for one word, wherever in it that is.
    #[test]
    fn one_byte_of_a_megabyte_is_enough_in_every_block_of_it() {
        let mut body = LONG.clone();
        for at in (0..MEGABYTE).step_by(4_099) {
            body[at] ^= 1;
            assert_ne!(print(&body, &[16_384]), *LONG_PRINT, "byte {at}");
            body[at] ^= 1;
        }
    }

    #[test]
    fn two_that_differ_only_in_length_differ() {
        let zeros = vec![0; 2_000];
        let prints: std::collections::HashSet<u64> = (0..=zeros.len())
            .map(|len| print(&zeros[..len], &[64]))
            .collect();
        assert_eq!(prints.len(), zeros.len() + 1);
    }

    proptest! {
        #[test]
        fn cuts_do_not_matter(
            size in 0..MEGABYTE,
            cuts in prop::collection::vec(1_usize..70_000, 1..8),
        ) {
            let body = &LONG[..size];
            prop_assert_eq!(print(body, &cuts), print(body, &[usize::MAX]));
        }

        #[test]
        fn any_one_byte_of_a_megabyte_changes_it(at in 0..MEGABYTE, by in 1_u8..) {
            prop_assert_ne!(print(&changed(&LONG, at, by), &[usize::MAX]), *LONG_PRINT);
        }

        #[test]
        fn any_one_byte_changes_it(
            body in prop::collection::vec(any::<u8>(), 1..2_000),
            at in any::<prop::sample::Index>(),
            by in 1_u8..,
        ) {
            let other = changed(&body, at.index(body.len()), by);
            prop_assert_ne!(print(&other, &[usize::MAX]), print(&body, &[usize::MAX]));
        }
    }
}
