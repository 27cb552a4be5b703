//! The style, the script and the icon of the portal, which stand in the binary. Their paths hold what is in them, so that
//! browsers keep them for good.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use crate::digest::Digest;

const STYLE: &str = include_str!("assets/portal.css");
const SCRIPT: &str = include_str!("assets/portal.js");
const ICON: &str = include_str!("assets/icon.svg");

/// How long they are kept.
const FOR_GOOD: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// One of them.
struct Asset {
    path: String,
    kind: &'static str,
    text: &'static str,
}

fn asset(name: &str, ending: &str, (kind, text): (&'static str, &'static str)) -> Asset {
    let digest = Digest::of_bytes(text.as_bytes()).to_string();
    let plain = digest.rsplit(':').next().unwrap_or_default();
    let path = format!("/assets/{name}-{}.{ending}", plain.get(..16).unwrap_or_default());
    Asset { path, kind, text }
}

static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    [
        asset("portal", "css", ("text/css; charset=utf-8", STYLE)),
        asset("portal", "js", ("text/javascript; charset=utf-8", SCRIPT)),
        asset("icon", "svg", ("image/svg+xml", ICON)),
    ]
});

/// Where the style is.
pub(super) fn style() -> &'static str {
    let [style, _, _] = &*ASSETS;
    &style.path
}

/// Where the script is.
pub(super) fn script() -> &'static str {
    let [_, script, _] = &*ASSETS;
    &script.path
}

/// Where the icon is.
pub(super) fn icon() -> &'static str {
    let [_, _, icon] = &*ASSETS;
    &icon.path
}

/// Answers them.
pub(super) fn router() -> Router {
    Router::new().route("/assets/{name}", get(answer))
}

async fn answer(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let found = ASSETS.iter().find(|asset| asset.path.strip_prefix("/assets/") == Some(&*name));
    let Some(asset) = found else { return StatusCode::NOT_FOUND.into_response() };
    let told = [(header::CACHE_CONTROL, FOR_GOOD)];
    if headers.contains_key(header::IF_NONE_MATCH) {
        return (StatusCode::NOT_MODIFIED, told).into_response();
    }
    let tag = format!("\"{name}\"");
    let kind = [(header::CONTENT_TYPE, asset.kind), (header::ETAG, tag.as_str())];
    (told, kind, asset.text).into_response()
}
