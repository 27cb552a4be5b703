//! Accounts elsewhere that somebody signs in with, below their settings and on the page of a user, and how one is taken off.

use axum::extract::Path;
use axum::http::Method;
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use super::form::Form;
use super::local::{segment, sent_to};
use super::marks::told;
use super::problem_page::Refused;
use super::times::when;
use super::visit::Visit;

#[derive(Deserialize)]
struct Accounts {
    items: Vec<Account>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    provider: String,
    title: Option<String>,
    subject: String,
    groups: Vec<String>,
    seen_at: Option<Timestamp>,
    is_last_way: bool,
}

/// Shows the accounts of whoever looks; nothing where there are none.
pub(super) async fn own(visit: &Visit) -> Result<Markup, Refused> {
    let accounts: Accounts = visit.get("/auth/accounts").await?;
    Ok(section(visit, &accounts.items, ("/settings", true, true)))
}

/// Shows those of a user; who only looks is offered nothing.
pub(super) async fn of(visit: &Visit, name: &str, manages: bool) -> Result<Markup, Refused> {
    let is_own = name == visit.who().actor.name;
    let name = segment(name);
    let accounts: Accounts = visit.get(&format!("/users/{name}/accounts")).await?;
    Ok(section(visit, &accounts.items, (&format!("/settings/users/{name}"), manages, is_own)))
}

fn section(
    visit: &Visit,
    accounts: &[Account],
    (path, offers, is_own): (&str, bool, bool),
) -> Markup {
    html! {
        @if !accounts.is_empty() {
            section aria-labelledby="accounts" {
                h2 #accounts { "Accounts elsewhere" }
                div.scroll tabindex="0" role="region" aria-label="Accounts elsewhere" {
                    table {
                        caption.unseen { "Accounts elsewhere that one signs in with" }
                        thead { tr { th scope="col" { "With" } th scope="col" { "Known there as" } th scope="col" { "Groups there" } th scope="col" { "Signed in last" } @if offers { th scope="col" { "Take it off" } } } }
                        tbody { @for one in accounts { tr {
                            th scope="row" { (told(one.title.as_deref().unwrap_or(&one.provider))) @if one.title.is_none() { div.why { "nobody signs in with it any more" } } }
                            td { code { (told(&one.subject)) } }
                            td { @if one.groups.is_empty() { span.quiet { "none" } } (told(&one.groups.join(", "))) }
                            td { @match one.seen_at { Some(at) => (when(at, visit.now())), None => span.quiet { "not yet" } } }
                            @if offers { td { (offer(visit, one, (path, is_own))) } }
                        } } }
                    }
                }
            }
        }
    }
}

/// Offers to take one off, and says what that does before it is done.
fn offer(visit: &Visit, one: &Account, (path, is_own): (&str, bool)) -> Markup {
    let action = format!("{path}/accounts/{}/unlink", segment(&one.provider));
    html! {
        @if one.is_last_way && is_own { span.quiet { "It is your only way to sign in." } }
        @else {
            details.fold {
                summary { "Unlink" span.unseen { " the account with " (told(&one.provider)) } "…" }
                p {
                    @if one.is_last_way { "It is their only way to sign in: then there is none. " }
                    "Nobody signs in with it any more, and what is signed in ends"
                    @if is_own { ", but this page" }
                    ". Only an operator links it again."
                }
                form method="post" action=(action) {
                    (visit.hidden())
                    button.danger type="submit" { "Unlink it" }
                }
            }
        }
    }
}

/// Takes off an account of whoever looks.
pub(super) async fn unlink_own(
    visit: Visit,
    Path(provider): Path<String>,
    form: Form,
) -> Result<Response, Refused> {
    let path = format!("/auth/accounts/{}", segment(&provider));
    visit.send((Method::DELETE, &path), &(), &form).await?;
    Ok(sent_to("/settings?done=unlinked"))
}

/// Takes off an account of a user.
pub(super) async fn unlink(
    visit: Visit,
    Path((name, provider)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Refused> {
    let name = segment(&name);
    let path = format!("/users/{name}/accounts/{}", segment(&provider));
    visit.send((Method::DELETE, &path), &(), &form).await?;
    Ok(sent_to(&format!("/settings/users/{name}?done=unlinked")))
}
