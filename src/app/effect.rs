//! What the app wants done. Effects are data; `run` carries them out.

use crate::domain::{
    batch::BatchOrder,
    call::CallOrder,
    count::CountOrder,
    headers::Level,
    id::{CallId, ModelId},
    load::run::RunOrder,
    time::Time,
};
use std::sync::Arc;

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Make a call on the current profile's connection; it answers with `Event::Observed` and
    /// `Event::Text`.
    Call(CallOrder),
    /// Count a prompt's tokens; it answers with `Event::Observed` and `Event::Counted`.
    Count(CountOrder),
    /// Make a run of many calls there; besides, it answers with `Event::RunEnded`.
    Run(RunOrder),
    /// Make a message batch there; it answers with `Event::Batch`.
    Batch(BatchOrder),
    /// Cancel a call at once, also while it waits; or the run whose first call that is; or the batch.
    Cancel(CallId),
    /// Hold back what a run has not sent yet, or let it go on; by its first call.
    HoldRun(CallId, bool),
    /// Tell a run, by its first call, what somebody else's answer said is left of its limits.
    Overheard {
        /// Which run.
        first: CallId,
        /// When the answer came.
        at: Time,
        /// One of its models, whose pool that is.
        model: ModelId,
        /// What is left.
        levels: Vec<Level>,
    },
    /// Poll the limits of the current profile now.
    PollLimits,
    /// Bring another profile to the front; `Event::Profile` follows, or a `Fault`.
    SwitchProfile(Arc<str>),
    /// Put text on the clipboard (OSC 52).
    Copy(String),
    /// Switch mouse reporting.
    Mouse(bool),
    /// Give the terminal back and stop (Ctrl-Z); all is redrawn on return.
    Suspend,
    /// Redraw everything, as after Ctrl-L.
    Repaint,
    /// End the program.
    Quit,
}
