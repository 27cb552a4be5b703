//! `/settings/users`: who there is, what they may, and how the next one is made. Only who may manage users changes anything.

use axum::extract::Path;
use axum::http::Method;
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::accounts;
use super::form::Form;
use super::layout::{Page, Section};
use super::local::{segment, sent_to};
use super::marks::{choice, facts, mark, told};
use super::problem_page::{Refused, spoken};
use super::times::when;
use super::visit::Visit;
use crate::serve::auth::{Kind, Role, Verb};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    roles: Vec<Granted>,
    teams: Vec<String>,
    disabled: bool,
    has_password: bool,
    created_at: Timestamp,
}

#[derive(Deserialize)]
struct Granted {
    role: String,
    teams: Vec<String>,
}

#[derive(Deserialize)]
struct Users {
    items: Vec<User>,
}

impl User {
    fn state(&self) -> &'static str {
        if self.disabled { "shut-out" } else { "ok" }
    }

    /// Writes its roles as the form takes them: `viewer: payments search`.
    fn roles(&self) -> String {
        let lines =
            self.roles.iter().map(|held| format!("{}: {}", held.role, held.teams.join(" ")));
        lines
            .map(|line| line.trim_end_matches([':', ' ']).to_owned())
            .collect::<Vec<_>>()
            .join("\n")
    }
}

fn manages(visit: &Visit) -> bool {
    visit.who().may_everywhere(Verb::Manage, Kind::User)
}

/// Shows the list.
pub(super) async fn show(visit: Visit) -> Result<Response, Refused> {
    page(&visit, (&Form::default(), None)).await
}

async fn page(
    visit: &Visit,
    (form, wrong): (&Form, Option<&Refused>),
) -> Result<Response, Refused> {
    let users: Users = visit.get("/users").await?;
    let body = html! {
        @if let Some(wrong) = wrong { (wrong.above()) }
        div.scroll tabindex="0" role="region" aria-label="Users" {
            table {
                caption.unseen { "Users, by name" }
                thead { tr { th scope="col" { "Name" } th scope="col" { "Kind" } th scope="col" { "Roles" } th scope="col" { "Teams" } th scope="col" { "State" } th scope="col" { "Made" } } }
                tbody { @for user in &users.items { tr {
                    th scope="row" { a href=(format!("/settings/users/{}", segment(&user.name))) { (user.name) } }
                    td { (user.kind) }
                    td.lines { @if user.roles.is_empty() { span.quiet { "none" } } (user.roles()) }
                    td { (user.teams.join(", ")) }
                    td { (mark(user.state())) @if !user.has_password { div.why { "without a password" } } }
                    td { (when(user.created_at, visit.now())) }
                } } }
            }
        }
        @if manages(visit) { (new_user(visit, form, wrong)) }
    };
    show_page(visit, ("Users", ("/settings", "Settings"), None), (&body, wrong)).await
}

type Headed<'h> = (&'h str, (&'h str, &'h str), Option<Markup>);

async fn show_page(
    visit: &Visit,
    (heading, above, beside): Headed<'_>,
    (body, wrong): (&Markup, Option<&Refused>),
) -> Result<Response, Refused> {
    let page =
        Page { heading, section: Section::Settings, above: Some(above), beside, ..Page::default() };
    Ok(page.say(visit, body, wrong).await)
}

fn new_user(visit: &Visit, form: &Form, wrong: Option<&Refused>) -> Markup {
    let name_wrong = wrong.and_then(|wrong| wrong.of("/name"));
    let kind = form.text("type");
    html! {
        form.card method="post" action="/settings/users" aria-labelledby="new-user" {
            h2 #new-user { "A new user" }
            (visit.hidden())
            div.field {
                label for="name" { "Name" }
                input #name name="name" value=(form.text("name")) required maxlength="64" autocapitalize="none" spellcheck="false" autocomplete="off" aria-describedby="name-help" aria-invalid[name_wrong.is_some()];
                p.help #name-help { "Decisions are signed with it: as your forge knows them, for example." }
                @if let Some(wrong) = name_wrong { p.wrong { (spoken(wrong)) } }
            }
            div.field {
                label for="type" { "Kind" }
                select #type name="type" { (choice("person", kind, "A person")) (choice("machine", kind, "A machine")) (choice("agent", kind, "An agent: it reads and requests, and never approves")) }
            }
            (rights(form.text("roles"), form.text("teams"), wrong))
            (password(wrong, "Nobody signs in with one where it is empty."))
            div.actions { button type="submit" { "Make the user" } }
        }
    }
}

fn rights(roles: &str, teams: &str, wrong: Option<&Refused>) -> Markup {
    let names = Role::ALL.map(|role| role.to_string()).join(", ");
    let roles_wrong = wrong.and_then(|wrong| wrong.of("/roles"));
    html! {
        div.field {
            label for="roles" { "Roles" }
            textarea #roles name="roles" aria-describedby="roles-help" spellcheck="false" aria-invalid[roles_wrong.is_some()] { (roles) }
            p.help #roles-help { "One a line, with the teams that it is for: " code { "maintainer: payments search" } ", or " code { "viewer: *" } ". Without teams it is for their own. Roles are " (names) "." }
            @if let Some(wrong) = roles_wrong { p.wrong { (spoken(wrong)) } }
        }
        div.field {
            label for="teams" { "Teams" }
            input #teams name="teams" value=(teams) aria-describedby="teams-help" autocapitalize="none" spellcheck="false";
            p.help #teams-help { "Besides those whose owners the catalog names; with spaces between." }
        }
    }
}

fn password(wrong: Option<&Refused>, help: &str) -> Markup {
    let wrong = wrong.and_then(|wrong| wrong.of("/password"));
    html! {
        div.field {
            label for="password" { "Password" }
            input #password type="password" name="password" maxlength="256" autocomplete="new-password" aria-describedby="password-help" aria-invalid[wrong.is_some()];
            p.help #password-help { "At least 12 characters. " (help) }
            @if let Some(wrong) = wrong { p.wrong { (spoken(wrong)) } }
        }
    }
}

/// Reads roles that were written one a line.
fn roles_of(text: &str) -> Vec<Value> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let one = |line: &str| {
        let (role, teams) = line.split_once(':').unwrap_or((line, ""));
        json!({"role": role.trim(), "teams": words(teams)})
    };
    lines.map(one).collect()
}

fn words(text: &str) -> Vec<&str> {
    text.split([' ', ',']).filter(|one| !one.is_empty()).collect()
}

/// Makes a user.
pub(super) async fn add(visit: Visit, form: Form) -> Result<Response, Refused> {
    let body = json!({
        "name": form.text("name"), "type": form.get("type").unwrap_or("person"),
        "roles": roles_of(form.text("roles")), "teams": words(form.text("teams")),
        "password": form.get("password"),
    });
    match visit.post("/users", &body, &form).await {
        Ok(_) => Ok(sent_to("/settings/users?done=saved")),
        Err(wrong) if wrong.can_be_mended() => page(&visit, (&form, Some(&wrong))).await,
        Err(refused) => Err(refused),
    }
}

/// Shows one user.
pub(super) async fn one(visit: Visit, Path(name): Path<String>) -> Result<Response, Refused> {
    user_page(&visit, &name, None).await
}

async fn user_page(
    visit: &Visit,
    name: &str,
    wrong: Option<(&Form, &Refused)>,
) -> Result<Response, Refused> {
    let path = format!("/settings/users/{}", segment(name));
    let user: User = visit.get(&format!("/users/{}", segment(name))).await?;
    let (roles, teams) = match wrong {
        Some((form, _)) => (form.text("roles").to_owned(), form.text("teams").to_owned()),
        None => (user.roles(), user.teams.join(" ")),
    };
    let wrong = wrong.map(|(_, wrong)| wrong);
    let is_self = visit.who().actor.name == user.name;
    let accounts = accounts::of(visit, name, manages(visit)).await?;
    let body = html! {
        @if let Some(wrong) = wrong { (wrong.above()) }
        (facts(&[("Kind", Some(html! { (user.kind) })), ("Made", Some(when(user.created_at, visit.now())))]))
        @if manages(visit) {
            form.card method="post" action=(path) aria-labelledby="change" {
                h2 #change { "Change" }
                (visit.hidden())
                @if is_self { p.notice { "Nobody changes their own roles or shuts themselves out: have another admin do it." } }
                @else {
                    (rights(&roles, &teams, wrong))
                    label.check { input type="checkbox" name="disabled" value="yes" checked[user.disabled]; "Shut out: nothing of theirs is let in" }
                }
                (password(wrong, "It stays where this is empty; a new one ends everything that they are signed in with."))
                div.actions { button type="submit" { "Save" } }
            }
        }
        (accounts)
    };
    let heading = told(&user.name);
    let headed = (heading.as_str(), ("/settings/users", "Users"), Some(mark(user.state())));
    show_page(visit, headed, (&body, wrong)).await
}

/// Changes a user.
pub(super) async fn change(
    visit: Visit,
    Path(name): Path<String>,
    form: Form,
) -> Result<Response, Refused> {
    let mut body = match visit.who().actor.name == name {
        true => json!({}),
        false => json!({
            "roles": roles_of(form.text("roles")), "teams": words(form.text("teams")),
            "disabled": form.get("disabled").is_some(),
        }),
    };
    if let (Some(password), Some(body)) = (form.get("password"), body.as_object_mut()) {
        body.insert("password".to_owned(), Value::from(password));
    }
    let path = format!("/users/{}", segment(&name));
    match visit.send((Method::PATCH, &path), &body, &form).await {
        Ok(_) => Ok(sent_to(&format!("/settings/users/{}?done=saved", segment(&name)))),
        Err(wrong) if wrong.can_be_mended() => {
            user_page(&visit, &name, Some((&form, &wrong))).await
        }
        Err(refused) => Err(refused),
    }
}
