//! Notices by HTTP: Slack and those that speak like it, Teams, and any other receiver. Texts never become markup.

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Notice, PATIENCE};
use crate::action::{Owner, Ports, Request, SecretRef, signature};

/// Posts to an incoming webhook as Slack's page “Sending messages using incoming webhooks” says.
pub(super) async fn slack(ports: &Ports, url: &SecretRef, notice: &Notice) -> Result<(), String> {
    // The three characters that “Formatting text for app surfaces” asks to be escaped: without them there is no
    // link and no mention.
    let plain = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let message = json!({
        "text": format!("{}\n{}", plain(notice.headline()), plain(&notice.message)),
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": cut(notice.headline(), 150)}},
            {"type": "section", "text": {"type": "plain_text", "text": cut(&notice.message, 3000)}},
            {"type": "context", "elements": [{"type": "plain_text", "text": cut(&notice.title, 300)}]},
        ],
    });
    post(ports, url, message.to_string(), Vec::new()).await
}

/// Posts an adaptive card as “Create incoming webhooks with Workflows for Microsoft Teams” says.
pub(super) async fn teams(ports: &Ports, url: &SecretRef, notice: &Notice) -> Result<(), String> {
    // A text run knows no markup, which a text block does.
    let run = |text: &str, weight: &str| json!({"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, "weight": weight}]});
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            run(notice.headline(), "Bolder"),
            run(&notice.message, "Default"),
            run(&notice.title, "Lighter"),
        ],
    });
    let attachment =
        json!({"contentType": "application/vnd.microsoft.card.adaptive", "content": card});
    let message = json!({"type": "message", "attachments": [attachment]});
    post(ports, url, message.to_string(), Vec::new()).await
}

/// Posts JSON, signed after Standard Webhooks where there is a secret.
pub(super) async fn webhook(
    ports: &Ports,
    (url, secret): (&SecretRef, Option<&SecretRef>),
    notice: &Notice,
) -> Result<(), String> {
    let now = Timestamp::now();
    let message = json!({
        "type": "trueline.notice",
        "timestamp": now.to_string(),
        "data": {
            "service": notice.service,
            "subject": notice.subject,
            "message": notice.message,
            "title": notice.title,
        },
    });
    let body = message.to_string();
    let mut headers = vec![("idempotency-key".to_owned(), notice.id.clone())];
    if let Some(secret) = secret {
        let found = ports.secrets.find(Owner::Operator, &secret.secret).await;
        let secret = found.map_err(|fault| fault.message)?;
        headers.extend(signature::standard(&secret, &notice.id, now.as_second(), body.as_bytes()));
    }
    post(ports, url, body, headers).await
}

/// Posts JSON to a URL that is a secret: it is in no message.
async fn post(
    ports: &Ports,
    url: &SecretRef,
    body: String,
    mut headers: Vec<(String, String)>,
) -> Result<(), String> {
    let found = ports.secrets.find(Owner::Operator, &url.secret).await;
    let secret = found.map_err(|fault| fault.message)?;
    headers.push(("content-type".to_owned(), "application/json".to_owned()));
    let request = Request {
        method: Method::POST,
        url: secret.reveal().to_owned(),
        headers,
        body: body.into_bytes(),
        timeout: PATIENCE,
    };
    let answer = ports.http.send(request).await;
    let answer = answer.map_err(|fault| crate::secret::mask(&fault.message, &[secret]))?;
    match answer.status {
        200..=299 => Ok(()),
        status => Err(format!("the receiver answered {status}")),
    }
}

fn cut(text: &str, characters: usize) -> Value {
    // An empty text is refused by Slack.
    let text = if text.is_empty() { " " } else { text };
    text.chars().take(characters).collect::<String>().into()
}
