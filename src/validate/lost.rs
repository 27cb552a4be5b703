//! What a service needs that is there but cannot be used. It judges nothing.

use super::context::{Offer, ServiceContext};

/// Says which documents a service needs that are there but cannot be used.
pub(super) fn lost(of: &ServiceContext<'_>) -> Vec<String> {
    let mut lost = Vec::new();
    let service = of.service;
    if of.offer.is_none() && of.context.is_unusable_offer(service.offer()) {
        lost.push(format!("`{}` cannot be used until its document is mended", service.offer()));
    }
    if let Some(Offer::Bundle(bundle)) = of.offer {
        for component in &bundle.body.components {
            let id = &component.catalog_item;
            if !of.context.catalog.items.contains_key(id) && of.context.is_unusable_offer(id) {
                lost.push(format!("`{id}` cannot be used until its document is mended"));
            }
        }
    }
    if let (None, Some(id)) = (of.environment, &service.metadata.environment)
        && of.context.is_unusable_environment(id)
    {
        lost.push(format!("environment `{id}` cannot be used until its document is mended"));
    }
    for id in of.upstream() {
        if !of.context.catalog.services.contains_key(id) && of.context.is_unusable_service(id) {
            lost.push(format!("service `{id}` cannot be used until its document is mended"));
        }
    }
    lost
}
