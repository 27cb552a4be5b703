//! Reads requests: paths, queries and bodies, each refused with a problem that names the place. It never guesses.

use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::body::{Bytes, HttpBody as _};
use axum::extract::{FromRequest, FromRequestParts, Path, RawQuery, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::serve::problem::{Pointed, Problem, shortened};

/// A body of JSON, or what is wrong with it; unknown fields, fields that are given twice and what stands behind it are.
/// Whoever may not send it is told that first, so it is opened by the handler.
pub(in crate::serve) struct Json<T>(pub(in crate::serve) Result<T, Problem>);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Infallible;

    async fn from_request(request: Request, state: &S) -> Result<Self, Infallible> {
        if !is_json(request.headers()) {
            let detail = "send the body as `Content-Type: application/json`";
            let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", detail);
            return Ok(Self(Err(problem)));
        }
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|_| {
            Problem::new(StatusCode::BAD_REQUEST, "body", "the body could not be read")
        });
        Ok(Self(bytes.and_then(|bytes| read(&bytes))))
    }
}

/// A body of JSON, or none at all: then it says nothing.
pub(in crate::serve) struct MaybeJson<T>(pub(in crate::serve) Result<T, Problem>);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for MaybeJson<T> {
    type Rejection = Infallible;

    async fn from_request(request: Request, state: &S) -> Result<Self, Infallible> {
        let is_none = request.body().size_hint().exact() == Some(0);
        if is_none {
            return Ok(Self(Ok(T::default())));
        }
        let Json(read) = Json::from_request(request, state).await?;
        Ok(Self(read))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/json")
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // A record would also be read from a list of its values, which nobody means.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(Problem::unfit("", "the body is to be an object, and is a list"));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = pointer_of(error.path());
        let detail = error.inner().to_string();
        if error.inner().is_data() {
            return Problem::unfit(pointer, detail);
        }
        Problem::new(StatusCode::BAD_REQUEST, "body", format!("the body is not JSON: {detail}"))
            .with(Pointed::Pointer(pointer), detail)
    })?;
    reader.end().map_err(|error| {
        let detail = format!("something stands behind the JSON of the body: {error}");
        Problem::new(StatusCode::BAD_REQUEST, "body", detail)
    })?;
    Ok(read)
}

fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let segment = |segment: &Segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { variant } => format!("/{variant}"),
        Segment::Unknown => String::new(),
    };
    path.iter().map(segment).collect()
}

/// The parameters of a query; those that nobody takes out of it are refused.
pub(in crate::serve) struct Query(BTreeMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let RawQuery(query) = match RawQuery::from_request_parts(parts, state).await {
            Ok(query) => query,
            Err(never) => match never {},
        };
        let mut read = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            if value.contains('\u{fffd}') || value.contains('\0') {
                return Err(Problem::parameter(&shortened(&name), "it is not text"));
            }
            if read.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(Problem::parameter(&shortened(&name), "it is given twice"));
            }
        }
        Ok(Self(read))
    }
}

impl Query {
    /// Takes a parameter out.
    pub(in crate::serve) fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// Takes `limit` and `cursor` out, the latter as it was sent.
    pub(in crate::serve) fn page(&mut self) -> Result<(u32, Option<String>), Problem> {
        let limit = super::page::limit(self.take("limit").as_deref())?;
        Ok((limit, self.take("cursor")))
    }

    /// Takes a parameter out that is one of some words.
    pub(in crate::serve) fn word<T: DeserializeOwned>(
        &mut self,
        name: &str,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.take(name) else { return Ok(None) };
        let read = serde_json::from_value(serde_json::Value::String(text));
        read.map(Some).map_err(|error| Problem::parameter(name, error.to_string()))
    }

    /// Takes a parameter out that is `true` or `false`.
    pub(in crate::serve) fn flag(&mut self, name: &str) -> Result<Option<bool>, Problem> {
        match self.take(name).as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(Problem::parameter(name, "`true` or `false`")),
        }
    }

    /// Refuses what is left.
    pub(in crate::serve) fn done(self) -> Result<(), Problem> {
        match self.0.into_keys().next() {
            None => Ok(()),
            Some(name) => {
                Err(Problem::parameter(&shortened(&name), "there is no such parameter here"))
            }
        }
    }
}

/// The headers of a request that takes no parameters in its query; those that are there are refused.
pub(in crate::serve) struct Plain(pub(in crate::serve) HeaderMap);

impl<S: Send + Sync> FromRequestParts<S> for Plain {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Query::from_request_parts(parts, state).await?.done()?;
        Ok(Self(parts.headers.clone()))
    }
}

/// A part of the path that is text.
pub(in crate::serve) struct Id(pub(in crate::serve) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let id = Path::<String>::from_request_parts(parts, state).await;
        let Path(id) = id.map_err(|_| Problem::missing("thing", "that"))?;
        if id.is_empty() || id.len() > 200 || id.chars().any(char::is_control) {
            return Err(Problem::missing("thing", &id));
        }
        Ok(Self(id))
    }
}

/// A part of the path that is a number.
pub(in crate::serve) struct Number(pub(in crate::serve) i64);

impl<S: Send + Sync> FromRequestParts<S> for Number {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Id(id) = Id::from_request_parts(parts, state).await?;
        let number = id.parse::<i64>().ok().filter(|number| *number > 0);
        number.map(Self).ok_or_else(|| Problem::missing("number", &id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "it is only read")]
    struct Sample {
        name: String,
        #[serde(default)]
        deep: Vec<Sample>,
    }

    #[test]
    fn what_is_wrong_with_a_body_is_told_with_its_place() {
        let deep = format!("{}{}", r#"{"name":"a","deep":["#.repeat(200), "]}".repeat(200));
        for (body, status, said) in [
            (r#"{"name": "a"}"#, 200, ""),
            (r#"{"name": "a", "role": "admin"}"#, 422, "unknown field `role`"),
            (r#"{"name": "a", "deep": [{"name": 7}]}"#, 422, "\"pointer\":\"/deep/0/name\""),
            (r#"{"name": "a", "name": "b"}"#, 422, "duplicate field"),
            (r#"{"name": "a"} {}"#, 400, "stands behind"),
            (r#"{"name": "#, 400, "not JSON"),
            ("", 400, "not JSON"),
            (deep.as_str(), 400, "recursion limit"),
            (" [\"a\"]", 422, "is a list"),
        ] {
            match read::<Sample>(body.as_bytes()) {
                Ok(_) => assert_eq!(status, 200, "{body}"),
                Err(problem) => {
                    assert_eq!(problem.status().as_u16(), status, "{body}: {problem:?}");
                    let told = format!("{problem:?}").to_lowercase();
                    let said = said.replace("\"pointer\":\"/deep/0/name\"", "/deep/0/name");
                    assert!(told.contains(&said.to_lowercase()), "{body}: {told}");
                }
            }
        }
    }
}
