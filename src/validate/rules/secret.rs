//! `secret/…`: no credential stands in a document. The fields of forms are checked by the catalog room; what it finds is explained here.

use crate::catalog::Document;
use crate::finding::{Finding, Severity};
use crate::validate::credential_shapes::{PASSWORD_IN_URL, PRIVATE_KEY};
use crate::validate::credentials::{Credential, IN_CLEAR, NAME_IT, What, credentials};
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};

/// How many are shown of one document: whoever sees so many looks at all of it.
const MOST: usize = 50;
const SUSPECTED: &str = "secret/suspected";
const NAME_OR_ALLOW_IT: &str = "put it into the secret store and write `{{secrets.NAME}}` in the action or `{secret: NAME}` in the field that needs it; if it is none, write `# trueline: allow secret/suspected WHY` above";

pub(super) static RULES: [Rule; 2] = [
    Rule {
        id: IN_CLEAR,
        severity: Severity::Error,
        summary: "A password field holds its password, or a text has the shape of a credential: a token, a private key, a URL with a password.",
        why: "Whatever stands in git is known to everybody who ever reads it, for ever. Comments count as well.",
        mend: "Put it into the secret store, name it here, and replace it by a new one where it is valid: it is known \
               already. In a template a secret is `{{secrets.NAME}}`, in a password field `{secret: NAME}`. Where a text only \
               looks like a credential, allow it with the reason.",
        bad: "fields: {adminPassword: hunter2}",
        good: "fields: {adminPassword: {secret: PAYMENTS_DB_ADMIN}}",
        check: Check::Text(check),
    },
    Rule {
        id: SUSPECTED,
        severity: Severity::Warning,
        summary: "A value looks random and stands under a key that names a credential, such as `password` or `apiKey`.",
        why: "It is probably a credential of a kind that has no shape of its own, and whoever reads the file knows it.",
        mend: "Put it into the secret store, name it here, and replace it by a new one. Where it is no credential, allow it \
               with the reason.",
        bad: "body: {apiKey: 9fK2xQ7LmZ4vT8pW}",
        good: "body: {apiKey: \"{{secrets.SHOP_API_KEY}}\"}",
        check: Check::With(IN_CLEAR),
    },
];

fn check(document: &Document, findings: &mut Findings<'_>) {
    let bytes = document.bytes.get();
    let Ok(text) = std::str::from_utf8(&bytes) else { return };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for Credential { range, what } in credentials(text).into_iter().take(MOST) {
        let finding = match what {
            What::Known(what) => {
                let shown = text.get(range.clone()).unwrap_or_default();
                findings.in_source(text, &range, in_clear(what, shown)).hint(NAME_IT)
            }
            What::Under(key) => {
                let message =
                    format!("what stands behind `{key}` looks like a credential in clear");
                let finding = findings.in_source(text, &range, message).hint(NAME_OR_ALLOW_IT);
                Finding { rule: SUSPECTED.to_owned(), severity: Severity::Warning, ..finding }
            }
        };
        findings.add(finding);
    }
}

/// Says what a text looks like; a token shows what it begins with, which tells only of which kind it is.
fn in_clear(what: &str, text: &str) -> String {
    if [PASSWORD_IN_URL, PRIVATE_KEY].contains(&what) || what.starts_with("the address") {
        return format!("{what} stands here in clear");
    }
    let shown: String = text.chars().take(4).collect();
    format!("the text that begins with `{shown}` looks like {what} in clear")
}

#[cfg(test)]
mod tests {
    use super::SUSPECTED;
    use crate::validate::testing::{ITEM, SERVICE, check};

    /// A token that no program would take for one while it stands in this file.
    fn token() -> String {
        format!("ghp{}", "_Zk3Qm9Lx7Bv2Tn8Wc4Rf6Hy1Jp5Sd0AgEuXq")
    }

    #[test]
    fn what_has_the_shape_of_a_credential_is_found_and_not_repeated() {
        let item = ITEM.replace("Make it.", &format!("\"Ask with {}.\"", token()));
        check(
            &item,
            "catalog/databases/database-standard.yaml:26:35: error secret/in-clear the text that begins with `ghp_` looks like a GitHub token in clear (put it into the secret store, write `{{secrets.NAME}}` in the action or `{secret: NAME}` in the field that needs it, and replace it by a new one: this one is known; if it opens nothing, write `# trueline: allow secret/in-clear WHY` above)",
        );
        let url = format!("postgres://shop:{}@db.acme.example/shop", "Tr0ub4dor");
        check(
            &ITEM.replace("Make it.", &format!("See {url}")),
            "catalog/databases/database-standard.yaml:26:45: error secret/in-clear a password in a URL stands here in clear (put it into the secret store, write `{{secrets.NAME}}` in the action or `{secret: NAME}` in the field that needs it, and replace it by a new one: this one is known; if it opens nothing, write `# trueline: allow secret/in-clear WHY` above)",
        );
    }

    #[test]
    fn comments_and_files_that_cannot_be_read_are_searched_too() {
        check(
            &format!("{ITEM}{SERVICE}# {}\n", token()),
            "services/payments/payments-db.yaml:6:3: error secret/in-clear the text that begins with `ghp_` looks like a GitHub token in clear (put it into the secret store, write `{{secrets.NAME}}` in the action or `{secret: NAME}` in the field that needs it, and replace it by a new one: this one is known; if it opens nothing, write `# trueline: allow secret/in-clear WHY` above)",
        );
        let cut = SERVICE.replace("{size: small}", &format!("[{}", token()));
        check(
            &format!("{ITEM}{cut}"),
            "
            services/payments/payments-db.yaml:5:10: error secret/in-clear the text that begins with `ghp_` looks like a GitHub token in clear (put it into the secret store, write `{{secrets.NAME}}` in the action or `{secret: NAME}` in the field that needs it, and replace it by a new one: this one is known; if it opens nothing, write `# trueline: allow secret/in-clear WHY` above)
            services/payments/payments-db.yaml:5:50: error yaml/syntax `,` or `]` is expected here (close the list, or quote a text that contains brackets or commas)
        ",
        );
    }

    #[test]
    fn an_example_that_opens_nothing_can_be_allowed() {
        let allow = "# trueline: allow secret/in-clear an example of the vendor's manual";
        let beside = ITEM.replace("Make it.", &format!("\"Ask with {}.\" {allow}", token()));
        check(&beside, "");
        let above = format!(
            "          {allow}\n          instructions: |\n            As\n            {}\n",
            token()
        );
        check(&ITEM.replace("          instructions: Make it.\n", &above), "");
        let unneeded = ITEM.replace("Make it.", &format!("Make it. {allow}"));
        check(
            &unneeded,
            "catalog/databases/database-standard.yaml:26:52: warning suppression/unused this comment is not needed: what it is about does not break `secret/in-clear` (take the comment away)",
        );
        // What a password field holds is a password, whatever anybody says.
        let item = ITEM.replace(
            "{id: label, name: Label, type: string}",
            "{id: label, name: Label, type: password}",
        );
        let service =
            SERVICE.replace("{size: small}", &format!("{{size: small, label: hunter2}} {allow}"));
        check(&format!("{item}{service}"), "
            services/payments/payments-db.yaml:5:30: error secret/in-clear a password is named, never written down (write the name of a secret: {secret: PAYMENTS_DB_ADMIN})
            services/payments/payments-db.yaml:5:57: warning suppression/not-possible this comment has no effect: `secret/in-clear` is an error (mend what it finds, and take the comment away: comments allow warnings and notes alone)
        ");
    }

    #[test]
    fn what_is_only_suspected_can_be_allowed() {
        let key = "9fK2xQ7LmZ4vT8pW";
        let item = |above: &str| {
            ITEM.replace(
                "          instructions: Make it.",
                &format!("{above}          instructions: \"Send api-key: {key}\""),
            )
        };
        check(
            &item(""),
            "catalog/databases/database-standard.yaml:26:40: warning secret/suspected what stands behind `api-key` looks like a credential in clear (put it into the secret store and write `{{secrets.NAME}}` in the action or `{secret: NAME}` in the field that needs it; if it is none, write `# trueline: allow secret/suspected WHY` above)",
        );
        check(&item("          # trueline: allow secret/suspected it opens nothing\n"), "");
    }

    #[test]
    fn what_names_a_secret_is_none() {
        let item = ITEM.replace(
            "Make it.",
            "\"password: {{secrets.DB_ADMIN}} token={{outputs.a.token}} postgres://shop:{{secrets.X}}@db\"",
        );
        let found = crate::validate::testing::judge(&item).findings;
        // That others would read it is another rule's.
        let in_clear = |rule: &str| rule == "secret/in-clear" || rule == SUSPECTED;
        assert!(!found.iter().any(|finding| in_clear(&finding.rule)), "{found:?}");
    }
}
