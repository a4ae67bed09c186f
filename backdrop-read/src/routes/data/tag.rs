//! Which answers a client has already, by their tags.

use crate::identity::QuotedTag;
use actix_web::HttpRequest;
use actix_web::http::header::{Header, IF_NONE_MATCH, IfNoneMatch};

/// Whether the client has the answer of that tag. Weak tags count: caches that compress make them.
pub(super) fn is_known(request: &HttpRequest, tag: &QuotedTag) -> bool {
    let mut values = request.headers().get_all(IF_NONE_MATCH);
    // Most clients name one, as they got it.
    match (values.next(), values.next()) {
        (None, _) => false,
        (Some(only), None) if only.as_bytes() == tag.as_bytes() => true,
        _ => match IfNoneMatch::parse(request) {
            Ok(IfNoneMatch::Any) => true,
            Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.tag() == tag.unquoted()),
            // It says nothing that can be understood.
            Err(_) => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Tag;
    use actix_web::test::TestRequest;

    /// The digits of the tag that is asked for.
    const TAG: &str = "1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a";

    fn knows(lines: &[&str]) -> bool {
        let request = lines.iter().fold(TestRequest::default(), |request, line| {
            request.append_header((IF_NONE_MATCH, line.replace("TAG", TAG)))
        });
        is_known(&request.to_http_request(), &Tag([0x1a; 16]).quoted())
    }

    #[test]
    fn a_tag_is_known_alone_in_lists_and_weakly() {
        for lines in [
            &["*"][..],
            &["\"TAG\""],
            &["W/\"TAG\""],
            &["\"2b\" , \"TAG\""],
            &["\"2b\"", "W/\"TAG\""],
            &["\"TAG\"", "\"2b\""],
            &["nonsense, \"TAG\""],
        ] {
            assert!(knows(lines), "{lines:?}");
        }
        for lines in [&[][..], &["\"2b\", W/\"3c\""], &[""], &["TAG"], &["\"TAG"]] {
            assert!(!knows(lines), "{lines:?}");
        }
    }
}
