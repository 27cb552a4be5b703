//! What holds of places in a source, whatever it says.

use trueline::finding::{Finding, Fix};
use trueline::validate::fix::apply;
use trueline::yaml::edit::byte_at;

/// Expects that a finding stands in the source that it was found in, and that its fix can be applied.
pub(super) fn stands_in(finding: &Finding, bytes: &[u8]) {
    assert!(!finding.message.is_empty() && !finding.message.ends_with('.'), "{finding}");
    assert!(finding.hint.as_deref() != Some(""), "{finding}");
    let place = &finding.place;
    if std::str::from_utf8(bytes).is_ok() {
        assert!(byte_at(bytes, place.line, place.column).is_some(), "{finding} stands nowhere");
    }
    finding.fix.iter().for_each(|fix| can_be_applied(fix, bytes));
}

/// Expects that a fix has a place in the source.
pub(super) fn can_be_applied(fix: &Fix, bytes: &[u8]) {
    let applied = apply(bytes, &[fix]);
    assert_eq!(applied.taken, [true], "{fix:?}");
    let whole = std::str::from_utf8(bytes).is_ok();
    assert!(!whole || std::str::from_utf8(&applied.bytes).is_ok(), "{fix:?} tears a character");
}
