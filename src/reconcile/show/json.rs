//! A plan as JSON, version `trueline.plan/v1`: a wire form of its own, described by `schemas/reports/plan.json`.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::reasons;
use super::sections::{summary, units};
use super::wire::{ChangeWire, FieldWire, change_of, field_of};
use crate::digest::Digest;
use crate::id::{RunId, UnitKey};
use crate::reconcile::change::ChangeKind;
use crate::reconcile::plan::{Drift, Hold, Plan};
use crate::template::show_markers;

/// Version of the wire form.
pub const VERSION: &str = "trueline.plan/v1";

/// Shows a plan as JSON: markers in words, secrets masked, everything in a stable order.
pub fn json(plan: &Plan) -> Value {
    let wire = PlanWire {
        version: VERSION,
        catalog: &plan.catalog,
        commit: &plan.commit,
        digest: plan.digest,
        summary: summary_of(plan),
        changes: plan.changes.iter().map(|change| change_of(plan, change)).collect(),
        blocked: blocked_of(plan),
        outdated: plan.outdated.iter().map(|(unit, why)| UnitWhy { unit, why }).collect(),
        drifted: plan.drifted.iter().map(drift_of).collect(),
        unknown: plan.unknown.iter().map(|(unit, why)| UnitWhy { unit, why }).collect(),
        running: plan.running.iter().map(|(service, run)| RunningWire { service, run }).collect(),
        suspended: &plan.suspended,
        expired: plan.expired.iter().map(|(service, path)| ExpiredWire { service, path }).collect(),
        retained: &plan.retained,
        guard: guard_of(plan),
    };
    serde_json::to_value(&wire).map(|value| in_words(&value)).unwrap_or_default()
}

/// Shows what a plan comes to, without its changes: the digest, the summary, what is blocked, and what holds it.
pub fn outline(plan: &Plan) -> Value {
    let wire = OutlineWire {
        version: VERSION,
        catalog: &plan.catalog,
        commit: &plan.commit,
        digest: plan.digest,
        summary: summary_of(plan),
        blocked: blocked_of(plan),
        guard: guard_of(plan),
    };
    serde_json::to_value(&wire).map(|value| in_words(&value)).unwrap_or_default()
}

#[derive(Serialize)]
struct OutlineWire<'a> {
    version: &'static str,
    catalog: &'a str,
    commit: &'a str,
    digest: Digest,
    summary: SummaryWire,
    blocked: Vec<BlockedWire<'a>>,
    guard: GuardWire<'a>,
}

fn blocked_of(plan: &Plan) -> Vec<BlockedWire<'_>> {
    plan.blocked.iter().map(|(service, why)| BlockedWire { service, why }).collect()
}

fn guard_of(plan: &Plan) -> GuardWire<'_> {
    GuardWire {
        held: !plan.verdict.holds.is_empty(),
        deletions: plan.verdict.deletions,
        budget: plan.verdict.budget,
        holds: plan.verdict.holds.iter().zip(reasons::holds(plan)).map(hold_of).collect(),
    }
}

/// Puts markers in words wherever a text may hold one; values were masked one by one before.
fn in_words(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(show_markers(text)),
        Value::Array(items) => items.iter().map(in_words).collect(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, item)| (key.clone(), in_words(item))).collect())
        }
        other => other.clone(),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlanWire<'a> {
    version: &'static str,
    catalog: &'a str,
    commit: &'a str,
    digest: Digest,
    summary: SummaryWire,
    changes: Vec<ChangeWire<'a>>,
    blocked: Vec<BlockedWire<'a>>,
    outdated: Vec<UnitWhy<'a>>,
    drifted: Vec<DriftWire<'a>>,
    unknown: Vec<UnitWhy<'a>>,
    running: Vec<RunningWire<'a>>,
    suspended: &'a [String],
    expired: Vec<ExpiredWire<'a>>,
    retained: &'a [UnitKey],
    guard: GuardWire<'a>,
}

#[derive(Serialize)]
struct SummaryWire {
    text: String,
    create: usize,
    update: usize,
    replace: usize,
    delete: usize,
    operate: usize,
    correct: usize,
    adopt: usize,
}

fn summary_of(plan: &Plan) -> SummaryWire {
    SummaryWire {
        text: summary(plan),
        create: units(plan, ChangeKind::Create),
        update: units(plan, ChangeKind::Update),
        replace: units(plan, ChangeKind::Replace),
        delete: units(plan, ChangeKind::Delete),
        operate: units(plan, ChangeKind::Operate),
        correct: units(plan, ChangeKind::Correct),
        adopt: units(plan, ChangeKind::Adopt),
    }
}

#[derive(Serialize)]
struct BlockedWire<'a> {
    service: &'a str,
    why: &'a [String],
}

#[derive(Serialize)]
struct UnitWhy<'a> {
    unit: &'a UnitKey,
    why: &'a str,
}

#[derive(Serialize)]
struct DriftWire<'a> {
    unit: &'a UnitKey,
    step: &'a str,
    absent: bool,
    changes: Vec<FieldWire<'a>>,
}

fn drift_of(drift: &Drift) -> DriftWire<'_> {
    DriftWire {
        unit: &drift.unit,
        step: &drift.step,
        absent: drift.absent,
        changes: drift.changes.iter().map(|change| field_of(change, false)).collect(),
    }
}

#[derive(Serialize)]
struct RunningWire<'a> {
    service: &'a str,
    run: &'a RunId,
}

#[derive(Serialize)]
struct ExpiredWire<'a> {
    service: &'a str,
    path: &'a str,
}

#[derive(Serialize)]
struct GuardWire<'a> {
    held: bool,
    deletions: usize,
    budget: usize,
    holds: Vec<HoldWire<'a>>,
}

#[derive(Serialize)]
struct HoldWire<'a> {
    text: String,
    #[serde(flatten)]
    hold: HoldKind<'a>,
}

#[derive(Serialize)]
#[serde(tag = "hold", rename_all = "kebab-case")]
enum HoldKind<'a> {
    Deletions,
    Shrank { before: usize, now: usize },
    History { from: &'a str, to: &'a str },
    Restored { at: Timestamp, until: Timestamp },
}

fn hold_of((hold, text): (&Hold, String)) -> HoldWire<'_> {
    let hold = match hold {
        Hold::Deletions => HoldKind::Deletions,
        Hold::Shrank { before, now } => HoldKind::Shrank { before: *before, now: *now },
        Hold::History { from, to } => HoldKind::History { from, to },
        Hold::Restored { at, until } => HoldKind::Restored { at: *at, until: *until },
    };
    HoldWire { text, hold }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{change, field, full, plan, step, unit};
    use super::*;
    use crate::template::unknown;
    use jsonschema::Validator;
    use serde_json::json;

    const SCHEMA: &str = include_str!("../../../schemas/reports/plan.json");

    fn schema() -> Value {
        serde_json::from_str(SCHEMA).expect("the schema is JSON")
    }

    fn validator() -> Validator {
        jsonschema::draft202012::new(&schema()).expect("the schema compiles")
    }

    fn check(plan: &Plan) -> Value {
        let shown = json(plan);
        let wrong: Vec<String> =
            validator().iter_errors(&shown).map(|error| error.to_string()).collect();
        assert_eq!(wrong, Vec::<String>::new(), "{shown:#}");
        shown
    }

    #[test]
    fn plans_obey_their_schema() {
        check(&plan(Vec::new()));
        let shown = check(&full());
        assert_eq!(shown["version"], VERSION);
        assert_eq!(shown["summary"]["create"], 2);
        assert_eq!(shown["changes"][0]["pending"][0]["on"], "approval");
        assert_eq!(shown["guard"]["holds"][1]["hold"], "shrank");
    }

    #[test]
    fn a_restored_record_holds_the_plan_with_what_to_do() {
        let mut held = plan(Vec::new());
        held.verdict.holds =
            vec![Hold::Restored { at: Timestamp::UNIX_EPOCH, until: Timestamp::UNIX_EPOCH }];
        let shown = check(&held);
        assert_eq!(shown["guard"]["holds"][0]["until"], "1970-01-01T00:00:00Z");
        let said = shown["guard"]["holds"][0]["text"].as_str().expect("a text");
        assert!(
            said.contains("restored from a backup") && said.contains("trueline approve"),
            "{said}"
        );
    }

    #[test]
    fn the_schema_refuses_what_it_does_not_know() {
        let shown = check(&full());
        for (pointer, key) in [
            ("", "surprise"),
            ("/changes/0", "surprise"),
            ("/changes/0/pending/0", "surprise"),
            ("/changes/0/units/0/steps/0", "surprise"),
            ("/guard/holds/0", "before"),
            ("/drifted/0", "surprise"),
        ] {
            let mut wrong = shown.clone();
            let object = wrong.pointer_mut(pointer).and_then(Value::as_object_mut);
            object.expect("an object").insert(key.to_owned(), json!(1));
            assert!(!validator().is_valid(&wrong), "{pointer}/{key}");
        }
    }

    #[test]
    fn every_property_is_described() {
        fn walk(schema: &Value, at: &str, missing: &mut Vec<String>) {
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                if property["description"].as_str().is_none_or(|text| !text.ends_with('.')) {
                    missing.push(format!("{at}/{name}"));
                }
            }
            match schema {
                Value::Object(map) => {
                    map.iter().for_each(|(key, item)| walk(item, &format!("{at}/{key}"), missing));
                }
                Value::Array(items) => items.iter().for_each(|item| walk(item, at, missing)),
                _ => {}
            }
        }
        let mut missing = Vec::new();
        walk(&schema(), "", &mut missing);
        assert_eq!(missing, Vec::<String>::new());
    }

    #[test]
    fn markers_are_words_and_secrets_masked() {
        let mut change_of_one = unit("db", ChangeKind::Update);
        let evil = json!({"secret": "hunter22"});
        change_of_one.fields = vec![
            field("adminPassword", Some(json!("hunter22")), None),
            field("url", Some(evil), Some(json!(unknown("outputs.a.url")))),
        ];
        let sealed = json!([{"$sealed": "hunter22", "$hash": "hunter22"}]);
        change_of_one.steps = vec![step("a", "rest-api", sealed)];
        let mut plan = plan(vec![change("db", vec![change_of_one])]);
        plan.blocked.insert("x".to_owned(), vec![unknown("a")]);
        let shown = check(&plan);
        let text = shown.to_string();
        assert!(!text.contains("hunter22") && !text.contains('\u{E000}'), "{text}");
        insta::assert_snapshot!(shown["changes"][0]["units"][0]["fields"], @r#"[{"before":"(sensitive)","immutable":false,"name":"adminPassword"},{"after":"(known after apply)","before":"(sensitive)","immutable":false,"name":"url"}]"#);
    }
}
