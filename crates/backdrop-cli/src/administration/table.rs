//! Lists for people: columns that stand below each other.

use super::shown;
use crate::stdout::say;
use serde_json::Value;

/// Prints the fields of objects below their titles, numbers to the right.
pub(super) fn print<const COLUMNS: usize>(
    columns: [(&str, &str); COLUMNS],
    items: &[Value],
) -> anyhow::Result<()> {
    let cell = |value: &Value| match value {
        Value::Null => "-".to_owned(),
        Value::Array(parts) => parts.iter().map(shown).collect::<Vec<_>>().join(","),
        value => shown(value),
    };
    let rows: Vec<[String; COLUMNS]> =
        items.iter().map(|item| columns.map(|(_, key)| cell(&item[key]))).collect();
    let titles = columns.map(|(title, _)| title.to_owned());
    let widths: [usize; COLUMNS] = std::array::from_fn(|column| {
        let cells = std::iter::once(&titles).chain(&rows).map(|row| row[column].chars().count());
        cells.max().unwrap_or_default()
    });
    let is_number = |column: usize| items.iter().all(|item| item[columns[column].1].is_number());
    for row in std::iter::once(&titles).chain(&rows) {
        let cells = row.iter().enumerate().map(|(column, text)| match widths[column] {
            width if is_number(column) => format!("{text:>width$}"),
            _ if column + 1 == COLUMNS => text.clone(),
            width => format!("{text:width$}"),
        });
        say!("{}", cells.collect::<Vec<_>>().join("  "))?;
    }
    Ok(())
}
