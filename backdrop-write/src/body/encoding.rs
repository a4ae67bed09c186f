//! How a body is compressed, by its `Content-Encoding`.

use super::pieces::Pieces;
use crate::error::WriteError;
use actix_web::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderValue};
use backdrop_core::error::{ApiError, ErrorCode};
use backdrop_service::error_response::ErrorResponse;
use flate2::bufread::GzDecoder;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};
use std::fmt;
use std::io::{Error, Read, Result};

/// The largest window of a zstd frame: what RFC 8878 recommends to support. It is held in memory besides
/// what it inflates to.
const ZSTD_WINDOW_BYTES_MAX: u64 = 8 << 20;

/// How a body is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Not at all.
    Identity,
    /// Compressed, once.
    Compressed(Compression),
}

/// An encoding that makes bodies smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Zstd,
}

impl Encoding {
    pub(super) fn of(headers: &HeaderMap) -> std::result::Result<Self, WriteError> {
        let mut values = headers.get_all(CONTENT_ENCODING);
        let value = values.next().map(|value| value.to_str().unwrap_or("?").trim().to_ascii_lowercase());
        match (value.as_deref(), values.next()) {
            (None | Some("identity" | ""), None) => Ok(Self::Identity),
            (Some("gzip" | "x-gzip"), None) => Ok(Self::Compressed(Compression::Gzip)),
            (Some("zstd"), None) => Ok(Self::Compressed(Compression::Zstd)),
            _ => {
                let message =
                    "Expected header: Content-Encoding: gzip, or zstd, or none; only one of them, once.";
                let error = ApiError::new(ErrorCode::UnsupportedEncoding, message);
                let accepted = HeaderValue::from_static("gzip, zstd");
                Err(ErrorResponse::new(error).with_header(ACCEPT_ENCODING, accepted).into())
            }
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

/// Inflates one member, or one frame.
pub(super) enum Inflating {
    Gzip(Box<GzDecoder<Pieces>>),
    Zstd(Box<StreamingDecoder<Pieces, FrameDecoder>>),
}

impl Compression {
    /// A reader of what the pieces inflate to.
    pub(super) fn decoder(self, compressed: Pieces) -> Result<Inflating> {
        match self {
            Self::Gzip => Ok(Inflating::Gzip(Box::new(GzDecoder::new(compressed)))),
            Self::Zstd => StreamingDecoder::new_with_max_window_size(compressed, ZSTD_WINDOW_BYTES_MAX)
                .map(|decoder| Inflating::Zstd(Box::new(decoder)))
                .map_err(Error::other),
        }
    }
}

impl Inflating {
    /// What is left after the end; call it once everything was read.
    pub(super) fn finish(self) -> Result<Pieces> {
        match self {
            Self::Gzip(decoder) => Ok(decoder.into_inner()),
            Self::Zstd(decoder) => {
                let (rest, frame) = decoder.into_parts();
                let told = frame.get_checksum_from_data();
                if told.is_some() && told != frame.get_calculated_checksum() {
                    return Err(Error::other("the checksum does not fit"));
                }
                Ok(rest)
            }
        }
    }
}

impl Read for Inflating {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        match self {
            Self::Gzip(decoder) => decoder.read(into),
            Self::Zstd(decoder) => decoder.read(into),
        }
    }
}
