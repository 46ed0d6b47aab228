//! A batch from its submission to its results, looked at from time to time, cancelled where that is
//! wished.

use super::{Batches, Results};
use crate::domain::{
    batch::{self, Refused, Standing},
    time::after,
};
use bytes::Bytes;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A wish to cancel a batch that is heeded once.
pub struct Heed {
    /// Cancelled by whoever wants it.
    pub token: CancellationToken,
    /// Whether to leave it then; else it is watched to its end, and its results are read.
    pub leave: bool,
    done: bool,
}

impl Heed {
    /// Of that token.
    pub const fn new(token: CancellationToken, leave: bool) -> Self {
        Self {
            token,
            leave,
            done: false,
        }
    }

    /// Waits for the wish; for ever once it was heeded.
    pub(super) async fn wished(&self) {
        if self.done {
            std::future::pending::<()>().await;
        }
        self.token.cancelled().await;
    }
}

impl Batches<'_> {
    /// Makes it of what [`super::body()`] wrote, watches it to its end and reads its results; what is known is
    /// told after each step. What became of it stands in `standing`.
    pub async fn work(
        &mut self,
        body: Bytes,
        dice: &mut fastrand::Rng,
        mut tell: impl FnMut(&Standing) + Send,
    ) -> Option<Results> {
        tell(&self.standing);
        match self.watched(body, dice, &mut tell).await {
            Ok(results) => results,
            Err(refused) => {
                self.standing.refused = Some(refused);
                None
            }
        }
    }

    async fn watched(
        &mut self,
        body: Bytes,
        dice: &mut fastrand::Rng,
        tell: &mut (impl FnMut(&Standing) + Send),
    ) -> Result<Option<Results>, Refused> {
        let mut batch = self.create(body, dice).await?;
        tracing::info!("batch {} was made", batch.id);
        let mut looks = 0;
        while !batch.is_over() {
            let pause_s = batch::look_again_s(looks);
            looks += 1;
            let id = batch.id.clone();
            self.standing.batch = Some(batch);
            self.standing.next_look = Some(after(self.clock.now(), pause_s));
            tell(&self.standing);
            let wished = tokio::select! {
                biased;
                () = self.cancel.wished() => true,
                () = tokio::time::sleep(Duration::from_secs_f64(pause_s)) => false,
            };
            self.standing.next_look = None;
            if !wished {
                batch = self.state(&id, dice).await?;
                continue;
            }
            (self.cancel.done, self.standing.cancelled, looks) = (true, true, 0);
            batch = match self.cancel(&id, dice).await {
                Ok(batch) => batch,
                // It may have ended in that moment.
                Err(refused) => self.state(&id, dice).await.map_err(|_| refused)?,
            };
            if self.cancel.leave {
                // What is under way ends by itself; its results can be had later by the batch's id.
                break;
            }
        }
        let id = batch.id.clone();
        let over = batch.is_over();
        self.standing.batch = Some(batch);
        tell(&self.standing);
        if !over {
            return Ok(None);
        }
        let results = self.results(&id, dice).await?;
        self.standing.results = Some(results.tally.clone());
        Ok(Some(results))
    }
}
