//! The contract of the Open Service Broker API 2.17 (`spec.md` of openservicebrokerapi/servicebroker): a broker that
//! works asynchronously is provisioned, asked, updated, deprovisioned, and cleaned of orphans by a `config` alone.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::routing::{any, get};

use super::*;
use crate::action::Call;
use crate::action::testing::{call, ports};

/// How the broker misbehaves at the next provisioning, once it has done it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mishap {
    Status(u16, &'static str),
    Silence,
    FailsLater,
}

#[derive(Default)]
struct Broker {
    /// Parameters by instance.
    instances: BTreeMap<String, Value>,
    /// What is under way, and how often it was asked about.
    operations: BTreeMap<String, (String, u32)>,
    ledger: Vec<String>,
    mishap: Option<Mishap>,
    fails: bool,
    numbers: u32,
}

type Shared = Arc<Mutex<Broker>>;
type Answer = (StatusCode, String);

fn answer(status: u16, body: &Value) -> Answer {
    (StatusCode::from_u16(status).unwrap(), body.to_string())
}

impl Broker {
    /// Begins what takes a while, and says how it is called.
    fn begin(&mut self, what: &str, id: &str) -> Answer {
        self.numbers += 1;
        let operation = format!("{what} #{}", self.numbers);
        self.operations.insert(id.to_owned(), (operation.clone(), 0));
        self.ledger.push(format!("{what} {id}"));
        answer(
            202,
            &json!({"operation": operation, "dashboard_url": "http://dash.example.com/9189"}),
        )
    }

    fn change(&mut self, method: &Method, id: &str, body: &Value) -> Answer {
        if self.operations.contains_key(id) {
            let same = self.instances.get(id) == Some(&body["parameters"]);
            return match (method, &self.operations[id]) {
                (&Method::PUT, (operation, _)) if same => {
                    answer(202, &json!({"operation": operation}))
                }
                (&Method::DELETE, (operation, _)) if operation.starts_with("deprovision") => {
                    answer(202, &json!({"operation": operation}))
                }
                (&Method::DELETE, _) => self.begin("deprovision", id),
                _ => answer(422, &json!({"error": "ConcurrencyError"})),
            };
        }
        let there = self.instances.get(id);
        match *method {
            Method::PUT if there == Some(&body["parameters"]) => {
                answer(200, &json!({"dashboard_url": "http://dash.example.com/9189"}))
            }
            Method::PUT if there.is_some() => answer(409, &json!({})),
            Method::PATCH | Method::DELETE if there.is_none() => answer(410, &json!({})),
            Method::DELETE => self.begin("deprovision", id),
            _ => {
                self.instances.insert(id.to_owned(), body["parameters"].clone());
                self.begin(if method == Method::PUT { "provision" } else { "update" }, id)
            }
        }
    }
}

async fn instance(
    State(broker): State<Shared>,
    Path(id): Path<String>,
    (method, Query(query), headers): (Method, Query<BTreeMap<String, String>>, HeaderMap),
    body: Bytes,
) -> Answer {
    let version = headers.get("x-broker-api-version").and_then(|version| version.to_str().ok());
    if version != Some("2.17") {
        return answer(412, &json!({"description": "needs API version 2.17"}));
    }
    if headers.get("authorization").is_none() {
        return answer(401, &json!({}));
    }
    if query.get("accepts_incomplete").map(String::as_str) != Some("true") {
        return answer(422, &json!({"error": "AsyncRequired"}));
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let named = |name: &str| body[name].is_string() || query.contains_key(name);
    if !named("service_id") || (method != Method::PATCH && !named("plan_id")) {
        return answer(400, &json!({"description": "mandatory data is missing"}));
    }
    let (changed, mishap) = {
        let mut broker = broker.lock().unwrap();
        let mishap = if method == Method::PUT { broker.mishap.take() } else { None };
        let rejects = matches!(mishap, Some(Mishap::Status(400..=499, _)));
        let changed =
            if rejects { answer(400, &json!({})) } else { broker.change(&method, &id, &body) };
        broker.fails |= mishap == Some(Mishap::FailsLater);
        (changed, mishap)
    };
    match mishap {
        Some(Mishap::Status(status, body)) => {
            (StatusCode::from_u16(status).unwrap(), body.to_owned())
        }
        Some(Mishap::Silence) => std::future::pending().await,
        _ => changed,
    }
}

async fn last_operation(
    State(broker): State<Shared>,
    Path(id): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let mut broker = broker.lock().unwrap();
    let fails = broker.fails;
    let Some((operation, asked)) = broker.operations.get_mut(&id) else {
        let there = broker.instances.contains_key(&id);
        return if there {
            answer(200, &json!({"state": "succeeded"}))
        } else {
            answer(410, &json!({}))
        };
    };
    if query.get("operation") != Some(operation) {
        return answer(400, &json!({"description": "another operation"}));
    }
    *asked += 1;
    if *asked < 2 {
        return answer(200, &json!({"state": "in progress", "description": "Creating (10%)"}));
    }
    let gone = operation.starts_with("deprovision");
    broker.operations.remove(&id);
    if gone {
        broker.instances.remove(&id);
        return answer(410, &json!({}));
    }
    broker.fails = false;
    answer(200, &json!({"state": if fails { "failed" } else { "succeeded" }}))
}

async fn start() -> (SocketAddr, Shared) {
    let broker = Shared::default();
    let router = Router::new()
        .route("/v2/service_instances/{id}", any(instance))
        .route("/v2/service_instances/{id}/last_operation", get(last_operation))
        .with_state(Arc::clone(&broker));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, broker)
}

/// The `config` of docs/actions/rest-api.md, rendered.
fn config(address: SocketAddr, method: &str, size: u32) -> Call {
    let page = include_str!("../../../docs/actions/rest-api.md");
    let example = page.split("<!-- broker -->").nth(1).unwrap();
    let example = example.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let text = example
        .replace("{{environment.brokerUrl}}", &format!("http://{address}"))
        .replace("{{service.id}}", "payments-db")
        .replace("{{service.team}}", "payments")
        .replace("\"{{fields.size}}\"", &size.to_string())
        .replace("method: PUT", &format!("method: {method}"))
        .replace("interval: 5s", "interval: 1ms");
    assert!(!text.contains("{{"), "{text}");
    let actions: Value = serde_yaml::from_str(&text).unwrap();
    let action = &actions[0];
    let mut call = call(action["config"].clone());
    call.config["authentication"]["password"] = json!("hunter22");
    call.outputs = serde_json::from_value(action["outputs"].clone()).unwrap();
    call
}

/// Performs, and looks until it is done, each time as a process that has just started.
async fn done(call: &Call, mut outcome: Result<Outcome, Fault>) -> Result<Outcome, Fault> {
    for _ in 0..9 {
        match outcome {
            Ok(Outcome::Waiting { on }) => outcome = RestApi::new().look(&ports(), call, &on).await,
            settled => return settled,
        }
    }
    panic!("it waits for ever")
}

#[tokio::test]
async fn an_instance_is_provisioned_updated_and_deprovisioned_once() {
    let (address, broker) = start().await;
    let create = config(address, "PUT", 3);
    for _ in 0..2 {
        let outcome = done(&create, RestApi::new().perform(&ports(), &create).await).await.unwrap();
        let Outcome::Done { outputs, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(outputs["dashboardUrl"], "http://dash.example.com/9189");
    }
    // A process that ends between the request and its answer asks again, under the same key.
    let update = config(address, "PATCH", 5);
    let first = RestApi::new().perform(&ports(), &update).await.unwrap();
    assert!(matches!(first, Outcome::Waiting { .. }));
    assert!(done(&update, Ok(first)).await.is_ok());
    assert_eq!(broker.lock().unwrap().instances["payments-db"]["size"], 5);
    for _ in 0..2 {
        let undone = done(&update, RestApi::new().undo(&ports(), &update).await).await;
        assert!(matches!(undone, Ok(Outcome::Done { .. })), "{undone:?}");
    }
    let broker = broker.lock().unwrap();
    assert_eq!(
        broker.ledger,
        ["provision payments-db", "update payments-db", "deprovision payments-db"]
    );
    assert!(broker.instances.is_empty());
}

#[tokio::test]
async fn orphans_are_taken_away_when_the_table_says_so() {
    static QUICK: RestApi = RestApi::within(Duration::from_millis(300), Duration::from_secs(5));
    for (mishap, cleans) in [
        (Mishap::Status(201, "<html>"), true),
        (Mishap::Status(206, "{}"), true),
        (Mishap::Status(500, "{}"), true),
        (Mishap::Status(503, ""), true),
        (Mishap::Silence, true),
        (Mishap::FailsLater, true),
        (Mishap::Status(200, "<html>"), false),
        (Mishap::Status(400, "{}"), false),
        (Mishap::Status(408, ""), false),
        (Mishap::Status(409, "{}"), false),
        (Mishap::Status(422, "{}"), false),
    ] {
        let (address, broker) = start().await;
        broker.lock().unwrap().mishap = Some(mishap);
        let create = config(address, "PUT", 3);
        let action = if mishap == Mishap::Silence { &QUICK } else { &REST_API };
        let fault = done(&create, action.perform(&ports(), &create).await).await.unwrap_err();
        let broker = broker.lock().unwrap();
        let cleaned = broker.ledger.contains(&"deprovision payments-db".to_owned());
        assert_eq!(cleaned, cleans, "{mishap:?}: {fault} {:?}", broker.ledger);
        if cleans {
            assert!(
                fault.message.ends_with("; what it may have left was taken away"),
                "{mishap:?}: {fault}"
            );
            assert!(broker.instances.is_empty(), "{mishap:?}");
        }
    }
}

#[tokio::test]
async fn an_instance_that_nobody_waits_for_any_more_is_taken_away_once() {
    let (address, broker) = start().await;
    let create = config(address, "PUT", 3);
    let Outcome::Waiting { on } = RestApi::new().perform(&ports(), &create).await.unwrap() else {
        panic!("it is done")
    };
    let withdrawn = async |call: &Call, on: &Wait| {
        RestApi::new().withdraw(&ports(), call, on).await.expect("answered")
    };
    // What was there before, what is being taken away, and what nobody said may be taken away, stays.
    let record = json!({"action": "rest-api", "digest": crate::digest::Digest::of_bytes(b""), "sent": {},
        "result": {}, "outputs": {}, "run": "r1", "at": "2026-01-01T00:00:00Z"});
    let before = Call { previous: serde_json::from_value(record).unwrap(), ..create.clone() };
    let mut undoing = on.clone();
    undoing.reference["undoes"] = json!(true);
    let mut kept = create.clone();
    kept.config["delete"]["orphans"] = json!(false);
    for (call, on) in [(&before, &on), (&create, &undoing), (&kept, &on)] {
        assert_eq!(withdrawn(call, on).await, Withdrawn::Nothing);
    }
    assert_eq!(broker.lock().unwrap().ledger, ["provision payments-db"]);
    for _ in 0..2 {
        assert_eq!(withdrawn(&create, &on).await, Withdrawn::Done);
    }
    let broker = broker.lock().unwrap();
    assert_eq!(broker.ledger, ["provision payments-db", "deprovision payments-db"]);
    assert!(broker.instances.is_empty());
}
