//! `/settings`: who somebody is here and what they may, where they are signed in, and their keys.

use axum::extract::Path;
use axum::http::Method;
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::accounts;
use super::agent::name_of;
use super::form::Form;
use super::layout::{Page, Section};
use super::local::{segment, sent_to};
use super::marks::{empty, facts, mark, told};
use super::problem_page::{Refused, sentence};
use super::times::{when, when_any};
use super::visit::Visit;
use crate::serve::auth::{Kind, Verb};

#[derive(Deserialize)]
struct Me {
    user: String,
    #[serde(rename = "type")]
    kind: String,
    teams: Vec<String>,
    roles: Vec<Held>,
}

#[derive(Deserialize)]
struct Held {
    role: String,
    teams: String,
    said: String,
}

#[derive(Deserialize)]
struct List<T> {
    items: Vec<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    id: String,
    kind: String,
    seen_at: Timestamp,
    expires_at: Timestamp,
    address: String,
    agent: String,
    current: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    id: String,
    note: String,
    scopes: Vec<String>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    last_used: Option<Timestamp>,
}

/// Shows it.
pub(super) async fn show(visit: Visit) -> Result<Response, Refused> {
    page(&visit, (&Form::default(), None), None).await
}

async fn page(
    visit: &Visit,
    (form, wrong): (&Form, Option<&Refused>),
    secret: Option<&str>,
) -> Result<Response, Refused> {
    let me: Me = visit.get("/auth/me").await?;
    let sessions: List<Session> = visit.get("/auth/sessions").await?;
    let keys: List<Key> = visit.get("/auth/keys").await?;
    let accounts = accounts::own(visit).await?;
    let now = visit.now();
    let body = html! {
        @if let Some(wrong) = wrong { (wrong.above()) }
        @if let Some(secret) = secret {
            div.notice.good role="status" tabindex="-1" data-focus {
                strong { "Your new key. " } "Copy it now: it is not kept, and not shown again."
                pre { (secret) }
            }
        }
        (facts(&[
            ("Name", Some(html! { (me.user) })),
            ("Kind", Some(html! { (me.kind) })),
            ("Teams", Some(html! { @if me.teams.is_empty() { span.quiet { "none" } } (me.teams.join(", ")) })),
            ("Roles", Some(html! { @if me.roles.is_empty() { "none: ask who looks after the users" } @for held in &me.roles { div { (held.role) " for " (held.teams) " " span.quiet { "(by " (held.said) ")" } } } })),
        ]))
        @if visit.may_of(Verb::Read, Kind::User, None) || visit.who().may_everywhere(Verb::Read, Kind::User) { p { a href="/settings/users" { "Users of this server" } } }
        p { a href="/settings/operating" { "Catalogs, breakers and schedules" } }
        section aria-labelledby="sessions" { h2 #sessions { "Where you are signed in" } (sessions_table(visit, &sessions.items, now)) }
        (accounts)
        section aria-labelledby="keys-of" {
            h2 #keys-of { "Keys of the API" }
            @if keys.items.is_empty() { (empty("You have no key.", &html! { "A script signs in with a key: make one below." })) }
            @else { (keys_table(visit, &keys.items, now)) }
            (new_key(visit, form, wrong))
        }
    };
    let page = Page { heading: "Settings", section: Section::Settings, ..Page::default() };
    Ok(page.say(visit, &body, wrong).await)
}

fn sessions_table(visit: &Visit, sessions: &[Session], now: Timestamp) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Sessions" {
            table {
                caption.unseen { "Sessions, newest first" }
                thead { tr { th scope="col" { "From" } th scope="col" { "With" } th scope="col" { "Last seen" } th scope="col" { "Ends" } th scope="col" { "End it" } } }
                tbody { @for one in sessions { tr {
                    th scope="row" { (told(&one.address)) @if one.current { div.why { "this one" } } }
                    td { (with(one)) }
                    td { (when(one.seen_at, now)) }
                    td { (when(one.expires_at, now)) }
                    td { form method="post" action=(format!("/settings/sessions/{}/end", segment(&one.id))) { (visit.hidden()) button.plain type="submit" { "End" span.unseen { " the session from " (told(&one.address)) } } } }
                } } }
            }
        }
    }
}

/// Says what a session is held by.
fn with(one: &Session) -> Markup {
    html! {
        @if one.kind != "browser" { "tokens of a script" }
        @else if let Some(name) = name_of(&one.agent) { span title=(told(&one.agent)) { (name) } }
        @else { (told(&one.agent)) }
    }
}

fn keys_table(visit: &Visit, keys: &[Key], now: Timestamp) -> Markup {
    let state = |key: &Key| match (key.revoked_at, key.expires_at) {
        (Some(_), _) => "revoked",
        (None, Some(until)) if until <= now => "expired",
        _ => "ok",
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label="Keys" {
            table {
                caption.unseen { "Your keys" }
                thead { tr { th scope="col" { "Key" } th scope="col" { "For" } th scope="col" { "Cut down to" } th scope="col" { "State" } th scope="col" { "Made" } th scope="col" { "Ends" } th scope="col" { "Last used" } th scope="col" { "Take it back" } } }
                tbody { @for key in keys { tr {
                    th scope="row" { code { (key.id) "…" } }
                    td { (told(&key.note)) }
                    td { @if key.scopes.is_empty() { "all that you may" } @else { (key.scopes.join(", ")) } }
                    td { (mark(state(key))) }
                    td { (when(key.created_at, now)) }
                    td { (when_any(key.expires_at, now)) }
                    td { (when_any(key.last_used, now)) }
                    td { @if state(key) == "ok" { form method="post" action=(format!("/settings/keys/{}/revoke", segment(&key.id))) { (visit.hidden()) button.plain type="submit" { "Revoke" span.unseen { " key " (key.id) } } } } }
                } } }
            }
        }
    }
}

fn new_key(visit: &Visit, form: &Form, wrong: Option<&Refused>) -> Markup {
    let wrong = |pointer: &str| wrong.and_then(|wrong| wrong.of(pointer)).map(sentence);
    html! {
        form.card method="post" action="/settings/keys" aria-labelledby="new-key" {
            h3 #new-key { "A new key" }
            (visit.hidden())
            div.field {
                label for="note" { "What it is for" }
                input #note name="note" value=(form.text("note")) required maxlength="200" aria-invalid[wrong("/note").is_some()];
                @if let Some(wrong) = wrong("/note") { p.wrong { (wrong) } }
            }
            div.field {
                label for="scopes" { "Cut down to " span.quiet { "(optional)" } }
                input #scopes name="scopes" value=(form.text("scopes")) aria-describedby="scopes-help" autocapitalize="none" spellcheck="false";
                p.help #scopes-help { "Verbs, or verbs and kinds, with spaces between: " code { "read operate:run" } ". It may all that you may where this is empty." }
            }
            div.field {
                label for="days" { "Days that it holds" }
                input #days name="days" type="number" min="1" max="366" value=(form.get("days").unwrap_or("90")) required;
                @if let Some(wrong) = wrong("/days") { p.wrong { (wrong) } }
            }
            div.actions { button type="submit" { "Make the key" } }
        }
    }
}

/// Makes a key, and shows its secret this once.
pub(super) async fn add_key(visit: Visit, form: Form) -> Result<Response, Refused> {
    let scopes: Vec<&str> =
        form.text("scopes").split([' ', ',']).filter(|one| !one.is_empty()).collect();
    let days: u16 = form.text("days").trim().parse().unwrap_or(0);
    let body = json!({"note": form.text("note"), "scopes": scopes, "days": days});
    match visit.post("/auth/keys", &body, &form).await {
        Ok(made) => {
            let secret = made.get("secret").and_then(serde_json::Value::as_str);
            page(&visit, (&Form::default(), None), secret).await
        }
        Err(wrong) if wrong.can_be_mended() => page(&visit, (&form, Some(&wrong)), None).await,
        Err(refused) => Err(refused),
    }
}

/// Takes a key back.
pub(super) async fn revoke_key(
    visit: Visit,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Refused> {
    let path = format!("/auth/keys/{}", segment(&id));
    visit.send((Method::DELETE, &path), &(), &form).await?;
    Ok(sent_to("/settings?done=revoked"))
}

/// Ends a session.
pub(super) async fn end_session(
    visit: Visit,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Refused> {
    let path = format!("/auth/sessions/{}", segment(&id));
    visit.send((Method::DELETE, &path), &(), &form).await?;
    Ok(sent_to("/settings?done=ended"))
}
