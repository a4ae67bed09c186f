use super::{PATH, ask, asked, with_examples};
use backdrop_testing::{Answer, Stack};
use calamine::{Data, Reader, Xlsx, open_workbook_from_rs};
use serde_json::{Map, Value, json};
use std::io::Cursor;

const SPREADSHEET: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const WEEKS: &str = "period=week&start_at=2013-03-11T00:00:00Z&end_at=2013-03-25T00:00:00Z";

/// Texts that a format may break.
const TEXTS: [&str; 10] = [
    "plain",
    "a, b; c",
    "say \"hi\"",
    "two\nlines\r\nand three",
    "Zoë £5 🐈",
    "=1+1",
    "-1",
    "@SUM(A1)",
    " leading",
    "",
];

/// A stack with a data set whose records hold [`TEXTS`] and values of the other types.
async fn with_texts() -> Stack {
    let stack = Stack::start().await.expect("a stack");
    stack.create_data_set("licensing", "applications");
    let record = |(index, text): (usize, &&str)| {
        json!({"_id": format!("{index:02}"), "_timestamp": "2013-03-11T12:00:00Z", "text": text,
               "number": index as f64 - 1.5, "flag": index % 2 == 0, "large": 9_007_199_254_740_993_i64})
    };
    let mut records: Vec<Value> = TEXTS.iter().enumerate().map(record).collect();
    records.push(json!({"_id": "99", "_timestamp": "1850-06-01T00:00:00Z", "text": null, "extra": -7}));
    stack.writer().with_token("token-for-applications").post(PATH, &json!(records)).expect(200);
    stack
}

/// The cells of a CSV answer, the header first.
fn read_csv(answer: &Answer) -> Vec<Vec<String>> {
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(answer.bytes.as_slice());
    let row = |row: csv::Result<csv::StringRecord>| row.expect("CSV").iter().map(str::to_owned).collect();
    reader.records().map(row).collect()
}

/// The cells of an XLSX answer, the header first.
fn read_xlsx(answer: &Answer) -> Vec<Vec<Data>> {
    assert_eq!(answer.header("content-type"), Some(SPREADSHEET));
    let mut book: Xlsx<_> = open_workbook_from_rs(Cursor::new(answer.bytes.clone())).expect("a workbook");
    book.worksheet_range("data").expect("a sheet").rows().map(<[Data]>::to_vec).collect()
}

/// The column of that name, without its header.
fn column<C: Clone>(cells: &[Vec<C>], is_named: impl Fn(&C) -> bool) -> Vec<C> {
    let index = cells[0].iter().position(is_named).expect("the column");
    cells[1..].iter().map(|row| row[index].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_is_read_back_as_it_was_written() {
    let stack = with_texts().await;
    let answer = asked(&stack, "sort_by=_id:ascending&format=csv").expect(200);
    assert_eq!(
        answer.header("content-disposition"),
        Some("attachment; filename=\"licensing_applications.csv\"")
    );
    let header = "_id,_timestamp,_updated_at,extra,flag,large,number,text\r\n";
    assert!(answer.text.starts_with(header), "no byte order mark, {}", answer.text);
    let cells = read_csv(&answer);
    let column = |name: &str| column(&cells, |column| column == name);
    let neutralised = TEXTS.map(|text| match text {
        "=1+1" | "-1" | "@SUM(A1)" => format!("'{text}"),
        other => other.to_owned(),
    });
    assert_eq!(column("text")[..TEXTS.len()], neutralised);
    assert_eq!(column("number")[..3], ["-1.5", "-0.5", "0.5"]);
    assert_eq!(column("flag")[..2], ["true", "false"]);
    assert_eq!(column("large")[0], "9007199254740993");
    assert_eq!(column("_timestamp")[0], "2013-03-11T12:00:00+00:00");
    assert_eq!(cells[11][3..], ["-7", "", "", "", ""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn xlsx_has_typed_cells() {
    let stack = with_texts().await;
    let answer = asked(&stack, "sort_by=_id:ascending&format=xlsx").expect(200);
    assert_eq!(
        answer.header("content-disposition"),
        Some("attachment; filename=\"licensing_applications.xlsx\"")
    );
    let cells = read_xlsx(&answer);
    let column = |name: &str| column(&cells, |column| *column == Data::String(name.into()));
    for (cell, text) in column("text").iter().zip(TEXTS) {
        let expected = if text.is_empty() { Data::Empty } else { Data::String(text.into()) };
        assert_eq!(*cell, expected);
    }
    assert_eq!(column("number")[..2], [Data::Float(-1.5), Data::Float(-0.5)]);
    assert_eq!(column("flag")[..2], [Data::Bool(true), Data::Bool(false)]);
    assert_eq!(column("large")[0], Data::String("9007199254740993".into()));
    assert_eq!(column("extra")[9..], [Data::Empty, Data::Float(-7.0)]);
    let times = column("_timestamp");
    assert!(matches!(times[0], Data::DateTime(time) if time.as_f64() == 41_344.5), "{:?}", times[0]);
    assert_eq!(times[10], Data::String("1850-06-01T00:00:00+00:00".into()));
    assert!(matches!(column("_updated_at")[0], Data::DateTime(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_and_periods_are_tables_too() {
    let stack = with_examples().await;
    let flat = format!("{WEEKS}&group_by=authority&flatten=true&collect=licence&collect=fee:mean");
    let csv = asked(&stack, &format!("{flat}&format=csv")).expect(200);
    assert_eq!(
        csv.text.lines().take(2).collect::<Vec<_>>(),
        [
            "_count,_end_at,_start_at,authority,fee:mean,licence,licence:set",
            "1,2013-03-18T00:00:00+00:00,2013-03-11T00:00:00+00:00,Camden,9.0,\"[\"\"Cats\"\"]\",\"[\"\"Cats\"\"]\"",
        ]
    );
    let xlsx = read_xlsx(&asked(&stack, &format!("{flat}&format=xlsx")).expect(200));
    let ends = column(&xlsx, |name| *name == Data::String("_end_at".into()));
    assert!(matches!(ends[0], Data::DateTime(time) if time.as_f64() == 41_351.0), "{:?}", ends[0]);

    let nested = format!("{WEEKS}&group_by=authority");
    let values = ask(&stack, &nested)[0]["values"].to_string();
    let csv = read_csv(&asked(&stack, &format!("{nested}&format=csv")).expect(200));
    assert_eq!(column(&csv, |name| name == "values")[0], values);
    let xlsx = read_xlsx(&asked(&stack, &format!("{nested}&format=xlsx")).expect(200));
    assert_eq!(column(&xlsx, |name| *name == Data::String("values".into()))[0], Data::String(values));
}

#[tokio::test(flavor = "multi_thread")]
async fn ndjson_has_a_row_on_each_line() {
    let stack = with_texts().await;
    for query in ["sort_by=_id:ascending", "group_by=flag&collect=text", &format!("{WEEKS}&group_by=flag")] {
        let answer = asked(&stack, &format!("{query}&format=ndjson")).expect(200);
        assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
        assert_eq!(answer.header("content-disposition"), None);
        assert!(answer.text.ends_with('\n'));
        let rows: Value =
            answer.text.lines().map(|row| serde_json::from_str::<Value>(row).expect("JSON")).collect();
        assert_eq!(rows, ask(&stack, query), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_rows_is_empty_in_every_form() {
    let stack = with_examples().await;
    for query in ["filter_by=fee:nothing", "group_by=no_such_field"] {
        for format in ["csv", "ndjson"] {
            let answer = asked(&stack, &format!("{query}&format={format}")).expect(200);
            assert_eq!((answer.text.as_str(), answer.header("content-length")), ("", Some("0")));
        }
        let sheet = asked(&stack, &format!("{query}&format=xlsx")).expect(200);
        assert_eq!(read_xlsx(&sheet), Vec::<Vec<Data>>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parameter_wins_over_what_is_accepted() {
    let stack = with_examples().await;
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for (accept, query, expected) in [
        ("text/csv", "", "text/csv; charset=utf-8"),
        ("text/csv", "format=json", "application/json"),
        ("application/json", "format=ndjson", "application/x-ndjson"),
        (SPREADSHEET, "", SPREADSHEET),
        ("application/x-ndjson;q=0.8, text/csv;q=0.7, */*;q=0.1", "", "application/x-ndjson"),
        ("text/csv;q=0.5, application/json", "", "application/json"),
        (browser, "", "application/json"),
        (browser, "format=csv", "text/csv; charset=utf-8"),
        ("application/problem+json", "", "application/json"),
        ("image/png", "", "application/json"),
    ] {
        let path = format!("{PATH}?{query}");
        let answer = stack.reader().with_header("Accept", accept).get(&path).expect(200);
        assert_eq!(answer.header("content-type"), Some(expected), "{accept} {query}");
        assert_eq!(answer.header("vary"), Some("Accept, Accept-Encoding"));
        assert_eq!(answer.header("cache-control"), Some("max-age=1800, must-revalidate"));
    }
    let refused = asked(&stack, "format=yaml").expect(400).json();
    assert_eq!(refused["message"], "format must be one of json, csv, ndjson, xlsx, not \"yaml\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_sheet_cannot_hold_is_refused_and_csv_can() {
    let stack = with_examples().await;
    let writer = stack.writer().with_token("token-for-applications");
    let long = json!({"_id": "long", "_timestamp": "2014-01-01T00:00:00Z", "licence": "x".repeat(32_768)});
    writer.post(PATH, &long).expect(200);
    let keys = (0..16_400).map(|number| (format!("key_{number}"), json!(number)));
    let wide = keys.chain([("_timestamp".to_owned(), json!("2015-01-01T00:00:00Z"))]).collect::<Map<_, _>>();
    writer.post(PATH, &Value::Object(wide)).expect(200);
    for (year, part) in [(2014, "32767 characters"), (2015, "16384 columns")] {
        let range = format!("start_at={year}-01-01T00:00:00Z&end_at={year}-02-01T00:00:00Z");
        let refused = asked(&stack, &format!("{range}&format=xlsx")).expect(400).json();
        assert_eq!(refused["code"], "invalid_query");
        let message = refused["message"].as_str().expect("a text");
        assert!(message.contains(part) && message.contains("format=csv"), "{message}");
        assert_eq!(read_csv(&asked(&stack, &format!("{range}&format=csv")).expect(200)).len(), 2);
    }
}
