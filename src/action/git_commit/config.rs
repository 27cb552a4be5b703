//! The rendered `config` of a `git-commit` action, read into the work that it means. It reaches nothing outside.

use std::collections::{BTreeMap, BTreeSet};

use git2::{ObjectType, Oid};
use serde::Deserialize;
use serde_json::Value;

use super::reach::Reach;
use super::target::Place;
use crate::action::Call;
use crate::action::scrub::Scrub;
use crate::digest::Digest;
use crate::forge::Asked;
use crate::run::Fault;
use crate::source::{MAX_DEPTH, escaped, refusal};
use crate::template::{has_sensitive, has_unknown};

/// The most files of one step.
const MAX_FILES: usize = 200;

/// The most bytes of one file.
pub(super) const MAX_FILE_BYTES: usize = 1 << 20;

/// The most bytes of all paths together, so that the result stays below what an action may keep.
const MAX_PATH_BYTES: usize = 24 << 10;

const MAX_MESSAGE_BYTES: usize = 16 << 10;

/// What the marker of a step that undoes adds to that of the step itself.
const UNDO: &str = ".undo";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    repository: String,
    #[serde(default = "main")]
    branch: String,
    files: Vec<FileConfig>,
    commit_message: Option<String>,
    #[serde(default)]
    create_pull_request: bool,
    #[serde(default)]
    pull_request: PullRequest,
    #[serde(default)]
    wait_for: WaitFor,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileConfig {
    path: String,
    content_template: Option<String>,
    #[serde(default)]
    operation: Operation,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Operation {
    #[default]
    Write,
    Delete,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PullRequest {
    title: Option<String>,
    body: String,
    reviewers: Vec<String>,
    labels: Vec<String>,
    draft: bool,
    auto_merge: bool,
}

/// What of a proposal ends the step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum WaitFor {
    #[default]
    Merged,
    Opened,
}

/// A file with what is to stand in it.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) content: String,
    pub(super) blob: Oid,
    pub(super) sha256: Digest,
}

/// A file that was written before, and the blob that it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) path: String,
    pub(super) blob: Oid,
}

/// What is to become of the files of a repository.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// Files that are to be there.
    pub(super) files: Vec<File>,
    /// Paths that are to be absent, whatever stands there.
    pub(super) deletes: Vec<String>,
    /// Files of ours that are no longer wanted; they go only where they are as we left them.
    pub(super) old: Vec<Written>,
    /// Whether one that is not as we left it stops everything, instead of being left.
    pub(super) strict: bool,
}

/// How a proposal is to be opened.
#[derive(Clone, Debug)]
pub(super) struct Proposing {
    pub(super) title: String,
    /// Without the key.
    pub(super) body: String,
    pub(super) auto_merge: bool,
    pub(super) wait_for: WaitFor,
    pub(super) asked: Asked,
}

/// What a call asks for.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub(super) place: Place,
    pub(super) wanted: Wanted,
    /// Where files of ours stand that were written when `config` named another place.
    pub(super) elsewhere: Option<(Place, Vec<Written>)>,
    /// The whole message of a commit.
    pub(super) message: String,
    pub(super) service: String,
    pub(super) key: String,
    /// The marker of the step, also where it is undone.
    pub(super) marker: String,
    pub(super) undo: bool,
    /// The commit of an earlier run that wrote exactly this.
    pub(super) before: Option<String>,
    /// Name of an output → JSON pointer into the result.
    pub(super) outputs: BTreeMap<String, String>,
    pub(super) proposal: Option<Proposing>,
}

impl Work {
    /// Reads what `config` wants to be there.
    pub(super) fn perform(reach: &Reach, call: &Call, scrub: &Scrub) -> Result<Self, Fault> {
        let config = read(call)?;
        let place = Place::read(&config.repository, &config.branch, reach)?;
        let (files, deletes) = files_of(&config.files)?;
        let names = [&config.repository, &config.branch].into_iter();
        for name in names.chain(files.iter().map(|file| &file.path)).chain(&deletes) {
            if scrub.text(name) != *name {
                return Err(Fault::terminal(
                    "`config` holds a secret in the repository, the branch or a path, where everybody would see it",
                ));
            }
        }
        let (mut old, mut elsewhere) = (previous(call), None);
        match place_before(reach, call) {
            Some(before) if before != place => elsewhere = Some((before, std::mem::take(&mut old))),
            _ => {}
        }
        let before = commit_before(call, &files).filter(|_| elsewhere.is_none());
        let kept: BTreeSet<&String> = files.iter().map(|file| &file.path).chain(&deletes).collect();
        old.retain(|file| !kept.contains(&file.path));
        let message = text_of(&config, call, scrub);
        Ok(Self {
            proposal: config
                .create_pull_request
                .then(|| proposing(&config, (&message, place.hub.is_some()), scrub)),
            place,
            wanted: Wanted { files, deletes, old, strict: false },
            elsewhere,
            message: with_trailers(&message, call),
            service: call.service.clone(),
            key: call.key.clone(),
            marker: call.marker.clone(),
            undo: false,
            before,
            outputs: call.outputs.clone(),
        })
    }

    /// Reads what is to be taken away: the files that were written, or, where the answer was lost, those of `config`.
    pub(super) fn undo(reach: &Reach, call: &Call, scrub: &Scrub) -> Result<Self, Fault> {
        let mut work = Self::perform(reach, call, scrub)?;
        let as_written = |file: &File| Written { path: file.path.clone(), blob: file.blob };
        let old = match &call.previous {
            Some(_) => previous(call),
            None => work.wanted.files.iter().map(as_written).collect(),
        };
        if let Some(place) = place_before(reach, call) {
            work.place = place;
        }
        work.wanted = Wanted { files: Vec::new(), deletes: Vec::new(), old, strict: true };
        work.elsewhere = None;
        work.undo = true;
        work.before = None;
        work.outputs.clear();
        let title = format!("Remove the files of {}", call.title);
        let title = scrub.text(&title);
        if let Some(proposal) = &mut work.proposal {
            proposal.title.clone_from(&title);
        }
        work.message = with_trailers(&title, call);
        marker_of_step(&call.marker).clone_into(&mut work.marker);
        Ok(work)
    }
}

/// Returns the marker of a step, also where it is undone.
pub(super) fn marker_of_step(marker: &str) -> &str {
    marker.strip_suffix(UNDO).unwrap_or(marker)
}

/// Tells whether a key belongs to the step of a marker, in whichever run.
pub(super) fn is_key_of_step(marker: &str, key: &str) -> bool {
    let rest = key.strip_prefix(marker);
    rest.is_some_and(|rest| rest.strip_prefix(UNDO).unwrap_or(rest).starts_with('-'))
}

fn main() -> String {
    "main".to_owned()
}

fn read(call: &Call) -> Result<Config, Fault> {
    let text = call.config.to_string();
    if has_unknown(&text) || has_sensitive(&text) {
        return Err(Fault::terminal("`config` holds a value that is not known yet"));
    }
    Config::deserialize(&call.config)
        .map_err(|error| Fault::terminal(format!("`config` cannot be read: {error}")))
}

/// Checks the files, and tells those to be written from those to be deleted.
fn files_of(configs: &[FileConfig]) -> Result<(Vec<File>, Vec<String>), Fault> {
    let refuse = |path: &str, why: &str| {
        Err(Fault::terminal(format!("path `{}` is refused: {why}", escaped(path.as_bytes()))))
    };
    if configs.len() > MAX_FILES {
        return Err(Fault::terminal(format!("`config/files` lists more than {MAX_FILES} files")));
    }
    if configs.iter().map(|file| file.path.len()).sum::<usize>() > MAX_PATH_BYTES {
        return Err(Fault::terminal(format!(
            "the paths in `config/files` have more than {MAX_PATH_BYTES} bytes together"
        )));
    }
    let (mut files, mut deletes, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for FileConfig { path, content_template, operation } in configs {
        let refused = path.split('/').find_map(|part| refusal(part.as_bytes()));
        if let Some(why) = refused {
            return refuse(path, &format!("a part of it {why}"));
        }
        if path.split('/').count() > MAX_DEPTH {
            return refuse(path, "it is nested too deep");
        }
        if !seen.insert(path) {
            return refuse(path, "it is listed twice");
        }
        match (operation, content_template) {
            (Operation::Delete, _) => deletes.push(path.clone()),
            (Operation::Write, None) => return refuse(path, "it has no `contentTemplate`"),
            (Operation::Write, Some(content)) if content.len() > MAX_FILE_BYTES => {
                return refuse(path, "its content has more than 1 MiB");
            }
            (Operation::Write, Some(content)) => files.push(file(path, content)?),
        }
    }
    Ok((files, deletes))
}

fn file(path: &str, content: &str) -> Result<File, Fault> {
    let blob = Oid::hash_object(ObjectType::Blob, content.as_bytes())
        .map_err(|error| Fault::terminal(format!("a file cannot be hashed: {error}")))?;
    let sha256 = Digest::of_bytes(content.as_bytes());
    Ok(File { path: path.to_owned(), content: content.to_owned(), blob, sha256 })
}

/// Returns the files that an earlier run wrote, and those that its unmerged proposal was to remove.
fn previous(call: &Call) -> Vec<Written> {
    let Some(previous) = &call.previous else { return Vec::new() };
    let mut files = listed(&previous.result, "removes");
    files.extend(listed(&previous.result, "files"));
    written(files)
}

/// Returns the files that stand in a result.
pub(super) fn previous_files(result: &Value) -> Vec<Written> {
    written(listed(result, "files"))
}

fn listed(result: &Value, name: &str) -> BTreeMap<String, Oid> {
    let files = result.get(name).and_then(Value::as_array).into_iter().flatten();
    files
        .filter_map(|file| {
            let text = |name: &str| file.get(name).and_then(Value::as_str);
            Some((text("path")?.to_owned(), Oid::from_str(text("blob")?).ok()?))
        })
        .collect()
}

fn written(files: BTreeMap<String, Oid>) -> Vec<Written> {
    files.into_iter().map(|(path, blob)| Written { path, blob }).collect()
}

fn place_before(reach: &Reach, call: &Call) -> Option<Place> {
    let result = &call.previous.as_ref()?.result;
    let text = |name: &str| result.get(name).and_then(Value::as_str);
    Place::read(text("repository")?, text("branch")?, reach).ok()
}

/// Returns the commit of an earlier run that wrote exactly these files.
fn commit_before(call: &Call, files: &[File]) -> Option<String> {
    let now: BTreeSet<(&String, Oid)> = files.iter().map(|file| (&file.path, file.blob)).collect();
    let before = previous(call);
    let before: BTreeSet<(&String, Oid)> =
        before.iter().map(|file| (&file.path, file.blob)).collect();
    let commit = call.previous.as_ref()?.result.get("commit")?.as_str()?;
    (now == before).then(|| commit.to_owned())
}

/// Returns what the commit says, without trailers, secrets and control characters.
fn text_of(config: &Config, call: &Call, scrub: &Scrub) -> String {
    let text = config.commit_message.as_deref().unwrap_or_default().trim();
    let text = scrub.text(if text.is_empty() { &call.title } else { text });
    let mut text: String =
        text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    text.truncate(text.floor_char_boundary(MAX_MESSAGE_BYTES));
    text
}

fn with_trailers(text: &str, call: &Call) -> String {
    let Call { service, correlation, key, .. } = call;
    format!(
        "{text}\n\nTrueline-Service: {service}\nTrueline-Run: {correlation}\nTrueline-Key: {key}\n"
    )
}

/// Reads how a proposal is to be opened; where the forge can't do all that is asked, its body says it.
fn proposing(config: &Config, (message, on_github): (&str, bool), scrub: &Scrub) -> Proposing {
    let request = &config.pull_request;
    let first = message.lines().next().unwrap_or_default();
    let title = scrub.text(request.title.as_deref().unwrap_or(first));
    // A proposal is known again by comments like these: what is entered in a form must not pass for one.
    let mut body = scrub.text(request.body.trim()).replace("<!-- Trueline-", "&lt;!-- Trueline-");
    let clean = |list: &[String]| list.iter().map(|text| scrub.text(text)).collect();
    let mut asked = Asked {
        reviewers: clean(&request.reviewers),
        labels: clean(&request.labels),
        draft: request.draft,
    };
    if !on_github {
        let lists = [("Reviewers", &asked.reviewers), ("Labels", &asked.labels)];
        for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            body = format!("{body}\n\n{name}: {}", list.join(", "));
        }
        if request.draft {
            body += "\n\nThis is a draft.";
        }
        asked = Asked::default();
    }
    let auto_merge = request.auto_merge && !request.draft;
    let wait_for = config.wait_for;
    Proposing { title, body: body.trim().to_owned(), auto_merge, wait_for, asked }
}
