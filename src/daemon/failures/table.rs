//! The table: what comes of every failure of every action. It is written down in `docs/reliability.md`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::failure::Failure;
use super::story::{Came, Case, tell};
use super::subjects::{ROWS, Row};
use crate::action::testing::is_missing;

const PAGE: &str = "docs/reliability.md";
const BEGIN: &str = "<!-- failures -->\n";
const END: &str = "<!-- /failures -->\n";

/// What is written where nothing of the kind may ever be.
///
/// Nothing here panics before every case is told: a runtime that ends under its threads waits for them for ever.
const WRONG: &str = "WRONG";

/// How many cases are told at once: most of them wait most of the time.
const AT_ONCE: usize = 6;

/// Says what came of a case in a word or two.
fn word(came: &Came) -> String {
    let done = match came.effects.as_slice() {
        all if all.iter().all(|count| *count == 1) => "once",
        all if all.iter().all(|count| *count == 0) => "not",
        all if all.iter().all(|count| *count <= 1) => "half",
        _ => "TWICE",
    };
    match (done, came.state.as_str()) {
        ("once", "succeeded") => "once".to_owned(),
        ("not", "succeeded") => "not, told".to_owned(),
        (done, "needs-decision") => format!("{done}, asks"),
        (done, state) => format!("{done}, {state}"),
    }
}

/// Tells a row while all is well and with a crash; returns the places where it can fail.
async fn places(row: &Row) -> Result<Vec<usize>, String> {
    let case = Case { kind: row.kind, removes: row.removes, crashes: false, fails: None };
    let well = tell(row.make, case).await?;
    let crashed = tell(row.make, Case { crashes: true, ..case }).await?;
    for came in [&well, &crashed] {
        if word(came) != "once" {
            return Err(format!("although all is well, but for a crash: {came:?}"));
        }
    }
    let subject = (row.make)().await;
    let is_place = |(at, line): &(usize, String)| *at == well.before || subject.is_effect(line);
    let all = well.seen.into_iter().enumerate().skip(well.before);
    Ok(all.filter(is_place).map(|(at, _)| at).collect())
}

/// Says what came of a case, or what must never come of one.
fn checked(row: &Row, came: &Came) -> Result<String, String> {
    let word = word(came);
    let lies = word == "not, told" && row.kind != "notify" || word == "half, succeeded";
    if lies || word.contains("TWICE") { Err(format!("{came:?}")) } else { Ok(word) }
}

async fn cells(row: &'static Row, permits: Arc<Semaphore>) -> BTreeMap<Failure, Vec<String>> {
    let places = {
        let _permit = permits.acquire().await.unwrap();
        match places(row).await {
            Ok(places) => places,
            Err(why) => {
                return BTreeMap::from([(Failure::Refused, vec![format!("{WRONG}: {why}")])]);
            }
        }
    };
    let subject = (row.make)().await;
    let mut cases = JoinSet::new();
    // What is undone has the usual five minutes, which nobody wants to wait for here.
    let can = |failure: &Failure| subject.can(*failure) && !(row.removes && failure.hangs());
    for failure in Failure::ALL.into_iter().filter(can) {
        for place in places.iter().copied() {
            let permits = Arc::clone(&permits);
            cases.spawn(async move {
                let _permit = permits.acquire().await.unwrap();
                let fails = Some((place, failure));
                let case = Case { kind: row.kind, removes: row.removes, crashes: false, fails };
                let word = match tell(row.make, case).await {
                    Ok(came) => checked(row, &came),
                    Err(why) => Err(why),
                };
                let word = word.unwrap_or_else(|why| format!("{WRONG} at {place}: {why}"));
                (failure, place, word)
            });
        }
    }
    let mut told = cases.join_all().await;
    told.sort();
    let mut cells: BTreeMap<Failure, Vec<String>> = BTreeMap::new();
    for (failure, _, word) in told {
        let words = cells.entry(failure).or_default();
        if !words.contains(&word) {
            words.push(word);
        }
    }
    cells
}

fn line(row: &Row, cells: &BTreeMap<Failure, Vec<String>>) -> String {
    let cell =
        |failure| cells.get(failure).map_or_else(|| "—".to_owned(), |words| words.join("; "));
    let cells: Vec<String> = Failure::ALL.iter().map(cell).collect();
    format!("| {} | {} |\n", row.name, cells.join(" | "))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_fails_it_takes_effect_once_and_that_is_written_down() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let written = std::fs::read_to_string(&page).unwrap();
    let (head, rest) = written.split_once(BEGIN).expect("a beginning");
    let (known, tail) = rest.split_once(END).expect("an end");
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let absent = is_missing("terraform");
    let mut rows = JoinSet::new();
    for (number, row) in ROWS.iter().enumerate() {
        if absent && row.kind == "terraform" {
            let start = format!("| {} |", row.name);
            let line = known.lines().find(|line| line.starts_with(&start)).unwrap_or_default();
            let line = format!("{line}\n");
            rows.spawn(async move { (number, line) });
            continue;
        }
        let permits = Arc::clone(&permits);
        rows.spawn(async move { (number, line(row, &cells(row, permits).await)) });
    }
    let mut lines = rows.join_all().await;
    lines.sort();
    let names: Vec<&str> = Failure::ALL.iter().map(|failure| failure.name()).collect();
    let table: String = lines.into_iter().map(|(_, line)| line).collect();
    let table =
        format!("\n| | {} |\n|---|{}\n{table}\n", names.join(" | "), "---|".repeat(names.len()));
    let expected = format!("{head}{BEGIN}{table}{END}{tail}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&page, &expected).unwrap();
    }
    let written = std::fs::read_to_string(&page).unwrap();
    assert!(!expected.contains(WRONG), "{table}");
    assert_eq!(written, expected, "run `UPDATE_DOCS=1 cargo test --lib failures`");
}

#[test]
fn every_action_that_is_available_is_tried() {
    // Asks people, as `manual-task` does, and has no other side.
    let without = ["approval"];
    for kind in crate::kinds::all().iter().filter(|kind| kind.available) {
        let tried = ROWS.iter().any(|row| row.kind == kind.name);
        assert!(tried || without.contains(&kind.name), "`{}` has no row", kind.name);
    }
}
