//! The example catalog, as it is in `catalog-example/`, in the binary.

/// Names files of the example with their content.
macro_rules! example {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../../catalog-example/", $path)))),*]
    };
}

/// Path and content of every file, in the order of their paths.
pub(super) const FILES: &[(&str, &str)] = example![
    ".github/CODEOWNERS",
    "README.md",
    "bundles/bundle-observability-basic.yaml",
    "bundles/bundle-webapp-aws.yaml",
    "bundles/bundle-webapp-standard.yaml",
    "catalog/compute/compute-container-app.yaml",
    "catalog/compute/container-app-github.yaml",
    "catalog/configuration/parameter-aws.yaml",
    "catalog/databases/database-mysql-legacy.yaml",
    "catalog/databases/database-postgresql-standard.yaml",
    "catalog/databases/postgresql-aws.yaml",
    "catalog/network/dns-record-powerdns.yaml",
    "catalog/network/dns-record.yaml",
    "catalog/network/network-private.yaml",
    "catalog/observability/alerts-prometheus.yaml",
    "catalog/observability/dashboard-grafana.yaml",
    "catalog/observability/monitoring-alerts.yaml",
    "catalog/observability/monitoring-dashboard.yaml",
    "catalog/people/team-onboarding.yaml",
    "catalog/people/vendor-license.yaml",
    "catalog/repositories/repository-ci.yaml",
    "catalog/security/secret-aws.yaml",
    "catalog/security/secret-store.yaml",
    "catalog/storage/object-storage-aws.yaml",
    "catalog/storage/object-storage.yaml",
    "environments/production.yaml",
    "environments/staging.yaml",
    "modules/aws-object-storage/main.tf",
    "modules/aws-postgresql/main.tf",
    "services/data/data-lake.yaml",
    "services/data/data-reporting.yaml",
    "services/payments/payments-api.yaml",
    "services/payments/payments-db.yaml",
    "services/payments/payments-psp-license.yaml",
    "services/payments/payments-secrets.yaml",
    "services/storefront/storefront-assets.yaml",
    "services/storefront/storefront-insights.yaml",
    "services/storefront/storefront-web.yaml",
    "services/storefront/storefront-www.yaml",
    "trueline.yaml",
    "workflows/deploy-app.yml",
    "workflows/remove-app.yml",
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::FILES;

    fn walk(root: &Path, folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).expect("the example is there") {
            let path = entry.expect("a file").path();
            if path.is_dir() {
                walk(root, &path, found);
                continue;
            }
            let name = path.strip_prefix(root).expect("inside").to_str().expect("UTF-8");
            found.push((name.to_owned(), std::fs::read_to_string(&path).expect("text")));
        }
    }

    #[test]
    fn the_list_is_the_folder() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog-example");
        let mut found = Vec::new();
        walk(&root, &root, &mut found);
        found.sort();
        let listed: Vec<(String, String)> =
            FILES.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        assert_eq!(listed, found);
    }
}
