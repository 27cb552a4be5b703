//! How a form is filled in before anybody typed: from a link, from a service that is there, from a draft, which is a link. No
//! secret and no file is in one.

use serde_json::Value;

use super::subject::{Desired, Subject, joined, standing};
use crate::catalog::{Field, FieldType};
use crate::serve::portal::fields::PREFIX;
use crate::serve::portal::form::{Asked, Form};
use crate::serve::portal::local::link;
use crate::serve::portal::marks::told;
use crate::serve::portal::problem_page::Refused;
use crate::serve::portal::visit::Visit;

/// The longest link that browsers and what stands before a server take without harm, in bytes.
const LONGEST: usize = 6_000;

/// A form as it is filled in, with what is said of that.
#[derive(Debug, Default)]
pub(super) struct Filled {
    pub(super) form: Form,
    pub(super) remarks: Vec<String>,
}

/// Tells whether a value of a field may stand in an address.
fn is_open(field: &Field) -> bool {
    !matches!(field.kind, FieldType::Password | FieldType::File)
}

/// Fills a form in from the address: `from` names a service to copy, `field.NAME` gives a value.
pub(super) async fn from_address(
    visit: &Visit,
    subject: &Subject,
    asked: &Asked,
) -> Result<Filled, Refused> {
    let mut filled = Filled::default();
    let given: Vec<&str> = asked.form().pairs().map(|(name, _)| name).collect();
    match (&subject.service, asked.get("from")) {
        (Some((own, desired)), _) => {
            copy(subject, desired, &given, &mut filled.form);
            filled.form.add("environment", own.environment.clone().unwrap_or_default());
        }
        (None, Some(from)) => copied(visit, subject, (from, &given), &mut filled).await?,
        (None, None) => {}
    }
    for (name, value) in asked.form().pairs() {
        match name.strip_prefix(PREFIX) {
            Some(id) => match subject.form.field(id) {
                Some(field) if is_open(field) => filled.form.add(name, value),
                Some(field) => filled.remarks.push(format!(
                    "The link gives a value for “{}”, which is never taken from a link.",
                    told(&field.name)
                )),
                None => {
                    let name: String = told(id).chars().take(80).collect();
                    filled
                        .remarks
                        .push(format!("The link gives “{name}”, which is not asked for."));
                }
            },
            // What is given counts before what is copied.
            None if subject.names().contains(&name) => {
                filled.form.remove(name);
                filled.form.add(name, value);
            }
            None => {}
        }
    }
    Ok(filled)
}

/// Copies another service, where it can be seen and is of the same offer.
async fn copied(
    visit: &Visit,
    subject: &Subject,
    (from, given): (&str, &[&str]),
    filled: &mut Filled,
) -> Result<(), Refused> {
    let other = match standing(visit, from).await {
        Ok(other) => other,
        Err(refused) if refused.status() == 404 => {
            let name: String = told(from).chars().take(80).collect();
            filled.remarks.push(format!("There is no service “{name}” that you can see."));
            return Ok(());
        }
        Err(refused) => return Err(refused),
    };
    let Some(desired) = other.desired.filter(|_| other.offer.as_deref() == Some(&subject.offer))
    else {
        filled.remarks.push(format!("{} is of something else and can’t be copied.", other.id));
        return Ok(());
    };
    copy(subject, &desired, given, &mut filled.form);
    // Its name is its own.
    filled.form.remove(&format!("{PREFIX}name"));
    filled.form.add("environment", other.environment.unwrap_or_default());
    filled.form.add("team", other.team.unwrap_or_default());
    filled.remarks.push(format!(
        "Copied from {}. Secrets, files and the name are to be given anew.",
        other.id
    ));
    Ok(())
}

fn copy(subject: &Subject, desired: &Desired, given: &[&str], form: &mut Form) {
    for field in subject.form.fields().filter(|field| is_open(field)) {
        let name = format!("{PREFIX}{}", field.id);
        if given.contains(&name.as_str()) {
            continue;
        }
        match desired.fields.get(&field.id) {
            Some(Value::Array(items)) => items.iter().for_each(|item| form.add(&name, text(item))),
            Some(value) => form.add(&name, text(value)),
            None => {}
        }
    }
    form.add("description", desired.description.clone().unwrap_or_default());
    form.add("expires", desired.expires.clone().unwrap_or_default());
    form.add("dependsOn", joined(&desired.depends_on));
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns the link that keeps what was filled in; nothing where that is too much for one.
pub(super) fn draft(subject: &Subject, form: &Form) -> Option<String> {
    let keeps = |name: &str| match name.strip_prefix(PREFIX) {
        Some(id) => subject.form.field(id).is_some_and(is_open),
        None => subject.names().contains(&name),
    };
    let kept: Vec<(&str, &str)> = form.pairs().filter(|(name, _)| keeps(name)).collect();
    let link = link(&subject.path, &kept);
    (link.len() <= LONGEST).then_some(link)
}
