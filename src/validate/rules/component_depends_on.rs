//! `component/depends-on`: components have ids of their own, depend on others, and not in a ring.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::{Body, Bundle, Document};
use crate::finding::Severity;
use crate::validate::findings::Findings;
use crate::validate::graph::rings;
use crate::validate::references::each_read;
use crate::validate::registry::{Check, Rule};
use crate::validate::scope::listed;

pub(super) static RULE: Rule = Rule {
    id: "component/depends-on",
    severity: Severity::Error,
    summary: "A component depends on one that is not there, on itself, or on one that waits for it.",
    why: "It could never be made.",
    mend: "Name other components of the bundle, and break the ring. Reading an output of a component is depending on it.",
    bad: "- {id: app, dependsOn: [app], …}",
    good: "- {id: app, dependsOn: [database], …}",
    check: Check::Document(check),
};

fn check(document: &Document, findings: &mut Findings<'_>) {
    let Some(Body::Bundle(bundle)) = &document.body else { return };
    let mut positions: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, component) in bundle.components.iter().enumerate() {
        if let Some(first) = positions.get(component.id.as_str()) {
            let message = format!("another component has the id `{}` already", component.id);
            let finding = findings.at(&format!("/components/{index}/id"), message);
            let finding = finding.hint("give this one another id");
            let first = findings.place(&format!("/components/{first}/id"));
            findings.add(finding.related(first, "the first one"));
        } else {
            positions.insert(&component.id, index);
        }
    }
    for (index, component) in bundle.components.iter().enumerate() {
        for (at, id) in component.depends_on.iter().enumerate() {
            let pointer = format!("/components/{index}/dependsOn/{at}");
            if !positions.contains_key(id.as_str()) {
                let finding = findings.at(&pointer, format!("no component `{id}` in this bundle"));
                let known: Vec<&str> = positions.keys().copied().collect();
                let finding = findings.near(finding, id, known.iter().copied());
                findings.add(finding.or_hint(|| format!("its components: {}", listed(&known))));
            }
        }
    }
    check_rings(bundle, &positions, findings);
}

fn check_rings(bundle: &Bundle, positions: &BTreeMap<&str, usize>, findings: &mut Findings<'_>) {
    // Component → what it waits for, with the pointer that says so.
    let edges: Vec<BTreeMap<usize, String>> =
        (0..bundle.components.len()).map(|index| edges_of(bundle, index, positions)).collect();
    let next: Vec<Vec<usize>> = edges.iter().map(|edges| edges.keys().copied().collect()).collect();
    let name = |index: usize| bundle.components.get(index).map_or("", |c| c.id.as_str());
    for ring in rings(&next) {
        let Some(first) = ring.first() else { continue };
        let path: Vec<&str> = ring.iter().chain([first]).map(|index| name(*index)).collect();
        let message = match ring.len() {
            1 => format!("component `{}` depends on itself", name(*first)),
            _ => format!("components wait for one another: {}", path.join(" → ")),
        };
        let place = |from: usize, to: usize| {
            let pointer = edges.get(from).and_then(|edges| edges.get(&to));
            findings.place(pointer.map_or("", String::as_str))
        };
        let pairs: BTreeSet<(usize, usize)> = ring
            .iter()
            .zip(ring.iter().skip(1).chain([first]))
            .map(|(from, to)| (*from, *to))
            .collect();
        let hint = "break the ring: take a name out of `dependsOn`, or stop reading an output";
        let mut finding = findings.at(&format!("/components/{first}"), message).hint(hint);
        for (from, to) in pairs {
            if from == *first {
                finding.place = place(from, to);
            }
            let edge = format!("`{}` waits for `{}`", name(from), name(to));
            finding = finding.related(place(from, to), edge);
        }
        findings.add(finding);
    }
}

fn edges_of(
    bundle: &Bundle,
    index: usize,
    positions: &BTreeMap<&str, usize>,
) -> BTreeMap<usize, String> {
    let mut edges = BTreeMap::new();
    let Some(component) = bundle.components.get(index) else { return edges };
    for (at, id) in component.depends_on.iter().enumerate() {
        if let Some(to) = positions.get(id.as_str()) {
            edges.entry(*to).or_insert(format!("/components/{index}/dependsOn/{at}"));
        }
    }
    each_read(component, &mut |path, pointer, _| {
        if let [root, id, ..] = path
            && root == "components"
            && let Some(to) = positions.get(id.as_str())
        {
            edges.entry(*to).or_insert(format!("/components/{index}/config{pointer}"));
        }
    });
    edges
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{BUNDLE, ITEM, check};

    #[track_caller]
    fn with(depends_on: &str, expected: &str) {
        let bundle = BUNDLE.replace(
            "    outputs: [url]",
            &format!("    dependsOn: [{depends_on}]\n    outputs: [url]"),
        );
        check(&format!("{ITEM}{bundle}"), expected);
    }

    #[test]
    fn components_depend_on_others_of_the_bundle() {
        with(
            "repilca",
            "bundles/bundle-webapp.yaml:13:17: error component/depends-on no component `repilca` in this bundle (did you mean `replica`?)",
        );
        with("database", "
            bundles/bundle-webapp.yaml:13:17: error component/depends-on component `database` depends on itself (break the ring: take a name out of `dependsOn`, or stop reading an output)
            bundles/bundle-webapp.yaml:13:17: `database` waits for `database`
        ");
    }

    #[test]
    fn a_ring_is_printed_with_the_place_of_each_edge() {
        with("replica", "
            bundles/bundle-webapp.yaml:13:17: error component/depends-on components wait for one another: database → replica → database (break the ring: take a name out of `dependsOn`, or stop reading an output)
            bundles/bundle-webapp.yaml:13:17: `database` waits for `replica`
            bundles/bundle-webapp.yaml:17:21: `replica` waits for `database`
        ");
    }

    #[test]
    fn ids_are_unique_in_the_bundle() {
        check(
            &format!(
                "{ITEM}{}",
                BUNDLE.replace("id: replica", "id: database")
            ),
            "
            bundles/bundle-webapp.yaml:14:9: error component/depends-on another component has the id `database` already (give this one another id)
            bundles/bundle-webapp.yaml:10:9: the first one
        ",
        );
    }
}
