//! What a review says of itself, hostile ones among them.

use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser};
use serde_json::json;

use super::super::review_comment::{planning_summary, review_comment, validation_summary};
use super::super::sample::{change, field, full, plan, unit};
use super::*;
use crate::finding::Place;
use crate::owners::{AskedPath, Demand, Why};

fn place(path: &str) -> Place {
    Place { path: path.into(), line: 3, column: 7, length: 2 }
}

fn demand(owners: &str, paths: &[&str], by: &[&str]) -> Demand {
    let asked = |path: &&str| AskedPath {
        path: (*path).to_owned(),
        line: Some((4, "/services/payments/".to_owned())),
    };
    Demand {
        why: Why::Owners,
        paths: paths.iter().map(asked).collect(),
        owners: vec![owners.to_owned()],
        needed: 1,
        by: by.iter().map(|by| (*by).to_owned()).collect(),
        missing: u32::from(by.is_empty()),
    }
}

fn small() -> Reviewed {
    let mut update = unit("shop", ChangeKind::Update);
    update.fields = vec![field("size", Some(json!("small")), Some(json!("large")))];
    let gone = unit("old", ChangeKind::Delete);
    Reviewed {
        base: "4f2a9c1be07d4f2a".to_owned(),
        head: "aa2a9c1be07d4f2a".to_owned(),
        findings: vec![
            Finding::warning("owner/unowned", place("a.yaml"), "nobody owns it"),
            Finding::error("reference/unknown-item", place("b.yaml"), "no item `x`").hint("try y"),
        ],
        approval: Approval {
            demands: vec![
                demand("@acme/payments", &["services/payments/shop.yaml"], &[]),
                demand("@dba", &["catalog/db.yaml"], &["@dba"]),
            ],
            void: vec![("@ann".to_owned(), "takes part in the change as an author".to_owned())],
        },
        plan: Some(plan(vec![change("shop", vec![update]), change("old", vec![gone])])),
        reach: vec![Reach { what: "item db".to_owned(), services: 30, changed: 1 }],
        costs: BTreeMap::from([("USD".to_owned(), (90.0, 101.5))]),
        ..Reviewed::default()
    }
}

#[test]
fn the_titles_say_how_it_stands() {
    let mut reviewed = small();
    assert_eq!(reviewed.validation(), (Standing::Failure, "1 error, 1 warning".to_owned()));
    let title =
        "1 to update, 1 to delete; item db reaches 30 services; 1 approval of owners missing";
    assert_eq!(reviewed.planning(), (Standing::Neutral, title.to_owned()));
    reviewed.owners_required = true;
    assert_eq!(reviewed.planning().0, Standing::ActionRequired);
    let quiet = Reviewed { plan: Some(plan(Vec::new())), ..Reviewed::default() };
    assert_eq!(quiet.validation(), (Standing::Success, "nothing found".to_owned()));
    assert_eq!(quiet.planning(), (Standing::Success, "no changes".to_owned()));
    let base = Reviewed { errors_before: 2, ..quiet };
    assert_eq!(base.validation().1, "nothing found; its base has 2 errors");
    let paths = vec!["a.yaml".to_owned()];
    let torn = Reviewed { unmerged: Some(Unmerged::Conflict(paths)), ..small() };
    let expected = (Standing::ActionRequired, "conflicts with its base in a.yaml".to_owned());
    assert_eq!((torn.validation(), torn.planning()), (expected.clone(), expected));
}

#[test]
fn the_comment_says_all_of_it() {
    let shown = review_comment(&small());
    for said in [
        "### Trueline: 1 to update, 1 to delete; item db reaches 30 services; 1 approval of owners missing\n",
        "- **error** `b.yaml:3:7` no item \\`x\\` (`reference/unknown-item`) — try y\n- **warning**",
        "**Owners: approvals are missing**\n",
        "- [ ] @\u{200b}acme/payments: `services/payments/shop.yaml` (line 4: `/services/payments/`)\n- [x] @",
        "- does not count: @\u{200b}ann takes part in the change as an author\n",
        "- **!** old is taken away with all that it holds\n",
        "- 30 services, of which 1 would be changed: item db\n",
        "Estimated cost: 90.00 → 101.50 USD a month (+11.50)\n",
        "| 0 | 1 | 0 | 1 | 0 |\n",
        "<summary><code>~ update shop</code></summary>",
        "`aa2a9c1be07d` merged into `4f2a9c1be07d`",
    ] {
        assert!(shown.contains(said), "{said}\n---\n{shown}");
    }
    let whole = Reviewed { plan: Some(full()), ..small() };
    assert!(planning_summary(&whole).contains("held: 9 deletions"));
    assert!(!validation_summary(&whole).contains("held"));
}

#[test]
fn what_does_not_fit_is_left_out_at_a_boundary() {
    let many = |n: usize| {
        let mut one = unit(&format!("s{n}"), ChangeKind::Create);
        one.fields = vec![field("text", None, Some(json!("word ".repeat(400))))];
        change(&format!("s{n}"), vec![one])
    };
    let mut reviewed = small();
    reviewed.plan = Some(plan((0..300).map(many).collect()));
    let finding =
        |n: usize| Finding::error("a/b", place("x.yaml"), format!("{n} {}", "`*".repeat(5_000)));
    reviewed.findings = (0..500).map(finding).collect();
    let shown = review_comment(&reviewed);
    assert!(shown.chars().count() <= 60_000);
    assert!(shown.contains("trueline plan --base 4f2a9c1be07d"), "{}", &shown[shown.len() - 500..]);
    assert!(shown.contains("more finding"));
    assert_eq!(shown.matches("<details>").count(), shown.matches("</details>").count());
}

/// What a text is made of, whatever its words are.
fn structure(markdown: &str) -> Vec<String> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_MATH;
    let mut found: Vec<String> = Vec::new();
    for event in Parser::new_ext(markdown, options) {
        let told = match event {
            // A name is code where it is an ordinary one, and text where it is not.
            Event::Text(_) | Event::Code(_) => "text".to_owned(),
            Event::Html(html) if !html.starts_with("<summary>") => format!("html {html}"),
            Event::Html(_) => "html".to_owned(),
            other => format!("{other:?}"),
        };
        if !(told == "text" && found.last() == Some(&told)) {
            found.push(told);
        }
    }
    found
}

/// A review in which everything that people can write is one text.
fn said(text: &str) -> Reviewed {
    let mut update = unit("shop", ChangeKind::Update);
    update.fields = vec![field("a", Some(json!("x")), Some(json!(text)))];
    let mut planned = plan(vec![change("shop", vec![update])]);
    planned.blocked.insert("crm".to_owned(), vec![text.to_owned()]);
    let mut finding = Finding::error("a/b", place("x.yaml"), text).hint(text);
    finding.place.path = text.into();
    let mut asked = demand("@dba", &["x"], &["@dba"]);
    asked.owners = vec![text.to_owned()];
    asked.by = vec![text.to_owned()];
    asked.paths = vec![AskedPath { path: text.to_owned(), line: Some((1, text.to_owned())) }];
    Reviewed {
        findings: vec![finding],
        approval: Approval {
            demands: vec![asked],
            void: vec![(text.to_owned(), "wrote it".to_owned())],
        },
        plan: Some(planned),
        reach: vec![Reach { what: text.to_owned(), services: 1, changed: 0 }],
        costs: BTreeMap::from([(text.to_owned(), (1.0, 2.0))]),
        unmerged: Some(Unmerged::Unreadable(text.to_owned())),
        ..small()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn what_people_write_is_never_structure(text in prop_oneof![
        ".{1,12}", r"[#>*_`~|\[\]()<!&;:+=. \t\n0-9a-]{1,10}",
        "(\n|    |- |\\* |1\\. |# |> |```|~~~|---|<b>|<!--|-->|\\||\\$|</details>|@acme){1,4}",
    ]) {
        let (text, word) = (review_comment(&said(&text)), review_comment(&said("word")));
        prop_assert_eq!(structure(&text), structure(&word), "{}", text);
        // In a fence nobody is named.
        prop_assert!(!text.lines().any(|line| line.starts_with("- ") && line.contains("@acme")));
    }
}
