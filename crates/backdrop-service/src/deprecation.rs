//! What answers say on the paths by name, which are deprecated.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, LINK};
use backdrop_core::data_set::DataSet;

/// The path by name has been deprecated since the one by group and type came, at the start of 2014. The
/// form is that of RFC 9745: an `@` and seconds since 1970.
const DEPRECATED_SINCE: &str = "@1388534400";
const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");

/// Says since when the path of the data set by name is deprecated, and which one to use.
pub fn announce(headers: &mut HeaderMap, data_set: &DataSet) {
    let successor =
        format!("</data/{}/{}>; rel=\"successor-version\"", data_set.data_group, data_set.data_type);
    headers.insert(DEPRECATION, HeaderValue::from_static(DEPRECATED_SINCE));
    if let Ok(successor) = HeaderValue::from_str(&successor) {
        headers.append(LINK, successor);
    }
}
