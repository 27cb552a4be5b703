//! What surrounds every page: head, navigation, who looks, what waits for them. It shows what it is given.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Response};
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;

use super::assets;
use super::form::Asked;
use super::guest::Guest;
use super::problem_page::Refused;
use super::theme::Theme;
use crate::serve::auth::{Kind, Verb};

/// Where in the portal a page stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Section {
    Overview,
    Inbox,
    Services,
    Runs,
    Plan,
    Proposals,
    Catalog,
    Requests,
    Findings,
    Drift,
    Activity,
    Insights,
    Audit,
    Health,
    Settings,
    /// None of them.
    #[default]
    None,
}

/// One place of the navigation: its section, path, name, and the key that leads there after `g`.
pub(super) type Spot = (Section, &'static str, &'static str, &'static str);

/// The navigation.
pub(super) const SPOTS: [Spot; 15] = [
    (Section::Overview, "/", "Overview", "o"),
    (Section::Inbox, "/inbox", "Inbox", "i"),
    (Section::Catalog, "/catalog", "Catalog", "c"),
    (Section::Requests, "/requests", "Requests", "q"),
    (Section::Services, "/services", "Services", "s"),
    (Section::Runs, "/runs", "Runs", "r"),
    (Section::Plan, "/plan", "Plan", "p"),
    (Section::Proposals, "/proposals", "Proposals", "m"),
    (Section::Drift, "/drift", "Drift", "d"),
    (Section::Findings, "/findings", "Findings", "f"),
    (Section::Activity, "/activity", "Activity", "y"),
    (Section::Insights, "/insights", "Insights", "n"),
    (Section::Audit, "/audit", "Audit", "a"),
    (Section::Health, "/status", "Health", "h"),
    (Section::Settings, "/settings", "Settings", "t"),
];

/// A page.
#[derive(Clone, Debug, Default)]
pub(super) struct Page<'p> {
    /// Its heading, and the first part of its title.
    pub(super) heading: &'p str,
    /// Where it stands.
    pub(super) section: Section,
    /// What it stands below: path and name.
    pub(super) above: Option<(&'p str, &'p str)>,
    /// What stands beside its heading.
    pub(super) beside: Option<Markup>,
    /// The stream of events after which it is loaded again.
    pub(super) events: Option<&'p str>,
    /// It is loaded again every few seconds, until nothing more comes.
    pub(super) polls: bool,
}

/// How much waits for somebody.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Waiting {
    pub(super) approvals: usize,
    pub(super) tasks: usize,
    pub(super) changes: usize,
}

impl Waiting {
    /// Asks for it; nothing where nobody is signed in.
    pub(super) async fn of(guest: &Guest) -> Self {
        match guest.who() {
            Some(_) => guest.get("/inbox").await.unwrap_or_default(),
            None => Self::default(),
        }
    }

    pub(super) fn all(self) -> usize {
        self.approvals + self.tasks + self.changes
    }
}

impl Page<'_> {
    /// Shows it.
    pub(super) async fn show(&self, guest: &Guest, body: &Markup) -> Response {
        let waiting = Waiting::of(guest).await;
        let theme = guest.theme();
        let name = guest.app().catalog();
        let page = html! {
            (DOCTYPE)
            html lang="en" data-theme=(theme.word()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content=(scheme(theme));
                    meta name="robots" content="noindex";
                    title { (self.heading) " · Trueline" }
                    link rel="stylesheet" href=(assets::style());
                    link rel="icon" type="image/svg+xml" href=(assets::icon());
                    script src=(assets::script()) defer {}
                }
                body data-events=[self.events] data-polls[self.polls] {
                    a.skip href="#content" { "Skip to the content" }
                    (top(guest, name))
                    div.frame {
                        @if guest.who().is_some() { (navigation(guest, self.section, waiting)) }
                        main #content tabindex="-1" { (self.inner(guest, body)) }
                    }
                    (keys())
                    div #toasts aria-live="polite" {}
                }
            }
        };
        Html(page.into_string()).into_response()
    }

    /// Shows it with the status of what went wrong, where something did.
    pub(super) async fn say(
        &self,
        guest: &Guest,
        body: &Markup,
        wrong: Option<&Refused>,
    ) -> Response {
        let mut response = self.show(guest, body).await;
        if let Some(wrong) = wrong {
            *response.status_mut() = StatusCode::from_u16(wrong.status()).unwrap_or_default();
        }
        response
    }

    fn inner(&self, guest: &Guest, body: &Markup) -> Markup {
        html! {
            @if let Some((path, name)) = self.above {
                nav.above aria-label="Breadcrumb" { a href=(path) { "← " (name) } }
            }
            div.head {
                h1 { (self.heading) }
                @if let Some(beside) = &self.beside { div.beside { (beside) } }
            }
            @if let Some(told) = done(guest.place()) {
                p.notice.good role="status" data-done { (told) }
            }
            (body)
        }
    }
}

fn scheme(theme: Theme) -> &'static str {
    match theme {
        Theme::Auto => "light dark",
        Theme::Light => "light",
        Theme::Dark => "dark",
    }
}

fn top(guest: &Guest, name: &str) -> Markup {
    html! {
        header.top {
            a.brand href="/" {
                svg viewBox="0 0 32 32" aria-hidden="true" { path d="M4 23L23 4l5 5L9 28H4z" {} path.cut d="M19 8l5 5" {} }
                span { "Trueline" } span.quiet { (name) }
            }
            @if guest.who().is_some() {
                form.search role="search" action="/services" method="get" {
                    label.unseen for="search" { "Search services" }
                    input #search type="search" name="q" placeholder="Search services" autocomplete="off" maxlength="100" data-search;
                }
            }
            div.tools {
                form action="/theme" method="post" {
                    (guest.hidden())
                    input type="hidden" name="theme" value=(guest.theme().next().word());
                    input type="hidden" name="next" value=(guest.place());
                    button.plain type="submit" title=(format!("Light or dark: now {}", guest.theme().word())) {
                        (sun()) span.unseen { "Light or dark: now " (guest.theme().word()) ", change to " (guest.theme().next().word()) }
                    }
                }
                @if let Some(who) = guest.who() {
                    a.me href="/settings" { span.unseen { "Signed in as " } (who.actor.name) }
                    form action="/sign-out" method="post" { (guest.hidden()) button.plain type="submit" { "Sign out" } }
                }
            }
        }
    }
}

fn sun() -> Markup {
    html! { svg viewBox="0 0 16 16" aria-hidden="true" { path fill-rule="evenodd" d="M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zm0 2v10A5 5 0 0 1 8 3z" {} } }
}

/// Tells whether somebody need be led to a section.
fn is_for(guest: &Guest, section: Section) -> bool {
    let Some(who) = guest.who() else { return false };
    let reads = |kind| who.may_somewhere(Verb::Read, kind);
    match section {
        Section::Services | Section::Requests => reads(Kind::Service),
        Section::Runs | Section::Proposals | Section::Activity | Section::Insights => {
            reads(Kind::Run)
        }
        Section::Plan | Section::Drift => reads(Kind::Plan),
        Section::Catalog | Section::Findings => reads(Kind::Catalog),
        Section::Audit => who.may_everywhere(Verb::Read, Kind::Audit),
        _ => true,
    }
}

fn navigation(guest: &Guest, here: Section, waiting: Waiting) -> Markup {
    let spots = SPOTS.iter().filter(|(section, ..)| is_for(guest, *section));
    html! {
        nav.side aria-label="Portal" {
            ul {
                @for (section, path, name, key) in spots {
                    li {
                        a href=(path) aria-current=[(*section == here).then_some("page")] data-key=(key) {
                            (name)
                            @if *section == Section::Inbox && waiting.all() > 0 {
                                span.badge { (waiting.all()) span.unseen { " waiting for you" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What the keys do; a script opens it.
fn keys() -> Markup {
    html! {
        dialog #keys aria-labelledby="keys-title" {
            h2 #keys-title { "Keys" }
            dl.facts {
                div { dt { kbd { "/" } } dd { "Search" } }
                @for (_, _, name, key) in SPOTS {
                    div { dt { kbd { "g" } " " kbd { (key) } } dd { (name) } }
                }
                div { dt { kbd { "?" } } dd { "These keys" } }
                div { dt { kbd { "Esc" } } dd { "Close" } }
            }
            form method="dialog" { button type="submit" { "Close" } }
        }
    }
}

/// What was done before the page was loaded, by a word of its address; no text comes from there.
fn done(place: &str) -> Option<&'static str> {
    let (_, query) = place.split_once('?')?;
    let word = Asked::read(query).get("done")?.to_owned();
    Some(match word.as_str() {
        "signed-in" => "You are signed in.",
        "signed-out" => "You are signed out.",
        "set-up" => "You are the first user, an admin, and signed in.",
        "said" => "It was recorded. Whoever drives acts on it within a second.",
        "waiting" => "It was recorded. Nobody drives just now: it is acted on once somebody does.",
        "granted" => "Your approval was recorded.",
        "rejected" => "Your rejection was recorded.",
        "completed" => "The task is done. The run goes on within a second.",
        "asked" => "It was asked for. Its proposal is opened within a second.",
        "draft" => {
            "This address keeps what you filled in: save it, or send it to somebody. Secrets and files are not in it."
        }
        "ended" => "The session is ended.",
        "unlinked" => "The account is unlinked, and what was signed in elsewhere is ended.",
        "revoked" => "The key holds no more.",
        "saved" => "It was saved.",
        "proposal-approve" => {
            "Your approval was recorded. It counts once the proposal was looked at again."
        }
        "proposal-request-changes" => "What you ask for was recorded.",
        "proposal-comment" => "Your comment stands below.",
        "proposal-merge" => "It is merged. The catalog is looked at within seconds.",
        "proposal-close" => "It is closed.",
        _ => return None,
    })
}
