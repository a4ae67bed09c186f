//! `POST /data/{group}/{type}/upload`: stores the records of a file, as a form in a browser or `curl -F` sends
//! it.

use super::State;
use super::data::{Received, SheetQuery};
use super::record::is_not_for_a_record;
use crate::body::Pieces;
use crate::error::WriteError;
use crate::formats::Format;
use actix_web::guard;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{self, Bytes, Data, Path, Payload, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::error::{ErrorCode, chain};
use backdrop_service::request::RequestId;
use backdrop_service::routing::only;
use futures_util::{Stream, stream};
use multer::{Field, Multipart};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(
        web::resource("/data/{group}/{type}/upload")
            .guard(guard::fn_guard(is_not_for_a_record))
            .post(upload)
            .default_service(only("POST, PATCH, DELETE")),
    );
}

async fn upload(
    state: Data<State>,
    path: Path<(String, String)>,
    query: Query<SheetQuery>,
    request: HttpRequest,
    request_id: RequestId,
    payload: Payload,
) -> Result<HttpResponse, WriteError> {
    let known = state.data_set(&path.0, &path.1).await?;
    let mut received = Received::admit(&state, known, &request)?;
    let (body, room) = state.body.read_in_pieces(request.headers(), payload).await?;
    let (format, file) = one_file(body, boundary(&request)?).await?;
    (received.body, received.room) = (file, Some(room));
    received.store(&state, format, query.into_inner(), request_id, json!({"status": "ok"})).await
}

fn boundary(request: &HttpRequest) -> Result<String, WriteError> {
    let value = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    multer::parse_boundary(value).map_err(|_| {
        let message = "Expected header: Content-type: multipart/form-data; boundary=…";
        WriteError::new(ErrorCode::UnsupportedContentType, message)
    })
}

/// The file of a form and its format. Fields that are no files, which pages add for their own ends, are skipped.
async fn one_file(body: Pieces, boundary: String) -> Result<(Format, Bytes), WriteError> {
    let bytes_max = body.len();
    let taken = Arc::new(AtomicUsize::new(0));
    let mut form = Multipart::new(one_by_one(body, Arc::clone(&taken)), boundary);
    let mut file = None;
    loop {
        taken.store(0, Ordering::Relaxed);
        let Some(mut field) = form.next_field().await.map_err(broken)? else { break };
        taken.store(NO_HEADERS, Ordering::Relaxed);
        let Some(name) = field.file_name().map(str::to_owned) else {
            while field.chunk().await.map_err(broken)?.is_some() {}
            continue;
        };
        if file.is_some() {
            return Err(WriteError::new(ErrorCode::InvalidUpload, "Expected one file, found more than one."));
        }
        let format = Format::of_file(field.content_type().map(AsRef::as_ref), &name)?;
        file = Some((format, read_file(field, bytes_max).await?));
    }
    let message = "Expected one file, found none: give the part a file name.";
    file.ok_or_else(|| WriteError::new(ErrorCode::InvalidUpload, message))
}

/// How many pieces of a body the parser may take for the headers of a part, or for what stands before the first: it
/// gathers all of them before it looks for their end. Two, because they may begin at the end of one.
const HEADER_PIECES_MAX: usize = 2;
/// While the content of a part is read, of which nothing is gathered.
const NO_HEADERS: usize = usize::MAX;

/// The headers of a part do not end.
#[derive(Debug, thiserror::Error)]
#[error("the headers of a part are too long")]
struct EndlessHeaders;

/// A body piece by piece: the parser takes all that there is before it looks at any of it, and would else hold the
/// whole body once more. Counts those that are taken for headers.
fn one_by_one(body: Pieces, taken: Arc<AtomicUsize>) -> impl Stream<Item = Result<Bytes, EndlessHeaders>> {
    stream::unfold((body, taken), |(mut rest, taken)| async {
        tokio::task::yield_now().await;
        let piece = rest.take_first()?;
        let count = taken.load(Ordering::Relaxed);
        if count == NO_HEADERS {
            return Some((Ok(piece.into()), (rest, taken)));
        }
        taken.store(count + 1, Ordering::Relaxed);
        let piece = if count < HEADER_PIECES_MAX { Ok(piece.into()) } else { Err(EndlessHeaders) };
        Some((piece, (rest, taken)))
    })
}

async fn read_file(mut field: Field<'_>, bytes_max: usize) -> Result<Bytes, WriteError> {
    // With room for all of it: a text that grows is copied.
    let mut file = Vec::with_capacity(bytes_max);
    while let Some(chunk) = field.chunk().await.map_err(broken)? {
        file.extend_from_slice(&chunk);
    }
    if file.is_empty() {
        return Err(WriteError::new(ErrorCode::EmptyBody, "The file is empty."));
    }
    Ok(file.into())
}

fn broken(error: multer::Error) -> WriteError {
    let message = format!("The upload cannot be read as multipart/form-data: {}", chain(&error));
    WriteError::new(ErrorCode::InvalidUpload, message)
}
