//! Files that have to be made: sheets, zips, and what an encrypted sheet looks like.

use rust_xlsxwriter::{Formula, Workbook};
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A sector of a compound file.
const SECTOR_BYTES: usize = 512;
/// The end of a chain of sectors.
const END: u32 = 0xffff_fffe;
/// A sector of the allocation table itself.
const TABLE: u32 = 0xffff_fffd;
/// A sector, or a place in the tree of entries, that is not used.
const FREE: u32 = 0xffff_ffff;

/// A sheet of these cells: whole numbers are numbers, what begins with `#` is the error of a formula.
pub(crate) fn sheet(rows: &[&[&str]]) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (row, cells) in (0..).zip(rows) {
        for (column, cell) in (0..).zip(*cells) {
            let written = match cell.parse::<i32>() {
                Ok(number) => sheet.write_number(row, column, number),
                Err(_) if cell.starts_with('#') => {
                    sheet.write_formula(row, column, Formula::new("=A1000/0").set_result(*cell))
                }
                Err(_) => sheet.write_string(row, column, *cell),
            };
            written.expect("a cell");
        }
    }
    book.save_to_buffer().expect("a sheet")
}

/// A zip of these files.
pub(crate) fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::default()).expect("a file");
        zip.write_all(bytes).expect("memory");
    }
    zip.finish().expect("a zip").into_inner()
}

/// A sheet whose only row is repeated until it has a quarter of a gigabyte, in a zip of a megabyte.
pub(crate) fn sheet_bomb() -> Vec<u8> {
    const ROWS_AT_ONCE: usize = 20_000;
    let honest = sheet(&[&["aa"], &["1"]]);
    let mut zip = zip::ZipArchive::new(Cursor::new(honest)).expect("a zip");
    let mut bomb = ZipWriter::new(Cursor::new(Vec::new()));
    let deflated = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for index in 0..zip.len() {
        let mut file = zip.by_index(index).expect("a file");
        let name = file.name().expect("UTF-8").into_owned();
        bomb.start_file(&name, deflated).expect("a file");
        if name != "xl/worksheets/sheet1.xml" {
            std::io::copy(&mut file, &mut bomb).expect("memory");
            continue;
        }
        let head =
            "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>";
        bomb.write_all(head.as_bytes()).expect("memory");
        let names = ["aa", "bb", "cc"].map(|name| format!("<c t=\"inlineStr\"><is><t>{name}</t></is></c>"));
        bomb.write_all(format!("<row>{}</row>", names.concat()).as_bytes()).expect("memory");
        let rows = "<row><c><v>1</v></c><c><v>2</v></c><c><v>3</v></c></row>".repeat(ROWS_AT_ONCE);
        for _ in 0..(1 << 28) / rows.len() {
            bomb.write_all(rows.as_bytes()).expect("memory");
        }
        bomb.write_all(b"</sheetData></worksheet>").expect("memory");
    }
    bomb.finish().expect("a zip").into_inner()
}

/// What Excel writes when a sheet has a password: a compound file with a stream `EncryptedPackage`.
pub(crate) fn encrypted() -> Vec<u8> {
    let numbers =
        |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
    let mut head = vec![0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
    head.resize(24, 0);
    // Versions, little endian, sectors of 2^9 and small ones of 2^6 bytes.
    head.extend([0x3e, 0, 3, 0, 0xfe, 0xff, 9, 0, 6, 0, 0, 0, 0, 0, 0, 0]);
    // One sector of the table; the directory begins in sector 1; streams below 4,096 bytes are small, and there are none.
    head.extend(numbers(&[0, 1, 1, 0, 4_096, END, 0, END, 0, 0]));
    head.resize(SECTOR_BYTES, 0xff);
    let mut table = vec![TABLE, END];
    // Eight sectors of the stream, one after the other.
    table.extend((3..=9).chain([END]));
    table.resize(SECTOR_BYTES / 4, FREE);
    let mut directory = entry("Root Entry", 5, 1, END, 0);
    directory.extend(entry("EncryptedPackage", 2, FREE, 2, 4_096));
    directory.resize(SECTOR_BYTES, 0);
    [head, numbers(&table), directory, vec![0x5a; 4_096]].concat()
}

/// An entry of the directory of a compound file.
fn entry(name: &str, kind: u8, child: u32, first: u32, bytes: u32) -> Vec<u8> {
    let mut entry: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let name_bytes = u16::try_from(entry.len() + 2).expect("a short name");
    entry.resize(64, 0);
    entry.extend(name_bytes.to_le_bytes());
    entry.extend([kind, 1]);
    for number in [FREE, FREE, child] {
        entry.extend(number.to_le_bytes());
    }
    entry.resize(116, 0);
    entry.extend(first.to_le_bytes());
    entry.extend(bytes.to_le_bytes());
    entry.resize(128, 0);
    entry
}
