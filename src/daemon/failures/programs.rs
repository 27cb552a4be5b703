//! A wire to a program: a script in its place that calls the real one, writes down what it was called with, and fails at
//! the one call that it is told to.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::failure::{Failure, LATE};

/// A program that stands for another one.
pub(super) struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Puts a script in the place of a program.
    pub(super) fn instead_of(folder: &Path, real: &str) -> Self {
        let here = folder.display();
        let script = format!(
            r#"#!/bin/sh
n=$(wc -l < '{here}/seen')
echo "$*" | head -n 1 >> '{here}/seen'
case $(cat '{here}/armed' 2>/dev/null) in "$n "*) how=$(cut -d' ' -f2 '{here}/armed');; *) how=well;; esac
case $(cat '{here}/armed' 2>/dev/null) in "$((n + 1)) refused"*) gone=yes;; *) gone=no;; esac
end() {{ [ $gone = no ] || chmod a-x "$0"; exit "$1"; }}
case $how in
  well|refused) '{real}' "$@"; end $? ;;
  before) kill -9 $$ ;;
  after) '{real}' "$@" >/dev/null 2>&1; kill -9 $$ ;;
  lost) '{real}' "$@" >/dev/null 2>&1; exec sleep 600 ;;
  late) '{real}' "$@" >'{here}/said' 2>&1; sleep "$(cut -d' ' -f3 '{here}/armed')"; cat '{here}/said' ;;
  broken) '{real}' "$@" >/dev/null 2>&1; env >&2; echo "$@" >&2; exit 1 ;;
  garbage) '{real}' "$@" >/dev/null 2>&1; printf '<html>\033[2J\377hunter22'; exit 0 ;;
  huge) '{real}' "$@" >/dev/null 2>&1; exec head -c 3000000 /dev/zero ;;
  slow) '{real}' "$@" >/dev/null 2>&1; while :; do printf x; sleep 0.2; done ;;
esac
"#
        );
        std::fs::write(folder.join("seen"), "").unwrap();
        let programs = Self { folder: folder.to_owned() };
        std::fs::write(programs.path(), script).unwrap();
        programs.heal();
        programs
    }

    /// Where the script is.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.join("program")
    }

    /// What it was called with.
    pub(super) fn seen(&self) -> Vec<String> {
        let seen = std::fs::read_to_string(self.folder.join("seen")).unwrap();
        seen.lines().map(str::to_owned).collect()
    }

    pub(super) fn arm(&self, at: usize, failure: Failure, limit: Duration) {
        let how = match failure {
            Failure::Refused => "refused",
            Failure::CutBefore => "before",
            Failure::CutAfter => "after",
            Failure::Lost => "lost",
            Failure::Late => "late",
            Failure::Broken => "broken",
            Failure::Garbage => "garbage",
            Failure::Redirect => unreachable!("no program sends us elsewhere"),
            Failure::Huge => "huge",
            Failure::Slow => "slow",
        };
        let late = (limit + LATE).as_secs_f64();
        std::fs::write(self.folder.join("armed"), format!("{at} {how} {late}")).unwrap();
        if failure == Failure::Refused && at == self.seen().len() {
            self.mode(0o600);
        }
    }

    /// May be started again.
    pub(super) fn heal(&self) {
        self.mode(0o755);
    }

    fn mode(&self, mode: u32) {
        std::fs::set_permissions(self.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    }
}
