//! `reference/unknown-component`: templates of a bundle read outputs of its components.

use crate::catalog::{Body, Document};
use crate::finding::Severity;
use crate::template::is_template;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};
use crate::validate::scope::listed;
use crate::validate::templates::Placed;

pub(super) static RULE: Rule = Rule {
    id: "reference/unknown-component",
    severity: Severity::Error,
    summary: "A template of a bundle reads a component that the bundle does not have, or not its outputs.",
    why: "The component that needs it could never be made.",
    mend: "Write `components.<id>.outputs.<name>` with the id of a component of this bundle.",
    bad: "config: {databaseUrl: \"{{components.databse.outputs.url}}\"}",
    good: "config: {databaseUrl: \"{{components.database.outputs.url}}\"}",
    check: Check::Document(check),
};

fn check(document: &Document, findings: &mut Findings<'_>) {
    let Some(Body::Bundle(bundle)) = &document.body else { return };
    let known: Vec<&str> =
        bundle.components.iter().map(|component| component.id.as_str()).collect();
    for Placed { text, pointer, .. } in findings.texts().iter().filter(|it| is_template(&it.text)) {
        for reference in &findings.read(text).references {
            let (root, rest) = match reference.path.split_first() {
                Some((root, rest)) if root == "components" || root == "services" => (root, rest),
                _ => continue,
            };
            let Some(id) = rest.first() else { continue };
            let at = |message: String| findings.in_text(pointer, reference.offset, message);
            let finding = if root == "components" && !known.contains(&id.as_str()) {
                let finding = at(format!("no component `{id}` in this bundle"));
                findings
                    .near(finding, id, known.iter().copied())
                    .or_hint(|| format!("its components: {}", listed(&known)))
            } else if rest.get(1).is_none_or(|part| part != "outputs") || rest.len() < 3 {
                let whose = root.trim_end_matches('s');
                at(format!("only the outputs of a {whose} can be read"))
                    .hint(format!("write `{root}.{id}.outputs.<name>`"))
            } else {
                continue;
            };
            findings.add(finding);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{BUNDLE, ITEM, check};

    #[test]
    fn components_are_those_of_the_bundle() {
        check(
            &format!(
                "{ITEM}{}",
                BUNDLE.replace("components.database.outputs", "components.databse.outputs")
            ),
            "
            bundles/bundle-webapp.yaml:16:24: error reference/unknown-component no component `databse` in this bundle (did you mean `database`?)
            bundles/bundle-webapp.yaml:25:19: error reference/unknown-component no component `databse` in this bundle (did you mean `database`?)
        ",
        );
        check(
            &format!(
                "{ITEM}{}",
                BUNDLE.replace("components.database.outputs.url", "components.database.url")
            ),
            "
            bundles/bundle-webapp.yaml:16:24: error reference/unknown-component only the outputs of a component can be read (write `components.database.outputs.<name>`)
            bundles/bundle-webapp.yaml:25:19: error reference/unknown-component only the outputs of a component can be read (write `components.database.outputs.<name>`)
        ",
        );
    }
}
