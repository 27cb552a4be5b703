//! Makes the file of a request: a new one as `trueline new` writes it, or an existing one in which only what is asked for is
//! different. It reads and writes nothing outside.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::ask::{Ask, Wrong, cut, escaped};
use super::names::{named_as, names_of};
use super::upload::{Placed, placed};
use crate::catalog::{Catalog, Entry, Files, Form, Metadata, Service};
use crate::store::RequestKind;
use crate::yaml;

/// What the person who asks can see: nothing else is named to them.
pub struct Sight<'a> {
    /// Tells whether they see an item or bundle.
    pub offers: &'a (dyn Fn(&Metadata) -> bool + Sync),
    /// Tells whether they see services of a team.
    pub services: &'a (dyn Fn(&str) -> bool + Sync),
    /// The team that is meant where none is named.
    pub team: Option<String>,
}

/// A request that can be proposed, once the rules find nothing wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// What it does to the file.
    pub kind: RequestKind,
    /// Id of the service.
    pub service: String,
    /// Its team.
    pub team: String,
    /// Its environment.
    pub environment: Option<String>,
    /// Item or bundle that it is of.
    pub offer: String,
    /// Path from the root of the catalog.
    pub path: Arc<str>,
    /// What the file held before.
    pub before: Option<Vec<u8>>,
    /// What it holds then; nothing where it goes.
    pub content: Option<Vec<u8>>,
    /// Files that are put beside it, by path, with what they hold.
    pub files: Placed,
    /// What is different: where, what stood there, what stands there then.
    pub changes: Vec<(String, Option<Value>, Option<Value>)>,
    /// Why.
    pub reason: String,
}

/// Makes the file of a request over a catalog and its files, or tells all that is in the way.
pub fn compose(
    ask: &Ask,
    (catalog, files): (&Catalog, &Files),
    sight: &Sight<'_>,
) -> Result<Draft, Vec<Wrong>> {
    let wrong = ask.problems();
    if !wrong.is_empty() {
        return Err(wrong);
    }
    match (&ask.item, &ask.service) {
        (Some(item), _) => created(ask, item, catalog, sight),
        (None, Some(service)) => changed(ask, service, (catalog, files), sight),
        (None, None) => Err(vec![Wrong::at("", "nothing is asked for")]),
    }
}

/// Finds the form of an offer that somebody can see, and whether it is a bundle.
pub fn form_of<'c>(
    catalog: &'c Catalog,
    id: &str,
    sight: &Sight<'_>,
) -> Result<(&'c Form, bool), Wrong> {
    let items = catalog.items.iter().map(|(id, it)| (id, &it.body.metadata));
    let bundles = catalog.bundles.iter().map(|(id, it)| (id, &it.body.metadata));
    let seen = items.chain(bundles).filter(|(_, metadata)| (sight.offers)(metadata));
    let seen: Vec<&str> = seen.map(|(id, _)| id.as_str()).collect();
    if !seen.contains(&id) {
        return Err(Wrong::unknown("/item", ("item or bundle", id), seen));
    }
    let item = catalog.items.get(id).map(|it| (&it.body.presentation.form, false));
    let bundle = || catalog.bundles.get(id).map(|it| (&it.body.presentation.form, true));
    item.or_else(bundle).ok_or_else(|| Wrong::unknown("/item", ("item or bundle", id), seen))
}

/// Finds the form of what a service is of.
fn form_of_service<'c>(catalog: &'c Catalog, entry: &Entry<Service>) -> Option<&'c Form> {
    let item = catalog.items.get(entry.offer()).map(|it| &it.body.presentation.form);
    let bundle = || catalog.bundles.get(entry.offer()).map(|it| &it.body.presentation.form);
    item.or_else(bundle)
}

fn created(
    ask: &Ask,
    offer: &str,
    catalog: &Catalog,
    sight: &Sight<'_>,
) -> Result<Draft, Vec<Wrong>> {
    let (form, is_bundle) = form_of(catalog, offer, sight).map_err(|wrong| vec![wrong])?;
    let (team, id) = names_of(ask, offer, (catalog, sight))?;
    let mut given = named_as(&id, form, ask.fields.clone());
    let files = placed((&ask.uploads, form), (&team, &id), &mut given)?;
    let fields = in_order(form, given);
    let environment = ask.environment.clone().or_else(|| only(catalog));
    let path = format!("services/{team}/{id}.yaml");
    let names = (id.as_str(), team.as_str(), environment.as_deref());
    let document = document(ask, names, (offer, is_bundle), fields.clone());
    let content = written(&path, &document).ok_or_else(|| {
        vec![
            Wrong::at("/fields", "a value can't be written as YAML")
                .hint("take odd characters out of it"),
        ]
    })?;
    let changes = fields.into_iter().map(|(id, value)| (id, None, Some(value))).collect();
    Ok(Draft {
        kind: RequestKind::Create,
        service: id,
        team,
        environment,
        offer: offer.to_owned(),
        path: path.into(),
        before: None,
        content: Some(content),
        files,
        changes,
        reason: ask.reason.clone(),
    })
}

/// Returns the only environment, where there is one.
fn only(catalog: &Catalog) -> Option<String> {
    let mut all = catalog.environments.keys();
    let first = all.next()?;
    all.next().is_none().then(|| first.clone())
}

/// A part of a document: a value, or keys in the order in which they are written.
enum Part {
    Value(Value),
    Keys(Vec<(String, Value)>),
}

impl Part {
    fn to_json(&self) -> Value {
        match self {
            Part::Value(value) => value.clone(),
            Part::Keys(keys) => Value::Object(keys.iter().cloned().collect()),
        }
    }

    fn lines(&self, key: &str) -> String {
        match self {
            Part::Keys(keys) if !keys.is_empty() => {
                let lines = yaml::block(keys.iter().map(|(key, value)| (key, value)), 2);
                format!("{key}:\n{lines}")
            }
            other => yaml::block([(&key.to_owned(), &other.to_json())], 0),
        }
    }
}

/// Puts the document together, with its keys in the order in which people write them.
fn document(
    ask: &Ask,
    (id, team, environment): (&str, &str, Option<&str>),
    (offer, is_bundle): (&str, bool),
    fields: Vec<(String, Value)>,
) -> Vec<(&'static str, Part)> {
    let metadata = [
        ("id", Some(id)),
        ("team", Some(team)),
        ("environment", environment),
        ("description", ask.description.as_deref()),
    ];
    let metadata =
        metadata.into_iter().filter_map(|(key, value)| Some((key.to_owned(), json!(value?))));
    let text = |value: &str| Part::Value(json!(value));
    let mut keys = vec![
        ("schemaVersion", text("catalog/v1")),
        ("kind", text("Service")),
        ("metadata", Part::Keys(metadata.collect())),
        (if is_bundle { "catalogBundle" } else { "catalogItem" }, text(offer)),
        ("fields", Part::Keys(fields)),
    ];
    let expires = ask.expires.as_ref().filter(|day| !day.is_empty());
    keys.extend(ask.depends_on.as_ref().map(|list| ("dependsOn", Part::Value(json!(list)))));
    keys.extend(ask.state.as_ref().map(|state| ("state", text(state))));
    keys.extend(expires.map(|day| ("expires", text(day))));
    keys
}

/// Puts values in the order of their form; what it does not know comes last.
fn in_order(form: &Form, mut fields: Map<String, Value>) -> Vec<(String, Value)> {
    let known = form.fields().filter_map(|field| fields.remove_entry(&field.id));
    let mut ordered: Vec<(String, Value)> = known.collect();
    ordered.extend(fields);
    ordered
}

/// Writes a document over lines; on one line each what would not read back so, and nothing where that does not either.
fn written(path: &str, keys: &[(&'static str, Part)]) -> Option<Vec<u8>> {
    let up = "../".repeat(path.matches('/').count());
    let head = format!("# yaml-language-server: $schema={up}schemas/service.json\n");
    let all = keys.iter().map(|(key, part)| ((*key).to_owned(), part.to_json()));
    let expected = Value::Object(all.collect());
    let reads = |text: &str| {
        let (tree, findings) = yaml::parse(&path.into(), text.as_bytes());
        let is_right = !findings.iter().any(crate::finding::Finding::is_error);
        is_right && tree.is_some_and(|tree| tree.to_json() == expected)
    };
    let lines = |(key, part): &(&'static str, Part)| part.lines(key);
    let flat = |(key, part): &(&'static str, Part)| format!("{key}: {}\n", part.to_json());
    let texts = [keys.iter().map(lines).collect::<String>(), keys.iter().map(flat).collect()];
    let text = texts.into_iter().map(|text| format!("{head}{text}")).find(|text| reads(text))?;
    Some(text.into_bytes())
}

fn changed(
    ask: &Ask,
    id: &str,
    (catalog, files): (&Catalog, &Files),
    sight: &Sight<'_>,
) -> Result<Draft, Vec<Wrong>> {
    let seen = catalog.services.iter().filter(|(_, it)| (sight.services)(it.team()));
    let Some((_, entry)) = seen.clone().find(|(known, _)| *known == id) else {
        let known: Vec<&str> = seen.map(|(id, _)| id.as_str()).collect();
        return Err(vec![Wrong::unknown("/service", ("service", id), known)]);
    };
    let path = entry.document.path.clone();
    let Some(before) = files.get(&path).map(|blob| blob.bytes.get().to_vec()) else {
        return Err(vec![Wrong::at("/service", format!("{} is not there any more", cut(&path)))]);
    };
    let mut fields = ask.fields.clone();
    let files = match form_of_service(catalog, entry) {
        Some(form) => placed((&ask.uploads, form), (entry.team(), id), &mut fields)?,
        None => Placed::new(),
    };
    let (content, changes) = if ask.delete {
        (None, Vec::new())
    } else {
        let (content, changes) = edited((ask, &fields), entry, &before)?;
        (Some(content), changes)
    };
    if content.as_ref() == Some(&before) {
        return Err(vec![Wrong::at("", format!("{} says all of that already", cut(&path)))]);
    }
    Ok(Draft {
        kind: if ask.delete { RequestKind::Delete } else { RequestKind::Change },
        service: id.to_owned(),
        team: entry.team().to_owned(),
        environment: ask.environment.clone().or_else(|| entry.environment().map(str::to_owned)),
        offer: entry.offer().to_owned(),
        path,
        before: Some(before),
        content,
        files,
        changes,
        reason: ask.reason.clone(),
    })
}

type Changes = Vec<(String, Option<Value>, Option<Value>)>;

/// Writes what is asked for into a file, and leaves all else in it as it stands.
fn edited(
    (ask, fields): (&Ask, &Map<String, Value>),
    entry: &Entry<Service>,
    before: &[u8],
) -> Result<(Vec<u8>, Changes), Vec<Wrong>> {
    let body = &entry.body;
    let text = |value: &Option<String>| value.as_ref().map(|value| json!(value));
    let given = body.fields.to_map();
    let mut edits: Vec<(Vec<&str>, Option<Value>, Option<Value>)> = Vec::new();
    for (field, value) in fields {
        let old = given.get(field).cloned();
        edits.push((vec!["fields", field], old, Some(value.clone()).filter(|it| !it.is_null())));
    }
    let metadata = &body.metadata;
    if ask.environment.is_some() {
        edits.push((
            vec!["metadata", "environment"],
            text(&metadata.environment),
            text(&ask.environment),
        ));
    }
    if ask.description.is_some() {
        edits.push((
            vec!["metadata", "description"],
            text(&metadata.description),
            text(&ask.description),
        ));
    }
    if let Some(list) = &ask.depends_on {
        edits.push((vec!["dependsOn"], Some(json!(body.depends_on)), Some(json!(list))));
    }
    if ask.state.is_some() {
        edits.push((vec!["state"], Some(json!(body.state)), text(&ask.state)));
    }
    if let Some(day) = &ask.expires {
        let day = Some(json!(day)).filter(|_| !day.is_empty());
        edits.push((vec!["expires"], text(&body.expires), day));
    }
    let (mut content, mut changes, mut wrong) = (before.to_vec(), Vec::new(), Vec::new());
    for (keys, old, new) in edits {
        let path = &entry.document.path;
        if let Some(text) = yaml::set(path, &content, (&keys, new.as_ref())) {
            content = text;
        } else {
            let names: Vec<String> = keys.iter().map(|key| escaped(key)).collect();
            let pointer = in_request(&format!("/{}", names.join("/")));
            let message = format!("it can't be written into {} in place", cut(path));
            wrong.push(Wrong::at(&pointer, message).hint("change the file by hand"));
        }
        let name = keys.last().copied().unwrap_or_default().to_owned();
        changes.push((name, old, new));
    }
    changes.retain(|(_, old, new)| old != new);
    if wrong.is_empty() { Ok((content, changes)) } else { Err(wrong) }
}

/// Says where in a request something of the document comes from.
pub(super) fn in_request(pointer: &str) -> String {
    let own = ["/fields", "/dependsOn", "/state", "/expires"];
    if own.iter().any(|own| pointer == *own || pointer.starts_with(&format!("{own}/"))) {
        return pointer.to_owned();
    }
    match pointer {
        "/metadata/id" => "/id",
        "/metadata/team" => "/team",
        "/metadata/environment" => "/environment",
        "/metadata/description" => "/description",
        "/catalogItem" | "/catalogBundle" => "/item",
        _ => "",
    }
    .to_owned()
}

#[cfg(test)]
#[path = "compose_tests.rs"]
mod tests;
