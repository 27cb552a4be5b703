//! Which approvals a change takes, and which of them it has.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Change, ChangeKind, Effect, Need, NeedKind, UnitChange};
use super::desired::Unit;
use super::facts::Facts;
use super::people::{Authors, bare, refusal};
use super::plan::Pending;
use crate::catalog::{ApprovalRule, DeletionPolicy, FirstContact, Settings};
use crate::kinds;

/// Returns the approvals that rules ask for: of the item, the bundle, the environment, the catalog.
pub(super) fn of_rules(unit: &Unit, settings: &Settings) -> Vec<Need> {
    let mut needs = Vec::new();
    let mut add = |why: String, rule: Option<&ApprovalRule>| {
        if let Some(rule) = rule.filter(|rule| rule.required > 0) {
            needs.push(Need {
                kind: NeedKind::Rule,
                why,
                required: rule.required,
                from: rule.from.clone(),
                contact: None,
            });
        }
    };
    add(format!("item {}", unit.item.metadata.id), unit.item.fulfillment.approval.as_ref());
    if let Some((bundle, _)) = &unit.part {
        add(format!("bundle {}", bundle.metadata.id), bundle.fulfillment.approval.as_ref());
    }
    if let Some(environment) = &unit.environment {
        add(format!("environment {}", environment.metadata.id), environment.approval.as_ref());
    }
    if needs.is_empty() {
        let rule = settings.defaults.approval.as_ref();
        if let Some(rule) = rule.filter(|rule| rule.required > 0) {
            needs.push(Need {
                kind: NeedKind::Rule,
                why: "the catalog's default".to_owned(),
                required: rule.required,
                from: rule.from.clone(),
                contact: None,
            });
        }
    }
    needs
}

/// Returns the approval that taking something away asks for.
pub(super) fn of_deletion(unit: &UnitChange) -> Option<Need> {
    let taken_away = matches!(unit.kind, ChangeKind::Delete | ChangeKind::Replace);
    (taken_away && unit.deletion == DeletionPolicy::Confirm).then(|| Need {
        kind: NeedKind::Deletion,
        why: match unit.kind {
            ChangeKind::Replace => format!("replacing {}", unit.unit),
            _ => format!("deleting {}", unit.unit),
        },
        required: 1,
        from: Vec::new(),
        contact: None,
    })
}

/// Returns an acknowledgement for each thing that a change touches for the first time.
pub(super) fn of_first_contact(change: &Change, settings: &Settings, facts: &Facts) -> Vec<Need> {
    // What is taken over is only looked at, which is what comes before a first contact.
    let only_looks = change.units.iter().all(|unit| unit.kind == ChangeKind::Adopt);
    if settings.guard.first_contact == FirstContact::Apply || only_looks {
        return Vec::new();
    }
    let mut contacts = BTreeSet::from(["catalog".to_owned()]);
    for step in change.units.iter().flat_map(|unit| &unit.steps) {
        let Some(kind) = kinds::find(&step.action.kind) else { continue };
        if step.effect == Effect::Keep || step.effect == Effect::UndoByHand {
            continue;
        }
        let targets = (kind.targets)(&step.config);
        if !targets.is_empty() {
            contacts.insert(format!("kind:{}", kind.name));
        }
        contacts.extend(targets);
    }
    let fresh = contacts.into_iter().filter(|contact| !facts.contacts.contains(contact));
    fresh
        .map(|contact| Need {
            kind: NeedKind::Contact,
            why: format!("first contact with {contact}"),
            required: 1,
            from: Vec::new(),
            contact: Some(contact),
        })
        .collect()
}

/// Returns an approval by the item's owner for each item whose change reaches more services than it may.
pub(super) fn of_many_updates(changes: &[Change], settings: &Settings) -> BTreeMap<String, Need> {
    let mut reached: BTreeMap<String, (BTreeSet<&str>, String)> = BTreeMap::new();
    for change in changes {
        for unit in change.units.iter().filter(|unit| unit.kind == ChangeKind::Update) {
            if unit.fields.is_empty() {
                let owner = unit.definition.owner();
                let row = reached.entry(unit.definition.item.clone());
                row.or_insert_with(|| (BTreeSet::new(), owner.to_owned()))
                    .0
                    .insert(&change.service);
            }
        }
    }
    let most = usize::try_from(settings.guard.max_updates).unwrap_or(usize::MAX);
    reached
        .into_iter()
        .filter(|(_, (services, _))| services.len() > most)
        .map(|(item, (services, owner))| {
            let need = Need {
                kind: NeedKind::Guard,
                why: format!("item {item} reaches {} services, more than {most}", services.len()),
                required: 1,
                from: vec![owner],
                contact: None,
            };
            (item, need)
        })
        .collect()
}

/// Returns the approvals that are still missing: of people who may give them, each counted once, and never the author's.
///
/// People on one machine are self-declared; of a team whose members the catalog does not list everybody may be one.
pub(super) fn missing(change: &Change, facts: &Facts, settings: &Settings) -> Vec<Pending> {
    if let Some(reason) = facts.rejected.get(&change.digest) {
        return vec![Pending::Rejected { reason: reason.clone() }];
    }
    if facts.broken.contains_key(&change.digest) {
        return Vec::new();
    }
    let given: BTreeMap<String, &String> = facts
        .approvals
        .get(&change.digest)
        .into_iter()
        .flatten()
        .map(|who| (bare(who), who))
        .collect();
    let authors = Authors::of(change);
    let of = (&authors, settings);
    let waits = |need: &Need| {
        let refused: Vec<String> = given
            .values()
            .filter_map(|who| Some(format!("{who} {}", refusal(need, who, of)?)))
            .collect();
        let counted = u32::try_from(given.len() - refused.len()).unwrap_or(u32::MAX);
        (need.required > counted).then(|| {
            let but = if refused.is_empty() {
                String::new()
            } else {
                format!("; {}", refused.join(", "))
            };
            let missing = need.required - counted;
            Pending::Approval {
                why: format!("{}{but}", need.why),
                missing,
                from: need.from.clone(),
            }
        })
    };
    change.needs.iter().filter_map(waits).collect()
}
