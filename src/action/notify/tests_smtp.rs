//! A mail through a real server, `aiosmtpd`, whose Python `TRUELINE_TEST_AIOSMTPD` names (`ci/test` gets it): what
//! arrives is read by somebody else's reader of mails.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use super::tests::{named, with};
use super::*;
use crate::action::testing::call;

/// Takes mails of one user, and tells each as a line of JSON.
const SERVER: &str = r#"
import asyncio, email, email.policy, json, sys
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

class Keeper:
    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        print(json.dumps({
            "from": envelope.mail_from, "to": envelope.rcpt_tos,
            "headers": [name.lower() for name in mail.keys()],
            "subject": mail["subject"], "id": mail["message-id"], "body": mail.get_content(),
            "longest": max(map(len, envelope.original_content.split(b"\r\n"))),
            "ascii": envelope.original_content.isascii(),
        }), flush=True)
        return "250 taken"

def judge(server, session, envelope, mechanism, data):
    good = LoginPassword(b"trueline", b"mail-password")
    return AuthResult(success=data == good, handled=False)

def serve():
    return SMTP(Keeper(), authenticator=judge, auth_required=True, auth_require_tls=False)

async def main():
    server = await asyncio.get_running_loop().create_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"#;

struct Server {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts it on a free port; nothing, and that is said, where there is none.
    fn start() -> Option<Self> {
        let Some(python) = std::env::var_os("TRUELINE_TEST_AIOSMTPD") else {
            eprintln!(
                "skipped: TRUELINE_TEST_AIOSMTPD names no Python that has aiosmtpd; ci/test gets one"
            );
            return None;
        };
        let mut child = Command::new(python)
            .args(["-W", "ignore", "-c", SERVER])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server =
            Self { said: BufReader::new(child.stdout.take().unwrap()), child, port: 0 };
        server.port = server.line().trim().parse().unwrap();
        Some(server)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line
    }

    async fn tell(&self, password: &str, more: &str, config: Value) -> Value {
        let channel = Channel::Smtp {
            url: format!("smtp://127.0.0.1:{}{more}", self.port),
            user: Some("trueline".to_owned()),
            password: Some(named("MAIL")),
            from: "Trueline <trueline@example.com>".to_owned(),
            to: vec!["ops@example.com".to_owned(), "Büro <desk@example.com>".to_owned()],
        };
        let ports = with(channel, &[("MAIL", password)]);
        match Notify.perform(&ports, &call(config)).await {
            Ok(Outcome::Done { result, .. }) => result,
            other => panic!("it never fails: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_meant() {
    let Some(mut server) = Server::start() else { return };
    let long = "wörter ".repeat(500);
    let message = format!(".\n..\n.leading\n{long}\n\nAfter an empty line\n.");
    let subject = "Größe 大 🔑\r\nBcc: all@example.com\r\n\r\nhunter22";
    let config = json!({"channel": "ops", "subject": subject, "message": message});
    let result = server.tell("mail-password", "", config).await;
    assert_eq!(result.get("failed"), None, "{result}");
    let mail: Value = serde_json::from_str(&server.line()).unwrap();
    assert_eq!(mail["subject"], "Größe 大 🔑 Bcc: all@example.com (sensitive)");
    let body = mail["body"].as_str().unwrap().replace("\r\n", "\n");
    assert_eq!(body.trim_end(), format!("{message}\n\n-- \npayments-db provision"));
    assert_eq!(mail["from"], "trueline@example.com");
    assert_eq!(mail["to"], json!(["ops@example.com", "desk@example.com"]));
    assert_eq!(mail["id"], "<trueline-demo-u1-provision-1@trueline>");
    let headers = mail["headers"].as_array().unwrap();
    assert!(!headers.contains(&json!("bcc")), "{headers:?}");
    assert!(mail["longest"].as_u64().unwrap() <= 998, "{mail}");
    assert_eq!(mail["ascii"], true);
}

#[tokio::test]
async fn a_mail_is_not_sent_by_a_stranger_nor_in_clear_where_that_was_not_meant() {
    let Some(mut server) = Server::start() else { return };
    let config = json!({"channel": "ops", "subject": "first", "message": "m"});
    for (password, more) in [("wrong-password", ""), ("mail-password", "?tls=required")] {
        let result = server.tell(password, more, config.clone()).await;
        let why = result["failed"].as_str().unwrap_or_else(|| panic!("{more}: {result}"));
        assert!(why.contains("did not take it") && !why.contains("password"), "{why}");
    }
    let config = json!({"channel": "ops", "subject": "last", "message": "m"});
    server.tell("mail-password", "", config).await;
    let mail: Value = serde_json::from_str(&server.line()).unwrap();
    assert_eq!(mail["subject"], "last", "nothing came before it");
}
