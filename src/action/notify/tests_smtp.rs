//! A mail through a real server, `aiosmtpd`, whose Python `TRUELINE_TEST_AIOSMTPD` names (`ci/test` gets it): what
//! arrives is read by somebody else's reader of mails.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use super::tests::{named, with};
use super::*;
use crate::action::testing::call;
use crate::action::{Egress, HttpClient};

/// Takes mails of one user, and tells each as a line of JSON.
const SERVER: &str = r#"
import asyncio, email, email.policy, json, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

how, folder = sys.argv[1:]
tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
tls.load_cert_chain(folder + "/server.pem", folder + "/server-key.pem")

class Keeper:
    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        print(json.dumps({
            "from": envelope.mail_from, "to": envelope.rcpt_tos,
            "headers": [name.lower() for name in mail.keys()],
            "subject": mail["subject"], "id": mail["message-id"], "body": mail.get_content(),
            "longest": max(map(len, envelope.original_content.split(b"\r\n"))),
            "tls": session.ssl is not None or how == "smtps",
            "ascii": envelope.original_content.isascii(),
        }), flush=True)
        return "250 taken"

def judge(server, session, envelope, mechanism, data):
    good = LoginPassword(b"trueline", b"mail-password")
    return AuthResult(success=data == good, handled=False)

def serve():
    more = {"tls_context": tls, "require_starttls": True} if how == "starttls" else {"auth_require_tls": False}
    return SMTP(Keeper(), authenticator=judge, auth_required=True, **more)

async def main():
    server = await asyncio.get_running_loop().create_server(serve, "127.0.0.1", 0, ssl=tls if how == "smtps" else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"#;

/// Certificates: an authority of its own, and a server on the loopback that it vouches for.
const TLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/tls");

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
    fn start(how: &str) -> Option<Self> {
        let Some(python) = std::env::var_os("TRUELINE_TEST_AIOSMTPD") else {
            eprintln!(
                "skipped: TRUELINE_TEST_AIOSMTPD names no Python that has aiosmtpd; ci/test gets one"
            );
            return None;
        };
        let mut child = Command::new(python)
            .args(["-W", "ignore", "-c", SERVER, how, TLS])
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
        let url = format!("smtp://127.0.0.1:{}{more}", self.port);
        self.tell_over(&url, password, (config, None)).await
    }

    /// Tells it to an address; authorities are trusted beside those of the machine where there are some.
    async fn tell_over(
        &self,
        url: &str,
        password: &str,
        (config, authorities): (Value, Option<&str>),
    ) -> Value {
        let channel = Channel::Smtp {
            url: url.to_owned(),
            user: Some("trueline".to_owned()),
            password: Some(named("MAIL")),
            from: "Trueline <trueline@example.com>".to_owned(),
            to: vec!["ops@example.com".to_owned(), "Büro <desk@example.com>".to_owned()],
        };
        let mut ports = with(channel, &[("MAIL", password)]);
        if let Some(name) = authorities {
            let authorities = Some(Path::new(TLS).join(name));
            let egress = Egress { authorities, ..Egress::default() };
            ports.http = Arc::new(HttpClient::new(&egress).unwrap());
        }
        match Notify.perform(&ports, &call(config)).await {
            Ok(Outcome::Done { result, .. }) => result,
            other => panic!("it never fails: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_meant() {
    let Some(mut server) = Server::start("clear") else { return };
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
    let Some(mut server) = Server::start("clear") else { return };
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

#[tokio::test]
async fn a_mail_goes_over_tls_that_an_authority_of_the_operators_vouches_for() {
    for (how, start, end) in [("starttls", "smtp", "?tls=required"), ("smtps", "smtps", "")] {
        let Some(mut server) = Server::start(how) else { return };
        let config = |subject: &str| json!({"channel": "ops", "subject": subject, "message": "m"});
        for host in ["127.0.0.1", "localhost"] {
            let url = format!("{start}://{host}:{}{end}", server.port);
            let result = server.tell_over(&url, "mail-password", (config("unknown"), None)).await;
            let why = result["failed"].as_str().unwrap_or_else(|| panic!("{how}: {result}"));
            assert!(why.contains("certificate") && why.contains("UnknownIssuer"), "{how}: {why}");
            let told = (config(host), Some("authority.pem"));
            let result = server.tell_over(&url, "mail-password", told).await;
            assert_eq!(result.get("failed"), None, "{how}: {result}");
            let mail: Value = serde_json::from_str(&server.line()).unwrap();
            assert_eq!((&mail["subject"], &mail["tls"]), (&json!(host), &json!(true)), "{how}");
        }
        // Whom the certificate does not name is somebody else.
        let url = format!("{start}://127.0.0.2:{}{end}", server.port);
        let told = (config("elsewhere"), Some("authority.pem"));
        let result = server.tell_over(&url, "mail-password", told).await;
        assert!(result["failed"].is_string(), "{how}: {result}");
    }
}

#[tokio::test]
async fn a_password_is_never_sent_in_clear_over_a_network() {
    let Some(server) = Server::start("clear") else { return };
    let config = json!({"channel": "ops", "subject": "s", "message": "m"});
    for url in ["smtp://mail.example.com:587", "smtp://mail.example.com:587?tls=opportunistic"] {
        let result = server.tell_over(url, "mail-password", (config.clone(), None)).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(result["failed"].as_str().unwrap(), @"the password would be sent in clear; write `?tls=required` behind the address of the mail server, or `smtps://`");
        }
    }
}
