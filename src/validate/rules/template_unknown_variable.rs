//! `template/unknown-variable`: a template reads only what can have a value where it stands.

use crate::catalog::Document;
use crate::finding::Severity;
use crate::template::is_template;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};
use crate::validate::templates::{AS_IT_IS, Placed, is_of_a_workflow};

pub(super) static RULE: Rule = Rule {
    id: "template/unknown-variable",
    severity: Severity::Error,
    summary: "A template reads a variable that can have no value where it stands.",
    why: "Templates are strict: the step would fail, or worse, send an empty text.",
    mend: "Correct the name, or read it where it is known: outputs of an action after it, components in bundles.",
    bad: "title: \"{{fields.instanceNmae}}\"",
    good: "title: \"{{fields.instanceName}}\"",
    check: Check::Document(check),
};

fn check(_: &Document, findings: &mut Findings<'_>) {
    for Placed { text, pointer, names } in
        findings.texts().iter().filter(|it| is_template(&it.text))
    {
        let reading = findings.read(text);
        for reference in reading.references.iter().filter(|_| reading.problems.is_empty()) {
            if let Some(wrong) = names.wrong(&reference.path, reference.optional) {
                let foreign = is_of_a_workflow(text, reference.offset);
                let wrong = if foreign { wrong.hint(AS_IT_IS) } else { wrong };
                findings.add(wrong.at(findings, pointer, reference.offset));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, check};

    #[track_caller]
    fn check_text(text: &str, expected: &str) {
        check(&ITEM.replace("Make it.", &format!("\"{text}\"")), expected);
    }

    #[test]
    fn what_is_known_is_not_found() {
        check_text(
            "{{fields.size}} {{metadata.owner.team}} {{service.id}} {{service.labels.tier}} {{request.user.name}} \
             {{system.date}} {{environment.region}} {{env.region}} {{default metadata.sla 'none'}}",
            "",
        );
    }

    #[test]
    fn unknown_names_are_found_in_every_scope() {
        check_text("{{fields.sise}} {{size}} {{filds.size}}", "
            catalog/databases/database-standard.yaml:26:28: error template/unknown-variable the form has no field `sise` (did you mean `size`?)
            catalog/databases/database-standard.yaml:26:44: error template/unknown-variable there is no variable `size` (write `fields.size`)
            catalog/databases/database-standard.yaml:26:53: error template/unknown-variable there is no variable `filds` (did you mean `fields`?)
        ");
        check_text("{{metadata.nmae}} {{service.owner}} {{request.user.nick}} {{system.now}}", "
            catalog/databases/database-standard.yaml:26:28: error template/unknown-variable `metadata` has no `nmae` (did you mean `name`?)
            catalog/databases/database-standard.yaml:26:46: error template/unknown-variable `service` has no `owner` (known here: `description`, `environment`, `id`, `labels`, `name`, `team`)
            catalog/databases/database-standard.yaml:26:64: error template/unknown-variable `request.user` has no `nick` (known here: `email`, `name`, `teams`)
            catalog/databases/database-standard.yaml:26:86: error template/unknown-variable `system` has no `now` (known here: `date`, `shortId`, `time`, `timestamp`, `uuid`)
        ");
        check_text(
            "{{secrets.apiToken}} {{fields.size.unit}} {{services.a.outputs.b}} {{components.a.outputs.b}}",
            "
            catalog/databases/database-standard.yaml:26:28: error template/unknown-variable `secrets.apiToken` is not the name of a secret (write capital letters, digits and underscores: `secrets.API_TOKEN`)
            catalog/databases/database-standard.yaml:26:49: error template/unknown-variable field `size` is a select and has no parts (write `fields.size`)
            catalog/databases/database-standard.yaml:26:70: error template/unknown-variable `services` is not known in an action of an item (write one lone reference to it in a field of the service)
            catalog/databases/database-standard.yaml:26:95: error template/unknown-variable `components` is not known in an action of an item (components are known in bundles only)
        ",
        );
        check_text("{{outputs.provision.url}} {{outputs.provison.url}} {{failure.message}}", "
            catalog/databases/database-standard.yaml:26:28: error template/unknown-variable `provision` has no outputs here: it has not run yet (its own outputs are known in `observe`, `delete` and `verify`)
            catalog/databases/database-standard.yaml:26:54: error template/unknown-variable no action `provison` is done before this one (outputs are known of actions that are done before it; none is)
            catalog/databases/database-standard.yaml:26:79: error template/unknown-variable there is no variable `failure` (known here: `environment`, `fields`, `metadata`, `outputs`, `request`, `secrets`, `service`, `system`)
        ");
    }

    #[test]
    fn braces_of_other_programs_are_told_how_to_stay() {
        check_text(
            "${{ github.sha }}",
            "catalog/databases/database-standard.yaml:26:30: error template/unknown-variable there is no variable `github` (write `$\\{{…}}` where the braces are meant for another program)",
        );
    }

    #[test]
    fn outputs_are_known_after_their_action() {
        let more = |depends: &str, name: &str| {
            ITEM.replace(
                "outputs:\n  url",
                &format!(
                    "      - id: tell\n        type: notify\n        {depends}\n        config: {{channel: log, subject: s, message: \"{{{{outputs.provision.{name}}}}}\"}}\noutputs:\n  url"
                ),
            )
        };
        check(&more("timeout: 5m", "url"), "");
        check(&more("dependsOn: [provision]", "url"), "");
        check(
            &more("dependsOn: []", "url"),
            "catalog/databases/database-standard.yaml:31:56: error template/unknown-variable action `provision` is not done before this one (move `provision` above this action; where `dependsOn` stands here, name it there)",
        );
        check(
            &more("timeout: 5m", "urll"),
            "catalog/databases/database-standard.yaml:31:56: error template/unknown-variable action `provision` has no output `urll` (did you mean `url`?)",
        );
    }

    #[test]
    fn own_outputs_are_known_once_it_has_answered() {
        let rest = |place: &str| {
            ITEM.replace("mode: manual", "mode: automatic").replace(
                "outputs:\n  url",
                &format!(
                    "  automatic:\n    actions:\n      - id: provision\n        type: rest-api\n        config:\n          endpoint: {{url: \"https://api.example.com/a\"}}\n          {place}: {{url: \"https://api.example.com/{{{{outputs.provision.url}}}}\"}}\n        outputs: {{url: /url}}\noutputs:\n  url"
                ),
            )
        };
        check(&rest("observe"), "");
        check(&rest("delete"), "");
        check(&rest("poll"), "
            catalog/databases/database-standard.yaml:34:17: error action/config missing property `until` (`until`: what in the answer tells that the work is done)
            catalog/databases/database-standard.yaml:34:50: error template/unknown-variable `provision` has no outputs here: it has not run yet (its own outputs are known in `observe`, `delete` and `verify`)
        ");
    }
}
