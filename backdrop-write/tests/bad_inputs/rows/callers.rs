//! Callers who may not, or may no longer, or may not so often; and data sets that are not there.

use crate::Tokens;
use crate::row::{RECORDS, Row};
use backdrop_testing::ADMIN_TOKEN;

/// A token nobody gave out; it must not come back either.
pub(crate) const PLANTED: &str = "planted-secret-of-a-stranger";

pub(crate) fn rows(tokens: &Tokens) -> Vec<Row> {
    let form = "Expected header of form: Authorization: Bearer <token>";
    let invalid = "Unauthorized: Invalid bearer token for 'bad_records'";
    let post = |name: &str| Row::post(name, "[{\"_id\":\"bad\"}]");
    let says = |name: &str, value: String| post(name).without("Authorization").header("Authorization", value);
    vec![
        post("no Authorization").without("Authorization").refused(401, "missing_token").says(form),
        says("Basic", format!("Basic {PLANTED}")).refused(401, "missing_token").says(form),
        says("an empty bearer", "Bearer ".into()).refused(401, "missing_token").says(form),
        says("a bearer of spaces", "Bearer    ".into()).refused(401, "missing_token").says(form),
        says("a token without a scheme", PLANTED.into()).refused(401, "missing_token").says(form),
        says("two tokens in one header", format!("Bearer {PLANTED}, Bearer {PLANTED}"))
            .refused(401, "invalid_token"),
        // The contract calls what is malformed 401; RFC 9110 would allow 400.
        post("two Authorization headers")
            .header("Authorization", format!("Bearer {PLANTED}"))
            .refused(401, "missing_token")
            .says(form),
        post("a token nobody gave out").by(PLANTED).refused(401, "invalid_token").says(invalid),
        post("a token of 60 KB").by(&PLANTED.repeat(2_000)).refused(401, "invalid_token"),
        post("a token that is not ASCII")
            .by("\u{e9}")
            .refused(401, "missing_token")
            .refused(401, "invalid_token"),
        post("another data set's token").by("token-for-other").refused(403, "forbidden"),
        post("a revoked token").by(&tokens.revoked).refused(401, "invalid_token").says(invalid),
        post("an expired token").by(&tokens.expired).refused(401, "invalid_token").says(invalid),
        post("a token that may only read")
            .by(&tokens.reading)
            .refused(403, "insufficient_scope")
            .says("write"),
        Row::post("a quota that is spent", "[]")
            .by(&tokens.limited)
            .times(4)
            .refused(429, "quota_exceeded")
            .answers_with("ratelimit"),
        post("no such data set").to("/data/bad/missing").refused(404, "data_set_not_found").says("missing"),
        post("no such data set, and no token")
            .to("/data/bad/missing")
            .without("Authorization")
            .refused(404, "data_set_not_found"),
        post("no such name").to("/bad_missing").refused(404, "data_set_not_found"),
        post("a name that begins with _")
            .to("/_records")
            .refused(404, "data_set_not_found")
            .refused(404, "not_found"),
        post("a wrong token and a wrong body")
            .by(PLANTED)
            .of_type("text/plain")
            .refused(401, "invalid_token"),
        Row::bare("administration without a token", "GET", "/data-sets")
            .without("Authorization")
            .refused(401, "missing_token"),
        Row::bare("administration with a stranger's token", "GET", "/data-sets")
            .by(PLANTED)
            .refused(401, "invalid_token"),
        // The token is good, but it may write, not administer.
        Row::bare("a writer's look at its data set", "GET", "/data-sets/bad_records")
            .refused(403, "insufficient_scope")
            .says("admin"),
        Row::post("a writer who makes data sets", "{\"data_group\":\"bad\",\"data_type\":\"mine\"}")
            .to("/data-sets")
            .refused(401, "invalid_token")
            .refused(403, "insufficient_scope")
            .refused(403, "forbidden"),
        Row::bare("a writer who deletes a data set", "DELETE", "/data-sets/bad_other")
            .refused(403, "forbidden")
            .refused(401, "invalid_token"),
        Row::bare(
            "a reader who discards",
            "DELETE",
            format!("{RECORDS}/rejected/01900000-0000-7000-8000-000000000001"),
        )
        .by(&tokens.reading)
        .refused(403, "insufficient_scope")
        .says("write"),
        Row::bare("a receipt without a token", "GET", "/receipts/01900000-0000-7000-8000-000000000001")
            .without("Authorization")
            .refused(401, "missing_token")
            .refused(404, "receipt_not_found"),
        Row::bare("a receipt that is none", "GET", "/receipts/whatever").refused(404, "receipt_not_found"),
        Row::bare("a receipt nobody was given", "GET", "/receipts/01900000-0000-7000-8000-000000000001")
            .by(ADMIN_TOKEN)
            .refused(404, "receipt_not_found")
            .refused(410, "receipt_expired"),
        Row::bare("a rejected batch that is none", "GET", format!("{RECORDS}/rejected/whatever"))
            .refused(404, "rejected_not_found"),
        Row::bare(
            "a rejected batch nobody knows",
            "GET",
            format!("{RECORDS}/rejected/01900000-0000-7000-8000-000000000001"),
        )
        .refused(404, "rejected_not_found"),
        Row::bare(
            "a replay of what nobody knows",
            "POST",
            format!("{RECORDS}/rejected/01900000-0000-7000-8000-000000000001/replay"),
        )
        .refused(404, "rejected_not_found"),
        Row::bare("an export of no records", "GET", format!("{RECORDS}/records?limit=0"))
            .refused(400, "invalid_query")
            .says("limit"),
        Row::bare("an export of too many", "GET", format!("{RECORDS}/records?limit=10001"))
            .refused(400, "invalid_query")
            .says("10000"),
        Row::bare("an export from nowhere", "GET", format!("{RECORDS}/records?after=nowhere"))
            .refused(400, "invalid_query")
            .says("after"),
    ]
}
