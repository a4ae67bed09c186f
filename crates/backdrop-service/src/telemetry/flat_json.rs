//! One JSON object a line, flat: the fields of an event beside those of the spans it happened in. So every line that
//! is written while a request is answered carries its `request_id`, whoever wrote it.

use serde_json::{Map, Value};
use std::fmt;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes events; goes together with [`JsonFields`].
#[derive(Debug)]
pub(super) struct FlatJson;

impl<S> FormatEvent<S, JsonFields> for FlatJson
where
    S: Subscriber + for<'l> LookupSpan<'l>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Line::default();
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        line.0.insert("level".into(), event.metadata().level().as_str().into());
        line.0.insert("target".into(), event.metadata().target().into());
        // From the outermost one inwards, and the event last: what is nearest wins.
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<JsonFields>>();
            if let Some(Ok(fields)) = fields.map(|fields| serde_json::from_str::<Map<String, Value>>(fields))
            {
                line.0.extend(fields);
            }
        }
        event.record(&mut line);
        // Its time comes first, so that lines can be sorted as text.
        let rest = Value::Object(line.0).to_string();
        writeln!(writer, "{{\"timestamp\":\"{timestamp}\",{}", rest.trim_start_matches('{'))
    }
}

#[derive(Default)]
struct Line(Map<String, Value>);

impl Line {
    fn add(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Line {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}"));
    }
}
