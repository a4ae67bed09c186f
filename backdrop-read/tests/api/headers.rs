use super::{PATH, with_examples};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn answers_may_be_read_from_anywhere_and_kept_for_as_long_as_they_are_good() {
    let stack = with_examples().await;
    let answer = stack.reader().get(PATH).expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(
        answer.header("access-control-expose-headers"),
        Some("Content-Disposition, Deprecation, ETag, Link, Retry-After, X-Request-Id")
    );
    assert_eq!(answer.header("cache-control"), Some("max-age=1800, must-revalidate"));
    assert_eq!(answer.header("vary"), Some("Accept, Accept-Encoding"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("deprecation"), None);

    stack.create_data_set_with("licensing", "live", &json!({"realtime": true}));
    let live = stack.reader().get("/data/licensing/live").expect(200);
    assert_eq!(live.header("cache-control"), Some("max-age=120, must-revalidate"));

    stack.create_data_set_with("licensing", "draft", &json!({"published": false}));
    let draft = stack.reader().get("/data/licensing/draft").expect(200);
    assert_eq!(draft.header("cache-control"), Some("no-cache"));
    assert_eq!(
        draft.json(),
        json!({"data": [], "warning": "Warning: This data-set is unpublished. Data may be subject to change \
                                       or be inaccurate."})
    );
    let sheet = stack.reader().get("/data/licensing/draft?format=xlsx").expect(200);
    assert_eq!((sheet.header("content-type"), &sheet.json()), (Some("application/json"), &draft.json()));
    assert_eq!(sheet.header("content-disposition"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_are_those_of_a_read_only_resource() {
    let stack = with_examples().await;
    let reader = stack.reader();
    let preflight = reader.send("OPTIONS", PATH, Vec::new()).expect("an answer").expect(200);
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("access-control-max-age", "86400"),
        ("access-control-allow-headers", "cache-control, govuk-request-id, request-id"),
    ] {
        assert_eq!(preflight.header(name), Some(value));
    }
    let asking = reader.with_header("Access-Control-Request-Headers", "If-None-Match,x-request-id,x-evil");
    assert_eq!(
        asking.send("OPTIONS", PATH, Vec::new()).expect("an answer").header("access-control-allow-headers"),
        Some("cache-control, govuk-request-id, request-id, if-none-match, x-request-id")
    );
    let head = reader.send("HEAD", PATH, Vec::new()).expect("an answer").expect(200);
    let get = reader.get(PATH).expect(200);
    assert_eq!(head.text, "");
    assert_eq!(head.header("content-length"), get.header("content-length"));
    for path in [PATH, "/licensing_applications", "/_status"] {
        let refused = reader.send("DELETE", path, Vec::new()).expect("an answer").expect(405);
        assert!(refused.header("allow").is_some_and(|allow| allow.starts_with("GET, HEAD")), "{path}");
        assert_eq!(refused.header("access-control-allow-origin"), Some("*"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_path_by_name_is_deprecated_and_says_what_to_use() {
    let stack = with_examples().await;
    let answer = stack.reader().get("/licensing_applications").expect(200);
    assert!(answer.header("deprecation").is_some_and(|date| date.starts_with('@')));
    assert_eq!(answer.header("link"), Some("</data/licensing/applications>; rel=\"successor-version\""));
    let refused = stack.reader().get("/licensing_applications?limit=x").expect(400);
    assert!(refused.header("deprecation").is_some() && refused.header("link").is_some());
}
