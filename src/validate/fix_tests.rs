//! Tests of fixing: what is applied, what is taken back, and that nothing else changes.

use proptest::prelude::*;

use super::super::judge::Judge;
use super::super::testing::{ITEM, SERVICE, snapshot};
use super::*;

fn judged(snapshot: &Snapshot) -> Vec<Finding> {
    Judge::default().judge(snapshot).findings
}

fn mended(snapshot: &Snapshot, unsafe_too: bool) -> Mended {
    let wanted = |finding: &Finding| unsafe_too || finding.fix.as_ref().is_some_and(|fix| fix.safe);
    mend(snapshot, &wanted, &mut judged)
}

const PATH: &str = "services/payments/payments-db.yaml";

/// Expects what fixing makes of a service, and what is left, one finding a line.
#[track_caller]
fn check(service: &str, unsafe_too: bool, expected: &str, left: &[&str]) {
    let mut snapshot = snapshot(ITEM);
    let blob = |text: &str| Blob { id: text.into(), bytes: text.as_bytes().into() };
    snapshot.files.insert(PATH.into(), blob(service));
    let mended = mended(&snapshot, unsafe_too);
    let after = mended.snapshot.files[PATH].bytes.get();
    let after = std::str::from_utf8(&after).unwrap();
    assert_eq!(after, expected, "{:#?}", mended.refused);
    let rules: Vec<&str> = mended.findings.iter().map(|finding| &*finding.rule).collect();
    assert_eq!(rules, left, "{:#?}", mended.findings);
    assert_eq!(mended.files.is_empty(), service == expected);
}

const HEAD: &str = "schemaVersion: catalog/v1\nkind: Service\n";
const META: &str = "metadata: {id: payments-db, team: payments}\n";
const OF: &str = "catalogItem: database-standard\n";

#[test]
fn what_is_certain_is_fixed_and_all_else_stays() {
    let text =
        format!("# c\r\n{HEAD}{META}{OF}# why\nversion: 1.4   # é\nfields:\n    label:   7 # x\n");
    let expected = text.replace("1.4   #", "\"1.4\"   #").replace("label:   7", "label:   \"7\"");
    check(&text, false, &expected, &[]);
    let marked =
        |text: &str| format!("\u{feff}{}", text.replace("\r\n", "\n").replace('\n', "\r\n"));
    check(&marked(&text), false, &marked(&expected), &[]);
}

#[test]
fn a_head_that_the_path_tells_is_added() {
    check(&format!("# c\n{META}{OF}"), false, &format!("# c\n{HEAD}{META}{OF}"), &[]);
    let text = format!("schemaVersion: catalog/v1\nkind: Servise\n{META}{OF}");
    check(&text, false, &format!("{HEAD}{META}{OF}"), &[]);
    // Another version may be one that this program does not know yet.
    let text = format!("schemaVersion: catalog/v2\nkind: Service\n{META}{OF}");
    check(&text, false, &text, &["document/schema-version"]);
}

#[test]
fn what_stands_twice_is_taken_once() {
    let text = format!("{HEAD}{META}{OF}dependsOn: [a-b-c, a-b-c] # c\n");
    let expected = text.replace("[a-b-c, a-b-c]", "[a-b-c]");
    check(&text, false, &expected, &["reference/unknown-service"]);
}

#[test]
fn a_template_in_an_unreadable_file_is_quoted_and_what_it_hid_is_told() {
    let text =
        format!("{HEAD}{META}{OF}fields:\n  label: {{{{services.a-b-c.outputs.url}}}} # c\n");
    let expected = text.replace("{{services", "\"{{services").replace("url}}", "url}}\"");
    check(&text, false, &expected, &["reference/unknown-service"]);
}

#[test]
fn guesses_are_applied_only_when_asked_for() {
    let text = format!(
        "{HEAD}metdata: {{id: payments-db, team: payments}}\ncatalogItem: database-standrad\nfields: {{sise: smal}} # c\n"
    );
    let left = ["schema/missing-key", "schema/unknown-key"];
    check(&text, false, &text, &left);
    let expected = format!("{HEAD}{META}{OF}fields: {{size: small}} # c\n");
    check(&text, true, &expected, &[]);
}

#[test]
fn a_fix_that_does_not_mend_is_taken_back() {
    // In quotes it is a text, but still too short; the rest of the file is fixed all the same.
    let path = "catalog/databases/database-standard.yaml";
    let wrong = ITEM.replace("name: Database\n", "name: 12 # c\n  tags: [a, a]\n");
    let mended = mended(&snapshot(&wrong), false);
    let after = mended.snapshot.files[path].bytes.get();
    let after = std::str::from_utf8(&after).unwrap();
    assert!(after.contains("name: 12 # c\n  tags: [a]\n"), "{after}");
    let rules = |findings: &[Finding]| -> Vec<String> {
        findings.iter().map(|finding| finding.rule.clone()).collect()
    };
    assert_eq!(rules(&mended.fixed), ["schema/value"]);
    assert_eq!(rules(&mended.refused), ["schema/type"]);
    assert_eq!(rules(&mended.findings), ["schema/type"]);
}

#[test]
fn of_fixes_that_break_each_other_the_first_has_to_do() {
    let all = Snapshot::of_files([("a".to_owned(), b"xy".to_vec())]);
    let finding = |start: usize, what: &str| {
        let place = crate::finding::Place::start_of("a");
        Finding::error("schema/value", place, what).fix(fix(&[(start, start, "!")]))
    };
    let mut judge = |snapshot: &Snapshot| match &*snapshot.files["a"].bytes.get() {
        b"xy" => vec![finding(0, "a"), finding(2, "b")],
        b"!xy" => vec![Finding { fix: None, ..finding(0, "b") }],
        b"xy!" => vec![Finding { fix: None, ..finding(0, "a") }],
        _ => vec![Finding { fix: None, ..finding(0, "c") }],
    };
    let mended = mend(&all, &|_| true, &mut judge);
    assert_eq!(&*mended.snapshot.files["a"].bytes.get(), b"!xy");
    assert_eq!((mended.fixed.len(), mended.refused.len()), (1, 1));
}

#[test]
fn fixing_comes_to_an_end() {
    let all = Snapshot::of_files([("a".to_owned(), Vec::new())]);
    let mut count = 0;
    let mut judge = |_: &Snapshot| {
        count += 1;
        let place = crate::finding::Place::start_of("a");
        vec![Finding::note("schema/value", place, count.to_string()).fix(fix(&[(0, 0, "!")]))]
    };
    let mended = mend(&all, &|_| true, &mut judge);
    assert_eq!(&*mended.snapshot.files["a"].bytes.get(), b"!!!!!");
}

#[test]
fn a_document_that_is_right_is_not_touched() {
    let good = snapshot(&format!("{ITEM}{SERVICE}"));
    let mended = mended(&good, true);
    assert_eq!((mended.files, mended.snapshot), (Vec::new(), good));
}

fn fix(edits: &[(usize, usize, &str)]) -> Fix {
    let edit = |(start, end, text): &(usize, usize, &str)| Edit {
        start: *start,
        end: *end,
        text: (*text).to_owned(),
    };
    Fix { what: String::new(), safe: true, edits: edits.iter().map(edit).collect() }
}

#[track_caller]
fn check_apply(bytes: &str, fixes: &[Fix], expected: &str, taken: &[bool]) {
    let applied = apply(bytes.as_bytes(), &fixes.iter().collect::<Vec<_>>());
    assert_eq!(String::from_utf8(applied.bytes).unwrap(), expected);
    assert_eq!(applied.taken, taken);
}

#[test]
fn fixes_that_touch_or_lie_outside_are_not_applied() {
    let (a, b) = (fix(&[(0, 1, "x")]), fix(&[(2, 3, "y")]));
    check_apply("abc", &[b.clone(), a.clone()], "xby", &[true, true]);
    check_apply("abc", &[a.clone(), fix(&[(0, 2, "y")])], "xbc", &[true, false]);
    check_apply("abc", &[fix(&[(1, 1, "y")]), a.clone()], "xbc", &[false, true]);
    check_apply("abc", &[a.clone(), a.clone()], "xbc", &[true, true]);
    check_apply("abc", &[fix(&[(0, 1, "z"), (2, 3, "z")]), b], "zbz", &[true, false]);
    check_apply("abc", &[fix(&[(2, 9, "")]), fix(&[(2, 1, "")]), fix(&[])], "abc", &[false; 3]);
    check_apply("é", &[fix(&[(1, 2, "")])], "é", &[false]);
    check_apply("abc", &[fix(&[(0, 1, "z"), (1, 2, "z")])], "abc", &[false]);
    check_apply("", &[fix(&[(0, 0, "z")])], "z", &[true]);
}

/// Documents that are wrong in many ways at once.
fn broken() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("version: 1.4  # c"),
        Just("version: '^1'"),
        Just("dependsOn: [a-b-c, x-y-z, a-b-c]"),
        Just("dependsOn:\n  - a-b-c\n  - a-b-c"),
        Just("fields: {label: 7, sise: small}"),
        Just("fields:\n  label: {{services.a.outputs.b}} # c"),
        Just("fields:\n  label: 007"),
        Just("priority: hihg"),
        Just("# trueline: allow template/literal it is so"),
        Just("# trueline: allow form/pattern, settings/guard it is so"),
        Just("   # é"),
        Just(""),
        Just("description: null"),
        Just("catalogItem: database-standrad"),
        Just("catalogItem: database-standard"),
        Just("\tx: 1"),
    ];
    let head = prop_oneof![
        Just(HEAD),
        Just("kind: Service\n"),
        Just("# c\n"),
        Just("---\nschemaVersion: catalog/v1\nkind: Servise\n"),
    ];
    let breaks = prop_oneof![Just("\n"), Just("\r\n")];
    let mark = prop_oneof![Just(""), Just("\u{feff}")];
    (mark, head, prop::collection::vec(line, 0..7), breaks).prop_map(|(mark, head, lines, end)| {
        format!("{mark}{head}{META}{}\n", lines.join("\n")).replace('\n', end)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn bytes_outside_the_edits_stay(
        text in "[a-zé\n]{0,40}",
        edits in prop::collection::vec((0usize..44, 0usize..6, "[A-Z]{0,3}"), 0..8),
    ) {
        let fixes: Vec<Fix> =
            edits.iter().map(|(start, length, new)| fix(&[(*start, start + length, new)])).collect();
        let applied = apply(text.as_bytes(), &fixes.iter().collect::<Vec<_>>());
        let written = String::from_utf8(applied.bytes).unwrap();
        // What is new is in capitals: without it, and without what was replaced, the rest is the same.
        let mut kept = text.clone();
        let mut cut: Vec<&Edit> = fixes
            .iter()
            .zip(&applied.taken)
            .filter(|(_, taken)| **taken)
            .map(|(fix, _)| &fix.edits[0])
            .collect();
        cut.sort_by_key(|edit| edit.start);
        cut.dedup();
        for edit in cut.iter().rev() {
            kept.replace_range(edit.start..edit.end, "");
        }
        let rest: String = written.chars().filter(|each| !each.is_ascii_uppercase()).collect();
        prop_assert_eq!(rest, kept);
    }

    #[test]
    fn every_fix_has_its_place_in_the_file(
        text in "(\u{feff})?((schemaVersion|kind|metadata|feilds|version|dependsOn|é)(: |:\n|\t)|[-?:,\\[\\]{}#&*!|>'\"%@` \n\t01é~.]|- |\n  |\\{\\{|\\}\\}|\r\n|# trueline: allow |form/pattern|Servise|1_0|007|true|null){0,40}",
    ) {
        let files = Snapshot::of_files([(PATH.to_owned(), text.clone().into_bytes())]);
        for finding in judged(&files) {
            if let Some(fix) = &finding.fix {
                prop_assert!(fits(text.as_bytes(), fix, &[]), "{finding:?} in {text:?}");
            }
        }
    }

    #[test]
    fn fixing_twice_is_fixing_once_and_never_makes_worse(service in broken()) {
        let mut all = snapshot(ITEM);
        all.files.insert(PATH.into(), Blob { id: "1".into(), bytes: service.as_bytes().into() });
        let before = judged(&all);
        let once = mended(&all, false);
        let twice = mended(&once.snapshot, false);
        prop_assert!(twice.files.is_empty(), "{service:?} {:?}", twice.files);
        prop_assert!(depth(&once.findings) >= depth(&before));
        // Every line that no fix is about is still there, comments among them.
        let after = String::from_utf8(once.snapshot.files[PATH].bytes.get().to_vec()).unwrap();
        let kept = |line: &&str| line.contains("# c") || line.contains('é');
        for line in service.lines().filter(kept) {
            let comment = line.split('#').nth(1).unwrap_or_default();
            prop_assert!(after.contains(comment), "{line:?} in {after:?}");
        }
        prop_assert_eq!(service.starts_with('\u{feff}'), after.starts_with('\u{feff}'));
        prop_assert_eq!(after.matches('\n').count() == after.matches("\r\n").count(), service.contains("\r\n"));
    }
}
