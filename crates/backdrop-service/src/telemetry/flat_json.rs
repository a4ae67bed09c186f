//! One JSON object a line, flat: the fields of an event beside those of the spans it happened in. So every line that
//! is written while a request is answered carries its `request_id`, whoever wrote it.
//!
//! The fields of a span are written down once, when they become known, as pairs that go into a line as they are.

use serde::Serialize;
use std::fmt;
use tracing::field::{Field, Visit};
use tracing::span::Record;
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// What ends a name, and what ends a value. Neither stands in a name, and JSON escapes both within a value.
const END_OF_NAME: char = '\u{1f}';
const END_OF_VALUE: char = '\u{1e}';

/// Room for the fields of most lines: how many bytes, and how many fields.
const PAIRS_BYTES: usize = 512;
const FIELDS: usize = 24;

/// Writes events; goes together with [`Pairs`].
#[derive(Debug)]
pub(super) struct FlatJson;

/// Writes fields down as pairs of a name and JSON.
#[derive(Debug)]
pub(super) struct Pairs;

impl<'w> FormatFields<'w> for Pairs {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut pairs = PairWriter { writer, written: Ok(()) };
        fields.record(&mut pairs);
        pairs.written
    }

    fn add_fields(&self, known: &'w mut FormattedFields<Self>, fields: &Record<'_>) -> fmt::Result {
        self.format_fields(known.as_writer(), fields)
    }
}

impl<S> FormatEvent<S, Pairs> for FlatJson
where
    S: Subscriber + for<'l> LookupSpan<'l>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, Pairs>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut pairs = String::with_capacity(PAIRS_BYTES);
        let metadata = event.metadata();
        let mut first = PairWriter { writer: Writer::new(&mut pairs), written: Ok(()) };
        first.add_text("level", metadata.level().as_str());
        first.add_text("target", metadata.target());
        first.written?;
        // From the outermost one inwards, and the event last: what is nearest wins.
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(fields) = span.extensions().get::<FormattedFields<Pairs>>() {
                pairs.push_str(fields);
            }
        }
        Pairs.format_fields(Writer::new(&mut pairs), event)?;
        // Its time comes first, so that lines can be sorted as text.
        writer.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut writer)?;
        writer.write_char('"')?;
        let mut fields = Vec::with_capacity(FIELDS);
        fields.extend(read(&pairs));
        for (place, (name, value)) in fields.iter().enumerate() {
            if fields[place + 1..].iter().all(|(later, _)| later != name) {
                for part in [",\"", name, "\":", value] {
                    writer.write_str(part)?;
                }
            }
        }
        writer.write_str("}\n")
    }
}

/// The pairs in a text of them.
fn read(pairs: &str) -> impl Iterator<Item = (&str, &str)> {
    pairs.split_terminator(END_OF_VALUE).filter_map(|pair| pair.split_once(END_OF_NAME))
}

struct PairWriter<'w> {
    writer: Writer<'w>,
    written: fmt::Result,
}

impl PairWriter<'_> {
    fn add(&mut self, name: &str, value: impl Serialize) {
        let value = serde_json::to_string(&value).map_err(|_| fmt::Error);
        self.written = self.written.and_then(|()| self.put(name, "", &value?));
    }

    fn add_text(&mut self, name: &str, text: &str) {
        // Most need no escaping.
        if text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
            self.written = self.written.and_then(|()| self.put(name, "\"", text));
        } else {
            self.add(name, text);
        }
    }

    fn put(&mut self, name: &str, quote: &str, value: &str) -> fmt::Result {
        self.writer.write_str(name)?;
        self.writer.write_char(END_OF_NAME)?;
        for part in [quote, value, quote] {
            self.writer.write_str(part)?;
        }
        self.writer.write_char(END_OF_VALUE)
    }
}

impl Visit for PairWriter<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field.name(), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add_text(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add_text(field.name(), &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::io;
    use std::sync::{Arc, Mutex, MutexGuard};
    use tracing::field::Empty;
    use tracing_subscriber::fmt::layer;
    use tracing_subscriber::layer::SubscriberExt;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Lines {
        fn locked(&self) -> MutexGuard<'_, Vec<u8>> {
            self.0.lock().expect("nobody panics with it")
        }
    }

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.locked().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_event_is_one_flat_object_and_what_is_nearest_wins() {
        let lines = Lines::default();
        let written = lines.clone();
        let layer = layer().fmt_fields(Pairs).event_format(FlatJson).with_writer(move || written.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let outer = tracing::info_span!("outer", path = "/\"\u{1e}\u{1f}\n€", batch = 1, unused = Empty);
            let _outer = outer.enter();
            let inner = tracing::info_span!("inner", batch = Empty, status = 1_u16, share = 0.5);
            inner.record("batch", 2);
            inner.record("batch", 3);
            inner.in_scope(|| tracing::warn!(status = 200, code = None::<&str>, is_so = true, "told"));
        });
        let text = String::from_utf8(lines.locked().clone()).expect("UTF-8");
        assert!(text.starts_with("{\"timestamp\":\"20") && text.ends_with("}\n"), "{text}");
        assert_eq!(text.matches("batch").count(), 1, "{text}");
        let mut line: Value = serde_json::from_str(&text).expect("one object");
        line.as_object_mut().expect("an object").remove("timestamp").expect("a time");
        let target = module_path!();
        let expected = json!({
            "level": "WARN", "target": target, "message": "told", "path": "/\"\u{1e}\u{1f}\n€", "batch": 3,
            "status": 200, "share": 0.5, "is_so": true,
        });
        assert_eq!(line, expected);
    }
}
