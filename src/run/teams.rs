//! Which teams somebody is of, as the catalog's settings say it. It asks no forge, and grants nobody anything.

use crate::catalog::Settings;

/// What a forge that hides addresses puts in their place ends so: `7+ann@users.noreply.github.com`.
const HIDDEN: &str = "@users.noreply.";

/// Returns the ids of the teams whose `owners` name the author of a commit (`name <email>`), in their order.
///
/// By mail address, by the account that a hidden address names, or by name. Who writes a commit says who they are: this
/// is no proof of anything.
pub fn teams_of(author: &str, settings: &Settings) -> Vec<String> {
    let (name, mail) = author.split_once(" <").unwrap_or((author, ""));
    let (name, mail) = (name.trim().to_lowercase(), mail.trim_end_matches('>').to_lowercase());
    let hidden = mail.split_once(HIDDEN).map(|(local, _)| local);
    let account = hidden.map(|local| local.rsplit('+').next().unwrap_or_default());
    let is_author = |owner: &String| {
        let owner = owner.to_lowercase();
        match owner.strip_prefix('@') {
            // Members of a team of the forge are not known here.
            Some(handle) if handle.contains('/') => false,
            Some(handle) => account.map_or(handle == name, |account| account == handle),
            None => !mail.is_empty() && owner == mail,
        }
    };
    let teams = settings.teams.iter().filter(|(_, team)| team.owners.iter().any(is_author));
    teams.map(|(id, _)| id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn somebody_is_of_the_teams_that_name_them() {
        let settings: Settings = serde_json::from_value(json!({"teams": {
            "leads": {"owners": ["@Ann", "dora@acme.example"]},
            "payments": {"owners": ["@acme/payments", "@ann", "@cem"]},
            "platform": {"owners": ["@acme/platform"]},
        }}))
        .unwrap();
        let check = |author: &str, expected: &[&str]| {
            assert_eq!(teams_of(author, &settings), expected, "{author}");
        };
        check("ann <ann@elsewhere.example>", &["leads", "payments"]);
        check("Ann B <7+ann@users.noreply.github.com>", &["leads", "payments"]);
        check("Dora <Dora@acme.example>", &["leads"]);
        check("cem", &["payments"]);
        // A name that somebody gave themselves is no account that they have.
        check("ann <8+eve@users.noreply.github.com>", &[]);
        check("Ann B <ann@elsewhere.example>", &[]);
        check("acme/payments <acme/payments>", &[]);
        check("", &[]);
    }
}
