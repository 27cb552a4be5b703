//! A plan as text for a terminal or a file.

use super::change::lines_of;
use super::line::{Line, Tone};
use super::reasons::{holds, short_commit};
use super::sections::{sections, summary};
use crate::reconcile::plan::Plan;

/// How text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// With ANSI colours.
    pub color: bool,
    /// Columns that a line should keep to; what does not fit is shown line by line.
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self { color: false, width: 100 }
    }
}

/// Shows a plan as text; what comes from documents can't steer the terminal.
pub fn text(plan: &Plan, style: Style) -> String {
    let mut text = String::new();
    let mut write = |line: &Line| line.write(&mut text, style.color);
    let blank = Line::plain(0, Tone::Plain, "");
    for change in &plan.changes {
        lines_of(plan, change, style.width).iter().for_each(&mut write);
        write(&blank);
    }
    for section in sections(plan) {
        write(&Line::plain(0, Tone::Strong, section.title));
        for row in section.rows {
            let line = Line::plain(2, Tone::Plain, row.subject);
            write(&line.with(Tone::Plain, format!(": {}", row.what)));
            row.lines.iter().for_each(&mut write);
        }
        write(&blank);
    }
    for hold in holds(plan) {
        write(&Line::plain(0, Tone::Alert, hold));
    }
    write(&Line::plain(0, Tone::Strong, summary(plan)));
    if !plan.is_empty() {
        let digest =
            format!("Plan digest {} at {}", plan.digest.short(), short_commit(&plan.commit));
        write(&Line::plain(0, Tone::Faint, digest));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::sample::{change, field, full, plan, step, unit};
    use super::*;
    use crate::reconcile::{ChangeKind, UnitChange};
    use serde_json::json;

    fn check(units: Vec<UnitChange>) -> String {
        text(&plan(vec![change("db", units)]), Style::default())
    }

    #[test]
    fn a_plan_says_what_why_and_what_to_do() {
        insta::assert_snapshot!(text(&full(), Style::default()), @r##"
        + create payments-db  (item database-postgresql-standard 1.4.0, production, team payments)
          + adminPassword: (sensitive)
          + networkId: (known after apply)
          + size: "small"
          + provision  rest-api  PUT https://api.example.com/db/payments-db
              + body:
              +   contentTemplate: | (one line of JSON)
              +     {
              +       "name": "payments-db",
              +       "size": "small",
              +       "backups": true
              +     }
              +   type: "json"
              + endpoint:
              +   method: "PUT"
              +   url: "https://api.example.com/db/payments-db"
              + headers:
              +   Authorization: "Bearer (sensitive)"
          + announce   notify    #payments  (maybe)
              + channel: "#payments"
          waits for 1 approval (environment production, from platform-leads or sre; first contact with catalog): trueline approve ef7ea3c9c238
          waits for its change window: opens at 2026-11-23 09:00 CET
          waits for the whole plan: trueline approve 576a01e72e0b
          change ef7ea3c9c238

        ~ update shop  (2 components, production, team payments)
          ~ update shop/database  (item database-postgresql-standard 1.4.0)
            ~ adminPassword: (sensitive) → (sensitive), which differs
            ~ notes:
                  one
                - two
                + 2
                  three
            ~ size: "small" → "large"
            + tags:
                + - "a"
                + - "b"
            ~ database/write  git-commit  platform/infra db/shop.tf
                  … 11 lines the same
                        setting_9 = 9
                        setting_10 = 10
                        setting_11 = 11
                -       size = "small"
                +       size = "large"
                      path: "db/shop.tf"
                  repository: "platform/infra"
            1 step kept
            1 step left out, by `when`
          + create shop/app  (item database-postgresql-standard 1.4.0)
            + app/deploy  manual-task  Deploy the app
                + title: "Deploy the app"
          starts after shop-net
          change ec2158db6ae9

        -/+ replace ledger  (item database-postgresql-standard 1.4.0, production, team payments)
          ~ region: "eu-west-1" → "eu-west-3"  (forces replacement)
          - provision~undo  rest-api  https://api.example.com/db/ledger  (undo)
          + provision       rest-api  PUT https://api.example.com/db/ledger
              + endpoint:
              +   method: "PUT"
              +   url: "https://api.example.com/db/ledger"
          was rejected (not in this quarter): change services/payments/ledger.yaml to ask again
          waits until service shop-net is ready: trueline service show shop-net
          run 01JOLD stopped (502 from the API): mend the cause, then trueline service reconcile ledger
          is held by ada: audit: trueline service release ledger
          change 2ae6397924b2

        - delete old-queue  (item database-postgresql-standard 1.4.0, production, team payments)
          - size: "small"
          - order~undo  manual-task  Order a queue  (undo, by hand)
          change 5c32b9fb47e0

        Blocked
          crm: there is no item `crm-standard`

        Unknown
          mail: services/a.yaml can't be read

        Outdated
          wiki: item wiki went from 1.0.0 to 1.1.0

        Drifted
          wiki provision: /body/size was written as "small" and is "huge"
          wiki dns: is gone

        Expired
          trial: is past its date: remove services/payments/trial.yaml, or move `expires`

        Suspended
          batch: is suspended: nothing is changed until its `state` says otherwise

        Retained
          archive: has no file any more and is kept, as `deletionPolicy: retain` says

        Running
          cache: is being converged: trueline run show 01JRUN

        held: 9 deletions, budget 5: trueline approve 576a01e72e0b
        held: the catalog went from 40 services to 12 and 9 deletions would follow: trueline approve 576a01e72e0b
        held: bbbbbbbbbbbb does not descend from aaaaaaaaaaaa, which was applied (force push, or restored backup): trueline approve 576a01e72e0b
        Plan: 2 to create, 1 to update, 1 to replace, 1 to delete.
        Plan digest 576a01e72e0b at 4f2a9c1be07d
        "##);
    }

    #[test]
    fn an_empty_plan_says_so() {
        insta::assert_snapshot!(text(&plan(Vec::new()), Style::default()), @r#"No changes. Everything that is looked after is as 4f2a9c1be07d wants it."#);
        let mut blocked = plan(Vec::new());
        blocked.blocked.insert("crm".to_owned(), vec!["there is no item `crm`".to_owned()]);
        insta::assert_snapshot!(text(&blocked, Style::default()), @r#"
        Blocked
          crm: there is no item `crm`

        No changes. 1 service is blocked.
        "#);
    }

    #[test]
    fn colour_is_only_colour() {
        let colored = text(&full(), Style { color: true, width: 100 });
        let mut plain = colored.clone();
        while let Some((start, end)) = plain
            .find('\u{1b}')
            .and_then(|start| Some((start, start + plain.get(start..)?.find('m')?)))
        {
            plain.replace_range(start..=end, "");
        }
        let trimmed = |text: &str| -> Vec<String> {
            text.lines().map(|line| line.trim_end().to_owned()).collect()
        };
        assert_ne!(colored, plain);
        assert_eq!(trimmed(&plain), trimmed(&text(&full(), Style::default())));
    }

    #[test]
    fn documents_do_not_steer_the_terminal() {
        let mut hostile = unit("db", ChangeKind::Update);
        let evil = "\u{1b}[2J\u{1b}]0;x\u{7}\u{202e}gnp.exe\u{9b}1m\r";
        hostile.fields = vec![
            field(evil, Some(json!(evil)), Some(json!(format!("{evil}\n{evil}")))),
            field("map", None, Some(json!({evil: [evil]}))),
        ];
        hostile.steps = vec![step(evil, evil, json!({"url": evil, evil: evil}))];
        hostile.state = evil.to_owned();
        let mut hostile = plan(vec![change(evil, vec![hostile])]);
        hostile.blocked.insert(evil.to_owned(), vec![evil.to_owned()]);
        let shown = text(&hostile, Style::default());
        let acts = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!shown.contains(acts), "{shown:?}");
        assert!(shown.contains("\\u{1b}[2J") && shown.contains("\\u{202e}gnp.exe"), "{shown}");
    }

    #[test]
    fn secrets_are_never_shown() {
        let mut change = unit("db", ChangeKind::Update);
        let sealed = json!({"$sealed": "hunter22", "$hash": "hunter22"});
        change.fields = vec![
            field("adminPassword", Some(json!("hunter22")), Some(json!({"secret": "hunter22"}))),
            field("nested", None, Some(json!([{"a": {"secret": "hunter22"}}, sealed.clone()]))),
        ];
        let mut again = step("a", "rest-api", json!({"key": sealed}));
        again.previous = Some(json!({"key": {"$sealed": "hunter22old", "$hash": "hunter22"}}));
        change.steps = vec![again];
        let shown = check(vec![change]);
        assert!(!shown.contains("hunter22"), "{shown}");
        assert!(shown.contains("differs only in what is not shown here"), "{shown}");
    }

    #[test]
    fn huge_values_stay_readable() {
        let mut change = unit("db", ChangeKind::Update);
        let long = |last: &str| json!(format!("{}{last}", "x".repeat(1 << 20)));
        let many = |start: usize| {
            let lines: Vec<String> = (start..start + 50_000).map(|n| n.to_string()).collect();
            json!(lines.join("\n"))
        };
        change.fields = vec![
            field("line", Some(long("old")), Some(long("new"))),
            field("lines", Some(many(0)), Some(many(90_000))),
        ];
        let shown = check(vec![change]);
        assert!(shown.len() < 20_000, "{}", shown.len());
        assert!(shown.contains("old\"\n") && shown.contains("new\"\n"), "{shown}");
    }

    #[test]
    fn a_narrow_terminal_gets_long_values_line_by_line() {
        let mut change = unit("db", ChangeKind::Update);
        let long = |size: &str| json!(format!("a {size} database with backups every night"));
        change.fields = vec![field("purpose", Some(long("small")), Some(long("large")))];
        insta::assert_snapshot!(check(vec![change]), @r#"
        ~ update db  (item database-postgresql-standard 1.4.0, production, team payments)
          ~ purpose:
              - "a small database with backups every night"
              + "a large database with backups every night"
          change 4034c67e122d

        Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.
        Plan digest 2378bc92002b at 4f2a9c1be07d
        "#);
    }
}
