//! Writes the settings of each type of action into its page, `docs/actions/<type>.md`, between two markers. What people
//! wrote around them stays.

use super::documents_document::settings_table;
use crate::kinds::ActionKind;

/// Where the settings begin.
const BEGIN: &str = "<!-- config -->";

/// Where they end.
const END: &str = "<!-- /config -->";

/// Returns a page with the settings of its type in it; nothing where the page has no place for them.
pub fn with_settings(page: &str, kind: &ActionKind) -> Option<String> {
    let (before, after) = page.split_once(BEGIN)?;
    // A page that nothing was written into yet may have the first marker twice, or alone.
    let rest =
        after.split_once(END).or_else(|| after.split_once(BEGIN)).map_or("\n", |(_, rest)| rest);
    let table = settings_table(kind);
    Some(format!(
        "{before}{BEGIN}\n<!-- Written by `UPDATE_DOCS=1 cargo test actions_document` from the schema. -->\n\n{table}{END}{rest}"
    ))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::local::testing::is_written;
    use super::*;

    #[test]
    fn actions_document_is_what_the_schemas_say() {
        for kind in crate::kinds::all() {
            let name = format!("docs/actions/{}.md", kind.name);
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&name);
            let page =
                std::fs::read_to_string(path).unwrap_or_else(|_| panic!("{name} is missing"));
            let page = with_settings(&page, kind);
            let page = page.unwrap_or_else(|| panic!("{name} has no {BEGIN}"));
            is_written(&name, &page, "actions_document");
        }
    }

    #[test]
    fn what_people_wrote_stays_and_writing_twice_changes_nothing() {
        let kind = crate::kinds::find("notify").unwrap();
        for page in [
            "# a\n<!-- config -->\n<!-- /config -->\nb\n",
            "# a\n<!-- config -->\n<!-- config -->\nb\n",
        ] {
            let once = with_settings(page, kind).unwrap();
            assert!(
                once.starts_with("# a\n<!-- config -->\n")
                    && once.ends_with("<!-- /config -->\nb\n")
            );
            assert!(once.contains("| `channel` *"), "{once}");
            assert_eq!(with_settings(&once, kind).unwrap(), once);
        }
        assert!(
            with_settings("# a\n<!-- config -->", kind).unwrap().ends_with("<!-- /config -->\n")
        );
        assert_eq!(with_settings("# a\n", kind), None);
    }

    #[test]
    fn every_example_of_actions_fits_its_schema() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/actions");
        let mut examples = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let page = std::fs::read_to_string(&path).unwrap();
            for block in page.split("```yaml\n").skip(1) {
                let text = block.split("```").next().unwrap();
                if !text.starts_with("- id:") {
                    continue;
                }
                let actions: serde_json::Value = serde_yaml::from_str(text).unwrap();
                for action in actions.as_array().unwrap() {
                    let kind = crate::kinds::find(action["type"].as_str().unwrap()).unwrap();
                    let faults = crate::kinds::config_problems(kind, &action["config"]);
                    assert!(faults.is_empty(), "{}: {faults:?}", path.display());
                    examples += 1;
                }
            }
        }
        assert!(examples >= 2);
    }
}
