//! `/inbox/history`: what whoever looks has answered: approvals, tasks, plans, and what they said of runs and services.

use axum::response::Response;
use maud::html;

use crate::serve::portal::activity::{Feed, days};
use crate::serve::portal::form::Asked;
use crate::serve::portal::layout::{Page, Section};
use crate::serve::portal::local::link;
use crate::serve::portal::marks::{empty, pager};
use crate::serve::portal::problem_page::Refused;
use crate::serve::portal::visit::Visit;

/// Shows it.
pub(in crate::serve::portal) async fn history(
    visit: Visit,
    asked: Asked,
) -> Result<Response, Refused> {
    let cursor = asked.text("cursor");
    let me = visit.who().actor.name.clone();
    let feed: Feed =
        visit.get(&link("/activity", &[("actor", me.as_str()), ("cursor", cursor)])).await?;
    let body = html! {
        @if feed.items.is_empty() { (empty("You have not answered anything yet.", &html! { "What you approve, reject, complete or say stands here. " a href="/inbox" { "Back to the inbox" } "." })) }
        @else { (days(&feed.items)) }
        (pager("/inbox/history", &[], (cursor, feed.next.as_deref())))
    };
    let page = Page {
        heading: "What you answered",
        section: Section::Inbox,
        above: Some(("/inbox", "Inbox")),
        ..Page::default()
    };
    Ok(page.show(&visit, &body).await)
}
