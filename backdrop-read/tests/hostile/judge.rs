//! What any answer must be, whatever was asked.

use crate::wire::Reply;
use backdrop_core::query::PARAMETERS;

/// What else a refusal may be about.
const OTHER_SUBJECTS: [&str; 5] = ["parameter", "percent-encoded", "URL", "path", "request"];
/// Shorter than this nothing is said about what to do.
const MESSAGE_MIN: usize = 20;

/// What is wrong with an answer; nothing if it is one that any question may get.
pub(crate) fn fault(reply: &Reply) -> Option<String> {
    match reply.status {
        200 | 304 => None,
        400 | 404 | 414 => fault_of_refusal(reply),
        _ => Some(format!("{} {}", reply.head, String::from_utf8_lossy(&reply.body))),
    }
}

fn fault_of_refusal(reply: &Reply) -> Option<String> {
    let Some(error) = reply.json() else {
        return Some(format!("{}: not JSON: {:?}", reply.status, String::from_utf8_lossy(&reply.body)));
    };
    let code = error["code"].as_str().unwrap_or_default();
    let message = error["message"].as_str().unwrap_or_default();
    // As the original has said it since ever.
    if (code, message) == ("data_set_not_found", "data_set not found") {
        return None;
    }
    let is_about = |subject: &&str| message.contains(subject);
    let says_about_what = PARAMETERS.iter().any(is_about) || OTHER_SUBJECTS.iter().any(is_about);
    if error["status"] != "error" || code.is_empty() || message.len() < MESSAGE_MIN || !says_about_what {
        return Some(format!("{}: says too little: {error}", reply.status));
    }
    (reply.header("access-control-allow-origin") != Some("*"))
        .then(|| "no page may read the refusal: access-control-allow-origin is not *".to_owned())
}
