//! The result, read back from the store, the sandbox and the target repository.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use url::Url;

use super::{Story, ensure};
use crate::cli::output::Failure;
use crate::reconcile::{StepRecord, UnitRecord};

impl Story<'_> {
    /// Shows the result, and compares the three places with one another.
    pub(super) async fn result(&mut self) -> Result<(), Failure> {
        self.page.section(
            "The result, read back",
            "What the store recorded, what the API holds, and what stands in the target repository.",
        );
        let units = self.witness.units().await?;
        self.trueline("service list").await?;
        self.show_outputs(&units);
        self.page.typed(&format!("curl {}/sandbox/resources", self.witness.world.sandbox));
        let resources = self.resources().await?;
        self.show_resources(&resources);
        self.show_target()?;
        self.compare(&units, &resources)
    }

    fn show_outputs(&self, units: &[UnitRecord]) {
        self.page.line("");
        self.page.line("What the units offer, as the store keeps it:");
        let row = |unit: &UnitRecord| {
            let applied = unit.applied.as_ref();
            let outputs = applied.map(|applied| &applied.outputs).into_iter().flatten();
            let outputs: Vec<String> = outputs.map(|(name, value)| shown(name, value)).collect();
            let item = applied.map(|applied| applied.definition.item.clone());
            vec![unit.row.key.to_string(), item.unwrap_or_default(), outputs.join("  ")]
        };
        self.page.table(&units.iter().map(row).collect::<Vec<_>>());
    }

    /// Asks the sandbox for all that it holds: `/v1/<collection>/<id>` → body.
    pub(super) async fn resources(&self) -> Result<BTreeMap<String, Value>, Failure> {
        let (_, list) = self.witness.get("/sandbox/resources").await?;
        let resource = |entry: &Value| {
            let part = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
            let path = format!("/v1/{}/{}", part("collection"), part("id"));
            (path, entry.get("body").cloned().unwrap_or_default())
        };
        Ok(list.as_array().into_iter().flatten().map(resource).collect())
    }

    fn show_resources(&self, resources: &BTreeMap<String, Value>) {
        let row = |(path, body): (&String, &Value)| {
            let parts = ["host", "port", "id", "cidr", "url", "endpoint", "databaseUrl", "network"];
            let parts = parts.iter().filter_map(|name| Some((name, body.get(name)?)));
            let parts: Vec<String> = parts
                .filter(|(_, value)| *value != "" && *value != "shared")
                .map(|(name, value)| format!("{name}={}", plain(value)))
                .collect();
            vec![path.clone(), parts.join("  ")]
        };
        self.page.table(&resources.iter().map(row).collect::<Vec<_>>());
    }

    fn show_target(&self) -> Result<(), Failure> {
        let target = &self.witness.world.target;
        self.page.typed(&format!("git -C {} log --oneline --graph", target.path().display()));
        for commit in target.log(20)? {
            let sign = if commit.parents > 1 { 'M' } else { '*' };
            self.page.line(format!(
                "  {sign} {} {} ({})",
                commit.id.get(..9).unwrap_or_default(),
                commit.subject,
                commit.author
            ));
        }
        for path in target.files()?.into_iter().filter(|path| path != "README.md") {
            self.page.typed(&format!("git -C {} show main:{path}", target.path().display()));
            self.page.block(&target.read(&path)?.unwrap_or_default());
        }
        Ok(())
    }

    /// Compares what was recorded with what is there, both ways.
    fn compare(
        &self,
        units: &[UnitRecord],
        resources: &BTreeMap<String, Value>,
    ) -> Result<(), Failure> {
        let mut wanted: BTreeSet<String> = BTreeSet::new();
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        for unit in units {
            ensure(unit.applied.is_some(), "every unit to be applied", &unit.row.key)?;
            wanted.extend(unit.steps.values().filter_map(resource_of));
            files.extend(unit.steps.values().flat_map(files_of));
        }
        let there: BTreeSet<String> = resources.keys().cloned().collect();
        ensure(
            wanted == there,
            "the sandbox to hold what was recorded",
            format!("{there:?} instead of {wanted:?}"),
        )?;
        let mut written: BTreeSet<String> =
            self.witness.world.target.files()?.into_iter().collect();
        written.remove("README.md");
        ensure(
            written.iter().eq(files.keys()),
            "the target to hold what was recorded",
            format!("{written:?}"),
        )?;
        for (path, content) in &files {
            let read = self.witness.world.target.read(path)?.unwrap_or_default();
            ensure(
                read.trim_end() == content.trim_end(),
                &format!("{path} as it was recorded"),
                read,
            )?;
        }
        self.page.holds(&format!(
            "{} units are recorded; {} resources and {} files are what they should be, and nothing else is there",
            units.len(), there.len(), files.len()
        ));
        Ok(())
    }
}

/// Returns where a step made a resource: the path of its URL.
fn resource_of(step: &StepRecord) -> Option<String> {
    let url = step.sent.pointer("/endpoint/url")?.as_str()?;
    Some(Url::parse(url).ok()?.path().to_owned())
}

/// Returns the files that a step wrote.
fn files_of(step: &StepRecord) -> Vec<(String, String)> {
    let files = step.sent.get("files").and_then(Value::as_array).into_iter().flatten();
    let text = |file: &Value, name: &str| Some(file.get(name)?.as_str()?.to_owned());
    files.filter_map(|file| Some((text(file, "path")?, text(file, "contentTemplate")?))).collect()
}

fn shown(name: &str, value: &Value) -> String {
    if crate::secret::sealed_hash(value).is_some() {
        return format!("{name}=(sensitive)");
    }
    format!("{name}={}", plain(value))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
