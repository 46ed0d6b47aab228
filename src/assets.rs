//! Tables that are built into the binary, each read once: prices and tiers. Every number in them is
//! dated, and what is taken from them is an estimate or a guess, never a reading.

use crate::domain::{spend::Prices, tier::Tiers};
use std::sync::{Arc, LazyLock};

const PRICES: &str = include_str!("../assets/prices.toml");
const TIERS: &str = include_str!("../assets/tiers.toml");

/// What calls cost, as of the table's date.
pub fn prices() -> Arc<Prices> {
    // A table that does not parse cannot pass the tests below; an empty one says "unknown" everywhere.
    static READ: LazyLock<Arc<Prices>> =
        LazyLock::new(|| Arc::new(toml::from_str(PRICES).unwrap_or_default()));
    Arc::clone(&READ)
}

/// Tiers, pools and models, as of the table's date.
pub fn tiers() -> Arc<Tiers> {
    static READ: LazyLock<Arc<Tiers>> =
        LazyLock::new(|| Arc::new(toml::from_str(TIERS).unwrap_or_default()));
    Arc::clone(&READ)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;
    use std::collections::BTreeSet;

    #[test]
    fn the_built_in_tables_parse_and_are_dated() {
        let prices: Prices = toml::from_str(PRICES).unwrap();
        let tiers: Tiers = toml::from_str(TIERS).unwrap();
        for date in [&prices.as_of, &tiers.as_of] {
            assert!(date.parse::<NaiveDate>().is_ok(), "{date}");
        }
        assert!(prices.models.len() > 10 && tiers.pool.len() > 10 && tiers.model.len() > 15);
        assert_eq!(*self::prices(), prices);
        assert_eq!(*self::tiers(), tiers);
    }

    #[test]
    fn prices_are_sane_and_given_once() {
        let prices = prices();
        let mut seen = BTreeSet::new();
        for (model, price) in &prices.models {
            assert!(seen.insert(model.clone()), "{model} twice");
            let mut all = vec![price.rates()];
            all.extend(price.long.map(|long| long.rates));
            for rates in all {
                assert!(rates.input > 0.0 && rates.output > rates.input, "{model}");
                assert!(rates.read.is_none_or(|usd| usd < rates.input), "{model}");
                assert!(
                    rates.write_5m.is_none_or(|usd| usd > rates.input),
                    "{model}"
                );
                assert!(rates.write_1h >= rates.write_5m, "{model}");
            }
        }
    }

    #[test]
    fn every_model_has_a_known_pool_and_every_pool_a_model() {
        let tiers = tiers();
        let pools: BTreeSet<&str> = tiers.pool.iter().map(|pool| pool.name.as_str()).collect();
        let used: BTreeSet<&str> = tiers
            .model
            .iter()
            .filter_map(|model| model.pool.as_deref())
            .collect();
        assert_eq!(pools, used);
        let names: BTreeSet<&str> = tiers.tier.iter().map(|tier| tier.name.as_str()).collect();
        for pool in &tiers.pool {
            for tier in pool.limits.keys() {
                assert!(names.contains(tier.as_str()), "{}: {tier}", pool.name);
            }
        }
        let ids: BTreeSet<&str> = tiers.model.iter().map(|model| model.id.as_str()).collect();
        assert_eq!(ids.len(), tiers.model.len());
        for model in tiers.model.iter().filter(|model| model.pool.is_none()) {
            assert!(
                model.ends.is_some(),
                "{} has neither pool nor end",
                model.id
            );
        }
    }

    #[test]
    fn a_bad_price_table_names_its_line() {
        let error = toml::from_str::<Prices>("as_of = \"x\"\n[[price]]\nmodels = []\ninputs = 1\n")
            .unwrap_err();
        assert!(error.to_string().contains("inputs"), "{error}");
    }
}
