//! Tests of signing in with GitHub: who is in an organisation and its teams, and who is not.

use axum::http::Method;
use serde_json::json;

use super::browser::whole;
use crate::forge::github::fake::{CLIENT, FakeGitHub, Trick};
use crate::serve::api::scene::{Said, Scene};
use crate::serve::auth::AuthSettings;
use crate::serve::{Grant, IdentitySettings, Role};
use crate::store::PeopleStore as _;

struct World {
    scene: Scene,
    github: FakeGitHub,
    client: reqwest::Client,
}

/// Secrets of tests, which the operator has.
struct Secrets;

#[async_trait::async_trait]
impl crate::action::SecretSource for Secrets {
    async fn find(
        &self,
        owner: crate::action::Owner<'_>,
        name: &str,
    ) -> Result<crate::secret::Secret, crate::run::Fault> {
        assert_eq!((owner, name), (crate::action::Owner::Operator, "GITHUB_CLIENT"));
        Ok(crate::secret::Secret::new(CLIENT.1))
    }
}

async fn world() -> World {
    let github = FakeGitHub::start().await;
    let text = format!(
        "[github]\nurl = \"{}\"\nclientId = \"{}\"\nclientSecret = {{secret = \"GITHUB_CLIENT\"}}\n\
         organizations = [\"other\", \"acme\"]\n[github.teams]\npayments = [\"acme/pay\"]\n",
        github.web_url(),
        CLIENT.0
    );
    let identity: IdentitySettings = toml::from_str(&text).expect("reads");
    let grant = |to: &str, role| Grant { to: to.to_owned(), role, teams: Vec::new() };
    let settings = AuthSettings {
        rate: Some(10_000),
        public_url: Some("http://t.example".to_owned()),
        grants: vec![
            grant("group:github/acme", Role::Viewer),
            grant("group:github/acme/leads", Role::Approver),
        ],
        identity,
        ..AuthSettings::default()
    };
    let mut ports = crate::action::testing::ports();
    ports.secrets = std::sync::Arc::new(Secrets);
    let scene = Scene::over(settings, &ports).await;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let client = client.no_proxy().build().expect("a client");
    World { scene, github, client }
}

impl World {
    /// Walks the whole way; `None` where the portal does not even begin.
    async fn sign_in(&self) -> Said {
        let begun = self.scene.ask((Method::GET, "/sign-in/with/github?next=/runs"), &[], "").await;
        assert_eq!(begun.status, 303, "{}", begun.text);
        let cookie = begun.headers["set-cookie"].to_str().expect("text");
        let cookie = cookie.split(';').next().expect("a pair").to_owned();
        let way = begun.headers["location"].to_str().expect("text");
        let answer = self.client.get(way).send().await.expect("answers");
        assert_eq!(answer.status().as_u16(), 302);
        let back = answer.headers()["location"].to_str().expect("text").to_owned();
        let back = back.strip_prefix("http://t.example").expect("back to us");
        self.scene.ask((Method::GET, back), &[("cookie", &cookie)], "").await
    }
}

#[tokio::test]
async fn members_sign_in_and_their_teams_count() {
    let world = world().await;
    world.github.set_team("acme/pay", &["ann", "bob"]);
    world.github.set_team("acme/leads", &["ann"]);
    world.github.set_team("elsewhere/root", &["ann"]);
    // More teams than stand on one page.
    for number in 0..120 {
        world.github.set_team(&format!("acme/a{number}"), &["ann"]);
    }
    world.github.visited_by("ann");
    let said = world.sign_in().await;
    assert_eq!(
        (said.status, said.headers["location"].to_str().ok()),
        (303, Some("/runs")),
        "{}",
        said.text
    );
    let cookie = said.headers["set-cookie"].to_str().expect("text");
    let cookie = cookie.split(';').next().expect("a pair");
    let me = world.scene.ask((Method::GET, "/api/v1/auth/me"), &[("cookie", cookie)], "").await;
    assert_eq!((&me.body["user"], &me.body["teams"]), (&json!("ann"), &json!(["payments"])));
    let roles: Vec<&str> = me.body["roles"]
        .as_array()
        .expect("roles")
        .iter()
        .filter_map(|it| it["role"].as_str())
        .collect();
    assert_eq!(roles, ["viewer", "approver"]);
    let ann = world.scene.store.user("ann").await.expect("read").expect("there");
    let groups = &ann.links[0].groups;
    assert_eq!(groups.len(), 123, "{groups:?}");
    assert!(!groups.iter().any(|group| group.starts_with("elsewhere")), "{groups:?}");
    assert!(ann.links[0].subject.bytes().all(|one| one.is_ascii_digit()), "a number, which stays");
    world.github.visited_by("bob");
    assert_eq!(world.sign_in().await.status, 303);
}

#[tokio::test]
async fn who_is_in_no_organisation_is_not_let_in() {
    let world = world().await;
    world.github.set_team("acme/pay", &["ann"]);
    world.github.state().invited.push("eve".to_owned());
    let refused = async |why: &str| {
        let said = world.sign_in().await;
        whole("callback", &said);
        assert!(said.text.contains(why), "{}", said.text);
        let all = said.headers.get_all("set-cookie").iter();
        assert!(all.filter_map(|one| one.to_str().ok()).all(|one| !one.starts_with("trueline=")));
        said.status
    };
    for somebody in ["mallory", "eve"] {
        world.github.visited_by(somebody);
        assert_eq!(refused("in none of the organisations").await, 403);
    }
    world.github.visited_by("ann");
    world.github.state().hides_organizations = true;
    assert_eq!(refused("does not let us see that").await, 403);
    world.github.state().hides_organizations = false;
    world.github.state().visitor = None;
    assert_eq!(refused("access_denied").await, 403);
    world.github.visited_by("ann");
    world.github.play("GET", "/user/teams", Trick::Answer(502, Vec::new(), "<html>".to_owned()));
    assert_eq!(refused("answered 502").await, 502);
    world.github.play("GET", "/user", Trick::Answer(200, Vec::new(), "{\"id\": \"x\"}".to_owned()));
    assert_eq!(refused("does not say who you are").await, 502);
    assert!(world.scene.store.users().await.expect("read").is_empty());
}
