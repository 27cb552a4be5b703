//! Tests against a counterpart that answers as AWS's API references say.

use super::*;
use crate::action::aws::tests::is_signed;
use crate::action::testing::{Counterpart, Trick, ports};
use FaultClass::{Terminal, Transient};

/// Holds the key that signs.
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

fn source(counterpart: &Counterpart, service: Service, field: Option<&str>) -> AwsSecrets {
    let named = |name: &str| Some(SecretRef { secret: name.to_owned() });
    let settings = AwsSettings {
        region: "eu-central-1".to_owned(),
        endpoint: Some(counterpart.url("/")),
        path: None,
        field: field.map(str::to_owned),
        operator: None,
        access_key_id: named("ID"),
        secret_access_key: named("KEY"),
        session_token: None,
    };
    AwsSecrets { http: ports().http, own: Arc::new(Own), service, settings }
}

fn answer(status: u16, body: &str) -> Trick {
    Trick::Answer(status, "content-type: application/x-amz-json-1.1\r\n", body.to_owned())
}

#[tokio::test]
async fn a_parameter_is_asked_for_decrypted_and_signed() {
    let counterpart = Counterpart::start().await;
    counterpart.play([answer(200, r#"{"Parameter": {"ARN": "arn:aws:ssm:eu-central-1:111122223333:parameter/x", "DataType": "text", "LastModifiedDate": 1582657288.8, "Name": "/trueline/payments/DB", "Type": "SecureString", "Value": "s3cret", "Version": 3}}"#)]);
    let source = source(&counterpart, Service::Parameters, None);
    assert_eq!(source.find(Owner::Team("payments"), "DB").await.unwrap().reveal(), "s3cret");
    let seen = counterpart.seen().pop().unwrap();
    assert_eq!(seen.headers["x-amz-target"], "AmazonSSM.GetParameter");
    assert_eq!(seen.headers["content-type"], "application/x-amz-json-1.1");
    assert_eq!(seen.body, r#"{"Name":"/trueline/payments/DB","WithDecryption":true}"#);
    assert!(seen.headers["authorization"].contains("Credential=the-ID/"));
    assert!(is_signed(&seen, "the-KEY"), "{seen:?}");
    assert_eq!(source.get(Owner::Operator, "DB").await, Ok(None), "the operator has none there");
}

#[tokio::test]
async fn a_secret_may_be_one_key_of_a_json_object() {
    let counterpart = Counterpart::start().await;
    let whole = r#"{"ARN": "arn:aws:secretsmanager:x", "CreatedDate": 1.523477145713E9, "Name": "x", "SecretString": "{\"user\": \"a\", \"port\": 5432, \"more\": []}", "VersionId": "EXAMPLE1", "VersionStages": ["AWSCURRENT"]}"#;
    for (field, name, expected) in [
        (Some("user"), "DB", Ok(Some("a"))),
        (Some("{name}"), "port", Ok(Some("5432"))),
        (Some("{name}"), "none", Ok(None)),
        (Some("more"), "DB", Err(FaultClass::Terminal)),
        (None, "DB", Ok(Some("{\"user\": \"a\", \"port\": 5432, \"more\": []}"))),
    ] {
        counterpart.play([answer(200, whole)]);
        let found = source(&counterpart, Service::Secrets, field).get(Owner::Team("a"), name).await;
        let found = found
            .as_ref()
            .map(|found| found.as_ref().map(Secret::reveal))
            .map_err(|fault| fault.class);
        assert_eq!(found, expected, "{field:?}");
    }
    let seen = counterpart.seen().pop().unwrap();
    assert_eq!(seen.headers["x-amz-target"], "secretsmanager.GetSecretValue");
    assert_eq!(seen.body, r#"{"SecretId":"trueline/a/DB"}"#);
}

#[tokio::test]
async fn what_is_not_there_is_told_from_what_cannot_be_had() {
    let counterpart = Counterpart::start().await;
    let source = source(&counterpart, Service::Parameters, None);
    for kind in
        ["ParameterNotFound", "com.amazonaws.ssm#ParameterNotFound", "ResourceNotFoundException"]
    {
        counterpart.play([answer(400, &format!(r#"{{"__type": "{kind}", "message": ""}}"#))]);
        assert_eq!(source.get(Owner::Team("a"), "X").await, Ok(None), "{kind}");
    }
    for (trick, class) in [
        (answer(400, r#"{"__type": "AccessDeniedException", "Message": "the-KEY"}"#), Terminal),
        (answer(400, r#"{"__type": "UnrecognizedClientException"}"#), Terminal),
        (answer(400, r#"{"__type": "ThrottlingException"}"#), Transient),
        (answer(404, "{}"), Terminal),
        (answer(403, "<html>"), Terminal),
        (answer(500, r#"{"__type": "InternalServerError"}"#), Transient),
        (answer(503, ""), Transient),
        (answer(301, ""), Terminal),
        (answer(200, "<html>"), Terminal),
        (answer(200, r#"{"Parameter": {"Value": 7}}"#), Terminal),
        (answer(200, r#"{"Parameter": {"Value": ""}}"#), Terminal),
        (answer(200, &"x".repeat(2 << 20)), Terminal),
        (Trick::CutBefore, Transient),
        (Trick::CutAfter, Transient),
        (Trick::Garbage, Transient),
    ] {
        counterpart.play([trick.clone()]);
        let fault = source.find(Owner::Team("a"), "X").await.unwrap_err();
        assert_eq!(fault.class, class, "{trick:?}: {fault}");
        assert!(!fault.message.contains("the-KEY") && fault.message.len() < 300, "{fault}");
    }
}
