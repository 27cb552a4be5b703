//! A counterpart for AWS: Parameter Store and Secrets Manager, as far as the library speaks with them. Every request
//! must be signed; what does not fit the documentation fails the test.
//!
//! It speaks JSON 1.1 (“AWS JSON 1.1 protocol” of Smithy): `POST /`, the verb in `X-Amz-Target`, errors by `__type`.
//! The verbs are those of the “AWS Systems Manager API Reference” (`PutParameter`, `GetParameter`,
//! `DeleteParameter`) and of the “AWS Secrets Manager API Reference” (`CreateSecret`, `UpdateSecret`,
//! `DescribeSecret`, `DeleteSecret`); signatures as “Create a signed AWS API request” of the IAM User Guide says.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};

pub(crate) const KEY_ID: &str = "AKIDEXAMPLE";
pub(crate) const KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
pub(crate) const CANARY: &str = "canary-of-the-provider";

#[derive(Default)]
pub(crate) struct State {
    /// Name → value, type and version.
    pub(crate) parameters: BTreeMap<String, Value>,
    /// Name → the last request that set it; one that is to be deleted has a `DeletionDate`.
    pub(crate) secrets: BTreeMap<String, Value>,
    problems: Vec<String>,
    book: PathBuf,
}

pub(crate) struct Aws {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Drop for Aws {
    fn drop(&mut self) {
        let problems = std::mem::take(&mut self.state().problems);
        assert!(std::thread::panicking() || problems.is_empty(), "{problems:?}");
    }
}

impl Aws {
    pub(crate) async fn start(book: &Path) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { book: book.to_owned(), ..State::default() }));
        let router = axum::Router::new().fallback(serve).with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The value of a parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        Some(self.state().parameters.get(name)?["Value"].as_str()?.to_owned())
    }
}

async fn serve(
    Shared(state): Shared<Arc<Mutex<State>>>,
    (method, uri): (Method, Uri),
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let header = |name: &str| headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let target = header("x-amz-target").to_owned();
    let mut state = state.lock().unwrap();
    let service = if target.starts_with("AmazonSSM.") { "ssm" } else { "secretsmanager" };
    if let Err(why) = is_signed((&method, &uri), &headers, (&body, service)) {
        state.problems.push(format!("{target}: {why}"));
        return refused("InvalidSignatureException");
    }
    if header("content-type") != "application/x-amz-json-1.1" {
        state.problems.push(format!("{target}: content-type {}", header("content-type")));
    }
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    match state.work(&target, &asked) {
        Ok(answer) => (StatusCode::OK, answer.to_string()),
        Err(kind) => refused(kind),
    }
}

fn refused(kind: &str) -> (StatusCode, String) {
    (StatusCode::BAD_REQUEST, json!({"__type": kind, "message": "no"}).to_string())
}

/// Signs what arrived once more, by AWS's own crate, and compares.
fn is_signed(
    (method, uri): (&Method, &Uri),
    headers: &HeaderMap,
    (body, service): (&[u8], &str),
) -> Result<(), String> {
    let header =
        |name: &str| headers.get(name).and_then(|it| it.to_str().ok()).ok_or(format!("no {name}"));
    let given = header("authorization")?;
    let date = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", header("x-amz-date")?);
    let date = date
        .and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC))
        .map_err(|error| error.to_string())?;
    let names = given
        .split("SignedHeaders=")
        .nth(1)
        .and_then(|rest| rest.split(',').next())
        .unwrap_or_default();
    let named = names.split(';').filter(|name| !matches!(*name, "host" | "x-amz-date"));
    let signed: Vec<(&str, &str)> =
        named.map(|name| Ok((name, header(name)?))).collect::<Result<_, String>>()?;
    if !["host", "content-type", "x-amz-target"]
        .iter()
        .all(|name| names.split(';').any(|it| it == *name))
    {
        return Err(format!("only {names} are signed"));
    }
    let identity = Credentials::new(KEY_ID, KEY, None, None, "test").into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region("eu-central-1")
        .name(service)
        .time(SystemTime::from(date.timestamp()))
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| error.to_string())?
        .into();
    let url = format!("http://{}{uri}", header("host")?);
    let signable =
        SignableRequest::new(method.as_str(), &url, signed.into_iter(), SignableBody::Bytes(body));
    let made = sign(signable.map_err(|error| error.to_string())?, &params)
        .map_err(|error| error.to_string())?;
    let (made, _) = made.into_parts();
    let (made, _) = made.into_parts();
    let fits = |name: &str, value: &str| name == "authorization" && value == given;
    if made.iter().any(|header| fits(header.name(), header.value())) {
        return Ok(());
    }
    Err(format!("{given} is another signature than {made:?}"))
}

impl State {
    fn wrote(&self, line: &str) {
        let mut book = std::fs::File::options().create(true).append(true).open(&self.book).unwrap();
        writeln!(book, "aws {line}").unwrap();
    }

    fn work(&mut self, target: &str, asked: &Value) -> Result<Value, &'static str> {
        let text = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
        let (verb, name) = match target.split_once('.') {
            Some(("AmazonSSM", verb)) => (verb, text("Name")),
            Some(("secretsmanager", "CreateSecret")) => ("CreateSecret", text("Name")),
            Some(("secretsmanager", verb)) => (verb, text("SecretId")),
            _ => return Err("UnknownOperationException"),
        };
        let answer = match verb {
            "GetParameter" => {
                let found = self.parameters.get(&name).ok_or("ParameterNotFound")?;
                return Ok(json!({"Parameter": found}));
            }
            "DescribeSecret" => {
                return self.secrets.get(&name).map(described).ok_or("ResourceNotFoundException");
            }
            "PutParameter" => self.put_parameter(&name, asked)?,
            "DeleteParameter" => {
                self.parameters.remove(&name).ok_or("ParameterNotFound")?;
                json!({})
            }
            "CreateSecret" | "UpdateSecret" => self.set_secret((verb, &name), asked)?,
            "DeleteSecret" => {
                let days = asked["RecoveryWindowInDays"].as_u64();
                if !days.is_some_and(|days| (7..=30).contains(&days)) {
                    return Err("InvalidParameterException");
                }
                let secret = self.secrets.get_mut(&name).ok_or("ResourceNotFoundException")?;
                secret["DeletionDate"] = json!(1.8e9);
                json!({"ARN": arn(&name), "Name": name, "DeletionDate": 1.8e9})
            }
            _ => return Err("UnknownOperationException"),
        };
        self.wrote(&format!("{verb} {name}"));
        Ok(answer)
    }

    fn put_parameter(&mut self, name: &str, asked: &Value) -> Result<Value, &'static str> {
        let version = self.parameters.get(name).map_or(0, |old| old["Version"].as_u64().unwrap());
        if version > 0 && asked["Overwrite"] != true {
            return Err("ParameterAlreadyExists");
        }
        if !name.starts_with('/') || asked["Value"].as_str().is_none_or(str::is_empty) {
            return Err("ValidationException");
        }
        let new = json!({
            "ARN": format!("arn:aws:ssm:eu-central-1:1:parameter{name}"), "DataType": "text", "Name": name,
            "LastModifiedDate": 1.7e9, "Type": asked["Type"], "Value": asked["Value"], "Version": version + 1,
        });
        self.parameters.insert(name.to_owned(), new);
        Ok(json!({"Version": version + 1, "Tier": "Standard"}))
    }

    fn set_secret(
        &mut self,
        (verb, name): (&str, &str),
        asked: &Value,
    ) -> Result<Value, &'static str> {
        let token = asked["ClientRequestToken"].as_str().unwrap_or_default();
        if !(32..=64).contains(&token.len()) {
            return Err("InvalidParameterException");
        }
        match (verb, self.secrets.get(name)) {
            // The same request again is no other one.
            ("CreateSecret", Some(old)) if old != asked => return Err("ResourceExistsException"),
            ("UpdateSecret", None) => return Err("ResourceNotFoundException"),
            (_, Some(old)) if !old["DeletionDate"].is_null() => {
                return Err("InvalidRequestException");
            }
            _ => {}
        }
        self.secrets.insert(name.to_owned(), asked.clone());
        Ok(json!({"ARN": arn(name), "Name": name, "VersionId": token}))
    }
}

fn described(secret: &Value) -> Value {
    let name = secret["Name"].as_str().or(secret["SecretId"].as_str()).unwrap();
    json!({"ARN": arn(name), "Name": name, "Description": secret["Description"], "CreatedDate": 1.7e9,
        "VersionIdsToStages": {secret["ClientRequestToken"].as_str().unwrap(): ["AWSCURRENT"]}})
}

fn arn(name: &str) -> String {
    format!("arn:aws:secretsmanager:eu-central-1:1:secret:{name}-AbCdEf")
}
