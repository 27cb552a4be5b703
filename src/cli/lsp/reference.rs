//! What an id at a path names, what there is by that name, and where it stands. It reads no template.

use std::sync::Arc;

use super::outline::{Step, words};
use super::scene::{Page, keys};
use crate::catalog::{Document, Kind, Metadata};
use crate::kinds;
use crate::validate::rules;

/// What an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    Item,
    Bundle,
    Offer,
    Service,
    Team,
    Environment,
    Category,
    /// A component of this bundle.
    Component,
    /// An output of the item of a component.
    Output,
    /// An action of the same list.
    Action,
    /// A field of this form.
    Field,
    ActionType,
    /// A state that a service may ask for.
    State,
    Rule,
}

/// Something that can be written somewhere, with what people are told about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) name: String,
    /// A few words, shown beside it.
    pub(super) detail: String,
    /// Sentences, shown on demand.
    pub(super) help: String,
}

impl Word {
    pub(super) fn new(name: &str, detail: &str, help: &str) -> Self {
        Self { name: name.to_owned(), detail: detail.to_owned(), help: help.to_owned() }
    }
}

/// Where something stands.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// At a path of another document.
    Document(Arc<Document>, Vec<Step>),
    /// At a path of this one.
    Here(Vec<Step>),
}

/// Tells what the value at a path names.
pub(super) fn names(kind: Kind, path: &[Step]) -> Option<Names> {
    let words = words(path);
    match words.as_slice() {
        ["metadata", "lifecycle", "replacement"] => return Some(Names::Offer),
        ["presentation", .., "conditional", "field"] => return Some(Names::Field),
        [.., "approval", "from", "*"] => return Some(Names::Team),
        _ => {}
    }
    match kind {
        Kind::Service => in_service(&words),
        Kind::Item => in_item(&words).or_else(|| in_offer(&words)),
        Kind::Bundle => in_bundle(&words).or_else(|| in_offer(&words)),
        Kind::Environment | Kind::Settings => None,
    }
}

fn in_service(words: &[&str]) -> Option<Names> {
    match words {
        ["catalogItem"] => Some(Names::Item),
        ["catalogBundle"] => Some(Names::Bundle),
        ["dependsOn", "*"] => Some(Names::Service),
        ["state"] => Some(Names::State),
        ["metadata", "team"] => Some(Names::Team),
        ["metadata", "environment"] => Some(Names::Environment),
        _ => None,
    }
}

fn in_offer(words: &[&str]) -> Option<Names> {
    match words {
        ["metadata", "owner", "team"]
        | ["metadata", "visibility", "teams", "*"]
        | ["outputs", _, "share", "*"] => Some(Names::Team),
        ["metadata", "visibility", "environments", "*"] => Some(Names::Environment),
        _ => None,
    }
}

fn in_item(words: &[&str]) -> Option<Names> {
    match words {
        ["metadata", "category"] => Some(Names::Category),
        ["fulfillment", ..] if words.contains(&"config") => None,
        ["fulfillment", .., "dependsOn", "*"] => Some(Names::Action),
        ["fulfillment", .., "*" | "rollback", "type"] => Some(Names::ActionType),
        _ => None,
    }
}

fn in_bundle(words: &[&str]) -> Option<Names> {
    match words {
        ["components", "*", "catalogItem"] => Some(Names::Item),
        ["components", "*", "dependsOn", "*"] => Some(Names::Component),
        ["components", "*", "outputs", "*"] => Some(Names::Output),
        _ => None,
    }
}

/// Tells what the keys below a path name.
pub(super) fn names_of_keys(kind: Kind, path: &[Step]) -> Option<Names> {
    match (kind, words(path).as_slice()) {
        (Kind::Environment, ["defaults"]) => Some(Names::Item),
        (Kind::Settings, ["validation", "rules"]) => Some(Names::Rule),
        (Kind::Item, ["metadata", "cost", "perUnit"]) => Some(Names::Field),
        _ => None,
    }
}

/// Returns the list of actions that a path is in, the path of the action, and its number.
pub(super) fn action_at(path: &[Step]) -> Option<(&[Step], &[Step], usize)> {
    let lists = ["actions", "before", "after", "onFailure"];
    path.iter().enumerate().find_map(|(at, step)| {
        let Step::Entry(number) = step else { return None };
        let list = path.get(..at)?;
        let Some(Step::Key(name)) = list.last() else { return None };
        lists.contains(&name.as_str()).then_some((list, path.get(..=at)?, *number))
    })
}

impl Page<'_> {
    /// Returns all that there is of something; the path says from where it is looked at.
    pub(super) fn all(&self, names: Names, path: &[Step]) -> Vec<Word> {
        let catalog = self.catalog;
        match names {
            Names::Item => catalog.items.values().map(|item| offer(&item.body.metadata)).collect(),
            Names::Bundle => {
                catalog.bundles.values().map(|bundle| offer(&bundle.body.metadata)).collect()
            }
            Names::Offer => {
                let mut all = self.all(Names::Item, path);
                all.extend(self.all(Names::Bundle, path));
                all
            }
            Names::Service => self.services(),
            Names::Team => self.teams(),
            Names::Environment => {
                let environments = catalog.environments.iter();
                environments
                    .map(|(id, entry)| Word::new(id, &entry.body.metadata.name, ""))
                    .collect()
            }
            Names::Category => self.categories(),
            Names::Component => self.components(path),
            Names::Output => {
                self.item_of_component(path).map(|id| self.outputs_of_offer(id)).unwrap_or_default()
            }
            Names::Action => self.actions_beside(path),
            Names::Field => self.own_fields(),
            Names::ActionType => kinds::all()
                .iter()
                .map(|kind| Word::new(kind.name, "action", kind.summary))
                .collect(),
            Names::State => self.states(),
            Names::Rule => {
                let rule = |rule: &&'static crate::validate::Rule| {
                    Word::new(rule.id, &rule.severity.to_string(), rule.summary)
                };
                rules().iter().map(rule).collect()
            }
        }
    }

    fn services(&self) -> Vec<Word> {
        let own = self.scalar(&keys(&["metadata", "id"]));
        let others = self.catalog.services.iter().filter(|(id, _)| Some(id.as_str()) != own);
        others
            .map(|(id, entry)| {
                let service = &entry.body;
                let detail = format!("{} of {}", service.offer(), service.metadata.team);
                Word::new(id, &detail, service.metadata.description.as_deref().unwrap_or_default())
            })
            .collect()
    }

    fn teams(&self) -> Vec<Word> {
        let catalog = self.catalog;
        let listed = catalog.settings.teams.keys();
        let owners = catalog.items.values().map(|item| &item.body.metadata.owner.team);
        let bundles = catalog.bundles.values().map(|bundle| &bundle.body.metadata.owner.team);
        let teams = catalog.services.values().map(|service| &service.body.metadata.team);
        let all: std::collections::BTreeSet<&String> =
            listed.chain(owners).chain(bundles).chain(teams).collect();
        let contact = |team: &str| catalog.settings.teams.get(team)?.contact.as_deref();
        let word = |team: &String| Word::new(team, contact(team).unwrap_or("team"), "");
        all.into_iter().map(word).collect()
    }

    fn categories(&self) -> Vec<Word> {
        let all =
            self.catalog.items.values().filter_map(|item| item.body.metadata.category.as_ref());
        let all: std::collections::BTreeSet<&String> = all.collect();
        all.into_iter().map(|category| Word::new(category, "category", "")).collect()
    }

    fn components(&self, path: &[Step]) -> Vec<Word> {
        let ids = self.ids(&keys(&["components"]));
        let others = ids.iter().filter(|(entry, _)| !path.starts_with(entry));
        others
            .map(|(entry, spot)| {
                let item = self.scalar_below(entry, "catalogItem").unwrap_or("component");
                Word::new(spot.bare(&self.text), item, "")
            })
            .collect()
    }

    /// Returns the item of the component that a path is in.
    fn item_of_component(&self, path: &[Step]) -> Option<&str> {
        self.scalar_below(path.get(..2)?, "catalogItem")
    }

    fn actions_beside(&self, path: &[Step]) -> Vec<Word> {
        let Some((list, own, _)) = action_at(path) else { return Vec::new() };
        let ids = self.ids(list);
        let others = ids.iter().filter(|(entry, _)| entry != own);
        others
            .map(|(entry, spot)| {
                let kind = self.scalar_below(entry, "type").unwrap_or("action");
                Word::new(spot.bare(&self.text), kind, "")
            })
            .collect()
    }

    /// Returns the fields of the document's own form.
    pub(super) fn own_fields(&self) -> Vec<Word> {
        let field = |(entry, spot): &(Vec<Step>, &super::outline::Spot)| {
            let kind = self.scalar_below(entry, "type").unwrap_or("field");
            let told = |key: &str| self.scalar_below(entry, key).unwrap_or_default();
            let help = [told("name"), told("description")].join(". ");
            Word::new(spot.bare(&self.text), kind, help.trim_matches(['.', ' ']))
        };
        self.fields().iter().map(field).collect()
    }

    fn states(&self) -> Vec<Word> {
        let mut states = vec![
            Word::new("active", "state", "It is kept as it is asked for."),
            Word::new("suspended", "state", "It is observed and not changed."),
        ];
        let item = self.offer().and_then(|offer| self.catalog.items.get(offer));
        for (name, operation) in item.iter().flat_map(|item| &item.body.fulfillment.operations) {
            let state = operation.state.as_deref().filter(|state| *state != "active");
            states.extend(state.map(|state| Word::new(state, &format!("by `{name}`"), "")));
        }
        states
    }

    /// Returns where what an id names stands.
    pub(super) fn target(&self, names: Names, id: &str, path: &[Step]) -> Option<Target> {
        let catalog = self.catalog;
        let of = |document: &Arc<Document>| {
            Some(Target::Document(document.clone(), keys(&["metadata", "id"])))
        };
        match names {
            Names::Item => of(&catalog.items.get(id)?.document),
            Names::Bundle => of(&catalog.bundles.get(id)?.document),
            Names::Offer => {
                self.target(Names::Item, id, path).or_else(|| self.target(Names::Bundle, id, path))
            }
            Names::Service => of(&catalog.services.get(id)?.document),
            Names::Environment => of(&catalog.environments.get(id)?.document),
            Names::Team => {
                let settings = catalog.documents.get("trueline.yaml")?;
                let listed = catalog.settings.teams.contains_key(id);
                listed.then(|| Target::Document(settings.clone(), keys(&["teams", id])))
            }
            Names::Component => self.here(&self.ids(&keys(&["components"])), id),
            Names::Output => self.output(self.item_of_component(path)?, id),
            Names::Action => self.here(&self.ids(action_at(path)?.0), id),
            Names::Field => self.here(&self.fields(), id),
            Names::State => {
                let item = catalog.items.get(self.offer()?)?;
                let mut operations = item.body.fulfillment.operations.iter();
                let (name, _) = operations.find(|(_, of)| of.state.as_deref() == Some(id))?;
                let path = keys(&["fulfillment", "operations", name]);
                Some(Target::Document(item.document.clone(), path))
            }
            Names::ActionType | Names::Rule | Names::Category => None,
        }
    }

    fn here(&self, ids: &[(Vec<Step>, &super::outline::Spot)], id: &str) -> Option<Target> {
        let (_, spot) = ids.iter().find(|(_, spot)| spot.bare(&self.text) == id)?;
        Some(Target::Here(spot.path.clone()))
    }

    /// Says what an id names, in Markdown.
    pub(super) fn described(&self, names: Names, id: &str, path: &[Step]) -> Option<String> {
        let catalog = self.catalog;
        let offered = || {
            let item = catalog.items.get(id).map(|item| &item.body.metadata);
            item.or_else(|| catalog.bundles.get(id).map(|bundle| &bundle.body.metadata))
        };
        match names {
            Names::Item | Names::Bundle | Names::Offer => Some(offer_text(offered()?)),
            Names::Rule => crate::validate::explain(id).map(|text| format!("```text\n{text}```")),
            Names::ActionType => Some(format!("**{id}**\n\n{}", kinds::find(id)?.summary)),
            _ => {
                let word = self.all(names, path).into_iter().find(|word| word.name == id)?;
                Some(word_text(&word))
            }
        }
    }
}

/// Says what a word is, in Markdown.
pub(super) fn word_text(word: &Word) -> String {
    let head = format!("**{}** — {}", word.name, word.detail);
    if word.help.is_empty() { head } else { format!("{head}\n\n{}", word.help) }
}

fn offer(metadata: &Metadata) -> Word {
    let old = metadata.lifecycle.as_ref().is_some_and(|lifecycle| lifecycle.deprecated);
    let old = if old { ", deprecated" } else { "" };
    let detail = format!("{} {}{old}", metadata.name, metadata.version);
    Word::new(&metadata.id, &detail, &offer_text(metadata))
}

fn offer_text(metadata: &Metadata) -> String {
    let mut text = format!(
        "**{}** {}\n\n{}\n\nowner: {} ({})",
        metadata.name,
        metadata.version,
        metadata.description.trim(),
        metadata.owner.team,
        metadata.owner.contact
    );
    if let Some(lifecycle) = metadata.lifecycle.as_ref().filter(|lifecycle| lifecycle.deprecated) {
        text.push_str("\n\ndeprecated");
        if let Some(replacement) = &lifecycle.replacement {
            text.extend(["; use `", replacement, "` instead"]);
        }
    }
    text
}
