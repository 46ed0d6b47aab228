//! Fields that are a choice with a number or a list to it: what is cached, and where calls go.

use crate::domain::{
    cache::{CacheOrder, Lifetime, MOST_TOKENS},
    number::thousands,
};
use std::{fmt, str::FromStr};

/// A system prompt before the message that is to be cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheChoice {
    /// For how long.
    pub lifetime: Lifetime,
    /// Its length in tokens; none is twice what the model's cache keeps at least.
    pub tokens: Option<u32>,
}

impl CacheChoice {
    /// For five minutes, long enough.
    pub const SHORT: Self = Self {
        lifetime: Lifetime::FiveMinutes,
        tokens: None,
    };
    /// For an hour, long enough.
    pub const LONG: Self = Self {
        lifetime: Lifetime::Hour,
        tokens: None,
    };

    /// The system prompt for a model.
    pub fn order(self, model: &str) -> CacheOrder {
        let enough = CacheOrder::enough(self.lifetime, model);
        CacheOrder {
            tokens: self.tokens.unwrap_or(enough.tokens),
            ..enough
        }
    }

    /// The choice that makes that order for that model.
    pub fn of(order: CacheOrder, model: &str) -> Self {
        let enough = CacheOrder::enough(order.lifetime, model);
        Self {
            lifetime: order.lifetime,
            tokens: (order != enough).then_some(order.tokens),
        }
    }

    /// What it does, in one sentence.
    pub const fn rule(self) -> &'static str {
        match self.lifetime {
            Lifetime::FiveMinutes => "a system prompt with cache_control, kept for five minutes",
            Lifetime::Hour => "the same, kept for an hour: writing it costs more",
        }
    }
}

impl fmt::Display for CacheChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.lifetime)?;
        match self.tokens {
            Some(tokens) => write!(f, ", {} tokens", thousands(tokens.into())),
            None => Ok(()),
        }
    }
}

impl FromStr for CacheChoice {
    type Err = String;

    /// `5m`, `1h`, `5m 600`, `1h, 20,000 tokens`.
    fn from_str(text: &str) -> Result<Self, String> {
        const FORM: &str = "5m or 1h, with a number of tokens or without: 5m, 1h 20000";
        let text = text.trim();
        let (lifetime, tokens) = text.split_once([' ', ',']).unwrap_or((text, ""));
        let lifetime = lifetime.parse().map_err(|_| FORM.to_owned())?;
        let tokens = tokens.trim_matches([' ', ',']).trim_end_matches("tokens");
        let tokens = match tokens.trim() {
            "" => None,
            tokens => match super::field::number(tokens, MOST_TOKENS) {
                Ok(tokens) => Some(tokens),
                Err(why) => return Err(format!("tokens: {why}")),
            },
        };
        Ok(Self { lifetime, tokens })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_people_write() {
        let long = CacheChoice {
            tokens: Some(20_000),
            ..CacheChoice::LONG
        };
        for (text, choice) in [
            ("5m", CacheChoice::SHORT),
            ("1h", CacheChoice::LONG),
            ("1h 20000", long),
            ("1h, 20,000 tokens", long),
        ] {
            assert_eq!(text.parse(), Ok(choice), "{text}");
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        for text in ["", "2h", "5m 0", "5m many", "5m 9000000", "tokens"] {
            assert!(text.parse::<CacheChoice>().is_err(), "{text}");
        }
        assert_eq!(CacheChoice::SHORT.order("claude-haiku-4-5").tokens, 8_192);
    }

    proptest! {
        #[test]
        fn the_order_of_a_choice_is_that_choice(hour: bool, tokens in prop::option::of(1..=MOST_TOKENS)) {
            let lifetime = if hour { Lifetime::Hour } else { Lifetime::FiveMinutes };
            let model = "claude-opus-5-5";
            let order = CacheChoice { lifetime, tokens }.order(model);
            prop_assert_eq!(CacheChoice::of(order, model).order(model), order);
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,20}") {
            let _ = text.parse::<CacheChoice>();
        }
    }
}
