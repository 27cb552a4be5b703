//! `text/look-alike`: no word mixes Latin letters with letters of other scripts that look like them.

use crate::catalog::Document;
use crate::finding::{Finding, Place, Severity};
use crate::validate::findings::Findings;
use crate::validate::look_alike::looks_like;
use crate::validate::registry::{Check, Rule};

pub(super) static RULE: Rule = Rule {
    id: "text/look-alike",
    severity: Severity::Warning,
    summary: "A word of Latin letters has a letter of another script in it that looks like a Latin one.",
    why: "It is another word than the one that people read: an id that is not found, or a name that passes for another.",
    mend: "Write the Latin letter. Words that are wholly of another script are not meant.",
    bad: "catalogItem: d\u{430}tabase-standard   # the second letter is U+0430",
    good: "catalogItem: database-standard",
    check: Check::Text(check),
};

fn check(document: &Document, findings: &mut Findings<'_>) {
    if !document.path.is_ascii() {
        for (_, word) in mixed(&document.path) {
            let place = Place::start_of(document.path.clone());
            let (message, instead) = told(word);
            let finding = Finding::error(RULE.id, place, format!("in the path, {message}"));
            let finding = Finding { severity: RULE.severity, ..finding };
            findings.add(finding.hint(format!("rename it to `{instead}`")));
        }
    }
    let bytes = document.bytes.get();
    let Ok(text) = std::str::from_utf8(&bytes) else { return };
    if text.is_ascii() {
        return;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (start, word) in mixed(text) {
        let (message, instead) = told(word);
        let range = start..start + word.len();
        let finding = findings.in_source(text, &range, message);
        let finding = findings.respell(finding, word, &instead);
        findings.add(finding.hint(format!("write `{instead}`")));
    }
}

/// Returns the words that mix Latin letters with others that look like them, each with its first byte.
fn mixed(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    let words = text.split_inclusive(|each: char| !each.is_alphanumeric()).map(move |part| {
        let start = at;
        at += part.len();
        (start, part.trim_end_matches(|each: char| !each.is_alphanumeric()))
    });
    let has_latin = |word: &str| word.contains(|each: char| each.is_ascii_alphabetic());
    let has_double = |word: &str| word.chars().any(|letter| looks_like(letter).is_some());
    words.filter(move |(_, word)| !word.is_ascii() && has_latin(word) && has_double(word))
}

/// Says which letter of a word is not what it looks like, and how the word is written without it.
fn told(word: &str) -> (String, String) {
    let instead: String = word.chars().map(|each| looks_like(each).unwrap_or(each)).collect();
    let first = word.chars().find_map(|each| Some((each, looks_like(each)?)));
    let (letter, double) = first.unwrap_or_default();
    let message = format!(
        "`{word}` has the letter U+{:04X}, which looks like `{double}` and is another",
        u32::from(letter)
    );
    (message, instead)
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, SERVICE, check, judge};

    #[test]
    fn a_letter_of_another_script_in_a_word_is_found() {
        check(
            &format!("{ITEM}{}", SERVICE.replace("Item: database", "Item: d\u{430}tabase")),
            "
            services/payments/payments-db.yaml:4:14: warning text/look-alike `d\u{430}tabase` has the letter U+0430, which looks like `a` and is another (write `database`)
            services/payments/payments-db.yaml:4:14: error schema/value expected a lower-case word of 4 to 64 letters, digits and hyphens, beginning with a letter and not ending in a hyphen, found `d\u{430}tabase-standard` (for example `database-postgresql-standard`)
        ",
        );
        check(
            &ITEM.replace("name: Database", "name: D\u{430}tabase"),
            "catalog/databases/database-standard.yaml:5:9: warning text/look-alike `D\u{430}tabase` has the letter U+0430, which looks like `a` and is another (write `Database`)",
        );
    }

    #[test]
    fn a_path_is_a_text_too() {
        let service = SERVICE.replace("services/payments", "services/p\u{430}yments");
        let found = judge(&format!("{ITEM}{service}")).findings;
        let told = found.iter().find(|finding| finding.rule == "text/look-alike").unwrap();
        assert_eq!(
            told.message,
            "in the path, `p\u{430}yments` has the letter U+0430, which looks like `a` and is another"
        );
    }

    #[test]
    fn other_languages_are_no_mistake() {
        let told =
            "Größe, naïve, kırmızı, 5 kΩ, 10 µs, Δt, база данных, Βάση, 数据库, Bücher, ２Ｇ, ﬁne";
        check(&ITEM.replace("Make it.", told), "");
    }
}
