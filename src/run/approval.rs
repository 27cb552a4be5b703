//! What an approval asks for, and what people's words on it come to. Pure; of people it knows what they call themselves.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::catalog::{Form, Settings};
use crate::reconcile::{Authors, bare};
use crate::secret::sealed_hash;

/// What a step asks people for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ask {
    /// Teams whose members may answer.
    #[serde(default)]
    pub teams: Vec<String>,
    /// People who may answer.
    #[serde(default)]
    pub users: Vec<String>,
    /// How many different people must grant it.
    pub required: u32,
    /// What follows when its time has passed.
    #[serde(default)]
    pub on_timeout: OnTimeout,
    /// What whoever grants it first fills in.
    #[serde(default)]
    pub form: Form,
}

/// What follows when the time of an approval has passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnTimeout {
    /// The step fails.
    #[default]
    Fail,
    /// The run goes on, with the decision `timed-out`.
    Continue,
}

/// Who may answer, as far as that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvers {
    /// People who may, by the names they go by.
    pub people: BTreeSet<String>,
    /// Teams whose members nobody knows here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// Who wrote the change, as `name <email>`: never counts. Nothing where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Who else wrote some of what the change comes from: counts no more than its author.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coauthors: Vec<String>,
}

/// What one person said.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Whether they granted it; they rejected it otherwise.
    pub grants: bool,
    /// What they said to it, or why they rejected it.
    pub text: String,
    /// What they filled in; sensitive values sealed.
    pub answers: Map<String, Value>,
}

/// What the words come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Who granted it, in their order.
    pub granted: Vec<String>,
    /// What they said to it, a line each.
    pub comment: String,
    /// What the first of them filled in, which the others agreed to.
    pub answers: Map<String, Value>,
    /// Who rejected it, and why.
    pub rejected: Option<(String, String)>,
    /// Whether enough of them granted it.
    pub is_enough: bool,
}

impl Approvers {
    /// Finds out who may answer.
    pub fn of(ask: &Ask, settings: &Settings, authors: Authors) -> Self {
        let mut people: BTreeSet<String> = ask.users.iter().map(|user| bare(user)).collect();
        let mut unknown = Vec::new();
        for team in &ask.teams {
            let owners = settings.teams.get(team).map(|team| &team.owners[..]).unwrap_or_default();
            let members: Vec<String> =
                owners.iter().filter(|owner| !owner.contains('/')).map(|one| bare(one)).collect();
            if members.len() < owners.len() || members.is_empty() {
                unknown.push(team.clone());
            }
            people.extend(members);
        }
        let Authors { author, coauthors } = authors;
        Self { people, unknown, author, coauthors }
    }

    /// Returns who wrote the change.
    pub fn authors(&self) -> Authors {
        Authors { author: self.author.clone(), coauthors: self.coauthors.clone() }
    }

    /// Says why somebody may not answer; nothing where they may.
    pub fn refusal(&self, who: &str) -> Option<String> {
        if let Some(author) = self.authors().known_as(who) {
            return Some(format!("{who} wrote the change ({author}), and its author never counts"));
        }
        if self.people.contains(&bare(who)) {
            return None;
        }
        Some(format!("{who} is not among those who may: {self}"))
    }

    /// Tells how many people may, as far as that is known.
    fn count(&self) -> usize {
        self.people.iter().filter(|who| self.refusal(who).is_none()).count()
    }

    /// Says whether there are enough people; nothing where there are.
    pub fn shortage(&self, required: u32) -> Option<String> {
        let count = self.count();
        let is_short = count < usize::try_from(required).unwrap_or(usize::MAX);
        is_short.then(|| format!("only {count} of those who may are known"))
    }
}

impl std::fmt::Display for Approvers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let may = self.people.iter().filter(|who| self.refusal(who).is_none()).cloned();
        let teams =
            self.unknown.iter().map(|team| format!("team {team} (its members are not known here)"));
        let all: Vec<String> = may.chain(teams).collect();
        if all.is_empty() {
            return f.write_str("nobody");
        }
        f.write_str(&all.join(", "))
    }
}

/// Counts words, up to the one that decides. What was said by somebody who may not, too late, or twice does not
/// count, nor does a grant with other answers than the first one's.
pub fn tally(words: &[Word], (ask, may): (&Ask, &Approvers), until: Option<Timestamp>) -> Tally {
    let mut tally = Tally::default();
    let mut comments: Vec<&str> = Vec::new();
    let required = usize::try_from(ask.required.max(1)).unwrap_or(usize::MAX);
    for word in words {
        if until.is_some_and(|until| word.at > until) || may.refusal(&word.by).is_some() {
            continue;
        }
        if !word.grants {
            tally.rejected = Some((word.by.clone(), word.text.clone()));
            break;
        }
        let again = tally.granted.iter().any(|by| bare(by) == bare(&word.by));
        if again || (!tally.granted.is_empty() && !agrees(&word.answers, &tally.answers)) {
            continue;
        }
        if tally.granted.is_empty() {
            tally.answers.clone_from(&word.answers);
        }
        tally.granted.push(word.by.clone());
        comments.extend(Some(word.text.as_str()).filter(|text| !text.is_empty()));
        if tally.granted.len() >= required {
            tally.is_enough = true;
            break;
        }
    }
    tally.comment = comments.join("\n");
    tally
}

/// Tells whether somebody who grants leaves the first one's answers as they are.
pub fn agrees(answers: &Map<String, Value>, first: &Map<String, Value>) -> bool {
    answers.is_empty()
        || (answers.len() == first.len()
            && answers.iter().all(|(name, value)| {
                first.get(name).is_some_and(|first| {
                    match (sealed_hash(value), sealed_hash(first)) {
                        (None, None) => value == first,
                        (one, other) => one == other,
                    }
                })
            }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn settings() -> Settings {
        serde_json::from_value(json!({"teams": {
            "leads": {"owners": ["@Cem", "dora@acme.example"]},
            "platform": {"owners": ["@acme/platform", "@eve"]},
        }}))
        .unwrap()
    }

    fn ask(teams: &[&str], users: &[&str], required: u32) -> Ask {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Ask { teams: own(teams), users: own(users), required, ..Ask::default() }
    }

    fn by(author: Option<&str>) -> Authors {
        Authors { author: author.map(str::to_owned), ..Authors::default() }
    }

    /// Reads `ada yes`, `bob no`, `ada yes size=1`, one second apart.
    fn words(script: &str) -> Vec<Word> {
        let read = |(second, line): (i64, &str)| {
            let mut parts = line.split_whitespace();
            let (by, said) = (parts.next().unwrap(), parts.next().unwrap());
            let pairs = parts.filter_map(|pair| pair.split_once('='));
            Word {
                by: by.to_owned(),
                at: at(second),
                grants: said == "yes",
                text: format!("says {by}"),
                answers: pairs.map(|(name, value)| (name.to_owned(), json!(value))).collect(),
            }
        };
        (1..).zip(script.split(", ")).map(read).collect()
    }

    fn check(required: u32, author: Option<&str>, script: &str, expected: &str) {
        let ask = ask(&["leads"], &["ada", "@Bob"], required);
        let may = Approvers::of(&ask, &settings(), by(author));
        let tally = tally(&words(script), (&ask, &may), Some(at(9)));
        let state = match (&tally.rejected, tally.is_enough) {
            (Some((by, _)), _) => format!("rejected by {by}"),
            (None, true) => "granted".to_owned(),
            (None, false) => "open".to_owned(),
        };
        let answers = Value::Object(tally.answers);
        assert_eq!(format!("{state}: {} {answers}", tally.granted.join(" ")), expected);
    }

    #[test]
    fn enough_different_people_who_may_grant_it_or_one_rejects_it() {
        check(1, None, "ada yes", "granted: ada {}");
        check(2, None, "ada yes", "open: ada {}");
        check(2, None, "ada yes, ada yes, @Ada yes", "open: ada {}");
        check(2, None, "mallory yes, ada yes, bob yes", "granted: ada bob {}");
        check(2, None, "ada yes, cem yes", "granted: ada cem {}");
        check(2, None, "dora@acme.example yes, ada yes", "granted: dora@acme.example ada {}");
        check(2, None, "ada yes, cem no, bob yes", "rejected by cem: ada {}");
        check(1, None, "mallory no, ada yes", "granted: ada {}");
        check(1, None, "ada yes, bob no", "granted: ada {}");
        check(2, None, "ada yes, ada no", "rejected by ada: ada {}");
    }

    #[test]
    fn what_is_said_too_late_does_not_count() {
        let early = "x yes, x yes, x yes, x yes, x yes, x yes, x yes, x yes";
        check(1, None, &format!("{early}, ada yes"), "granted: ada {}");
        check(1, None, &format!("{early}, x yes, ada yes, bob no"), "open:  {}");
    }

    #[test]
    fn the_author_never_counts() {
        for author in [
            "Ada <a@acme.example>",
            "Somebody <ada@acme.example>",
            "S <77+ada@users.noreply.example>",
            "ada",
        ] {
            check(1, Some(author), "ada yes", "open:  {}");
            check(1, Some(author), "ada no, bob yes", "granted: bob {}");
        }
        check(1, Some("Adam <adam@acme.example>"), "ada yes", "granted: ada {}");
        check(1, Some(""), "ada yes", "granted: ada {}");
    }

    #[test]
    fn the_first_fills_the_form_and_the_others_agree() {
        check(2, None, "ada yes size=1, bob yes", r#"granted: ada bob {"size":"1"}"#);
        check(2, None, "ada yes size=1, bob yes size=1", r#"granted: ada bob {"size":"1"}"#);
        check(2, None, "ada yes size=1, bob yes size=2", r#"open: ada {"size":"1"}"#);
        check(2, None, "ada yes, bob yes size=2", "open: ada {}");
    }

    #[test]
    fn a_sealed_answer_agrees_with_the_same_one_sealed_again() {
        let sealed = |text: &str, hash: &str| {
            Map::from_iter([("pin".to_owned(), json!({"$sealed": text, "$hash": hash}))])
        };
        assert!(agrees(&sealed("a", "h"), &sealed("b", "h")));
        assert!(!agrees(&sealed("a", "h"), &sealed("a", "i")));
        assert!(!agrees(&Map::from_iter([("pin".to_owned(), json!("h"))]), &sealed("a", "h")));
    }

    #[test]
    fn whoever_wrote_some_of_it_counts_no_more_than_its_author() {
        let ask = ask(&["leads"], &["ada", "bob"], 1);
        let wrote = ["Bob <bob@acme.example>", "Dora <dora@acme.example>"].map(str::to_owned);
        let authors = Authors { coauthors: wrote.into(), ..by(Some("Ada <ada@acme.example>")) };
        let may = Approvers::of(&ask, &settings(), authors);
        assert_eq!(may.to_string(), "cem");
        assert_eq!(
            may.refusal("@Bob").unwrap(),
            "@Bob wrote the change (Bob <bob@acme.example>), and its author never counts"
        );
    }

    #[test]
    fn it_says_who_may() {
        let may = |teams: &[&str], users: &[&str], author| {
            Approvers::of(&ask(teams, users, 2), &settings(), by(author))
        };
        let leads = may(&["leads"], &["@Ada"], Some("Cem <cem@acme.example>"));
        assert_eq!(leads.to_string(), "ada, dora@acme.example");
        assert_eq!(leads.shortage(2), None);
        assert_eq!(leads.shortage(3).unwrap(), "only 2 of those who may are known");
        assert_eq!(
            leads.refusal("bob").unwrap(),
            "bob is not among those who may: ada, dora@acme.example"
        );
        let platform = may(&["platform"], &[], None);
        assert_eq!(platform.to_string(), "eve, team platform (its members are not known here)");
        let gone = may(&["gone"], &[], None);
        assert_eq!(gone.to_string(), "team gone (its members are not known here)");
        assert_eq!(may(&[], &["ada"], Some("ada")).to_string(), "nobody");
        for nobody in ["", " ", "@", "acme/platform", "@acme/platform"] {
            assert!(platform.refusal(nobody).is_some(), "{nobody:?}");
        }
    }

    proptest! {
        #[test]
        fn more_words_never_take_a_decision_back(
            said in proptest::collection::vec((0..5_usize, any::<bool>()), 0..12),
            more in proptest::collection::vec((0..5_usize, any::<bool>()), 0..4),
            required in 1..4_u32,
        ) {
            let names = ["ada", "bob", "cem", "mallory", "Ada"];
            let word = |(second, (who, grants)): (i64, &(usize, bool))| Word {
                by: names[*who].to_owned(), at: at(second), grants: *grants,
                text: String::new(), answers: Map::new(),
            };
            let ask = ask(&["leads"], &["ada", "bob"], required);
            let may = Approvers::of(&ask, &settings(), by(None));
            let all: Vec<Word> = (1..).zip(said.iter().chain(&more)).map(word).collect();
            let before = tally(&all[..said.len()], (&ask, &may), None);
            let after = tally(&all, (&ask, &may), None);
            if before.is_enough || before.rejected.is_some() {
                prop_assert_eq!(&before, &after);
            }
            let people: BTreeSet<String> = after.granted.iter().map(|by| bare(by)).collect();
            prop_assert_eq!(people.len(), after.granted.len());
            prop_assert!(!people.contains("mallory"));
            prop_assert_eq!(after.is_enough, people.len() >= required as usize);
        }
    }
}
