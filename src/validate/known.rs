//! What a finding-free check is known by: all that its rules looked at. It remembers nothing itself.

use super::context::{Context, Offer, ServiceContext};
use super::effective::{former_ids, is_sound, key_of};
use crate::catalog::{Document, Files, Kind};
use crate::digest::Digest;
use crate::finding::Finding;

/// The files that say who owns what, and what is wrong with taking them in.
pub(super) type OwnersKey = (String, Files, Vec<Finding>);

/// Names all that the rules about a service look at; nothing where some of it is not there.
pub(super) fn key_of_check(of: &ServiceContext<'_>, document: &Document) -> Option<Digest> {
    let catalog = of.context.catalog;
    let offer = of.offer?;
    let parts = match offer {
        Offer::Item(_) => 0,
        Offer::Bundle(bundle) => bundle.body.components.len(),
    };
    if parts != of.parts.len()
        || of.environment.is_some() != of.service.metadata.environment.is_some()
    {
        return None;
    }
    let mut key = "service".to_owned();
    let mut add = |document: &Document| {
        key.extend(["\0", &document.path, "\0", &document.blob]);
    };
    // Its settings are none of their business; a rule that forgets that does no harm.
    catalog.documents.get("trueline.yaml").into_iter().for_each(|settings| add(settings));
    add(document);
    add(offer.document());
    of.parts.iter().for_each(|(_, item)| add(&item.document));
    of.environment.into_iter().for_each(|environment| add(&environment.document));
    for id in of.upstream() {
        let entry = catalog.services.get(id)?;
        add(&entry.document);
        add(of.context.offer_of(&entry.body)?.document());
    }
    Some(Digest::of_bytes(key.as_bytes()))
}

/// Names all that the rules about names look at.
pub(super) fn key_of_names(context: &Context<'_>, owners: Digest) -> Digest {
    let mut key = format!("names\0{owners}\0");
    let settings = context.catalog.documents.get("trueline.yaml");
    key.extend(settings.map(|document| &*document.blob));
    for document in context.catalog.documents.values() {
        let (kind, id) = key_of(document).unzip();
        let how = match (document.body.is_some(), is_sound(document)) {
            (true, _) => "+",
            (false, true) => "?",
            (false, false) => "-",
        };
        key.extend(["\0", &document.path, "\0", kind.map_or("", Kind::word), "\0", how]);
        key.extend(id.into_iter().flat_map(|id| ["\0", id]));
        key.extend(former_ids(document).iter().flat_map(|id| ["\0", id]));
    }
    Digest::of_bytes(key.as_bytes())
}

/// Names what the files that say who owns what hold.
pub(super) fn digest_of_owners(key: Option<&OwnersKey>) -> Digest {
    let Some((folder, files, refused)) = key else { return Digest::of_bytes(b"") };
    let mut name = folder.clone();
    files.iter().for_each(|(path, blob)| name.extend(["\0", path, "\0", &blob.id]));
    name.extend(refused.iter().map(|finding| format!("\0{finding}")));
    Digest::of_bytes(name.as_bytes())
}
