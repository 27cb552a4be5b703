//! The rendered `config` of a `terraform` action, read into the files that it means. It writes none.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::action::Call;
use crate::digest::Digest;
use crate::run::Fault;
use crate::source::refusal;
use crate::template::{has_sensitive, has_unknown};

/// Says where the state is kept; what the configuration says of that itself does not count.
const BACKEND: &str = "trueline_backend_override.tf.json";
/// Values of variables.
const VARIABLES: &str = "trueline.auto.tfvars.json";
/// The call of a module.
const MODULE: &str = "trueline_module.tf.json";
/// What is offered of a module.
const OUTPUTS: &str = "trueline_outputs.tf.json";
/// The name under which a module is called.
const CALLED: &str = "this";
/// Tells of an output of a module whether it is sensitive.
pub(super) const SENSITIVE: &str = "trueline_sensitive_";
const MAX_FILES: usize = 200;

/// The rendered `config`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    content_template: Option<String>,
    #[serde(default)]
    files: BTreeMap<String, String>,
    #[serde(default = "main")]
    filename: String,
    #[serde(default)]
    variables: Map<String, Value>,
    module: Option<Module>,
    pub(super) workspace: Option<String>,
    backend: Option<Map<String, Value>>,
    pub(super) repository_mapping: Option<Mapping>,
}

#[derive(Clone, Debug, Deserialize)]
struct Module {
    source: String,
    version: Option<String>,
}

/// Where the configuration is filed instead of run.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Mapping {
    pub(super) repository: String,
    #[serde(default = "branch")]
    pub(super) branch: String,
    pub(super) path: String,
}

fn main() -> String {
    "main.tf".to_owned()
}

fn branch() -> String {
    "main".to_owned()
}

impl Config {
    /// Reads what a call asks for.
    pub(super) fn read(call: &Call) -> Result<Self, Fault> {
        let text = call.config.to_string();
        if has_unknown(&text) || has_sensitive(&text) {
            return Err(Fault::terminal("`config` holds a value that is not known yet"));
        }
        let config = Self::deserialize(&call.config)
            .map_err(|error| Fault::terminal(format!("`config` cannot be read: {error}")))?;
        let ws = config.workspace.as_deref().unwrap_or("default");
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !ws.chars().all(plain) || ws.starts_with(['.', '-']) || ws.is_empty() {
            return Err(Fault::terminal(format!(
                "`{}` is no name of a workspace: letters, digits, `-`, `_` and `.`",
                ws.escape_debug()
            )));
        }
        Ok(config)
    }

    /// Tells whether the state is kept in the work folder.
    pub(super) fn is_local(&self) -> bool {
        self.backend.is_none()
    }

    /// Returns what is written by people, and what a module takes: all that is filed where it is not run.
    pub(super) fn written(&self) -> Result<BTreeMap<String, String>, Fault> {
        let mut files = BTreeMap::new();
        let given = self.content_template.iter().map(|text| (&self.filename, text));
        for (name, text) in given.chain(&self.files) {
            check_name(name)?;
            check_content(name, text)?;
            if files.insert(name.clone(), text.clone()).is_some() {
                return Err(Fault::terminal(format!("file `{name}` is given twice")));
            }
        }
        if files.len() > MAX_FILES {
            return Err(Fault::terminal(format!("there are more than {MAX_FILES} files")));
        }
        match &self.module {
            Some(module) => {
                let mut block = self.variables.clone();
                block.insert("source".to_owned(), json!(module.source));
                if let Some(version) = &module.version {
                    block.insert("version".to_owned(), json!(version));
                }
                files.insert(
                    MODULE.to_owned(),
                    pretty(&json!({"module": {CALLED: literal(&block)}})),
                );
            }
            None if !self.variables.is_empty() => {
                files.insert(VARIABLES.to_owned(), pretty(&json!(self.variables)));
            }
            None => {}
        }
        if let Some(backend) = &self.backend {
            files.insert(BACKEND.to_owned(), backend_block(backend)?);
        }
        Ok(files)
    }

    /// Returns all files that are run.
    pub(super) fn files(
        &self,
        outputs: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, Fault> {
        let mut files = self.written()?;
        if self.backend.is_none() {
            files.insert(
                BACKEND.to_owned(),
                pretty(&json!({"terraform": {"backend": {"local": {}}}})),
            );
        }
        if self.module.is_some() && !outputs.is_empty() {
            files.insert(OUTPUTS.to_owned(), offered(outputs));
        }
        Ok(files)
    }
}

/// Returns the digest of what must be initialised anew when it changes: all but values.
pub(super) fn initialised_by(files: &BTreeMap<String, String>, program: &str) -> String {
    let lasting: BTreeMap<&String, &String> =
        files.iter().filter(|(name, _)| !matches!(name.as_str(), VARIABLES | OUTPUTS)).collect();
    Digest::of_json(&json!({"files": lasting, "program": program})).to_string()
}

/// Tells whether a file stays as it is where a call does not name it: a look at a module is not told its outputs.
pub(super) fn stays(name: &str) -> bool {
    name == OUTPUTS
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// Escapes what Terraform would read as a template in a text of JSON.
fn literal(map: &Map<String, Value>) -> Value {
    fn escaped(value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(text.replace("${", "$${").replace("%{", "%%{")),
            Value::Array(items) => items.iter().map(escaped).collect(),
            Value::Object(map) => literal(map),
            other => other.clone(),
        }
    }
    Value::Object(map.iter().map(|(name, value)| (name.clone(), escaped(value))).collect())
}

fn backend_block(backend: &Map<String, Value>) -> Result<String, Fault> {
    let mut settings = backend.clone();
    let Some(Value::String(kind)) = settings.remove("type") else {
        return Err(Fault::terminal(
            "`config/backend` has no `type`, which names the backend: `s3`, `gcs`, `http`",
        ));
    };
    Ok(pretty(&json!({"terraform": {"backend": {kind: literal(&settings)}}})))
}

/// Offers those outputs of a module that the action takes, each with whether it is sensitive.
fn offered(outputs: &BTreeMap<String, String>) -> String {
    let names: BTreeSet<&str> =
        outputs.values().filter_map(|pointer| pointer.split('/').nth(1)).collect();
    let mut blocks = Map::new();
    for name in names {
        let value = format!("module.{CALLED}.{name}");
        blocks
            .insert(name.to_owned(), json!({"value": format!("${{{value}}}"), "sensitive": true}));
        let asked = format!("${{issensitive(jsonencode({value}))}}");
        blocks.insert(format!("{SENSITIVE}{name}"), json!({"value": asked}));
    }
    pretty(&json!({"output": blocks}))
}

/// Refuses names that lead out, or that belong to Terraform or to us.
fn check_name(name: &str) -> Result<(), Fault> {
    let refused = name.split('/').find_map(|part| refusal(part.as_bytes()));
    let last = name.rsplit('/').next().unwrap_or_default();
    let ours = last.starts_with("trueline")
        || last.contains("tfstate")
        || name
            .split('/')
            .any(|part| part.starts_with(".terraform") && part != ".terraform.lock.hcl");
    match refused {
        Some(why) => Err(Fault::terminal(format!(
            "file `{}` is refused: a part of it {why}",
            name.escape_debug()
        ))),
        None if ours => Err(Fault::terminal(format!(
            "file `{name}` is refused: the name belongs to Terraform or to Trueline"
        ))),
        None => Ok(()),
    }
}

/// Where the state is kept is said in `backend`, where it is seen.
fn check_content(name: &str, text: &str) -> Result<(), Fault> {
    let says = |line: &str| {
        let mut words = line.split([' ', '\t', '"', '{', ':']).filter(|word| !word.is_empty());
        let first = words.next();
        matches!(first, Some("backend" | "cloud")) && line.contains('{')
    };
    let is_configuration = name.rsplit_once('.').is_some_and(|(_, ending)| ending == "tf")
        || name.ends_with(".tf.json");
    if is_configuration && text.lines().any(|line| says(line.trim())) {
        return Err(Fault::terminal(format!(
            "`{name}` says where its state is kept; say it in `config/backend`: {{type: s3, bucket: …}}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::testing::call;

    fn check(config: Value, expected: &str) {
        let read = Config::read(&call(config)).and_then(|config| config.files(&BTreeMap::new()));
        match read {
            Ok(files) => {
                let names: Vec<&str> = files.keys().map(String::as_str).collect();
                assert_eq!(names.join(" "), expected);
            }
            Err(fault) => assert!(fault.message.contains(expected), "{fault}"),
        }
    }

    #[test]
    fn files_are_what_the_config_says_and_nothing_else() {
        let text = "resource \"terraform_data\" \"a\" {}";
        check(json!({"contentTemplate": text}), "main.tf trueline_backend_override.tf.json");
        check(
            json!({"contentTemplate": text, "files": {"a/b.tf": ""}, "variables": {"x": 1}}),
            "a/b.tf main.tf trueline.auto.tfvars.json trueline_backend_override.tf.json",
        );
        check(json!({"files": {"../x.tf": ""}}), "leads to another directory");
        check(json!({"files": {"/etc/x.tf": ""}}), "leads to another directory");
        check(json!({"files": {"terraform.tfstate": "{}"}}), "belongs to Terraform");
        check(json!({"files": {".terraform/modules/modules.json": "{}"}}), "belongs to Terraform");
        check(json!({"contentTemplate": "", "files": {"main.tf": ""}}), "given twice");
        check(json!({"files": {"a.tf": "terraform {\n  backend \"s3\" {\n}}"}}), "config/backend");
        check(json!({"files": {"a.tf": "terraform {\n  cloud {}\n}"}}), "config/backend");
        check(
            json!({"files": {"a.tf": "x = cloudy { }"}}),
            "a.tf trueline_backend_override.tf.json",
        );
        check(json!({"files": {}, "backend": {"bucket": "b"}}), "has no `type`");
        check(json!({"files": {}, "workspace": "../x"}), "is no name of a workspace");
    }

    #[test]
    fn a_module_is_called_with_values_and_offers_what_is_asked() {
        let config = json!({"module": {"source": "./m", "version": "1"}, "variables": {"n": "${file(\"/etc/passwd\")}"}});
        let config = Config::read(&call(config)).unwrap();
        let files = config.files(&[("a".to_owned(), "/id".to_owned())].into()).unwrap();
        let read = |name: &str| serde_json::from_str::<Value>(&files[name]).unwrap();
        let expected = json!({"n": "$${file(\"/etc/passwd\")}", "source": "./m", "version": "1"});
        assert_eq!(read(MODULE)["module"]["this"], expected);
        assert_eq!(read(OUTPUTS)["output"]["id"]["value"], "${module.this.id}");
        assert_eq!(files.len(), 3);
    }
}
