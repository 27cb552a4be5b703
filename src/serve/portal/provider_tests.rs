//! Tests of signing in with a provider that can't be trusted: what it may say wrongly, and what others try between.

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::browser::{user, whole};
use crate::serve::api::scene::{Said, Scene};
use crate::serve::auth::AuthSettings;
use crate::serve::identity::testing::{FakeIssuer, Signer};
use crate::serve::{Grant, IdentitySettings, Role};
use crate::store::{PeopleStore as _, Store as _};

struct World {
    scene: Scene,
    issuer: FakeIssuer,
    signer: Signer,
}

/// An attempt as a browser sees it.
struct Attempt {
    cookie: String,
    way: url::Url,
}

impl Attempt {
    fn asked(&self, name: &str) -> String {
        let found = self.way.query_pairs().find(|(known, _)| known == name);
        found.map(|(_, value)| value.into_owned()).unwrap_or_default()
    }
}

async fn world(more: &str) -> World {
    let signer = Signer::new("k1");
    let issuer = FakeIssuer::start(&signer).await;
    let text = format!(
        "[oidc.corp]\ntitle = \"Acme\"\nissuer = \"{}\"\nclientId = \"us\"\n{more}",
        issuer.address
    );
    let identity: IdentitySettings = toml::from_str(&text).expect("reads");
    let group = Grant {
        to: "group:corp/ops".to_owned(),
        role: Role::Maintainer,
        teams: vec!["own".to_owned()],
    };
    let settings = AuthSettings {
        rate: Some(10_000),
        public_url: Some("https://t.example/".to_owned()),
        grants: vec![group],
        identity,
        ..AuthSettings::default()
    };
    World { scene: Scene::with(settings).await, issuer, signer }
}

impl World {
    async fn get(&self, path: &str, cookie: &str) -> Said {
        self.scene.ask((Method::GET, path), &[("cookie", cookie)], "").await
    }

    async fn begin(&self, next: &str) -> Attempt {
        let said = self.get(&format!("/sign-in/with/corp?next={next}"), "").await;
        assert_eq!(said.status, 303, "{}", said.text);
        let cookie = said.headers["set-cookie"].to_str().expect("text");
        assert!(cookie.starts_with("__Host-trueline-attempt="), "{cookie}");
        assert!(
            cookie.ends_with("Path=/; HttpOnly; SameSite=Lax; Max-Age=600; Secure"),
            "{cookie}"
        );
        let way = said.headers["location"].to_str().expect("text");
        let cookie = cookie.split(';').next().expect("a pair").to_owned();
        Attempt { cookie, way: way.parse().expect("a URL") }
    }

    /// What a right token says.
    fn claims(&self, attempt: &Attempt) -> Value {
        let now = self.scene.app.now().as_second();
        json!({
            "iss": self.issuer.address, "aud": "us", "sub": "0815", "iat": now, "exp": now + 300,
            "nonce": attempt.asked("nonce"), "preferred_username": "ada", "groups": ["ops", "all"],
        })
    }

    async fn come_back(&self, attempt: &Attempt, token: &str) -> Said {
        self.issuer.lies().tokens = json!({"id_token": token, "access_token": "a"});
        let path =
            format!("/sign-in/with/corp/callback?code=c0de&state={}", attempt.asked("state"));
        self.get(&path, &attempt.cookie).await
    }

    async fn sign_in(&self) -> Said {
        let attempt = self.begin("/").await;
        let token = self.signer.sign(&self.claims(&attempt));
        self.come_back(&attempt, &token).await
    }
}

fn session(said: &Said) -> Option<String> {
    let all = said.headers.get_all("set-cookie").iter().filter_map(|one| one.to_str().ok());
    let mut all = all.filter(|one| one.starts_with("__Host-trueline="));
    all.next().map(|one| one.split(';').next().expect("a pair").to_owned())
}

#[tokio::test]
async fn somebody_signs_in_elsewhere_and_comes_back() {
    let world = world("[oidc.corp.teams]\npayments = [\"ops\"]\n").await;
    let page = world.get("/sign-in?next=%2Fruns", "").await;
    whole("/sign-in", &page);
    let button =
        "<a class=\"button\" href=\"/sign-in/with/corp?next=%2Fruns\">Sign in with Acme</a>";
    assert!(page.text.contains(button), "{}", page.text);
    let attempt = world.begin("%2Fruns%3Fstate%3Dfailed").await;
    for (name, value) in [
        ("tenant", "a"),
        ("response_type", "code"),
        ("client_id", "us"),
        ("redirect_uri", "https://t.example/sign-in/with/corp/callback"),
        ("scope", "openid profile email"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(attempt.asked(name), value, "{name}");
    }
    let said = world.come_back(&attempt, &world.signer.sign(&world.claims(&attempt))).await;
    assert_eq!(said.status, 303, "{}", said.text);
    assert_eq!(said.headers["location"], "/runs?state=failed");
    let cookie = session(&said).expect("a session");
    let form = world.issuer.lies().forms.pop().expect("a form").1;
    let sent = |name: &str| {
        let all = url::form_urlencoded::parse(form.as_bytes());
        all.into_owned().find(|(known, _)| known == name).expect("sent").1
    };
    assert_eq!((sent("code").as_str(), sent("client_id").as_str()), ("c0de", "us"));
    let verifier = crate::digest::Digest::of_bytes(sent("code_verifier").as_bytes());
    let written = URL_SAFE_NO_PAD.encode(verifier.as_bytes());
    assert_eq!(written, attempt.asked("code_challenge"));
    // The group there is a team here, and a role of it.
    let me = world.get("/api/v1/auth/me", &cookie).await;
    assert_eq!(me.body["user"], "ada", "{}", me.text);
    assert_eq!(me.body["teams"], json!(["payments"]));
    assert_eq!(me.body["roles"][0]["role"], "maintainer");
    assert_eq!(world.get("/services/shop-db", &cookie).await.status, 200);
    assert_eq!(world.get("/services/site-web", &cookie).await.status, 404);
    // What came back once comes back no more, whoever brings it.
    let again = world.come_back(&attempt, "x").await;
    assert_eq!((again.status, session(&again)), (400, None));
    whole("callback", &again);
    let chain = world.scene.store.audit_after(0, 100).await.expect("read");
    let told = |what: &str| chain.iter().filter(|entry| entry.what == what).count();
    assert_eq!((told("user.created"), told("session.began")), (1, 1));
    let began = chain.iter().find(|entry| entry.what == "session.began").expect("told");
    assert_eq!(began.detail["actor"]["via"], "provider corp");
}

#[tokio::test]
async fn groups_count_for_as_long_as_the_operator_says() {
    let world = world("groupsHold = \"2h\"\n").await;
    let cookie = session(&world.sign_in().await).expect("a session");
    let roles = async || world.get("/api/v1/auth/me", &cookie).await.body["roles"].clone();
    assert_eq!(roles().await.as_array().map(Vec::len), Some(1));
    world.scene.passes(2 * 60 * 60);
    assert_eq!(roles().await, json!([]));
    session(&world.sign_in().await).expect("a session");
    assert_eq!(roles().await.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn tokens_that_are_not_right_sign_nobody_in() {
    let world =
        world("require = {email_verified = true, \"org.id\" = [\"acme\", \"acme-*\"]}\n").await;
    let try_it = async |change: &dyn Fn(&mut Value), told: Value| {
        let attempt = world.begin("/").await;
        let mut claims = world.claims(&attempt);
        claims["email_verified"] = json!(true);
        claims["org"] = json!({"id": "acme-eu"});
        change(&mut claims);
        world.issuer.lies().told = told;
        world.come_back(&attempt, &world.signer.sign(&claims)).await
    };
    let right = try_it(&|_| (), Value::Null).await;
    assert_eq!(right.status, 303, "{}", right.text);
    for (name, value) in [
        ("iss", json!("https://id.example")),
        ("aud", json!("them")),
        ("aud", json!(["us", "them"])),
        ("azp", json!("them")),
        ("exp", json!(0)),
        ("nonce", json!("of another attempt")),
        ("nonce", Value::Null),
        ("email_verified", json!(false)),
        ("org", json!({"id": "evil"})),
        ("preferred_username", json!("a b")),
        ("preferred_username", json!("operator")),
        ("preferred_username", json!(7)),
    ] {
        let said = try_it(&|claims| claims[name] = value.clone(), json!({"sub": "0815"})).await;
        // Who is known already keeps the name, whatever the provider calls them now.
        let expected = if name == "preferred_username" { 303 } else { 403 };
        assert_eq!(
            (said.status, session(&said).is_some()),
            (expected, expected == 303),
            "{name} {value}"
        );
    }
    let missing = |claims: &mut Value| drop(claims.as_object_mut().map(|it| it.remove("org")));
    let others = try_it(&missing, json!({"sub": "4711", "org": {"id": "acme"}})).await;
    assert_eq!(others.status, 403, "{}", others.text);
    let own = try_it(&missing, json!({"sub": "0815", "org": {"id": "acme"}, "iss": "x"})).await;
    assert_eq!(own.status, 303, "what the token does not say is asked for: {}", own.text);
    let attempt = world.begin("/").await;
    let forged = Signer::new("k1").sign(&world.claims(&attempt));
    assert_eq!(world.come_back(&attempt, &forged).await.status, 403);
    let attempt = world.begin("/").await;
    assert_eq!(world.come_back(&attempt, "garbage").await.status, 403);
}

#[tokio::test]
async fn what_comes_between_signs_nobody_in() {
    let world = world("").await;
    let (ours, theirs) = (world.begin("/").await, world.begin("/").await);
    let back = |state: &str, more: &str| format!("/sign-in/with/corp/callback?state={state}{more}");
    for (cookie, path) in [
        // A browser that began nothing, another one, another state, none, and one that was told no.
        (String::new(), back(&ours.asked("state"), "&code=c")),
        (theirs.cookie.clone(), back(&ours.asked("state"), "&code=c")),
        (theirs.cookie.clone(), back(&theirs.asked("state"), "&code=c")),
        (world.begin("/").await.cookie, back("", "&code=c")),
        (ours.cookie.clone(), back(&ours.asked("state"), "&error=%3Cscript%3E")),
    ] {
        let said = world.get(&path, &cookie).await;
        assert!(matches!(said.status, 400 | 403), "{path}: {}", said.status);
        assert!(session(&said).is_none() && !said.text.contains("<script>"), "{}", said.text);
        whole("callback", &said);
    }
    assert!(world.issuer.lies().forms.is_empty(), "no code was used");
    assert_eq!(world.get("/sign-in/with/none", "").await.status, 404);
    // Too late.
    let late = world.begin("/").await;
    let token = world.signer.sign(&world.claims(&late));
    world.scene.passes(600);
    assert_eq!(world.come_back(&late, &token).await.status, 400);
    // A provider that says who it is whenever it sends somebody back has to.
    world
        .issuer
        .lies()
        .document
        .insert("authorization_response_iss_parameter_supported".to_owned(), json!(true));
    world.scene.passes(60 * 60);
    for (issuer, status) in [
        (String::new(), 403),
        ("&iss=https://evil.example".to_owned(), 403),
        (format!("&iss={}", world.issuer.address), 303),
    ] {
        let attempt = world.begin("//evil.example").await;
        let token = world.signer.sign(&world.claims(&attempt));
        world.issuer.lies().tokens = json!({"id_token": token});
        let path = back(&attempt.asked("state"), &format!("&code=c{issuer}"));
        let said = world.get(&path, &attempt.cookie).await;
        assert_eq!(said.status, status, "{issuer}: {}", said.text);
        assert!(status != 303 || said.headers["location"] == "/", "nobody is sent away");
    }
}

#[tokio::test]
async fn names_prove_nothing() {
    let world = world("").await;
    user(&world.scene, "ada", "admin", &["*"]).await;
    let said = world.sign_in().await;
    assert_eq!((said.status, session(&said)), (403, None), "{}", said.text);
    assert!(said.text.contains("trueline user set ada --link corp=0815"), "{}", said.text);
    let strict = self::world("newUsers = \"refuse\"\n").await;
    let said = strict.sign_in().await;
    assert_eq!((said.status, session(&said)), (403, None), "{}", said.text);
    let linking = self::world("linkByName = true\n").await;
    user(&linking.scene, "ada", "viewer", &["*"]).await;
    let cookie = session(&linking.sign_in().await).expect("a session");
    // Another account of the same name is somebody else from then on.
    let attempt = linking.begin("/").await;
    let mut claims = linking.claims(&attempt);
    claims["sub"] = json!("4711");
    let said = linking.come_back(&attempt, &linking.signer.sign(&claims)).await;
    assert_eq!((said.status, session(&said)), (403, None), "{}", said.text);
    // Who is not to be let in any more is not, by whatever way.
    let mut ada = linking.scene.store.user("ada").await.expect("read").expect("there");
    assert_eq!(ada.links[0].subject, "0815");
    ada.disabled = true;
    let by = crate::store::Actor {
        name: "root".to_owned(),
        kind: crate::store::ActorKind::Operator,
        via: "test".to_owned(),
        correlation: None,
    };
    let now = linking.scene.app.now();
    linking.scene.store.save_user(&by, now, (&ada, false)).await.expect("saved");
    assert_eq!(linking.get("/runs", &cookie).await.status, 303);
    let said = linking.sign_in().await;
    assert_eq!((said.status, session(&said)), (403, None), "{}", said.text);
}

#[tokio::test]
async fn keys_that_change_are_read_again_but_not_for_everybody() {
    let mut world = world("").await;
    assert_eq!(world.sign_in().await.status, 303);
    world.signer = Signer::new("k2");
    world.issuer.lies().keys.push(serde_json::to_value(world.signer.jwk()).expect("json"));
    assert_eq!(world.sign_in().await.status, 403, "they were read just now");
    world.scene.passes(30);
    assert_eq!(world.sign_in().await.status, 303);
    let reads = world.issuer.lies().reads;
    for _ in 0..5 {
        world.signer = Signer::new("k9");
        assert_eq!(world.sign_in().await.status, 403);
    }
    assert_eq!(world.issuer.lies().reads, reads, "unknown keys don't have them read each time");
    // One that calls itself otherwise, or sends secrets into the open, is not believed.
    for (name, value) in [
        ("issuer", json!("https://evil.example")),
        ("token_endpoint", json!("http://evil.example/token")),
        ("jwks_uri", json!(7)),
    ] {
        let world = self::world("").await;
        world.issuer.lies().document.insert(name.to_owned(), value);
        let said = world.get("/sign-in/with/corp", "").await;
        assert_eq!(said.status, 502, "{name}: {}", said.text);
        whole("begin", &said);
    }
}
