use super::{RATE, take_up};
use backdrop_testing::{Answer, Stack};
use serde_json::{Value, json};

fn put(stack: &Stack, path: &str, body: &Value) -> Answer {
    let client = stack.administrator().with_header("Content-Type", "application/json");
    client.send("PUT", path, body.to_string().into_bytes()).expect("an answer")
}

/// Makes, shows, changes and deletes a resource; its id.
fn goes_round(stack: &Stack, path: &str, body: &Value, change: (&str, Value)) -> Value {
    let administrator = stack.administrator();
    assert_eq!(administrator.get(path).expect(200).json(), json!([]));
    let made = administrator.post(path, body).expect(200).json();
    let own = format!("{path}/{}", made["id"].as_str().expect("an id"));
    assert_eq!(administrator.get(&own).expect(200).json(), made);
    assert_eq!(administrator.get(path).expect(200).json(), json!([made]));
    let mut changed = made.clone();
    changed[change.0] = change.1;
    assert_eq!(put(stack, &own, &changed).expect(200).json(), changed);
    assert_eq!(administrator.get(&own).expect(200).json(), changed);
    let mut other = changed.clone();
    other["id"] = json!("00000000-0000-0000-0000-000000000001");
    put(stack, &own, &other).expect(400);
    administrator.delete(&own).expect(200);
    administrator.get(&own).expect(404);
    administrator.delete(&own).expect(404);
    put(stack, &own, &changed).expect(404);
    assert_in_the_trail(stack, &made["id"]);
    made
}

/// Each change is told once: that it was made, changed and deleted, and nothing of what was refused.
#[track_caller]
fn assert_in_the_trail(stack: &Stack, id: &Value) {
    let trail = stack.administrator().get("/audit").expect(200).json();
    let events =
        trail["audit"].as_array().expect("a list").iter().filter(|event| event["detail"]["id"] == *id);
    let told: Vec<(&Value, &str)> =
        events.map(|event| (&event["who"], event["action"].as_str().expect("an action"))).collect();
    let actions: Vec<&str> = told.iter().filter_map(|(_, action)| action.split('_').next()).collect();
    assert_eq!(actions, ["delete", "change", "create"], "{trail}");
    assert!(told.iter().all(|(who, _)| **who == "administrator"), "{trail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn transforms_have_the_shapes_of_the_original() {
    let stack = Stack::start().await.expect("a stack");
    let administrator = stack.administrator();
    stack.create_data_set("cats", "transactions-by-channel");
    let kind = json!({"name": "rate", "function": RATE, "schema": {"type": "object"}});
    let mut made = goes_round(&stack, "/transform-type", &kind, ("name", json!("share")));
    made.as_object_mut().expect("an object").remove("id");
    assert_eq!(made, kind);

    let type_id = administrator.post("/transform-type", &kind).expect(200).json()["id"].take();
    let mut expected = take_up(&type_id);
    let made =
        goes_round(&stack, "/transform", &expected, ("output", json!({"data-type": "completion-rate"})));
    expected.as_object_mut().expect("an object").remove("type_id");
    expected["type"] = json!({"id": type_id, "function": RATE});
    expected["id"] = made["id"].clone();
    assert_eq!(made, expected);

    // Those of a data set: of its group, and of any.
    let of_group = administrator.post("/transform", &take_up(&type_id)).expect(200).json();
    let mut of_any = take_up(&type_id);
    of_any["input"] = json!({"data-type": "transactions-by-channel"});
    let of_any = administrator.post("/transform", &of_any).expect(200).json();
    stack.create_data_set_with("dogs", "transactions-by-channel", &json!({"schema": null}));
    for (name, expected) in [
        ("cats_transactions_by_channel", json!([of_group, of_any])),
        ("dogs_transactions_by_channel", json!([of_any])),
    ] {
        assert_eq!(administrator.get(&format!("/data-sets/{name}/transform")).expect(200).json(), expected);
        assert_eq!(administrator.get(&format!("/data-sets/{name}/users")).expect(200).json(), json!([]));
    }
    administrator.get("/data-sets/none/transform").expect(404);
    let mut broken =
        administrator.get(&format!("/transform-type/{}", type_id.as_str().expect("an id"))).json();
    broken["schema"] = json!({"required": ["unheard-of"]});
    let path = format!("/transform-type/{}", type_id.as_str().expect("an id"));
    assert_eq!(put(&stack, &path, &broken).expect(409).json()["code"], "resource_in_use");
}

#[tokio::test(flavor = "multi_thread")]
async fn dashboards_are_kept_and_found_by_the_data_sets_they_show() {
    let stack = Stack::start().await.expect("a stack");
    let administrator = stack.administrator();
    stack.create_data_set("cats", "digital-takeup");
    stack.create_data_set("cats", "monitoring");
    let dashboard = json!({
        "slug": "cat-licences", "title": "Cat licences", "status": "published",
        "modules": [{"slug": "tab", "modules": [
            {"slug": "take-up", "data_group": "cats", "data_type": "digital-takeup", "query_parameters": {}},
        ]}],
    });
    let made = goes_round(&stack, "/dashboard", &dashboard, ("title", json!("Licences for cats")));
    assert_eq!(made["published"], true);
    assert_eq!(made["links"], json!([]));
    let made = administrator.post("/dashboard", &dashboard).expect(200).json();
    assert_eq!(administrator.get("/dashboard/cat-licences").expect(200).json(), made);
    assert_eq!(administrator.post("/dashboard", &dashboard).expect(409).json()["code"], "resource_exists");
    let shown = |name: &str| administrator.get(&format!("/data-sets/{name}/dashboard")).expect(200).json();
    assert_eq!(shown("cats_digital_takeup"), json!([made]));
    assert_eq!(shown("cats_monitoring"), json!([]));

    let unknown = json!({"slug": "dogs", "title": "Dogs", "modules": [
        {"slug": "a", "data_group": "dogs", "data_type": "digital-takeup"},
    ]});
    let refused = administrator.post("/dashboard", &unknown).expect(400).json();
    assert!(refused["message"].as_str().expect("words").contains("dogs"), "{refused}");
    let unknown = json!({"slug": "d", "title": "D", "organisation": "00000000-0000-0000-0000-000000000001"});
    let refused = administrator.post("/dashboard", &unknown).expect(400).json();
    assert!(refused["message"].as_str().expect("words").contains("organisation"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_dashboards_and_nodes_name_is_not_deleted() {
    let stack = Stack::start().await.expect("a stack");
    let administrator = stack.administrator();
    stack.create_data_set("cats", "digital-takeup");
    let make = |path: &str, body: &Value| {
        let made = administrator.post(path, body).expect(200).json();
        made["id"].as_str().expect("an id").to_owned()
    };
    let office = make("/organisation/node", &json!({"name": "Cat Office", "type": "agency"}));
    // Any form of an id will do.
    let shouted = office.to_uppercase().replace('-', "");
    let child = make("/organisation/node", &json!({"name": "Cat licences", "parent_id": shouted}));
    let dashboards: Vec<String> = (0..4)
        .map(|number| {
            let module = json!({"slug": "a", "data_group": "cats", "data_type": "digital-takeup"});
            let body = json!({"slug": format!("cats-{number}"), "title": "Cats", "organisation": office,
                              "modules": [module]});
            make("/dashboard", &body)
        })
        .collect();
    let refused = |path: &str, users: &str| {
        let body = administrator.delete(path).expect(409).json();
        assert_eq!(body["code"], "resource_in_use");
        assert!(body["message"].as_str().expect("words").contains(users), "{body}");
    };
    refused(
        "/data-sets/cats_digital_takeup",
        "\"cats-0\", the dashboard \"cats-1\", the dashboard \"cats-2\" and 1 more;",
    );
    let node = format!("/organisation/node/{office}");
    refused(&node, "the dashboard \"cats-0\"");
    for id in &dashboards {
        administrator.delete(&format!("/dashboard/{id}")).expect(200);
    }
    refused(&node, "the organisation node \"Cat licences\";");
    administrator.delete(&format!("/organisation/node/{child}")).expect(200);
    administrator.delete(&node).expect(200);
    administrator.delete("/data-sets/cats_digital_takeup").expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_resources_are_kept() {
    let stack = Stack::start().await.expect("a stack");
    let administrator = stack.administrator();
    let kpi = json!({"name": "kpi", "schema": {"type": "object"}});
    goes_round(&stack, "/module-type", &kpi, ("schema", json!({})));
    administrator.post("/module-type", &kpi).expect(200);
    assert_eq!(administrator.get("/module-type/kpi").expect(200).json()["name"], "kpi");

    let office = json!({"name": "Cat Office", "abbreviation": "CO", "type": "agency"});
    goes_round(&stack, "/organisation/node", &office, ("abbreviation", json!("CAT")));
    let parent = administrator.post("/organisation/node", &office).expect(200).json()["id"].take();
    let child = json!({"name": "Cat licences", "type": "service", "parent_id": parent});
    administrator.post("/organisation/node", &child).expect(200);
    let orphan = json!({"name": "x", "parent_id": "00000000-0000-0000-0000-000000000001"});
    administrator.post("/organisation/node", &orphan).expect(400);

    stack.create_data_set("cats", "monitoring");
    administrator.post("/data-groups", &json!({"name": "dogs"})).expect(200);
    administrator.post("/data-groups", &json!({"name": "dogs"})).expect(409);
    administrator.post("/data-groups", &json!({"name": "Dogs!"})).expect(400);
    let groups = |query: &str| administrator.get(&format!("/data-groups{query}")).expect(200).json();
    assert_eq!(groups(""), json!([{"name": "cats"}, {"name": "dogs"}]));
    assert_eq!(groups("?name=dogs"), json!([{"name": "dogs"}]));
    assert_eq!(groups("?name=none"), json!([]));
    assert_eq!(groups("/cats"), json!({"name": "cats"}));
    assert_eq!(put(&stack, "/data-groups/dogs", &json!({"name": "dogs"})).expect(200).json()["name"], "dogs");
    put(&stack, "/data-groups/dogs", &json!({"name": "cats"})).expect(400);
    administrator.delete("/data-groups/dogs").expect(200);
    let trail = administrator.get("/audit").expect(200).json();
    let told = |action: &str| {
        let is_told = |event: &&Value| event["action"] == action && event["detail"]["name"] == "dogs";
        trail["audit"].as_array().expect("a list").iter().filter(is_told).count()
    };
    assert_eq!([told("create_data_group"), told("delete_data_group")], [1, 1], "{trail}");
    assert_eq!(administrator.delete("/data-groups/cats").expect(409).json()["code"], "resource_in_use");
}
