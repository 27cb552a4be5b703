//! Measures the search for credentials on `tests/corpus/secrets/`, and says which are missed. It finds nothing itself.

use insta::assert_snapshot;

use super::*;
use crate::digest::Digest;

const CREDENTIALS: &str = include_str!("../../tests/corpus/secrets/credentials.txt");
const HARMLESS: &str = include_str!("../../tests/corpus/secrets/harmless.txt");

/// How often each credential is drawn.
const DRAWS: usize = 20;

/// Draws characters, always the same for the same seed.
fn drawn(class: &str, length: usize, seed: &str) -> String {
    let all = match class {
        "alnum" => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        "base32" => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
        "base64" => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        "digit" => "0123456789",
        "hex" => "0123456789abcdef",
        "letter" => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        "sign" => "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789!#%*+-_.",
        "upper" => "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        "url" => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-",
        other => panic!("no class {other}"),
    };
    let all: Vec<char> = all.chars().collect();
    let bytes = (0..).flat_map(|block: usize| {
        let digest = Digest::of_bytes(format!("{seed}/{block}").as_bytes()).to_string();
        let hex: Vec<u8> = digest.bytes().filter(u8::is_ascii_hexdigit).collect();
        let pairs = hex
            .chunks_exact(4)
            .map(|four| usize::from_str_radix(std::str::from_utf8(four).unwrap(), 16).unwrap());
        pairs.collect::<Vec<_>>()
    });
    bytes.take(length).map(|number| all[number % all.len()]).collect()
}

/// Puts what is drawn into `<class:length>`.
fn filled(line: &str, seed: &str) -> String {
    let shape = Regex::new("<([a-z0-9]+):([0-9]+)>").unwrap();
    let mut count = 0;
    let fill = |caught: &regex::Captures<'_>| {
        count += 1;
        drawn(&caught[1], caught[2].parse().unwrap(), &format!("{seed}/{count}"))
    };
    shape.replace_all(line, fill).into_owned()
}

fn verdict(text: &str) -> &'static str {
    match credentials(text).as_slice() {
        [] => "missed",
        found if found.iter().any(|one| matches!(one.what, What::Known(_))) => "known",
        _ => "suspected",
    }
}

#[test]
fn what_is_found_and_what_is_not() {
    let mut counts = [("known", 0, 0), ("suspected", 0, 0), ("missed", 0, 0)];
    let mut others = Vec::new();
    for line in CREDENTIALS.lines() {
        let (expected, line) = line.split_once('|').unwrap();
        let row = counts.iter_mut().find(|(name, ..)| *name == expected).unwrap();
        for draw in 0..DRAWS {
            let text = filled(line, &format!("{line}/{draw}"));
            row.1 += 1;
            let verdict = verdict(&text);
            if verdict == expected {
                row.2 += 1;
            } else {
                others.push(format!("{verdict} instead of {expected}: {text}"));
            }
        }
    }
    let mistaken: Vec<&str> = HARMLESS.lines().filter(|line| verdict(line) != "missed").collect();
    let known = mistaken.iter().filter(|line| verdict(line) == "known").count();
    let found = counts[0].2 + counts[1].2;
    let report = format!(
        "{} credentials, {DRAWS} draws each\n{} of {} found by their shape\n{} of {} suspected by their key\n{} of {} cannot be told from words\nrecall {found} of {}\n{} harmless lines: {known} taken for known ones, {} suspected:\n{}",
        CREDENTIALS.lines().count(),
        counts[0].2,
        counts[0].1,
        counts[1].2,
        counts[1].1,
        counts[2].2,
        counts[2].1,
        counts.iter().map(|row| row.1).sum::<usize>(),
        HARMLESS.lines().count(),
        mistaken.len() - known,
        mistaken.join("\n"),
    );
    assert_eq!(others.len(), 27, "{}", others.join("\n"));
    assert_snapshot!(report, @r"
    92 credentials, 20 draws each
    1180 of 1180 found by their shape
    513 of 540 suspected by their key
    120 of 120 cannot be told from words
    recall 1693 of 1840
    417 harmless lines: 0 taken for known ones, 2 suspected:
    token: OAuth2ClientCreds
    secret: Db2InstanceOwner
    ");
}

#[test]
fn hostile_texts_cost_no_time() {
    // What is worse than linear does not come to an end here.
    let mut counts = Vec::new();
    for part in [
        "AKIA",
        "://a:",
        "password: ",
        "eyJ.eyJ",
        "-----BEGIN A ",
        "token",
        "password=",
        "Bearer ",
        "name: TOKEN\n",
        "-eyJa",
        "ghp_-",
        "password: 9fK2xQ7LmZ4vT8pW\n",
        "xoxb-",
        "://",
    ] {
        let text = part.repeat(200_000 / part.len());
        counts.push(format!("{part:?}: {}", credentials(&text).len()));
    }
    assert_snapshot!(counts.join("\n"), @r#"
    "AKIA": 0
    "://a:": 0
    "password: ": 0
    "eyJ.eyJ": 0
    "-----BEGIN A ": 0
    "token": 0
    "password=": 0
    "Bearer ": 0
    "name: TOKEN\n": 0
    "-eyJa": 0
    "ghp_-": 0
    "password: 9fK2xQ7LmZ4vT8pW\n": 7407
    "xoxb-": 0
    "://": 0
    "#);
}
