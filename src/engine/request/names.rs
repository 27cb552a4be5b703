//! How a new service is called, and whose it is: as asked for, or made of what is there. It writes nothing.

use serde_json::{Map, Value, json};

use super::ask::{Ask, Wrong, cut};
use super::compose::Sight;
use crate::catalog::{Catalog, Field, Form};
use crate::id::is_kebab;

/// How long ids are at most.
const LONGEST_ID: usize = 64;

/// How many ids of one beginning are looked through for a free one.
const MOST_ALIKE: usize = 1_000;

/// Returns the team and the id of a new service.
pub(super) fn names_of(
    ask: &Ask,
    offer: &str,
    (catalog, sight): (&Catalog, &Sight<'_>),
) -> Result<(String, String), Vec<Wrong>> {
    let mut wrong = Vec::new();
    let team = ask.team.clone().or_else(|| sight.team.clone()).unwrap_or_default();
    if team.is_empty() {
        wrong
            .push(Wrong::at("/team", "it is of no team").hint("name the team whose service it is"));
    } else if !is_kebab(&team, LONGEST_ID) {
        wrong.push(Wrong::at("/team", format!("`{}` is no name of a team", cut(&team))));
    }
    let named = |id: &str| catalog.services.contains_key(id);
    let id = match &ask.id {
        Some(id) if !is_kebab(id, LONGEST_ID) => {
            let hint = "small letters, digits and single hyphens, at most 64, a letter first";
            wrong.push(Wrong::at("/id", format!("`{}` is no id", cut(id))).hint(hint));
            String::new()
        }
        Some(id) if named(id) => {
            let hint = "to change that service, name it as `service`, and no `item`";
            wrong.push(Wrong::at("/id", format!("`{id}` is taken")).hint(hint));
            String::new()
        }
        Some(id) => id.clone(),
        None => free_id(ask, (&team, offer), &named),
    };
    if !wrong.is_empty() {
        return Err(wrong);
    }
    Ok((team, id))
}

/// Gives a service its id as its name, where the form demands one and none is given.
pub(super) fn named_as(
    id: &str,
    form: &Form,
    mut fields: Map<String, Value>,
) -> Map<String, Value> {
    if form.field("name").is_some_and(Field::is_demanded) {
        fields.entry("name").or_insert_with(|| json!(id));
    }
    fields
}

/// Makes an id of the name that is asked for, or of team and item, that nobody has yet.
fn free_id(ask: &Ask, (team, offer): (&str, &str), is_taken: &dyn Fn(&str) -> bool) -> String {
    let name = ask.fields.get("name").and_then(Value::as_str);
    let base = match name.filter(|name| is_kebab(name, LONGEST_ID)) {
        Some(name) => name.to_owned(),
        None => format!("{team}-{offer}"),
    };
    let base: String = base.chars().take(LONGEST_ID - 5).collect();
    let base = base.trim_end_matches('-').to_owned();
    let more = (2..MOST_ALIKE).map(|number| format!("{base}-{number}"));
    std::iter::once(base.clone()).chain(more).find(|id| !is_taken(id)).unwrap_or(base)
}
