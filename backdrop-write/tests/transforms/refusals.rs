use super::{RATE, take_up, transform_type};
use backdrop_testing::{Answer, Stack};
use serde_json::{Value, json};

#[track_caller]
fn refused(answer: Answer, status: u16, code: &str, named: &str) {
    let body = answer.expect(status).json();
    assert_eq!(body["code"], code, "{body}");
    assert!(body["message"].as_str().expect("words").contains(named), "{body} does not name {named}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_run_is_refused_when_it_is_made() {
    let stack = Stack::start().await.expect("a stack");
    stack.create_data_set("cats", "transactions-by-channel");
    let administrator = stack.administrator();
    let type_id = transform_type(&stack, "rate", RATE);
    let kind = |function: &str| json!({"name": "other", "function": function, "schema": {}});
    let mapping = kind("backdrop.transformers.tasks.mapping.compute");
    refused(administrator.post("/transform-type", &mapping), 400, "invalid_definition", "mapping");
    refused(
        administrator.post("/transform-type", &kind("os.system")),
        400,
        "invalid_definition",
        "os.system",
    );
    let taken = json!({"name": "rate", "function": RATE, "schema": {}});
    refused(administrator.post("/transform-type", &taken), 409, "resource_exists", "rate");

    let change = |pointer: &str, value: Value| {
        let mut body = take_up(&type_id);
        let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
        body.pointer_mut(parent).expect("an object")[field] = value;
        body
    };
    for (pointer, value, named) in [
        ("/type_id", json!("00000000-0000-0000-0000-000000000001"), "type_id"),
        ("/input/data-group", json!("dogs"), "dogs"),
        ("/input/data-type", json!("unheard-of"), "unheard-of"),
        ("/output/data-group", json!("dogs"), "dogs"),
        ("/output/data-type", json!("transactions-by-channel"), "for ever"),
        ("/options/numeratorMatcher", json!("("), "numeratorMatcher"),
        ("/query-parameters/period", json!("fortnight"), "period"),
        ("/id", json!("00000000-0000-0000-0000-000000000001"), "PUT"),
    ] {
        let answer = administrator.post("/transform", &change(pointer, value));
        refused(answer, 400, "invalid_definition", named);
    }
    administrator.post("/transform", &take_up(&type_id)).expect(200);
    let mut back = change("/output/data-type", json!("transactions-by-channel"));
    back["input"] = json!({"data-type": "digital-takeup"});
    refused(administrator.post("/transform", &back), 400, "invalid_definition", "for ever");
    let in_use = administrator.delete(&format!("/transform-type/{}", type_id.as_str().expect("an id")));
    refused(in_use, 409, "resource_in_use", "transforms");
}

#[tokio::test(flavor = "multi_thread")]
async fn administration_asks_for_its_token() {
    let stack = Stack::start().await.expect("a stack");
    stack.create_data_set("cats", "transactions-by-channel");
    let strangers = [stack.writer(), stack.writer().with_token("token-for-transactions-by-channel")];
    for (client, of_data_set) in strangers.into_iter().zip([401, 403]) {
        for path in [
            "/transform",
            "/transform-type",
            "/dashboard",
            "/module-type",
            "/organisation/node",
            "/data-groups",
        ] {
            client.get(path).expect(401);
            client.get(&format!("{path}/x")).expect(401);
            client.post(path, &json!({})).expect(401);
            client.delete(&format!("{path}/x")).expect(401);
        }
        for path in ["transform", "dashboard", "users"] {
            client.get(&format!("/data-sets/cats_transactions_by_channel/{path}")).expect(of_data_set);
        }
    }
    let administrator = stack.administrator();
    for path in
        ["/transform/x", "/transform-type/x", "/dashboard/x%00", "/organisation/node/x", "/data-groups/x"]
    {
        refused(administrator.get(path), 404, "resource_not_found", "x");
    }
    assert_eq!(administrator.send("PATCH", "/transform", Vec::new()).expect("an answer").status, 405);
}
