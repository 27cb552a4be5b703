//! Tests of the `notify` action: every channel against a counterpart, and every failure without one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use super::*;
use crate::action::testing::{Counterpart, Trick, call, ports};
use crate::action::{Operator, Owner, SecretRef, SecretSource, signature};
use crate::secret::Secret;

/// Secrets of a map.
struct Known(BTreeMap<String, String>);

#[async_trait]
impl SecretSource for Known {
    async fn find(&self, owner: Owner<'_>, name: &str) -> Result<Secret, Fault> {
        assert_eq!(owner, Owner::Operator, "channels are the operator's");
        let found = self.0.get(name).map(Secret::new);
        found.ok_or_else(|| Fault::terminal(format!("secret `{name}` is not there")))
    }
}

pub(super) fn with(channel: Channel, secrets: &[(&str, &str)]) -> Ports {
    let channels = BTreeMap::from([("ops".to_owned(), channel)]);
    let secrets = secrets.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Ports {
        operator: Arc::new(Operator { channels, ..Operator::default() }),
        secrets: Arc::new(Known(secrets.collect())),
        ..ports()
    }
}

pub(super) fn named(name: &str) -> SecretRef {
    SecretRef { secret: name.to_owned() }
}

/// Tells the operator's people that the key is `hunter22`, which they must not see.
async fn tell(ports: &Ports, channel: &str) -> Value {
    let config = json!({
        "channel": channel,
        "subject": "key hunter22\r\nBcc: all@example.com",
        "message": "<!channel> *bold* [a](http://b)\nhunter22\u{1b}[2J",
    });
    match Notify.perform(&ports.clone(), &call(config)).await {
        Ok(Outcome::Done { result, .. }) => result,
        other => panic!("it never fails: {other:?}"),
    }
}

#[tokio::test]
async fn it_never_fails_and_never_tells_a_secret() {
    let result = tell(&ports(), "log").await;
    assert_eq!(
        result,
        json!({"channel": "log", "subject": "key (sensitive) Bcc: all@example.com"})
    );
    let result = tell(&ports(), "nowhere").await;
    assert_eq!(
        result["failed"],
        "there is no channel `nowhere`; the operator names channels under `[notify.NAME]`"
    );
    for config in [json!(null), json!([]), json!({"channel": 7})] {
        assert!(Notify.perform(&ports(), &call(config)).await.is_ok());
    }
}

#[tokio::test]
async fn slack_and_teams_get_text_and_no_markup() {
    let other = Counterpart::start().await;
    let url = other.url("/services/T0/B0/canary");
    let slack = with(Channel::Slack { url: named("URL") }, &[("URL", &url)]);
    assert_eq!(tell(&slack, "ops").await.get("failed"), None);
    let teams = with(Channel::Teams { url: named("URL") }, &[("URL", &url)]);
    assert_eq!(tell(&teams, "ops").await.get("failed"), None);
    let [slack, teams] = &other.seen()[..] else { panic!("two notices") };
    let said: Value = serde_json::from_str(&slack.body).unwrap();
    let text = said["text"].as_str().unwrap();
    assert!(text.contains("&lt;!channel&gt;") && !text.contains('<'), "{text}");
    assert_eq!(said["blocks"][1]["text"]["type"], "plain_text");
    let said: Value = serde_json::from_str(&teams.body).unwrap();
    let body = &said["attachments"][0]["content"]["body"];
    assert_eq!(body[1]["type"], "RichTextBlock");
    assert!(!format!("{}{}", slack.body, teams.body).contains("hunter22"));
}

#[tokio::test]
async fn another_receiver_can_check_who_speaks() {
    let other = Counterpart::start().await;
    let channel = Channel::Webhook { url: named("URL"), secret: Some(named("KEY")) };
    let ports = with(channel, &[("URL", &other.url("/in")), ("KEY", "whsec_c2VjcmV0")]);
    assert_eq!(tell(&ports, "ops").await.get("failed"), None);
    let seen = &other.seen()[0];
    let at: i64 = seen.headers["webhook-timestamp"].parse().unwrap();
    let secret = Secret::new("whsec_c2VjcmV0");
    let expected =
        signature::standard(&secret, &seen.headers["webhook-id"], at, seen.body.as_bytes());
    assert_eq!(seen.headers["webhook-signature"], expected[2].1);
}

#[tokio::test]
async fn a_receiver_that_fails_is_told_without_its_address() {
    for trick in [Trick::CutBefore, Trick::Answer(404, "", "no_team".to_owned()), Trick::Garbage] {
        let other = Counterpart::start().await;
        other.play([trick.clone()]);
        let url = other.url("/services/T0/B0/canary");
        let ports = with(Channel::Slack { url: named("URL") }, &[("URL", &url)]);
        let result = tell(&ports, "ops").await;
        let why = result["failed"].as_str().unwrap_or_else(|| panic!("{trick:?}: {result}"));
        assert!(!why.contains("canary"), "{why}");
    }
    let ports = with(Channel::Slack { url: named("URL") }, &[]);
    assert_eq!(tell(&ports, "ops").await["failed"], "secret `URL` is not there");
}

/// A mail server that takes one mail and remembers what was said.
async fn mail_server(refuses: bool) -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let heard = Arc::new(Mutex::new(String::new()));
    let all = heard.clone();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (reader, mut writer) = stream.split();
        let mut lines = BufReader::new(reader).lines();
        writer.write_all(b"220 mail.example.com ESMTP\r\n").await.unwrap();
        let mut in_data = false;
        while let Ok(Some(line)) = lines.next_line().await {
            all.lock().unwrap().extend([line.as_str(), "\n"]);
            let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            let answer = match (in_data, verb.as_str()) {
                (true, ".") => {
                    in_data = false;
                    "250 taken\r\n"
                }
                (true, _) => continue,
                (false, "EHLO") => "250-mail.example.com\r\n250 AUTH PLAIN\r\n",
                (false, "AUTH") => "235 welcome\r\n",
                (false, "RCPT") if refuses => "550 nobody here\r\n",
                (false, "DATA") => {
                    in_data = true;
                    "354 go on\r\n"
                }
                (false, "QUIT") => "221 bye\r\n",
                _ => "250 ok\r\n",
            };
            writer.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, heard)
}

fn smtp(url: String, to: &str) -> Ports {
    let channel = Channel::Smtp {
        url,
        user: Some("trueline".to_owned()),
        password: Some(named("MAIL")),
        from: "Trueline <trueline@example.com>".to_owned(),
        to: vec![to.to_owned()],
    };
    with(channel, &[("MAIL", "mail-password")])
}

#[tokio::test]
async fn a_mail_goes_to_whom_the_operator_named_and_to_nobody_else() {
    let (url, heard) = mail_server(false).await;
    let result = tell(&smtp(url, "ops@example.com"), "ops").await;
    assert_eq!(result.get("failed"), None, "{result}");
    let heard = heard.lock().unwrap().clone();
    assert_eq!(heard.matches("RCPT TO:").count(), 1, "{heard}");
    assert!(heard.contains("AUTH PLAIN"), "{heard}");
    assert!(heard.contains("Message-ID: <trueline-demo-u1-provision-1@trueline>"), "{heard}");
    let bcc = heard.lines().any(|line| line.starts_with("Bcc:"));
    assert!(!bcc && !heard.contains("hunter22"), "{heard}");
}

#[tokio::test]
async fn a_mail_that_cannot_be_sent_is_told() {
    let (url, _) = mail_server(true).await;
    let refused = tell(&smtp(url, "ops@example.com"), "ops").await;
    assert!(refused["failed"].as_str().is_some_and(|why| why.contains("nobody here")), "{refused}");
    let result = tell(&smtp("smtp://127.0.0.1:1".to_owned(), "ops@example.com"), "ops").await;
    assert!(result["failed"].as_str().is_some_and(|why| why.contains("did not take it")));
    let result = tell(&smtp("smtp://127.0.0.1:1".to_owned(), "nobody"), "ops").await;
    assert!(result["failed"].as_str().is_some_and(|why| why.contains("no mail address")));
    let result = tell(&smtp("mailto:x".to_owned(), "ops@example.com"), "ops").await;
    assert!(result["failed"].as_str().is_some_and(|why| why.contains("cannot be read")));
}
