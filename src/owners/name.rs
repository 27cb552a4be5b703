//! What an owner is called: a user, a team or a mail address. It knows nobody.

/// Tells whether a word names an owner: `@user`, `@organisation/team` or a mail address.
pub fn is_owner(word: &str) -> bool {
    let Some(handle) = word.strip_prefix('@') else { return is_mail(word) };
    match handle.split_once('/') {
        Some((organisation, team)) => is_name(organisation) && is_name(team),
        None => is_name(handle),
    }
}

/// Says what is wrong with a word that names no owner.
pub(super) fn hint(word: &str) -> String {
    let mended = format!("@{}", word.trim_start_matches('@'));
    let bare = word.split('#').next().unwrap_or_default();
    if word.contains('#') && is_owner(bare) {
        return format!("write `{bare}`, and a space before the comment");
    }
    let bare = word.trim_end_matches([',', ';', ':']);
    if bare != word && is_owner(bare) {
        return format!("write `{bare}`; owners are separated by spaces");
    }
    if is_owner(&mended) {
        return format!("did you mean `{mended}`?");
    }
    "write @user, @organisation/team or a mail address".to_owned()
}

/// Returns the user that GitHub hides behind a mail address of its own: `1+octocat@users.noreply.github.com`.
pub fn hidden_user(mail: &str) -> Option<String> {
    let person = mail.strip_suffix("@users.noreply.github.com")?;
    let login = person.split_once('+').map_or(person, |(_, login)| login);
    is_name(login).then(|| format!("@{login}"))
}

/// Makes names comparable: forges do not tell cases apart.
pub(super) fn folded(owner: &str) -> String {
    owner.trim().to_lowercase()
}

fn is_name(name: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    !name.is_empty() && name.chars().all(inside)
}

fn is_mail(word: &str) -> bool {
    let Some((person, host)) = word.split_once('@') else { return false };
    let in_person = |c: char| c.is_alphanumeric() || "!$%&'*+-/=?^_`{|}~.".contains(c);
    let label =
        |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    !person.is_empty()
        && person.chars().all(in_person)
        && host.contains('.')
        && host.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_users_teams_and_mail_addresses() {
        for word in
            ["@octocat", "@octo-org/octocats", "@a_b", "docs@example.com", "a.b+c@mail.example.org"]
        {
            assert!(is_owner(word), "{word}");
        }
        for word in [
            "octocat", "@", "@/", "@a/", "@/b", "@a/b/c", "@a b", "@a,", "@ä", "@@a", "a@b",
            "a@b@c.d", "@a.b", "a@.com", "a@b..c", "", "#", "@a#b",
        ] {
            assert!(!is_owner(word), "{word}");
        }
    }

    #[test]
    fn a_hidden_user_is_found() {
        let check = |mail: &str| hidden_user(mail);
        assert_eq!(check("583231+octocat@users.noreply.github.com").as_deref(), Some("@octocat"));
        assert_eq!(check("octocat@users.noreply.github.com").as_deref(), Some("@octocat"));
        assert_eq!(check("octocat@example.com"), None);
        assert_eq!(check("@users.noreply.github.com"), None);
    }

    #[test]
    fn hints_mend_what_is_nearly_right() {
        for (word, expected) in [
            ("octocat", "did you mean `@octocat`?"),
            ("@@octocat", "did you mean `@octocat`?"),
            ("acme/platform", "did you mean `@acme/platform`?"),
            ("@a,", "write `@a`; owners are separated by spaces"),
            ("@a#who", "write `@a`, and a space before the comment"),
            ("@a.b", "write @user, @organisation/team or a mail address"),
        ] {
            assert_eq!(hint(word), expected);
        }
    }
}
