//! `/runs/{id}/{word}`: what a word on a run will do, before it is said. The API decides whether it may be.

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::form::Form;
use super::layout::{Page, Section};
use super::local::{segment, sent_to};
use super::marks::{choice, mark, told};
use super::problem_page::Refused;
use super::run::{Run, label};
use super::said::{reason, said};
use super::visit::Visit;

/// What a word does, in words; nothing where there is no such word.
fn what(word: &str) -> Option<&'static str> {
    Some(match word {
        "cancel" => {
            "The run is called off, once no step of it is in effect: a step that is under way is not cut. What it waits for is cancelled or taken back; what was done stays done."
        }
        "pause" => {
            "What is in effect finishes, and nothing new starts, until somebody resumes the run."
        }
        "resume" => "The run goes on where it was paused.",
        "retry" => {
            "What failed is done again, under new keys where it was refused. Steps that succeeded are asked for again, unless you say that they are to be left alone."
        }
        "redrive" => {
            "The run goes on under the keys that it had: where nobody knows an outcome, the other side is asked again, and nothing is done twice."
        }
        "escalate" => {
            "What failed and what was not reached is given to people: each such step becomes a task in the inbox of the team."
        }
        "rollback" => "What this run did is taken back, the last step first.",
        "decide" => {
            "Nobody knows whether a step took effect, and it can’t be looked up. You say whether it did; with the last such answer the run goes on. A step that did not take effect is done again."
        }
        _ => return None,
    })
}

/// Asks whether it is meant.
pub(super) async fn show(
    visit: Visit,
    Path((id, word)): Path<(String, String)>,
) -> Result<Response, Refused> {
    ask(&visit, (&id, &word), (&Form::default(), None)).await
}

async fn ask(
    visit: &Visit,
    (id, word): (&str, &str),
    (form, wrong): (&Form, Option<&Refused>),
) -> Result<Response, Refused> {
    let Some(what) = what(word) else { return Err(Refused::missing(visit.place())) };
    let path = format!("/runs/{}", segment(id));
    let run: Run = visit.get(&path).await?;
    let verb = label(word).trim_end_matches('…');
    let is_possible = run.possible.iter().any(|one| one == word);
    let body = html! {
        @if let Some(wrong) = wrong { (wrong.above()) }
        p.lead { (what) }
        p {
            "Run " code { (run.id) } " of " a href=(format!("/services/{}", segment(&run.service))) { (run.service) }
            " is " (mark(&run.state)) @if let Some(why) = &run.why { " " (told(why)) }
        }
        @if is_possible {
            form.card method="post" action=(format!("{path}/{}", segment(word))) {
                (visit.hidden())
                @if word == "retry" {
                    label.check { input type="checkbox" name="fromFailed" value="yes" checked[form.get("fromFailed").is_some() || wrong.is_none()]; "Leave alone what succeeded" }
                }
                @if word == "decide" { (decision(&run, form)) }
                (reason(form, wrong))
                div.actions {
                    button class=(if matches!(word, "cancel" | "rollback") { "danger" } else { "" }) type="submit" { (verb) }
                    a.button.plain href=(path) { "Back" }
                }
            }
        } @else {
            p.notice.wait { "That makes no sense as the run stands now." }
            p.actions { a.button href=(path) { "Back to the run" } }
        }
    };
    let heading = format!("{verb}: run {}", run.id);
    let above = format!("Run {}", run.id);
    let page = Page {
        heading: &heading,
        section: Section::Runs,
        above: Some((&path, &above)),
        ..Page::default()
    };
    Ok(page.say(visit, &body, wrong).await)
}

/// The form of what became of a step.
fn decision(run: &Run, form: &Form) -> Markup {
    let open = run.steps.iter().filter(|step| step.state == "needs-decision");
    html! {
        div.field {
            label for="step" { "Step" }
            select #step name="step" required {
                @for step in open { (choice(&step.path, form.text("step"), &step.path)) }
            }
        }
        fieldset {
            legend { "Did it take effect?" }
            label.check { input type="radio" name="happened" value="yes" required checked[form.text("happened") == "yes"]; "Yes, it did" }
            label.check { input type="radio" name="happened" value="no" checked[form.text("happened") == "no"]; "No, nothing was done" }
        }
        div.field {
            label for="outputs" { "Its outputs, where it did" }
            textarea #outputs name="outputs" aria-describedby="outputs-help" spellcheck="false" { (form.text("outputs")) }
            p.help #outputs-help { "One a line: name = value" }
        }
    }
}

/// Reads outputs that were written one a line.
fn outputs(text: &str) -> Result<Map<String, Value>, Refused> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (name, value) = line.split_once('=').ok_or_else(|| {
                Refused::unfit("/outputs", "each line of the outputs is to be name = value")
            })?;
            Ok((name.trim().to_owned(), Value::String(value.trim().to_owned())))
        })
        .collect()
}

fn word_of(word: &str, form: &Form) -> Result<Value, Refused> {
    let reason = form.text("reason");
    match word {
        "retry" => Ok(json!({"reason": reason, "fromFailed": form.get("fromFailed").is_some()})),
        "decide" => {
            let happened = match form.text("happened") {
                "yes" => true,
                "no" => false,
                _ => return Err(Refused::unfit("/happened", "say whether it took effect")),
            };
            let outputs = outputs(form.text("outputs"))?;
            let step = form.text("step");
            Ok(json!({"reason": reason, "step": step, "happened": happened, "outputs": outputs}))
        }
        _ => Ok(json!({"reason": reason})),
    }
}

/// Says it.
pub(super) async fn take(
    visit: Visit,
    Path((id, word)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Refused> {
    if what(&word).is_none() {
        return Err(Refused::missing(visit.place()));
    }
    let path = format!("/runs/{}", segment(&id));
    let sent = match word_of(&word, &form) {
        Ok(body) => visit.post(&format!("{path}/{}", segment(&word)), &body, &form).await,
        Err(refused) => Err(refused),
    };
    match sent {
        Ok(answer) => Ok(sent_to(&said(&path, &answer))),
        Err(wrong) if wrong.can_be_mended() => {
            ask(&visit, (&id, &word), (&form, Some(&wrong))).await
        }
        Err(refused) => Err(refused),
    }
}
