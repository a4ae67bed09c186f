//! Reading a request's body within bounds.
//!
//! Only after the caller is known to be allowed: a body costs memory and time. It is inflated through a
//! bounded reader, so that a small body cannot become a large one.
//!
//! **Invariant.** A body never stands in memory twice: what is plain is gathered where it stays, and what is
//! compressed is let go of as it is inflated.

mod encoding;
mod pieces;

use crate::error::WriteError;
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};
use actix_web::web::{Bytes, Payload};
use backdrop_core::error::ErrorCode;
use encoding::{Compression, Encoding};
use futures_util::StreamExt;
use pieces::Pieces;
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
        match encoding {
            Encoding::Identity => {
                let mut body = Vec::with_capacity(announced.unwrap_or_default());
                self.collect(payload, |chunk| body.extend_from_slice(chunk)).await?;
                Ok(body.into())
            }
            Encoding::Compressed(compression) => {
                let mut pieces = Pieces::default();
                self.collect(payload, |chunk| pieces.push(chunk)).await?;
                // Inflating ten megabytes takes a while; other requests share this thread.
                let inflated = tokio::task::spawn_blocking(move || self.inflate(compression, pieces)).await;
                inflated.unwrap_or_else(|_| Err(WriteError::new(ErrorCode::Internal, "Inflating failed.")))
            }
        }
    }

    /// Hands over what arrives, as long as it is within the bounds.
    async fn collect(self, payload: Payload, take: impl FnMut(&[u8])) -> Result<(), WriteError> {
        let reading = self.collect_all(payload, take);
        tokio::time::timeout(self.timeout, reading).await.map_err(|_| {
            let seconds = self.timeout.as_secs();
            WriteError::new(ErrorCode::SlowBody, format!("The body did not arrive within {seconds} s."))
        })?
    }

    async fn collect_all(self, mut payload: Payload, mut take: impl FnMut(&[u8])) -> Result<(), WriteError> {
        let mut bytes = 0;
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| {
                WriteError::new(ErrorCode::InvalidEncoding, format!("The body broke off: {error}"))
            })?;
            bytes += chunk.len();
            if bytes > self.bytes {
                return Err(self.too_large());
            }
            take(&chunk);
        }
        Ok(())
    }

    fn inflate(self, compression: Compression, compressed: Pieces) -> Result<Bytes, WriteError> {
        // An older Python client, repeating a request after a 5xx, sends its compressed body as nothing.
        if compressed.is_empty() {
            return Ok(Bytes::new());
        }
        let invalid = |error: std::io::Error| {
            let message = format!("The body is not {compression} as announced: {error}");
            WriteError::new(ErrorCode::InvalidEncoding, message)
        };
        let mut body = Vec::with_capacity((compressed.len() * 4).min(self.bytes));
        // One byte more than allowed tells that there is more.
        let bound = u64::try_from(self.bytes).unwrap_or(u64::MAX).saturating_add(1);
        let mut decoder = compression.decoder(compressed).map_err(invalid)?;
        decoder.by_ref().take(bound).read_to_end(&mut body).map_err(invalid)?;
        if body.len() > self.bytes {
            return Err(self.too_large());
        }
        if !decoder.finish().map_err(invalid)?.is_empty() {
            let message =
                format!("There is more in the body after the end of what is compressed with {compression}.");
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

#[cfg(test)]
mod tests;
