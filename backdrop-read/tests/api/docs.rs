//! `/openapi.json` and `/docs`: the description is valid, says what core knows, and its examples work.

use backdrop_core::error::ErrorCode;
use backdrop_core::query::PARAMETERS;
use backdrop_testing::{Answer, Stack};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const SCHEMA: &str = include_str!("../openapi-3.1/schema.json");
const FIGURES: &str = include_str!("../../../examples/transactional-services-transactions-by-channel.jsonl");
const DATA: &str = "/data/{data_group}/{data_type}";

/// What a parameter needs beside it; the values are those of the document, too.
const BESIDE: [(&str, &[&str]); 10] = [
    ("start_at", &["end_at"]),
    ("end_at", &["start_at"]),
    ("inclusive", &["start_at", "end_at"]),
    ("cursor", &["limit"]),
    ("period", &["start_at", "end_at"]),
    ("timezone", &["period", "start_at", "end_at"]),
    ("duration", &["period", "end_at"]),
    ("collect", &["group_by"]),
    ("flatten", &["group_by", "period", "start_at", "end_at"]),
    ("compare", &["period", "start_at", "end_at"]),
];

/// A stack with the figures that the examples are about.
async fn with_figures() -> Stack {
    let stack = Stack::start().await.expect("a stack");
    stack.create_data_set("transactional-services", "transactions-by-channel");
    let records: Value =
        FIGURES.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")).collect();
    let writer = stack.writer().with_token("token-for-transactions-by-channel");
    writer.post("/data/transactional-services/transactions-by-channel", &records).expect(200);
    stack
}

fn document(stack: &Stack) -> Value {
    stack.reader().get("/openapi.json").expect(200).json()
}

/// The operations, with their paths.
fn operations(document: &Value) -> Vec<(&str, &Map<String, Value>)> {
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, item)| {
        item.as_object().expect("an item").values().map(|one| (path.as_str(), one.as_object().expect("one")))
    });
    operations.collect()
}

/// The parameters that stand in a place.
fn parameters<'d>(operation: &'d Map<String, Value>, place: &str) -> Vec<&'d Value> {
    let all = operation.get("parameters").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    all.iter().filter(|parameter| parameter["in"] == place).collect()
}

/// The example of a parameter.
fn example(parameter: &Value) -> &Value {
    parameter.get("example").unwrap_or_else(|| &parameter["schema"]["examples"][0])
}

/// The path of an operation with the examples of its parameters in it.
fn filled_in(path: &str, operation: &Map<String, Value>) -> String {
    parameters(operation, "path").iter().fold(path.to_owned(), |path, parameter| {
        let name = parameter["name"].as_str().expect("a name");
        path.replace(&format!("{{{name}}}"), example(parameter).as_str().expect("an example"))
    })
}

/// A parameter's example as a query: lists give one pair for each value.
fn as_query(parameter: &Value) -> String {
    let name = parameter["name"].as_str().expect("a name");
    let values = match example(parameter) {
        Value::Array(values) => values.clone(),
        other => vec![other.clone()],
    };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let pairs: Vec<String> = values.iter().map(|value| format!("{name}={}", text(value))).collect();
    pairs.join("&")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_valid() {
    let stack = with_figures().await;
    let document = document(&stack);
    assert!(document["openapi"].as_str().expect("a version").starts_with("3.1."));
    let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert_eq!(errors, Vec::<String>::new());
    // That schema leaves out the schemas in the document, and what names mean.
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    for (name, schema) in schemas {
        assert!(jsonschema::draft202012::meta::is_valid(schema), "{name}");
    }
    let mut referred = BTreeSet::new();
    collect_references(&document, &mut referred);
    let known: BTreeSet<String> = schemas.keys().map(|name| format!("#/components/schemas/{name}")).collect();
    assert_eq!(referred, known, "what is referred to is there, and what is there is referred to");
    let ids: BTreeSet<Option<&str>> =
        operations(&document).iter().map(|(_, one)| one["operationId"].as_str()).collect();
    assert_eq!(ids.len(), operations(&document).len());
}

fn collect_references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect_references(value, found)),
        Value::Object(members) => members.iter().for_each(|(name, value)| match value {
            Value::String(reference) if name == "$ref" => drop(found.insert(reference.clone())),
            other => collect_references(other, found),
        }),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_paths_parameters_and_codes_are_described() {
    let stack = with_figures().await;
    let document = document(&stack);
    let paths: Vec<&String> = document["paths"].as_object().expect("paths").keys().collect();
    let expected = [
        "/_status",
        "/_status/data-sets",
        "/_status/ready",
        DATA,
        "/docs",
        "/metrics",
        "/openapi.json",
        "/{data_set}",
    ];
    assert_eq!(paths.iter().copied().collect::<BTreeSet<_>>(), expected.map(str::to_owned).iter().collect());
    for path in [DATA, "/{data_set}"] {
        let operation = document["paths"][path]["get"].as_object().expect("an operation");
        let described = parameters(operation, "query");
        let names: Vec<&str> =
            described.iter().map(|parameter| parameter["name"].as_str().expect("a name")).collect();
        assert_eq!(names.len(), PARAMETERS.len());
        assert_eq!(BTreeSet::from_iter(names), PARAMETERS.iter().copied().collect());
        for parameter in described {
            let text = parameter["description"].as_str().expect("a description");
            assert!(text.contains(&format!("Example: `{}`", as_query(parameter))), "{text}");
        }
        for header in ["ETag", "Cache-Control", "Link", "Vary"] {
            assert!(operation["responses"]["200"]["headers"].get(header).is_some(), "{header}");
        }
        assert_eq!(operation.get("deprecated").is_some_and(|is| is == true), path == "/{data_set}");
    }
    let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(document["components"]["schemas"]["Error"]["properties"]["code"]["enum"], json!(codes));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_is_answered() {
    let stack = with_figures().await;
    let document = document(&stack);
    let mut refused = Vec::new();
    for (path, operation) in operations(&document) {
        let url = filled_in(path, operation);
        let all = parameters(operation, "query");
        let find = |name: &str| all.iter().find(|parameter| parameter["name"] == name).copied();
        let mut urls = vec![url.clone()];
        for parameter in &all {
            let name = parameter["name"].as_str().expect("a name");
            let beside = BESIDE.iter().find(|(one, _)| *one == name).map_or(&[][..], |(_, beside)| beside);
            let beside = beside.iter().map(|name| as_query(find(name).expect("a parameter")));
            let mut query: Vec<String> = beside.chain([as_query(parameter)]).collect();
            if name == "cursor" {
                // Nobody can write one: it comes from the page before.
                query = vec![cursor_query(&stack.reader().get(&format!("{url}?{}", query[0])))];
            }
            urls.push(format!("{url}?{}", query.join("&")));
        }
        for url in urls {
            let answer = stack.reader().get(&url);
            if answer.status != 200 {
                refused.push(format!("{} {url}: {}", answer.status, answer.text));
            }
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

/// The query of the next page; there is a page more.
fn cursor_query(page: &Answer) -> String {
    let links =
        page.headers.iter().filter(|(name, _)| name == "link").flat_map(|(_, value)| value.split(", <"));
    let next = links.filter(|link| link.contains("rel=\"next\"")).find_map(|link| link.split_once('?'));
    let query = next.and_then(|(_, rest)| rest.split('>').next());
    query.unwrap_or("cursor=of-a-next-page-that-is-not-linked").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn example_answers_are_what_the_service_answers() {
    let stack = with_figures().await;
    let document = document(&stack);
    let operation = document["paths"][DATA]["get"].as_object().expect("an operation");
    let url = filled_in(DATA, operation);
    let content = &operation["responses"]["200"]["content"];
    for (name, example) in content["application/json"]["examples"].as_object().expect("examples") {
        let query = example["description"].as_str().expect("a query").trim_matches('`');
        let mut answer = stack.reader().get(&format!("{url}?{query}")).expect(200).json();
        let mut expected = example["value"].clone();
        for rows in [&mut answer, &mut expected] {
            if rows["data"][0].get("_updated_at").is_some() {
                rows["data"][0]["_updated_at"] = json!("now");
            }
        }
        assert_eq!(answer, expected, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn example_answers_in_other_forms_are_what_the_service_answers() {
    let stack = with_figures().await;
    let document = document(&stack);
    let operation = document["paths"][DATA]["get"].as_object().expect("an operation");
    let url = filled_in(DATA, operation);
    let content = &operation["responses"]["200"]["content"];
    let query = content["application/json"]["examples"]["grouped"]["description"].as_str().expect("a query");
    for (form, content_type) in [("csv", "text/csv"), ("ndjson", "application/x-ndjson")] {
        let answer =
            stack.reader().get(&format!("{url}?{}&format={form}", query.trim_matches('`'))).expect(200);
        assert_eq!(answer.text, content[content_type]["example"].as_str().expect("a text"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_loads_nothing_from_elsewhere() {
    let stack = Stack::start().await.expect("a stack");
    let page = stack.reader().get("/docs").expect(200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("http"), "{policy}");
    assert!(!page.text.contains("//"), "{}", page.text);
    let quoted: Vec<&str> = page.text.split('"').skip(1).step_by(2).collect();
    let files: Vec<&&str> = quoted.iter().filter(|text| text.starts_with("docs/")).collect();
    assert_eq!(files.len(), 3);
    for file in files {
        let loaded = stack.reader().get(&format!("/{file}")).expect(200);
        assert_eq!(loaded.header("x-content-type-options"), Some("nosniff"));
        assert!(loaded.text.len() > 100, "{file}");
    }
    assert_eq!(stack.reader().get("/docs/swagger-ui.js.map").expect(404).json()["code"], "not_found");
    for path in ["/docs", "/openapi.json", "/docs/start.js"] {
        assert_eq!(stack.reader().send("HEAD", path, Vec::new()).expect("an answer").expect(200).text, "");
        let refused = stack.reader().send("POST", path, Vec::new()).expect("an answer").expect(405);
        assert_eq!(refused.header("allow"), Some("GET, HEAD"));
    }
}

/// No data set can take the names of these paths.
#[test]
fn the_paths_are_reserved() {
    use backdrop_core::data_set::DataSetName;
    assert!(DataSetName::parse("docs").is_err() && DataSetName::parse("openapi.json").is_err());
}
