//! Paths between a catalog and the repository that it is a folder of: `../` leads out of the catalog. It looks at no file.

use std::borrow::Cow;

/// Writes a path of a repository as it is seen from a folder of it; an empty folder is the repository itself.
pub fn seen_from(folder: &str, path: &str) -> String {
    let names: Vec<&str> = folder.split('/').filter(|name| !name.is_empty()).collect();
    let parts: Vec<&str> = path.split('/').collect();
    let common = names.iter().zip(&parts).take_while(|(name, part)| name == part).count();
    let rest = parts.get(common..).unwrap_or_default().join("/");
    "../".repeat(names.len() - common) + &rest
}

/// Writes a path behind what leads to where it begins; `../` takes a name of that away.
pub fn joined<'p>(prefix: &str, path: &'p str) -> Cow<'p, str> {
    let (mut before, mut rest) = (prefix, path);
    while let Some(after) = rest.strip_prefix("../") {
        let whole = before.trim_end_matches('/');
        let (above, name) = whole.split_at(whole.rfind('/').map_or(0, |at| at + 1));
        if matches!(name, "" | "." | "..") {
            break;
        }
        (before, rest) = (above, after);
    }
    if before.is_empty() { Cow::Borrowed(rest) } else { Cow::Owned(format!("{before}{rest}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_above_is_named_and_found_again() {
        for (folder, path, expected) in [
            ("", "docs/CODEOWNERS", "docs/CODEOWNERS"),
            ("infra", "CODEOWNERS", "../CODEOWNERS"),
            ("infra/catalog", ".github/CODEOWNERS", "../../.github/CODEOWNERS"),
            ("docs/catalog", "docs/CODEOWNERS", "../CODEOWNERS"),
            ("docs", "docs/CODEOWNERS", "CODEOWNERS"),
            ("doc", "docs/CODEOWNERS", "../docs/CODEOWNERS"),
        ] {
            let seen = seen_from(folder, path);
            assert_eq!(seen, expected);
            let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
            assert_eq!(joined(&prefix, &seen), path);
        }
    }

    #[test]
    fn no_more_is_taken_away_than_is_known() {
        for (prefix, path, expected) in [
            ("", "../x", "../x"),
            ("../a/", "../../x", "../../x"),
            ("./a/", "../x", "./x"),
            ("/a/", "../../x", "/../x"),
            ("a/", "b/../x", "a/b/../x"),
        ] {
            assert_eq!(joined(prefix, path), expected, "{prefix} {path}");
        }
    }
}
