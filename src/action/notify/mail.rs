//! Notices by mail, over SMTP. It never falls back to a connection in clear where the operator asked for TLS.

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

use super::{Notice, PATIENCE};
use crate::action::{Owner, Ports, SecretRef};

/// Sends a mail through a server, signed in where somebody must be.
pub(super) async fn send(
    ports: &Ports,
    (url, (user, password)): (&str, (Option<&str>, Option<&SecretRef>)),
    (from, to): (&str, &[String]),
    notice: &Notice,
) -> Result<(), String> {
    // Fails only where it was done before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mail = mail_of(notice, from, to)?;
    let mut server = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
        .map_err(|error| format!("the address of the mail server cannot be read: {error}"))?;
    if let (Some(user), Some(password)) = (user, password) {
        let password = ports.secrets.find(Owner::Operator, &password.secret).await;
        let password = password.map_err(|fault| fault.message)?;
        let credentials = Credentials::new(user.to_owned(), password.reveal().to_owned());
        server = server.credentials(credentials);
    }
    let server = server.timeout(Some(PATIENCE)).build();
    let sent = server.send(mail).await;
    sent.map(|_| ()).map_err(|error| format!("the mail server did not take it: {}", told(&error)))
}

fn mail_of(notice: &Notice, from: &str, to: &[String]) -> Result<Message, String> {
    let mailbox = |text: &str| {
        text.parse::<Mailbox>().map_err(|error| format!("`{text}` is no mail address: {error}"))
    };
    let mut mail = Message::builder()
        .from(mailbox(from)?)
        .subject(notice.headline())
        .message_id(Some(format!("<{}@trueline>", notice.id)))
        .header(ContentType::TEXT_PLAIN);
    for receiver in to {
        mail = mail.to(mailbox(receiver)?);
    }
    let body = format!("{}\n\n-- \n{}\n", notice.message, notice.title);
    mail.body(body).map_err(|error| format!("the mail cannot be written: {error}"))
}

/// Returns an error with what caused it.
fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
