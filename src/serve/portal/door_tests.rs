//! Tests of what stands before every page: who is let in, forms of other sites, where one is sent on to, the first user.

use axum::http::Method;

use super::browser::{Browser, PASSWORD, form, hidden, sent, user, whole};
use super::{assets, theme::Theme};
use crate::serve::api::scene::Scene;
use crate::store::Store as _;

#[tokio::test]
async fn whoever_is_not_known_signs_in_and_comes_back() {
    let scene = Scene::new().await;
    user(&scene, "ada", "viewer", &["*"]).await;
    let said = scene.ask((Method::GET, "/runs?state=failed"), &[], "").await;
    assert_eq!(said.status, 303);
    assert_eq!(said.headers["location"], "/sign-in?next=%2Fruns%3Fstate%3Dfailed");
    let said = scene.ask((Method::GET, "/sign-in?next=%2Fruns%3Fstate%3Dfailed"), &[], "").await;
    whole("/sign-in", &said);
    let next = "/runs?state=failed";
    assert!(said.text.contains(&format!("name=\"next\" value=\"{next}\"")), "{}", said.text);
    let fields = form(&[("user", "ada"), ("password", PASSWORD), ("next", next)]);
    let said = sent(&scene, "/sign-in", &[], &fields).await;
    assert_eq!(
        (said.status, &said.headers["location"]),
        (303, &"/runs?state=failed".parse().expect("a value"))
    );
    let cookie = said.headers["set-cookie"].to_str().expect("text").to_owned();
    assert!(cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");
    // Neither a wrong name nor a wrong password is told apart, and what was typed is kept but for the password.
    let mut told = Vec::new();
    for (name, password) in [("ada", "wrong horse battery"), ("eve", PASSWORD)] {
        let fields = form(&[("user", name), ("password", password)]);
        let said = sent(&scene, "/sign-in", &[], &fields).await;
        assert_eq!(said.status, 401);
        whole("/sign-in", &said);
        assert!(said.text.contains(&format!("value=\"{name}\"")) && !said.text.contains(password));
        let (_, rest) = said.text.split_once("role=\"alert\"").expect("an alert");
        told.push(rest.split("</div>").next().expect("its end").to_owned());
    }
    assert_eq!(told[0], told[1]);
    // A key of the API opens no page: a page could not tell what it is cut down to.
    let key = scene.key_of("ada", &[]).await;
    let bearer = format!("Bearer {key}");
    let said = scene.ask((Method::GET, "/runs"), &[("authorization", &bearer)], "").await;
    assert_eq!(said.status, 303);
}

#[tokio::test]
async fn nobody_is_sent_to_another_site() {
    let scene = Scene::new().await;
    user(&scene, "ada", "viewer", &["*"]).await;
    for next in [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/x\r\nset-cookie: a=b",
        "/api/v1/runs",
    ] {
        let fields = form(&[("theme", "dark"), ("next", next)]);
        let said = sent(&scene, "/theme", &[], &fields).await;
        assert_eq!(
            (said.status, &said.headers["location"]),
            (303, &"/".parse().expect("a value")),
            "{next}"
        );
        assert_eq!(said.headers.get_all("set-cookie").iter().count(), 1, "{next}");
    }
    let fields = form(&[("user", "ada"), ("password", PASSWORD), ("next", "//evil.example")]);
    assert_eq!(sent(&scene, "/sign-in", &[], &fields).await.headers["location"], "/");
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let scene = Scene::new().await;
    let ada = Browser::of(&scene, "ada", "admin", &["*"]).await;
    let html = ada.page("/").await;
    let token = hidden(&html, "_token");
    let cookie = ("cookie", ada.cookie.as_str());
    let ours = form(&[("_token", &token)]);
    for (headers, body) in [
        (vec![cookie], String::new()),
        (vec![cookie], form(&[("_token", "guess")])),
        (vec![cookie, ("sec-fetch-site", "cross-site")], ours.clone()),
        (vec![cookie, ("sec-fetch-site", "same-site")], ours.clone()),
    ] {
        let said = sent(&scene, "/sign-out", &headers, &body).await;
        assert_eq!(said.status, 403, "{headers:?}");
        whole("/sign-out", &said);
    }
    let json = [cookie, ("content-type", "application/json")];
    assert_eq!(scene.ask((Method::POST, "/sign-out"), &json, "{}").await.status, 415);
    assert_eq!(ada.open("/").await.status, 200, "the session is still there");
    let said = sent(&scene, "/sign-out", &[cookie, ("sec-fetch-site", "same-origin")], &ours).await;
    assert_eq!(
        (said.status, &said.headers["location"]),
        (303, &"/sign-in?done=signed-out".parse().expect("a value"))
    );
    assert_eq!(ada.open("/").await.status, 303, "the session is ended");
}

#[tokio::test]
async fn the_link_of_the_first_start_makes_the_first_user() {
    let scene = Scene::new().await;
    let code = scene.app.auth().setup_code(scene.app.now());
    let path = format!("/setup?code={}", code.reveal());
    let page = scene.ask((Method::GET, &path), &[], "").await;
    whole("/setup", &page);
    assert_eq!(hidden(&page.text, "code"), code.reveal());
    let take = async |code: &str, password: &str| {
        let fields = form(&[("code", code), ("user", "root"), ("password", password)]);
        sent(&scene, "/setup", &[], &fields).await
    };
    let weak = take(code.reveal(), "password").await;
    assert_eq!(weak.status, 422);
    whole("/setup", &weak);
    assert!(
        weak.text.contains("at least 12 characters") && weak.text.contains("aria-invalid"),
        "{}",
        weak.text
    );
    assert_eq!(take("guess", PASSWORD).await.status, 403);
    let said = take(code.reveal(), PASSWORD).await;
    assert_eq!(said.status, 303, "{}", said.text);
    let cookie = said.headers["set-cookie"].to_str().expect("text");
    let root =
        Browser { scene: &scene, cookie: cookie.split(';').next().expect("a pair").to_owned() };
    assert!(root.page("/?done=set-up").await.contains("You are the first user"));
    assert_eq!(take(code.reveal(), PASSWORD).await.status, 403, "it holds once");
    assert_eq!(scene.store.last_decision().await.expect("read"), 0);
}

#[tokio::test]
async fn what_is_not_there_is_a_page_and_what_is_said_comes_from_us() {
    let scene = Scene::new().await;
    let ada = Browser::of(&scene, "ada", "viewer", &["*"]).await;
    for path in [
        "/nothing",
        "/assets/..%2f..%2fetc%2fpasswd",
        "/%3Cscript%3Ealert(1)%3C/script%3E",
        "/runs/../../etc",
    ] {
        let said = ada.open(path).await;
        assert_eq!(said.status, 404, "{path}");
        assert!(!said.text.contains("<script>"), "{path}");
    }
    let said = ada.open("/nothing").await;
    whole("/nothing", &said);
    assert!(said.text.contains("There is nothing here"));
    let said = scene.ask((Method::PUT, "/runs"), &[("cookie", &ada.cookie)], "").await;
    assert!(matches!(said.status, 405 | 415), "{}", said.status);
    let html = ada.page("/?done=%3Cb%3Eyou%20won").await;
    assert!(!html.contains("you won") || !html.contains("data-done"), "{html}");
    let bad = ada.open("/runs?state=%3Cimg%20src=x%20onerror=alert(1)%3E").await;
    assert_eq!(bad.status, 400);
    assert!(!bad.text.contains("<img"), "{}", bad.text);
    // What the API does not have stays a problem of the API.
    let said = scene.ask((Method::GET, "/api/v1/none"), &[("cookie", &ada.cookie)], "").await;
    assert_eq!(
        (said.status, said.body["type"].as_str()),
        (404, Some("urn:trueline:problem:not-found"))
    );
}

#[tokio::test]
async fn light_and_dark_are_remembered_and_assets_are_kept_for_good() {
    let scene = Scene::new().await;
    let ada = Browser::of(&scene, "ada", "viewer", &["*"]).await;
    let said = ada.send("/", "/theme", &[("theme", "dark"), ("next", "/runs")]).await;
    assert_eq!((said.status, &said.headers["location"]), (303, &"/runs".parse().expect("a value")));
    let cookie =
        said.headers["set-cookie"].to_str().expect("text").split(';').next().expect("a pair");
    let both = format!("{}; {cookie}", ada.cookie);
    let said = scene.ask((Method::GET, "/runs"), &[("cookie", &both)], "").await;
    assert!(said.text.contains("data-theme=\"dark\"") && said.text.contains("content=\"dark\""));
    assert_eq!(Theme::Dark.next(), Theme::Light);
    for (path, kind) in [
        (assets::style(), "text/css"),
        (assets::script(), "text/javascript"),
        (assets::icon(), "image/svg+xml"),
    ] {
        let said = scene.ask((Method::GET, path), &[], "").await;
        assert_eq!(said.status, 200, "{path}");
        assert!(said.headers["content-type"].to_str().expect("text").starts_with(kind));
        assert_eq!(said.headers["cache-control"], "public, max-age=31536000, immutable");
        assert_eq!(said.headers["x-content-type-options"], "nosniff");
    }
    assert_eq!(
        scene.ask((Method::GET, "/assets/portal-0000000000000000.css"), &[], "").await.status,
        404
    );
}
