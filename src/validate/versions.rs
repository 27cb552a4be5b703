//! What a rise of a semantic version promises. It reads no document.

use std::cmp::Ordering;

use semver::Version;

/// Reads the versions before and after a change; nothing where one is none, which the schemas tell.
pub(super) fn both(before: &str, after: &str) -> Option<(Version, Version)> {
    Some((Version::parse(before).ok()?, Version::parse(after).ok()?))
}

/// Tells whether a rise says that something breaks: of the major version, or below 1.0 of the first that is not 0.
/// What is not released yet may break with every rise.
pub(super) fn says_breaking(before: &Version, after: &Version) -> bool {
    if after.cmp_precedence(before) != Ordering::Greater {
        return false;
    }
    let significant = |version: &Version| match (version.major, version.minor) {
        (0, 0) => (0, 0, version.patch),
        (0, minor) => (0, minor, 0),
        (major, _) => (major, 0, 0),
    };
    !before.pre.is_empty() || significant(before) != significant(after)
}

/// Returns the least version that says that something breaks.
pub(super) fn next_breaking(before: &Version) -> Version {
    match before.major {
        0 => Version::new(0, before.minor + 1, 0),
        major => Version::new(major + 1, 0, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rise_says_what_it_breaks() {
        let check = |before: &str, after: &str, breaking: bool, next: &str| {
            let (before, after) = both(before, after).unwrap();
            assert_eq!(says_breaking(&before, &after), breaking, "{before} {after}");
            assert_eq!(next_breaking(&before).to_string(), next);
        };
        check("1.4.0", "2.0.0", true, "2.0.0");
        check("1.4.0", "2.0.0-beta.1", true, "2.0.0");
        check("1.4.0", "1.5.0", false, "2.0.0");
        check("1.4.0", "1.4.0", false, "2.0.0");
        check("1.4.0", "1.4.0+build.2", false, "2.0.0");
        check("2.0.0", "1.0.0", false, "3.0.0");
        check("0.4.1", "0.5.0", true, "0.5.0");
        check("0.4.1", "0.4.2", false, "0.5.0");
        check("0.0.1", "0.0.2", true, "0.1.0");
        check("0.4.1", "1.0.0", true, "0.5.0");
        check("2.0.0-beta.1", "2.0.0-beta.2", true, "3.0.0");
        assert!(both("1", "2").is_none());
    }
}
