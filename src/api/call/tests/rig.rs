//! A call that is made against scripted answers: whom it asks for money, and what came of it.

use super::*;

#[derive(Default)]
pub(super) struct Book {
    pub(super) refuse_from: Option<usize>,
    pub(super) reserved: Mutex<Vec<Usage>>,
    pub(super) settled: Mutex<Vec<Spent>>,
}

impl Purse for Book {
    fn reserve(&self, _: &CallOrder, most: &Usage) -> Result<Ticket, String> {
        let mut reserved = self.reserved.lock().unwrap();
        if self.refuse_from.is_some_and(|n| reserved.len() + 1 >= n) {
            return Err("the day's cap of $1.00 is reached".into());
        }
        reserved.push(*most);
        Ok(Ticket(reserved.len() as u64))
    }

    fn settle(&self, _: Ticket, spent: Spent) {
        self.settled.lock().unwrap().push(spent);
    }
}

pub(super) struct Played {
    pub(super) end: CallEnd,
    pub(super) seen: Vec<Observation>,
    pub(super) text: String,
    pub(super) timeline: Timeline,
    pub(super) book: Arc<Book>,
    pub(super) script: Arc<Script>,
}

impl Played {
    pub(super) fn names(&self) -> Vec<String> {
        self.seen
            .iter()
            .map(|seen| {
                serde_json::to_value(&seen.what).unwrap()["seen"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect()
    }

    pub(super) fn attempts(&self) -> &[crate::domain::timeline::Attempt] {
        &self.timeline.calls().next().unwrap().attempts
    }
}

pub(super) async fn play(
    order: &CallOrder,
    plays: Vec<Play>,
    book: Book,
    cancel_after_s: Option<f64>,
) -> Played {
    let script = Script::new(plays);
    let book = Arc::new(book);
    let (sender, mut receiver) = mpsc::channel(10_000);
    let driver = Driver {
        connection: Arc::new(connection(script.clone())),
        clock: Clock::anchored("2026-11-24T12:00:00Z".parse().unwrap()),
        purse: book.clone(),
        ear: Arc::new(sender),
        share: Arc::default(),
    };
    let cancel = CancellationToken::new();
    if let Some(after) = cancel_after_s {
        let cancel = cancel.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs_f64(after)).await;
            cancel.cancel();
        });
    }
    let mut dice = fastrand::Rng::with_seed(7);
    let end = driver
        .run(order, &Around::default(), &mut dice, &cancel)
        .await;
    drop(driver);
    let (mut seen, mut text, mut timeline) = (Vec::new(), String::new(), Timeline::new(10));
    while let Some(told) = receiver.recv().await {
        match told {
            Told::Seen(one) => {
                timeline.absorb(&one);
                seen.push(*one);
            }
            Told::Text { delta, .. } => text.push_str(&delta),
        }
    }
    Played {
        end,
        seen,
        text,
        timeline,
        book,
        script,
    }
}
