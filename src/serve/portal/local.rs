//! Where somebody is sent on to: only places of this portal. It follows nothing.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The longest place that is gone back to, in bytes.
const LONGEST: usize = 2_000;

/// What stands in a segment of a path as it is.
const SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'@');

/// Returns a place where it is one of this portal, and the overview otherwise.
pub(super) fn place(asked: Option<&str>) -> &str {
    asked.filter(|asked| is_local(asked)).unwrap_or("/")
}

fn is_local(asked: &str) -> bool {
    let plain = |one: u8| (0x21..0x7f).contains(&one) && one != b'\\';
    let own = asked.starts_with('/') && !asked.starts_with("//") && !asked.starts_with("/api/");
    own && asked.len() <= LONGEST && asked.bytes().all(plain)
}

/// Writes a text as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    // A path that goes up is never meant. A browser takes `%2E%2E` for one, too; nothing has a space at its end.
    if matches!(text, "." | "..") {
        return format!("{text}%20");
    }
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Writes a path with parameters; those that hold nothing are left out.
pub(super) fn link(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters.iter().filter(|(_, value)| !value.is_empty()));
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

/// Sends somebody on, after a form was taken.
pub(super) fn sent_to(place: &str) -> Response {
    let place = HeaderValue::from_str(place).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_away() {
        for own in ["/", "/runs/r-1?x=%0a", "/services?q=a&team=b"] {
            assert_eq!(place(Some(own)), own);
        }
        for away in [
            "",
            "runs",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nset-cookie: x",
            "/a b",
            "javascript:alert(1)",
            "/api/v1/runs",
            "/é",
            "\\\\evil",
            "/\t/evil.example",
        ] {
            assert_eq!(place(Some(away)), "/", "{away}");
        }
        assert_eq!(place(Some(&format!("/{}", "a".repeat(2_000)))), "/");
    }

    #[test]
    fn what_stands_in_a_path_stays_in_its_segment() {
        assert_eq!(segment("a/../b?c#d"), "a%2F..%2Fb%3Fc%23d");
        for up in [".", ".."] {
            let place = format!("https://t.example/services/{}/hold", segment(up));
            let read = url::Url::parse(&place).expect("a URL");
            assert_eq!(read.path(), format!("/services/{up}%20/hold"));
        }
        assert_eq!(link("/services", &[("q", "a&b"), ("team", "")]), "/services?q=a%26b");
        assert_eq!(link("/services", &[]), "/services");
    }
}
