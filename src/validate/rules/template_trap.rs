//! `template/trap`: what looks like a template and is none: variables written as other tools do, templates in keys,
//! conditions without braces.

use crate::catalog::{Body, Document, FieldType, Item};
use crate::finding::{Finding, Severity};
use crate::template::{self, ROOTS, Rewrite, is_template, lone_path};
use crate::validate::findings::Findings;
use crate::validate::readings::Acting;
use crate::validate::registry::{Check, Rule};
use crate::validate::scope::Names;
use crate::validate::templates::Placed;
use crate::validate::texts::each_key;

pub(super) static RULE: Rule = Rule {
    id: "template/trap",
    severity: Severity::Warning,
    summary: "Something looks like a template and is none: `${fields.name}`, `{% if … %}`, a template in a key, a condition without braces.",
    why: "It is sent as it stands, and nobody notices before it arrives. A condition that is neither true nor false is an error.",
    mend: "Write variables between double braces, and only in values.",
    bad: "title: \"Create ${fields.name}\"",
    good: "title: \"Create {{fields.name}}\"",
    check: Check::Document(check),
};

fn check(document: &Document, findings: &mut Findings<'_>) {
    for Placed { text, pointer, names } in findings.texts().iter() {
        for trap in traps(text, names) {
            let finding = findings.in_text(pointer, trap.offset, trap.message).hint(trap.hint);
            findings.add(match trap.instead {
                Some(rewrite) => findings.rewrite(finding, pointer, &rewrite),
                None => finding,
            });
        }
    }
    let Some(Body::Item(item)) = &document.body else { return };
    for Acting { action, at, config, .. } in findings.actions().iter() {
        each_key(config, &mut format!("{at}/config"), &mut |key, pointer| {
            if is_template(key) {
                let message = "a template in a key is sent as it stands";
                let hint = "write the name itself: only values are filled in";
                findings.add(findings.at_key(pointer, message).hint(hint));
            }
        });
        if let Some((message, hint)) = action.when.as_ref().and_then(|when| undecided(when, item)) {
            let finding = findings.at(&format!("{at}/when"), message).hint(hint);
            findings.add(Finding { severity: Severity::Error, ..finding });
        }
    }
}

/// Something that is taken as it stands, and was hardly meant so.
struct Trap {
    offset: usize,
    message: String,
    hint: String,
    instead: Option<Rewrite>,
}

fn traps(text: &str, names: &Names<'_>) -> Vec<Trap> {
    let mut found = Vec::new();
    for (at, _) in text.char_indices().filter(|(_, each)| matches!(each, '{' | '<')) {
        let (Some(before), Some(rest)) = (text.get(..at), text.get(at..)) else { continue };
        let trap = if rest.starts_with("{%") {
            tag_of_jinja(at, rest, names)
        } else if rest.starts_with("{{") || before.ends_with(['{', '\\']) {
            None
        } else {
            variable(before, rest, names)
        };
        found.extend(trap);
    }
    found
}

/// Finds `${path}`, `#{path}`, `{path}` and `<%= path %>`, where the path is one that is known here.
fn variable(before: &str, rest: &str, names: &Names<'_>) -> Option<Trap> {
    let (open, close) = if rest.starts_with("<%=") { ("<%=", "%>") } else { ("{", "}") };
    let inside = rest.strip_prefix(open)?;
    let inside = inside.get(..inside.find(close)?)?;
    let path = inside.trim();
    if !is_known(path, names) {
        return None;
    }
    let signs = usize::from(open == "{" && before.ends_with(['$', '#']));
    let start = before.len() - signs;
    let end = before.len() + open.len() + inside.len() + close.len();
    let written = format!("{}{open}{inside}{close}", before.get(start..)?);
    Some(Trap {
        offset: start,
        message: format!("`{written}` is sent as it stands"),
        hint: format!("write `{{{{{path}}}}}`"),
        instead: Some(Rewrite { start, end, text: format!("{{{{{path}}}}}"), safe: false }),
    })
}

/// Finds a tag of Jinja or Liquid that speaks of a path that is known here.
fn tag_of_jinja(offset: usize, rest: &str, names: &Names<'_>) -> Option<Trap> {
    let inside = rest.get(2..rest.find("%}")?)?;
    let mut words = inside.split(|each: char| !(each.is_alphanumeric() || "_-.".contains(each)));
    if !words.any(|word| is_known(word, names)) {
        return None;
    }
    let first = inside.trim_start_matches('-').split_whitespace().next().unwrap_or_default();
    let hint = match first {
        "for" => "write `{{#each fields.x as |item|}}…{{/each}}`",
        "if" | "elif" | "elsif" => "write `{{#if (eq a b)}}…{{else}}…{{/if}}`",
        _ => "write variables as `{{fields.x}}`",
    };
    let message = format!("`{{% {first} … %}}` is sent as it stands");
    Some(Trap { offset, message, hint: hint.to_owned(), instead: None })
}

/// Tells whether a text is a path of at least two parts that has a value here.
fn is_known(path: &str, names: &Names<'_>) -> bool {
    let plain = |each: char| each.is_alphanumeric() || "_-.".contains(each);
    let Some((root, _)) = path.split_once('.') else { return false };
    // `env.HOME` means something to many tools.
    if !ROOTS.contains(&root) || root == "env" || !path.chars().all(plain) {
        return false;
    }
    let text = format!("{{{{{path}}}}}");
    template::check(&text).is_empty()
        && template::references(&text)
            .iter()
            .all(|reference| names.wrong(&reference.path, false).is_none())
}

/// Says why a condition can be neither true nor false.
fn undecided(when: &str, item: &Item) -> Option<(String, String)> {
    if !is_template(when) {
        let decided = matches!(when.trim(), "true" | "false");
        let message = "the condition is neither true nor false, and has no braces";
        let hint = "write it as a template: `\"{{eq fields.size 'large'}}\"`";
        return (!decided).then(|| (message.to_owned(), hint.to_owned()));
    }
    let path = lone_path(when)?;
    let [root, id] = path.as_slice() else { return None };
    let field = item.presentation.form.field(id).filter(|_| root == "fields")?;
    let value = match field.kind {
        FieldType::Select => field.values().find_map(|value| value.as_str())?,
        FieldType::Date => "2026-01-31",
        FieldType::Number => return Some(not_a_condition(id, "a number", "gt", "0")),
        FieldType::Email | FieldType::File | FieldType::Multiselect | FieldType::Password => {
            "something"
        }
        // It may say `true`, however odd that is.
        FieldType::Boolean | FieldType::String | FieldType::Textarea => return None,
    };
    let kind = format!("a {}", field.kind.word());
    let decides = field.values().any(|value| matches!(value.as_str(), Some("true" | "false")));
    (!decides).then(|| not_a_condition(id, &kind, "eq", &format!("'{value}'")))
}

fn not_a_condition(id: &str, kind: &str, helper: &str, value: &str) -> (String, String) {
    let message = format!("`fields.{id}` is {kind}, and a condition is true or false");
    (message, format!("compare it: `\"{{{{{helper} fields.{id} {value}}}}}\"`"))
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, check, judge};

    #[track_caller]
    fn check_text(text: &str, expected: &str) {
        check(&ITEM.replace("Make it.", &format!("\"{text}\"")), expected);
    }

    #[test]
    fn variables_as_other_tools_write_them_are_found() {
        check_text(
            "Make ${fields.size} #{service.id} {metadata.name} <%= request.operation %>, then ${environment.region}",
            "
            catalog/databases/database-standard.yaml:26:31: warning template/trap `${fields.size}` is sent as it stands (write `{{fields.size}}`)
            catalog/databases/database-standard.yaml:26:46: warning template/trap `#{service.id}` is sent as it stands (write `{{service.id}}`)
            catalog/databases/database-standard.yaml:26:60: warning template/trap `{metadata.name}` is sent as it stands (write `{{metadata.name}}`)
            catalog/databases/database-standard.yaml:26:76: warning template/trap `<%= request.operation %>` is sent as it stands (write `{{request.operation}}`)
            catalog/databases/database-standard.yaml:26:107: warning template/trap `${environment.region}` is sent as it stands (write `{{environment.region}}`)
        ",
        );
        check_text(
            "{% if fields.size == 'large' %}x{% endif %}",
            "catalog/databases/database-standard.yaml:26:26: warning template/trap `{% if … %}` is sent as it stands (write `{{#if (eq a b)}}…{{else}}…{{/if}}`)",
        );
    }

    #[test]
    fn what_is_meant_for_others_is_left_alone() {
        for text in [
            "${HOME} ${var.name} {id} {} ${env.PATH} ${fields.other} {{fields.size}} ${{concat fields.size 'x'}}",
            "{% include 'x' %} {% if a.b %} \\\\{{fields.size}} a < b {",
        ] {
            check_text(text, "");
        }
    }

    #[test]
    fn a_variable_is_fixed_in_place() {
        let files = ITEM.replace("Make it.", "Make ${fields.size}.");
        let fix = judge(&files).findings.remove(0).fix.unwrap();
        assert_eq!((fix.safe, &*fix.edits[0].text), (false, "{{fields.size}}"));
        let start = files.find("${").unwrap() - files.find("schemaVersion").unwrap();
        assert_eq!((fix.edits[0].start, fix.edits[0].end), (start, start + 14));
    }

    #[test]
    fn keys_are_no_templates() {
        let item = ITEM.replace("mode: manual", "mode: automatic").replace(
            "outputs:\n  url",
            "  automatic:\n    actions:\n      - id: provision\n        type: rest-api\n        config:\n          endpoint: {url: \"https://api.example.com/a\"}\n          body: {contentTemplate: {\"{{fields.size}}\": 1}}\n        outputs: {url: /url}\noutputs:\n  url",
        );
        check(
            &item,
            "catalog/databases/database-standard.yaml:34:36: warning template/trap a template in a key is sent as it stands (write the name itself: only values are filled in)",
        );
    }

    #[test]
    fn conditions_decide() {
        let when = |when: &str, expected: &str| {
            let new = format!("type: manual-task\n        when: \"{when}\"\n");
            check(&ITEM.replace("type: manual-task\n", &new), expected);
        };
        when("true", "");
        when("{{fields.label}}", "");
        when("{{eq fields.size 'large'}}", "");
        when(
            "fields.size == 'large'",
            "catalog/databases/database-standard.yaml:24:15: error template/trap the condition is neither true nor false, and has no braces (write it as a template: `\"{{eq fields.size 'large'}}\"`)",
        );
        when(
            "{{fields.size}}",
            "catalog/databases/database-standard.yaml:24:15: error template/trap `fields.size` is a select, and a condition is true or false (compare it: `\"{{eq fields.size 'small'}}\"`)",
        );
    }
}
