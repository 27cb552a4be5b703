//! Notices by mail, over SMTP. It never falls back to a connection in clear where the operator asked for TLS.

use std::net::IpAddr;

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use url::Url;

use super::{Notice, PATIENCE};
use crate::action::{Owner, Ports, SecretRef};
use crate::causes::chain;

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
    let unread = |error: &dyn std::fmt::Display| {
        format!("the address of the mail server cannot be read: {error}")
    };
    let mut server =
        AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(|error| unread(&error))?;
    let way = Way::of(url).map_err(|error| unread(&error))?;
    if let Some(tls) = way.tls(ports.http.authorities())? {
        server = server.tls(tls);
    }
    if password.is_some() && way.is_open() {
        return Err("the password would be sent in clear; write `?tls=required` behind the address of the mail server, or `smtps://`".to_owned());
    }
    if let (Some(user), Some(password)) = (user, password) {
        let password = ports.secrets.find(Owner::Operator, &password.secret).await;
        let password = password.map_err(|fault| fault.message)?;
        let credentials = Credentials::new(user.to_owned(), password.reveal().to_owned());
        server = server.credentials(credentials);
    }
    let server = server.timeout(Some(PATIENCE)).build();
    let sent = server.send(mail).await;
    sent.map(|_| ()).map_err(|error| format!("the mail server did not take it: {}", chain(&error)))
}

/// The way to a mail server.
struct Way {
    url: Url,
    tls: Option<String>,
}

impl Way {
    fn of(url: &str) -> Result<Self, url::ParseError> {
        let url = Url::parse(url)?;
        let tls = url.query_pairs().find(|(key, _)| key == "tls").map(|(_, how)| how.into_owned());
        Ok(Self { url, tls })
    }

    /// Returns how the connection is made secret, where the machine's authorities are not the only ones.
    fn tls(&self, authorities: &[u8]) -> Result<Option<Tls>, String> {
        if authorities.is_empty() {
            return Ok(None);
        }
        let wrong = |error: &dyn std::error::Error| {
            format!("`egress.authorities` cannot be used: {}", chain(error))
        };
        let host = self.url.host_str().unwrap_or_default().to_owned();
        let trusted = Certificate::from_pem(authorities).map_err(|error| wrong(&error))?;
        let parameters = TlsParameters::builder(host).add_root_certificate(trusted);
        let parameters = || parameters.build_rustls().map_err(|error| wrong(&error));
        Ok(match (self.url.scheme(), self.tls.as_deref()) {
            ("smtps", _) => Some(Tls::Wrapper(parameters()?)),
            (_, Some("required")) => Some(Tls::Required(parameters()?)),
            (_, Some(_)) => Some(Tls::Opportunistic(parameters()?)),
            (_, None) => None,
        })
    }

    /// Tells whether somebody on the way could read along.
    fn is_open(&self) -> bool {
        let near = match self.url.host_str().unwrap_or_default() {
            "localhost" => true,
            host => host.trim_matches(['[', ']']).parse().is_ok_and(|it: IpAddr| it.is_loopback()),
        };
        self.url.scheme() != "smtps" && self.tls.as_deref() != Some("required") && !near
    }
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
