//! `/services/{id}`: one service: how it stands, what was applied, what drifted, what is planned, what was done.

use axum::extract::Path;
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::form::Asked;
use super::layout::{Page, Section};
use super::local::{link, segment};
use super::marks::{Tone, empty, facts, mark, nothing, pager, prose, short, told, toned, value};
use super::problem_page::Refused;
use super::runs::{RunLine, Runs, table};
use super::times::when;
use super::visit::Visit;
use crate::secret::MASK;
use crate::serve::auth::{Kind, Verb};

/// One service.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Service {
    pub(super) id: String,
    pub(super) team: Option<String>,
    offer: Option<String>,
    environment: Option<String>,
    pub(super) state: String,
    pub(super) why: Option<String>,
    drifted: bool,
    pub(super) held: bool,
    last_run: Option<RunLine>,
    desired: Option<Desired>,
    units: Vec<Unit>,
}

/// What the catalog's file asks for.
#[derive(Deserialize)]
struct Desired {
    description: Option<String>,
    state: String,
    expires: Option<String>,
    operations: Vec<Operation>,
}

#[derive(Deserialize)]
struct Operation {
    name: String,
    state: Option<String>,
}

#[derive(Deserialize)]
struct Unit {
    #[serde(rename = "unit")]
    name: String,
    state: String,
    why: Option<String>,
    run: Option<String>,
    applied: Option<Applied>,
    fields: Map<String, Value>,
    outputs: Map<String, Value>,
    health: Option<Health>,
    drift: Vec<Drift>,
}

#[derive(Deserialize)]
struct Applied {
    item: String,
    version: String,
    commit: String,
    run: String,
    at: Timestamp,
}

#[derive(Deserialize)]
struct Health {
    healthy: bool,
    since: Timestamp,
    why: Option<String>,
}

#[derive(Deserialize)]
struct Drift {
    step: String,
    at: Timestamp,
    what: String,
    changes: Vec<Difference>,
    why: Option<String>,
}

#[derive(Deserialize)]
struct Difference {
    name: String,
    written: Option<Value>,
    found: Option<Value>,
}

/// Shows it.
pub(super) async fn show(
    visit: Visit,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Refused> {
    let path = format!("/services/{}", segment(&id));
    let service: Service = visit.get(&path).await?;
    let cursor = asked.text("cursor");
    let runs: Option<Runs> = match visit.may(Verb::Read, Kind::Run) {
        true => Some(
            visit
                .get(&link(&format!("{path}/history"), &[("limit", "20"), ("cursor", cursor)]))
                .await?,
        ),
        false => None,
    };
    let may = visit.may_of(Verb::Operate, Kind::Service, service.team.as_deref());
    let body = html! {
        (standing(&visit, (&service, may), &path))
        @if let Some(planned) = super::plan::of_service(&visit, &path).await {
            section aria-labelledby="planned" { h2 #planned { "Planned" } (planned) }
        }
        @for unit in &service.units { (unit_of(unit, service.units.len() > 1, (&visit, &path, may))) }
        (super::relations::of(&visit, &path).await)
        @if let Some(runs) = &runs {
            section aria-labelledby="history" {
                h2 #history { "History" }
                @if runs.items.is_empty() {
                    (empty("Nothing was done for it yet.", &html! { "What is planned for it stands in the " a href="/plan" { "plan" } "." }))
                } @else { (table(&runs.items, visit.now())) }
                (pager(&path, &[], (cursor, runs.next.as_deref())))
            }
        }
    };
    let page = Page {
        heading: &service.id,
        section: Section::Services,
        above: Some(("/services", "Services")),
        beside: Some(html! {
            (mark(&service.state)) @if service.drifted { (toned(Tone::Wait, "drifted")) }
        }),
        ..Page::default()
    };
    Ok(page.show(&visit, &body).await)
}

fn standing(visit: &Visit, (service, may): (&Service, bool), path: &str) -> Markup {
    let filter =
        |name: &str, one: &str| html! { a href=(link("/services", &[(name, one)])) { (one) } };
    let desired = service.desired.as_ref();
    html! {
        @if let Some(why) = &service.why { p.lead { (prose(why)) } }
        (facts(&[
            ("Team", service.team.as_ref().map(|team| filter("team", team))),
            ("Item", service.offer.as_ref().map(|item| filter("item", item))),
            ("File", service.offer.is_none().then(|| html! { "It is gone from the catalog." })),
            ("Environment", service.environment.as_ref().map(|one| filter("environment", one))),
            ("What for", desired.and_then(|it| it.description.as_ref()).map(|text| html! { (told(text)) })),
            ("Last day", desired.and_then(|it| it.expires.as_ref()).map(|day| html! { (told(day)) })),
            ("Last run", service.last_run.as_ref().map(|run| html! {
                a href=(format!("/runs/{}", segment(&run.id))) { code { (run.id) } } " " (mark(&run.state)) " " (when(run.updated_at, visit.now()))
            })),
        ]))
        @if may {
            p.actions role="group" aria-label="What you can ask of it" {
                a.button.plain href=(format!("{path}/reconcile")) { "Converge now…" }
                @if service.held { a.button.plain href=(format!("{path}/release")) { "Release…" } }
                @else { a.button.plain href=(format!("{path}/hold")) { "Hold…" } }
            }
        }
        @if let Some(desired) = desired.filter(|_| visit.may_of(Verb::Request, Kind::Service, service.team.as_deref())) {
            (wishes(desired, path, may))
        }
    }
}

/// What can be asked for in the catalog, each by a proposal.
fn wishes(desired: &Desired, path: &str, may_operate: bool) -> Markup {
    let is_suspended = desired.state == "suspended";
    let offered = |operation: &&Operation| match &operation.state {
        Some(state) => *state != desired.state && !is_suspended,
        None => may_operate && !is_suspended,
    };
    html! {
        p.actions role="group" aria-label="What you can ask for" {
            a.button href=(format!("{path}/change")) { "Change…" }
            @for operation in desired.operations.iter().filter(offered) {
                a.button.plain href=(format!("{path}/wish/operate-{}", segment(&operation.name))) { (told(&operation.name)) "…" }
            }
            @if is_suspended { a.button.plain href=(format!("{path}/wish/activate")) { "Wake…" } }
            @else { a.button.plain href=(format!("{path}/wish/suspend")) { "Suspend…" } }
            a.button.plain href=(format!("{path}/wish/expire")) { "Last day…" }
            a.button.danger href=(format!("{path}/wish/delete")) { "Delete…" }
        }
    }
}

/// Values by name, as facts.
fn values(all: &Map<String, Value>) -> Markup {
    let rows: Vec<_> = all.iter().map(|(name, one)| (name.as_str(), Some(value(one)))).collect();
    facts(&rows)
}

/// Shows outputs; where somebody may see what is sensitive, a button leads to it.
fn outputs(unit: &Unit, (visit, path, may): (&Visit, &str, bool)) -> Markup {
    html! {
        dl.facts {
            @for (name, one) in &unit.outputs {
                div {
                    dt { (told(name)) }
                    dd {
                        (value(one))
                        @if may && one.as_str() == Some(MASK) {
                            form.beside method="post" action=(format!("{path}/reveal")) {
                                (visit.hidden())
                                input type="hidden" name="unit" value=(unit.name);
                                input type="hidden" name="output" value=(name);
                                button.plain type="submit" { "Show" span.unseen { " " (told(name)) ", which is told in the audit chain" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn unit_of(unit: &Unit, is_one_of_many: bool, (visit, path, may): (&Visit, &str, bool)) -> Markup {
    let now = visit.now();
    html! {
        section.card {
            @if is_one_of_many { h2.name { (unit.name) " " (mark(&unit.state)) } } @else { h2 { "What is there" } }
            @if let Some(why) = unit.why.as_ref().filter(|_| is_one_of_many) { p { (prose(why)) } }
            @match &unit.applied {
                None => p.quiet { "Nothing was applied in full yet." },
                Some(applied) => (facts(&[
                    ("Made by", Some(html! { (applied.item) " " (applied.version) })),
                    ("Applied", Some(html! { (when(applied.at, now)) " by run " a href=(format!("/runs/{}", segment(&applied.run))) { code { (applied.run) } } })),
                    ("Commit", Some(short(&applied.commit))),
                    ("Health", unit.health.as_ref().map(|health| html! {
                        (toned(if health.healthy { Tone::Good } else { Tone::Bad }, if health.healthy { "healthy" } else { "not healthy" }))
                        " since " (when(health.since, now)) @if let Some(why) = &health.why { div.why { (prose(why)) } }
                    })),
                    ("Now", unit.run.as_ref().map(|run| html! { "run " a href=(format!("/runs/{}", segment(run))) { code { (run) } } })),
                ])),
            }
            @if !unit.fields.is_empty() { h3 { "Fields" } (values(&unit.fields)) }
            @if !unit.outputs.is_empty() { h3 { "Outputs" } (outputs(unit, (visit, path, may))) }
            @if !unit.drift.is_empty() { h3 { "Drift" } @for drift in &unit.drift { (drift_of(drift, now)) } }
        }
    }
}

fn drift_of(drift: &Drift, now: Timestamp) -> Markup {
    let what = match drift.what.as_str() {
        "absent" => "what was made is not there",
        "different" => "it differs from what was written",
        _ => "it can’t be looked at",
    };
    let shown = |one: &Option<Value>| one.as_ref().map_or_else(nothing, value);
    html! {
        div.notice.wait {
            strong { "Step " code { (told(&drift.step)) } ": " } (what) ", seen " (when(drift.at, now))
            @if let Some(why) = &drift.why { div.why { (prose(why)) } }
            @if !drift.changes.is_empty() {
                div.scroll tabindex="0" role="region" aria-label="Differences" {
                    table {
                        caption.unseen { "What differs" }
                        thead { tr { th scope="col" { "Where" } th scope="col" { "Written" } th scope="col" { "Found" } } }
                        tbody { @for change in &drift.changes { tr {
                            th scope="row" { code { (told(&change.name)) } }
                            td { (shown(&change.written)) }
                            td { (shown(&change.found)) }
                        } } }
                    }
                }
            }
        }
    }
}
