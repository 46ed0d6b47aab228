//! The same from threads, in real time.

use super::*;

/// Keys from another thread.
struct Typed(mpsc::UnboundedReceiver<Input>);

impl Stream for Typed {
    type Item = io::Result<Input>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|key| key.map(Ok))
    }
}

/// Says what is seen, after each frame.
struct Teller(plain::Sender<Tab>, Paper);

impl Hands for Teller {
    fn draw(&mut self, app: &App, now: Time) -> io::Result<()> {
        self.1.draw(app, now);
        self.0.send(app.tab()).map_err(io::Error::other)
    }

    fn repaint(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn carry_out(&mut self, effect: Effect) -> io::Result<()> {
        panic!("nobody asked for {effect:?}")
    }
}

/// Sends as fast as the loop takes, until told to stop.
fn pour(events: &Sender<Event>, profile: &Arc<str>, clock: &Clock, stop: &AtomicBool) -> u64 {
    let mut n = 0;
    while !stop.load(Ordering::Relaxed)
        && events.blocking_send(event(profile, n, clock.now())).is_ok()
    {
        n += 1;
    }
    n
}

#[test]
fn threads_that_flood_the_loop_do_not_keep_it_from_its_keys_nor_leave_it_asleep_after() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let _inside = runtime.enter();
    let clock = Clock::start();
    let profile: Arc<str> = "flood".into();
    let (events, mut received): (_, Receiver<Event>) = mpsc::channel(ROOM);
    let (keys, typed) = mpsc::unbounded_channel();
    let (teller, frames) = plain::channel();
    let stop = Arc::new(AtomicBool::new(false));
    let floods = [0, 1].map(|_| {
        let (events, profile, clock) = (events.clone(), Arc::clone(&profile), clock.clone());
        let stop = Arc::clone(&stop);
        std::thread::spawn(move || pour(&events, &profile, &clock, &stop))
    });
    // Half of the keys are pressed in the flood, the others in the silence after it, when the loop
    // sleeps and only they can wake it.
    let rounds = sized(400, 3);
    let fingers = std::thread::spawn(move || {
        let mut poured = 0;
        let mut floods = Some(floods);
        for round in 0..2 * rounds {
            if round == rounds {
                stop.store(true, Ordering::Relaxed);
                let floods = floods.take().into_iter().flatten();
                poured = floods.map(|flood| flood.join().unwrap()).sum();
            }
            for (key, tab) in KEYS.into_iter().filter(|(key, _)| key.is_ascii_digit()) {
                keys.send(press(key)).unwrap();
                while frames.recv_timeout(PATIENCE).unwrap() != tab {}
            }
        }
        keys.send(press('q')).unwrap();
        (poured, frames)
    });
    let mut app = app(&profile, clock.now());
    let mut sources = Sources::with_keys(Typed(typed));
    let mut hands = Teller(teller, Paper::new());
    drive(&mut app, &mut sources, &mut received, &mut hands, &clock).unwrap();
    let (poured, _frames) = fingers.join().unwrap();
    eprintln!("{poured} events beside {} keys", 3 * rounds);
    assert!(poured > ROOM as u64, "{poured} events are no flood");
}

#[test]
fn the_end_of_the_keys_ends_the_loop() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let _inside = runtime.enter();
    let clock = Clock::start();
    let profile: Arc<str> = "flood".into();
    let (_events, mut received) = mpsc::channel(ROOM);
    let (keys, typed) = mpsc::unbounded_channel();
    let (teller, frames) = plain::channel();
    let leaving = std::thread::spawn(move || {
        keys.send(press('7')).unwrap();
        while frames.recv_timeout(PATIENCE).unwrap() != Tab::Events {}
        // The terminal goes away.
        drop(keys);
        frames
    });
    let mut app = app(&profile, clock.now());
    let mut sources = Sources::with_keys(Typed(typed));
    let mut hands = Teller(teller, Paper::new());
    drive(&mut app, &mut sources, &mut received, &mut hands, &clock).unwrap();
    drop(leaving.join().unwrap());
}
