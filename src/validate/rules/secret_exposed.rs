//! `secret/exposed`: no template puts a secret where others read it.

use crate::catalog::{Body, Document, FieldType, Form};
use crate::finding::Severity;
use crate::kinds;
use crate::template::{Reading, is_template};
use crate::validate::findings::Findings;
use crate::validate::readings::Acting;
use crate::validate::registry::{Check, Rule};
use crate::validate::templates::{AS_IT_IS, is_of_a_workflow};
use crate::validate::texts::each_text;

pub(super) static RULE: Rule = Rule {
    id: "secret/exposed",
    severity: Severity::Error,
    summary: "A template puts a secret, or a password field, where others read it: a task, a ticket, a notice, a file in git, the input of \
              a workflow, an argument of a program, a condition.",
    why: "It would be masked there, or the step refused: nobody could use it. Whoever needs it reads it where it is kept.",
    mend: "Say in words where the secret is kept. Secrets belong into headers, bodies, `authentication`, `stdin`, `env` and \
           variables of Terraform.",
    bad: "instructions: \"Set the password {{fields.adminPassword}}\"",
    good: "instructions: \"Set the password that the team keeps in the secret store\"",
    check: Check::Document(check),
};

const HINT: &str = "say in words where it is kept: secrets go into headers, bodies, `authentication`, `stdin`, `env` and variables of \
                    Terraform only";

fn check(document: &Document, findings: &mut Findings<'_>) {
    let Some(Body::Item(item)) = &document.body else { return };
    let form = &item.presentation.form;
    for acting in findings.actions().iter() {
        of_action(findings, acting, form);
    }
}

fn of_action(findings: &mut Findings<'_>, acting: &Acting<'_>, form: &Form) {
    let Acting { action, at, .. } = acting;
    if let Some(when) = &action.when {
        for (offset, what) in secrets_in(&findings.read(when), form) {
            let message = format!("{what}, and whether a step is done is decided without secrets");
            let hint = "compare something that is no secret, such as another field";
            findings.add(findings.in_text(&format!("{at}/when"), offset, message).hint(hint));
        }
    }
    for (kind, config, at) in acting.configs() {
        each_text(config, &mut String::new(), &mut |text, pointer| {
            if !is_template(text) || !kinds::is_shown(kind, config, pointer) {
                return;
            }
            for (offset, what) in secrets_in(&findings.read(text), form) {
                let message = format!("{what}, and others read what stands here");
                let hint = if is_of_a_workflow(text, offset) { AS_IT_IS } else { HINT };
                let at = format!("{at}{pointer}");
                findings.add(findings.in_text(&at, offset, message).hint(hint));
            }
        });
    }
}

/// Finds what a template reads that is a secret, each with its place and what it is.
fn secrets_in(template: &Reading, form: &Form) -> Vec<(usize, String)> {
    let is_password = |id: &str| form.field(id).is_some_and(|it| it.kind == FieldType::Password);
    let what = |path: &[String]| match path {
        [root, name, ..]
            if root == "secrets" && name.starts_with(|c: char| c.is_ascii_uppercase()) =>
        {
            Some(format!("`{}` is a secret", path.join(".")))
        }
        [root, id, ..] if root == "fields" && is_password(id) => {
            Some(format!("`fields.{id}` is a password"))
        }
        [root] if root == "fields" => {
            let password = form.fields().find(|field| field.kind == FieldType::Password)?;
            Some(format!("`fields` holds the password `{}`", password.id))
        }
        _ => None,
    };
    let found = template.references.iter();
    found.filter_map(|reference| Some((reference.offset, what(&reference.path)?))).collect()
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, check};

    fn item(action: &str) -> String {
        let password = "{id: label, name: Label, type: string}\n          - {id: key, name: Key, type: password}";
        ITEM.replace("{id: label, name: Label, type: string}", password).replace(
            "outputs:\n  url",
            &format!("      - id: more\n        {action}\noutputs:\n  url"),
        )
    }

    /// What a place tells of a secret; the places of findings are tested once.
    #[track_caller]
    fn check_in(action: &str, expected: &[&str]) {
        let judged = crate::validate::testing::judge(&item(action));
        let said: Vec<&str> = judged.findings.iter().map(|found| &*found.message).collect();
        assert_eq!(said, expected, "{action}");
        assert!(judged.findings.iter().all(|found| found.rule == "secret/exposed"));
    }

    const SECRET: &str = "`secrets.API_TOKEN` is a secret, and others read what stands here";

    #[test]
    fn a_secret_is_found_where_it_stands() {
        let action = "type: notify\n        config: {channel: log, subject: s, message: \"The key is {{upper fields.key}}\"}";
        check(
            &item(action),
            "catalog/databases/database-standard.yaml:31:73: error secret/exposed `fields.key` is a password, and others read what stands here (say in words where it is kept: secrets go into headers, bodies, `authentication`, `stdin`, `env` and variables of Terraform only)",
        );
    }

    #[test]
    fn no_place_that_others_read_takes_one() {
        for action in [
            "type: manual-task\n        config: {title: t, instructions: \"{{secrets.API_TOKEN}}\"}",
            "type: notify\n        config: {channel: log, subject: \"{{secrets.API_TOKEN}}\", message: m}",
            "type: approval\n        config: {approvers: {users: [\"{{secrets.API_TOKEN}}\"]}}",
            "type: jira-ticket\n        config: {instance: a, ticket: {project: A, issueType: Task, summaryTemplate: s, labels: [\"{{secrets.API_TOKEN}}\"]}}",
            "type: github-workflow\n        config: {repository: a/b, workflow: c.yml, inputs: {token: \"{{secrets.API_TOKEN}}\"}}",
            "type: git-commit\n        config: {repository: a/b, commitMessage: m, files: [{path: a.txt, contentTemplate: \"{{secrets.API_TOKEN}}\"}]}",
            "type: terraform\n        config: {contentTemplate: \"# {{secrets.API_TOKEN}}\", repositoryMapping: {repository: a/b, path: c}}",
            "type: command\n        config: {program: p, args: [\"{{base64 secrets.API_TOKEN}}\"]}",
            "type: command\n        config: {program: p}\n        rollback: {type: notify, config: {channel: log, subject: s, message: \"{{secrets.API_TOKEN}}\"}}",
        ] {
            check_in(action, &[SECRET]);
        }
        check_in(
            "type: notify\n        config: {channel: log, subject: s, message: \"{{json fields}}\"}",
            &["`fields` holds the password `key`, and others read what stands here"],
        );
        check_in(
            "type: notify\n        when: \"{{eq fields.key 'a'}}\"\n        config: {channel: log, subject: s, message: m}",
            &["`fields.key` is a password, and whether a step is done is decided without secrets"],
        );
    }

    #[test]
    fn a_secret_of_a_workflow_is_told_how_to_stay() {
        let action = "type: git-commit\n        config: {repository: a/b, commitMessage: m, files: [{path: a.yml, contentTemplate: 'k: ${{ secrets.API_TOKEN }}'}]}";
        check(
            &item(action),
            "catalog/databases/database-standard.yaml:31:100: error secret/exposed `secrets.API_TOKEN` is a secret, and others read what stands here (write `$\\{{…}}` where the braces are meant for another program)",
        );
        check(&item(&action.replace("${{", "$\\{{")), "");
    }

    #[test]
    fn where_secrets_belong_they_stand() {
        for action in [
            "type: rest-api\n        config: {endpoint: {url: \"https://a.example.com/b\"}, headers: {x-key: \"{{secrets.API_TOKEN}}\"}, body: {contentTemplate: {a: \"{{fields.key}}\"}}}",
            "type: command\n        config: {program: p, stdin: \"{{json fields}}\", env: {KEY: \"{{secrets.API_TOKEN}}\"}}",
            "type: webhook\n        config: {endpoint: {url: \"https://a.example.com/b\"}, body: {template: {a: \"{{fields.key}}\"}}}",
            "type: terraform\n        config: {contentTemplate: \"# a\", variables: {password: \"{{fields.key}}\"}}",
            "type: notify\n        config: {channel: log, subject: s, message: \"{{fields.label}}\"}",
        ] {
            check_in(action, &[]);
        }
    }
}
