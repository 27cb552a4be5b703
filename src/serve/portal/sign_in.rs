//! `/sign-in`: a name and a password begin a session. It never says which of the two was wrong.

use axum::body::to_bytes;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::json;

use super::form::{Asked, Form};
use super::guest::Guest;
use super::layout::Page;
use super::local::{link, place, sent_to};
use super::problem_page::Refused;

/// Shows the form.
pub(super) async fn show(guest: Guest, asked: Asked) -> Response {
    let next = place(asked.get("next"));
    if guest.who().is_some() {
        return sent_to(next);
    }
    form(&guest, (next, ""), None).await
}

async fn form(guest: &Guest, (next, user): (&str, &str), wrong: Option<&Refused>) -> Response {
    let is_new = guest.app().store().users().await.is_ok_and(|users| users.is_empty());
    let body = html! {
        @if let Some(wrong) = wrong { (wrong.above()) }
        @if is_new {
            div.notice {
                strong { "There is no user yet. " }
                "Open the link that the server printed when it started, or run "
                code { "trueline user add NAME --role admin" } " on its machine."
            }
        }
        (elsewhere(guest, next))
        form.card method="post" action="/sign-in" {
            (guest.hidden())
            input type="hidden" name="next" value=(next);
            div.field {
                label for="user" { "Name" }
                input #user name="user" value=(user) required autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="64" autofocus[user.is_empty()];
            }
            div.field {
                label for="password" { "Password" }
                input #password type="password" name="password" required autocomplete="current-password" maxlength="256" autofocus[!user.is_empty()];
            }
            div.actions { button type="submit" { "Sign in" } }
        }
    };
    let page = Page { heading: "Sign in", ..Page::default() };
    page.show(guest, &body).await
}

/// Shows with whom one can sign in elsewhere.
fn elsewhere(guest: &Guest, next: &str) -> Markup {
    let buttons = guest.app().auth().settings().identity.buttons();
    html! {
        @if !buttons.is_empty() {
            div.card {
                div.actions {
                    @for (name, title) in &buttons {
                        a.button href=(link(&format!("/sign-in/with/{name}"), &[("next", next)])) {
                            "Sign in with " (title)
                        }
                    }
                }
            }
        }
    }
}

/// Takes the form.
pub(super) async fn take(guest: Guest, form_: Form) -> Response {
    let (user, password) = (form_.text("user"), form_.text("password"));
    match begin(&guest, (user, password)).await {
        Ok(cookie) => {
            let mut response = sent_to(form_.next());
            response.headers_mut().extend(cookie);
            response
        }
        Err(refused) => {
            let status = StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::UNAUTHORIZED);
            let mut response = form(&guest, (form_.next(), user), Some(&refused)).await;
            *response.status_mut() = status;
            response
        }
    }
}

/// Begins a session; returns the cookie that holds it.
pub(super) async fn begin(
    guest: &Guest,
    (user, password): (&str, &str),
) -> Result<HeaderMap, Refused> {
    let body = json!({"user": user, "password": password});
    let response = guest.sent((Method::POST, "/auth/sessions"), &body, None).await;
    let status = response.status();
    let cookie = response.headers().get(header::SET_COOKIE).cloned();
    let cookie = cookie.map(|cookie| (header::SET_COOKIE, cookie)).into_iter().collect();
    if status.is_success() {
        return Ok(cookie);
    }
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap_or_default();
    Err(Refused::read(status, &bytes))
}
