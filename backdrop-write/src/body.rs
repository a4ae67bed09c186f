//! Reading a request's body within bounds.
//!
//! Only after the caller is known to be allowed: a body costs memory and time. It is inflated through a
//! bounded reader, so that a small body cannot become a large one.

use crate::error::WriteError;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap};
use actix_web::web::{Bytes, BytesMut, Payload};
use backdrop_core::error::ErrorCode;
use flate2::bufread::GzDecoder;
use futures_util::StreamExt;
use std::io::Read;
use std::time::Duration;

/// How large a body may be, and how long it may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyBounds {
    pub(crate) bytes: usize,
    pub(crate) timeout: Duration,
}

impl BodyBounds {
    /// Reads and inflates a body.
    pub(crate) async fn read(self, headers: &HeaderMap, payload: Payload) -> Result<Bytes, WriteError> {
        let encoding = Encoding::of(headers)?;
        let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if announced.is_some_and(|length: usize| length > self.bytes) {
            return Err(self.too_large());
        }
        let reading = self.collect(payload);
        let body = tokio::time::timeout(self.timeout, reading).await.map_err(|_| {
            let seconds = self.timeout.as_secs();
            WriteError::new(ErrorCode::SlowBody, format!("The body did not arrive within {seconds} s."))
        })??;
        match encoding {
            Encoding::Identity => Ok(body),
            Encoding::Gzip => {
                // Inflating ten megabytes takes a while; other requests share this thread.
                let inflated = tokio::task::spawn_blocking(move || self.inflate(&body)).await;
                inflated.unwrap_or_else(|_| Err(WriteError::new(ErrorCode::Internal, "Inflating failed.")))
            }
        }
    }

    async fn collect(self, mut payload: Payload) -> Result<Bytes, WriteError> {
        let mut body = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| {
                WriteError::new(ErrorCode::InvalidEncoding, format!("The body broke off: {error}"))
            })?;
            if body.len() + chunk.len() > self.bytes {
                return Err(self.too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    fn inflate(self, compressed: &[u8]) -> Result<Bytes, WriteError> {
        // An older Python client, repeating a request after a 5xx, sends its compressed body as nothing.
        if compressed.is_empty() {
            return Ok(Bytes::new());
        }
        let mut decoder = GzDecoder::new(compressed);
        let mut body = Vec::with_capacity((compressed.len() * 4).min(self.bytes));
        // One byte more than allowed tells that there is more.
        let bound = u64::try_from(self.bytes).unwrap_or(u64::MAX).saturating_add(1);
        decoder.by_ref().take(bound).read_to_end(&mut body).map_err(|error| {
            WriteError::new(ErrorCode::InvalidEncoding, format!("The body is not gzip as announced: {error}"))
        })?;
        if body.len() > self.bytes {
            return Err(self.too_large());
        }
        if !decoder.into_inner().is_empty() {
            let message = "There is more in the body after the end of what is compressed with gzip.";
            return Err(WriteError::new(ErrorCode::InvalidEncoding, message));
        }
        Ok(body.into())
    }

    fn too_large(self) -> WriteError {
        let message = format!(
            "The body, inflated, is larger than {} bytes. Send the records in several requests.",
            self.bytes
        );
        WriteError::new(ErrorCode::TooLarge, message)
    }
}

#[derive(Clone, Copy)]
enum Encoding {
    Identity,
    Gzip,
}

impl Encoding {
    fn of(headers: &HeaderMap) -> Result<Self, WriteError> {
        let mut values = headers.get_all(CONTENT_ENCODING);
        let value = values.next().map(|value| value.to_str().unwrap_or("?").trim().to_ascii_lowercase());
        match (value.as_deref(), values.next()) {
            (None | Some("identity" | ""), None) => Ok(Self::Identity),
            (Some("gzip" | "x-gzip"), None) => Ok(Self::Gzip),
            _ => Err(WriteError::new(
                ErrorCode::UnsupportedEncoding,
                "Expected header: Content-Encoding: gzip, or none.",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::ResponseError;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    const BOUNDS: BodyBounds = BodyBounds { bytes: 1_000, timeout: Duration::from_secs(1) };

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    fn status(compressed: &[u8]) -> u16 {
        BOUNDS.inflate(compressed).map_or_else(|error| error.status_code().as_u16(), |_| 200)
    }

    #[test]
    fn inflating_is_bounded_and_strict() {
        assert_eq!(BOUNDS.inflate(&gzip(b"[]")).expect("valid"), "[]");
        assert_eq!(BOUNDS.inflate(b"").expect("what an old client repeats"), "");
        assert_eq!(status(&gzip(&[0; 1_000])), 200);
        assert_eq!(status(&gzip(&[0; 1_001])), 413);
        assert_eq!(status(&gzip(&[0; 50_000_000])), 413);
        assert_eq!(status(&gzip(b"[]")[..15]), 400);
        assert_eq!(status(b"[]"), 400);
        assert_eq!(status(&[gzip(b"[]"), b"more".to_vec()].concat()), 400);
    }
}
