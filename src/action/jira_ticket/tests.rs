//! Tests of the `jira-ticket` action against a JIRA that keeps its tickets.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::header::{HeaderMap, HeaderValue};

use super::fake::FakeJira;
use super::*;
use crate::action::testing::{call, ports};
use crate::action::{
    JiraEdition, JiraInstance, Message, Operator, Owner, Poke, Refused, SecretRef, SecretSource,
    Sender,
};
use crate::digest::Digest;
use crate::id::RunId;
use crate::reconcile::StepRecord;
use crate::run::FaultClass;
use crate::secret::Secret;

pub(super) const JIRA: JiraTicket = JiraTicket::new();

struct Tokens;

#[async_trait]
impl SecretSource for Tokens {
    async fn find(&self, owner: Owner<'_>, name: &str) -> Result<Secret, Fault> {
        assert_eq!(owner, Owner::Operator);
        match name {
            "JIRA" => Ok(Secret::new("t0ken-of-jira")),
            "HOOK" => Ok(Secret::new("hook-secret")),
            _ => Err(Fault::terminal("there is no such secret")),
        }
    }
}

pub(super) fn reaching(jira: &FakeJira, edition: JiraEdition) -> Ports {
    let state_dir = jira.state.path().to_owned();
    let named = |name: &str| SecretRef { secret: name.to_owned() };
    let instance = JiraInstance {
        url: format!("http://{}/", jira.address),
        edition,
        user: Some("robot@example.com".to_owned()),
        token: named("JIRA"),
        webhook_secret: Some(named("HOOK")),
        cancelled: vec!["Parked".to_owned()],
    };
    let jira = BTreeMap::from([("main".to_owned(), instance)]);
    let operator = Arc::new(Operator { jira, ..Operator::default() });
    Ports { operator, secrets: Arc::new(Tokens), state_dir, ..ports() }
}

pub(super) fn config(more: &Value) -> Value {
    let mut ticket = json!({
        "project": "OPS",
        "issueType": "Task",
        "summaryTemplate": "Database for\npayments-db",
        "descriptionTemplate": "Please \\*do\\* it",
        "labels": ["platform"],
    });
    ticket.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"instance": "main", "ticket": ticket})
}

pub(super) async fn waiting(ports: &Ports, call: &Call) -> Wait {
    match JIRA.perform(ports, call).await {
        Ok(Outcome::Waiting { on }) => on,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_ticket_is_opened_once_and_waited_for() {
    let jira = FakeJira::start().await;
    let ports = reaching(&jira, JiraEdition::Cloud);
    let asked = call(config(&json!({"priority": "High", "epicKey": "OPS-9", "assignee": "557"})));
    let on = waiting(&ports, &asked).await;
    assert_eq!(on.what, "ticket OPS-1 (To Do)");
    assert_eq!(on.reference["about"], "jira:main:OPS-1");
    assert_eq!(waiting(&ports, &asked).await, on, "the same ticket");
    assert_eq!(jira.keys(), ["OPS-1"]);
    {
        let world = jira.world.lock().unwrap();
        let fields = &world.tickets[0]["fields"];
        assert_eq!(fields["summary"], "Database for payments-db");
        assert_eq!(fields["parent"]["key"], "OPS-9");
        assert_eq!(fields["assignee"]["accountId"], "557");
        let labels =
            json!(["platform", "trueline-demo-u1-provision", "trueline-demo-u1-provision-1"]);
        assert_eq!(fields["labels"], labels);
        assert!(world.authorization[0].starts_with("Basic "));
    }
    jira.moved("OPS-1", "In Progress", "indeterminate");
    let Ok(Outcome::Waiting { on: now }) = JIRA.look(&ports, &asked, &on).await else {
        panic!("it waits");
    };
    assert_eq!(now.what, "ticket OPS-1 (In Progress)");
    jira.moved("OPS-1", "Closed", "done");
    let Ok(Outcome::Done { outputs, .. }) = JIRA.look(&ports, &asked, &on).await else {
        panic!("it is done");
    };
    let url = format!("http://{}/browse/OPS-1", jira.address);
    assert_eq!(Value::Object(outputs), json!({"key": "OPS-1", "url": url, "status": "Closed"}));
}

#[tokio::test]
async fn no_secret_stands_in_a_ticket() {
    let jira = FakeJira::start().await;
    let ports = reaching(&jira, JiraEdition::Cloud);
    let more = json!({"summaryTemplate": "For hunter22", "descriptionTemplate": "It is hunter22.",
                      "labels": ["hunter22"], "customFields": {"customfield_1": {"value": "hunter22"}}});
    waiting(&ports, &call(config(&more))).await;
    let world = jira.world.lock().unwrap();
    let fields = &world.tickets[0]["fields"];
    assert_eq!(fields["summary"], "For (sensitive)");
    assert!(!fields.to_string().contains("hunter22"), "{fields}");
}

#[tokio::test]
async fn an_open_ticket_of_an_earlier_call_is_taken_up_and_a_closed_one_is_not() {
    let jira = FakeJira::start().await;
    let ports = reaching(&jira, JiraEdition::Cloud);
    waiting(&ports, &call(config(&json!({})))).await;
    let again = |effect: u32, summary: &str| Call {
        key: format!("trueline-demo-u1-provision-{effect}"),
        ..call(config(&json!({"summaryTemplate": summary})))
    };
    let on = waiting(&ports, &again(2, "A larger one")).await;
    assert_eq!(on.reference["key"], "OPS-1");
    assert_eq!(jira.world.lock().unwrap().tickets[0]["fields"]["summary"], "A larger one");
    jira.moved("OPS-1", "Done", "done");
    let on = waiting(&ports, &again(3, "Another one")).await;
    assert_eq!(on.reference["key"], "OPS-2", "what was done is not done again");
}

#[tokio::test]
async fn a_ticket_that_nobody_will_do_fails_the_step() {
    let jira = FakeJira::start().await;
    let ports = reaching(&jira, JiraEdition::Cloud);
    let asked = call(config(&json!({})));
    let on = waiting(&ports, &asked).await;
    for status in ["Won't Do", "parked"] {
        jira.moved("OPS-1", status, "done");
        let fault = JIRA.look(&ports, &asked, &on).await.unwrap_err();
        assert_eq!(fault.class, FaultClass::Terminal);
        assert!(fault.message.contains(status), "{fault}");
    }
    jira.world.lock().unwrap().tickets.clear();
    let fault = JIRA.look(&ports, &asked, &on).await.unwrap_err();
    assert_eq!(fault.message, "ticket OPS-1 is gone: somebody deleted it");
}

#[tokio::test]
async fn tickets_of_parts_that_depend_on_each_other_are_linked_once() {
    let jira = FakeJira::start().await;
    let ports = reaching(&jira, JiraEdition::Cloud);
    let record = StepRecord {
        action: "jira-ticket".to_owned(),
        digest: Digest::of_bytes(b"x"),
        sent: json!({"instance": "main"}),
        result: json!({"key": "OPS-7"}),
        outputs: Map::new(),
        run: RunId("r0".to_owned()),
        at: jiff::Timestamp::UNIX_EPOCH,
    };
    let elsewhere = StepRecord {
        sent: json!({"instance": "other"}),
        result: json!({"key": "X-1"}),
        ..record.clone()
    };
    let mut asked = call(config(&json!({})));
    asked.before = vec![record, elsewhere];
    asked.config["links"] = json!([{"type": "blocks", "ticket": "OPS-8"}]);
    for _ in 0..2 {
        waiting(&ports, &asked).await;
    }
    let links = jira.world.lock().unwrap().links.clone();
    let told: Vec<String> = links
        .iter()
        .map(|link| {
            format!("{} blocks {}", link["inwardIssue"]["key"], link["outwardIssue"]["key"])
        })
        .collect();
    assert_eq!(told, [r#""OPS-7" blocks "OPS-1""#, r#""OPS-1" blocks "OPS-8""#]);
    asked.config["links"] = json!([{"type": "loves", "ticket": "OPS-8"}]);
    let fault = JIRA.perform(&ports, &asked).await.unwrap_err();
    assert_eq!(fault.message, "there is no link `loves`; JIRA knows `blocks`, `relates to`");
}

#[tokio::test]
async fn what_jira_refuses_is_told_with_the_place_that_says_it() {
    let jira = FakeJira::start().await;
    let ports = reaching(&jira, JiraEdition::Cloud);
    let refused = async |more: Value| {
        let fault = JIRA.perform(&ports, &call(config(&more))).await.unwrap_err();
        assert_eq!(fault.class, FaultClass::Terminal);
        fault.message
    };
    let why = refused(json!({"summaryTemplate": " \n"})).await;
    assert!(why.contains("`config/ticket/summaryTemplate`: You must specify"), "{why}");
    let why = refused(json!({"project": "NOPE"})).await;
    assert!(why.contains("`config/ticket/project`: valid project is required"), "{why}");
    let why = refused(json!({"summaryTemplate": "é".repeat(256)})).await;
    assert_eq!(why, "`config/ticket/summaryTemplate` renders to 256 characters; JIRA takes 255");
    let mut other = call(config(&json!({})));
    other.config["instance"] = json!("else");
    let why = JIRA.perform(&ports, &other).await.unwrap_err().message;
    assert!(why.contains("there is no JIRA instance `else`"), "{why}");
    assert!(jira.keys().is_empty());
}

#[tokio::test]
async fn a_data_center_takes_its_token_alone_and_has_a_field_for_epics() {
    let jira = FakeJira::start().await;
    let ports = reaching(&jira, JiraEdition::DataCenter);
    let more = json!({"epicKey": "OPS-9", "assignee": "ada", "customFields": {"customfield_1": 3}});
    let mut asked = call(config(&more));
    asked.config["waitFor"] = json!("created");
    let done = JIRA.perform(&ports, &asked).await;
    assert!(matches!(done, Ok(Outcome::Done { .. })), "{done:?}");
    let world = jira.world.lock().unwrap();
    assert_eq!(world.authorization, ["Bearer t0ken-of-jira"]);
    let fields = &world.tickets[0]["fields"];
    assert_eq!(fields["customfield_10101"], "OPS-9");
    assert_eq!(fields["assignee"]["name"], "ada");
    assert_eq!(fields["customfield_1"], 3);
}

#[tokio::test]
async fn a_ticket_that_nobody_wants_is_commented_and_closed() {
    let jira = FakeJira::start().await;
    let ports = reaching(&jira, JiraEdition::Cloud);
    let asked = call(config(&json!({})));
    let on = waiting(&ports, &asked).await;
    assert_eq!(JIRA.withdraw(&ports, &asked, &on).await, Ok(Withdrawn::Done));
    assert_eq!(JIRA.withdraw(&ports, &asked, &on).await, Ok(Withdrawn::Nothing));
    let world = jira.world.lock().unwrap();
    assert_eq!(world.tickets[0]["fields"]["comment"].as_array().unwrap().len(), 1);
    assert_eq!(world.tickets[0]["fields"]["status"]["name"], "Won't Do");
}

#[tokio::test]
async fn only_a_signed_message_pokes() {
    let jira = FakeJira::start().await;
    let ports = reaching(&jira, JiraEdition::Cloud);
    let body = br#"{"webhookEvent": "jira:issue_updated", "issue": {"key": "OPS-1"}}"#;
    let (_, signature) = crate::action::signature::hub(&Secret::new("hook-secret"), body);
    let check = async |rest: &str, signature: &str, body: &[u8]| {
        let mut headers = HeaderMap::new();
        headers.insert("x-hub-signature", HeaderValue::from_str(signature).unwrap());
        JiraSender.check(&ports, Message { rest, headers: &headers, body }).await
    };
    let delivery = check("main", &signature, body).await.unwrap();
    assert_eq!(delivery.pokes, [Poke::Waiting { about: "jira:main:OPS-1".to_owned() }]);
    assert_eq!(check("main", &signature, body).await.unwrap().id, delivery.id, "known again");
    assert_eq!(check("main", "sha256=00", body).await, Err(Refused::Unsigned));
    assert_eq!(check("other", &signature, body).await, Err(Refused::Unknown));
    let (_, signed) = crate::action::signature::hub(&Secret::new("hook-secret"), b"{");
    assert!(matches!(check("main", &signed, b"{").await, Err(Refused::Unreadable(_))));
}
