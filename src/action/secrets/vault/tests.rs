//! Tests against a counterpart that answers as Vault's documentation says.

use super::*;
use crate::action::secrets::EnvironmentSecrets;
use crate::action::testing::{Counterpart, Trick, ports, refusing_url};
use FaultClass::{Terminal, Transient};

/// Holds what authentication asks for.
struct Own;

#[async_trait]
impl SecretKeeper for Own {
    async fn get(&self, _: Owner<'_>, name: &str) -> Result<Option<Secret>, Fault> {
        Ok(Some(Secret::new(format!("the-{name}"))))
    }

    fn place(&self, _: Owner<'_>, _: &str) -> String {
        String::new()
    }
}

fn token() -> VaultAuth {
    VaultAuth::Token { token: Some(SecretRef { secret: "TOKEN".to_owned() }), token_file: None }
}

fn approle() -> VaultAuth {
    let named = |name: &str| SecretRef { secret: name.to_owned() };
    VaultAuth::AppRole { role_id: named("ROLE"), secret_id: named("SECRET"), mount: None }
}

fn vault(url: &str, auth: VaultAuth) -> VaultSecrets {
    VaultSecrets {
        http: ports().http,
        own: Arc::new(Own),
        url: url.to_owned(),
        namespace: Some("teams/eu".to_owned()),
        mount: "kv/eu".to_owned(),
        path: Pattern { text: "apps/{team}/{name}".to_owned(), operator: Some("ops".to_owned()) },
        field: "value".to_owned(),
        auth,
        token: Mutex::default(),
    }
}

/// As “Read secret version” shows it.
fn secret(fields: &str) -> Trick {
    let metadata = r#"{"created_time": "2018-03-22T02:24:06.945319214Z", "custom_metadata": null, "deletion_time": "", "destroyed": false, "version": 2}"#;
    Trick::Answer(200, "", format!(r#"{{"data": {{"data": {fields}, "metadata": {metadata}}}}}"#))
}

/// As “Login with `AppRole`” shows it.
fn login(token: &str, life: u32) -> Trick {
    Trick::Answer(
        200,
        "",
        format!(
            r#"{{"auth": {{"renewable": true, "lease_duration": {life}, "policies": ["default"], "accessor": "fd6c9a00", "client_token": "{token}"}}, "warnings": null, "data": null}}"#
        ),
    )
}

#[tokio::test]
async fn a_secret_is_read_at_its_path_with_the_token() {
    let counterpart = Counterpart::start().await;
    counterpart.play([
        secret(r#"{"value": "s3cret\n", "other": "x"}"#),
        secret(r#"{"value": 7}"#),
        secret(r#"{"other": "x"}"#),
    ]);
    let vault = vault(&counterpart.url(""), token());
    let found = vault.find(Owner::Team("data-core"), "DB_PASSWORD").await.unwrap();
    assert_eq!(found.reveal(), "s3cret");
    assert_eq!(vault.find(Owner::Operator, "TOKEN").await.unwrap().reveal(), "7");
    assert_eq!(vault.get(Owner::Team("a"), "X").await, Ok(None), "another field is there");
    assert_eq!(
        vault.get(Owner::Team("ops"), "TOKEN").await,
        Ok(None),
        "no team takes the operator's place"
    );
    let seen = counterpart.seen();
    let paths: Vec<&str> = seen.iter().map(|seen| seen.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "/v1/kv/eu/data/apps/data-core/DB_PASSWORD",
            "/v1/kv/eu/data/apps/ops/TOKEN",
            "/v1/kv/eu/data/apps/a/X"
        ]
    );
    let headers = &seen[0].headers;
    assert_eq!(
        (
            headers["x-vault-token"].as_str(),
            headers["x-vault-namespace"].as_str(),
            headers["x-vault-request"].as_str()
        ),
        ("the-TOKEN", "teams/eu", "true")
    );
}

#[tokio::test]
async fn what_is_not_there_is_told_from_what_cannot_be_had() {
    let counterpart = Counterpart::start().await;
    let vault = vault(&counterpart.url(""), token());
    // As “Read secret version” shows a version that was deleted.
    let deleted = r#"{"data": {"data": null, "metadata": {"deletion_time": "2020-01-01T00:00:00Z", "destroyed": false, "version": 1}}}"#;
    for body in [r#"{"errors": []}"#, deleted] {
        counterpart.play([Trick::Answer(404, "", body.to_owned())]);
        assert_eq!(vault.get(Owner::Team("a"), "X").await, Ok(None));
    }
    for (trick, class) in [
        (Trick::Answer(404, "", "<html>not found".to_owned()), Terminal),
        (Trick::Answer(404, "", r#"{"errors": ["no handler for route"]}"#.to_owned()), Terminal),
        (Trick::Answer(400, "", String::new()), Terminal),
        (Trick::Answer(403, "", r#"{"errors": ["permission denied"]}"#.to_owned()), Terminal),
        (Trick::Answer(307, "location: http://127.0.0.1:1/\r\n", String::new()), Terminal),
        (Trick::Answer(429, "", String::new()), Transient),
        (Trick::Answer(472, "", String::new()), Transient),
        (Trick::Answer(473, "", String::new()), Transient),
        (Trick::Answer(500, "", String::new()), Transient),
        (Trick::Answer(503, "", r#"{"errors": ["Vault is sealed"]}"#.to_owned()), Transient),
        (Trick::Answer(200, "", "<html>log in".to_owned()), Terminal),
        (Trick::Answer(200, "", r#"{"data": {"value": "of version 1"}}"#.to_owned()), Terminal),
        (Trick::Answer(200, "", "x".repeat(2 << 20)), Terminal),
        (secret(r#"{"value": {"a": 1}}"#), Terminal),
        (secret(r#"{"value": ""}"#), Terminal),
        (Trick::CutBefore, Transient),
        (Trick::CutAfter, Transient),
        (Trick::Garbage, Transient),
    ] {
        counterpart.play([trick.clone()]);
        let fault = vault.find(Owner::Team("a"), "X").await.unwrap_err();
        assert_eq!(fault.class, class, "{trick:?}: {fault}");
        assert!(!fault.message.contains("the-TOKEN") && fault.message.len() < 300, "{fault}");
    }
    let nobody = super::tests::vault(refusing_url().await.trim_end_matches("/things"), token());
    assert_eq!(nobody.find(Owner::Team("a"), "X").await.unwrap_err().class, Transient);
}

#[tokio::test]
async fn a_role_signs_in_once_and_again_when_its_token_is_refused() {
    let counterpart = Counterpart::start().await;
    let vault = vault(&counterpart.url(""), approle());
    counterpart.play([
        login("hvs.one", 3600),
        secret(r#"{"value": "a1"}"#),
        secret(r#"{"value": "a2"}"#),
    ]);
    for expected in ["a1", "a2"] {
        assert_eq!(vault.find(Owner::Team("a"), "X").await.unwrap().reveal(), expected);
    }
    let seen = counterpart.seen();
    assert_eq!(
        (seen[0].method.as_str(), seen[0].path.as_str()),
        ("POST", "/v1/auth/approle/login")
    );
    assert_eq!(seen[0].body, r#"{"role_id":"the-ROLE","secret_id":"the-SECRET"}"#);
    assert_eq!(seen[2].headers["x-vault-token"], "hvs.one");

    counterpart.play([
        Trick::Answer(403, "", String::new()),
        login("hvs.two", 1),
        secret(r#"{"value": "a3"}"#),
    ]);
    assert_eq!(vault.find(Owner::Team("a"), "X").await.unwrap().reveal(), "a3");
    assert_eq!(counterpart.seen()[5].headers["x-vault-token"], "hvs.two");
    // One that is about to end is not used again.
    counterpart.play([
        login("hvs.three", 3600),
        Trick::Answer(403, "", String::new()),
        login("hvs.four", 3600),
        Trick::Answer(403, "", String::new()),
    ]);
    assert_eq!(vault.find(Owner::Team("a"), "X").await.unwrap_err().class, FaultClass::Terminal);
    for (trick, class) in [
        (
            Trick::Answer(400, "", r#"{"errors": ["invalid role or secret ID"]}"#.to_owned()),
            FaultClass::Terminal,
        ),
        (Trick::Answer(503, "", String::new()), FaultClass::Transient),
        (Trick::Answer(200, "", "{}".to_owned()), FaultClass::Terminal),
        (Trick::CutAfter, FaultClass::Transient),
    ] {
        let vault = super::tests::vault(&counterpart.url(""), approle());
        counterpart.play([trick.clone()]);
        let fault = vault.find(Owner::Team("a"), "X").await.unwrap_err();
        assert_eq!(fault.class, class, "{trick:?}: {fault}");
    }
}

#[tokio::test]
async fn a_pod_signs_in_with_the_token_of_its_account() {
    let counterpart = Counterpart::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "eyJ.jwt\n").unwrap();
    let auth = VaultAuth::Kubernetes {
        role: "trueline".to_owned(),
        token_file: Some(file.clone()),
        mount: Some("k8s".to_owned()),
    };
    counterpart.play([
        login("hvs.pod", 3600),
        secret(r#"{"value": "a1"}"#),
        secret(r#"{"value": "a2"}"#),
    ]);
    assert_eq!(
        vault(&counterpart.url(""), auth).find(Owner::Team("a"), "X").await.unwrap().reveal(),
        "a1"
    );
    let seen = counterpart.seen();
    assert_eq!(
        (seen[0].path.as_str(), seen[0].body.as_str()),
        ("/v1/auth/k8s/login", r#"{"jwt":"eyJ.jwt","role":"trueline"}"#)
    );

    let auth = VaultAuth::Token { token: None, token_file: Some(file) };
    assert!(vault(&counterpart.url(""), auth).find(Owner::Team("a"), "X").await.is_ok());
    assert_eq!(counterpart.seen()[2].headers["x-vault-token"], "eyJ.jwt");
    let missing =
        VaultSecrets { own: Arc::new(EnvironmentSecrets), ..vault(&counterpart.url(""), token()) };
    assert_eq!(missing.find(Owner::Team("a"), "X").await.unwrap_err().class, FaultClass::Terminal);
}
