//! Reads forms that come with files. A file becomes a field that holds its name, its type and its bytes; nothing is written anywhere.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use futures_util::stream;
use multer::{Constraints, Multipart, SizeLimit};

use super::fields::Kept;
use super::form::Form;
use crate::serve::problem::Problem;

/// Parts of one form.
const MOST: usize = 2_000;

/// The largest file, in bytes; the catalog may allow less.
const LARGEST_FILE: u64 = 256 * 1024;

/// The largest field that is no file, in bytes: it may hold a file that was sent before.
const LARGEST_FIELD: u64 = 512 * 1024;

/// Reads a form of parts.
pub(super) async fn parts_of(kind: &str, bytes: Bytes) -> Result<Form, Problem> {
    let odd = || Problem::new(StatusCode::BAD_REQUEST, "body", "the form can't be read");
    let boundary = multer::parse_boundary(kind).map_err(|_| odd())?;
    let limit = SizeLimit::new().per_field(LARGEST_FIELD);
    let body = stream::iter([Ok::<_, std::convert::Infallible>(bytes)]);
    let constraints = Constraints::new().size_limit(limit);
    let mut parts = Multipart::with_constraints(body, boundary, constraints);
    let mut pairs = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(|_| odd())? {
        let name = part.name().unwrap_or_default().to_owned();
        let file = part.file_name().map(str::to_owned);
        let media_type = part.content_type().map(ToString::to_string).unwrap_or_default();
        let held = part.bytes().await.map_err(|error| match error {
            multer::Error::FieldSizeExceeded { .. } => too_large(&name),
            _ => odd(),
        })?;
        if pairs.len() >= MOST {
            return Err(odd());
        }
        match file {
            // Browsers send the part of a file that nobody chose.
            Some(file) if file.is_empty() && held.is_empty() => {}
            Some(_) if held.len() as u64 > LARGEST_FILE => return Err(too_large(&name)),
            Some(file) => {
                let kept = Kept { name: file, media_type, content: BASE64.encode(&held) };
                pairs.push((name, kept.written()));
            }
            None => {
                let text = String::from_utf8(held.to_vec()).ok();
                let text = text.filter(|text| !text.contains('\0'));
                pairs.extend(text.map(|text| (name, text.replace("\r\n", "\n"))));
            }
        }
    }
    Ok(Form::of(pairs))
}

fn too_large(name: &str) -> Problem {
    let name = crate::serve::problem::shortened(name);
    let detail = format!("what was sent as `{name}` has more than {LARGEST_FILE} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "multipart/form-data; boundary=x";

    async fn read(body: &str) -> Result<Form, u16> {
        let bytes = Bytes::from(body.replace('\n', "\r\n").into_bytes());
        parts_of(KIND, bytes).await.map_err(|problem| problem.status().as_u16())
    }

    #[tokio::test]
    async fn fields_and_files_are_read() {
        let form = read(
            "--x\nContent-Disposition: form-data; name=\"a\"\n\none\ntwo\n\
             --x\nContent-Disposition: form-data; name=\"file.cert\"; filename=\"ca.pem\"\nContent-Type: text/plain\n\nabc\n\
             --x\nContent-Disposition: form-data; name=\"file.none\"; filename=\"\"\nContent-Type: application/octet-stream\n\n\n--x--\n",
        )
        .await
        .expect("a form");
        assert_eq!(form.get("a"), Some("one\ntwo"));
        let kept: Kept = serde_json::from_str(form.text("file.cert")).expect("a file");
        assert_eq!((kept.name.as_str(), kept.content.as_str()), ("ca.pem", "YWJj"));
        assert_eq!(form.get("file.none"), None);
    }

    #[tokio::test]
    async fn what_is_no_form_or_too_large_is_refused() {
        for odd in
            ["", "--x", "--y\n\n--y--", "--x\nContent-Disposition: form-data; name=\"a\"\n\ncut"]
        {
            assert_eq!(read(odd).await.expect_err(odd), 400);
        }
        let large = format!(
            "--x\nContent-Disposition: form-data; name=\"file.a\"; filename=\"a\"\n\n{}\n--x--\n",
            "a".repeat(300 * 1024)
        );
        assert_eq!(read(&large).await.expect_err("too large"), 413);
        assert!(parts_of("multipart/form-data", Bytes::new()).await.is_err());
        let mut bytes = b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n".to_vec();
        bytes.extend([0xff, 0xfe]);
        bytes.extend(b"\r\n--x--\r\n");
        let form = parts_of(KIND, Bytes::from(bytes)).await.expect("a form");
        assert_eq!(form.get("a"), None, "what is no text is left out");
    }
}
