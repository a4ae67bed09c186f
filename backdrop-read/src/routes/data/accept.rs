//! The form a client accepts.

use crate::format::media_type;
use actix_web::HttpRequest;
use actix_web::http::header::{Accept, Header, Quality};
use backdrop_core::query::Format;

/// The form that `Accept` asks for. JSON is what everybody gets who accepts anything, or nothing that we
/// have: browsers, and clients that say so only to be told of errors as `application/problem+json`.
pub(super) fn format(request: &HttpRequest) -> Format {
    let Ok(mut accept) = Accept::parse(request) else { return Format::Json };
    accept.retain(|range| range.quality > Quality::ZERO);
    // Sorted by quality, then by how much they leave open, then by where they stand.
    let first = accept.ranked().iter().find_map(|range| match range.essence_str() {
        "*/*" | "application/*" => Some(Format::Json),
        name => Format::ALL.into_iter().find(|format| media_type(*format) == name),
    });
    first.unwrap_or(Format::Json)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::ACCEPT;
    use actix_web::test::TestRequest;

    const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

    #[test]
    fn the_form_that_is_accepted_best_is_answered() {
        for (accept, expected) in [
            ("text/csv", Format::Csv),
            ("TEXT/CSV; charset=utf-8; header=present", Format::Csv),
            ("application/x-ndjson", Format::Ndjson),
            (XLSX, Format::Xlsx),
            ("application/json", Format::Json),
            ("*/*", Format::Json),
            ("text/csv, */*", Format::Csv),
            ("*/*, text/csv", Format::Csv),
            ("text/csv, application/json", Format::Csv),
            ("application/json, text/csv", Format::Json),
            ("application/json;q=0.5, text/csv;q=0.6", Format::Csv),
            ("text/csv;q=0.9, */*", Format::Json),
            ("text/csv;q=0, */*;q=0.1", Format::Json),
            ("text/csv;q=0", Format::Json),
            ("application/problem+json", Format::Json),
            ("text/csv, application/problem+json", Format::Csv),
            ("application/problem+json, text/csv", Format::Csv),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", Format::Json),
            ("text/html, text/*", Format::Json),
            ("", Format::Json),
            ("nonsense", Format::Json),
            ("nonsense, text/csv", Format::Csv),
        ] {
            let request = TestRequest::default().insert_header((ACCEPT, accept)).to_http_request();
            assert_eq!(format(&request), expected, "{accept}");
        }
        assert_eq!(format(&TestRequest::default().to_http_request()), Format::Json);
        let lines = TestRequest::default()
            .append_header((ACCEPT, "text/html"))
            .append_header((ACCEPT, "text/csv"))
            .to_http_request();
        assert_eq!(format(&lines), Format::Csv);
    }
}
