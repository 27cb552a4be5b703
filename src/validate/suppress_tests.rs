//! Tests of what comments allow, through the judge.

use super::super::judge::{Against, Judge};
use super::super::testing::{ITEM, SERVICE, check, judge, judge_after, shown, snapshot};
use super::*;

/// A service with a field that holds a reference among other text, which is a warning.
const WARNED: &str = "\
--- services/payments/payments-db.yaml
schemaVersion: catalog/v1
kind: Service
metadata: {id: payments-db, team: payments}
catalogItem: database-standard
fields:
  label: \"x-{{services.a.outputs.b}}\"
";

const WARNING: &str = "services/payments/payments-db.yaml:6:13: warning template/literal";

fn with(line_end: &str, line_before: &str) -> String {
    let service = WARNED.replace("}}\"\n", &format!("}}}}\"{line_end}\n"));
    format!("{ITEM}{}", service.replace("  label", &format!("{line_before}  label")))
}

#[test]
fn a_finding_is_there_without_a_comment() {
    assert!(shown(&judge(&with("", ""))).starts_with(WARNING), "{}", shown(&judge(&with("", ""))));
}

#[test]
fn a_comment_allows_on_its_line_or_the_next_or_in_the_file() {
    check(&with(" # trueline: allow template/literal shown as it is", ""), "");
    check(&with("", "  # trueline: allow template/literal shown as it is\n  # more\n\n"), "");
    let whole = with("", "")
        .replace("db.yaml\n", "db.yaml\n# trueline: allow-file template/literal shown as it is\n");
    check(&whole, "");
}

#[test]
fn a_comment_without_reason_has_no_effect() {
    let found = shown(&judge(&with(" # trueline: allow template/literal", "")));
    let lines: Vec<&str> = found.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with(WARNING));
    assert_eq!(
        lines[1],
        "services/payments/payments-db.yaml:6:39: warning suppression/no-reason this comment has no effect: it does not say why (write the reason behind the rule: `# trueline: allow RULE why it is fine here`)"
    );
}

#[test]
fn rules_of_comments_are_there() {
    let found = judge(&with(" # trueline: allow template/litteral it is so", ""));
    assert_eq!(
        shown(&found).lines().nth(1),
        Some(
            "services/payments/payments-db.yaml:6:57: warning suppression/unknown-rule this comment has no effect: there is no rule `template/litteral` (did you mean `template/literal`?)"
        )
    );
    assert!(found.findings[1].fix.as_ref().is_some_and(|fix| !fix.safe));
    let found = shown(&judge(&with(" # trueline: allow", "")));
    assert!(found.contains("names no rule"), "{found}");
}

#[test]
fn what_is_an_error_by_itself_cannot_be_allowed() {
    let service = WARNED.replace(
        "database-standard\n",
        "no-such # trueline: allow reference/unknown-item it comes\n",
    );
    let service = service.replace("x-{{services.a.outputs.b}}", "x");
    let judged = judge(&format!("{ITEM}{service}"));
    let rules: Vec<&str> = judged.findings.iter().map(|finding| &*finding.rule).collect();
    assert_eq!(rules, ["reference/unknown-item", "suppression/not-possible"]);
    assert!(judged.misfits.contains_key("payments-db"));
    // The settings may say that it is none.
    let settings = "--- trueline.yaml\nschemaVersion: catalog/v1\nkind: Catalog\nvalidation: {rules: {reference/unknown-item: warning}}\n";
    check(&format!("{ITEM}{service}{settings}"), "");
    let document = "schemaVersion: catalog/v1\nkind: Service # trueline: allow schema/missing-key later\nmetadata: {id: a-b-c, team: payments}\n";
    let found = shown(&judge(&format!("--- services/payments/a-b-c.yaml\n{document}")));
    assert!(found.contains("error schema/missing-key"), "{found}");
    assert!(found.contains("warning suppression/not-possible"), "{found}");
}

#[test]
fn a_warning_that_the_settings_make_an_error_is_allowed_and_wrongs_nothing() {
    let settings = "--- trueline.yaml\nschemaVersion: catalog/v1\nkind: Catalog\nvalidation: {rules: {template/literal: error}}\n";
    let judged = judge(&format!("{}{settings}", with("", "")));
    assert!(judged.catalog.services.is_empty());
    assert!(
        judged.findings[0].is_error()
            && judged.remember.iter().all(|good| &*good.id != "payments-db")
    );
    let allowed = with(" # trueline: allow template/literal shown as it is", "");
    let judged = judge(&format!("{allowed}{settings}"));
    assert_eq!(shown(&judged), "");
    assert!(judged.remember.iter().any(|good| &*good.id == "payments-db"));
}

#[test]
fn what_allows_nothing_is_found_and_taken_away() {
    let unused = with("", "").replace("x-{{services.a.outputs.b}}", "x");
    let found = |text: &str| {
        let judged = judge(text);
        let [finding] = &judged.findings[..] else { panic!("{}", shown(&judged)) };
        assert_eq!(finding.rule, "suppression/unused");
        let fix = finding.fix.clone().unwrap();
        let path = "services/payments/payments-db.yaml";
        let mut bytes = String::from_utf8(snapshot(text).files[path].bytes.get().to_vec()).unwrap();
        for edit in fix.edits.iter().rev() {
            bytes.replace_range(edit.start..edit.end, &edit.text);
        }
        (bytes, fix.safe, finding.message.clone())
    };
    let clean = unused.split("--- services/payments/payments-db.yaml\n").nth(1).unwrap();
    let end = unused.replace("x\"\n", "x\"  # trueline: allow template/literal shown\n");
    let before = unused.replace("  label", "  # trueline: allow template/literal shown\n  label");
    let file =
        unused.replace("db.yaml\n", "db.yaml\n# trueline: allow-file template/literal shown\n");
    for text in [&end, &before, &file] {
        let (mended, safe, message) = found(text);
        assert_eq!((mended.as_str(), safe), (clean, true));
        assert_eq!(
            message,
            "this comment is not needed: what it is about does not break `template/literal`"
        );
    }
    let (_, safe, message) = found(&format!("{unused}# trueline: allow template/literal shown\n"));
    assert_eq!((safe, &*message), (false, "nothing stands below this comment that it could allow"));
    let (_, safe, _) =
        found(&unused.replace("x\"\n", "x\" # trueline: allow-file template/literal shown\n"));
    assert!(!safe);
}

#[test]
fn of_several_rules_the_needed_ones_stay() {
    let text =
        with(" # trueline: allow form/default, template/literal, settings/guard it is so", "");
    let judged = judge(&text);
    let unused: Vec<_> = judged.findings.iter().map(|f| (&*f.rule, f.fix.as_ref())).collect();
    let Some(("suppression/unused", Some(fix))) = unused.last().copied() else {
        panic!("{}", shown(&judged));
    };
    assert_eq!(fix.edits[0].text.matches("template/literal").count(), 1);
    assert!(!fix.edits[0].text.contains("settings/guard"));
}

#[test]
fn a_rule_that_did_not_run_is_not_called_unused() {
    let waits = Ran { base: false, today: false, all: false };
    let all = Ran { base: true, today: true, all: true };
    for row in rules() {
        assert!(all.has(row), "{}", row.id);
        let own = waits.has(row);
        let check = match row.check {
            Check::With(other) => rule(other).unwrap().check,
            check => check,
        };
        let alone = matches!(check, Check::Reader | Check::Document(_) | Check::Text(_));
        assert_eq!(own, alone, "{}", row.id);
    }
}

#[test]
fn a_wrong_document_does_not_make_its_comments_unused() {
    let text = with("", "").replace("x-{{services.a.outputs.b}}", "x");
    let text = text.replace("  label", "  # trueline: allow template/literal shown\n  label");
    let judged = judge(&text.replace("catalogItem", "catalogItme"));
    let rules: Vec<&str> = judged.findings.iter().map(|finding| &*finding.rule).collect();
    assert!(!rules.contains(&"suppression/unused"), "{rules:?}");
}

#[test]
fn a_last_good_version_has_its_own_comments() {
    let settings = "--- trueline.yaml\nschemaVersion: catalog/v1\nkind: Catalog\nvalidation: {rules: {version/requirement: error}}\n";
    let allowed =
        "version: \"^9\" # trueline: allow version/requirement it is pinned\nfields: {size: small}";
    let good = format!("{ITEM}{settings}{}", SERVICE.replace("fields: {size: small}", allowed));
    check(&good, "");
    let wrong = format!("{ITEM}{settings}{}", SERVICE.replace("fields", "feilds"));
    let judged = judge_after(&good, &wrong);
    assert_eq!(judged.overlay.len(), 1);
    assert!(judged.misfits.is_empty(), "{:?}", judged.misfits);
}

#[test]
fn the_same_is_found_again() {
    let text = snapshot(
        &with("", "")
            .replace("x-{{", "{{")
            .replace("  label", "  # trueline: allow template/literal shown\n  label"),
    );
    let mut one = Judge::default();
    let first = one.judge(&text).findings;
    assert_eq!(first, one.judge(&text).findings);
    assert_eq!(first, Judge::default().judge_against(&text, &Against::default()).findings);
    assert!(!first.is_empty());
}
