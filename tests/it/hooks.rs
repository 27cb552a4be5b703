//! The hooks of git, run by git itself: what is staged, what is pushed, and the server that has the last word.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::desk::{Desk, SERVICE};

const NO_SUCH: &str = "no-such-item";

fn hooked() -> Desk {
    let desk = Desk::new();
    desk.trueline(&["hooks", "install"]).fine();
    desk
}

fn guarded() -> Desk {
    let desk = Desk::new();
    desk.run("server.git", "trueline", &["hooks", "install", "--on-server"]).fine();
    desk
}

#[test]
fn what_is_staged_decides_and_not_the_working_tree() {
    let desk = hooked();
    let before = desk.head();
    desk.break_service();
    desk.git(&["add", "-A"]).fine();
    // Mended in the working tree only: what would be committed is broken.
    desk.mend_service("How we work");
    desk.git(&["commit", "-q", "-m", "broken"]).refused(&[
        &format!("{SERVICE}:9:14: error reference/unknown"),
        NO_SUCH,
        "the commit is refused",
    ]);
    assert_eq!(desk.head(), before);
    // The other way round.
    desk.git(&["add", "-A"]).fine();
    desk.break_service();
    desk.git(&["commit", "-q", "-m", "fine"]).fine();
    assert_ne!(desk.head(), before);
    // What git puts together for the commit counts, also where it is not the index.
    for line in [&["commit", "-q", "-a", "-m", "all"][..], &["commit", "-q", "-m", "one", SERVICE]]
    {
        desk.git(line).refused(&[NO_SUCH]);
    }
    // Nobody is held up by what was wrong before, and anybody can go past it.
    let broken = desk.commit_unseen();
    desk.write("notes.txt", "Unrelated.\n");
    desk.git(&["add", "-A"]).fine();
    desk.git(&["commit", "-q", "-m", "notes"]).fine();
    assert_ne!(desk.head(), broken);
}

#[test]
fn the_first_commit_and_a_removal_are_judged() {
    let desk = Desk::new();
    desk.run("", "git", &["init", "-q", "-b", "main", "new"]).fine();
    desk.run("new", "trueline", &["init", "."]).fine();
    desk.run("new", "trueline", &["hooks", "install"]).fine();
    desk.run("new", "git", &["add", "-A"]).fine();
    desk.run("new", "git", &["commit", "-q", "-m", "first"]).fine();
    desk.run("new", "git", &["rm", "-rq", "catalog"]).fine();
    desk.run("new", "git", &["commit", "-q", "-m", "gone"]).refused(&["repository-standard"]);
    // Also in another working tree of the repository.
    desk.run("new", "git", &["worktree", "add", "-q", "../other", "HEAD"]).fine();
    desk.run("other", "git", &["rm", "-rq", "catalog"]).fine();
    desk.run("other", "git", &["commit", "-q", "-m", "gone"]).refused(&["repository-standard"]);
}

#[test]
fn a_catalog_in_a_folder_is_found_from_anywhere() {
    let desk = Desk::with_catalog_in("platform/catalog");
    let told = desk.trueline(&["--catalog", "platform/catalog", "hooks", "install"]).fine();
    assert!(told.contains("set   trueline.catalog = platform/catalog"), "{told}");
    // What a file of the working tree configures is no concern of hooks.
    desk.write("trueline.toml", "[[catalog]]\nname = \"x\"\nurl = \"https://example.com/x.git\"\n");
    let service = format!("platform/catalog/{SERVICE}");
    desk.write(&service, &desk.read(&service).replace(": repository-standard", ": no-such-item"));
    desk.git(&["add", "-A"]).fine();
    let folder = "work/platform/catalog/services";
    desk.run(folder, "git", &["commit", "-q", "-m", "broken"]).refused(&[NO_SUCH]);
    desk.commit_unseen();
    desk.run(folder, "git", &["push", "-q"]).refused(&[NO_SUCH]);
    desk.server(&["config", "trueline.catalog", "platform/catalog"]).fine();
    desk.run("server.git", "trueline", &["hooks", "install", "--on-server"]).fine();
    desk.git(&["push", "-q", "--no-verify"])
        .refused(&[&format!("remote: {service}:9:14: error"), NO_SUCH]);
}

#[test]
fn what_is_pushed_is_compared_with_what_the_remote_has() {
    let desk = hooked();
    desk.break_service();
    let broken = desk.commit_unseen();
    let refused = [NO_SUCH, "the push of main is refused"];
    desk.git(&["push", "-q"]).refused(&refused);
    // A new branch is compared with what was fetched of the main one.
    desk.git(&["push", "-q", "origin", "HEAD:refs/heads/topic"])
        .refused(&[NO_SUCH, "the push of topic is refused"]);
    // The last commit counts, not those on the way to it; tags and removals are not judged.
    desk.mend_service("How we work");
    desk.commit_unseen();
    desk.git(&["push", "-q", "origin", "main", "HEAD:refs/heads/topic"]).fine();
    desk.git(&["tag", "broken", &broken]).fine();
    desk.git(&["push", "-q", "origin", "broken"]).fine();
    desk.git(&["push", "-q", "origin", "--delete", "topic"]).fine();
    // Back to what was broken, by force.
    desk.git(&["reset", "-q", "--hard", &broken]).fine();
    desk.git(&["push", "-q", "--force"]).refused(&refused);
    desk.git(&["push", "-q", "--force", "--no-verify"]).fine();
    assert_eq!(desk.on_server("main"), Some(broken));
}

#[test]
fn what_shares_no_history_and_remotes_without_a_name_are_judged_as_a_whole() {
    let desk = hooked();
    desk.git(&["switch", "-q", "--orphan", "pages"]).fine();
    desk.write("index.html", "<p>Pages</p>\n");
    desk.commit_unseen();
    desk.git(&["push", "-q", "origin", "pages"]).fine();
    desk.git(&["switch", "-q", "main"]).fine();
    desk.break_service();
    desk.commit_unseen();
    desk.run("", "git", &["init", "-q", "--bare", "other.git"]).fine();
    desk.git(&["push", "-q", "../other.git", "main"]).refused(&[NO_SUCH]);
}

#[test]
fn the_server_refuses_and_says_why() {
    let desk = guarded();
    let before = desk.head();
    desk.break_service();
    desk.commit_unseen();
    desk.git(&["push", "-q"]).refused(&[
        &format!("remote: {SERVICE}:9:14: error reference/unknown"),
        "remote: trueline: main is not accepted",
        "pre-receive hook declined",
    ]);
    assert_eq!(desk.on_server("main"), Some(before.clone()));
    // Nothing of what was refused stays.
    let refused = desk.head();
    assert_ne!(desk.server(&["cat-file", "-e", &refused]).code, Some(0));
    desk.mend_service("How we work");
    let mended = desk.commit_unseen();
    desk.git(&["push", "-q"]).fine();
    assert_eq!(desk.on_server("main"), Some(mended));
    // By force, it is what the branch holds then that counts.
    desk.git(&["push", "-q", "--force", "origin", &format!("{refused}:main")]).refused(&[NO_SUCH]);
    desk.git(&["push", "-q", "--force", "origin", &format!("{before}:main")]).fine();
    assert_eq!(desk.on_server("main"), Some(before));
}

#[test]
fn the_server_judges_the_branches_that_it_is_told_to() {
    let desk = guarded();
    desk.break_service();
    let broken = desk.commit_unseen();
    let push =
        |branch: &str| desk.git(&["push", "-q", "origin", &format!("HEAD:refs/heads/{branch}")]);
    push("topic").fine();
    desk.server(&["config", "--add", "trueline.branch", "main"]).fine();
    desk.server(&["config", "--add", "trueline.branch", "release/*"]).fine();
    push("other").fine();
    push("release/1").refused(&[NO_SUCH, "release/1 is not accepted"]);
    push("main").refused(&[NO_SUCH, "main is not accepted"]);
    assert_eq!(desk.on_server("release/1"), None);
    // One that is refused holds up what is pushed with it.
    let both = ["push", "-q", "origin", "HEAD:refs/heads/third", "HEAD:refs/heads/main"];
    desk.git(&both).refused(&["main is not accepted"]);
    assert_eq!(desk.on_server("third"), None);
    // A new branch is compared with the default one: what is broken there is no fault of its own.
    desk.server(&["config", "--unset-all", "trueline.branch"]).fine();
    desk.server(&["update-ref", "refs/heads/main", &broken]).fine();
    desk.server(&["config", "trueline.branch", "*"]).fine();
    desk.write("notes.txt", "Unrelated.\n");
    desk.commit_unseen();
    push("release/2").fine();
    push("main").fine();
    desk.git(&["push", "-q", "origin", "--delete", "release/2"]).fine();
    assert_eq!(desk.on_server("release/2"), None);
    desk.git(&["tag", "v1"]).fine();
    desk.git(&["push", "-q", "origin", "v1"]).fine();
}

#[test]
fn the_first_push_to_a_server_is_judged_whatever_its_branch_is_called() {
    let desk = Desk::new();
    desk.run("", "git", &["init", "-q", "--bare", "-b", "trunk", "empty.git"]).fine();
    desk.run("empty.git", "trueline", &["hooks", "install", "--on-server"]).fine();
    desk.break_service();
    desk.commit_unseen();
    for branch in ["main", "trunk"] {
        let to = format!("HEAD:refs/heads/{branch}");
        desk.git(&["push", "-q", "../empty.git", &to]).refused(&[NO_SUCH, "is not accepted"]);
    }
    desk.git(&["push", "-q", "../empty.git", "HEAD~1:refs/heads/trunk"]).fine();
}

#[test]
fn without_the_program_nothing_passes_unseen() {
    let desk = hooked();
    desk.run("server.git", "trueline", &["hooks", "install", "--on-server"]).fine();
    desk.git(&["config", "trueline.program", "~/no-such-program"]).fine();
    desk.server(&["config", "trueline.program", "no-such-program"]).fine();
    desk.mend_service("How we work");
    desk.git(&["commit", "-q", "-a", "-m", "fine"])
        .refused(&["home/no-such-program`", "git config trueline.program"]);
    desk.commit_unseen();
    desk.git(&["push", "-q"]).refused(&["there is no program"]);
    desk.git(&["push", "-q", "--no-verify"])
        .refused(&["remote: trueline: the server has no program"]);
    // One that can't run does not pass for one that found nothing.
    let broken = desk.path("home/broken");
    fs::write(&broken, "#!/bin/sh\nexit 2\n").unwrap();
    fs::set_permissions(&broken, fs::Permissions::from_mode(0o755)).unwrap();
    desk.git(&["config", "trueline.program", "~/broken"]).fine();
    desk.server(&["config", "trueline.program", "~/broken"]).fine();
    desk.git(&["push", "-q"]).refused(&["main could not be judged (exit code 2)"]);
    desk.git(&["push", "-q", "--no-verify"])
        .refused(&["remote: trueline: main could not be judged"]);
    desk.git(&["commit", "-q", "--allow-empty", "-m", "x"]).refused(&["could not be judged"]);
}

#[test]
fn a_hook_that_is_there_is_never_lost() {
    let desk = Desk::new();
    let hooks = desk.path("work/.git/hooks");
    let mine = "#!/bin/sh\necho mine\n";
    fs::create_dir_all(&hooks).unwrap();
    fs::write(hooks.join("pre-push"), mine).unwrap();
    desk.trueline(&["hooks", "install"]).refused(&[
        "there is another hook already",
        "pre-push",
        "--force",
    ]);
    assert!(!hooks.join("pre-commit").exists(), "all of them or none");
    let told = desk.trueline(&["hooks", "install", "--force"]).fine();
    assert!(told.contains("pre-push.before-trueline"), "{told}");
    assert_eq!(fs::read_to_string(hooks.join("pre-push.before-trueline")).unwrap(), mine);
    let told = desk.trueline(&["hooks", "install"]).fine();
    assert_eq!(told.matches("has   ").count(), 2, "{told}");
    // A link is set aside, and what it leads to stays; so does what was set aside before.
    fs::remove_file(hooks.join("pre-push")).unwrap();
    fs::write(desk.path("home/shared-hook"), mine).unwrap();
    symlink(desk.path("home/shared-hook"), hooks.join("pre-push")).unwrap();
    desk.trueline(&["hooks", "install", "--force"]).fine();
    assert_eq!(fs::read_to_string(desk.path("home/shared-hook")).unwrap(), mine);
    assert!(hooks.join("pre-push.before-trueline-2").is_symlink());
    assert!(!hooks.join("pre-push").is_symlink());
    let shown = desk.trueline(&["hooks", "show", "pre-push"]).fine();
    assert_eq!(shown, fs::read_to_string(hooks.join("pre-push")).unwrap());
}

#[test]
fn hooks_are_put_where_git_looks_for_them() {
    let desk = Desk::new();
    desk.git(&["config", "core.hooksPath", ".githooks"]).fine();
    desk.run("work/services", "trueline", &["--catalog", "..", "hooks", "install"]).fine();
    assert!(desk.path("work/.githooks/pre-commit").is_file());
    desk.break_service();
    desk.git(&["commit", "-q", "-a", "-m", "broken"]).refused(&[NO_SUCH]);
    desk.git(&["config", "--unset", "core.hooksPath"]).fine();
    desk.git(&["config", "--global", "core.hooksPath", "~/hooks"]).fine();
    let told = desk.trueline(&["hooks", "install"]).fine();
    assert!(told.contains("for more than this repository"), "{told}");
    desk.git(&["commit", "-q", "-a", "-m", "broken"]).refused(&[NO_SUCH]);
    // There they run for repositories without a catalog, too.
    desk.run("", "git", &["init", "-q", "-b", "main", "plain"]).fine();
    desk.run("plain", "git", &["commit", "-q", "--allow-empty", "-m", "x"]).fine();
    desk.run("plain", "git", &["push", "-q", "../server.git", "main:plain"]).fine();
}

#[test]
fn each_side_has_its_hooks() {
    let desk = Desk::new();
    desk.trueline(&["hooks", "install", "--on-server"]).refused(&["this has a working tree"]);
    desk.run("server.git", "trueline", &["hooks", "install"]).refused(&["--on-server"]);
    desk.run("home", "trueline", &["hooks", "install"]).refused(&["there is no git repository"]);
    desk.trueline(&["--catalog", "https://example.com/x.git", "hooks", "install"])
        .refused(&["clone it"]);
    // Where the program is not on the PATH, the hooks are told where it is.
    let binary = env!("CARGO_BIN_EXE_trueline");
    let mut install = desk.command("work", binary, &["-o", "json", "hooks", "install"]);
    install.env("PATH", "/usr/bin:/bin");
    let done: serde_json::Value =
        serde_json::from_slice(&install.output().unwrap().stdout).unwrap();
    assert_eq!(done["configured"][0][0], "trueline.program", "{done:#}");
    assert_eq!(done["written"].as_array().unwrap().len(), 2, "{done:#}");
    let mut commit = desk.command("work", "git", &["commit", "-q", "-a", "-m", "broken"]);
    desk.break_service();
    let ended = crate::desk::ended(commit.env("PATH", "/usr/bin:/bin"));
    ended.refused(&[NO_SUCH]);
}
