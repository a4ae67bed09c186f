//! Queries to which `docs/http-api.md` does not say the answer. Whoever decides one of them writes it down
//! there, teaches the reference, and deletes it here.

use crate::reference::{Number, Query};

pub(super) fn is_undecided(query: &Query) -> bool {
    sorts_by_an_earlier_figure(query)
        || limits_sorted_flat_rows(query)
        || compares_an_id_with_a_number(query)
        || may_compare_what_is_no_number(query)
}

/// `_count:previous` is a column of flat rows: can they be sorted by it?
fn sorts_by_an_earlier_figure(query: &Query) -> bool {
    let column = query.sort_by().map(|(column, _)| column);
    column.is_some_and(|column| column.ends_with(":previous") || column.ends_with(":year"))
}

/// Which groups does `limit` leave of flat rows that are sorted, and in which order are rows of equal value?
fn limits_sorted_flat_rows(query: &Query) -> bool {
    query.is_true("flatten") && query.has("period") && query.has("limit") && query.has("sort_by")
}

/// An `_id` is a string, also if it looks like a number: does `_id:gt:18` compare strings, or match nothing?
fn compares_an_id_with_a_number(query: &Query) -> bool {
    query.pairs("filter_by_comparison").any(|(field, rest)| {
        let (operator, text) = rest.split_once(':').expect("an operator");
        field == "_id" && operator != "ne" && Number::written(text).is_some()
    })
}

/// A group without records in the range has no row. Is it refused if `compare` meets such a group earlier, and
/// it holds what is not a number?
fn may_compare_what_is_no_number(query: &Query) -> bool {
    let takes_all = |method| matches!(method, None | Some("set" | "count"));
    let is_safe = |(field, method)| takes_all(method) || ["size", "fee"].contains(&field);
    query.has("compare") && query.has("group_by") && !query.collect().into_iter().all(is_safe)
}
