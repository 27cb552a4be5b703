//! `trueline plan --base`: what a change would do, wherever in its repository the catalog is.

use serde_json::Value;

use crate::desk::{Desk, SERVICE};

/// Returns the services that a plan changes, and how.
fn planned(desk: &Desk, folder: &str, arguments: &[&str]) -> Vec<String> {
    let line = [&["-o", "json", "plan"], arguments].concat();
    let ended = desk.run(folder, "trueline", &line);
    let said = ended.fine();
    let plan: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}"));
    let changes = plan["changes"].as_array().unwrap_or_else(|| panic!("{said}")).iter();
    changes.map(|one| format!("{} {}", one["kind"], one["service"]).replace('"', "")).collect()
}

#[test]
fn a_catalog_in_a_folder_is_compared_with_what_that_folder_was() {
    for catalog in ["", "infra/catalog"] {
        let desk = Desk::with_catalog_in(catalog);
        let folder = format!("work/{catalog}");
        let id = "platform-handbook";
        let file =
            if catalog.is_empty() { SERVICE.to_owned() } else { format!("{catalog}/{SERVICE}") };
        assert_eq!(planned(&desk, &folder, &["--base", "main"]), [""; 0], "{catalog}");

        desk.git(&["switch", "-q", "-c", "change"]).fine();
        desk.git(&["rm", "-q", &file]).fine();
        desk.commit_unseen();
        let expected = [format!("delete {id}")];
        assert_eq!(planned(&desk, &folder, &["--base", "main"]), expected, "{catalog}");
        assert_eq!(planned(&desk, &folder, &["--base", "HEAD~1"]), expected, "{catalog}");
        assert_eq!(planned(&desk, &folder, &["--base", "origin/main"]), expected, "{catalog}");
        // From the root of the repository as well.
        let named = if catalog.is_empty() { "." } else { catalog };
        let from_root = ["--catalog", named, "--base", "main"];
        assert_eq!(planned(&desk, "work", &from_root), expected, "{catalog}");

        desk.git(&["switch", "-q", "main"]).fine();
        let created = [format!("create {id}")];
        assert_eq!(planned(&desk, &folder, &["--base", "change"]), created, "{catalog}");
    }
}

#[test]
fn a_folder_that_the_base_does_not_have_was_empty() {
    let desk = Desk::new();
    desk.trueline(&["init", "second/catalog"]).fine();
    let planned = planned(&desk, "work/second/catalog", &["--base", "main"]);
    assert_eq!(planned, ["create platform-handbook"]);
}
