//! What every format must keep: the same bytes twice, something valid for nothing, and no text that acts.

use super::*;
use crate::catalog::Snapshot;
use crate::finding::{Edit, Finding, Fix, Place};
use crate::validate::Judge;
use crate::validate::testing::{ITEM, SERVICE, snapshot};

/// Two services that are wrong, and what is found in them.
///
/// The findings are written down, not looked for, so that reports stay as they are when rules change.
pub(super) fn broken() -> (Snapshot, Vec<Finding>) {
    let wrong = SERVICE
        .replace("{size: small}", "\n  size: smal\n  label: \"at {{services.x.outputs.url}}\"");
    let twin = SERVICE.replace("payments/", "billing/").replace("team: payments", "team: billing");
    let snapshot = snapshot(&format!("{ITEM}{wrong}{twin}"));
    let place = |team: &str, line, column, length| {
        let path = format!("services/{team}/payments-db.yaml").into();
        Place { path, line, column, length }
    };
    let (one, other) = (place("billing", 3, 16, 11), place("payments", 3, 16, 11));
    let twice = |team| format!("`services/{team}/payments-db.yaml` has the id `payments-db` too");
    let start =
        "schemaVersion: catalog/v1\nkind: Service\nmetadata: {id: payments-db, team: payments}\n\
                 catalogItem: database-standard\nfields: \n  size: "
            .len();
    let edit = Edit { start, end: start + "smal".len(), text: "small".to_owned() };
    let fix = Fix { what: "write `small`".to_owned(), safe: true, edits: vec![edit] };
    let findings = vec![
        Finding::error("id/duplicate", one.clone(), twice("payments"))
            .related(other.clone(), "the other one"),
        Finding::error("id/duplicate", other, twice("billing")).related(one, "the other one"),
        Finding::error(
            "fields/value",
            place("payments", 6, 9, 4),
            "expected one of `small`, `large`, found `smal`",
        )
        .hint("did you mean `small`?")
        .fix(fix),
        Finding::warning(
            "template/literal",
            place("payments", 7, 14, 0),
            "this is taken as it stands: only one lone reference is read in a field",
        )
        .hint("write nothing but `{{services.<id>.outputs.<name>}}`"),
    ];
    (snapshot, findings)
}

#[test]
fn the_example_points_at_what_it_says() {
    let (snapshot, findings) = broken();
    let path = &findings[3].place.path;
    let bytes = snapshot.files.get(path).unwrap().bytes.get();
    let edit = &findings[2].fix.as_ref().unwrap().edits[0];
    assert_eq!(&bytes[edit.start..edit.end], b"smal");
    assert!(Judge::default().judge(&snapshot).findings.len() >= 3);
}

/// What somebody could write into a catalog to act where it is shown.
const HOSTILE: [&str; 15] = [
    "",
    "\u{1b}[2J\u{1b}]8;;https://evil\u{7}x\u{1b}]8;;\u{7}\u{9b}31m",
    "]]><x a=\"'\"/>&amp;<!-- -->",
    "x%0A::error::x",
    "x\r\n::add-mask::x\n##[add-mask]x",
    " ::stop-commands::x",
    "##[stop-commands]x",
    "<script>alert(1)</script><img src=x onerror=y>",
    "a | b || c\n|---|\n</details>",
    "@acme/everyone @root #1 acme/x#2 ping `@them` `",
    "``` `` ` ![x](https://evil) [y](javascript:z) https://evil www.evil",
    "\u{0}\u{8}\u{b}\u{85}\u{2028}\u{202e}\u{2066}\u{200b}\u{feff}\u{fffe}\u{ffff}\u{e0001}",
    "漢字 e\u{301} 🧑\u{200d}🚒 ü {0} {{fields.x}} $x$ \\ \\` \t",
    "`a\\|b` `c\\\\|d` e\\|f -->",
    "&lt;b&gt; &#64;acme",
];

/// Findings in which every text is hostile, at places that are there and at some that are not.
pub(super) fn hostile() -> (Snapshot, Vec<Finding>) {
    let long = "x@|`<".repeat(1 << 18);
    let texts: Vec<&str> = HOSTILE.into_iter().chain([long.as_str()]).collect();
    let files =
        texts.iter().map(|text| (format!("services/{text}/x.yaml"), text.as_bytes().to_vec()));
    let snapshot = Snapshot::of_files(files);
    let mut findings = Vec::new();
    for text in &texts {
        let places = [(1, 3, u32::MAX), (1, 1, 0), (u32::MAX, u32::MAX, 1)];
        let places = places.into_iter().take(if text.len() > 1_000 { 1 } else { 3 });
        for (line, column, length) in places {
            let path = format!("services/{text}/x.yaml").into();
            let place = Place { path, line, column, length };
            let edits = vec![Edit { start: 1, end: 0, text: (*text).to_owned() }];
            let safe = line == 1;
            let fix = Fix { what: (*text).to_owned(), safe, edits };
            let other = Place { path: (*text).into(), ..place.clone() };
            let finding = Finding::error("fields/value", place, *text);
            findings.push(finding.hint(*text).related(other, *text).fix(fix));
        }
    }
    (snapshot, findings)
}

#[test]
fn the_same_is_written_twice() {
    for (snapshot, findings) in [broken(), hostile()] {
        for format in formats() {
            let write = || (format.write)(&Report::new(&snapshot, &findings));
            assert!(write() == write(), "{}", format.name);
        }
    }
}

#[test]
fn formats_are_named_and_told() {
    for format in formats() {
        assert!(super::format(format.name).is_some_and(|found| std::ptr::eq(found, *format)));
        assert!(!format.summary.ends_with('.') && format.about.ends_with('.'), "{}", format.name);
    }
    assert!(super::format("pdf").is_none());
}

#[test]
fn nothing_in_a_text_acts_in_any_format() {
    let (snapshot, findings) = hostile();
    for format in formats() {
        let text = (format.write)(&Report::new(&snapshot, &findings));
        assert!(text.ends_with('\n'), "{}", format.name);
        if ["json", "sarif"].contains(&format.name) {
            // Their reader gets every text back as it was.
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", format.name);
            continue;
        }
        assert!(text.len() < 1 << 20, "{} has {} bytes", format.name, text.len());
        let hidden = |c: char| {
            c != '\n'
                && (c.is_control()
                    || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}' | '\u{feff}'))
        };
        assert_eq!(text.chars().find(|c| hidden(*c)), None, "{}", format.name);
        assert!(!text.contains("##["), "{}", format.name);
        let command = |line: &&str| line.trim_start().starts_with("::") && format.name != "github";
        assert_eq!(text.lines().find(command), None, "{}", format.name);
    }
}

#[test]
fn ten_thousand_documents_are_written_at_once() {
    let files =
        (0..10_000).map(|n| (format!("services/team/{n}.yaml"), b"kind: Service\n".to_vec()));
    let snapshot = Snapshot::of_files(files);
    let findings: Vec<Finding> = snapshot
        .files
        .keys()
        .map(|path| Finding::error("fields/value", Place::start_of(path.clone()), "no such value"))
        .collect();
    for format in formats() {
        let text = (format.write)(&Report::new(&snapshot, &findings));
        let told = text.matches("no such value").count();
        // What is for people has an end that says how many more there are.
        let cut = ["github", "markdown"].contains(&format.name);
        assert!(
            if cut { (100..10_000).contains(&told) } else { told >= 10_000 },
            "{} {told}",
            format.name
        );
    }
}
