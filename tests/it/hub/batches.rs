//! Message batches that the screen orders: each request of theirs is seen, and their end is told.

use super::{Rig, serve_world};
use ratetop::{
    app::{calls::form::Form, effect::Effect, event::Event},
    domain::{
        batch::{BatchOrder, Stage, Standing},
        id::CallId,
        observation::What,
        org::GroupKind,
        verdict::Cause,
    },
    sim::{scenario::Scenario, speak::ask::API_KEY},
};
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio_util::sync::DropGuard;

/// A queue of five, and batches that take a second.
const WORLD: &str = "about = \"batches\"\ntier = \"build\"\n[batches]\ntakes_s = [1, 1]\n\
                     [[pools]]\nname = \"batch\"\nlimits = { enqueued_batch_requests = 5 }";

async fn rig() -> (Rig, SocketAddr, DropGuard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let text =
        format!("[profiles.one]\nbase_url = \"http://{address}\"\napi_key = {{ env = \"API\" }}\n");
    let mut rig = Rig::still(&text, &[("API", API_KEY)]);
    let served = serve_world(listener, Scenario::parse(WORLD, "a test").unwrap());
    rig.hub.start();
    rig.next(|event| matches!(event, Event::Profile(card) if card.spend.free).then_some(()))
        .await;
    (rig, address, served)
}

fn order(id: u64, requests: u32) -> BatchOrder {
    let form = Form {
        model: "claude-haiku-4-5".into(),
        attempts: Some(1),
        calls: Some(requests),
        ..Form::default()
    };
    form.batch_order(CallId(id))
}

/// How it stood at its end, and the statuses of the requests that were seen on the way.
async fn over(rig: &mut Rig, id: u64) -> (Standing, Vec<Option<u16>>) {
    let mut statuses = Vec::new();
    let standing = rig
        .next(|event| match event {
            Event::Observed { seen, .. } => {
                if let What::Aside { group, status, .. } = &seen.what {
                    assert_eq!(*group, GroupKind::Batch);
                    statuses.push(*status);
                }
                None
            }
            Event::Batch {
                id: of,
                standing,
                over: true,
                ..
            } if of == CallId(id) => Some(*standing),
            _ => None,
        })
        .await;
    (standing, statuses)
}

#[tokio::test]
async fn a_batch_is_made_and_each_of_its_requests_is_seen() {
    let (mut rig, _, _served) = rig().await;
    rig.hub.carry_out(Effect::Batch(order(7, 5)));
    let (standing, statuses) = over(&mut rig, 7).await;
    assert_eq!(standing.batch.unwrap().stage, Stage::Ended);
    assert_eq!(standing.results.unwrap().succeeded, 5);
    assert_eq!(standing.cost_usd, Some(0.0));
    assert!(statuses.len() >= 3 && statuses.iter().all(|it| *it == Some(200)));
    assert_eq!(standing.made, statuses.len() as u64);
    rig.hub.shut_down().await;
}

#[tokio::test]
async fn a_refused_batch_is_seen_and_told_with_its_verdict() {
    let (mut rig, _, _served) = rig().await;
    rig.hub.carry_out(Effect::Batch(order(7, 6)));
    let (standing, statuses) = over(&mut rig, 7).await;
    assert_eq!(statuses, [Some(429)]);
    assert_eq!((standing.made, standing.limited), (1, 1));
    let verdict = standing.refused.unwrap().verdict.unwrap();
    assert_eq!(verdict.status, Some(429));
    assert_ne!(verdict.cause, Cause::OutputTokensPerMinute);
    assert!(standing.batch.is_none());
    rig.hub.shut_down().await;
}

#[tokio::test]
async fn a_batch_that_is_cancelled_is_watched_to_its_end() {
    let (mut rig, _, _served) = rig().await;
    rig.hub.carry_out(Effect::Batch(order(7, 5)));
    rig.next(|event| match event {
        Event::Batch { standing, .. } => standing.batch.map(|_| ()),
        _ => None,
    })
    .await;
    rig.hub.carry_out(Effect::Cancel(CallId(7)));
    let (standing, _) = over(&mut rig, 7).await;
    assert!(standing.cancelled);
    let tally = standing.results.unwrap();
    assert!(tally.canceled > 0 && tally.results == 5, "{tally:?}");
    rig.hub.shut_down().await;
}
