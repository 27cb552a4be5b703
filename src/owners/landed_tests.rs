//! Tests of what lands: approved, stale, dismissed, by its author, by hand, pushed, rewritten, accepted afterwards.

use super::*;

const FILE: &str = "\
* @ops
/services/shop/ @acme/shop
/services/mail/ @mia
/trueline.yaml @ops
";

fn set(words: &str) -> BTreeSet<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

fn settings() -> OwnerSettings {
    OwnerSettings { required: true, ..OwnerSettings::default() }
}

fn owners() -> Owners {
    Owners::read("CODEOWNERS", FILE.as_bytes())
}

fn landing(way: Way, paths: &str, approved: &str) -> Landing {
    let blobs = set(paths).into_iter().map(|path| (path, (Some("old".into()), Some("new".into()))));
    Landing {
        commit: "c2".to_owned(),
        way,
        by_hand: BTreeSet::new(),
        blobs: blobs.collect(),
        touched: Touched { paths: set(paths), breaking: BTreeSet::new() },
        people: People {
            approved_by: set(approved),
            authors: set("@ann ann@acme.example"),
            stranger: false,
            members: BTreeMap::from([("@acme/shop".to_owned(), set("@sam @ann"))]),
        },
    }
}

/// Takes one landing in, and shows what is open: path and whose approval is missing.
fn check(landing: &Landing, expected: &[&str]) -> Ledger {
    let mut ledger = Ledger::begin("c1", true);
    ledger.take(&owners(), &settings(), landing);
    let open = ledger.open.iter().map(|(path, open)| {
        let missing: Vec<String> = open
            .missing
            .iter()
            .map(|group| group.iter().cloned().collect::<Vec<_>>().join("|"))
            .collect();
        format!("{path}: {}", missing.join(" "))
    });
    assert_eq!(open.collect::<Vec<_>>(), expected);
    ledger
}

#[test]
fn the_last_word_about_the_head_counts() {
    let said = |by: &str, word, head: &str| Said { by: by.to_owned(), word, head: head.to_owned() };
    let words = [
        said("@Stale", Word::Approves, "h1"),
        said("@good", Word::Objects, "h1"),
        said("@good", Word::Approves, "h2"),
        said("@back", Word::Approves, "h2"),
        said("@BACK", Word::Objects, "h2"),
        said("@gone", Word::Approves, "h2"),
        said("@gone", Word::Dismissed, "h2"),
    ];
    assert_eq!(standing(&words, "h2"), set("@good"));
    assert_eq!(standing(&words, "h1"), set("@Stale"));
}

#[test]
fn what_owners_approved_is_closed_and_the_rest_is_open() {
    let both = "services/mail/a.yaml services/shop/b.yaml";
    check(&landing(Way::Proposal(7), both, "@mia @sam"), &[]);
    check(&landing(Way::Proposal(7), both, "@mia"), &["services/shop/b.yaml: @acme/shop"]);
    // A member who wrote it does not count.
    check(&landing(Way::Proposal(7), both, "@mia @ann"), &["services/shop/b.yaml: @acme/shop"]);
    let direct =
        check(&landing(Way::Direct, "services/mail/a.yaml", ""), &["services/mail/a.yaml: @mia"]);
    insta::assert_snapshot!(direct.open["services/mail/a.yaml"].why(), @"it was pushed without a proposal in c2, not approved by @mia");
    let mut stranger = landing(Way::Proposal(7), "services/mail/a.yaml", "@mia");
    stranger.people.stranger = true;
    check(&stranger, &["services/mail/a.yaml: @mia"]);
    let mut by_hand = landing(Way::Proposal(7), both, "@mia @sam");
    by_hand.by_hand = set("services/mail/a.yaml elsewhere");
    check(&by_hand, &["services/mail/a.yaml: @mia"]);
}

#[test]
fn nothing_is_asked_where_nothing_is_required() {
    let mut ledger = Ledger::begin("c1", false);
    ledger.take(&owners(), &OwnerSettings::default(), &landing(Way::Direct, "a b", ""));
    assert!(ledger.open.is_empty() && ledger.rules_at == "c2");
}

#[test]
fn an_owner_accepts_afterwards_and_an_author_does_not() {
    let path = "services/shop/b.yaml";
    let mut ledger = check(&landing(Way::Direct, path, ""), &["services/shop/b.yaml: @acme/shop"]);
    for names in ["@mia", "@ann @acme/shop", "@ANN @acme/shop"] {
        assert!(ledger.accept(&set(path), &set(names)).is_empty(), "{names}");
    }
    assert!(ledger.accept(&set("services/mail/a.yaml"), &set("@sam @acme/shop")).is_empty());
    assert_eq!(ledger.accept(&set(path), &set("@sam @acme/SHOP")), [path]);
    assert!(ledger.open.is_empty());
}

#[test]
fn what_is_put_back_or_approved_later_is_closed() {
    let path = "services/mail/a.yaml";
    let mut ledger = check(&landing(Way::Direct, path, ""), &["services/mail/a.yaml: @mia"]);
    let mut back = landing(Way::Direct, path, "");
    back.blobs.insert(path.to_owned(), (Some("new".into()), Some("old".into())));
    let mut undone = ledger.clone();
    undone.take(&owners(), &settings(), &back);
    assert!(undone.open.is_empty());
    ledger.take(&owners(), &settings(), &landing(Way::Proposal(8), path, "@mia"));
    assert!(ledger.open.is_empty());
}

#[test]
fn rules_that_nobody_approved_do_not_count() {
    let mut ledger = check(&landing(Way::Direct, "trueline.yaml", ""), &["trueline.yaml: @ops"]);
    assert_eq!(ledger.rules_at, "c1");
    let mut next = landing(Way::Direct, "services/mail/a.yaml", "");
    next.commit = "c3".to_owned();
    ledger.take(&owners(), &settings(), &next);
    assert_eq!((ledger.rules_at.as_str(), ledger.commit.as_str()), ("c1", "c3"));
    ledger.accept(&set("trueline.yaml"), &set("@ops"));
    assert!(ledger.follow_rules(&owners()) && ledger.rules_at == "c3");
    check(&landing(Way::Proposal(1), "CODEOWNERS", "@mia"), &["CODEOWNERS: @ops"]);
    check(&landing(Way::Rewritten, "docs/CODEOWNERS", ""), &["docs/CODEOWNERS: @ops"]);
}
