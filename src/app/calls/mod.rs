//! State of tab 2: the form and its editor, which call, run or batch is looked at and how.
//!
//! To add a field: an entry in [`form::Field::ALL`] and its arms. To add a key: a row in `COMMANDS` and
//! an arm in [`Calls::command`].

mod batch;
pub mod editor;
pub mod form;
pub mod offers;
pub mod run;
mod send;
pub mod view;

#[cfg(test)]
mod tests;

use super::{
    command::Command,
    event::{FormDefaults, ProfileCard},
    ground::{Ground, Reply},
    runs::Runs,
};
use crate::domain::{
    board::Board,
    cache::CacheOrder,
    count::Count,
    id::{CallId, ModelId},
    load::run::Run,
    org::GroupKind,
    time::{Time, after, seconds_between},
    timeline::{Doing, Timeline},
};
use crossterm::event::KeyEvent;
use editor::{Editor, Typed};
use form::{Field, Form};
use std::collections::VecDeque;
use view::View;

/// Calls of which it is known what they were to cache.
const CACHES: usize = 64;

/// State of tab 2, one for each profile.
#[derive(Clone, Debug)]
pub struct Calls {
    form: Form,
    defaults: Option<FormDefaults>,
    /// The model that stands in for a default which the organization does not have.
    stand_in: Option<String>,
    field: Field,
    open: bool,
    editor: Option<Editor>,
    view: View,
    /// The call sent last: it can be cancelled before anything was seen of it.
    sent: Option<CallId>,
    /// What was counted last.
    count: Option<Count>,
    /// System prompts that the last calls were to cache.
    caches: VecDeque<(CallId, CacheOrder)>,
}

impl Default for Calls {
    fn default() -> Self {
        Self {
            form: Form::default(),
            defaults: None,
            stand_in: None,
            field: Field::Model,
            open: false,
            editor: None,
            view: View::default(),
            sent: None,
            count: None,
            caches: VecDeque::new(),
        }
    }
}

/// What drawing reads.
impl Calls {
    /// The values.
    pub fn form(&self) -> &Form {
        &self.form
    }

    /// The selected field.
    pub fn field(&self) -> Field {
        self.field
    }

    /// Whether the form wants to be seen where there is room for one thing only.
    pub fn form_open(&self) -> bool {
        self.open || self.editor.is_some()
    }

    /// The field being edited.
    pub fn editor(&self) -> Option<&Editor> {
        self.editor.as_ref()
    }

    /// Input tokens as the API counted them, while model and prompt are those that it counted.
    pub fn tokens(&self) -> Option<u64> {
        let count = self.count.as_ref()?;
        count.of(&self.form.model, &self.form.prompt)
    }

    /// The system prompt that a call was to cache, if that is known.
    pub fn cache_of(&self, call: CallId, runs: &Runs) -> Option<CacheOrder> {
        if let Some(run) = runs.of(call) {
            return run.asked.order.cache;
        }
        let asked = self.caches.iter().find(|(id, _)| *id == call);
        asked.map(|(_, cache)| *cache)
    }

    /// What is looked at.
    pub fn view(&self) -> &View {
        &self.view
    }
}

/// What the app calls.
impl Calls {
    /// The profile's card is here, or changed: the form's defaults. What was typed stays.
    pub fn adopt(&mut self, card: &ProfileCard) {
        if self.defaults.as_ref() == Some(&card.form) {
            return;
        }
        if self.is_untouched() {
            self.form = Form::from(&card.form);
            self.stand_in = None;
        }
        self.defaults = Some(card.form.clone());
    }

    fn is_untouched(&self) -> bool {
        let Some(defaults) = &self.defaults else {
            return true;
        };
        let mut started = Form::from(defaults);
        if let Some(stand_in) = &self.stand_in {
            started.model.clone_from(stand_in);
        }
        started == self.form
    }

    /// The organization's pools are known: a default model that none of them has gives way to one that
    /// they have, the smallest line first.
    pub fn know(&mut self, board: &Board) {
        let models = models(board);
        if !is_listed(board) || models.contains(&self.form.model) || !self.is_untouched() {
            return;
        }
        let small = models.iter().find(|model| model.contains("haiku"));
        if let Some(model) = small.or(models.first()) {
            self.form.model.clone_from(model);
            self.stand_in = Some(model.clone());
        }
    }

    /// Sets the form's model (`t` on a pool).
    pub fn choose_model(&mut self, model: &ModelId) {
        if self.editor.is_none() {
            model.as_str().clone_into(&mut self.form.model);
        }
    }

    /// Whether keys are text for a field now; then they come to [`Calls::text_key`].
    pub fn takes_text(&self) -> bool {
        self.editor.is_some()
    }

    /// A key while a field is edited.
    pub fn text_key(&mut self, key: KeyEvent, ground: &mut Ground<'_>) -> Reply {
        let Some(editor) = &mut self.editor else {
            return Reply::none();
        };
        match editor.key(key) {
            Typed::Stays => {}
            Typed::Abandoned => self.editor = None,
            Typed::Done(by) => {
                let (field, text) = (editor.field, editor.text());
                let problem = editor.problem().map_or(Ok(()), Err);
                if let Err(why) = problem.and_then(|()| self.form.set(field, &text)) {
                    return Reply::say(format!("{}: {why}.", field.label()));
                }
                self.editor = None;
                self.field = field.step(by);
                if by != 0 && self.field != field {
                    self.edit(ground.board);
                }
            }
        }
        Reply::none()
    }

    /// A bracketed paste while a field is edited.
    pub fn paste(&mut self, text: &str) {
        if let Some(editor) = &mut self.editor {
            editor.paste(text);
        }
    }

    /// A command of the table, while tab 2 is shown and it is not one of the app's own.
    pub fn command(&mut self, command: Command, ground: &mut Ground<'_>) -> Reply {
        if let Some(reply) = self.run_command(command, ground) {
            return reply;
        }
        match command {
            Command::Enter => return self.send(false, ground),
            Command::Again => {
                self.take_settings(ground);
                return self.send(false, ground);
            }
            Command::Compare | Command::Open | Command::Hold => {
                return Reply::say("That is for runs of many calls: raise workers or calls first.");
            }
            Command::Back => return self.back(ground),
            Command::Edit => self.edit(ground.board),
            Command::Up => self.select(self.field.step(-1)),
            Command::Down => self.select(self.field.step(1)),
            Command::Top => self.select(Field::Model),
            Command::Bottom => self.select(Field::ALL[Field::ALL.len() - 1]),
            Command::Left => self.turn(-1, ground.board),
            Command::Right => self.turn(1, ground.board),
            Command::PageUp => self.scroll(8, ground),
            Command::PageDown => self.scroll(-8, ground),
            Command::OlderCall => self.view.older(ground.timeline, ground.runs, 1),
            Command::NewerCall => self.view.older(ground.timeline, ground.runs, -1),
            Command::PrevAttempt => self.step_attempt(ground, -1),
            Command::NextAttempt => self.step_attempt(ground, 1),
            Command::Others => self.view.toggle_others(),
            Command::Evidence => {
                self.view.evidence = !self.view.evidence;
                self.view.up = 0;
            }
            Command::CountTokens => return self.count(ground),
            Command::ZoomIn => self.view.zoom(1),
            Command::ZoomOut => self.view.zoom(-1),
            Command::PanLeft => self.view.pan(-1.0),
            Command::PanRight => self.view.pan(1.0),
            _ => {}
        }
        Reply::none()
    }

    /// The question before a run was answered with yes.
    pub fn confirmed(&mut self, ground: &mut Ground<'_>) -> Reply {
        self.send(true, ground)
    }

    /// A click at a cell of the tab's own area. Nothing here wants one.
    pub fn click(&mut self, at: (u16, u16), size: (u16, u16), ground: &mut Ground<'_>) -> Reply {
        let _ = (at, size, ground);
        Reply::none()
    }

    /// What `y` copies here: the selected attempt's request id, else the verdict in one sentence.
    pub fn copyable(&self, ground: &Ground<'_>) -> Option<String> {
        if let Some(batch) = self.batch(ground.timeline, ground.runs) {
            let made = batch.standing.batch.as_ref();
            return Some(made.map_or_else(|| batch.sentence(), |made| made.id.clone()));
        }
        let Some(call) = self.call(ground.timeline, ground.runs) else {
            let run = self.run(ground.timeline, ground.runs)?;
            return Some(run.summary().sentence());
        };
        let attempt = match self.view.attempt {
            Some(_) => self.view.attempt(call)?,
            None => self.view.judged(call).or_else(|| self.view.attempt(call))?,
        };
        let id = attempt.request.as_ref().map(ToString::to_string);
        id.or_else(|| Some(attempt.verdict.as_ref()?.sentence.clone()))
    }

    /// When something on tab 2 changes next by itself (countdowns, growing bars); none when nothing
    /// does.
    pub fn next_wake(&self, timeline: &Timeline, runs: &Runs, now: Time) -> Option<Time> {
        if let Some(run) = self.run(timeline, runs).filter(|_| !self.view.run.inside) {
            let other = self.view.run.other(run, runs);
            let open = run.is_open() || other.is_some_and(Run::is_open);
            let quarters = (run.elapsed_s(now) * 4.0).floor() + 1.0;
            return open.then(|| after(run.began, quarters / 4.0).max(after(now, 1e-3)));
        }
        if let Some(batch) = self.batch(timeline, runs) {
            let second = batch.elapsed_s(now).floor() + 1.0;
            return batch
                .is_open()
                .then(|| after(batch.began, second).max(after(now, 1e-3)));
        }
        let call = self.call(timeline, runs).filter(|call| call.is_open())?;
        let next = match call.doing() {
            // The countdown shows whole seconds, rounded up.
            Doing::Waiting(due) => {
                let left = seconds_between(now, due);
                if left <= 0.0 {
                    return None;
                }
                after(due, 1.0 - (left - 1e-3).ceil())
            }
            Doing::InFlight | Doing::Receiving | Doing::Deciding | Doing::Held(_) => {
                after(call.began_at, call.elapsed_s(now).floor() + 1.0)
            }
            Doing::Over(_) => return None,
        };
        Some(next.max(after(now, 1e-3)))
    }
}

impl Calls {
    fn select(&mut self, field: Field) {
        self.field = field;
        self.open = true;
    }

    fn turn(&mut self, by: isize, board: &Board) {
        self.form
            .turn(self.field, by, &models_for(self.field, board));
        self.open = true;
    }

    fn edit(&mut self, board: &Board) {
        let text = self.form.typed(self.field);
        let choices = self
            .form
            .choices(self.field, &models_for(self.field, board));
        let mut editor = Editor::open(self.field, &text, choices);
        editor.only_choices = match self.field {
            Field::Policy => true,
            Field::Model => is_listed(board),
            _ => false,
        };
        self.editor = Some(editor);
    }

    fn scroll(&mut self, by: isize, ground: &Ground<'_>) {
        let Some(call) = self.call(ground.timeline, ground.runs) else {
            return;
        };
        if self.view.evidence {
            // Headers are read from the top, an answer from its end.
            self.view.scroll(-by, 200);
            return;
        }
        let answer = ground.answers.of(call.id);
        let answer = answer.or_else(|| ground.runs.answer(call.id));
        let answer = answer.map_or("", |answer| answer.text.as_str());
        // Where it wraps is known only to drawing, which clamps again.
        let most = answer.lines().map(|line| 1 + line.len() / 30).sum();
        self.view.scroll(by, most);
    }

    fn step_attempt(&mut self, ground: &Ground<'_>, by: isize) {
        if let Some(call) = self.call(ground.timeline, ground.runs) {
            self.view.step_attempt_of(call, by);
        }
    }
}

/// Whether the organization's own list of pools was read, so that a model in none of them is not its.
fn is_listed(board: &Board) -> bool {
    let mut pools = board.pools().iter();
    pools.any(|pool| pool.kind == GroupKind::ModelGroup && !pool.guess)
}

/// Models to choose from for a field: where calls are spread, one of each pool, as the others share its
/// limits.
fn models_for(field: Field, board: &Board) -> Vec<String> {
    if field != Field::Spread {
        return models(board);
    }
    let pools = board.pools().iter();
    let pools = pools.filter(|pool| pool.kind == GroupKind::ModelGroup);
    pools
        .filter_map(|pool| pool.models.first())
        .map(ToString::to_string)
        .collect()
}

/// Models that the board knows, pool by pool.
pub fn models(board: &Board) -> Vec<String> {
    let pools = board
        .pools()
        .iter()
        .filter(|pool| pool.kind == GroupKind::ModelGroup);
    pools
        .flat_map(|pool| &pool.models)
        .map(ToString::to_string)
        .collect()
}
