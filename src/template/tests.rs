//! What templates render to: one table a topic.

use serde_json::{Value, json};

use super::*;

fn scope() -> Scope {
    let mut scope = Scope::new();
    scope.set(
        "fields",
        json!({
            "name": "Pay \"ments\"",
            "size": 20,
            "ratio": 0.5,
            "backup": true,
            "off": false,
            "none": null,
            "empty": "",
            "kebab": "payments-db",
            "path": "../etc",
            "line": "a\nb",
            "hcl": "${var.x} %{if} $",
            "markup": "*bold* {code} a-b -c-",
            "url": "https://api.example.com/base",
            "disks": [{"id": "a", "size": 1}, {"id": "b", "size": 2}],
            "tags": ["x", "y z"],
            "labels": {"tier": "1", "zone": "b"},
        }),
    );
    scope.set("environment", json!({"region": "eu-west-1", "baseUrl": "http://127.0.0.1:8080"}));
    scope.set("services", json!({"payments-db": {"outputs": {"url": "postgres://x"}}}));
    scope.set(
        "outputs",
        json!({
            "net": unknown("outputs.net"),
            "db": {"url": unknown("outputs.db.url")},
            "all": [unknown("outputs.all.0")],
        }),
    );
    scope.set("secrets", json!({"KEY": sensitive("secrets.KEY#1f")}));
    let uuid = "0190b3a5-7e1c-7000-8000-000000000000";
    scope.set("system", json!({"timestamp": "2026-07-31T22:15:00Z", "uuid": uuid}));
    scope
}

fn answer(target: Target, text: &str) -> String {
    match render(text, target, &scope()) {
        Ok(text) => show_markers(&text),
        Err(error) => format!("error: {error}"),
    }
}

fn check_as(target: Target, text: &str, expected: &str) {
    assert_eq!(answer(target, text), expected, "{text} as {target:?}");
}

fn check(text: &str, expected: &str) {
    check_as(Target::Text, text, expected);
}

#[test]
fn paths_are_strict_everywhere() {
    check("{{fields.size}}/{{env.region}}/{{fields.disks.1.id}}", "20/eu-west-1/b");
    check("{{services.payments-db.outputs.url}}", "postgres://x");
    check("{{fields.sise}}", "error: `fields.sise` is not known; did you mean `size`?");
    check("{{#if fields.sise}}{{/if}}", "error: `fields.sise` is not known; did you mean `size`?");
    check("{{#if fields.off}}{{env.nope}}{{/if}}", "error: `environment.nope` is not known");
    check("{{#if fields.off}}{{outputs.net.any.thing}}{{/if}}", "");
    check("{{feilds.size}}", "error: `feilds.size` is not known; did you mean `fields`?");
    check("{{upper fields.size.x}}", "error: `fields.size.x` is not known");
    check("{{#each fields.disks}}{{nope}}{{/each}}", "error: `nope` is not known");
    check(
        "{{default fields.nope 'b'}}{{default fields.empty 'c'}}{{default fields.off 'd'}}",
        "bcfalse",
    );
    check(
        "{{default feilds.nope 'b'}}",
        "error: `feilds.nope` is not known; did you mean `fields`?",
    );
    check(
        "{{lookup fields.labels 'zone'}}{{lookup fields.labels 'nope'}}{{lookup fields.tags 0}}",
        "bx",
    );
    check("[{{fields.none}}]", "[]");
    check("{{fields.tags}}", "error: `fields.tags` is a list, not a text: write `{{json …}}`");
    check("{{fields.labels}}", "error: `fields.labels` is a map, not a text: write `{{json …}}`");
    check("{{json fields.labels}}", r#"{"tier":"1","zone":"b"}"#);
    check(
        "{{fields.size",
        "error: `{{` has no `}}`; close the tag with `}}`, or write `\\{{` where braces are meant as they are; in double quotes `\\\\{{`",
    );
}

#[test]
fn blocks_decide_and_repeat() {
    check("{{#if fields.backup}}a{{else}}b{{/if}}{{#unless fields.off}}c{{/unless}}", "ac");
    check("{{#if fields.empty}}a{{else if (gt fields.size 10)}}b{{else}}c{{/if}}", "b");
    check("{{#each fields.disks}}{{@index}}{{id}}{{#unless @last}},{{/unless}}{{/each}}", "0a,1b");
    check(
        "{{#each fields.labels as |v k|}}{{k}}={{v};{{/each}}",
        "error: a single `}` in a tag; end the tag with `}}`",
    );
    check("{{#each fields.labels as |v k|}}{{k}}={{v}};{{/each}}", "tier=1;zone=b;");
    check(
        "{{#each fields.disks as |d|}}{{#each @root.fields.tags}}{{d.id}}{{this}} {{/each}}{{/each}}",
        "ax ay z bx by z ",
    );
    check("{{#each fields.none}}a{{else}}none{{/each}}", "none");
    check("{{#with fields.labels}}{{tier}}{{../fields.size}}{{else}}-{{/with}}", "120");
    check("[{{#each fields.none}}a{{/each}}{{#with fields.empty}}b{{/with}}]", "[]");
    check(
        "{{#each (default fields.nope fields.disks)}}{{id}}{{../fields.size}}{{@last}} {{/each}}",
        "a20false b20true ",
    );
    check("{{#each fields.size}}a{{/each}}", "error: `fields.size` is a number, not a list or map");
    check("a\n  {{#if fields.backup}}\n  b\n  {{/if}}\nc {{~fields.size~}}  d", "a\n  b\nc20d");
    check("\\{{fields.size}} \\\\{{fields.size}}", "{{fields.size}} \\20");
}

#[test]
fn helpers_make_values() {
    check("{{upper fields.kebab}} {{lower 'AÖ'}} {{trim ' a '}}", "PAYMENTS-DB aö a");
    check(
        "{{replace fields.kebab '-' '_'}} {{concat 'a' 1 true}} {{join fields.tags '+'}}",
        "payments_db a1true x+y z",
    );
    check("{{base64 'a?'}} {{slug ' Größe & Co. '}}", "YT8= gr-e-co");
    check("{{sha256 'a'}}", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
    check(
        "{{date}} {{date '%d.%m.%y'}} {{timestamp}} {{timestamp '%H:%M'}}",
        "2026-07-31 31.07.26 2026-07-31T22:15:00Z 22:15",
    );
    check("{{date '%Q%'}}", "error: `date` does not understand the format \"%Q%\"");
    check(
        "{{eq 1 1.0}} {{ne 'a' 'b'}} {{lt 2 10}} {{gte '2026-01-01' '2025-12-31'}}",
        "true true true true",
    );
    check("{{and true fields.backup 1}} {{or '' 0}} {{not fields.empty}}", "true false true");
    check("{{gt fields.tags 1}}", "error: `gt` does not compare a list with a number");
    check("{{upper fields.tags}}", "error: `upper` needs a text, not a list");
    check("[{{join outputs.net '+'}}]", "[(known after apply)]");
    check("{{join 'a'}}", "error: `join` needs a list, not a text");
    check("{{replace 'a' '' 'b'}}", "error: `replace` needs something to look for");
}

#[test]
fn a_uuid_is_the_same_on_a_retry_and_another_elsewhere() {
    let [a, b, named] =
        ["{{uuid}}", " {{uuid}}", "{{uuid 'key'}}"].map(|text| answer(Target::Text, text));
    assert_eq!(a, answer(Target::Text, "{{uuid}}"));
    assert!(a != b.trim() && a != named);
    assert_eq!(named, answer(Target::Text, "{{uuid \"key\"}}"));
    assert_eq!((a.len(), &a[14..15], &a[19..20]), (36, "8", "a"));
    assert_eq!(
        render("{{uuid}}", Target::Text, &Scope::new()).map_err(|error| error.message),
        Err("`uuid` needs `system.uuid`, which is not known here".into())
    );
}

#[test]
fn every_document_and_url_keeps_its_shape() {
    check_as(
        Target::Json,
        r#"{"a":"{{fields.name}}","b":{{fields.size}},"c":{{fields.none}}}"#,
        r#"{"a":"Pay \"ments\"","b":20,"c":null}"#,
    );
    check_as(
        Target::Json,
        r#"{"a":{{json fields.tags}},"b":"{{json fields.tags}}"}"#,
        r#"{"a":["x","y z"],"b":"[\"x\",\"y z\"]"}"#,
    );
    check_as(
        Target::Json,
        r#"{"a":{{fields.name}}}"#,
        "error: `fields.name` is a text outside of quotes: write `\"{{…}}\"` or `{{json …}}`",
    );
    check_as(
        Target::Url,
        "{{environment.baseUrl}}/v1/{{fields.name}}?q={{fields.empty}}",
        "http://127.0.0.1:8080/v1/Pay%20%22ments%22?q=",
    );
    check_as(Target::Url, "{{fields.url}}", "https://api.example.com/base");
    check_as(
        Target::Url,
        "https://h/?u={{fields.url}}",
        "https://h/?u=https%3A%2F%2Fapi.example.com%2Fbase",
    );
    check_as(
        Target::Url,
        "https://h/{{fields.empty}}",
        "error: `fields.empty` is empty, and would make it another URL",
    );
    check_as(
        Target::Url,
        "https://h/a/{{concat '.' '.'}}",
        "error: the URL holds `.` or `..` as a name",
    );
    check_as(Target::Url, "{{fields.name}}/x", "error: the text is not an http or https URL");
    check_as(
        Target::Url,
        "https://a:b@x.example/",
        "error: the URL holds a user name or a password",
    );
    check_as(
        Target::Url,
        "https://{{fields.name}}@x.example/",
        "error: the URL holds a user name or a password",
    );
}

#[test]
fn every_line_and_path_keeps_its_shape() {
    check_as(Target::Header, "a {{fields.kebab}}", "a payments-db");
    check_as(
        Target::Header,
        "{{fields.line}}",
        "error: `fields.line` holds a line break or control character, which no header may",
    );
    check_as(Target::Path, "envs/{{fields.kebab}}.tf", "envs/payments-db.tf");
    check_as(
        Target::Path,
        "envs/{{fields.path}}",
        "error: `fields.path` holds a `/`, which one name may not",
    );
    check_as(
        Target::Path,
        "envs/../{{fields.kebab}}",
        "error: the path holds an empty name, `.` or `..`",
    );
    check_as(Target::Path, "envs/.{{lower 'GIT'}}/x", "error: the path leads into `.git`");
    check_as(
        Target::Path,
        "/{{fields.kebab}}",
        "error: the path is absolute: it starts at the folder it belongs to, without `/`",
    );
    check_as(
        Target::Path,
        "a/{{fields.empty}}",
        "error: `fields.empty` is empty, and would make it another path",
    );
    check_as(
        Target::Hcl,
        r#"a = "{{fields.hcl}}{x} {{fields.name}}""#,
        r#"a = "$${var.x} %%{if} \u0024{x} Pay \"ments\"""#,
    );
    check_as(
        Target::Hcl,
        r#"a = "${{json fields.labels}}""#,
        r#"a = "$\u007b\"tier\":\"1\",\"zone\":\"b\"}""#,
    );
    check_as(Target::Hcl, "a = {{json fields.labels}}", r#"a = {"tier":"1","zone":"b"}"#);
    check_as(Target::Jira, "h1. {{fields.markup}}", r"h1. \*bold\* \{code\} a-b \-c\-");
}

#[test]
fn unknown_and_sensitive_values_stay_so() {
    check("a {{outputs.db.url}}", "a (known after apply)");
    check("{{outputs.net.id.x}} {{secrets.KEY}}", "(known after apply) (sensitive)");
    check("{{upper outputs.db.url}}", "(known after apply)");
    check("{{sha256 (concat secrets.KEY 'a')}}", "(sensitive)");
    check("{{base64 (concat secrets.KEY outputs.net)}}", "(known after apply)(sensitive)");
    check("{{concat 'x-' outputs.db.url}}", "x-(known after apply)");
    check("{{default outputs.db.url 'a'}}", "(known after apply)");
    check(
        "{{#if outputs.net}}a{{else}}b{{/if}}{{#each outputs.net}}c{{/each}}",
        "(known after apply)(known after apply)",
    );
    check(
        "{{#each outputs.all}}{{url}}{{this.a.b}}{{/each}}{{#each outputs.all as |o|}}{{o.url}}{{/each}}",
        "(known after apply)(known after apply)(known after apply)",
    );
    check(
        "{{#each outputs.all}}{{../fields.size.x}}{{/each}}",
        "error: `fields.size.x` is not known",
    );
    check(
        "{{#if (eq outputs.net 'a')}}a{{/if}} {{and false outputs.net}} {{or 1 outputs.net}}",
        "(known after apply) false true",
    );
    check_as(
        Target::Json,
        r#"{"a":{{json outputs.db}},"b":{{outputs.net}}}"#,
        r#"{"a":{"url":"(known after apply)"},"b":"(known after apply)"}"#,
    );
    check_as(Target::Url, "{{outputs.db.url}}/{{secrets.KEY}}", "(known after apply)/(sensitive)");
    check_as(Target::Path, "a/{{outputs.db.url}}.tf", "a/(known after apply).tf");
    let whole = |text: &str| render(text, Target::Text, &scope()).unwrap();
    assert_eq!(whole("{{upper outputs.net}}"), unknown("upper(outputs.net)"));
    assert_ne!(whole("{{replace outputs.net 'a' 'b'}}"), whole("{{replace outputs.net 'a' 'c'}}"));
    let mut before = Scope::new();
    before.set(
        "system",
        json!({"timestamp": unknown("system.timestamp"), "uuid": unknown("system.uuid")}),
    );
    for text in ["{{date}}", "{{timestamp '%H'}}", "{{uuid}}"] {
        assert!(has_unknown(&render(text, Target::Text, &before).unwrap()), "{text}");
    }
}

#[test]
fn a_lone_path_keeps_its_type() {
    let check = |text: &str, expected: Value| {
        assert_eq!(evaluate(text, &scope()).unwrap(), expected, "{text}");
    };
    check("{{fields.size}}", json!(20));
    check("{{fields.tags}}", json!(["x", "y z"]));
    check("{{outputs.db}}", json!({"url": unknown("outputs.db.url")}));
    check("{{default fields.nope 5}}", json!(5));
    check(" {{fields.size}}", json!(" 20"));
    check("{{eq fields.size 20}}", json!("true"));
    check("as it is }}", json!("as it is }}"));
    check("\\{{x}}", json!("{{x}}"));
    assert!(evaluate("{{fields.nope}}", &scope()).is_err());
}

#[test]
fn a_value_is_never_a_template_again() {
    let mut scope = Scope::new();
    scope.set("fields", json!({"a": "{{secrets.KEY}} {{#each x}}"}));
    assert_eq!(
        render("{{fields.a}}", Target::Text, &scope).unwrap(),
        "{{secrets.KEY}} {{#each x}}"
    );
    assert_eq!(evaluate("{{fields.a}}", &scope).unwrap(), json!("{{secrets.KEY}} {{#each x}}"));
}

#[test]
fn growth_and_work_have_an_end() {
    let mut scope = Scope::new();
    scope.set("fields", json!({"many": vec![0; 2_000], "long": "a".repeat(1 << 19)}));
    let check = |text: &str, expected: &str| {
        let error = render(text, Target::Text, &scope).unwrap_err();
        assert!(error.message.contains(expected), "{text}: {error}");
    };
    check("{{fields.long}}{{fields.long}}{{fields.long}}", "more than 1 MiB");
    check("{{concat fields.long fields.long fields.long}}", "more than 1 MiB");
    check("{{replace fields.long 'a' fields.long}}", "more than 1 MiB");
    let each = "{{#each @root.fields.many}}";
    check(&format!("{}{}", each.repeat(5), "{{/each}}".repeat(5)), "too much");
    let four = "(concat (sha256 fields.long) (sha256 fields.long) (sha256 fields.long) (sha256 fields.long))";
    check(&format!("{{{{#if {four}}}}}{{{{/if}}}}").repeat(250), "too much");
}

#[test]
fn the_deepest_template_renders() {
    let block = |count: usize, inner: &str| {
        let open = "{{#if fields.a}}{{else}}".repeat(count);
        format!("{open}{inner}{}", "{{/if}}".repeat(count))
    };
    let mut scope = Scope::new();
    scope.set("fields", json!({"a": "", "xs": [1]}));
    let check = |text: &str, expected: &str| {
        assert_eq!(render(text, Target::Text, &scope).as_deref(), Ok(expected), "{text}");
    };
    check(&block(32, "b"), "b");
    check(&format!("{{{{{}fields.a{}}}}}", "(upper ".repeat(32), ")".repeat(32)), "");
    let each = "{{#each @root.fields.xs}}".repeat(32);
    check(&format!("{each}{{{{this}}}}{}", "{{/each}}".repeat(32)), "1");
    let chain = "{{else if fields.a}}".repeat(31);
    check(&format!("{{{{#if fields.a}}}}{chain}{{{{else}}}}c{{{{/if}}}}"), "c");
}

#[test]
fn what_handlebars_reads_otherwise_is_refused() {
    for text in [
        "{{#each fields.xs}}{{elsewhere}}{{/each}}",
        "{{#each fields.xs as |d|}}{{this.d}}{{/each}}",
        "{{fields.this.a}}",
        "{{upper [1]}}",
        "{{upper [[[[[[[[[[[[]}}",
        "{{upper 01}}",
        "{{'text'}}",
        "{{(fields.a)}}",
        "{{upper (fields.a)}}",
        "{{upper 'a\nb'}}",
        "{{upper true.a}}",
        "{{#with fields.a}}{{upper else}}{{/with}}",
    ] {
        assert_eq!(super::check(text).len(), 1, "{text}");
    }
}
