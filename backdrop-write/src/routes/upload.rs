//! `POST /data/{group}/{type}/upload`: stores the records of a file, as a form in a browser or `curl -F` sends
//! it.

use super::State;
use super::data::{Received, SheetQuery};
use super::record::is_not_for_a_record;
use crate::error::WriteError;
use crate::formats::Format;
use actix_web::guard;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{self, Bytes, Data, Path, Payload, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::error::ErrorCode;
use backdrop_service::request::RequestId;
use backdrop_service::routing::only;
use futures_util::stream;
use multer::{Field, Multipart};
use serde_json::json;
use std::convert::Infallible;

/// The body is handed to the parser in parts of this size, each of which it copies.
const PART_BYTES: usize = 64 * 1024;

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
    let mut received = Received::take(&state, known, &request, payload).await?;
    let boundary = boundary(&request)?;
    let (format, file) = one_file(std::mem::take(&mut received.body), boundary).await?;
    received.body = file;
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
async fn one_file(body: Bytes, boundary: String) -> Result<(Format, Bytes), WriteError> {
    let mut rest = body;
    let parts = std::iter::from_fn(move || {
        let part = rest.split_to(rest.len().min(PART_BYTES));
        (!part.is_empty()).then_some(Ok::<_, Infallible>(part))
    });
    let mut form = Multipart::new(stream::iter(parts), boundary);
    let mut file = None;
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let Some(name) = field.file_name().map(str::to_owned) else { continue };
        if file.is_some() {
            return Err(WriteError::new(ErrorCode::InvalidUpload, "Expected one file, found more than one."));
        }
        file = Some(read_file(field, &name).await?);
    }
    let message = "Expected one file, found none: give the part a file name.";
    file.ok_or_else(|| WriteError::new(ErrorCode::InvalidUpload, message))
}

async fn read_file(field: Field<'_>, name: &str) -> Result<(Format, Bytes), WriteError> {
    let format = Format::of_file(field.content_type().map(AsRef::as_ref), name)?;
    let bytes = field.bytes().await.map_err(broken)?;
    if bytes.is_empty() {
        return Err(WriteError::new(ErrorCode::EmptyBody, "The file is empty."));
    }
    Ok((format, bytes))
}

fn broken(error: multer::Error) -> WriteError {
    let message = format!("The upload cannot be read as multipart/form-data: {error}");
    WriteError::new(ErrorCode::InvalidUpload, message)
}
