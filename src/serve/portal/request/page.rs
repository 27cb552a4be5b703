//! The page of the form: who and where, the fields of the offer, what is wrong with them. It works without a script; with one,
//! what is wrong is said while somebody types, and the address keeps what they typed.

use axum::response::Response;
use maud::{Markup, html};

use super::fill::draft;
use super::subject::Subject;
use crate::serve::portal::fields::{Shown, inputs};
use crate::serve::portal::form::Form;
use crate::serve::portal::layout::{Page, Section};
use crate::serve::portal::marks::{choice, prose, told};
use crate::serve::portal::problem_page::{Refused, spoken};
use crate::serve::portal::visit::Visit;

/// What is said above a form.
#[derive(Default)]
pub(super) struct Above<'w> {
    pub(super) wrong: Option<&'w Refused>,
    pub(super) remarks: Vec<String>,
    /// It was checked, and fits.
    pub(super) fits: bool,
}

/// Shows the form.
pub(super) async fn show(
    visit: &Visit,
    subject: &Subject,
    form: &Form,
    above: Above<'_>,
) -> Result<Response, Refused> {
    let keeps = subject.keeps();
    let wrong = above.wrong;
    let shown =
        Shown { form, wrong, prefills: false, secrets: &subject.options.secrets, keeps: &keeps };
    let body = html! {
        @if let Some(wrong) = wrong { (wrong.summary(|pointer| subject.place_of(pointer))) }
        @for remark in &above.remarks { p.notice.wait role="status" { (remark) } }
        p.lead { (prose(&subject.description)) }
        @if subject.deprecated && subject.service.is_none() { p.notice.wait { "It is on its way out: new services should not use it." } }
        form.card.request method="post" action=(subject.path) enctype="multipart/form-data" novalidate data-check data-draft=[draft(subject, form)] {
            (visit.hidden())
            fieldset.group {
                legend { "The service" }
                (whose(subject, form, wrong))
            }
            (inputs(&subject.form, &shown))
            (more(subject, form, wrong))
            p.check-state #check role="status" data-fits[above.fits] { @if above.fits { "All of it fits." } }
            div.actions {
                button type="submit" name="do" value="review" { "Review…" }
                button.plain type="submit" name="do" value="draft" { "Keep as a link" }
                a.button.plain href=(subject.above) { "Back" }
            }
        }
    };
    let heading = subject.heading();
    let name = told(&subject.name);
    let (section, back) = match &subject.service {
        Some((standing, _)) => (Section::Services, standing.id.as_str()),
        None => (Section::Catalog, name.as_str()),
    };
    let page =
        Page { heading: &heading, section, above: Some((&subject.above, back)), ..Page::default() };
    Ok(page.say(visit, &body, wrong).await)
}

/// One line of the form that is none of the catalog.
struct Line<'l> {
    id: &'l str,
    label: &'l str,
    help: &'l str,
}

impl Line<'_> {
    fn show(
        &self,
        (form, wrong): (&Form, Option<&Refused>),
        control: impl Fn(&str, &str, bool) -> Markup,
    ) -> Markup {
        let about = format!("{}-about", self.id);
        let wrong = wrong.map(|wrong| wrong.under(&format!("/{}", self.id))).unwrap_or_default();
        html! {
            div.field data-field=(self.id) {
                label for=(self.id) { (self.label) }
                (control(form.text(self.id), &about, !wrong.is_empty()))
                div id=(about) {
                    @if !self.help.is_empty() { p.help { (self.help) } }
                    div.wrongs aria-live="polite" { @for wrong in &wrong { p.wrong { (spoken(wrong)) } } }
                }
            }
        }
    }
}

fn whose(subject: &Subject, form: &Form, wrong: Option<&Refused>) -> Markup {
    let filled = (form, wrong);
    let options = &subject.options;
    html! {
        @if subject.service.is_none() {
            (Line { id: "team", label: "Team", help: "Whose service it is: they answer for it and pay for it." }.show(filled, |now, about, bad| team(subject, now, (about, bad))))
            (Line { id: "id", label: "Id (optional)", help: "How it is called in the catalog: small letters, digits, hyphens. Made of its name where none is given." }.show(filled, |now, about, bad| html! {
                input #id name="id" value=(now) maxlength="64" autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby=(about) aria-invalid[bad];
            }))
        }
        @if !options.environments.is_empty() {
            (Line { id: "environment", label: "Environment", help: "" }.show(filled, |now, about, bad| html! {
                select #environment name="environment" aria-describedby=(about) aria-invalid[bad] {
                    @if now.is_empty() && options.environments.len() > 1 { option value="" { "None" } }
                    @for one in &options.environments { (choice(&one.id, now, &told(&one.name))) }
                }
            }))
        }
    }
}

fn team(subject: &Subject, now: &str, (about, bad): (&str, bool)) -> Markup {
    let options = &subject.options;
    html! {
        @if options.any_team {
            input #team name="team" value=(now) list="teams" required maxlength="64" autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby=(about) aria-invalid[bad];
            datalist #teams { @for team in &options.teams { option value=(team) {} } }
        } @else {
            select #team name="team" required aria-describedby=(about) aria-invalid[bad] {
                @if options.teams.len() != 1 { option value="" { "Choose…" } }
                @for team in &options.teams { (choice(team, now, team)) }
            }
        }
    }
}

fn more(subject: &Subject, form: &Form, wrong: Option<&Refused>) -> Markup {
    let names = ["description", "expires", "dependsOn"];
    let is_open = names.iter().any(|name| {
        let is_wrong = wrong.is_some_and(|wrong| !wrong.under(&format!("/{name}")).is_empty());
        form.get(name).is_some() || is_wrong
    });
    let filled = (form, wrong);
    html! {
        details.fold open[is_open] {
            summary { "More: what it is for, its last day, what it depends on" }
            (Line { id: "description", label: "What it is for (optional)", help: "" }.show(filled, |now, about, bad| html! {
                input #description name="description" value=(now) maxlength="2000" autocomplete="off" aria-describedby=(about) aria-invalid[bad];
            }))
            (Line { id: "expires", label: "Last day (optional)", help: "After it, its end is proposed." }.show(filled, |now, about, bad| html! {
                input #expires name="expires" type="date" value=(now) aria-describedby=(about) aria-invalid[bad];
            }))
            (Line { id: "dependsOn", label: "Depends on (optional)", help: "Ids of services that must be there first, with commas between them." }.show(filled, |now, about, bad| html! {
                input #dependsOn name="dependsOn" value=(now) maxlength="2000" autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby=(about) aria-invalid[bad];
            }))
            @if subject.has_cost { p.help { "What it costs is told before you ask for it." } }
        }
    }
}
