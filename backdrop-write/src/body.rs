//! Reading a request's body within bounds.
//!
//! Only after the caller is known to be allowed: a body costs memory and time. It is inflated through a
//! bounded reader, so that a small body cannot become a large one.
//!
//! **Invariant.** A body never stands in memory twice: what is plain is gathered where it stays, and what is
//! compressed is let go of as it is inflated.

mod encoding;
mod pieces;
mod room;

use crate::error::WriteError;
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};
use actix_web::web::{Bytes, Payload};
use backdrop_core::error::ErrorCode;
use encoding::{Compression, Encoding};
use futures_util::StreamExt;
pub(crate) use pieces::Pieces;
pub(crate) use room::{Room, Rooms};
use std::io::Read;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::Instant;

/// How long a body may take to begin in earnest, before its rate is looked at.
const RATE_GRACE: Duration = Duration::from_secs(5);
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

/// How large a body may be, how long it may take, and how many there may be at once.
#[derive(Clone, Debug)]
pub(crate) struct BodyBounds {
    pub(crate) bytes: usize,
    pub(crate) timeout: Duration,
    /// The bytes a second that must arrive, on the whole; 0: any number.
    pub(crate) rate: u32,
    pub(crate) rooms: Rooms,
}

impl BodyBounds {
    /// Reads and inflates a body that is soon let go of.
    pub(crate) async fn read(&self, headers: &HeaderMap, payload: Payload) -> Result<Bytes, WriteError> {
        self.read_to_keep(headers, payload).await.map(|(body, _room)| body)
    }

    /// Reads and inflates a body. What comes of it takes its room.
    pub(crate) async fn read_to_keep(
        &self,
        headers: &HeaderMap,
        payload: Payload,
    ) -> Result<(Bytes, Room), WriteError> {
        let (encoding, announced) = self.announced(headers)?;
        let mut room = self.rooms.none();
        match encoding {
            Encoding::Identity => {
                room.grow_to(announced.unwrap_or_default()).await?;
                let mut body = Vec::with_capacity(announced.unwrap_or_default());
                self.collect(payload, &mut body, &mut room).await?;
                Ok((body.into(), room))
            }
            Encoding::Compressed(compression) => {
                let (body, room) = self.collect_inflated::<Vec<u8>>(compression, payload, room).await?;
                Ok((body.into(), room))
            }
        }
    }

    /// Reads and inflates a body of which only a part is kept, so that the rest can be let go of.
    pub(crate) async fn read_in_pieces(
        &self,
        headers: &HeaderMap,
        payload: Payload,
    ) -> Result<(Pieces, Room), WriteError> {
        let (encoding, announced) = self.announced(headers)?;
        let mut room = self.rooms.none();
        match encoding {
            Encoding::Identity => {
                room.grow_to(announced.unwrap_or_default()).await?;
                let mut body = Pieces::default();
                self.collect(payload, &mut body, &mut room).await?;
                Ok((body, room))
            }
            Encoding::Compressed(compression) => self.collect_inflated(compression, payload, room).await,
        }
    }

    /// How the body is encoded, and how large it is, if the client tells beforehand.
    fn announced(&self, headers: &HeaderMap) -> Result<(Encoding, Option<usize>), WriteError> {
        let encoding = Encoding::of(headers)?;
        let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if announced.is_some_and(|length: usize| length > self.bytes) {
            return Err(self.too_large());
        }
        Ok((encoding, announced))
    }

    async fn collect_inflated<B>(
        &self,
        compression: Compression,
        payload: Payload,
        mut room: Room,
    ) -> Result<(B, Room), WriteError>
    where
        B: Body + Send + 'static,
    {
        let mut pieces = Pieces::default();
        self.collect(payload, &mut pieces, &mut room).await?;
        let bounds = self.clone();
        // Inflating ten megabytes takes a while; other requests share this thread.
        let inflated = tokio::task::spawn_blocking(move || {
            let runtime = Handle::current();
            let body = bounds.inflate(compression, pieces, |bytes| runtime.block_on(room.grow_to(bytes)))?;
            Ok((body, room))
        });
        inflated.await.unwrap_or_else(|_| Err(WriteError::new(ErrorCode::Internal, "Inflating failed.")))
    }

    /// Adds what arrives to the body, as long as it is within the bounds.
    async fn collect(
        &self,
        mut payload: Payload,
        body: &mut impl Body,
        room: &mut Room,
    ) -> Result<(), WriteError> {
        let mut began = Instant::now();
        let mut bytes = 0;
        loop {
            let next = tokio::time::timeout_at(began + self.time_for(bytes), payload.next()).await;
            let Some(chunk) = next.map_err(|_| self.too_slow())? else { return Ok(()) };
            let chunk = chunk.map_err(|error| {
                WriteError::new(ErrorCode::InvalidEncoding, format!("The body broke off: {error}"))
            })?;
            bytes += chunk.len();
            if bytes > self.bytes {
                return Err(self.too_large());
            }
            let asked = Instant::now();
            room.grow_to(bytes).await?;
            // It is not the client who was slow.
            began += asked.elapsed();
            body.push(&chunk);
        }
    }

    /// How long after its beginning a body may still bring something, so many bytes of which have arrived.
    fn time_for(&self, bytes: usize) -> Duration {
        let at_rate = |rate| RATE_GRACE + Duration::from_secs((bytes / rate) as u64);
        let rate = usize::try_from(self.rate).unwrap_or(usize::MAX);
        if rate == 0 { self.timeout } else { self.timeout.min(at_rate(rate)) }
    }

    fn too_slow(&self) -> WriteError {
        let (seconds, rate, grace) = (self.timeout.as_secs(), self.rate, RATE_GRACE.as_secs());
        let mut message = format!("The body did not arrive within its time: {seconds} s for all of it");
        if rate > 0 {
            message.push_str(&format!(", and {rate} bytes a second or more after the first {grace} s"));
        }
        message.push('.');
        WriteError::new(ErrorCode::SlowBody, message)
    }

    fn inflate<B: Body>(
        &self,
        compression: Compression,
        compressed: Pieces,
        mut make_room: impl FnMut(usize) -> Result<(), WriteError>,
    ) -> Result<B, WriteError> {
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
            make_room(bytes)?;
            body.push(chunk);
        }
        if !decoder.finish().map_err(invalid)?.is_empty() {
            let message =
                format!("There is more in the body after the end of what is compressed with {compression}.");
            return Err(WriteError::new(ErrorCode::InvalidEncoding, message));
        }
        Ok(body)
    }

    fn too_large(&self) -> WriteError {
        let message = format!(
            "The body, inflated, is larger than {} bytes. Send the records in several requests.",
            self.bytes
        );
        WriteError::new(ErrorCode::TooLarge, message)
    }
}

#[cfg(test)]
mod tests;
