//! Tests that walk every route of the portal, as its router lists them: none is forgotten, and none is fooled by what stands in
//! an address or a header.

use axum::http::Method;

use super::super::browser::{Browser, PASSWORD, form, hidden, sent, user};
use crate::serve::api::scene::Scene;
use crate::store::Store as _;

/// What the router holds.
const ROUTER: &str = include_str!("../router.rs");

/// The routes of pages that are looked at, and those of forms that are sent.
fn routes() -> (Vec<&'static str>, Vec<&'static str>) {
    let (mut looked, mut sent) = (Vec::new(), Vec::new());
    for line in ROUTER.lines().filter_map(|line| line.trim().strip_prefix(".route(\"")) {
        let (path, how) = line.split_once('"').expect("a path");
        looked.extend(how.contains("get(").then_some(path));
        sent.extend(how.contains("post(").then_some(path));
    }
    assert!(looked.len() > 35 && sent.len() > 15, "{} and {}", looked.len(), sent.len());
    (looked, sent)
}

fn is_of(path: &str, route: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let (mut parts, mut wanted) = (path.split('/'), route.split('/'));
    loop {
        match (parts.next(), wanted.next()) {
            (None, None) => return true,
            (Some(part), Some(wanted)) if part == wanted || wanted.starts_with('{') => {}
            _ => return false,
        }
    }
}

/// Fails where a page of the router is not among those that a test walks.
pub(super) fn every_route_is_among(walked: &[String]) {
    // Pages for those who are not signed in, and of bundles and requests, which the scene has none of: their own tests are
    // as hostile.
    let others = [
        "/sign-in",
        "/sign-in/with/{provider}",
        "/sign-in/with/{provider}/callback",
        "/setup",
        "/catalog/bundles/{id}",
        "/catalog/bundles/{id}/request",
        "/requests/{id}",
        "/requests/{id}/{word}",
    ];
    let missing: Vec<&str> = routes()
        .0
        .into_iter()
        .filter(|route| !others.contains(route) && !walked.iter().any(|path| is_of(path, route)))
        .collect();
    assert!(missing.is_empty(), "no test walks {missing:?}");
}

#[tokio::test]
async fn no_address_leads_out_of_the_portal_or_into_a_header() {
    let scene = Scene::new().await;
    let root = Browser::of(&scene, "root", "admin", &["*"]).await;
    let token = hidden(&root.page("/").await, "_token");
    let long = "a".repeat(3_000);
    let hostile = [
        "..%2f..%2f..%2f..%2fetc%2fpasswd",
        "%2e%2e",
        "....%2f%2fetc%2fpasswd",
        "%0d%0aset-cookie:%20a=b",
        "%00",
        "%ff",
        "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "'%20OR%201=1--",
        "-1",
        "99999999999999999999",
        &long,
    ];
    let (looked, posted) = routes();
    let filled = |route: &str, with: &str| {
        let parts = route.split('/').map(|part| if part.starts_with('{') { with } else { part });
        parts.collect::<Vec<_>>().join("/")
    };
    for with in hostile {
        for route in looked.iter().filter(|route| route.contains('{')) {
            let said = root.open(&filled(route, with)).await;
            harmless(&said.text, &said.headers, said.status, (route, with));
        }
        let fields = form(&[("_token", &token), ("reason", "x\r\nset-cookie: a=b"), ("head", "x")]);
        for route in posted.iter().filter(|route| route.contains('{')) {
            // What names no thing is refused; to end all sessions is meant.
            let path = filled(route, with);
            let said = sent(&scene, &path, &[("cookie", &root.cookie)], &fields).await;
            let is_answer = said.status == 303;
            if !is_answer {
                harmless(&said.text, &said.headers, said.status, (route, with));
            }
            assert!(said.headers.get_all("set-cookie").iter().count() == 0, "{path}");
        }
    }
    assert_eq!(scene.store.last_decision().await.expect("read"), 0);
}

fn harmless(text: &str, headers: &axum::http::HeaderMap, status: u16, (route, with): (&str, &str)) {
    assert!((400..500).contains(&status), "{route} {with}: {status}");
    assert!(!headers.contains_key("set-cookie"), "{route} {with}");
    assert!(!text.contains("root:x:") && !text.contains("<script>alert"), "{route} {with}");
}

#[tokio::test]
async fn a_session_that_somebody_else_chose_is_never_taken_up() {
    let scene = Scene::new().await;
    user(&scene, "ada", "viewer", &["*"]).await;
    let planted = "trueline=planted-by-somebody-else-0123456789abcdef";
    let fields = form(&[("user", "ada"), ("password", PASSWORD)]);
    let mut given = Vec::new();
    for _ in 0..2 {
        let said = sent(&scene, "/sign-in", &[("cookie", planted)], &fields).await;
        assert_eq!(said.status, 303, "{}", said.text);
        let cookie = said.headers["set-cookie"].to_str().expect("text");
        given.push(cookie.split(';').next().expect("a pair").to_owned());
    }
    assert!(given.iter().all(|cookie| cookie != planted) && given[0] != given[1], "{given:?}");
    let open = async |cookie: &str| scene.ask((Method::GET, "/"), &[("cookie", cookie)], "").await;
    assert_eq!(open(planted).await.status, 303, "what was planted opens nothing");
    assert_eq!(open(&given[0]).await.status, 200);
    // Who signs in again has another one, also with a cookie that holds.
    let said = sent(&scene, "/sign-in", &[("cookie", &given[0])], &fields).await;
    assert_ne!(said.status, 303, "a form of a session needs its token");
    let both = format!("{planted}; {}", given[0]);
    assert!(matches!(open(&both).await.status, 200 | 303));
}
