//! What tests sign with: keys that are made anew, as an issuer has them.

use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use jsonwebtoken::jwk::{Jwk, KeyAlgorithm};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Map, Value, json};

/// A moment, in seconds.
pub(in crate::serve) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

/// A key of an issuer.
pub(in crate::serve) struct Signer {
    key: EncodingKey,
    id: String,
}

impl Signer {
    /// Makes a key with a name.
    pub(in crate::serve) fn new(id: &str) -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
        let key = EncodingKey::from_ec_der(pair.serialized_der());
        Self { key, id: id.to_owned() }
    }

    /// Returns its public half as issuers show it.
    pub(in crate::serve) fn jwk(&self) -> Jwk {
        let mut jwk = Jwk::from_encoding_key(&self.key, Algorithm::ES256).expect("a key");
        jwk.common.key_id = Some(self.id.clone());
        jwk.common.key_algorithm = Some(KeyAlgorithm::ES256);
        jwk
    }

    /// Returns what everybody knows of it, in several forms.
    pub(in crate::serve) fn known(&self) -> Vec<Vec<u8>> {
        let jwk = serde_json::to_value(self.jwk()).expect("json");
        let part = |name: &str| jwk[name].as_str().unwrap_or_default().as_bytes().to_vec();
        vec![jwk.to_string().into_bytes(), part("x"), Vec::new()]
    }

    /// Signs claims.
    pub(in crate::serve) fn sign(&self, claims: &Value) -> String {
        self.sign_with(claims, |_| ())
    }

    /// Signs claims under another head.
    pub(in crate::serve) fn sign_with(
        &self,
        claims: &Value,
        change: impl FnOnce(&mut Header),
    ) -> String {
        let mut head = Header::new(Algorithm::ES256);
        head.kid = Some(self.id.clone());
        change(&mut head);
        encode(&head, claims, &self.key).expect("signs")
    }

    /// Signs claims with something that both sides know.
    pub(in crate::serve) fn shared(secret: &[u8], id: &str, claims: &Value) -> String {
        let mut head = Header::new(Algorithm::HS256);
        head.kid = Some(id.to_owned());
        encode(&head, claims, &EncodingKey::from_secret(secret)).expect("signs")
    }
}

/// An issuer of tests: it says and signs what it is told to, also what is not true.
pub(in crate::serve) struct FakeIssuer {
    pub(in crate::serve) address: String,
    lies: Arc<Mutex<Lies>>,
    task: tokio::task::JoinHandle<()>,
}

/// What it says.
#[derive(Default)]
pub(in crate::serve) struct Lies {
    /// The keys that it shows.
    pub(in crate::serve) keys: Vec<Value>,
    /// What stands otherwise in what it says of itself.
    pub(in crate::serve) document: Map<String, Value>,
    /// What it gives for a code.
    pub(in crate::serve) tokens: Value,
    /// What it tells of whoever has an access token.
    pub(in crate::serve) told: Value,
    /// The forms that it was sent, each with who sent it.
    pub(in crate::serve) forms: Vec<(String, String)>,
    /// How often its keys were read.
    pub(in crate::serve) reads: usize,
}

impl Drop for FakeIssuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FakeIssuer {
    /// Starts it with a key.
    pub(in crate::serve) async fn start(signer: &Signer) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let keys = vec![serde_json::to_value(signer.jwk()).expect("json")];
        let lies = Arc::new(Mutex::new(Lies { keys, ..Lies::default() }));
        let router =
            axum::Router::new().fallback(answer).with_state((address.clone(), Arc::clone(&lies)));
        let task =
            tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });
        Self { address, lies, task }
    }

    /// Looks at what it says, or changes it.
    pub(in crate::serve) fn lies(&self) -> MutexGuard<'_, Lies> {
        self.lies.lock().expect("nobody broke it")
    }
}

async fn answer(
    State((address, lies)): State<(String, Arc<Mutex<Lies>>)>,
    request: axum::extract::Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    let mut lies = lies.lock().expect("nobody broke it");
    let said = match parts.uri.path() {
        "/.well-known/openid-configuration" => {
            let place = |path: &str| Value::String(format!("{address}/{path}"));
            let mut document = json!({
                "issuer": address, "authorization_endpoint": place("authorize?tenant=a"),
                "token_endpoint": place("token"), "userinfo_endpoint": place("me"),
                "jwks_uri": place("keys"),
            });
            for (name, value) in &lies.document {
                document[name] = value.clone();
            }
            document
        }
        "/keys" => {
            lies.reads += 1;
            json!({"keys": lies.keys})
        }
        "/token" => {
            let who = parts.headers.get("authorization").and_then(|it| it.to_str().ok());
            let form = String::from_utf8_lossy(&body).into_owned();
            lies.forms.push((who.unwrap_or_default().to_owned(), form));
            lies.tokens.clone()
        }
        "/me" => lies.told.clone(),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    axum::Json(said).into_response()
}
