//! Dice that depend on a seed and on what they are thrown for, never on when.

/// A source of numbers for one purpose. The same seed, ordinal and purpose give the same numbers.
#[derive(Clone, Copy, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The dice of the `ordinal`-th thing of its kind.
    pub fn new(seed: u64, ordinal: u64, purpose: u64) -> Self {
        let mut dice = Self(
            seed ^ ordinal.wrapping_mul(0x9E37_79B9_7F4A_7C15)
                ^ purpose.wrapping_mul(0xD1B5_4A32_D192_ED03),
        );
        let first = dice.bits();
        Self(first)
    }

    /// 64 bits (SplitMix64).
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// In [0, 1).
    pub fn share(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Between both, both included in effect.
    pub fn between(&mut self, (low, high): (f64, f64)) -> f64 {
        low + (high - low) * self.share()
    }

    /// A whole number between both, both included.
    pub fn whole(&mut self, (low, high): (u64, u64)) -> u64 {
        low + (self.share() * (high.saturating_sub(low) + 1) as f64) as u64
    }

    /// `length` letters and digits, as ids have them.
    pub fn letters(&mut self, length: usize, into: &mut String) {
        const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
        let mut bits = 0;
        for n in 0..length {
            if n % 10 == 0 {
                bits = self.bits();
            }
            into.push(char::from(ALPHABET[(bits % 58) as usize]));
            bits /= 58;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_purpose_same_numbers() {
        let throw = |seed, n, p| {
            let mut dice = Dice::new(seed, n, p);
            (dice.bits(), dice.whole((3, 9)))
        };
        assert_eq!(throw(7, 1, 2), throw(7, 1, 2));
        assert_ne!(throw(7, 1, 2).0, throw(7, 1, 3).0);
        assert_ne!(throw(7, 1, 2).0, throw(7, 2, 2).0);
        assert_ne!(throw(7, 1, 2).0, throw(8, 1, 2).0);
    }

    #[test]
    fn throws_stay_in_range_and_fill_it() {
        let mut dice = Dice::new(1, 1, 1);
        let throws: Vec<u64> = (0..1000).map(|_| dice.whole((3, 6))).collect();
        assert_eq!(throws.iter().min(), Some(&3));
        assert_eq!(throws.iter().max(), Some(&6));
    }
}
