//! A browser for tests: it keeps a cookie, sends forms with the token of the page, and looks at what pages have to have.

use axum::http::Method;

use crate::serve::api::scene::{Said, Scene};
use crate::serve::auth::hash_password;
use crate::store::{Actor, ActorKind, PeopleStore as _, User};

/// The password of everybody here.
pub(super) const PASSWORD: &str = "correct horse battery";

/// A browser that somebody is signed in with.
pub(super) struct Browser<'s> {
    pub(super) scene: &'s Scene,
    pub(super) cookie: String,
}

/// Makes a user with a password.
pub(super) async fn user(scene: &Scene, name: &str, role: &str, teams: &[&str]) {
    let password = hash_password(crate::secret::Secret::new(PASSWORD)).await;
    let user = User {
        name: name.to_owned(),
        kind: ActorKind::Person,
        password,
        roles: vec![(role.to_owned(), teams.iter().map(|&team| team.to_owned()).collect())],
        ..User::default()
    };
    let by = Actor {
        name: "root".to_owned(),
        kind: ActorKind::Operator,
        via: "test".to_owned(),
        correlation: None,
    };
    let now = scene.app.now();
    scene.store.save_user(&by, now, (&user, true)).await.expect("saved");
}

/// Writes a form.
pub(super) fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Sends a form without being anybody.
pub(super) async fn sent(scene: &Scene, path: &str, headers: &[(&str, &str)], body: &str) -> Said {
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let all: Vec<_> = [kind].into_iter().chain(headers.iter().copied()).collect();
    scene.ask((Method::POST, path), &all, body).await
}

impl<'s> Browser<'s> {
    /// Makes somebody with a role, and signs them in.
    pub(super) async fn of(scene: &'s Scene, name: &str, role: &str, teams: &[&str]) -> Self {
        user(scene, name, role, teams).await;
        let fields = form(&[("user", name), ("password", PASSWORD)]);
        let said = sent(scene, "/sign-in", &[], &fields).await;
        assert_eq!(said.status, 303, "{}", said.text);
        let cookie = said.headers["set-cookie"].to_str().expect("text");
        Self { scene, cookie: cookie.split(';').next().expect("a pair").to_owned() }
    }

    /// Opens a page, whatever becomes of it.
    pub(super) async fn open(&self, path: &str) -> Said {
        self.scene.ask((Method::GET, path), &[("cookie", &self.cookie)], "").await
    }

    /// Opens a page that has to be there, and looks at what every page has to have.
    pub(super) async fn page(&self, path: &str) -> String {
        let said = self.open(path).await;
        assert_eq!(said.status, 200, "{path}: {}", said.text);
        whole(path, &said);
        said.text
    }

    /// Sends a form of a page, with what the page hides in it.
    pub(super) async fn send(&self, page: &str, path: &str, fields: &[(&str, &str)]) -> Said {
        let html = self.open(page).await.text;
        let hidden = ["_token", "_once"].map(|name| (name, hidden(&html, name)));
        let mut all: Vec<(&str, &str)> =
            hidden.iter().map(|(name, value)| (*name, value.as_str())).collect();
        all.extend_from_slice(fields);
        sent(self.scene, path, &[("cookie", &self.cookie)], &form(&all)).await
    }
}

/// Reads what a page hides in its forms.
pub(super) fn hidden(html: &str, name: &str) -> String {
    let begin = format!("name=\"{name}\" value=\"");
    let (_, rest) = html.split_once(&begin).expect("a form");
    rest.split('"').next().expect("a value").to_owned()
}

/// Looks at what every page has to have.
pub(super) fn whole(path: &str, said: &Said) {
    let html = &said.text;
    assert!(html.starts_with("<!DOCTYPE html>"), "{path}");
    assert!(html.contains("<html lang=\"en\""), "{path}");
    assert_eq!(html.matches("<h1>").count(), 1, "{path}: {html}");
    assert!(
        html.contains(" · Trueline</title>") && html.contains("<main id=\"content\""),
        "{path}"
    );
    let policy = said.headers["content-security-policy"].to_str().expect("text");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("script-src 'self'"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
    for (header, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(said.headers[header], value, "{path}");
    }
    // Nothing that the policy would refuse: no script, style or handler that stands in the page.
    assert!(
        !html.contains("<style") && !html.contains(" style=\"") && !html.contains("=\"javascript:"),
        "{path}"
    );
    assert_eq!(
        html.matches("<script").count(),
        html.matches("<script src=\"/assets/").count(),
        "{path}"
    );
    assert!(!html.contains(" onclick=") && !html.contains(" onerror=\""), "{path}");
    for table in html.split("<table").skip(1) {
        let table = table.split("</table>").next().unwrap_or_default();
        assert!(table.contains("<caption") && !table.contains("<th>"), "{path}: {table}");
    }
    fields_have_labels(path, html);
}

/// Every field that is seen has a label.
fn fields_have_labels(path: &str, html: &str) {
    for element in ["<input", "<select", "<textarea"] {
        for one in html.split(element).skip(1) {
            let tag = one.split('>').next().unwrap_or_default();
            if tag.contains("type=\"hidden\"")
                || tag.contains("type=\"checkbox\"")
                || tag.contains("type=\"radio\"")
            {
                continue;
            }
            let (_, id) = tag.split_once(" id=\"").unwrap_or_else(|| panic!("{path}: {tag}"));
            let id = id.split('"').next().unwrap_or_default();
            assert!(html.contains(&format!("for=\"{id}\"")), "{path}: {tag}");
        }
    }
}
