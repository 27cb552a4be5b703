//! `/settings/operating`: the catalogs that are read, the breakers that are open, the schedules that come. What can be said leads on.

use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use super::breaker;
use super::form::Asked;
use super::layout::{Page, Section};
use super::local::{link, segment};
use super::marks::{Tone, empty, facts, pager, prose, short, told, toned};
use super::problem_page::Refused;
use super::times::{count, exact, when, when_any};
use super::visit::Visit;
use crate::serve::auth::{Kind, Verb};

#[derive(Deserialize)]
struct List<T> {
    items: Vec<T>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Catalog {
    name: String,
    commit: String,
    items: usize,
    bundles: usize,
    environments: usize,
    teams: usize,
    services: usize,
    errors: usize,
    warnings: usize,
}

#[derive(Deserialize)]
pub(super) struct Breaker {
    pub(super) action: String,
    pub(super) target: String,
    pub(super) state: String,
    failures: u32,
    openings: u32,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    pub(super) why: Option<String>,
}

#[derive(Deserialize)]
struct Scheduled {
    unit: String,
    service: String,
    operation: String,
    cron: String,
    timezone: String,
    next: Timestamp,
}

/// Shows it.
pub(super) async fn show(visit: Visit, asked: Asked) -> Result<Response, Refused> {
    let sees_catalog = visit.who().may_everywhere(Verb::Read, Kind::Catalog);
    let catalogs: Option<List<Catalog>> = match sees_catalog {
        true => visit.get("/catalogs").await.ok(),
        false => None,
    };
    let breakers: Option<List<Breaker>> = match visit.who().may_everywhere(Verb::Read, Kind::Run) {
        true => Some(visit.get("/breakers").await?),
        false => None,
    };
    let (service, cursor) = (asked.text("service"), asked.text("cursor"));
    let schedules: Option<List<Scheduled>> = match visit.may(Verb::Read, Kind::Service) {
        true => {
            let asks = link("/schedules", &[("service", service), ("cursor", cursor)]);
            Some(visit.get(&asks).await?)
        }
        false => None,
    };
    let now = visit.now();
    let operates = visit.who().may_everywhere(Verb::Operate, Kind::Run);
    let body = html! {
        @if let Some(list) = &catalogs { (of_catalogs(&list.items)) }
        @else if sees_catalog { p.notice.wait { "The catalog was not read yet: look again in a moment." } }
        @if let Some(list) = &breakers { (of_breakers(&list.items, (now, operates))) }
        @if let Some(list) = &schedules {
            (of_schedules(&list.items, (service, cursor), now))
            (pager("/settings/operating", &[("service", service)], (cursor, list.next.as_deref())))
        }
    };
    let page = Page {
        heading: "Operating",
        section: Section::Settings,
        above: Some(("/settings", "Settings")),
        ..Page::default()
    };
    Ok(page.show(&visit, &body).await)
}

fn of_catalogs(catalogs: &[Catalog]) -> Markup {
    html! {
        section aria-labelledby="catalogs" {
            h2 #catalogs { "Catalogs" }
            @for one in catalogs {
                (facts(&[
                    ("Name", Some(html! { (told(&one.name)) })),
                    ("Commit", (!one.commit.is_empty()).then(|| short(&one.commit))),
                    ("On offer", Some(html! { (count(one.items, "item")) ", " (count(one.bundles, "bundle")) })),
                    ("Services", Some(html! { (one.services) @if one.environments > 0 { " in " (count(one.environments, "environment")) } })),
                    // Teams need not be named.
                    ("Teams", (one.teams > 0).then(|| html! { (one.teams) })),
                    ("Findings", Some(html! {
                        @if one.errors + one.warnings == 0 { (toned(Tone::Good, "none")) }
                        @else { a href="/findings" { (count(one.errors, "error")) ", " (count(one.warnings, "other")) } }
                    })),
                ]))
            }
        }
    }
}

fn of_breakers(breakers: &[Breaker], (now, operates): (Timestamp, bool)) -> Markup {
    let tone = |state: &str| if state == "closed" { Tone::Off } else { Tone::Wait };
    html! {
        section aria-labelledby="breakers" {
            h2 #breakers { "Breakers" }
            p.quiet { "Where another side fails again and again it is not asked for a while. The first attempt that succeeds after that closes the breaker; nobody has to. Who knows that it works again need not wait for that." }
            @if breakers.is_empty() { (empty("Everybody is asked.", &html! { "No breaker is open, and no failure counts towards one." })) }
            @else {
                div.scroll tabindex="0" role="region" aria-label="Breakers" {
                    table {
                        caption.unseen { "Breakers, open ones first" }
                        thead { tr { th scope="col" { "Whom" } th scope="col" { "State" } th.number scope="col" { "Failures" } th.number scope="col" { "Opened" } th scope="col" { "Since" } th scope="col" { "Asked again" } @if operates { th scope="col" { span.unseen { "What you can do" } } } } }
                        tbody { @for one in breakers { tr {
                            th scope="row" { (told(&one.target)) div.why { "by " code { (told(&one.action)) } } }
                            td { (toned(tone(&one.state), &one.state)) @if let Some(why) = &one.why { div.why { (prose(why)) } } }
                            td.number { (one.failures) }
                            td.number { (one.openings) "×" }
                            td { (when_any(one.since, now)) }
                            td { (when_any(one.until, now)) }
                            @if operates { td { a href=(breaker::path(one)) { "Ask again now" span.unseen { ": " (told(&one.target)) } } } }
                        } } }
                    }
                }
            }
        }
    }
}

fn of_schedules(
    schedules: &[Scheduled],
    (service, cursor): (&str, &str),
    now: Timestamp,
) -> Markup {
    html! {
        section aria-labelledby="schedules" {
            h2 #schedules { "Schedules" }
            form.filters method="get" action="/settings/operating" aria-label="Filter schedules" {
                div.field { label for="service" { "Service" } input #service name="service" value=(service) maxlength="200" autocapitalize="none" spellcheck="false"; }
                div.actions { button type="submit" { "Filter" } @if !service.is_empty() { a.button.plain href="/settings/operating" { "Show all" } } }
            }
            @if schedules.is_empty() {
                @if service.is_empty() && cursor.is_empty() { (empty("Nothing comes by itself.", &html! { "Operations of items that have a schedule are listed here, for each service that is made." })) }
                @else { (empty("Nothing comes by itself that is like that.", &html! { a href="/settings/operating" { "Show all" } "." })) }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Schedules" {
                    table {
                        caption.unseen { "Scheduled operations, by their next time" }
                        thead { tr { th scope="col" { "Service" } th scope="col" { "Operation" } th scope="col" { "Comes" } th scope="col" { "Next" } } }
                        tbody { @for one in schedules { tr {
                            th scope="row" { a href=(format!("/services/{}", segment(&one.service))) { (told(&one.unit)) } }
                            td { code { (told(&one.operation)) } }
                            td { code { (told(&one.cron)) } div.why { (told(&one.timezone)) } }
                            td { (when(one.next, now)) div.why { (exact(one.next)) } }
                        } } }
                    }
                }
            }
        }
    }
}
