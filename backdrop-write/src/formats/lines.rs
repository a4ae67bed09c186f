//! JSON lines: each line is checked as strictly as a JSON body is.

use super::gathering::{Gathering, kept};
use super::{Bounds, Decoded};
use backdrop_core::batch::Handling;
use backdrop_core::error::{ApiError, ErrorCode};
use backdrop_core::json;
use backdrop_core::origin::Origin;

/// The records of a body of lines; empty ones are skipped.
pub(super) fn decode(body: &[u8], bounds: Bounds, handling: Handling) -> Result<Decoded, ApiError> {
    let mut gathering = Gathering::new(bounds, handling).with_room(body.len() + 2);
    for (number, line) in (1..).zip(body.split(|byte| *byte == b'\n')) {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        match json::record_line(line) {
            Ok(record) => gathering.add(number, record)?,
            Err(detail) => {
                gathering
                    .fault("", ErrorCode::InvalidJson, &detail, || format!("Error parsing JSON: {detail}"));
                gathering.add(number, &kept(line))?;
            }
        }
    }
    gathering.finish(ErrorCode::InvalidJson, |lines| Origin::Lines { lines })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { bytes: 1_000, records: 10 };

    #[test]
    fn lines_become_a_list_and_tell_where_they_stood() {
        let decoded = decode(b"{\"aa\":1}\r\n\n  \n{\"aa\":2}", BOUNDS, Handling::Strict).expect("records");
        assert_eq!((decoded.records.as_str(), decoded.count), (r#"[{"aa":1},{"aa":2}]"#, 2));
        assert_eq!(decoded.origin.place(2, "").line, Some(4));
        assert_eq!(decode(b"\n", BOUNDS, Handling::Strict).expect("nothing").records, "[]");
    }

    #[test]
    fn a_bad_line_refuses_all_or_only_itself() {
        let body = b"{\"aa\":1}\n{borked!}\n[1]\n{\"aa\":\"\xff\0\"}";
        let error = decode(body, BOUNDS, Handling::Strict).expect_err("bad lines");
        let violations = error.violations.expect("violations");
        assert_eq!((error.code, violations.total), (ErrorCode::InvalidJson, 3));
        assert_eq!(violations.lines()[0], "line 2: Error parsing JSON: key must be a string at column 2");
        let decoded = decode(body, BOUNDS, Handling::Lenient).expect("records and faults");
        assert_eq!(decoded.faults.iter().map(|fault| fault.record).collect::<Vec<_>>(), [2, 3, 4]);
        assert!(decoded.records.starts_with(r#"[{"aa":1},"{borked!}","[1]","#), "{}", decoded.records);
        assert_eq!(json::count(decoded.records.as_bytes()), Some(4));
    }

    #[test]
    fn lines_are_bounded() {
        let code =
            |body: &str| decode(body.as_bytes(), BOUNDS, Handling::Lenient).map_err(|error| error.code).err();
        assert_eq!(code(&"{}\n".repeat(11)), Some(ErrorCode::TooLarge));
        assert_eq!(code(&"{}\n".repeat(10)), None);
        let grows = format!("{}\n", "\u{1}".repeat(200));
        assert_eq!(code(&grows), Some(ErrorCode::TooLarge));
    }
}
