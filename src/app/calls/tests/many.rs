//! Runs of many calls, and batches.

use super::*;
use crate::{
    app::calls::offers::Esc,
    domain::{batch::Standing, limit::Dimension, load::pace::Pacing},
};

/// A card of an address that charges, with a price.
fn priced() -> App {
    let price = crate::domain::spend::Price {
        input: 4.0,
        write_5m: None,
        write_1h: None,
        read: None,
        output: 20.0,
        long: None,
    };
    let prices = crate::domain::spend::Prices {
        as_of: "2026-11-24".into(),
        models: vec![("claude-opus-5-5".into(), price)],
    };
    let mut app = App::new(Started {
        at: t(0.0),
        local_offset_s: 0,
        mouse: false,
        read_only: false,
        size: (120, 36),
        prices: Arc::new(prices),
        tiers: Arc::default(),
    });
    app.update(Event::Profile(Box::new(card("claude-opus-5-5"))), t(0.0));
    press(&mut app, "2");
    app
}

/// Eleven fields down are the workers.
const WORKERS: &str = "ggjjjjjjjjjjj";

fn runs(effects: &[Effect]) -> Vec<(u32, Option<u32>)> {
    let runs = effects.iter().filter_map(|effect| match effect {
        Effect::Run(order) => Some((order.plan.workers, order.plan.calls)),
        _ => None,
    });
    runs.collect()
}

#[test]
fn more_than_one_call_is_a_run_of_its_own_ids() {
    let mut app = priced();
    let sent = press(&mut app, &format!("{WORKERS}lll\n"));
    assert_eq!(runs(&sent), [(8, Some(8))]);
    let shown = app.shown(t(5.0)).unwrap();
    let run = shown.profile.runs.running().unwrap();
    assert!(run.first().0 >= crate::domain::timeline::FIRST_RUN_CALL);
    assert!(run.first().0 < FIRST_FOREIGN_CALL);
    assert_eq!(press(&mut app, "\x1b"), [Effect::Cancel(run_first(&app))]);
}

fn run_first(app: &App) -> CallId {
    let shown = app.shown(t(5.0)).unwrap();
    shown.profile.runs.all().next_back().unwrap().first()
}

/// What is asked before it costs.
fn question(app: &App) -> &str {
    match app.layer() {
        crate::app::layer::Layer::Ask(question, _) => question,
        _ => panic!("no question"),
    }
}

#[test]
fn a_run_that_may_cost_more_than_a_little_asks_first() {
    let mut app = priced();
    // 256 calls of at most 8 tokens at $20 a million, and 10 in at $4: about 5 cents.
    assert_eq!(
        runs(&press(&mut app, &format!("{WORKERS}llllllll\n"))).len(),
        1
    );
    // Four calls for each worker are not little.
    let asked = press(&mut app, "jjll\n");
    assert_eq!(asked, []);
    let question = question(&app);
    assert!(
        question.contains(
            "1,024 real calls of claude-opus-5-5, each about 9 tokens in and at most 8 out"
        ),
        "{question}"
    );
    assert_eq!(press(&mut app, "\x1b"), [], "not sent");
    press(&mut app, "\n");
    assert_eq!(runs(&press(&mut app, "\n")), [(256, Some(1_024))]);
}

/// A spread may go to the dearest of its models alone, so that is what is asked about.
#[test]
fn a_spread_run_is_asked_about_at_the_price_of_its_dearest_model() {
    let price = |input| crate::domain::spend::Price {
        input,
        write_5m: None,
        write_1h: None,
        read: None,
        output: 5.0 * input,
        long: None,
    };
    let prices = |dearest: Option<f64>| {
        let dear = dearest.map(|input| ("claude-opus-5-5".into(), price(input)));
        let cheap = Some(("claude-haiku-4-5".into(), price(0.001)));
        crate::domain::spend::Prices {
            as_of: "2026-11-24".into(),
            models: cheap.into_iter().chain(dear).collect(),
        }
    };
    let mut form = priced().test_calls().unwrap().form().clone();
    form.model = "claude-haiku-4-5".to_owned();
    form.calls = Some(1_000);
    let alone = form.estimate(&prices(Some(4.0))).usd.unwrap();
    assert!(alone < 0.01, "{alone}");
    form.spread = Some("claude-haiku-4-5=99,claude-opus-5-5=1".parse().unwrap());
    let spread = form.estimate(&prices(Some(4.0))).usd.unwrap();
    assert!((spread / alone - 4_000.0).abs() < 1e-6, "{spread}");
    assert_eq!(form.estimate(&prices(None)).usd, None, "nobody knows one");
}

#[test]
fn two_runs_go_on_at_most_and_one_can_be_held() {
    let mut app = priced();
    let keys = format!("{WORKERS}l\n\n\n");
    assert_eq!(runs(&press(&mut app, &keys)).len(), 2);
    let first = run_first(&app);
    assert_eq!(press(&mut app, "p"), [Effect::HoldRun(first, true)]);
    assert_eq!(press(&mut app, "p"), [Effect::HoldRun(first, false)]);
}

#[test]
fn two_runs_stand_side_by_side_and_one_is_made_again() {
    let mut app = priced();
    press(&mut app, &format!("{WORKERS}l\n"));
    assert_eq!(press(&mut app, "b"), [], "there is one only");
    assert!(
        app.toast()
            .is_some_and(|toast| toast.text.contains("one run only"))
    );
    let first = run_first(&app);
    press(&mut app, "l\n");
    press(&mut app, "b");
    let view = app.test_calls().unwrap().view().run.clone();
    assert_eq!(view.against, Some(first));
    for run in [first, run_first(&app)] {
        let end = Event::RunEnded {
            profile: Arc::from("prod"),
            first: run,
            end: Box::default(),
        };
        app.update(end, t(6.0));
    }
    // Older: the first one is looked at, and made again with its two workers.
    press(&mut app, "b[");
    assert_eq!(runs(&press(&mut app, "a")), [(2, Some(2))]);
}

/// What its buckets hold comes from every answer of its pool, whoever asked.
#[test]
fn a_paced_run_knows_what_the_board_knows_and_hears_what_others_are_told() {
    let mut app = app();
    let mut free = card("claude-opus-5-5");
    free.spend.free = true;
    app.update(Event::Profile(Box::new(free)), t(0.0));
    let order = |effects: &[Effect]| match effects {
        [Effect::Run(order)] => order.clone(),
        other => panic!("{other:?}"),
    };
    let first = order(&press(&mut app, &format!("{WORKERS}ljjjjjl\n")));
    assert_eq!(first.pacing, Some(Pacing::LIVE));
    assert_eq!(first.known, [], "nothing was heard yet");

    let mut told = |call: u64, source, organization: &str, model: &str| {
        let mut seen = seen(call, Some(1), 4.0, headed(4.0, 200, None, 206_000, 0.1));
        seen.source = source;
        seen.model = Some(model.into());
        if let What::Head { reading, .. } = &mut seen.what {
            reading.organization = Some(organization.into());
        }
        let event = Event::Observed {
            profile: Arc::from("prod"),
            seen: Arc::new(seen),
        };
        app.update(event, t(4.0))
    };
    let (run, other) = (first.order.call.0, FIRST_FOREIGN_CALL + 7);
    let opus = "claude-opus-5-5";
    assert_eq!(told(run, Source::Call, "a", opus), [], "its own");
    assert_eq!(told(other, Source::Tap, "b", opus), [], "another's limits");
    assert_eq!(told(other, Source::Tap, "a", "claude-haiku-4-5"), []);
    let heard = told(other, Source::Tap, "a", opus);
    let [Effect::Overheard { first, levels, .. }] = heard.as_slice() else {
        panic!("{heard:?}")
    };
    assert_eq!((first.0, levels.len()), (run, 3));

    let second = order(&press(&mut app, "\n"));
    let [(model, known)] = second.known.as_slice() else {
        panic!("{:?}", second.known)
    };
    assert_eq!(model.as_str(), opus);
    let left: Vec<_> = known.iter().map(|it| it.dimension).collect();
    assert_eq!(left, [Dimension::Rpm, Dimension::Itpm, Dimension::Otpm]);
    assert!(known[2].remaining <= 206_000);
}

/// The field of what is sent as what.
const AS_BATCH: &str = "Gl";

#[test]
fn a_batch_is_ordered_told_and_cancelled() {
    let mut app = priced();
    let sent = press(&mut app, &format!("{WORKERS}ll{AS_BATCH}\n"));
    let [Effect::Batch(asked)] = sent.as_slice() else {
        panic!("{sent:?}")
    };
    assert_eq!(asked.requests, 4);
    let id = asked.order.call;
    let work = |app: &App| {
        let shown = app.shown(t(5.0)).unwrap();
        shown.profile.runs.batch(id).unwrap().clone()
    };
    assert_eq!(work(&app).sentence(), "Being submitted.");
    assert_eq!(press(&mut app, "\x1b"), [Effect::Cancel(id)]);
    assert_eq!(press(&mut app, "\x1b"), [], "once");
    let told = |standing: Standing, over| Event::Batch {
        profile: Arc::from("prod"),
        id,
        standing: Box::new(standing),
        over,
    };
    let unsent = Standing {
        unsent: Some("a reason".into()),
        ..Standing::default()
    };
    app.update(told(Standing::default(), false), t(6.0));
    assert!(work(&app).is_open() && work(&app).cancelling);
    app.update(told(unsent, true), t(7.0));
    assert_eq!(work(&app).ended, Some(t(7.0)));
    // Again: the same work, as a batch.
    press(&mut app, "GhgGh");
    let again = press(&mut app, "a");
    let [Effect::Batch(again)] = again.as_slice() else {
        panic!("{again:?}")
    };
    assert_eq!(again.requests, 4);
    assert_ne!(again.order.call, id);
}

#[test]
fn a_batch_that_may_cost_more_than_a_little_asks_first_and_is_booked_whole() {
    let mut app = priced();
    // 1,024 calls of at most 20 cents of a thousandth each, half of that.
    let keys = format!("{WORKERS}llllllll{AS_BATCH}ggjjjjjjjjjjjjjlll\n");
    assert_eq!(press(&mut app, &keys), []);
    let question = question(&app);
    assert!(
        question.contains("A batch of 2,048 real calls of claude-opus-5-5"),
        "{question}"
    );
    assert!(question.contains("half of what"), "{question}");
    assert!(matches!(
        press(&mut app, "\n").as_slice(),
        [Effect::Batch(_)]
    ));
}

#[test]
fn a_batch_refuses_what_it_cannot_have_in_its_field() {
    let mut app = priced();
    // A pace.
    assert_eq!(press(&mut app, &format!("{WORKERS}jjjjjl{AS_BATCH}\n")), []);
    let said = app.toast().map_or("", |toast| toast.text.as_str());
    assert!(said.starts_with("pacing: not in a batch"), "{said}");
}

#[test]
fn only_what_works_is_offered() {
    use crate::app::command::Command::{
        Again, Back, Compare, Evidence, Hold, OlderCall, Open, PrevAttempt,
    };
    let all = [
        Again,
        Back,
        Compare,
        Evidence,
        Hold,
        OlderCall,
        Open,
        PrevAttempt,
    ];
    let offered = |app: &App| {
        all.into_iter()
            .filter(|it| app.offers(*it))
            .collect::<Vec<_>>()
    };
    let mut app = priced();
    assert_eq!(offered(&app), []);
    press(&mut app, "j");
    assert_eq!(offered(&app), [Back], "the form is open");
    press(&mut app, "\x1b");
    let mut called = refused_then_ok(1, 17.4);
    let last = called.pop();
    press(&mut app, "\n");
    show(&mut app, &called);
    assert_eq!(offered(&app), [Back, Evidence, PrevAttempt]);
    assert!(matches!(app.esc(), Esc::Cancels(CallId(1))));
    show(&mut app, &last.into_iter().collect::<Vec<_>>());
    assert_eq!(offered(&app), [Evidence, PrevAttempt]);
    press(&mut app, &format!("{WORKERS}l\n"));
    assert_eq!(
        offered(&app),
        [Again, Back, Hold, OlderCall, Open, PrevAttempt]
    );
    press(&mut app, "\n");
    assert_eq!(
        offered(&app),
        [Again, Back, Compare, Hold, OlderCall, Open, PrevAttempt]
    );
}
