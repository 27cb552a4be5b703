//! What a service depends on, and what depends on it, as a list with links.

use maud::{Markup, html};
use serde::Deserialize;

use super::local::segment;
use super::marks::{mark, told};
use super::visit::Visit;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Relations {
    depends_on: Vec<Relation>,
    dependents: Option<Vec<Relation>>,
    hidden: usize,
}

#[derive(Deserialize)]
struct Relation {
    service: String,
    team: Option<String>,
    outputs: Vec<String>,
    state: String,
}

/// Shows both sides of a service; nothing where there is nobody on either.
pub(super) async fn of(visit: &Visit, path: &str) -> Markup {
    let Ok(relations) = visit.get::<Relations>(&format!("{path}/relations")).await else {
        return Markup::default();
    };
    let dependents = relations.dependents.as_deref().unwrap_or_default();
    let is_any = !relations.depends_on.is_empty() || !dependents.is_empty();
    if !is_any && relations.hidden == 0 && relations.dependents.is_some() {
        return Markup::default();
    }
    html! {
        section aria-labelledby="relations" {
            h2 #relations { "Depends on each other" }
            @if !relations.depends_on.is_empty() { h3 { "It needs" } (side(&relations.depends_on)) }
            @if !dependents.is_empty() { h3 { "They need it" } (side(dependents)) }
            @if relations.hidden > 0 { p.quiet { "And " (relations.hidden) " of teams whose services you can’t see." } }
            @if relations.dependents.is_none() { p.quiet { "Who needs it is not looked for in a catalog as large as this." } }
        }
    }
}

fn side(all: &[Relation]) -> Markup {
    html! {
        ul.relations {
            @for one in all {
                li {
                    a href=(format!("/services/{}", segment(&one.service))) { (one.service) } " " (mark(&one.state))
                    span.quiet {
                        @if let Some(team) = &one.team { " of " (team) }
                        @if !one.outputs.is_empty() { ", reads " (told(&one.outputs.join(", "))) }
                    }
                }
            }
        }
    }
}
