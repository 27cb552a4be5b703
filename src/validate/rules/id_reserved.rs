//! `id/reserved`: no name is kept for something else: devices of Windows, and the word by which templates name what they are in.

use crate::catalog::{Document, Kind};
use crate::finding::{Finding, Place, Severity};
use crate::id::is_device;
use crate::validate::findings::Findings;
use crate::validate::parts::parts;
use crate::validate::registry::{Check, Rule};

pub(super) static RULE: Rule = Rule {
    id: "id/reserved",
    severity: Severity::Error,
    summary: "A name is kept for something else: a device of Windows, or `this` of templates.",
    why: "Windows makes no file or folder named `aux` or `com1`, so a checkout fails there; a template skips `this` where it looks for a value.",
    mend: "Choose a longer name.",
    bad: "services/aux/aux-db.yaml",
    good: "services/auxiliary/aux-db.yaml",
    check: Check::Document(check),
};

/// By which templates name what they are in.
const THIS: &str = "this";

fn check(document: &Document, findings: &mut Findings<'_>) {
    if let Some(name) = document.path.split('/').find(|name| is_device(name)) {
        let stem = name.split('.').next().unwrap_or(name);
        let message = format!(
            "no file or folder can be named `{stem}` on Windows: the name is kept for a device"
        );
        let what = if name.len() == stem.len() { "the folder" } else { "the file and its id" };
        let hint = format!("rename {what}, to `{stem}-1` for example");
        findings.add(
            Finding::error(RULE.id, Place::start_of(document.path.clone()), message).hint(hint),
        );
    }
    let is_service = document.kind == Some(Kind::Service);
    if is_service && document.id.as_deref() == Some(THIS) {
        let finding = findings.at("/metadata/id", said("service"));
        findings.add(finding.hint(HINT));
    }
    for part in parts(document).iter().filter(|part| part.id == THIS && part.what != "group") {
        let finding = part.finding(findings, said(part.what));
        findings.add(finding.hint(HINT));
    }
}

fn said(what: &str) -> String {
    format!(
        "no {what} can be named `this`: in templates it means the value that they are at, not this one"
    )
}

const HINT: &str = "give it another name";

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, SERVICE, check};

    #[test]
    fn names_of_devices_are_kept() {
        let item = ITEM.replace("databases", "aux");
        check(&item, "
            catalog/aux/database-standard.yaml:1:1: error id/reserved no file or folder can be named `aux` on Windows: the name is kept for a device (rename the folder, to `aux-1` for example)
        ");
        let service = SERVICE.replace("payments-db", "com1");
        check(&format!("{ITEM}{service}"), "
            services/payments/com1.yaml:1:1: error id/reserved no file or folder can be named `com1` on Windows: the name is kept for a device (rename the file and its id, to `com1-1` for example)
        ");
        check(&format!("{ITEM}{}", SERVICE.replace("payments-db", "com1-db")), "");
    }

    #[test]
    fn what_templates_call_this_has_no_other_name() {
        let item = ITEM
            .replace("- {id: label,", "- {id: this,")
            .replace("outputs:\n  url:", "outputs:\n  this: {value: x}\n  url:");
        let service = SERVICE.replace("payments-db", "this");
        check(&format!("{item}{service}"), "
            catalog/databases/database-standard.yaml:17:18: error id/reserved no field can be named `this`: in templates it means the value that they are at, not this one (give it another name)
            catalog/databases/database-standard.yaml:29:3: error id/reserved no output can be named `this`: in templates it means the value that they are at, not this one (give it another name)
            services/payments/this.yaml:3:16: error id/reserved no service can be named `this`: in templates it means the value that they are at, not this one (give it another name)
        ");
        check(&ITEM.replace("id: main", "id: this"), "");
    }
}
