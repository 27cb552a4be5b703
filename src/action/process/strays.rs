//! Finds what a program started and sent out of its process group, by a mark in its environment, and ends it. What
//! takes the mark away itself is the business of whoever bounds this process: a unit's cgroup.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// The variable that every program is started with.
pub(super) const MARK: &str = "TRUELINE_PROCESS";

/// How often is looked: what is ended may have started something in between.
const MOST_LOOKS: usize = 10;

/// Makes a mark that no other program has.
pub(super) fn mark() -> String {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    format!("{:032x}", u128::from_le_bytes(bytes))
}

/// Ends all that still run with a mark. Where there is no `/proc`, none is found.
pub(super) fn end(mark: &str) {
    for _ in 0..MOST_LOOKS {
        let found = find(mark);
        if found.is_empty() {
            return;
        }
        for pid in found {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// Returns the mark of a program that runs.
pub(super) fn mark_of(pid: Pid) -> Option<String> {
    let path = format!("/proc/{}/environ", pid.as_raw_nonzero());
    let environment = std::fs::read(path).ok()?;
    let lead = format!("{MARK}=");
    let mut variables = environment.split(|byte| *byte == 0);
    let mark = variables.find_map(|variable| variable.strip_prefix(lead.as_bytes()))?;
    String::from_utf8(mark.to_vec()).ok()
}

fn find(mark: &str) -> Vec<Pid> {
    let entry = format!("{MARK}={mark}");
    let Ok(all) = std::fs::read_dir("/proc") else { return Vec::new() };
    let carries = |folder: &Path| {
        let environment = std::fs::read(folder.join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == entry.as_bytes())
    };
    let own = std::process::id().to_string();
    let number = |name: &str| name.parse().ok().and_then(Pid::from_raw);
    all.flatten()
        .filter_map(|found| {
            let name = found.file_name().into_string().ok()?;
            let pid = number(&name).filter(|_| name != own)?;
            carries(&found.path()).then_some(pid)
        })
        .collect()
}
