//! Making a message batch: the spend guard before it, what it cost after it. For the screen and for
//! `ratetop call --batch`.

use super::session::Session;
use crate::{
    api::{
        batches::{self, Batches, Heed},
        call::Driver,
    },
    assets,
    domain::{
        batch::{self, BatchOrder, Standing},
        org::GroupKind,
    },
};
use std::sync::Arc;

/// Makes it and watches it to its end, or until it is left; what is known is told after each step, and
/// comes back at the end.
pub async fn make(
    driver: &Driver,
    session: &Session,
    asked: &BatchOrder,
    cancel: Heed,
    dice: &mut fastrand::Rng,
    tell: impl FnMut(&Standing) + Send,
) -> Standing {
    let order = &asked.order;
    let mut batches = Batches {
        connection: Arc::clone(&driver.connection),
        clock: driver.clock.clone(),
        ear: Arc::clone(&driver.ear),
        order,
        standing: Standing {
            pool: session.group(&GroupKind::Batch),
            ..Standing::default()
        },
        cancel,
    };
    let booked = batches::body(order, asked.requests).and_then(|body| {
        let most = order.most();
        let requests = u64::from(asked.requests);
        Ok((body, driver.purse.reserve_batch(order, &most, requests)?))
    });
    let (body, ticket) = match booked {
        Ok(booked) => booked,
        Err(why) => {
            batches.standing.unsent = Some(why);
            return batches.standing;
        }
    };
    let results = batches.work(body, dice, tell).await;
    let mut standing = batches.standing;
    let refused = standing.refused.as_ref();
    let never = standing.batch.is_none() && refused.is_some_and(|it| it.outcome.status().is_some());
    let usages = results.as_ref().map(|it| it.usages.as_slice());
    // A refused creation costs nothing; of anything else that has no results nobody knows.
    let usages = usages.or(if never { Some(&[]) } else { None });
    driver.purse.settle_batch(ticket, usages);
    standing.cost_usd = match &results {
        _ if session.free => Some(0.0),
        Some(results) => {
            let prices = assets::prices();
            let costs = results.usages.iter();
            let sum: Option<f64> = costs.map(|usage| prices.cost(&order.model, usage)).sum();
            sum.map(|usd| usd * batch::PRICE)
        }
        None => None,
    };
    standing
}
