//! Makes many calls by a plan: closed loops of workers, or an open loop at a rate.
//!
//! How it is used: reserve ids for the whole run (`order.call` is the first of them, [`Plan::most_calls`]
//! says how many), give `driver.share` a [`Share`](super::call::Share) of its own and keep a clone of it
//! to pause and resume, then run it on a task and cancel the token to end it. What happens is told to
//! `driver.ear` as of any other call; [`Live`](crate::domain::load::live::Live) folds that into what is
//! open, who waits, and the [`Summary`](crate::domain::load::result::Summary). When [`LoadEnd`] is
//! here, give it to `Live::end`.

use super::call::{Around, CallEnd, Driver};
use crate::domain::{
    call::CallOrder,
    id::{CallId, ClientId, ModelId},
    load::{
        pace::Cost,
        plan::{LATE_S, Plan},
    },
    observation::CallResult,
};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::Semaphore,
    task::{JoinError, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// What is to be done.
pub struct Load {
    /// Makes the calls; whoever listens hears each.
    pub driver: Driver,
    /// What each call is. Its id is that of the first one, the next ones follow; its client gets the
    /// worker's number behind its name.
    pub order: CallOrder,
    /// What is known around it.
    pub around: Around,
    /// The same of the models that `driver.share` spreads the calls over, where it does.
    pub around_others: Vec<(ModelId, Around)>,
    /// When calls start. It makes sense: [`Plan::check`] was asked.
    pub plan: Plan,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadEnd {
    /// Calls that were begun.
    pub begun: u64,
    /// Starts that were due but not made: no worker was free, or it was too late.
    pub missed: u64,
    /// Seconds from when a start was due to when it was made, one for each start of an open loop.
    pub late_s: Vec<f64>,
    /// Why a call was not even sent, which ends the run: a cap, `--read-only`.
    pub unsent: Option<String>,
    /// Whether a worker ended by a fault of this program: no further call was begun then.
    pub faulted: bool,
}

/// What the workers of a run share.
struct Shared {
    load: Load,
    began: Instant,
    /// Ends the starting of calls; those under way go on unless the run itself is cancelled.
    enough: CancellationToken,
    cancel: CancellationToken,
    next: AtomicU64,
    unsent: Mutex<Option<String>>,
}

impl Load {
    /// Runs to the end of the plan, or until `cancel`, which also ends calls under way at once.
    pub async fn run(self, dice: &mut fastrand::Rng, cancel: &CancellationToken) -> LoadEnd {
        let began = self.driver.clock.instant();
        let dice = &mut own_dice(dice, &self.order.client);
        let open = self.plan.rate.is_some();
        let shared = Arc::new(Shared {
            load: self,
            began,
            enough: cancel.child_token(),
            cancel: cancel.clone(),
            next: AtomicU64::new(0),
            unsent: Mutex::default(),
        });
        let mut end = if open {
            open_loop(&shared, dice).await
        } else {
            closed_loop(&shared, dice).await
        };
        end.begun = shared.next.load(Ordering::Relaxed);
        end.unsent = shared
            .unsent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        end
    }
}

/// Dice of a client's own: two clients that were seeded alike do not wait alike, or their retries would
/// come as a herd.
fn own_dice(dice: &mut fastrand::Rng, client: &ClientId) -> fastrand::Rng {
    let mut hasher = DefaultHasher::new();
    client.as_str().hash(&mut hasher);
    fastrand::Rng::with_seed(dice.u64(..) ^ hasher.finish())
}

impl Shared {
    fn plan(&self) -> &Plan {
        &self.load.plan
    }

    /// The moment so many seconds after the beginning, pauses left out.
    fn instant(&self, since_began_s: f64) -> Instant {
        let since = Duration::try_from_secs_f64(since_began_s.max(0.0)).unwrap_or_default();
        self.began + since + self.load.driver.share.paused_for()
    }

    fn now(&self) -> Instant {
        self.load.driver.clock.instant()
    }

    /// Waits until then, and while the run is paused; whether it still goes on.
    async fn wait_until(&self, due_s: f64) -> bool {
        let share = &self.load.driver.share;
        loop {
            let due = self.instant(due_s);
            tokio::select! {
                biased;
                () = self.enough.cancelled() => return false,
                () = self.load.driver.clock.sleep_until(due) => {}
            }
            tokio::select! {
                biased;
                () = self.enough.cancelled() => return false,
                () = share.go() => {}
            }
            // A pause has moved it.
            if self.instant(due_s) <= self.now() {
                return true;
            }
        }
    }

    /// The number of the next call, from 0; none when the plan has no more.
    fn take(&self) -> Option<u64> {
        let most = self.plan().calls.map_or(u64::MAX, u64::from);
        self.next
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| {
                (next < most).then_some(next + 1)
            })
            .ok()
    }

    /// Whether a task ended by a panic; then no further call is begun.
    fn is_fault(&self, task: Result<(), JoinError>) -> bool {
        let faulted = task.is_err_and(|error| error.is_panic());
        if faulted {
            tracing::error!("a worker of a run ended by a panic");
            self.enough.cancel();
        }
        faulted
    }

    /// Makes one call for a worker.
    async fn call(&self, nth: u64, worker: u32, dice: &mut fastrand::Rng) -> CallEnd {
        let mut order = self.load.order.clone();
        order.call = CallId(order.call.0 + nth);
        order.client = self.plan().client_of(&order.client, worker);
        let load = &self.load;
        let share = &load.driver.share;
        let now = load.driver.clock.now();
        let model = share.route(now, Cost::from(&order.most()));
        order.model = model.unwrap_or(order.model);
        let others = &load.around_others;
        let around = others.iter().find(|(model, _)| *model == order.model);
        let around = around.map_or(&load.around, |(_, around)| around);
        let end = load.driver.run(&order, around, dice, &self.cancel).await;
        share.arrived(&order.model);
        if let Some(why) = &end.unsent {
            let mut unsent = self.unsent.lock().unwrap_or_else(PoisonError::into_inner);
            unsent.get_or_insert_with(|| why.clone());
            self.enough.cancel();
        }
        end
    }
}

/// Each worker makes its next call when the one before is over.
async fn closed_loop(shared: &Arc<Shared>, dice: &mut fastrand::Rng) -> LoadEnd {
    let mut workers = JoinSet::new();
    for worker in 0..shared.plan().workers {
        let Some(due) = shared.plan().due_s(worker) else {
            break;
        };
        let (shared, mut dice) = (Arc::clone(shared), dice.fork());
        workers.spawn(async move {
            let end_s = shared.plan().duration_s;
            let mut due_s = due;
            while shared.wait_until(std::mem::take(&mut due_s)).await
                && end_s.is_none_or(|end_s| shared.now() < shared.instant(end_s))
                && let Some(nth) = shared.take()
            {
                let end = shared.call(nth, worker, &mut dice).await;
                if end.result == CallResult::Cancelled {
                    return;
                }
            }
        });
    }
    let mut end = LoadEnd::default();
    while let Some(worker) = workers.join_next().await {
        end.faulted |= shared.is_fault(worker);
    }
    end
}

/// Calls start when they are due, whatever became of those before.
async fn open_loop(shared: &Arc<Shared>, dice: &mut fastrand::Rng) -> LoadEnd {
    let free = Arc::new(Semaphore::new(shared.plan().workers as usize));
    let idle = Arc::new(Mutex::new(
        (0..shared.plan().workers).rev().collect::<Vec<_>>(),
    ));
    let mut calls = JoinSet::new();
    let mut end = LoadEnd::default();
    for k in 0.. {
        let Some(due) = shared.plan().due_s(k) else {
            break;
        };
        if !shared.wait_until(due).await {
            break;
        }
        while let Some(call) = calls.try_join_next() {
            end.faulted |= shared.is_fault(call);
        }
        let late = shared.now().duration_since(shared.instant(due));
        let late_s = late.as_secs_f64();
        let place = if late_s > LATE_S {
            None
        } else {
            Arc::clone(&free).try_acquire_owned().ok()
        };
        let Some(place) = place else {
            end.missed += 1;
            continue;
        };
        let Some(nth) = shared.take() else {
            break;
        };
        end.late_s.push(late_s);
        let (shared, mut dice, idle) = (Arc::clone(shared), dice.fork(), Arc::clone(&idle));
        calls.spawn(async move {
            let take = || idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            // There are as many numbers as places.
            let worker = take().unwrap_or_default();
            shared.call(nth, worker, &mut dice).await;
            idle.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(worker);
            drop(place);
        });
    }
    while let Some(call) = calls.join_next().await {
        end.faulted |= shared.is_fault(call);
    }
    end
}

#[cfg(test)]
mod tests;
