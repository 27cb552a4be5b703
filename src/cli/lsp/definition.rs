//! Where what stands under the cursor is defined: the document of an id, the field of a form, the action of an output. It opens nothing.

use serde_json::{Value, json};

use super::cursor::variable_of;
use super::outline::{Outline, Part, Spot, Step, words};
use super::params::uri_of;
use super::reference::{Target, names, names_of_keys};
use super::scene::{Page, Scene};
use super::text::Text;
use crate::catalog::{Document, Kind};

/// Answers where what stands at an offset is defined.
pub(super) fn definition(scene: &Scene<'_>, offset: usize) -> Value {
    let Some(page) = scene.page() else { return Value::Null };
    let Some((spot, part)) = page.outline.at(offset) else { return Value::Null };
    let targets = match part {
        Part::Key => of_key(&page, spot).into_iter().collect(),
        Part::Value => of_value(&page, spot, offset),
    };
    targets.iter().filter_map(|target| location(scene, &page, target)).collect()
}

fn of_value(page: &Page<'_>, spot: &Spot, offset: usize) -> Vec<Target> {
    let text = &*page.text;
    if let Some(variable) = variable_of(text, spot, offset) {
        let part = text.get(variable.part).unwrap_or_default();
        let parts: Vec<&str> = variable.before.iter().map(String::as_str).chain([part]).collect();
        return page.source(&spot.path, &parts);
    }
    let named = names(page.kind, &spot.path);
    let target = named.and_then(|names| page.target(names, spot.bare(text), &spot.path));
    target.into_iter().collect()
}

/// A key is defined where it is a field of another document's form, or an id itself.
fn of_key(page: &Page<'_>, spot: &Spot) -> Option<Target> {
    let (_, mapping) = spot.path.split_last()?;
    let name = spot.name()?;
    if let Some(names) = names_of_keys(page.kind, mapping) {
        return page.target(names, name, mapping);
    }
    let offer = match (page.kind, words(mapping).as_slice()) {
        (Kind::Service, ["fields"]) => page.offer()?,
        (Kind::Bundle, ["components", "*", "config"]) => {
            let (_, component) = mapping.split_last()?;
            page.scalar_below(component, "catalogItem")?
        }
        (Kind::Environment, ["defaults", item]) => item,
        _ => return None,
    };
    let item = page.catalog.items.get(offer).map(|item| &item.document);
    let document = item.or_else(|| page.catalog.bundles.get(offer).map(|of| &of.document))?;
    let path = field_path(document, name)?;
    Some(Target::Document(document.clone(), path))
}

/// Returns the path of the id of a field in a document.
fn field_path(document: &Document, id: &str) -> Option<Vec<Step>> {
    let bytes = document.bytes.get();
    let text = String::from_utf8_lossy(&bytes);
    let outline = Outline::of(&text);
    let is_field = |spot: &&Spot| {
        let words = words(&spot.path);
        words.as_slice() == ["presentation", "form", "groups", "*", "fields", "*", "id"]
            && spot.bare(&text) == id
    };
    outline.spots.iter().find(is_field).map(|spot| spot.path.clone())
}

fn location(scene: &Scene<'_>, page: &Page<'_>, target: &Target) -> Option<Value> {
    let (uri, text, outline, path);
    match target {
        Target::Here(here) => {
            uri = uri_of(&scene.folder.root.join(page.path))?;
            text = scene.text.clone();
            outline = page.outline.clone();
            path = here;
        }
        Target::Document(document, there) => {
            uri = uri_of(&scene.folder.root.join(&*document.path))?;
            let now = scene.folder.text(&document.path);
            text = now.unwrap_or_else(|| Text::new(String::from_utf8_lossy(&document.bytes.get())));
            outline = Outline::of(text.as_str());
            path = there;
        }
    }
    let found = outline.get(path);
    let range = found.map(|spot| match (&spot.key, path.last()) {
        // What is named by its key is at the key, what is named by a value at the value.
        (Some(_), Some(Step::Key(key))) if key == "id" => spot.inner(text.as_str()),
        (Some(key), _) => key.clone(),
        (None, _) => spot.value.clone(),
    });
    Some(json!({"uri": uri, "range": text.range(range.unwrap_or(0..0), scene.encoding)}))
}
