//! Spreadsheets.

use super::{ODS, PATH, XLS, XLSX, assert_says, send, stack, stored};
use rust_xlsxwriter::{Format, Formula, Workbook, XlsxError};
use serde_json::json;

/// What LibreOffice made of one document: a remark, an empty row, the keys, two records; a second sheet with an
/// error.
const FIGURES_XLS: &[u8] = include_bytes!("fixtures/figures.xls");
const FIGURES_ODS: &[u8] = include_bytes!("fixtures/figures.ods");

/// The same, as XLSX.
fn figures() -> Result<Vec<u8>, XlsxError> {
    let date = Format::new().set_num_format("yyyy-mm-dd");
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet().set_name("Figures")?;
    sheet.write(0, 0, "# licences, by hand")?;
    for (column, key) in (0..).zip(["_id", "_timestamp", "code", "count", "share", "comment"]) {
        sheet.write(2, column, key)?;
    }
    sheet.write(3, 0, 1)?.write_with_format(3, 1, 41_344, &date)?;
    sheet.write(3, 2, 7)?.write(3, 3, 12)?.write(3, 4, 0.5)?.write(3, 5, "skip")?;
    sheet.write(4, 0, "two")?.write_with_format(4, 1, 41_345, &date)?;
    sheet.write(4, 2, "007")?.write(4, 3, Formula::new("=3*4").set_result("12"))?;
    let sheet = workbook.add_worksheet().set_name("Wrong")?;
    sheet.write(0, 0, "_id")?.write(0, 1, "count")?;
    sheet.write(1, 0, "a")?.write(1, 1, Formula::new("=1/0").set_result("#DIV/0!"))?;
    workbook.save_to_buffer()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_workbook_is_read_with_its_types() {
    let (stack, writer) = stack().await;
    let xlsx = figures().expect("a workbook");
    let expected = [
        json!({"_id": "1", "_timestamp": "2013-03-11T00:00:00+00:00", "code": "7", "count": 12, "share": 0.5}),
        json!({"_id": "two", "_timestamp": "2013-03-12T00:00:00+00:00", "code": "007", "count": 12, "share": null}),
    ];
    // The type need not be the right one of the three: the file tells.
    for (content_type, workbook) in [(XLSX, &xlsx[..]), (XLS, FIGURES_XLS), (ODS, FIGURES_ODS), (XLS, &xlsx)]
    {
        send(&writer, PATH, content_type, workbook).expect(200);
        assert_eq!(stored(&stack), expected, "{content_type}");
        writer
            .with_header("Content-Type", "application/json")
            .send("PUT", PATH, b"[]".to_vec())
            .expect("an answer")
            .expect(200);

        let wrong = send(&writer, &format!("{PATH}?sheet=Wrong"), content_type, workbook).expect(400);
        assert_says(&wrong, "cell B2: count: the cell holds the error #DIV/0!");
        let fault = &wrong.json()["errors"][0];
        assert_eq!((&fault["sheet"], &fault["cell"]), (&json!("Wrong"), &json!("B2")));
        let missing = send(&writer, &format!("{PATH}?sheet=None"), content_type, workbook).expect(400);
        assert_says(&missing, "It has: \"Figures\", \"Wrong\"");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_wrong_cells_are_told_by_their_addresses() {
    let (stack, writer) = stack().await;
    let workbook = || {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet().set_name("Figures")?;
        sheet.write(1, 1, "_id")?.write(1, 2, "count")?.write(1, 3, "code")?;
        for row in 2..50 {
            sheet.write(row, 1, format!("row-{row}"))?.write(row, 2, row)?.write(row, 3, 7)?;
        }
        sheet.write(9, 2, Formula::new("=A1/0").set_result("#REF!"))?;
        sheet.write(19, 2, Formula::new("=A1/0").set_result("#REF!"))?;
        sheet.write(29, 3, Formula::new("=A1/0").set_result("#N/A"))?;
        workbook.save_to_buffer()
    };
    let bytes = workbook().expect("a workbook");
    let refused = send(&writer, PATH, XLSX, bytes.clone()).expect(400);
    let answer = refused.json();
    assert_says(&refused, "cell C10: count: the cell holds the error #REF!");
    assert_says(&refused, "cell D30: code: the cell holds the error #N/A");
    assert_eq!(
        (&answer["errors_total"], &answer["errors"][0]["also"][0]["cell"]),
        (&json!(3), &json!("C20"))
    );
    send(&writer.with_header("Prefer", "handling=lenient"), PATH, XLSX, bytes).expect(200);
    assert_eq!(stored(&stack).len(), 45);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_schema_refuses_is_told_by_its_cell() {
    let (_stack, writer) = stack().await;
    let workbook = || {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        sheet.write(0, 0, "_id")?.write(0, 1, "count")?;
        sheet.write(1, 0, "a")?.write(1, 1, 1)?.write(2, 0, "b")?.write(2, 1, "many")?;
        workbook.save_to_buffer()
    };
    let refused = send(&writer, PATH, XLSX, workbook().expect("a workbook")).expect(400);
    assert_says(&refused, "cell B3: count: ");
    assert_eq!(refused.json()["code"], "invalid_records");
}
