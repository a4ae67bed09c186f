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
pub(crate) use pieces::Pieces;
use std::io::Read;
use std::time::Duration;

/// How much is inflated before it is counted.
const INFLATED_AT_ONCE_BYTES: usize = 16 * 1024;

/// Where a body is gathered.
trait Body: Default {
    fn push(&mut self, chunk: &[u8]);

    /// With room for so many bytes, if that is of use: a text that grows is copied.
    fn with_room(bytes: usize) -> Self;
}

impl Body for Vec<u8> {
    fn push(&mut self, chunk: &[u8]) {
        self.extend_from_slice(chunk);
    }

    fn with_room(bytes: usize) -> Self {
        Self::with_capacity(bytes)
    }
}

impl Body for Pieces {
    fn push(&mut self, chunk: &[u8]) {
        self.push(chunk);
    }

    fn with_room(_bytes: usize) -> Self {
        Self::default()
    }
}

/// How large a body may be, and how long it may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyBounds {
    pub(crate) bytes: usize,
    pub(crate) timeout: Duration,
}

impl BodyBounds {
    /// Reads and inflates a body.
    pub(crate) async fn read(self, headers: &HeaderMap, payload: Payload) -> Result<Bytes, WriteError> {
        let (encoding, announced) = self.announced(headers)?;
        match encoding {
            Encoding::Identity => {
                let mut body = Vec::with_capacity(announced.unwrap_or_default());
                self.collect(payload, &mut body).await?;
                Ok(body.into())
            }
            Encoding::Compressed(compression) => {
                let body: Vec<u8> = self.collect_inflated(compression, payload).await?;
                Ok(body.into())
            }
        }
    }

    /// Reads and inflates a body of which only a part is kept, so that the rest can be let go of.
    pub(crate) async fn read_in_pieces(
        self,
        headers: &HeaderMap,
        payload: Payload,
    ) -> Result<Pieces, WriteError> {
        let (encoding, _) = self.announced(headers)?;
        match encoding {
            Encoding::Identity => {
                let mut body = Pieces::default();
                self.collect(payload, &mut body).await?;
                Ok(body)
            }
            Encoding::Compressed(compression) => self.collect_inflated(compression, payload).await,
        }
    }

    /// How the body is encoded, and how large it is, if the client tells beforehand.
    fn announced(self, headers: &HeaderMap) -> Result<(Encoding, Option<usize>), WriteError> {
        let encoding = Encoding::of(headers)?;
        let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if announced.is_some_and(|length: usize| length > self.bytes) {
            return Err(self.too_large());
        }
        Ok((encoding, announced))
    }

    async fn collect_inflated<B>(self, compression: Compression, payload: Payload) -> Result<B, WriteError>
    where
        B: Body + Send + 'static,
    {
        let mut pieces = Pieces::default();
        self.collect(payload, &mut pieces).await?;
        // Inflating ten megabytes takes a while; other requests share this thread.
        let inflated = tokio::task::spawn_blocking(move || self.inflate(compression, pieces)).await;
        inflated.unwrap_or_else(|_| Err(WriteError::new(ErrorCode::Internal, "Inflating failed.")))
    }

    /// Adds what arrives to the body, as long as it is within the bounds.
    async fn collect(self, payload: Payload, body: &mut impl Body) -> Result<(), WriteError> {
        let reading = self.collect_all(payload, body);
        tokio::time::timeout(self.timeout, reading).await.map_err(|_| {
            let seconds = self.timeout.as_secs();
            WriteError::new(ErrorCode::SlowBody, format!("The body did not arrive within {seconds} s."))
        })?
    }

    async fn collect_all(self, mut payload: Payload, body: &mut impl Body) -> Result<(), WriteError> {
        let mut bytes = 0;
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| {
                WriteError::new(ErrorCode::InvalidEncoding, format!("The body broke off: {error}"))
            })?;
            bytes += chunk.len();
            if bytes > self.bytes {
                return Err(self.too_large());
            }
            body.push(&chunk);
        }
        Ok(())
    }

    fn inflate<B: Body>(self, compression: Compression, compressed: Pieces) -> Result<B, WriteError> {
        // An older Python client, repeating a request after a 5xx, sends its compressed body as nothing.
        if compressed.is_empty() {
            return Ok(B::default());
        }
        let invalid = |error: std::io::Error| {
            let message = format!("The body is not {compression} as announced: {error}");
            WriteError::new(ErrorCode::InvalidEncoding, message)
        };
        let mut body = B::with_room((compressed.len() * 4).min(self.bytes));
        let mut bytes = 0;
        let mut decoder = compression.decoder(compressed).map_err(invalid)?;
        let mut buffer = [0; INFLATED_AT_ONCE_BYTES];
        loop {
            let chunk = match decoder.read(&mut buffer).map_err(invalid)? {
                0 => break,
                read => &buffer[..read],
            };
            bytes += chunk.len();
            if bytes > self.bytes {
                return Err(self.too_large());
            }
            body.push(chunk);
        }
        if !decoder.finish().map_err(invalid)?.is_empty() {
            let message =
                format!("There is more in the body after the end of what is compressed with {compression}.");
            return Err(WriteError::new(ErrorCode::InvalidEncoding, message));
        }
        Ok(body)
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
