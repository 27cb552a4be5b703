//! One service in full: what `trueline service show` prints. Sensitive values are masked before they are kept here.

mod health;

use std::borrow::Cow;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::output::Failure;
use super::plan::only;
use super::run::{RunLine, runs_table};
use super::service::{known, standing, text_of};
use super::status::commands;
use super::table::{ago, block, cell, short_commit, table, value};
use crate::catalog::Mode;
use crate::engine::{Standing, UnitState, UnitView, View};
use crate::id::{RunId, UnitKey};
use crate::reconcile::show::{self, masked, visible};
use crate::reconcile::{Applied, FieldChange, HEALTH, Observation, Observed, Plan, UnitRecord};
use crate::secret::MASK;
use crate::store::{RunSummary, Store};

use health::HealthWire;

/// Version of the wire form.
const VERSION: &str = "trueline.service/v1";

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServiceWire {
    #[serde(skip_deserializing)]
    version: &'static str,
    #[serde(alias = "id")]
    service: String,
    team: Option<String>,
    environment: Option<String>,
    state: UnitState,
    why: Option<String>,
    drifted: bool,
    /// A person stopped everything for it; its `commands` say so.
    #[serde(default, skip_serializing)]
    held: bool,
    #[serde(default)]
    commands: Vec<String>,
    last_run: Option<RunLine>,
    units: Vec<UnitWire>,
    #[serde(default)]
    plan: Option<Value>,
    #[serde(skip)]
    excerpt: Option<Plan>,
    /// The plan as a server writes it for people.
    #[serde(skip)]
    drawn: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UnitWire {
    unit: UnitKey,
    state: UnitState,
    why: Option<String>,
    run: Option<RunId>,
    drifted: bool,
    applied: Option<AppliedWire>,
    fields: Map<String, Value>,
    outputs: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<HealthWire>,
    drift: Vec<DriftWire>,
}

#[derive(Debug, Serialize, Deserialize)]
struct AppliedWire {
    item: String,
    version: String,
    mode: Mode,
    state: String,
    commit: String,
    run: RunId,
    at: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
struct DriftWire {
    step: String,
    at: Timestamp,
    what: Cow<'static, str>,
    changes: Vec<DifferenceWire>,
    why: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct DifferenceWire {
    name: String,
    written: Option<Value>,
    found: Option<Value>,
}

impl ServiceWire {
    /// Reads a service from the store; one that is gone is known by its runs.
    pub(super) async fn read(store: &dyn Store, id: &str) -> Result<Self, Failure> {
        let view = View::read(store).await?;
        let last = store.runs(Some(id), 1).await?.pop();
        let service = match (known(&view, id), last) {
            (Ok(service), last) => (service, last),
            (Err(_), Some(last)) => return Ok(Self::gone(id, last)),
            (Err(failure), None) => return Err(failure),
        };
        let (service, last) = service;
        let keys: Vec<UnitKey> = service.units.iter().map(|unit| unit.key.clone()).collect();
        let records = store.units(&keys).await?;
        let change = view.plan.as_ref().and_then(|plan| Some((plan, plan.change(id)?)));
        let own = |name: &str| records.iter().find_map(|record| text_of(record, name));
        let excerpt = change.map(|(plan, _)| only(plan.clone(), id));
        let units = service.units.iter().map(|unit| {
            let record = records.iter().find(|record| record.row.key == unit.key);
            UnitWire::of(unit, record)
        });
        Ok(Self {
            version: VERSION,
            service: id.to_owned(),
            team: own("team").or_else(|| change.map(|(_, change)| change.team.clone())),
            environment: own("environment")
                .or_else(|| change.and_then(|(_, change)| change.environment.clone())),
            state: service.standing.state,
            why: service.standing.why.clone(),
            drifted: service.is_drifted(),
            held: service.is_held(),
            commands: match service.is_held() {
                true => vec![format!("trueline service release {id}")],
                false => change.map(commands).unwrap_or_default(),
            },
            last_run: last.map(RunLine::of),
            units: units.collect(),
            plan: excerpt.as_ref().map(show::json),
            excerpt,
            drawn: None,
        })
    }

    /// Completes what a server told: what can be done about its plan, that plan, and that as text.
    pub(super) fn told(self, commands: Vec<String>, plan: Option<(Value, String)>) -> Self {
        let commands = match self.held {
            true => vec![format!("trueline service release {}", self.service)],
            false => commands,
        };
        let (plan, drawn) = plan.unzip();
        Self { version: VERSION, commands, plan, drawn, ..self }
    }

    fn gone(id: &str, last: RunSummary) -> Self {
        Self {
            version: VERSION,
            service: id.to_owned(),
            team: None,
            environment: None,
            state: UnitState::Deleted,
            why: None,
            drifted: false,
            held: false,
            commands: Vec::new(),
            last_run: Some(RunLine::of(last)),
            units: Vec::new(),
            plan: None,
            excerpt: None,
            drawn: None,
        }
    }
}

impl UnitWire {
    fn of(unit: &UnitView, record: Option<&UnitRecord>) -> Self {
        let Standing { state, why, run } = unit.standing.clone();
        let applied = record.and_then(|record| record.applied.as_ref());
        let observed = record.map(|record| &record.observed).into_iter().flatten();
        Self {
            unit: unit.key.clone(),
            state,
            why,
            run,
            drifted: unit.drifted,
            applied: applied.map(AppliedWire::of),
            fields: applied.map(fields_of).unwrap_or_default(),
            outputs: applied.map(outputs_of).unwrap_or_default(),
            health: record.and_then(|record| record.observed.get(HEALTH)).map(HealthWire::of),
            drift: observed
                .filter(|(step, _)| *step != HEALTH)
                .filter_map(|(step, seen)| DriftWire::of(step, seen))
                .collect(),
        }
    }
}

impl AppliedWire {
    fn of(applied: &Applied) -> Self {
        Self {
            item: applied.definition.item.clone(),
            version: applied.definition.version.clone(),
            mode: applied.definition.mode,
            state: applied.state.clone(),
            commit: applied.commit.clone(),
            run: applied.run.clone(),
            at: applied.at,
        }
    }
}

fn fields_of(applied: &Applied) -> Map<String, Value> {
    let secret = |name: &String| applied.definition.secret_fields.contains(name);
    hidden(&applied.fields, secret)
}

fn outputs_of(applied: &Applied) -> Map<String, Value> {
    let offered = &applied.definition.outputs;
    hidden(&applied.outputs, |name| offered.get(name).is_some_and(|output| output.sensitive))
}

/// Masks what is sealed, what names a secret, and what is told to be sensitive.
fn hidden(values: &Map<String, Value>, sensitive: impl Fn(&String) -> bool) -> Map<String, Value> {
    let mask = || Value::String(MASK.to_owned());
    let shown = values
        .iter()
        .map(|(name, one)| (name.clone(), if sensitive(name) { mask() } else { masked(one) }));
    shown.collect()
}

impl DriftWire {
    fn of(step: &str, seen: &Observed) -> Option<Self> {
        let (what, changes, why) = match &seen.observation {
            Observation::Same => return None,
            Observation::Absent => ("absent", Vec::new(), None),
            Observation::Different { changes } => {
                ("different", changes.iter().map(DifferenceWire::of).collect(), None)
            }
            Observation::Unknown { reason } => ("unknown", Vec::new(), Some(reason.clone())),
        };
        Some(Self { step: step.to_owned(), at: seen.at, what: Cow::Borrowed(what), changes, why })
    }

    fn text(&self, now: Timestamp) -> String {
        let step = visible(&self.step);
        let when = ago(now, self.at);
        match &*self.what {
            "absent" => format!("{step} is gone, seen {when}"),
            "different" if self.changes.is_empty() => {
                format!("{step} differs from what was last written, seen {when}")
            }
            "different" => format!("{step} differs, seen {when}"),
            _ => {
                let why = self.why.as_deref().unwrap_or_default();
                format!("{step} can't be seen since {when}: {}", cell(why))
            }
        }
    }
}

impl DifferenceWire {
    fn of(change: &FieldChange) -> Self {
        Self {
            name: change.name.clone(),
            written: change.before.as_ref().map(masked),
            found: change.after.as_ref().map(masked),
        }
    }

    fn text(&self) -> String {
        let side = |side: &Option<Value>| side.as_ref().map_or("nothing".to_owned(), value);
        let (written, found) = (side(&self.written), side(&self.found));
        format!("{}: written as {written}, found as {found}", visible(&self.name))
    }
}

/// Writes it for people.
pub(super) fn text(wire: &ServiceWire, (now, color): (Timestamp, bool)) -> String {
    let mut rows = vec![
        ["Service".to_owned(), wire.service.clone()],
        ["State".to_owned(), standing(wire.state, wire.drifted)],
    ];
    let said = [("Why", &wire.why), ("Team", &wire.team), ("Environment", &wire.environment)];
    for (name, text) in said {
        rows.extend(text.clone().map(|text| [name.to_owned(), text]));
    }
    rows.extend(wire.commands.iter().map(|command| ["To do".to_owned(), command.clone()]));
    let mut text = table([""; 2], rows);
    for unit in &wire.units {
        text += &unit_text(unit, now);
    }
    if let Some(last) = &wire.last_run {
        text += "\nLast run\n";
        text += &runs_table(std::slice::from_ref(last), now)
            .lines()
            .fold(String::new(), |lines, line| lines + "  " + line + "\n");
    }
    if let Some(plan) = &wire.excerpt {
        text += "\nPlan\n";
        let style = show::Style { color, width: 100 };
        text += &show::text(plan, style);
    }
    if let Some(plan) = &wire.drawn {
        text += "\nPlan\n";
        text += plan;
    }
    text
}

fn unit_text(unit: &UnitWire, now: Timestamp) -> String {
    let name = visible(&unit.unit.to_string());
    let mut text = format!("\nUnit {name}: {}\n", standing(unit.state, unit.drifted));
    if let Some(why) = &unit.why {
        text += &block("  ", why);
    }
    match &unit.applied {
        None => text += "  nothing is applied in full yet\n",
        Some(applied) => {
            let line = format!(
                "{} {} at {}, {} by run {} ({})",
                applied.item,
                applied.version,
                short_commit(&applied.commit),
                ago(now, applied.at),
                applied.run,
                applied.state
            );
            text += &block("  ", &line);
        }
    }
    for (title, values) in [("fields", &unit.fields), ("outputs", &unit.outputs)] {
        if !values.is_empty() {
            // Writing to a String can't fail.
            let _ = writeln!(text, "  {title}");
        }
        for (name, one) in values {
            let _ = writeln!(text, "    {}: {}", visible(name), value(one));
        }
    }
    if let Some(health) = &unit.health {
        let _ = writeln!(text, "  {}", health.text(now));
    }
    for drift in &unit.drift {
        let _ = writeln!(text, "  drift: {}", drift.text(now));
        for change in &drift.changes {
            let _ = writeln!(text, "    {}", change.text());
        }
    }
    text
}
