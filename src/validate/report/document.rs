//! Keeps `docs/reference/reports.md`: every format with a true example. It is there for tests only.

use std::fmt::Write as _;
use std::path::Path;

use super::tests::broken;
use super::*;

const HEAD: &str = "\
# Reports

<!-- Written by `UPDATE_DOCS=1 cargo test reports_document`; a test compares it with what is written. -->

What `trueline validate --format FORMAT` writes. [Validating](../guide/validate.md#reports) says how to get several at
once. All examples are of one catalog, in which two services are wrong.
";

fn reports_document() -> String {
    let (snapshot, findings) = broken();
    let mut text = HEAD.to_owned();
    for format in formats() {
        let example = (format.write)(&Report::new(&snapshot, &findings));
        // A new version is no reason to write this again.
        let example = example.replace(concat!("\"", env!("CARGO_PKG_VERSION"), "\""), "\"1.2.3\"");
        let (name, language) = (format.name, format.language);
        // Writing to a String cannot fail.
        let _ = write!(text, "\n## {name}\n\nReports {}. {}\n", format.summary, format.about);
        let _ = write!(text, "\n````{language}\n{}\n````\n", example.trim_end());
    }
    text
}

#[test]
fn reports_document_is_what_is_written() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/reports.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, reports_document()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == reports_document(), "run `UPDATE_DOCS=1 cargo test reports_document`");
}
