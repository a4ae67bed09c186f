//! Finds the URLs in the bytes of a connection, cuts off what is too long of them, and percent-encodes what
//! should have been.
//!
//! A URL is what stands between the first and the second space of a line that begins a request: the first one
//! of the connection, or the one after the empty line that ends a head.
//!
//! **Invariant.** Nothing but URLs is ever changed. A body must not be: its length stands in the head, and
//! whatever was too long or too short by that would be read as another request, which an attacker could
//! have written. So from the first head that announces a body on, a connection is passed on as it is.

use memchr::memchr;

/// How many bytes of a URL are let through: more than any service takes, and few enough that URL and
/// headers fit into what actix-web reads of a request's head (128 KiB).
pub const URL_BYTES_KEPT: usize = 32 * 1024;
/// After how many bytes that were cut off a connection is ended without an answer: whoever still sends then
/// is not waiting for one.
const CUT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The longest name of a method; a longer word begins no request.
const METHOD_BYTES_MAX: usize = 32;

/// The names of headers that announce a body, in small letters; longer names that begin like them do no harm.
const BODY_HEADERS: [&[u8]; 2] = [b"content-length", b"transfer-encoding"];

/// How far the bytes of a connection were looked at.
#[derive(Debug)]
pub(super) struct UrlMender {
    place: Place,
    /// How the header at hand begins, in small letters, as long as it may be one that announces a body.
    header: Vec<u8>,
    /// How many bytes were cut off the URL at hand.
    cut: usize,
}

/// Where the last byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the method of a request, so many bytes of which were read; or in the empty lines before.
    Method(usize),
    /// In a URL, so many bytes of which were let through; 0 is the space before.
    Url(usize),
    /// In a URL of which no more is let through.
    CutUrl,
    /// After a request's URL, or in a line that begins none.
    Line,
    /// At the beginning of a line of a head.
    LineStart,
    /// In a line of a head.
    Header,
    /// Behind a head that announces a body.
    Unknown,
}

impl Default for UrlMender {
    fn default() -> Self {
        Self { place: Place::Method(0), header: Vec::new(), cut: 0 }
    }
}

impl UrlMender {
    /// Appends the bytes to those that were mended before.
    pub(super) fn mend(&mut self, mut bytes: &[u8], mended: &mut Vec<u8>) {
        loop {
            let unchanged = self.unchanged(bytes);
            mended.extend_from_slice(&bytes[..unchanged]);
            if let Place::Url(kept @ 1..) = &mut self.place {
                *kept += unchanged;
            }
            let Some((byte, rest)) = bytes[unchanged..].split_first() else { break };
            self.mend_byte(*byte, mended);
            bytes = rest;
        }
    }

    /// How many bytes pass as they are and stay in the same place: those of a URL that need no encoding, and those before
    /// the end of a line of which no more has to be known.
    fn unchanged(&self, bytes: &[u8]) -> usize {
        match self.place {
            Place::Unknown => bytes.len(),
            Place::Header if self.may_announce_body() => 0,
            Place::Line | Place::Header => memchr(b'\n', bytes).unwrap_or(bytes.len()),
            Place::Url(kept @ 1..) => {
                let room = bytes.len().min(URL_BYTES_KEPT.saturating_sub(kept));
                bytes[..room].iter().position(|byte| needs_encoding(*byte)).unwrap_or(room)
            }
            Place::Method(_) | Place::Url(0) | Place::CutUrl | Place::LineStart => 0,
        }
    }

    /// Whether the header at hand may turn out to announce a body.
    fn may_announce_body(&self) -> bool {
        BODY_HEADERS.iter().any(|name| name.starts_with(&self.header))
    }

    fn mend_byte(&mut self, byte: u8, mended: &mut Vec<u8>) {
        self.place = self.place.after(byte);
        self.cut = if self.place == Place::CutUrl { self.cut.saturating_add(1) } else { 0 };
        match self.place {
            Place::CutUrl => {}
            Place::Url(1..) if needs_encoding(byte) => {
                mended.extend([b'%', hexadecimal(byte >> 4), hexadecimal(byte & 0xF)]);
            }
            Place::LineStart => {
                self.header.clear();
                mended.push(byte);
            }
            Place::Header if self.may_announce_body() => {
                self.header.push(byte.to_ascii_lowercase());
                if BODY_HEADERS.contains(&self.header.as_slice()) {
                    self.place = Place::Unknown;
                }
                mended.push(byte);
            }
            _ => mended.push(byte),
        }
    }

    /// Whether more was cut off than anybody sends who waits for an answer.
    pub(super) const fn is_endless(&self) -> bool {
        self.cut > CUT_BYTES_MAX
    }
}

/// Whether a byte has no place in a URL, so that actix-web would refuse the request without a word. Some
/// clients send text as it is, curl among them; what follows a `#` would be dropped in silence.
const fn needs_encoding(byte: u8) -> bool {
    matches!(byte, 0..=b' ' | b'"' | b'#' | b'<' | b'>' | b'`' | 0x7F..)
}

/// The digit for a number below 16.
const fn hexadecimal(number: u8) -> u8 {
    b"0123456789ABCDEF"[number as usize]
}

impl Place {
    /// Where a byte stands that comes next.
    const fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Method(0), b'\r' | b'\n') => Self::Method(0),
            (Self::Method(bytes), b'A'..=b'Z') if bytes < METHOD_BYTES_MAX => Self::Method(bytes + 1),
            (Self::Method(1..), b' ') => Self::Url(0),
            (Self::Unknown, _) => Self::Unknown,
            (Self::LineStart, b'\n') => Self::Method(0),
            (Self::LineStart, b'\r') | (_, b'\n') => Self::LineStart,
            (Self::Url(_) | Self::CutUrl, b' ' | b'\r') => Self::Line,
            (Self::Url(kept), byte) if kept < URL_BYTES_KEPT => {
                Self::Url(kept + if needs_encoding(byte) { 3 } else { 1 })
            }
            (Self::Url(_) | Self::CutUrl, _) => Self::CutUrl,
            (Self::LineStart | Self::Header, _) => Self::Header,
            (Self::Method(_) | Self::Line, _) => Self::Line,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    /// What a connection may consist of, whatever comes of it.
    const PARTS: [&[u8]; 16] = [
        b"GET ",
        b"/a?b=c",
        b" ",
        b"HTTP/1.1",
        b"\r",
        b"\n",
        b"\r\n",
        b"\r\n\r\n",
        b"Host: h",
        b"content-",
        b"Content-Length: 1",
        b"X-Content-Length: 1",
        b"transfer-encodin",
        b"g: chunked",
        b"\xC3\xA9#\"",
        &[b'x'; 20_000],
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn it_does_not_matter_where_pieces_end(parts in vec(select(&PARTS[..]), 0..30), piece in 2..50_usize) {
            let bytes = parts.concat();
            let by_bytes = mended_bytes(&bytes, 1);
            prop_assert!(mended_bytes(&bytes, piece) == by_bytes);
            prop_assert!(mended_bytes(&bytes, usize::MAX) == by_bytes);
        }
    }

    /// What comes of bytes that come in pieces of that size.
    fn mended_bytes(bytes: &[u8], piece: usize) -> Vec<u8> {
        let (mut mender, mut mended) = (UrlMender::default(), Vec::new());
        for piece in bytes.chunks(piece) {
            mender.mend(piece, &mut mended);
        }
        mended
    }

    fn mended(bytes: &[u8], piece: usize) -> String {
        String::from_utf8(mended_bytes(bytes, piece)).expect("whole characters")
    }

    #[test]
    fn only_long_urls_are_cut_wherever_the_pieces_end() {
        let long = |bytes: usize| format!("/{}", "x".repeat(bytes - 1));
        let head = "HTTP/1.1\r\nHost: h\r\nX-Length: 1\r\n\r\n";
        let requests = |url: &str| format!("\r\nGET {url} {head}GET /a HTTP/1.1\n\nGET {url} {head}");
        for bytes in [1, URL_BYTES_KEPT, URL_BYTES_KEPT + 1, 65_535, 200_000] {
            let expected = requests(&long(bytes.min(URL_BYTES_KEPT)));
            for piece in [1, 7, 1_000, 32_768, usize::MAX] {
                assert!(
                    mended(requests(&long(bytes)).as_bytes(), piece) == expected,
                    "{bytes} bytes in pieces of {piece}"
                );
            }
        }
    }

    #[test]
    fn whatever_may_be_a_body_is_left_as_it_is() {
        let long = "x".repeat(70_000);
        for header in ["Content-Length: 9", "content-length:9", "Transfer-Encoding: chunked"] {
            let rest = format!("{header}\r\n\r\n\n\nGET /é{long} HTTP/1.1\r\n\r\nGET /é HTTP/1.1\r\n\r\n");
            let request = format!("GET /é HTTP/1.1\r\nHost: h\r\n{rest}");
            let expected = format!("GET /%C3%A9 HTTP/1.1\r\nHost: h\r\n{rest}");
            for piece in [1, 5, usize::MAX] {
                assert!(mended(request.as_bytes(), piece) == expected, "{header} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn what_has_no_place_in_a_url_is_encoded_there_and_nowhere_else() {
        let request = "GET /é?a=\"<b>#c\t%20 HTTP/1.1\r\nX: é\"#\r\n\r\n\"é\"";
        let expected = "GET /%C3%A9?a=%22%3Cb%3E%23c%09%20 HTTP/1.1\r\nX: é\"#\r\n\r\n\"é\"";
        assert_eq!(mended(request.as_bytes(), 1), expected);
        assert_eq!(mended(b"GET /\xff\x00 HTTP/1.1\r\n", 3), "GET /%FF%00 HTTP/1.1\r\n");
        let long = mended(format!("GET /{} HTTP/1.1\r\n", "€".repeat(20_000)).as_bytes(), 4_096);
        let url =
            long.strip_prefix("GET ").and_then(|rest| rest.strip_suffix(" HTTP/1.1\r\n")).expect("a line");
        assert!((URL_BYTES_KEPT..URL_BYTES_KEPT + 3).contains(&url.len()), "{}", url.len());
    }

    #[test]
    fn who_never_stops_is_noticed() {
        let (mut mender, mut mended) = (UrlMender::default(), Vec::new());
        mender.mend(b"GET ", &mut mended);
        let piece = vec![b'x'; 1024 * 1024];
        for _ in 0..64 {
            mender.mend(&piece, &mut mended);
            assert!(!mender.is_endless());
        }
        mender.mend(&piece, &mut mended);
        assert!(mender.is_endless());
        mender.mend(b" HTTP/1.1\r\n", &mut mended);
        assert!(!mender.is_endless());
        assert_eq!(mended.len(), "GET ".len() + URL_BYTES_KEPT + " HTTP/1.1\r\n".len());
    }
}
