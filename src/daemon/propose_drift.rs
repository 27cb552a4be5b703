//! Drift that is to be proposed: what is observed is written back into the fields of the service, as a proposal that a
//! person merges or closes. One is open for a service at a time; one that was closed is declined for these values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::daemon::Daemon;
use super::error::TickError;
use super::outgoing::Kind;
use crate::catalog::{Catalog, DriftMode};
use crate::digest::Digest;
use crate::engine::filing::Filing;
use crate::forge::Proposal;
use crate::id::UnitKey;
use crate::reconcile::show::code;
use crate::reconcile::{Desired, Drift, Plan, UnitRecord, drift_mode, write_back};
use crate::source::{FileChange, Source};
use crate::yaml;

/// What every marker of these proposals begins with.
const MARK: &str = "trueline-drift/";

/// What is proposed for one service.
struct WrittenBack {
    path: Arc<str>,
    fields: BTreeMap<String, Value>,
    marker: String,
    digest: Digest,
}

impl WrittenBack {
    fn branch(&self, service: &str) -> String {
        format!("trueline/drift-{service}-{}", self.digest.short())
    }
}

impl Daemon {
    /// Files, rebuilds and takes back proposals, where what is observed or what they change is different since the last time.
    pub(super) async fn propose_drift(&mut self, plan: &Plan) -> Result<(), TickError> {
        let Some((_, _, desired)) = self.desired.clone() else { return Ok(()) };
        let found = self.written_back(plan, &desired).await?;
        let markers = found.iter().map(|(id, back)| (id.clone(), back.marker.clone())).collect();
        if !self.is_to_renew(MARK, &markers).await? {
            return Ok(());
        }
        let filing = |(id, back)| Some((String::clone(id), self.filing(id, back)?));
        let wanted = found.iter().filter_map(filing).collect();
        let stale = |daemon: &Self, open: &Proposal| daemon.why_not_open(open, &found, &desired);
        let kind = Kind { mark: MARK, wanted, service: service_of, stale: &stale };
        self.renew(kind, &markers).await
    }

    /// Returns the markers of what is to be proposed.
    pub(super) async fn drift_markers(&self, plan: &Plan) -> Result<BTreeSet<String>, TickError> {
        if plan.drifted.is_empty() {
            return Ok(BTreeSet::new());
        }
        let Some((_, _, desired)) = self.desired.clone() else { return Ok(BTreeSet::new()) };
        let found = self.written_back(plan, &desired).await?;
        Ok(found.into_values().map(|back| back.marker).collect())
    }

    /// Returns what can be written back, by service.
    async fn written_back(
        &self,
        plan: &Plan,
        desired: &Desired,
    ) -> Result<BTreeMap<String, WrittenBack>, TickError> {
        let proposes = |drift: &&Drift| {
            let unit = desired.units.get(&drift.unit);
            unit.is_some_and(|unit| drift_mode(unit, &self.catalog.settings) == DriftMode::Propose)
        };
        let held = &self.driver.memory.state.held;
        let is_free = |drift: &&Drift| !held.contains_key(&drift.unit.service);
        let drifts: Vec<&Drift> = plan.drifted.iter().filter(proposes).filter(is_free).collect();
        let keys: Vec<UnitKey> = drifts.iter().map(|drift| drift.unit.clone()).collect();
        if keys.is_empty() {
            return Ok(BTreeMap::new());
        }
        let records = self.driver.engine.store.units(&keys).await?.into_iter();
        let records = records.map(|record| (record.row.key.clone(), record)).collect();
        let mut found: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
        for drift in drifts {
            match fields_of(drift, &records, (&self.catalog, desired)) {
                Ok(fields) => found.entry(drift.unit.service.clone()).or_default().extend(fields),
                Err(why) => {
                    tracing::debug!(unit = %drift.unit, step = drift.step, why, "can't be written back");
                }
            }
        }
        let back = |(service, fields): (String, BTreeMap<String, Value>)| {
            let path = desired.units_of(&service).next()?.path.clone();
            let digest = Digest::of_json(&json!(fields));
            let marker = format!("{MARK}{service}/{}", digest.short());
            Some((service, WrittenBack { path, fields, marker, digest }))
        };
        Ok(found.into_iter().filter(|(_, fields)| !fields.is_empty()).filter_map(back).collect())
    }

    /// Says why an open proposal is taken back; nothing where it is not ours, or still says what is observed.
    fn why_not_open(
        &self,
        open: &Proposal,
        found: &BTreeMap<String, WrittenBack>,
        desired: &Desired,
    ) -> Option<&'static str> {
        let service = service_of(&open.marker)?;
        if let Some(back) = found.get(service) {
            let other = back.marker != open.marker;
            return other.then_some("What is observed is something else by now.");
        }
        let mut units = desired.units_of(service).peekable();
        if units.peek().is_none() {
            return Some("The service is gone.");
        }
        let rows = &self.driver.memory.rows;
        let drifted = units.any(|unit| rows.get(&unit.key).is_some_and(|row| row.drifted));
        // While a run is under way nobody compares, and nothing is known to have changed.
        let mut runs = self.driver.memory.runs.values();
        let is_idle = !runs.any(|run| run.change.service == service);
        (!drifted && is_idle).then_some("What is there is as it was written again.")
    }

    fn filing(&self, service: &str, back: &WrittenBack) -> Option<Filing> {
        let entry = self.catalog.services.get(service)?;
        let mirror = self.source.as_ref().and_then(Source::mirror)?;
        let whole = self.in_tree(&back.path);
        let source = file_at_head(mirror, &whole)?;
        let content = yaml::put(&back.path, &source, ("fields", &back.fields));
        let Some(content) = content else {
            tracing::info!(service, "what is observed can't be written into its file in place");
            return None;
        };
        let given = entry.body.fields.to_map();
        let lines = back.fields.iter().map(|(field, value)| match given.get(field) {
            Some(before) => format!("- {}: {} → {}", code(field), told(before), told(value)),
            None => format!("- {}: {}, where it had its default", code(field), told(value)),
        });
        let lines: Vec<String> = lines.collect();
        Some(Filing {
            marker: back.marker.clone(),
            branch: back.branch(service),
            title: format!("Take what is observed of {service} for what is wanted"),
            body: format!(
                "What is there differs from what was written. This makes it what is wanted:\n\n{}\n\n\
                 Merge to keep what is there. Close to decline; it is proposed again only when something else is observed.",
                lines.join("\n")
            ),
            author: Filing::ourselves(),
            files: vec![FileChange { path: whole, content: Some(content) }],
            written: None,
        })
    }
}

/// Writes a value that came from outside so that none of it is Markdown.
fn told(value: &Value) -> String {
    value.as_str().map_or_else(|| code(&value.to_string()), code)
}

/// Returns the service whose drift a marker is about.
fn service_of(marker: &str) -> Option<&str> {
    Some(marker.strip_prefix(MARK)?.rsplit_once('/')?.0)
}

fn fields_of(
    drift: &Drift,
    records: &BTreeMap<UnitKey, UnitRecord>,
    (catalog, desired): (&Catalog, &Desired),
) -> Result<BTreeMap<String, Value>, String> {
    if drift.absent {
        return Err("it is gone".to_owned());
    }
    let unit = desired.units.get(&drift.unit).ok_or("it is not wanted")?;
    let record = records.get(&drift.unit).ok_or("it is not recorded")?;
    write_back(unit, record, (catalog, &desired.known), (&drift.step, &drift.changes))
}

/// Reads a file as it stands at the head of the branch: below the folder that the catalog is in.
fn file_at_head(mirror: &crate::source::Mirror, path: &str) -> Option<Vec<u8>> {
    let head = mirror.head().ok()??;
    let commit = mirror.repository().find_commit(git2::Oid::from_str(&head).ok()?).ok()?;
    let entry = commit.tree().ok()?.get_path(std::path::Path::new(path)).ok()?;
    let blob = mirror.repository().find_blob(entry.id()).ok()?;
    Some(blob.content().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_observed_is_no_markdown() {
        assert_eq!(told(&json!("large")), "`large`");
        assert_eq!(told(&json!(20)), "`20`");
        for hostile in ["x` @acme/all closes #1 `", "a\n\n# b", "<!-- -->", "[a](http://b)"] {
            let told = told(&json!(hostile));
            assert!(!told.contains("@acme") && !told.contains("#1"), "{told}");
            assert!(
                !told.contains('\n') && !told.contains('<') && !told.contains("[a]("),
                "{told}"
            );
        }
    }
}
