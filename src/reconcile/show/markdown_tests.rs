//! What Markdown makes of plans, hostile ones among them: tests only.

use super::markdown::{MOST, code, escaped, html, markdown};
use super::sample::{change, field, full, plan, step, unit};
use crate::reconcile::ChangeKind;
use serde_json::json;

#[test]
#[expect(clippy::too_many_lines, reason = "one comment as a whole")]
fn a_plan_as_a_comment() {
    insta::assert_snapshot!(markdown(&full()), @r##"
    ### Plan: 2 to create, 1 to update, 1 to replace, 1 to delete

    > **held: 9 deletions, budget 5: trueline approve 576a01e72e0b**

    > **held: the catalog went from 40 services to 12 and 9 deletions would follow: trueline approve 576a01e72e0b**

    > **held: bbbbbbbbbbbb does not descend from aaaaaaaaaaaa, which was applied (force push, or restored backup): trueline approve 576a01e72e0b**

    | | Service | Team | Environment | What | Does not start yet |
    |---|---|---|---|---|---|
    | `+` | `payments-db` | payments | production | create | waits for 1 approval (environment production, from platform-leads or sre; first contact with catalog): trueline approve ef7ea3c9c238 (and 2 more) |
    | `~` | `shop` | payments | production | update |  |
    | `-/+` | `ledger` | payments | production | replace | was rejected (not in this quarter): change services/payments/ledger.yaml to ask again (and 3 more) |
    | `-` | `old-queue` | payments | production | delete |  |

    **Blocked**

    - `crm`: there is no item \`crm-standard\`

    **Unknown**

    - `mail`: services/a.yaml can't be read

    **Outdated**

    - `wiki`: item wiki went from 1.0.0 to 1.1.0

    **Drifted**

    - `wiki provision`: /body/size was written as "small" and is "huge"
    - `wiki dns`: is gone

    **Expired**

    - `trial`: is past its date: remove services/payments/trial.yaml, or move \`expires\`

    **Suspended**

    - `batch`: is suspended: nothing is changed until its \`state\` says otherwise

    **Retained**

    - `archive`: has no file any more and is kept, as \`deletionPolicy: retain\` says

    **Running**

    - `cache`: is being converged: trueline run show 01JRUN

    <details>
    <summary><code>+ create payments-db</code></summary>

    ```diff
    + create payments-db  (item database-postgresql-standard 1.4.0, production, team payments)
    +   adminPassword: (sensitive)
    +   networkId: (known after apply)
    +   size: "small"
    +   provision  rest-api  PUT https://api.example.com/db/payments-db
    +       body:
    +         contentTemplate: | (one line of JSON)
    +           {
    +             "name": "payments-db",
    +             "size": "small",
    +             "backups": true
    +           }
    +         type: "json"
    +       endpoint:
    +         method: "PUT"
    +         url: "https://api.example.com/db/payments-db"
    +       headers:
    +         Authorization: "Bearer (sensitive)"
    +   announce   notify    #payments  (maybe)
    +       channel: "#payments"
        waits for 1 approval (environment production, from platform-leads or sre; first contact with catalog): trueline approve ef7ea3c9c238
        waits for its change window: opens at 2026-11-23 09:00 CET
        waits for the whole plan: trueline approve 576a01e72e0b
        change ef7ea3c9c238
    ```

    </details>

    <details>
    <summary><code>~ update shop</code></summary>

    ```diff
    ~ update shop  (2 components, production, team payments)
    ~   update shop/database  (item database-postgresql-standard 1.4.0)
    ~     adminPassword: (sensitive) → (sensitive), which differs
    ~     notes:
              one
    -         two
    +         2
              three
    ~     size: "small" → "large"
    +     tags:
    +         - "a"
    +         - "b"
    ~     database/write  git-commit  platform/infra db/shop.tf
                … 11 lines the same
                    setting_9 = 9
                    setting_10 = 10
                    setting_11 = 11
    -               size = "small"
    +               size = "large"
                  path: "db/shop.tf"
              repository: "platform/infra"
          1 step kept
          1 step left out, by `when`
    +   create shop/app  (item database-postgresql-standard 1.4.0)
    +     app/deploy  manual-task  Deploy the app
    +         title: "Deploy the app"
        starts after shop-net
        change ec2158db6ae9
    ```

    </details>

    <details>
    <summary><code>-/+ replace ledger</code></summary>

    ```diff
    -/+ replace ledger  (item database-postgresql-standard 1.4.0, production, team payments)
    ~   region: "eu-west-1" → "eu-west-3"  (forces replacement)
    -   provision~undo  rest-api  https://api.example.com/db/ledger  (undo)
    +   provision       rest-api  PUT https://api.example.com/db/ledger
    +       endpoint:
    +         method: "PUT"
    +         url: "https://api.example.com/db/ledger"
        was rejected (not in this quarter): change services/payments/ledger.yaml to ask again
        waits until service shop-net is ready: trueline service show shop-net
        run 01JOLD stopped (502 from the API): mend the cause, then trueline service reconcile ledger
        is held by ada: audit: trueline service release ledger
        change 2ae6397924b2
    ```

    </details>

    <details>
    <summary><code>- delete old-queue</code></summary>

    ```diff
    - delete old-queue  (item database-postgresql-standard 1.4.0, production, team payments)
    -   size: "small"
    -   order~undo  manual-task  Order a queue  (undo, by hand)
        change 5c32b9fb47e0
    ```

    </details>

    Plan digest `576a01e72e0b` at `4f2a9c1be07d`
    "##);
}

#[test]
fn an_empty_plan_is_one_line() {
    insta::assert_snapshot!(markdown(&plan(Vec::new())), @r#"### No changes. Everything that is looked after is as 4f2a9c1be07d wants it"#);
}

#[test]
fn nothing_that_people_wrote_is_structure() {
    for (text, expected) in [
        ("a|b", "a\\|b"),
        ("\\|", "\\\\\\|"),
        ("<img src=x>", "&lt;img src=x&gt;"),
        ("&lt;", "&amp;lt;"),
        ("@acme/leads #12", "@\u{200b}acme/leads #\u{200b}12"),
        ("`x` **y** _z_ ~w~", "\\`x\\` \\*\\*y\\*\\* \\_z\\_ \\~w\\~"),
        ("![a](http://b) www.c", "\\!\\[a\\](http&#58;//b) www&#46;c"),
        ("one\n# two", "one\\\\n#\u{200b} two"),
    ] {
        assert_eq!(escaped(text), expected);
    }
    assert_eq!(code("payments-db"), "`payments-db`");
    assert_eq!(code("a`b"), "a\\`b");
    assert_eq!(html("</code>@x\n"), "&lt;/code&gt;@\u{200b}x\\n");
}

#[test]
fn a_fence_in_a_value_does_not_end_the_fence() {
    let mut unit = unit("db", ChangeKind::Create);
    let text = "```\n</details>\n``````\n<script>alert(1)</script>\n";
    unit.fields = vec![field("notes", None, Some(json!(text)))];
    unit.steps = vec![step("write", "git-commit", json!({"content": text}))];
    let shown = markdown(&plan(vec![change("db", vec![unit])]));
    let fence = "`".repeat(7);
    let (before, rest) = shown.split_once(&format!("\n{fence}diff\n")).expect("a fence");
    let (inside, after) = rest.split_once(&format!("\n{fence}\n")).expect("its end");
    assert!(inside.contains("<script>") && !before.contains("<script>"), "{shown}");
    assert!(!after.contains("<script>") && !inside.contains(&fence), "{shown}");
}

#[test]
fn a_comment_is_never_too_long() {
    let big = |service: &str, lines: usize| {
        let mut unit = unit(service, ChangeKind::Create);
        unit.fields = (0..lines)
            .map(|n| field(&format!("field{n}"), None, Some(json!("ä`|<".repeat(90)))))
            .collect();
        change(service, vec![unit])
    };
    for (services, lines) in [(1, 2_000), (3, 150), (3_000, 1), (200, 40)] {
        let changes = (0..services).map(|n| big(&format!("service-{n}"), lines)).collect();
        let mut plan = plan(changes);
        for n in 0..3_000 {
            plan.blocked.insert(format!("blocked-{n}"), vec!["|".repeat(5_000)]);
        }
        let shown = markdown(&plan);
        assert!(shown.chars().count() <= MOST, "{}", shown.chars().count());
        assert!(shown.contains("more") || shown.contains("… cut"), "it says so");
        assert_eq!(shown.matches("<details>").count(), shown.matches("</details>").count());
        assert!(shown.contains(&plan.digest.short()), "the end is there");
    }
}
