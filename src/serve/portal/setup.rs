//! `/setup?code=…`: the link that the first start prints. Who has it becomes the first user, an admin, once.

use axum::http::StatusCode;
use axum::response::Response;
use maud::html;
use serde_json::json;

use super::form::{Asked, Form};
use super::guest::Guest;
use super::layout::Page;
use super::local::sent_to;
use super::problem_page::Refused;
use super::sign_in::begin;

/// Shows the form.
pub(super) async fn show(guest: Guest, asked: Asked) -> Response {
    form(&guest, (asked.text("code"), ""), None).await
}

async fn form(guest: &Guest, (code, user): (&str, &str), wrong: Option<&Refused>) -> Response {
    let of = |pointer: &str| wrong.and_then(|wrong| wrong.of(pointer)).map(str::to_owned);
    let (name, password) = (of("/user"), of("/password"));
    let body = html! {
        @if let Some(wrong) = wrong { (wrong.above()) }
        p.lead { "Make the first user of this server: an admin, who makes the others." }
        form.card method="post" action="/setup" {
            (guest.hidden())
            @if code.is_empty() {
                div.field {
                    label for="code" { "Code" }
                    input #code name="code" required autocomplete="off" aria-describedby="code-help";
                    p.help #code-help { "The server printed it when it started. It holds for an hour, and once." }
                }
            } @else { input type="hidden" name="code" value=(code); }
            div.field {
                label for="user" { "Name" }
                input #user name="user" value=(user) required autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="64" aria-describedby="user-help" aria-invalid[name.is_some()];
                p.help #user-help { "Decisions are signed with it: as your forge knows you, for example." }
            }
            div.field {
                label for="password" { "Password" }
                input #password type="password" name="password" required minlength="12" maxlength="256" autocomplete="new-password" aria-describedby="password-help" aria-invalid[password.is_some()];
                p.help #password-help { "At least 12 characters: several words are good." }
            }
            div.actions { button type="submit" { "Make the first user" } }
        }
    };
    let page = Page { heading: "Set up", ..Page::default() };
    page.show(guest, &body).await
}

/// Takes the form, and signs the new user in.
pub(super) async fn take(guest: Guest, form_: Form) -> Response {
    let (code, user, password) = (form_.text("code"), form_.text("user"), form_.text("password"));
    let body = json!({"code": code, "user": user, "password": password});
    let made = match guest.post("/auth/setup", &body, &Form::default()).await {
        Ok(_) => begin(&guest, (user, password)).await,
        Err(refused) => Err(refused),
    };
    match made {
        Ok(cookie) => {
            let mut response = sent_to("/?done=set-up");
            response.headers_mut().extend(cookie);
            response
        }
        Err(refused) => {
            let status = StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::FORBIDDEN);
            let mut response = form(&guest, (code, user), Some(&refused)).await;
            *response.status_mut() = status;
            response
        }
    }
}
