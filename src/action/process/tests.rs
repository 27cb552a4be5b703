//! Tests of programs: bounds, ends, what they leave and what they see.

use std::time::{Duration, Instant};

use super::*;
use crate::action::testing::{call, is_missing};

fn order(folder: &Path, script: &str) -> Order {
    Order {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
        environment: environment(folder, &[]).unwrap().0,
        folder: folder.to_owned(),
        stdin: b"in".to_vec(),
        note: folder.join("running.json"),
        orphan: Orphan::Kill,
    }
}

fn patience(ms: u64, grace: u64) -> Patience {
    let until = Instant::now() + Duration::from_millis(ms);
    Patience { until, grace: Duration::from_millis(grace) }
}

async fn check(script: &str, cause: Cause, stdout: &str) {
    let folder = tempfile::tempdir().unwrap();
    let order = order(folder.path(), script);
    let ended = run(order, patience(20_000, 500), &Stop::default()).await.unwrap();
    assert_eq!(
        (ended.cause, &*String::from_utf8_lossy(&ended.stdout)),
        (cause, stdout),
        "{script}"
    );
    assert!(!folder.path().join("running.json").exists());
}

#[tokio::test]
async fn a_program_reads_writes_and_ends() {
    check("cat; echo out", Cause::Exit(0), "inout\n").await;
    check("exit 75", Cause::Exit(75), "").await;
    check("kill -9 $$", Cause::Signal(9), "").await;
    check("env | grep -c .; echo ${USER:-nobody}", Cause::Exit(0), "5\nnobody\n").await;
}

/// Runs a script that prints the number of something it starts, and expects that to be gone soon after.
async fn ends_with_it(script: &str) {
    let folder = tempfile::tempdir().unwrap();
    let order = order(folder.path(), script);
    let ended = run(order, patience(20_000, 500), &Stop::default()).await.unwrap();
    let pid = String::from_utf8(ended.stdout).unwrap();
    let gone = || match std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())) {
        Ok(stat) => stat.contains(") Z "),
        Err(_) => true,
    };
    let until = Instant::now() + Duration::from_secs(10);
    while !gone() {
        assert!(Instant::now() < until, "{pid} is still there");
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn what_a_program_started_ends_with_it() {
    ends_with_it("sleep 300 & echo $!").await;
}

#[tokio::test]
async fn what_left_its_group_ends_with_it() {
    if !is_missing("setsid") {
        ends_with_it("setsid sh -c 'sleep 300; :' & echo $!").await;
        ends_with_it("setsid sh -c 'sleep 300 & echo $!; exit' </dev/null").await;
    }
}

#[tokio::test]
async fn a_program_has_no_file_of_ours_and_gains_no_rights() {
    let folder = tempfile::tempdir().unwrap();
    let ours = folder.path().join("ours");
    let _open = std::fs::File::create(&ours).unwrap();
    let order = order(folder.path(), "for fd in /proc/$$/fd/*; do readlink $fd; done");
    let ended = run(order, patience(20_000, 500), &Stop::default()).await.unwrap();
    let open = String::from_utf8(ended.stdout).unwrap();
    assert!(open.lines().count() > 2 && !open.contains(ours.to_str().unwrap()), "{open}");
    if !is_missing("setpriv") {
        let script = "grep NoNewPrivs /proc/self/status | tr -d '[:space:]'";
        check(script, Cause::Exit(0), "NoNewPrivs:1").await;
    }
}

#[tokio::test]
async fn a_home_is_its_own_and_nobody_elses() {
    let script = "ls -ld $HOME $TMPDIR | cut -c1-10; ls -A $HOME $TMPDIR | grep -c . ";
    check(script, Cause::Exit(0), "drwx------\ndrwx------\n2\n").await;
}

#[tokio::test]
async fn a_program_that_takes_too_long_is_asked_and_then_killed() {
    let folder = tempfile::tempdir().unwrap();
    let polite = "trap 'echo saved; exit 0' INT; while :; do sleep 0.05; done";
    let ended = run(order(folder.path(), polite), patience(300, 20_000), &Stop::default()).await;
    let ended = ended.unwrap();
    assert_eq!((ended.cause, &*ended.stdout), (Cause::TimedOut, &b"saved\n"[..]));
    let deaf = "trap '' INT; while :; do sleep 0.05; done";
    let ended = run(order(folder.path(), deaf), patience(200, 200), &Stop::default()).await;
    assert_eq!(ended.unwrap().cause, Cause::TimedOut);
}

#[tokio::test]
async fn at_the_end_of_this_process_programs_save_what_they_have() {
    let folder = tempfile::tempdir().unwrap();
    let stop = Stop::default();
    let script = "trap 'echo saved; exit 1' INT; echo up; : > up; while :; do sleep 0.05; done";
    let running = run(order(folder.path(), script), patience(60_000, 500), &stop);
    let asking = async {
        while !folder.path().join("up").exists() {
            tokio::task::yield_now().await;
        }
        stop.ask(Duration::from_secs(20));
    };
    let (ended, ()) = tokio::join!(running, asking);
    let ended = ended.unwrap();
    assert_eq!((ended.cause, &*ended.stdout), (Cause::Stopped, &b"up\nsaved\n"[..]));
    let refused = run(order(folder.path(), "true"), patience(1000, 10), &stop).await;
    assert!(refused.unwrap_err().message.contains("nothing more is started"));
}

#[tokio::test]
async fn one_that_nobody_waits_for_is_ended_too() {
    let folder = tempfile::tempdir().unwrap();
    let script = "trap ': > asked; exit' INT; : > up; while :; do sleep 0.05; done";
    let note = folder.path().join("running.json");
    let task = tokio::spawn({
        let order = order(folder.path(), script);
        async move { run(order, patience(60_000, 20_000), &Stop::default()).await }
    });
    while !folder.path().join("up").exists() || !note.exists() {
        tokio::task::yield_now().await;
    }
    let left = Left::find(&note).expect("it runs");
    task.abort();
    assert!(left.wait(Instant::now() + Duration::from_secs(20)).await);
    assert!(folder.path().join("asked").exists());
}

#[tokio::test]
async fn one_that_an_earlier_process_left_is_found_and_ended() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("running.json");
    let mut child = std::process::Command::new("sleep");
    let mut child = std::os::unix::process::CommandExt::process_group(&mut child, 0)
        .arg("300")
        .spawn()
        .unwrap();
    left::note(&note, child.id()).unwrap();
    let left = Left::find(&note).expect("it runs");
    assert!(!left.wait(Instant::now()).await);
    let reaped = tokio::task::spawn_blocking(move || child.wait().unwrap());
    assert!(left.end(Duration::from_secs(10)).await);
    reaped.await.unwrap();
    assert_eq!(Left::find(&note), None);
    // The same number, started at another moment, is somebody else.
    let own = std::process::id();
    left::note(&note, own).unwrap();
    let text = std::fs::read_to_string(&note).unwrap();
    assert!(Left::find(&note).is_some());
    let other = text.replace("\"started\":\"", "\"started\":\"9");
    std::fs::write(&note, other).unwrap();
    assert_eq!(Left::find(&note), None);
}

#[test]
fn what_is_kept_is_masked_before_it_is_cut() {
    let scrub = Scrub::of(&call(serde_json::json!({})));
    let text = format!("{}hunter22{}", "a".repeat(KEPT_BYTES - 4), "b".repeat(9000));
    let kept = shortened(&scrub, text.as_bytes());
    assert!(!kept.contains("hunt") && !kept.contains("er22") && kept.len() < 2100, "{kept}");
    let wild = b"\x1b[31m\xe2\x95\xb7\n\xe2\x94\x82 Error:\x1b[0m \xff bad\x07\n";
    assert_eq!(shortened(&scrub, wild), "Error: \u{fffd} bad");
}

#[test]
fn a_program_is_found_or_told_to_be_missing() {
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain");
    std::fs::write(&plain, "").unwrap();
    let wrong = |program: &str| find(program).unwrap_err();
    assert!(wrong("/no/such").contains("there is no"));
    assert!(wrong(&plain.display().to_string()).contains("chmod +x"));
    assert!(wrong(&folder.path().display().to_string()).contains("not a file"));
    assert!(wrong("no-such-program-at-all").contains("PATH"));
    assert!(find("sh").unwrap().is_absolute());
}
