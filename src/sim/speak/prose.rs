//! Text that a make-believe model says: about one word a token, the same for the same dice.

use crate::sim::dice::Dice;

const WORDS: &[&str] = &[
    "a", "the", "this", "each", "every", "one", "another", "request", "token", "bucket", "limit",
    "answer", "client", "minute", "second", "level", "header", "retry", "pause", "stream", "cache",
    "prompt", "model", "pool", "burst", "refill", "budget", "window", "queue", "signal", "sample",
    "reading", "waits", "drains", "fills", "holds", "shows", "keeps", "asks", "gives", "moves",
    "slows", "grows", "returns", "arrives", "quickly", "slowly", "again", "later", "often",
    "never", "soon", "before", "after", "until", "while", "with", "without", "from", "into",
    "over", "under", "small", "large", "steady", "early", "late", "full", "empty", "and", "or",
    "but", "so", "then", "here", "there", "now",
];

const OPENING: &[&str] = &["Hello", " from", " the", " simulator", "."];

/// A text that goes on for ever.
#[derive(Clone, Debug)]
pub struct Prose {
    dice: Dice,
    said: u64,
    in_sentence: u64,
}

impl Prose {
    /// From its beginning.
    pub fn new(dice: Dice) -> Self {
        Self {
            dice,
            said: 0,
            in_sentence: 0,
        }
    }

    /// Says `tokens` more. Only letters, spaces and full stops, so JSON needs no escapes.
    pub fn say(&mut self, tokens: u64, into: &mut String) {
        for _ in 0..tokens {
            if let Some(word) = OPENING.get(self.said as usize) {
                into.push_str(word);
            } else {
                self.word(into);
            }
            self.said += 1;
        }
    }

    fn word(&mut self, into: &mut String) {
        let bits = self.dice.bits();
        if self.in_sentence > 5 && (bits >> 32).is_multiple_of(7) {
            into.push('.');
            self.in_sentence = 0;
            return;
        }
        let word = WORDS[(bits % WORDS.len() as u64) as usize];
        into.push(' ');
        if self.in_sentence == 0 {
            into.extend(word.chars().take(1).map(|first| first.to_ascii_uppercase()));
            into.push_str(&word[1..]);
        } else {
            into.push_str(word);
        }
        self.in_sentence += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_dice_same_text_however_it_is_cut() {
        let dice = Dice::new(1, 2, 3);
        let (mut whole, mut parts) = (String::new(), String::new());
        Prose::new(dice).say(200, &mut whole);
        let mut prose = Prose::new(dice);
        for _ in 0..50 {
            prose.say(4, &mut parts);
        }
        assert_eq!(whole, parts);
        assert!(whole.starts_with("Hello from the simulator. "));
        assert!(
            whole
                .chars()
                .all(|c| c.is_ascii_alphabetic() || c == ' ' || c == '.')
        );
    }
}
