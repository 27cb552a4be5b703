//! The small catalog that documents are put into.

/// Its files.
pub(super) const FILES: [(&str, &str); 5] = [
    ("trueline.yaml", include_str!("../catalog/trueline.yaml")),
    ("catalog/databases/database-standard.yaml", include_str!("../catalog/item.yaml")),
    ("bundles/bundle-webapp.yaml", include_str!("../catalog/bundle.yaml")),
    ("environments/production.yaml", include_str!("../catalog/environment.yaml")),
    ("services/payments/payments-db.yaml", include_str!("../catalog/service.yaml")),
];

/// Returns where a document belongs by the word of its kind that stands in it.
pub(super) fn path_of(text: &str) -> &'static str {
    let kinds = ["kind: Catalog\n", "CatalogItem", "CatalogBundle", "Environment"];
    let at = kinds.iter().position(|kind| text.contains(kind)).unwrap_or(4);
    FILES[at].0
}
