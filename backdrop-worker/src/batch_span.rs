//! The span of a batch in the worker: from when it is decided until its outcome is told. It carries the id of the
//! request that made the batch, and belongs to its trace.

use backdrop_core::batch::Envelope;
use backdrop_core::data_set::DataSetName;
use backdrop_postgres::AppliedBatch;
use backdrop_service::trace::{self, TraceParent};
use tracing::field::Empty;
use tracing::{Span, info, info_span};
use uuid::Uuid;

/// The span of a batch of a run.
#[derive(Clone, Debug)]
pub(crate) struct BatchSpan {
    batch_id: Uuid,
    span: Span,
}

impl BatchSpan {
    /// Begins with a batch; `None`: the name of its data set is not known any more.
    pub(crate) fn of(envelope: &Envelope, data_set: Option<&DataSetName>) -> Self {
        let Envelope { batch_id, request_id, .. } = envelope;
        let data_set = data_set.map(DataSetName::as_str);
        let span =
            info_span!("batch", request_id, trace_id = Empty, batch = %batch_id, data_set, outcome = Empty);
        let parent = envelope.traceparent.as_deref().and_then(TraceParent::parse);
        trace::join(&span, parent.as_ref());
        Self { batch_id: *batch_id, span }
    }

    /// Does something for the batch.
    pub(crate) fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        self.span.in_scope(work)
    }
}

/// Tells how each batch of a run ended: one event each. A batch that is repeated has none, for it ended before.
pub(crate) fn tell(
    spans: &[BatchSpan],
    applied: &[AppliedBatch],
    lag_seconds: impl Fn(&AppliedBatch) -> f64,
) {
    // Both are in the order of the run.
    let mut spans = spans.iter();
    for batch in applied {
        let Some(span) = spans.find(|span| span.batch_id == batch.batch_id) else { return };
        span.span.record("outcome", batch.outcome.as_str());
        let (stored, rejected, lag_ms) = (batch.stored, batch.rejected, lag_seconds(batch) * 1_000.0);
        span.in_scope(|| info!(stored, rejected, lag_ms, "batch"));
    }
}
