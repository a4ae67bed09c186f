//! What a record takes in the memory of the query service.

use crate::engines::Metrics;
use crate::report::{Demand, Line, Unit};
use crate::stage::Stage;
use anyhow::bail;

/// At most so many bytes, with the index of ids.
const DEMAND: Demand = Demand::AtMost(64.0);

/// The frames that are there: that of the large data set with the columns of all questions, if they were asked before.
pub(super) fn memory(stage: &mut Stage) -> anyhow::Result<Vec<Line>> {
    stage.load()?;
    super::queries::warm_up(stage)?;
    let metrics = Metrics::read(stage)?;
    let figures = (metrics.sum("backdrop_frame_bytes"), metrics.sum("backdrop_frame_rows"));
    let (bytes, rows) = match figures {
        (Some(bytes), Some(rows)) if rows > 0.0 => (bytes, rows),
        _ => bail!("the service tells of no frame"),
    };
    Ok(vec![Line {
        what: "memory of a frame, per record".into(),
        unit: Unit::Bytes,
        baseline: None,
        subject: bytes / rows,
        demand: DEMAND,
        requests: [0, 0],
        notes: format!("{bytes:.0} bytes for {rows:.0} records"),
    }])
}
