//! `document/…`: what a document says it is, against where it stands. It is found while reading; these rows explain.

use crate::finding::Severity;
use crate::validate::registry::{Check, Rule};

pub(super) static RULES: [Rule; 6] = [
    Rule {
        id: "document/schema-version",
        severity: Severity::Error,
        summary: "A document does not say which version of the format it is written in, or one that is not known.",
        why: "What a later version means is not for this program to guess.",
        mend: "Begin with `schemaVersion: catalog/v1`.",
        bad: "schemaVersion: catalog/v2",
        good: "schemaVersion: catalog/v1",
        check: Check::Reader,
    },
    Rule {
        id: "document/kind",
        severity: Severity::Error,
        summary: "The kind of a document is missing, unknown, or does not belong into its folder.",
        why: "The folder and the kind say the same thing; where they differ one of them is a mistake.",
        mend: "Move the file to the folder of its kind, or correct the kind.",
        bad: "kind: CatalogItem in services/payments/",
        good: "kind: Service in services/payments/",
        check: Check::Reader,
    },
    Rule {
        id: "document/id",
        severity: Severity::Error,
        summary: "The id of a document is not the name of its file.",
        why: "People look for a document by its id.",
        mend: "Rename the file or the id.",
        bad: "id: payments-db in payments-database.yaml",
        good: "id: payments-db in payments-db.yaml",
        check: Check::Reader,
    },
    Rule {
        id: "document/folder",
        severity: Severity::Error,
        summary: "The category or team of a document is not the folder that it stands in.",
        why: "Owners of folders decide over what stands in them.",
        mend: "Move the file, or correct the category or team.",
        bad: "team: billing in services/payments/",
        good: "team: payments in services/payments/",
        check: Check::Reader,
    },
    Rule {
        id: "document/ending",
        severity: Severity::Error,
        summary: "A file in a folder of the catalog has an ending or a depth that is not read.",
        why: "It looks as if it counted; while it stands there, what is missing is unknown and nothing is deleted.",
        mend: "Name it `<id>.yaml` and put it where the layout says.",
        bad: "services/payments/payments-db.yml",
        good: "services/payments/payments-db.yaml",
        check: Check::Reader,
    },
    Rule {
        id: "document/misplaced",
        severity: Severity::Error,
        summary: "A document of a catalog stands outside the folders that are read.",
        why: "It looks as if it counted, and has no effect.",
        mend: "Move it to the folder of its kind, or remove `schemaVersion`.",
        bad: "old/payments-db.yaml with schemaVersion: catalog/v1",
        good: "services/payments/payments-db.yaml",
        check: Check::Reader,
    },
];

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, SERVICE, check};

    #[test]
    fn what_a_document_says_is_where_it_stands() {
        let with = |from: &str, to: &str| format!("{ITEM}{}", SERVICE.replace(from, to));
        check(
            &with("catalog/v1", "catalog/v2"),
            "services/payments/payments-db.yaml:1:16: error document/schema-version unknown schemaVersion `catalog/v2` (this program knows `schemaVersion: catalog/v1`)",
        );
        check(
            &with("kind: Service", "kind: Servce"),
            "services/payments/payments-db.yaml:2:7: error document/kind unknown kind `Servce`, expected one of `CatalogItem`, `CatalogBundle`, `Service`, `Environment`, `Catalog` (did you mean `Service`?)",
        );
        check(
            &with("id: payments-db", "id: payments-xy"),
            "services/payments/payments-db.yaml:3:16: error document/id the id is `payments-xy`, and the file is named `payments-db` (rename the id to `payments-db`, or the file to `payments-xy.yaml`)",
        );
        check(
            &with("team: payments", "team: billing"),
            "services/payments/payments-db.yaml:3:35: error document/folder the team is `billing`, and the folder is `payments` (move the file to `services/billing/payments-db.yaml`, or write `team: payments`)",
        );
        check(
            &with("payments-db.yaml", "payments-db.yml"),
            "services/payments/payments-db.yml:1:1: error document/ending a file that ends in `.yml` is not read (write it as YAML and name it `services/payments/payments-db.yaml`)",
        );
        check(
            &with("services/payments/", "old/"),
            "old/payments-db.yaml:1:16: error document/misplaced a document of a catalog stands where none is read (move it to `services/payments/payments-db.yaml`, or remove `schemaVersion`)",
        );
    }
}
