//! What `validate` keeps between runs, under many processes at once and somebody who tears it: the findings stay the same.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use crate::editor::{example, service};

const PROCESSES: usize = 3;
/// Fewer are not worth keeping anything of.
const DOCUMENTS: usize = 250;

fn validate(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trueline"));
    command.args(["validate", "-o", "json"]).args(arguments).current_dir(root);
    for name in ["CATALOG", "CONFIG", "BRANCH", "STATE"] {
        command.env_remove(format!("TRUELINE_{name}"));
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn git(root: &Path, arguments: &[&str]) {
    let done = Command::new("git")
        .args(["-c", "user.name=Ann", "-c", "user.email=ann@team.example"])
        .args(arguments)
        .current_dir(root)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// Returns exit code and report of a process.
fn ended(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{said}");
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

/// Returns the files that are kept.
fn kept(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root.join(".git/trueline")).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// Does to what is kept what a disk, a person or another program could do.
fn tear(root: &Path, turn: usize) {
    for file in kept(root) {
        // Another process may have put a new file there, or taken it away.
        let length = fs::metadata(&file).map_or(0, |metadata| metadata.len());
        let _ = match turn % 5 {
            0 => fs::remove_file(&file),
            1 => OpenOptions::new().write(true).open(&file).and_then(|it| it.set_len(length / 2)),
            2 => OpenOptions::new().write(true).open(&file).and_then(|it| it.set_len(0)),
            3 => fs::read(&file).and_then(|mut bytes| {
                let at = bytes.len() / 2;
                bytes.iter_mut().skip(at).take(9).for_each(|byte| *byte ^= 0xff);
                fs::write(&file, bytes)
            }),
            _ => fs::remove_dir_all(root.join(".git/trueline")),
        };
    }
}

/// The catalog at a turn: some services are right, some wrong, and each turn other ones.
fn write(root: &Path, turn: usize) {
    for number in 0..DOCUMENTS {
        let id = format!("payments-{number}");
        let fields = match (number + turn) % 7 {
            0 => "  nam: x\n",
            3 => "  name: payments-cache\n  size: giant\n",
            _ => "  name: payments-cache\n",
        };
        let text = service(fields).replace("id: payments-cache", &format!("id: {id}"));
        fs::write(root.join(format!("services/payments/{id}.yaml")), text).unwrap();
    }
}

#[test]
fn many_processes_at_once_find_what_is_found_without() {
    let folder = example();
    let root = folder.path();
    git(root, &["init", "-q", "-b", "main"]);
    let mut torn = 0;
    for turn in 0..5 {
        write(root, turn);
        let expected = ended(validate(root, &["--no-cache"]).spawn().unwrap());
        assert_eq!(expected.0, Some(1), "{}", expected.1);
        let (sender, over) = channel();
        for _ in 0..PROCESSES {
            let (child, sender) = (validate(root, &[]).spawn().unwrap(), sender.clone());
            std::thread::spawn(move || sender.send(ended(child)));
        }
        drop(sender);
        let mut done = 0;
        while done < PROCESSES {
            match over.recv_timeout(Duration::from_millis(2)) {
                Ok(said) => {
                    assert_eq!(said, expected, "turn {turn}");
                    done += 1;
                }
                Err(RecvTimeoutError::Timeout) => {
                    tear(root, torn);
                    torn += 1;
                }
                Err(RecvTimeoutError::Disconnected) => panic!("a process did not end well"),
            }
        }
        // What was left of it is no trouble, and is used once nobody tears at it.
        assert_eq!(ended(validate(root, &[]).spawn().unwrap()), expected);
        let before: Vec<Vec<u8>> = kept(root).iter().map(|file| fs::read(file).unwrap()).collect();
        assert!(before.iter().any(|bytes| !bytes.is_empty()), "nothing is kept");
        assert_eq!(ended(validate(root, &[]).spawn().unwrap()), expected);
    }
}

#[test]
fn processes_on_other_states_of_one_catalog_do_not_mislead_each_other() {
    let folder = example();
    let root = folder.path();
    git(root, &["init", "-q", "-b", "main"]);
    let revisions = ["HEAD~2", "HEAD~1", "HEAD"];
    for turn in 0..revisions.len() {
        write(root, turn);
        git(root, &["add", "-A"]);
        git(root, &["commit", "-q", "-m", "turn"]);
    }
    let of = |revision: &str, more: &[&str]| {
        validate(root, &[&["--head", revision], more].concat()).spawn().unwrap()
    };
    let expected = revisions.map(|revision| ended(of(revision, &["--no-cache"])));
    assert!(expected[0] != expected[1] && expected[1] != expected[2]);
    // All of them write to the same place.
    let running = revisions.map(|revision| [of(revision, &[]), of(revision, &[])]);
    for (running, expected) in running.into_iter().zip(&expected) {
        for child in running {
            assert_eq!(&ended(child), expected);
        }
    }
}
