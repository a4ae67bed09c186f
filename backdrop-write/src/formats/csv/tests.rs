use super::*;

const BOUNDS: Bounds = Bounds { bytes: 10_000, records: 100 };

fn decoded(body: &[u8], texts: &[&str]) -> Decoded {
    let texts = texts.iter().map(|&text| text.to_owned()).collect();
    decode(body, &texts, BOUNDS, Handling::Strict).expect("CSV")
}

fn refusal(body: &[u8]) -> Vec<String> {
    let error = decode(body, &TextFields::default(), BOUNDS, Handling::Strict).expect_err("a fault");
    assert_eq!(error.code, ErrorCode::InvalidCsv);
    error.violations.map_or_else(|| vec![error.message], |violations| violations.lines())
}

#[test]
fn fields_have_the_types_they_look_like_or_the_schema_says() {
    let body = b"\xef\xbb\xbf# made by hand\n_id,code,count,share,flag,text,comment\r\n\r\n\
                 1,007,12,0.5,true,\"12\",skip\n# more\n2,7,,1e3,False,\"a \"\"b\"\",\nc\",\n,,,,,,\n";
    let decoded = decoded(body, &["code"]);
    let expected = concat!(
        r#"[{"_id":"1","code":"007","count":12,"share":0.5,"flag":true,"text":"12"},"#,
        r#"{"_id":"2","code":"7","count":null,"share":1e3,"flag":"False","text":"a \"b\",\nc"}]"#
    );
    assert_eq!(decoded.records, expected);
    let lines: Vec<Option<u32>> = (1..=2).map(|record| decoded.origin.place(record, "").line).collect();
    assert_eq!(lines, [Some(4), Some(6)]);
}

#[test]
fn keys_with_an_underscore_are_left_out_where_they_are_empty() {
    let body = b"_id,_timestamp,_start_at,_end_at,count\na,\"\",,,\n,2013-03-11,,,1\n";
    let expected = r#"[{"_id":"a","count":null},{"_timestamp":"2013-03-11","count":1}]"#;
    assert_eq!(decoded(body, &[]).records, expected);
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let ragged = b"aa,bb\n1,2\n\n1\n1,2,3\n4,5,6\n";
    let lines = refusal(ragged);
    assert_eq!(lines.len(), 2, "the same fault is told once: {lines:?}");
    assert!(lines[0].starts_with("line 4: the first line has 2 fields, this one 1"), "{lines:?}");
    assert!(lines[1].starts_with("line 5: ") && lines[1].ends_with("(and in 1 more record)"), "{lines:?}");
    for (body, part) in [
        (&b"aa,bb\n1,2\ncaf\xe9,2\n"[..], "line 3: the text is not UTF-8; save the file as \"CSV UTF-8\""),
        (b"a\xe9,bb\n1,2\n", "line 1: the text is not UTF-8"),
        (b"aa;bb\n1;2\n", "divided by ';'"),
        (b"aa,aa\n1,2\n", "line 1: the columns 1 and 2"),
        (b"# only\n", "found no line at all"),
        (b"aa,\n1,2\n", "line 2: there is a value in column 2, which has no name"),
        (b"aa,bb\n1,\"2\n3,4\n", "line 2: a quote that is opened is never closed"),
        (b"aa,bb\n1,2\n\"5\" pipe\",1\n", "line 3: there is text after the quote that closes field 1"),
        (b"\"a\"a,bb\n1,2\n", "line 1: there is text after the quote"),
        (b"aa,bb\n1,2\0\n", "line 2: bb: the character NUL"),
    ] {
        let lines = refusal(body);
        assert!(lines[0].contains(part), "{lines:?} do not say {part}");
    }
}

#[test]
fn a_title_above_the_names_is_told_as_one() {
    for body in [&b"Parking,,\n_id,count,share\n"[..], b"Parking\n_id,count,share\n"] {
        let lines = refusal(body);
        assert!(
            lines[0].contains("line 1 was taken for the names of the columns (\"Parking\")"),
            "{lines:?}"
        );
    }
    let title = b"# by hand\nParking figures 2026,,\n_id,count,share\n";
    let error = decode(title, &TextFields::default(), BOUNDS, Handling::Lenient).expect_err("a title");
    assert_eq!(error.code, ErrorCode::InvalidKey);
    assert!(error.message.starts_with("line 2: cannot be keys of records: "), "{}", error.message);
}

#[test]
fn rows_are_bounded() {
    let wide = ",".repeat(5_000);
    for (body, part) in [
        (format!("{wide}\n"), "line 1: the row that begins here has more than 4096 fields"),
        (
            format!("aa,bb\n1,2\n{}", "\"\n\",".repeat(5_000)),
            "line 3: the row that begins here has more than",
        ),
        (format!("aa\n\"{}", "x\n".repeat(1 << 20)), "line 2: the row that begins here is longer than"),
    ] {
        let lines = refusal(body.as_bytes());
        assert!(lines[0].contains(part), "{lines:?} do not say {part}");
    }
}

#[test]
fn in_lenient_handling_only_the_faulty_rows_are_lost() {
    let body = b"aa,bb\n1,2\n\"1\"\n3,4\n";
    let decoded = decode(body, &TextFields::default(), BOUNDS, Handling::Lenient).expect("records");
    assert_eq!(decoded.records, r#"[{"aa":1,"bb":2},"\"1\"",{"aa":3,"bb":4}]"#);
    assert_eq!(decoded.faults.iter().map(|fault| fault.record).collect::<Vec<_>>(), [2]);
}
