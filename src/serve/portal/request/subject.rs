//! What is asked for: a new service of an offer, or a change of one that is there; with its form and what can be named in it.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::catalog::{FieldType, Form as CatalogForm};
use crate::serve::portal::form::Form;
use crate::serve::portal::local::{link, segment};
use crate::serve::portal::problem_page::Refused;
use crate::serve::portal::visit::Visit;

/// What can be named in a request.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Options {
    pub(super) teams: Vec<String>,
    pub(super) any_team: bool,
    pub(super) environments: Vec<Environment>,
    pub(super) secrets: Vec<String>,
}

/// One environment.
#[derive(Debug, Deserialize)]
pub(super) struct Environment {
    pub(super) id: String,
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
struct Offer {
    name: String,
    description: String,
    deprecated: bool,
    cost: Option<Value>,
}

/// A service that is there.
#[derive(Debug, Deserialize)]
pub(super) struct Standing {
    pub(super) id: String,
    pub(super) team: Option<String>,
    pub(super) offer: Option<String>,
    pub(super) environment: Option<String>,
    pub(super) desired: Option<Desired>,
}

/// What its file asks for; names of secrets are masked.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Desired {
    pub(super) is_of_bundle: bool,
    pub(super) description: Option<String>,
    pub(super) fields: Map<String, Value>,
    pub(super) depends_on: Vec<String>,
    pub(super) expires: Option<String>,
    pub(super) operations: Vec<Operation>,
}

/// A named operation.
#[derive(Debug, Deserialize)]
pub(super) struct Operation {
    pub(super) name: String,
    pub(super) state: Option<String>,
}

/// What is asked for.
pub(super) struct Subject {
    /// Id of the item or bundle.
    pub(super) offer: String,
    /// What it is called.
    pub(super) name: String,
    pub(super) description: String,
    pub(super) deprecated: bool,
    pub(super) has_cost: bool,
    pub(super) form: CatalogForm,
    pub(super) options: Options,
    /// The service that is to be different; nothing where a new one is asked for.
    pub(super) service: Option<(Standing, Desired)>,
    /// Where the form stands, and is sent.
    pub(super) path: String,
    /// Where one goes back to.
    pub(super) above: String,
}

/// Reads a service that is there.
pub(super) async fn standing(visit: &Visit, id: &str) -> Result<Standing, Refused> {
    visit.get(&format!("/services/{}", segment(id))).await
}

impl Subject {
    /// Reads an offer of which a service is asked for. `folder` is `items` or `bundles`.
    pub(super) async fn of_offer(
        visit: &Visit,
        (folder, id): (&str, &str),
        team: &str,
    ) -> Result<Self, Refused> {
        let above = format!("/catalog/{folder}/{}", segment(id));
        let offer: Offer = visit.get(&above).await?;
        let items = format!("/catalog/items/{}", segment(id));
        let path = format!("{above}/request");
        Ok(Self {
            offer: id.to_owned(),
            name: offer.name,
            description: offer.description,
            deprecated: offer.deprecated,
            has_cost: offer.cost.is_some(),
            form: visit.get(&format!("{items}/form")).await?,
            options: visit.get(&link(&format!("{items}/options"), &[("team", team)])).await?,
            service: None,
            path,
            above,
        })
    }

    /// Reads a service of which a change is asked for.
    pub(super) async fn of_service(visit: &Visit, id: &str) -> Result<Self, Refused> {
        let mut standing = standing(visit, id).await?;
        let (Some(offer), Some(desired)) = (standing.offer.clone(), standing.desired.take()) else {
            return Err(Refused::missing(visit.place()));
        };
        let folder = if desired.is_of_bundle { "bundles" } else { "items" };
        let team = standing.team.clone().unwrap_or_default();
        let above = format!("/services/{}", segment(id));
        let own = Self::of_offer(visit, (folder, &offer), &team).await?;
        let path = format!("{above}/change");
        Ok(Self { service: Some((standing, desired)), path, above, ..own })
    }

    /// Returns the fields of a service that stay as they are unless another value is given: what can't be shown.
    pub(super) fn keeps(&self) -> BTreeSet<String> {
        let Some((_, desired)) = &self.service else { return BTreeSet::new() };
        let unseen = self
            .form
            .fields()
            .filter(|field| matches!(field.kind, FieldType::Password | FieldType::File));
        unseen.map(|field| field.id.clone()).filter(|id| desired.fields.contains_key(id)).collect()
    }

    /// Finds where something that is wrong stands on the page, and what it is called there.
    pub(super) fn place_of(&self, pointer: &str) -> Option<(String, String)> {
        let mut parts = pointer.split('/').skip(1);
        let own = |id: &str, name: &str| Some((id.to_owned(), name.to_owned()));
        match (parts.next()?, parts.next()) {
            ("fields" | "files", Some(id)) => {
                let field = self.form.field(id)?;
                Some((crate::serve::portal::fields::anchor(id), field.name.clone()))
            }
            ("team", _) => own("team", "Team"),
            ("id", _) => own("id", "Id"),
            ("environment", _) => own("environment", "Environment"),
            ("description", _) => own("description", "Description"),
            ("expires", _) => own("expires", "Last day"),
            ("dependsOn", _) => own("dependsOn", "Depends on"),
            ("reason", _) => own("reason", "Why"),
            _ => None,
        }
    }

    /// Says what is done, as a heading.
    pub(super) fn heading(&self) -> String {
        let name = crate::serve::portal::marks::told(&self.name);
        match &self.service {
            Some((standing, _)) => format!("Change {}", standing.id),
            None => format!("Request: {name}"),
        }
    }

    /// Returns the names that are read from a form beside the fields of the catalog.
    pub(super) fn names(&self) -> &'static [&'static str] {
        match self.service {
            Some(_) => &["environment", "description", "expires", "dependsOn"],
            None => &["team", "id", "environment", "description", "expires", "dependsOn"],
        }
    }
}

/// Writes a list as a form holds it.
pub(super) fn joined(list: &[String]) -> String {
    list.join(", ")
}

/// Reads a list as a form holds it.
pub(super) fn split(text: &str) -> Vec<String> {
    let all = text.split([',', '\n', ' ']).map(str::trim).filter(|one| !one.is_empty());
    all.map(str::to_owned).collect()
}

/// Tells which button of a form was pressed.
pub(super) fn pressed(form: &Form) -> &str {
    form.get("do").unwrap_or("review")
}
