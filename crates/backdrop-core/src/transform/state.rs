//! How far a run of a transform is.

/// How far a run of a transform is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// It was not begun; what is to be computed anew meanwhile is added to it.
    Waiting,
    /// A worker is at it.
    Running,
    /// An attempt failed; there will be another one.
    Retrying,
    /// Its results are stored, or there were none.
    Done,
    /// It was given up.
    Failed,
}

impl RunState {
    /// All states.
    const ALL: [Self; 5] = [Self::Waiting, Self::Running, Self::Retrying, Self::Done, Self::Failed];

    /// The state as it is kept in the store and shown to clients.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Retrying => "retrying",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// Reads what [`as_str`](Self::as_str) writes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}
