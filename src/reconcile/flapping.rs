//! Fields that are put right again and again: who keeps writing them is somebody else, and putting them right once more
//! only feeds the quarrel.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::actual::{Actual, UnitRecord};
use super::change::{Change, ChangeKind, UnitChange};
use super::facts::Facts;
use super::plan::Pending;
use crate::digest::Digest;

/// How often a field is put right before it is left to a person.
const MOST: u32 = 3;

/// What was put right of a unit while it was wanted as it is, and how often.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Corrections {
    /// What was wanted.
    intent: Option<Digest>,
    /// Field → how often it was put right.
    fields: BTreeMap<String, u32>,
}

impl Corrections {
    /// Tells whether nothing was put right.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Returns them with a change counted; one that is wanted differently, or that a person asked for, begins anew.
    #[must_use]
    pub fn after(&self, change: &UnitChange, asked: bool) -> Self {
        if change.kind != ChangeKind::Correct {
            let keeps = self.intent == Some(change.intent);
            return if keeps { self.clone() } else { Self::default() };
        }
        let goes_on = self.intent == Some(change.intent) && !asked;
        let mut fields = if goes_on { self.fields.clone() } else { BTreeMap::new() };
        for field in &change.fields {
            *fields.entry(field.name.clone()).or_default() += 1;
        }
        Self { intent: Some(change.intent), fields }
    }
}

/// What is put right again and again is left to a person, who may ask for it once more.
pub(super) fn pending(change: &Change, actual: &Actual, facts: &Facts) -> Option<Pending> {
    if facts.requested.contains(&change.service) {
        return None;
    }
    change.units.iter().find_map(|unit| {
        let (field, times) = flapping(actual.records.get(&unit.unit)?, unit)?;
        Some(Pending::Flapping { unit: unit.unit.clone(), field, times })
    })
}

/// Returns the field by which a correction of a unit would feed a quarrel, and how often it was put right.
fn flapping(record: &UnitRecord, change: &UnitChange) -> Option<(String, u32)> {
    let known = &record.corrections;
    if change.kind != ChangeKind::Correct || known.intent != Some(change.intent) {
        return None;
    }
    let times = |name: &String| known.fields.get(name).copied().filter(|times| *times >= MOST);
    change.fields.iter().find_map(|field| Some((field.name.clone(), times(&field.name)?)))
}
