//! Who people are, as far as names tell: by what they call themselves, by the author of a commit, by the team that lists
//! them. It proves nobody's name.

use std::collections::BTreeSet;

use super::change::{Need, NeedKind};
use crate::catalog::Settings;

/// Returns the one form of a name, by which people are told apart.
pub fn bare(name: &str) -> String {
    name.trim().trim_start_matches('@').to_lowercase()
}

/// Tells whether somebody is the author of a commit: by name, by mail address, or by the account that it names.
pub fn wrote(author: &str, who: &str) -> bool {
    let (name, mail) = author.split_once(" <").unwrap_or((author, ""));
    let mail = bare(mail.trim_end_matches('>'));
    let account = mail.split('@').next().unwrap_or_default();
    // A forge that hides addresses puts the number of the account before its name.
    let account = account.rsplit('+').next().unwrap_or_default();
    let who = bare(who);
    !who.is_empty() && [bare(name).as_str(), mail.as_str(), account].contains(&who.as_str())
}

/// Says why somebody's approval does not count for a need; nothing where it does.
///
/// Of a team whose members nobody knows here everybody may be one.
pub(super) fn refusal(
    need: &Need,
    who: &str,
    (author, settings): (Option<&str>, &Settings),
) -> Option<&'static str> {
    if need.kind == NeedKind::Rule && author.is_some_and(|author| wrote(author, who)) {
        return Some("wrote it");
    }
    if need.from.is_empty() {
        return None;
    }
    let mut people: BTreeSet<String> = BTreeSet::new();
    for name in &need.from {
        let owners = settings.teams.get(name).map(|team| &team.owners[..]);
        let Some(owners) = owners.or(name.contains('@').then_some(std::slice::from_ref(name)))
        else {
            return None;
        };
        if owners.is_empty() || owners.iter().any(|owner| owner.contains('/')) {
            return None;
        }
        people.extend(owners.iter().map(|owner| bare(owner)));
    }
    (!people.contains(&bare(who))).then_some("is not among them")
}
