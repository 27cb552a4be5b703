//! Checks the text of a template without any scope: syntax, nesting, names of helpers.

use super::compile::compile;
use super::dialect::translated;
use super::parse::{Parsed, parse};
use super::references::Reference;
use super::simple::is_simple;

/// Another way to write a part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// First byte of the text that is replaced.
    pub start: usize,
    /// First byte that stays.
    pub end: usize,
    /// What stands there instead.
    pub text: String,
    /// Whether it is certain to be what was meant.
    pub safe: bool,
}

/// What is wrong with the text of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateProblem {
    /// Where it stands in the text, in bytes.
    pub offset: usize,
    /// What is wrong.
    pub message: String,
    /// How to write it.
    pub hint: Option<String>,
    /// How its tag can be written instead, where that is known.
    pub instead: Option<Rewrite>,
}

impl TemplateProblem {
    pub(super) fn new(offset: usize, message: impl Into<String>) -> Self {
        Self { offset, message: message.into(), hint: None, instead: None }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub(super) fn instead(self, instead: Rewrite) -> Self {
        Self { instead: Some(instead), ..self }
    }

    /// Says how the tag that it is about is written here, where that is plain.
    fn translated(self, text: &str) -> Self {
        if self.instead.is_some() {
            return self;
        }
        let Some(rewrite) = translated(text, self.offset) else { return self };
        let hint = match self.hint {
            // What changes when braces are taken away must be said.
            Some(hint) if text.get(self.offset..).is_some_and(|tag| tag.starts_with("{{{")) => hint,
            _ => format!("write `{}`", rewrite.text),
        };
        Self { hint: Some(hint), instead: Some(rewrite), ..self }
    }

    pub(super) fn maybe_hint(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }
}

/// Checks the text of a template: syntax, nesting, what is not allowed, helpers. No scope is needed.
pub fn check(text: &str) -> Vec<TemplateProblem> {
    read(text).problems
}

/// What the text of a template says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// What it refers to; of a text with problems, what could be read of it.
    pub references: Vec<Reference>,
    /// What is wrong with it.
    pub problems: Vec<TemplateProblem>,
}

/// Reads the text of a template: what it refers to, and what [`check`] finds.
pub fn read(text: &str) -> Reading {
    let Parsed { references, problems } = parse(text);
    let mut problems: Vec<_> =
        problems.into_iter().map(|problem| problem.translated(text)).collect();
    if problems.is_empty() && !is_simple(text) {
        problems.extend(compile(text).err());
    }
    Reading { references, problems }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn problems(text: &str) -> String {
        let lines =
            check(text).into_iter().map(|TemplateProblem { offset, message, hint, .. }| {
                format!("{offset}: {message} ({})", hint.unwrap_or_default())
            });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn good_templates_have_no_problems() {
        for text in [
            "",
            "plain } text { with braces }",
            "{{fields.name}}",
            "{{~fields.name~}}",
            "{{services.payments-db.outputs.url}}",
            "{{services.[payments-db].outputs.[the url]}}",
            "{{! a comment }} {{!-- one with }} inside --}}",
            "\\{{not.a.template}}",
            "{{#if (and (eq fields.size 'large') fields.backup)}}a{{else if fields.b}}b{{else}}c{{/if}}",
            "{{#each fields.disks as |disk index|}}{{disk.size}} {{index}} {{@first}}{{/each}}",
            "{{#each fields.disks}}{{size}} {{this.name}} {{../fields.name}} {{@root.fields.x}}{{/each}}",
            "{{#with fields.owner}}{{name}}{{else}}none{{/with}}",
            "{{uuid}} {{date \"%Y\"}} {{concat (uuid 'a') -1.5 true null}}",
            "{{#unless fields.a}}x{{^}}y{{/unless}}",
        ] {
            assert_eq!(problems(text), "", "{text}");
        }
    }

    const TRAPS: [&str; 31] = [
        "{{upper(fields.name)}}",
        "{{fields.a == fields.b}}",
        "{{#each fields.xs as x}}{{/each}}",
        "{{.fields.name}}",
        "{{fields.name | upper}}",
        "{{concat fields.a, fields.b}}",
        "{{#if eq fields.a 'b'}}{{/if}}",
        "{{if fields.a}}",
        "{{#eq fields.a 'b'}}{{/eq}}",
        "{{{fields.a}}}",
        "{{&fields.a}}",
        "{{> part}}",
        "{{#> part}}{{/part}}",
        "{{* decorator}}",
        "{{{{raw}}}} {{x}} {{{{/raw}}}}",
        "{{uper fields.a}}",
        "{{log fields.a}}",
        "{{upper}}",
        "{{replace fields.a 'b'}}",
        "{{upper trim fields.a}}",
        "{{#each fields.xs}}{{fields.a}}{{/each}}",
        "{{concat sep='a'}}",
        "{{^fields.a}}{{/fields.a}}",
        "{{#eech fields.xs}}{{/eech}}",
        "{{#if fields.a}}{{elseif fields.b}}{{/if}}",
        "{{#if fields.a && fields.b}}x{{endif}}",
        "{{#if fields.a}}x{{ end }}",
        "{{#each x in fields.xs}}{{x}}{{/each}}",
        "{{range .fields.xs}}",
        "{{urlencode fields.a}}",
        "{{toUpperCase fields.a}}",
    ];

    #[test]
    fn traps_say_how_to_write_it() {
        let snapshot = TRAPS.map(|text| format!("{text}\n    {}", problems(text))).join("\n");
        assert_snapshot!(snapshot, @r#"
        {{upper(fields.name)}}
            2: `upper(…)` is not how a helper is called (write `{{upper fields.name}}`)
        {{fields.a == fields.b}}
            11: templates have no `==` (write `{{eq fields.a fields.b}}`)
        {{#each fields.xs as x}}{{/each}}
            18: the names after `as` stand between `|` (write `{{#each fields.xs as |x|}}`)
        {{.fields.name}}
            2: a path does not start with a dot (write `{{fields.name}}`)
        {{fields.name | upper}}
            14: a value is not piped into a helper (write `{{upper fields.name}}`)
        {{concat fields.a, fields.b}}
            17: arguments are not separated by commas (write `{{concat fields.a fields.b}}`)
        {{#if eq fields.a 'b'}}{{/if}}
            6: `eq` is a helper, not a value (write `{{#if (eq fields.a 'b')}}`)
        {{if fields.a}}
            2: `if` is a block (write `{{#if …}}…{{/if}}`)
        {{#eq fields.a 'b'}}{{/eq}}
            3: `eq` is not a block (write `{{#if (eq …)}}…{{/if}}`)
        {{{fields.a}}}
            0: `{{{` is not available: values are always escaped (write two braces, with a space before them where a `{` of the text comes first)
        {{&fields.a}}
            0: `{{&` is not available: values are always escaped (write `{{fields.a}}`)
        {{> part}}
            0: partials are not available (write the text here)
        {{#> part}}{{/part}}
            0: partials are not available (write the text here)
        {{* decorator}}
            0: decorators are not available (write the text here)
        {{{{raw}}}} {{x}} {{{{/raw}}}}
            0: raw blocks are not available (write `\{{` where braces are meant as they are; in double quotes `\\{{`)
        18: raw blocks are not available (write `\{{` where braces are meant as they are; in double quotes `\\{{`)
        {{uper fields.a}}
            2: there is no helper `uper` (did you mean `upper`?)
        {{log fields.a}}
            2: there is no helper `log` (did you mean `slug`?)
        {{upper}}
            2: `upper` takes 1 argument (write `{{upper x}}`)
        {{replace fields.a 'b'}}
            2: `replace` takes 3 arguments (write `{{replace x "from" "to"}}`)
        {{upper trim fields.a}}
            8: `trim` is a helper, not a value (write `{{upper (trim fields.a)}}`)
        {{#each fields.xs}}{{fields.a}}{{/each}}
            21: inside `each` and `with`, `fields.a` starts at their value (write `@root.fields.a`, or `this.fields.a` where that is meant)
        {{concat sep='a'}}
            12: templates have no `=` (write the arguments in their order, without names)
        {{^fields.a}}{{/fields.a}}
            0: `{{^` opens no block here (write `{{#unless x}}`)
        {{#eech fields.xs}}{{/eech}}
            3: there is no block `eech` (did you mean `each`?)
        {{#if fields.a}}{{elseif fields.b}}{{/if}}
            18: `elseif` begins no other case of a block (write `{{else if fields.b}}`)
        {{#if fields.a && fields.b}}x{{endif}}
            15: templates have no `&&` (write `{{#if (and fields.a fields.b)}}`)
        {{#if fields.a}}x{{ end }}
            20: `end` closes no block (write `{{/if}}`)
        {{#each x in fields.xs}}{{x}}{{/each}}
            10: one value too many (write `{{#each fields.xs as |x|}}`)
        {{range .fields.xs}}
            2: there is no helper `range` (write `{{#each fields.x as |item|}}…{{/each}}`)
        {{urlencode fields.a}}
            2: there is no helper `urlencode` (leave it out: values are escaped for the place where they stand)
        {{toUpperCase fields.a}}
            2: there is no helper `toUpperCase` (did you mean `upper`?)
        "#);
    }

    const FAULTS: [&str; 21] = [
        "{{",
        "{{}}",
        "a {{fields.a",
        "{{fields..a}}",
        "{{fields.a fields.b}}",
        "{{fields.[a}}",
        "{{upper 'a}}",
        "{{upper 'a\\x'}}",
        "{{(upper fields.a}}",
        "{{upper fields.a)}}",
        "{{#if fields.a}}",
        "{{/if}}",
        "{{else}}",
        "{{#if fields.a}}{{else}}{{else}}{{/if}}",
        "{{#if fields.a}}\n{{#each fields.b}}{{/if}}{{/each}}",
        "{{#if}}{{/if}}",
        "{{this}} {{../a}} {{@index}} {{@indx}}",
        "{{! never closed",
        "{{!-- never }} closed --",
        "{{fields.a ; 1}}",
        "{{upper '\\ue000'}}",
    ];

    #[test]
    fn faults_of_syntax_are_named() {
        let snapshot = FAULTS.map(|text| format!("{text}\n    {}", problems(text))).join("\n");
        assert_snapshot!(snapshot, @r#"
        {{
            0: `{{` has no `}}` (close the tag with `}}`, or write `\{{` where braces are meant as they are; in double quotes `\\{{`)
        {{}}
            0: the tag is empty (write a path between the braces: `{{fields.name}}`)
        a {{fields.a
            2: `{{` has no `}}` (close the tag with `}}`, or write `\{{` where braces are meant as they are; in double quotes `\\{{`)
        {{fields..a}}
            2: `fields..a` is not a path (write names with dots between them: `fields.name`)
        {{fields.a fields.b}}
            2: there is no helper `fields.a` ()
        {{fields.[a}}
            2: `[` has no `]` ()
        {{upper 'a}}
            8: a quoted text is not closed (end it with ')
        {{upper 'a\x'}}
            10: unknown escape in a text (`\'`, `\\`, `\n`, `\r` and `\t` are known)
        {{(upper fields.a}}
            2: `(` has no `)` ()
        {{upper fields.a)}}
            16: `)` closes nothing ()
        {{#if fields.a}}
            0: `{{#if}}` is not closed (add `{{/if}}`)
        {{/if}}
            0: `{{/if}}` closes no block ()
        {{else}}
            0: `{{else}}` stands in no block ()
        {{#if fields.a}}{{else}}{{else}}{{/if}}
            24: a second `{{else}}` in one block ()
        {{#if fields.a}}
        {{#each fields.b}}{{/if}}{{/each}}
            35: `{{/if}}` where `{{#each}}` is open (close `{{#each}}` of line 2 first)
        {{#if}}{{/if}}
            0: `{{#if}}` needs a value (write `{{#if fields.x}}`)
        {{this}} {{../a}} {{@index}} {{@indx}}
            2: `this` names no value here ()
        11: `../a` leads out of the template ()
        20: `@index` is known inside `{{#each}}` only ()
        31: there is no `@indx` (did you mean `@index`?)
        {{! never closed
            0: a comment has no `}}` ()
        {{!-- never }} closed --
            0: a comment has no `--}}` ()
        {{fields.a ; 1}}
            11: `;` has no meaning in a template ()
        {{upper '\ue000'}}
            9: unknown escape in a text (`\'`, `\\`, `\n`, `\r` and `\t` are known)
        "#);
    }

    #[test]
    fn nobody_writes_a_marker() {
        for forged in ["a \u{E000}?fields.a\u{E001}", "{{upper '\\u{E000}'}}", "{{'\\ue000'}}"] {
            assert_ne!(problems(forged), "", "{forged}");
        }
    }

    #[test]
    fn depth_and_length_have_an_end() {
        let nested = |count: usize| "{{#if fields.a}}".repeat(count) + &"{{/if}}".repeat(count);
        let chain = |count: usize| {
            format!("{{{{#if fields.a}}}}{}{{{{/if}}}}", "{{else if fields.b}}".repeat(count))
        };
        let calls = |count: usize| {
            format!("{{{{{}fields.a{}}}}}", "(upper ".repeat(count), ")".repeat(count))
        };
        assert_eq!(problems(&nested(32)), "");
        assert_eq!(problems(&chain(31)), "");
        assert_eq!(problems(&calls(32)), "");
        assert!(problems(&nested(33)).starts_with("512: more than 32 blocks"));
        assert!(problems(&chain(32)).contains("more than 32 blocks"));
        assert!(problems(&calls(33)).contains("more than 32 calls"));
        assert_eq!(problems(&"{{fields.a}}".repeat(512)), "");
        assert!(problems(&"{{fields.a}}".repeat(513)).starts_with("6144: more than 512 tags"));
        for hostile in [
            nested(1_600),
            calls(5_000),
            format!("{{{{{}", "(a ".repeat(20_000)),
            chain(3_000),
            "{{#*inline \"a\"}}{{> a}}{{/inline}}{{> a}}".into(),
            "{{#if fields.a}}".repeat(1_600),
            "{{/if}}".repeat(9_000),
            "{{".repeat(500_000),
            "{{=}}".repeat(13_000),
            "{{!--".repeat(13_000),
            "{{\"".repeat(20_000),
            "{{[".repeat(20_000),
        ] {
            let found = check(&hostile);
            assert!((1..=32).contains(&found.len()), "{} problems", found.len());
        }
    }
}
