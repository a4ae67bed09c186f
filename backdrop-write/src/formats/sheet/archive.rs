//! The names of the files in a zip, which tell ODS from XLSX. What the files hold is compressed, and may look like
//! any name by chance.

/// How a local file header begins, and where in it the length of the name and the name stand (APPNOTE 4.3.7).
const LOCAL: (&[u8], usize, usize) = (b"PK\x03\x04", 26, 30);
/// The same of an entry of the central directory (4.3.12); the lengths of two more fields follow that of the name.
const CENTRAL: (&[u8], usize, usize) = (b"PK\x01\x02", 28, 46);
/// How the record at the end begins (4.3.16).
const END: &[u8] = b"PK\x05\x06";
/// Where in the record at the end it says where the central directory begins.
const END_OFFSET: usize = 16;
/// The file that each ODS has, mostly as the first one, and no XLSX.
const OF_ODS: &[u8] = b"mimetype";

/// Whether a zip is an ODS.
pub(super) fn is_ods(zip: &[u8]) -> bool {
    name(zip, LOCAL) == Some(OF_ODS) || central_names(zip).any(|name| name == OF_ODS)
}

/// The names in the central directory, as far as it can be read.
fn central_names(zip: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = zip.windows(END.len()).rposition(|window| window == END);
    let begin = end.and_then(|end| {
        let offset = zip.get(end + END_OFFSET..)?.first_chunk()?;
        usize::try_from(u32::from_le_bytes(*offset)).ok()
    });
    let mut rest = begin.and_then(|begin| zip.get(begin..)).unwrap_or_default();
    std::iter::from_fn(move || {
        let (_, lengths, fixed) = CENTRAL;
        let name = name(rest, CENTRAL)?;
        let others = number(rest, lengths + 2)? + number(rest, lengths + 4)?;
        rest = rest.get(fixed + name.len() + others..).unwrap_or_default();
        Some(name)
    })
}

/// The name in a header.
fn name<'z>(header: &'z [u8], (begin, length, fixed): (&[u8], usize, usize)) -> Option<&'z [u8]> {
    if !header.starts_with(begin) {
        return None;
    }
    header.get(fixed..fixed + number(header, length)?)
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};
    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    fn zipped(names: &[&str]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        for name in names {
            zip.start_file(*name, options).expect("memory");
            // What only stands in a file is no name.
            zip.write_all(b"xl/ mimetype content.xml").expect("memory");
        }
        zip.finish().expect("memory").into_inner()
    }

    #[test]
    fn an_ods_is_known_by_the_names_alone() {
        assert!(is_ods(&zipped(&["mimetype", "content.xml"])));
        assert!(is_ods(&zipped(&["content.xml", "META-INF/manifest.xml", "mimetype"])));
        assert!(!is_ods(&zipped(&["[Content_Types].xml", "xl/workbook.xml", "xl/mimetype"])));
    }

    #[test]
    fn what_is_cut_off_is_no_ods() {
        let whole = zipped(&["content.xml", "mimetype"]);
        assert!((0..whole.len() - 6).all(|end| !is_ods(&whole[..end])));
    }
}
