//! What the routes of all services share.

use crate::error_response::method_not_allowed;
use actix_web::{HttpResponse, Route, guard, web};

/// A route for `GET`, and for `HEAD`, which is `GET` without a body.
pub fn get() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// The route for every method that a known path does not take; `allow` lists the ones it takes.
pub fn only(allow: &'static str) -> Route {
    web::to(move || async move { Err::<HttpResponse, _>(method_not_allowed(allow)) })
}
