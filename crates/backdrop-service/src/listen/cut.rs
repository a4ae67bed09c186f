//! Finds the URLs in the bytes of a connection and cuts off what is too long of them.
//!
//! A URL is what stands between the first and the second space of a line that may begin a request: the
//! first one of the connection, or one after an empty line, if it begins with a method in capitals. In a
//! body such a line could stand, too; that it would have to go on for 32 KiB without a space is why
//! bodies need not be told from heads here.

/// How many bytes of a URL are let through: more than any service takes, and few enough that URL and
/// headers fit into what actix-web reads of a request's head (128 KiB).
pub const URL_BYTES_KEPT: usize = 32 * 1024;
/// After how many bytes that were cut off a connection is ended without an answer: whoever still sends then
/// is not waiting for one.
const CUT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The longest name of a method; a longer word begins no request.
const METHOD_BYTES_MAX: usize = 32;

/// How far the bytes of a connection were looked at.
#[derive(Debug)]
pub(super) struct UrlCut {
    place: Place,
    /// How many bytes were cut off the URL at hand.
    cut: usize,
}

/// Where the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the method of a request, after so many bytes of it; or in the empty lines before.
    Method(usize),
    /// In a URL, after so many bytes that were kept.
    Url(usize),
    /// In a URL of which no more is kept.
    CutUrl,
    /// At the beginning of a line of a head or a body.
    LineStart,
    /// Anywhere else in a line.
    Line,
}

impl Default for UrlCut {
    fn default() -> Self {
        Self { place: Place::Method(0), cut: 0 }
    }
}

impl UrlCut {
    /// Moves the bytes that are kept to the front; how many there are.
    pub(super) fn keep(&mut self, bytes: &mut [u8]) -> usize {
        let mut kept = 0;
        for index in 0..bytes.len() {
            let byte = bytes[index];
            self.place = self.place.after(byte);
            if self.place == Place::CutUrl {
                self.cut = self.cut.saturating_add(1);
            } else {
                self.cut = 0;
                bytes[kept] = byte;
                kept += 1;
            }
        }
        kept
    }

    /// Whether more was cut off than anybody sends who waits for an answer.
    pub(super) const fn is_endless(&self) -> bool {
        self.cut > CUT_BYTES_MAX
    }
}

impl Place {
    /// Where a byte stands that comes next.
    const fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Method(0), b'\r' | b'\n') => Self::Method(0),
            (Self::Method(bytes), b'A'..=b'Z') if bytes < METHOD_BYTES_MAX => Self::Method(bytes + 1),
            (Self::Method(1..), b' ') => Self::Url(0),
            (Self::LineStart, b'\n') => Self::Method(0),
            (Self::LineStart, b'\r') | (_, b'\n') => Self::LineStart,
            (Self::Url(_) | Self::CutUrl, b' ' | b'\r') => Self::Line,
            (Self::Url(kept), _) if kept < URL_BYTES_KEPT => Self::Url(kept + 1),
            // A character is not cut in the middle: what is left would not be read as a URL.
            (Self::Url(kept), 0x80..=0xBF) if kept < URL_BYTES_KEPT + 3 => Self::Url(kept + 1),
            (Self::Url(_) | Self::CutUrl, _) => Self::CutUrl,
            (Self::Method(_) | Self::LineStart | Self::Line, _) => Self::Line,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is kept if the bytes come in pieces of that size.
    fn kept(bytes: &str, piece: usize) -> String {
        let mut cut = UrlCut::default();
        let pieces = bytes.as_bytes().chunks(piece).flat_map(|piece| {
            let mut piece = piece.to_vec();
            let kept = cut.keep(&mut piece);
            piece.truncate(kept);
            piece
        });
        String::from_utf8(pieces.collect()).expect("whole characters")
    }

    #[test]
    fn only_long_urls_are_cut_wherever_the_pieces_end() {
        let long = |bytes: usize| format!("/{}", "x".repeat(bytes - 1));
        let head = "HTTP/1.1\r\nHost: h\r\n\r\n";
        let body = "x".repeat(70_000);
        let requests = |url: &str| {
            format!(
                "\r\nGET {url} {head}POST /a HTTP/1.1\nContent-Length: 1\n\n{body}\n\n{{\"GET\": 1 }}\n\nGET {url} {head}"
            )
        };
        for bytes in [1, URL_BYTES_KEPT, URL_BYTES_KEPT + 1, 65_535, 200_000] {
            let expected = requests(&long(bytes.min(URL_BYTES_KEPT)));
            for piece in [1, 7, 1_000, 32_768, usize::MAX] {
                assert!(
                    kept(&requests(&long(bytes)), piece) == expected,
                    "{bytes} bytes in pieces of {piece}"
                );
            }
        }
    }

    #[test]
    fn characters_are_not_cut_in_the_middle() {
        let kept = kept(&format!("GET /{} HTTP/1.1\r\n", "€".repeat(20_000)), 4_096);
        let url =
            kept.strip_prefix("GET ").and_then(|rest| rest.strip_suffix(" HTTP/1.1\r\n")).expect("a line");
        assert!((URL_BYTES_KEPT..URL_BYTES_KEPT + 4).contains(&url.len()), "{}", url.len());
    }

    #[test]
    fn who_never_stops_is_noticed() {
        let mut cut = UrlCut::default();
        assert_eq!(cut.keep(&mut b"GET ".to_vec()), 4);
        let mut piece = vec![b'x'; 1024 * 1024];
        for _ in 0..64 {
            cut.keep(&mut piece);
            assert!(!cut.is_endless());
        }
        cut.keep(&mut piece);
        assert!(cut.is_endless());
        assert_eq!(cut.keep(&mut b" HTTP/1.1\r\n".to_vec()), 11);
        assert!(!cut.is_endless());
    }

    #[test]
    fn bytes_that_are_no_characters_are_cut_all_the_same() {
        let mut cut = UrlCut::default();
        cut.keep(&mut b"GET ".to_vec());
        assert_eq!(cut.keep(&mut vec![0x80; 100_000]), URL_BYTES_KEPT + 3);
    }
}
