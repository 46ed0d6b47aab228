//! Prices per model, and what a call costs. Plain data with serde: the table itself is parsed outside.

use crate::domain::{
    id::{ModelId, undated},
    usage::Usage,
};
use serde::Deserialize;

/// USD per million tokens of one model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    /// Uncached input.
    pub input: f64,
    /// Cache write, 5 minutes.
    pub write_5m: Option<f64>,
    /// Cache write, 1 hour.
    pub write_1h: Option<f64>,
    /// Cache read.
    pub read: Option<f64>,
    /// Output.
    pub output: f64,
    /// Other rates for the whole of a call with a long prompt.
    pub long: Option<LongPrompt>,
}

/// Rates of a call whose whole prompt is longer than a threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LongPrompt {
    /// Tokens of the whole prompt, cached or not; more than this is long.
    pub above: u64,
    /// What such a call costs.
    pub rates: Rates,
}

/// USD per million tokens, of one kind of call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Uncached input.
    pub input: f64,
    /// Cache write, 5 minutes.
    pub write_5m: Option<f64>,
    /// Cache write, 1 hour.
    pub write_1h: Option<f64>,
    /// Cache read.
    pub read: Option<f64>,
    /// Output.
    pub output: f64,
}

impl Rates {
    /// What a cache write costs at most, where the answer does not say that it is for five minutes.
    /// Where no price is published, twice the input price: the 1 h price of every model that has one.
    fn write_at_most(&self) -> f64 {
        self.write_1h.unwrap_or(self.input * 2.0)
    }

    /// What a write for five minutes costs; where no price is published, that of an hour.
    fn write_for_5m(&self) -> f64 {
        self.write_5m.unwrap_or_else(|| self.write_at_most())
    }

    /// What a cache read costs at most: never more than uncached input.
    fn read_at_most(&self) -> f64 {
        self.read.unwrap_or(self.input)
    }

    fn cost(&self, usage: &Usage) -> f64 {
        let parts = [
            (usage.input_tokens, self.input),
            (usage.written_5m(), self.write_for_5m()),
            (
                usage.cache_creation_input_tokens - usage.written_5m(),
                self.write_at_most(),
            ),
            (usage.cache_read_input_tokens, self.read_at_most()),
            (usage.output_tokens, self.output),
        ];
        parts
            .iter()
            .map(|(tokens, usd)| *tokens as f64 * usd / 1e6)
            .sum()
    }
}

impl Price {
    /// The ordinary rates.
    pub const fn rates(&self) -> Rates {
        Rates {
            input: self.input,
            write_5m: self.write_5m,
            write_1h: self.write_1h,
            read: self.read,
            output: self.output,
        }
    }

    /// The rates that a prompt of that many tokens has.
    pub fn rates_for(&self, prompt_tokens: u64) -> Rates {
        self.long
            .filter(|long| prompt_tokens > long.above)
            .map_or_else(|| self.rates(), |long| long.rates)
    }

    /// What that usage costs at most.
    pub fn cost(&self, usage: &Usage) -> f64 {
        self.rates_for(usage.all_input()).cost(usage)
    }
}

/// The dated price table.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(from = "Table")]
pub struct Prices {
    /// When the table was made, `2026-11-24`.
    pub as_of: String,
    /// By model id; a model that is missing has an unknown price.
    pub models: Vec<(ModelId, Price)>,
}

impl Prices {
    /// The price of a model; a dated id (`claude-haiku-4-5-20251001`) has its undated model's.
    pub fn of(&self, model: &ModelId) -> Option<&Price> {
        let find = |name: &str| {
            self.models
                .iter()
                .find(|(id, _)| id.as_str() == name)
                .map(|(_, price)| price)
        };
        find(model.as_str()).or_else(|| find(undated(model.as_str())?))
    }

    /// What that usage cost at most; none for a model without a price. Batch, fast and US-only
    /// factors are not in it.
    pub fn cost(&self, model: &ModelId, usage: &Usage) -> Option<f64> {
        Some(self.of(model)?.cost(usage))
    }

    /// What one attempt can cost at most before it is sent: those output tokens used, and the
    /// estimates of the input half as large again, because they are a rule of thumb.
    pub fn upper_bound(&self, model: &ModelId, most: &Usage) -> Option<f64> {
        let more = |tokens: u64, _| tokens.saturating_add(tokens / 2);
        let usage = Usage {
            output_tokens: most.output_tokens,
            ..most.with(most, more)
        };
        self.cost(model, &usage)
    }
}

/// The table as it is written: one row for all models of one price.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    as_of: String,
    price: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    models: Vec<ModelId>,
    input: f64,
    write_5m: Option<f64>,
    write_1h: Option<f64>,
    read: Option<f64>,
    output: f64,
    long: Option<LongRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LongRow {
    above: u64,
    input: f64,
    write_5m: Option<f64>,
    write_1h: Option<f64>,
    read: Option<f64>,
    output: f64,
}

impl From<Table> for Prices {
    fn from(table: Table) -> Self {
        let mut models = Vec::new();
        for row in table.price {
            let price = Price {
                input: row.input,
                write_5m: row.write_5m,
                write_1h: row.write_1h,
                read: row.read,
                output: row.output,
                long: row.long.map(|long| LongPrompt {
                    above: long.above,
                    rates: Rates {
                        input: long.input,
                        write_5m: long.write_5m,
                        write_1h: long.write_1h,
                        read: long.read,
                        output: long.output,
                    },
                }),
            };
            models.extend(row.models.into_iter().map(|model| (model, price)));
        }
        Self {
            as_of: table.as_of,
            models,
        }
    }
}
