//! A plan as Markdown for a pull request. What people wrote never becomes structure, link or mention.

use super::change::lines_of;
use super::reasons::{holds, pending, short_commit};
use super::sections::{Row, sections, summary};
use super::values::{cut, visible};
use crate::reconcile::change::Change;
use crate::reconcile::plan::Plan;

/// The most characters of a comment; forges refuse more than 65 536.
const MOST: usize = 60_000;

/// Characters kept for the closing lines.
const CLOSING: usize = 600;

/// Characters up to which the table, and then each section, goes on.
const MOST_OF_TABLE: usize = 20_000;

/// The shortest rest in which a cut diff still says something.
const LEAST_DIFF: usize = 600;

/// Shows a plan as Markdown: a table, then the diff of each service, folded; at most 60 000 characters.
pub fn markdown(plan: &Plan) -> String {
    let mut page = Page { text: String::new(), length: 0, limit: MOST - CLOSING };
    page.add(&format!("### {}\n", escaped(summary(plan).trim_end_matches('.'))));
    for hold in holds(plan) {
        page.add(&format!("\n> **{}**\n", escaped(&hold)));
    }
    table(plan, &mut page);
    for section in sections(plan) {
        page.add(&format!("\n**{}**\n\n", section.title));
        let row =
            |row: &Row| format!("- {}: {}\n", code(&row.subject), escaped(&cut(&row.what, 300)));
        page.rows(section.rows.iter().map(row));
    }
    let mut left_out = 0;
    for change in &plan.changes {
        left_out += usize::from(!details(plan, change, &mut page));
    }
    page.limit = MOST;
    if left_out > 0 {
        let what = if left_out == 1 { "diff is" } else { "diffs are" };
        page.add(&format!(
            "\n_Cut: {left_out} more {what} not shown; `trueline plan` shows all._\n"
        ));
    }
    if !plan.is_empty() {
        let commit = code(&short_commit(&plan.commit));
        page.add(&format!("\nPlan digest `{}` at {commit}\n", plan.digest.short()));
    }
    page.text
}

/// A text that does not grow beyond its limit, in characters.
struct Page {
    text: String,
    length: usize,
    limit: usize,
}

impl Page {
    /// Adds a part as a whole, or not at all.
    fn add(&mut self, part: &str) -> bool {
        let length = part.chars().count();
        let fits = self.length + length <= self.limit;
        if fits {
            self.text.push_str(part);
            self.length += length;
        }
        fits
    }

    fn left(&self) -> usize {
        self.limit.saturating_sub(self.length)
    }

    /// Adds rows while they keep to their share, and says how many there are more.
    fn rows(&mut self, rows: impl Iterator<Item = String>) {
        let share = (self.length + MOST_OF_TABLE).min(self.limit.saturating_sub(100));
        let mut more = 0;
        for row in rows {
            let fits = more == 0 && self.length + row.chars().count() <= share;
            if !(fits && self.add(&row)) {
                more += 1;
            }
        }
        if more > 0 {
            self.add(&format!("\n_… and {more} more_\n"));
        }
    }
}

fn table(plan: &Plan, page: &mut Page) {
    if plan.is_empty() {
        return;
    }
    page.add("\n| | Service | Team | Environment | What | Does not start yet |\n|---|---|---|---|---|---|\n");
    let row = |change: &Change| {
        let waits = pending(plan, change);
        let waits = match waits.as_slice() {
            [] => String::new(),
            [first] => first.clone(),
            [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
        };
        let kind = change.kind();
        format!(
            "| `{}` | {} | {} | {} | {kind} | {} |\n",
            kind.sign(),
            code(&change.service),
            escaped(&change.team),
            escaped(change.environment.as_deref().unwrap_or_default()),
            escaped(&cut(&waits, 300)),
        )
    };
    page.rows(plan.changes.iter().map(row));
}

/// Adds the diff of a service, cut where it does not fit; tells whether there was any room.
fn details(plan: &Plan, change: &Change, page: &mut Page) -> bool {
    let mut diff = String::new();
    lines_of(plan, change, 100).iter().for_each(|line| line.write_diff(&mut diff));
    let kind = change.kind();
    let head = format!(
        "\n<details>\n<summary><code>{} {kind} {}</code></summary>\n\n",
        html(kind.sign()),
        html(&change.service),
    );
    let fence = "`".repeat(longest_run(&diff).max(2) + 1);
    let frame = head.chars().count() + 2 * fence.len() + 60;
    let room = page.left().saturating_sub(frame);
    let length = diff.chars().count();
    if length > room {
        if room < LEAST_DIFF {
            return false;
        }
        diff = diff.chars().take(room).collect();
        diff.truncate(diff.rfind('\n').map_or(0, |end| end + 1));
        diff.push_str("… cut, `trueline plan` shows all\n");
    }
    page.add(&format!("{head}{fence}diff\n{diff}{fence}\n\n</details>\n"))
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Writes a name as code where it is an ordinary name, and escaped otherwise.
fn code(text: &str) -> String {
    let tame = |c: char| c.is_ascii_alphanumeric() || "-_./:~ ".contains(c);
    match !text.trim().is_empty() && text.chars().all(tame) {
        true => format!("`{}`", cut(text.trim(), 200)),
        false => escaped(&cut(text, 200)),
    }
}

/// Writes a text so that no character of it is Markdown, HTML, a mention, a reference or a link.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let text = visible(text);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '|' | '~' | '!' | '$' => {
                safe.push('\\');
                safe.push(c);
            }
            // A backslash would not keep a forge from linking these: it looks at the text that is shown.
            '@' | '#' => {
                safe.push(c);
                safe.push('\u{200B}');
            }
            ':' if chars.peek() == Some(&'/')
                || ends_with(&safe, "mailto")
                || ends_with(&safe, "xmpp") =>
            {
                safe.push_str("&#58;")
            }
            '.' if ends_with(&safe, "www") => safe.push_str("&#46;"),
            '\t' => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

fn ends_with(text: &str, word: &str) -> bool {
    let end = text.get(text.len().saturating_sub(word.len())..);
    end.is_some_and(|end| end.eq_ignore_ascii_case(word))
}

/// Writes a text into a line of HTML.
fn html(text: &str) -> String {
    let text = visible(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('@', "@\u{200B}")
}

#[cfg(test)]
mod tests {
    use super::super::sample::{change, field, full, plan, step, unit};
    use super::*;
    use crate::reconcile::ChangeKind;
    use serde_json::json;

    #[test]
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
            is held by a person: trueline service release ledger
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
}
