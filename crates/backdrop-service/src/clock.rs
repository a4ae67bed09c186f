//! The one place where the wall clock is read.

use backdrop_core::time::Timestamp;
use chrono::SubsecRound;
use std::time::SystemTime;

/// The time now, to the microsecond, which is what is stored and printed.
#[expect(clippy::disallowed_methods, reason = "this is the edge at which the time becomes an argument")]
pub fn now() -> Timestamp {
    Timestamp::from(SystemTime::now()).trunc_subsecs(6)
}
