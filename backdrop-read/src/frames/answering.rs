//! Answering a query from a frame.

use super::following::WAIT_MAX;
use super::held::{Held, Standing};
use super::slot::Slot;
use super::{Checked, Frames, Shared, fields};
use backdrop_core::data_set::DataSetId;
use backdrop_core::error::ApiError;
use backdrop_core::query::{FieldName, Grouping, Selection};
use backdrop_core::shape::Gathering;
use backdrop_frames::{Frame, Unanswerable};
use backdrop_postgres::Found;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::OwnedRwLockReadGuard;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Up to how many values a frame is asked on the thread of the request, one for each record in the time of the query and
/// each field: a millisecond, mostly much less. To go to another thread and back costs a tenth of that.
const VALUES_INLINE_MAX: usize = 300_000;
/// How often a request looks at the frame again before it goes elsewhere, because it was changed under it.
const LOOKS_MAX: usize = 4;

/// The frame of a data set, locked for reading.
type Reading = OwnedRwLockReadGuard<Option<Held>, Held>;

/// Why a grouped query passes by the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// There is no frame of the data set, or not with these fields.
    Absent,
    /// There is, and it is being changed for longer than the query can wait.
    Busy,
    /// No frame can answer that.
    Unfit,
}

impl Frames {
    /// The groups that are asked for, from that state or a later one; `None` if no frame can give them just now.
    ///
    /// # Errors
    /// If the query asks for what no engine can answer.
    pub async fn answer(
        &self,
        data_set: DataSetId,
        selection: &Selection,
        grouping: &Grouping,
        checked: Checked,
    ) -> Option<Result<Found<Gathering>, ApiError>> {
        if self.0.budget.is_nothing() {
            return None;
        }
        let answer = self.answer_or_pass(data_set, selection, grouping, checked).await;
        answer.inspect_err(|pass| self.0.figures.passed(*pass)).ok()
    }

    async fn answer_or_pass(
        &self,
        data_set: DataSetId,
        selection: &Selection,
        grouping: &Grouping,
        checked: Checked,
    ) -> Result<Result<Found<Gathering>, ApiError>, Pass> {
        let fields = fields(selection, grouping).ok_or(Pass::Unfit)?;
        let slot = self.0.known_slot(data_set).ok_or(Pass::Absent)?;
        slot.wishes().note(&fields, Instant::now());
        let held = timeout(WAIT_MAX, self.0.up_to_date(&slot, &fields, checked));
        let held = held.await.unwrap_or(Err(Pass::Busy))?;
        let gathering = Gathering::new(selection, grouping);
        if values(&held.frame, selection, grouping) <= VALUES_INLINE_MAX {
            return found(&held, gathering);
        }
        spawn_blocking(move || found(&held, gathering)).await.unwrap_or(Err(Pass::Busy))
    }
}

impl Shared {
    /// The frame of the slot, if it has these fields and is at the state that was checked or at a later one.
    async fn up_to_date(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        fields: &[FieldName],
        mut checked: Checked,
    ) -> Result<Reading, Pass> {
        let mut was_ahead_at = None;
        for _ in 0..LOOKS_MAX {
            let place = Arc::clone(&slot.held).read_owned().await;
            let held = OwnedRwLockReadGuard::try_map(place, Option::as_ref).map_err(|_| Pass::Absent)?;
            if !held.has(fields) {
                return Err(Pass::Absent);
            }
            match held.standing(checked) {
                Standing::There => return Ok(held),
                Standing::Ahead if was_ahead_at.is_none_or(|version| version < held.version.version) => {
                    // Somebody has followed further since the check, or the store went back: another check tells.
                    was_ahead_at = Some(held.version.version);
                    drop(held);
                    checked = self.versions.current(slot.data_set).await.map_err(|_| Pass::Busy)?;
                }
                Standing::Ahead | Standing::Lost => {
                    drop(held);
                    self.lose(slot, checked).await;
                    return Err(Pass::Absent);
                }
                Standing::Behind => {
                    drop(held);
                    self.follow(slot, checked).await.ok_or(Pass::Busy)?;
                }
            }
        }
        Err(Pass::Busy)
    }
}

/// How many values a query is about, at most.
fn values(frame: &Frame, selection: &Selection, grouping: &Grouping) -> usize {
    // Further questions of the same query may be about any time.
    let is_one_question = grouping.comparison().is_none() && grouping.moving_window().is_none();
    let rows = if is_one_question { frame.rows_in_time(selection) } else { frame.rows() };
    rows.saturating_mul((grouping.keys().len() + grouping.collect().len()).max(1))
}

/// What the frame answers.
fn found(held: &Held, gathering: Gathering) -> Result<Result<Found<Gathering>, ApiError>, Pass> {
    let gathered = gathered(&held.frame, gathering).map_err(|_| Pass::Unfit)?;
    Ok(gathered.map(|found| Found { version: held.version, found }))
}

/// Answers all questions of a query.
fn gathered(frame: &Frame, mut gathering: Gathering) -> Result<Result<Gathering, ApiError>, Unanswerable> {
    while let Some((selection, grouping)) = gathering.question() {
        let cells = frame.cells(selection, grouping)?;
        if let Err(refusal) = gathering.answered(cells) {
            return Ok(Err(refusal));
        }
    }
    Ok(Ok(gathering))
}
