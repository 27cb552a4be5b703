//! Tests of taking off accounts elsewhere: one's own but the last way to sign in, those of others by who manages users, and by nobody
//! else.

use axum::http::Method;

use super::browser::{Browser, form, hidden, sent, whole};
use crate::serve::IdentitySettings;
use crate::serve::api::scene::Scene;
use crate::serve::auth::AuthSettings;
use crate::store::{Actor, ActorKind, Link, PeopleStore as _, Store as _, verify_chain};

const HOSTILE: &str = "<img src=x onerror=alert(1)>\u{202e}";

/// A scene in which people can sign in with `corp`.
async fn scene() -> Scene {
    let text =
        "[oidc.corp]\ntitle = \"Acme\"\nissuer = \"https://id.example\"\nclientId = \"us\"\n";
    let identity: IdentitySettings = toml::from_str(text).expect("reads");
    let public_url = Some("http://t.example/".to_owned());
    Scene::with(AuthSettings {
        rate: Some(10_000),
        public_url,
        identity,
        ..AuthSettings::default()
    })
    .await
}

fn operator() -> Actor {
    let (name, via) = ("root".to_owned(), "test".to_owned());
    Actor { name, kind: ActorKind::Operator, via, correlation: None }
}

async fn link(scene: &Scene, name: &str, provider: &str) {
    let link = Link {
        provider: provider.to_owned(),
        subject: format!("{name}-{HOSTILE}"),
        groups: vec![HOSTILE.to_owned()],
        seen_at: scene.app.now(),
    };
    let now = scene.app.now();
    scene.store.link(&operator(), now, (name, &link)).await.expect("linked");
}

async fn links(scene: &Scene, name: &str) -> Vec<String> {
    let user = scene.store.user(name).await.expect("read").expect("there");
    user.links.into_iter().map(|link| link.provider).collect()
}

async fn forget_password(scene: &Scene, name: &str) {
    let mut user = scene.store.user(name).await.expect("read").expect("there");
    user.password = None;
    scene.store.save_user(&operator(), scene.app.now(), (&user, false)).await.expect("saved");
}

#[tokio::test]
async fn somebody_takes_their_own_account_off_but_not_the_last_way_in() {
    let scene = scene().await;
    let ada = Browser::of(&scene, "ada", "viewer", &["*"]).await;
    assert!(!ada.page("/settings").await.contains("Accounts elsewhere"));
    link(&scene, "ada", "corp").await;
    link(&scene, "ada", "gone").await;
    let page = ada.page("/settings").await;
    assert!(page.contains("Acme") && page.contains("nobody signs in with it any more"), "{page}");
    assert!(!page.contains("<img") && !page.contains('\u{202e}'), "{page}");
    // Signed in a second time, which ends; what asks goes on.
    let fields = form(&[("user", "ada"), ("password", super::browser::PASSWORD)]);
    let other = sent(&scene, "/sign-in", &[], &fields).await;
    let other = other.headers["set-cookie"].to_str().expect("text").to_owned();
    let said = ada.send("/settings", "/settings/accounts/gone/unlink", &[]).await;
    assert_eq!(said.status, 303, "{}", said.text);
    assert_eq!(said.headers["location"], "/settings?done=unlinked");
    assert!(ada.page("/settings?done=unlinked").await.contains("The account is unlinked"));
    let other = other.split(';').next().expect("a pair");
    let asked = scene.ask((Method::GET, "/settings"), &[("cookie", other)], "").await;
    assert_eq!(asked.status, 303, "it is ended");
    let again = ada.send("/settings", "/settings/accounts/gone/unlink", &[]).await;
    assert_eq!(again.status, 404, "{}", again.text);
    whole("/settings/accounts/gone/unlink", &again);
    // What is left is the only way in, and stays.
    forget_password(&scene, "ada").await;
    let page = ada.page("/settings").await;
    assert!(page.contains("It is your only way to sign in.") && !page.contains("Unlink it"));
    let said = ada.send("/settings", "/settings/accounts/corp/unlink", &[]).await;
    assert_eq!(said.status, 409, "{}", said.text);
    whole("/settings/accounts/corp/unlink", &said);
    assert_eq!(links(&scene, "ada").await, ["corp"]);
    let chain = scene.store.audit_after(0, 100).await.expect("read");
    assert_eq!(verify_chain(&chain), Ok(()));
    let told: Vec<_> = chain.iter().filter(|entry| entry.what == "user.unlinked").collect();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].actor.as_str(), &told[0].detail["provider"]), ("ada", &"gone".into()));
}

#[tokio::test]
async fn accounts_of_others_are_for_who_manages_users() {
    let scene = scene().await;
    let root = Browser::of(&scene, "root", "admin", &["*"]).await;
    let eve = Browser::of(&scene, "eve", "maintainer", &["*"]).await;
    let ada = Browser::of(&scene, "ada", "viewer", &["*"]).await;
    for name in ["ada", "root"] {
        link(&scene, name, "corp").await;
    }
    let path = "/settings/users/ada/accounts/corp/unlink";
    assert_eq!(eve.send("/settings", path, &[]).await.status, 403);
    assert_eq!(ada.send("/settings", path, &[]).await.status, 403, "as nobody but themselves");
    assert_eq!(eve.open("/api/v1/users/ada/accounts").await.status, 403);
    // A key is nobody who is there.
    let key = scene.key_of("root", &[]).await;
    let bearer = format!("Bearer {key}");
    for path in ["/api/v1/auth/accounts/corp", "/api/v1/users/ada/accounts/corp"] {
        let headers = [("authorization", bearer.as_str())];
        assert_eq!(scene.ask((Method::DELETE, path), &headers, "").await.status, 403, "{path}");
    }
    // An admin takes the last way of another one, and all of it ends; never their own.
    for name in ["ada", "root"] {
        forget_password(&scene, name).await;
    }
    let page = root.page("/settings/users/ada").await;
    assert!(page.contains("It is their only way to sign in: then there is none."), "{page}");
    let said = root.send("/settings/users/ada", path, &[]).await;
    assert_eq!(said.headers["location"], "/settings/users/ada?done=unlinked", "{}", said.text);
    assert_eq!(links(&scene, "ada").await, Vec::<String>::new());
    assert_eq!(ada.open("/settings").await.status, 303, "the session is ended");
    let page = root.page("/settings/users/root").await;
    assert!(page.contains("It is your only way to sign in.") && !page.contains("Unlink it"));
    let own = root.send("/", "/settings/users/root/accounts/corp/unlink", &[]).await;
    assert_eq!(own.status, 409, "{}", own.text);
    for missing in ["/settings/users/none/accounts/corp/unlink", path] {
        assert_eq!(root.send("/", missing, &[]).await.status, 404, "{missing}");
    }
    // The token of a form is that of its session.
    let token = hidden(&eve.page("/settings").await, "_token");
    let fields = form(&[("_token", &token)]);
    let stolen = [("cookie", root.cookie.as_str())];
    let forged = sent(&scene, "/settings/accounts/corp/unlink", &stolen, &fields).await;
    assert_eq!(forged.status, 403, "{}", forged.text);
    assert_eq!(links(&scene, "root").await, ["corp"]);
}
