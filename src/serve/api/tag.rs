//! `ETag`, `If-None-Match` and `If-Match`: the tag is a hash of what is shown, so what is the same has the same tag.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use crate::digest::Digest;
use crate::serve::problem::Problem;

/// Shows something with its tag; says only that it is the same where whoever asks has it.
pub(in crate::serve) fn shown<T: Serialize>(headers: &HeaderMap, value: &T) -> Response {
    let body = serde_json::to_vec(value).unwrap_or_default();
    let tag = tag_of(&body);
    let same = headers.get(header::IF_NONE_MATCH).is_some_and(|asked| names(asked, &tag));
    let mut response = if same {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Response::new(Body::from(body));
        let kind = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    // It may be kept, and is asked for again each time.
    let again = HeaderValue::from_static("private, no-cache");
    response.headers_mut().insert(header::CACHE_CONTROL, again);
    response
}

/// Tells whether something is asked for as people read it.
pub(in crate::serve) fn wants_text(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.trim_start().starts_with("text/plain"))
}

/// Shows something as people read it.
pub(in crate::serve) fn shown_as_text(text: String) -> Response {
    let held = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, "private, no-store"),
        (header::VARY, "accept"),
    ];
    (held, text).into_response()
}

/// Refuses a word on something that is no longer as whoever says it saw it.
pub(in crate::serve) fn must_match<T: Serialize>(
    headers: &HeaderMap,
    value: impl FnOnce() -> T,
) -> Result<(), Problem> {
    let Some(asked) = headers.get(header::IF_MATCH) else { return Ok(()) };
    let body = serde_json::to_vec(&value()).unwrap_or_default();
    let tag = tag_of(&body);
    if names(asked, &tag) {
        return Ok(());
    }
    let problem = Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "changed",
        "it is no longer as you saw it: look again, and say it with the new tag",
    );
    Err(match HeaderValue::from_str(&tag) {
        Ok(tag) => problem.header_of(header::ETAG, tag),
        Err(_) => problem,
    })
}

fn tag_of(body: &[u8]) -> String {
    let digest = Digest::of_bytes(body).to_string();
    format!("\"{}\"", digest.get(..32).unwrap_or_default())
}

fn names(asked: &HeaderValue, tag: &str) -> bool {
    let Ok(asked) = asked.to_str() else { return false };
    let mut all = asked.split(',').map(str::trim);
    all.any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).expect("a value"))])
    }

    #[test]
    fn the_same_is_not_sent_twice_and_the_changed_not_acted_upon() {
        let first = shown(&HeaderMap::new(), &"a");
        let tag = first.headers()[header::ETAG].to_str().expect("text").to_owned();
        assert_eq!(first.status(), 200);
        for asked in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            assert_eq!(shown(&with(header::IF_NONE_MATCH, &asked), &"a").status(), 304, "{asked}");
        }
        assert_eq!(shown(&with(header::IF_NONE_MATCH, &tag), &"b").status(), 200);
        assert!(must_match(&with(header::IF_MATCH, &tag), || "a").is_ok());
        assert!(must_match(&HeaderMap::new(), || "b").is_ok());
        let refused = must_match(&with(header::IF_MATCH, &tag), || "b").expect_err("refused");
        assert_eq!(refused.status(), 412);
    }
}
