//! The steps of a run on a line: how each stands, how long it took, how often it was tried, what it gave.

use jiff::Timestamp;
use maud::{Markup, html};

use super::marks::{Tone, facts, prose, told, toned, value};
use super::run::{Entry, Run, Step};
use super::times::{took, when};

/// Shows the steps in their order.
pub(super) fn timeline(run: &Run, journal: &[Entry], now: Timestamp) -> Markup {
    html! {
        @if run.steps.is_empty() { p.quiet { "It has no step to carry out." } }
        @else {
            ol.steps {
                @for step in &run.steps {
                    @let tone = tone(&step.state);
                    li class=(class(tone)) { (one(step, (tone, &tried(step, journal)), now)) }
                }
            }
        }
    }
}

/// What became of the attempts of a step.
struct Tried<'j> {
    began: Option<Timestamp>,
    ended: Option<Timestamp>,
    /// Attempts that did not do it: when, and why.
    faults: Vec<(Timestamp, &'j str)>,
}

fn tried<'j>(step: &Step, journal: &'j [Entry]) -> Tried<'j> {
    let own = || journal.iter().filter(|entry| entry.step.as_ref() == Some(&step.path));
    let is_end = |entry: &&Entry| {
        matches!(entry.event.as_str(), "succeeded" | "failed" | "cancelled" | "needs-decision")
    };
    let is_fault = |entry: &&Entry| {
        matches!(entry.event.as_str(), "retry" | "unknown" | "failed" | "needs-decision")
    };
    Tried {
        began: own().find(|entry| entry.event == "started").map(|entry| entry.at),
        ended: own().rfind(is_end).map(|entry| entry.at),
        faults: own()
            .filter(is_fault)
            .filter_map(|entry| Some((entry.at, entry.why.as_deref()?)))
            .collect(),
    }
}

fn tone(state: &str) -> Tone {
    match state {
        "started" | "ready" => Tone::Busy,
        "pending" => Tone::Off,
        other => Tone::of(other),
    }
}

fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "is-good",
        Tone::Busy => "is-busy",
        Tone::Wait => "is-wait",
        Tone::Bad => "is-bad",
        Tone::Off => "is-off",
    }
}

/// What a state of a step is called here.
fn word(state: &str) -> &str {
    match state {
        "ready" => "about to start",
        "started" => "under way",
        "pending" => "to come",
        other => other,
    }
}

fn one(step: &Step, (tone, tried): (Tone, &Tried<'_>), now: Timestamp) -> Markup {
    let outputs: Vec<(&str, Option<Markup>)> =
        step.outputs.iter().map(|(name, one)| (name.as_str(), Some(value(one)))).collect();
    html! {
        h3 { code { (told(&step.path)) } (toned(tone, word(&step.state))) }
        div.meta {
            span { (step.action) }
            @if step.by_hand { span { "by hand" } }
            @if step.attempts > 0 { span { (step.attempts) @if step.attempts == 1 { " attempt" } @else { " attempts" } } }
            @match (tried.began, tried.ended) {
                (Some(began), Some(ended)) => span { "took " (took(began, ended)) },
                (Some(began), None) => span { "begun " (when(began, now)) },
                _ => {}
            }
            @if let Some(next) = step.not_before { span { "tried again " (when(next, now)) } }
        }
        @if let Some(why) = &step.why { div.why { (prose(why)) } }
        @if tried.faults.len() > 1 {
            details.fold {
                summary { (tried.faults.len()) " attempts did not do it" }
                ul { @for (at, why) in &tried.faults { li { (when(*at, now)) ": " (prose(why)) } } }
            }
        }
        @if !outputs.is_empty() { (facts(&outputs)) }
    }
}
