//! Proves how roles are read, and that accounts elsewhere are taken off all or none.

use super::*;
use crate::cli::local::testing::context;

#[tokio::test]
async fn accounts_are_taken_off_all_or_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let context = context(folder.path());
    let rights = |link: &[(&str, &str)]| Rights {
        role: Vec::new(),
        team: Vec::new(),
        link: link.iter().map(|(one, other)| ((*one).to_owned(), (*other).to_owned())).collect(),
        password_stdin: false,
    };
    let ran = async |command: Command| {
        run(&context, &Options { command }).await.map_err(|it| it.to_string())
    };
    let (name, kind) = ("ann".to_owned(), KindOption::Person);
    let both = rights(&[("corp", "a"), ("github", "b")]);
    ran(Command::Add { name: name.clone(), rights: both, kind }).await.expect("made");
    let take = |unlink: &[&str]| Command::Set {
        name: name.clone(),
        rights: rights(&[]),
        unlink: unlink.iter().map(|it| (*it).to_owned()).collect(),
    };
    let left = async || {
        let store = context.existing_store().await.map_err(|it| it.to_string()).expect("opens");
        let user = store.user("ann").await.expect("read").expect("there");
        user.links.into_iter().map(|link| link.provider).collect::<Vec<_>>()
    };
    let said = ran(take(&["corp", "typo\u{1b}"])).await.expect_err("refused");
    assert!(said.contains("no account with typo\\u{1b}"), "{said}");
    assert_eq!(left().await, ["corp", "github"], "none is taken off");
    ran(take(&["corp", "corp"])).await.expect("taken off");
    assert_eq!(left().await, ["github"]);
}

#[test]
fn roles_are_read_with_their_teams() {
    assert_eq!(role("viewer"), Ok((Role::Viewer, Vec::new())));
    assert_eq!(role("admin"), Ok((Role::Admin, vec!["*".to_owned()])));
    let some = vec!["a".to_owned(), "own".to_owned()];
    assert_eq!(role("maintainer=a, own"), Ok((Role::Maintainer, some)));
    for wrong in ["", "root", "admin=", "Viewer", "viewer=a,,b"] {
        assert!(role(wrong).is_err(), "{wrong}");
    }
}
