//! How proposals stand, as Markdown for an issue. What people wrote never becomes structure, link or mention; it has no
//! time of day in it, so that it changes only when something does.

use std::fmt::Write as _;

use super::board::{Board, Line, Standing};
use crate::reconcile::show::{code, escaped};

/// How many lines of one kind are shown.
const MOST: usize = 200;

/// Writes how proposals stand.
pub(super) fn markdown(board: &Board) -> String {
    let mut text = "Trueline keeps this up to date: the pull requests that it filed, and those that wait to be filed. Close it to \
                    have it left alone; open it again to have it kept.\n"
        .to_owned();
    for standing in Standing::PENDING {
        let lines: Vec<&Line> = board.of(standing).collect();
        if lines.is_empty() {
            continue;
        }
        let _ = write!(text, "\n### {}\n\n{}\n\n", title(standing), remark(standing));
        for line in lines.iter().take(MOST) {
            text.push_str(&row(line));
        }
        if lines.len() > MOST {
            let _ = writeln!(
                text,
                "- … and {} more; `trueline proposal list --ours` shows all",
                lines.len() - MOST
            );
        }
    }
    if !board.unseen.is_empty() {
        text.push_str(
            "\n### Not seen\n\nThese can't be looked at; what is shown of them may be old.\n\n",
        );
        for unseen in &board.unseen {
            let _ = writeln!(text, "- {}: {}", code(&unseen.repository), escaped(&unseen.why));
        }
    }
    if board.lines.is_empty() && board.unseen.is_empty() {
        text.push_str("\nNothing is open, and nothing waits.\n");
    }
    text
}

fn title(standing: Standing) -> &'static str {
    match standing {
        Standing::Open => "Open",
        Standing::Edited => "Edited by people",
        Standing::Limited => "Waiting for their turn",
        Standing::Declined => "Declined",
        Standing::Merged => "Merged",
        Standing::Closed => "Closed",
    }
}

fn remark(standing: Standing) -> &'static str {
    match standing {
        Standing::Open => "They wait to be merged or closed.",
        Standing::Edited => {
            "Somebody else committed to them: Trueline keeps its hands off, and follows until they are merged or closed."
        }
        Standing::Limited => {
            "As many are open, or were opened within an hour, as `[forge.limits]` of `trueline.toml` lets."
        }
        Standing::Declined => {
            "People closed them. They are not filed again before somebody asks, or something else is wanted."
        }
        Standing::Merged | Standing::Closed => "Nothing is to be done for them.",
    }
}

fn row(line: &Line) -> String {
    let title = escaped(&line.title);
    let mut text = match (line.number, &line.url) {
        // A link that Trueline made itself, from the forge's own address.
        (Some(number), Some(url)) => format!("- [{} {number}]({url}) {title}", place(line)),
        (Some(number), None) => format!("- {} {number} {title}", place(line)),
        (None, _) => format!("- {} {title}", place(line)),
    };
    if let Some(service) = &line.service {
        let _ = write!(text, ", {}", code(service));
    }
    let day = line.since.to_zoned(jiff::tz::TimeZone::UTC).date();
    let _ = write!(text, ", since {day}");
    if let Some(why) = &line.why {
        let _ = write!(text, ": {}", escaped(why));
    }
    if let Some(ask) = &line.ask {
        let _ = write!(text, "; ask again with {}", code(ask));
    }
    text.push('\n');
    text
}

fn place(line: &Line) -> String {
    code(&line.repository)
}

#[cfg(test)]
mod tests {
    use super::super::board::Unseen;
    use super::*;

    fn line(standing: Standing, number: Option<u64>, title: &str) -> Line {
        Line {
            standing,
            repository: "acme/app".to_owned(),
            number,
            url: number.map(|number| format!("https://github.com/acme/app/pull/{number}")),
            title: title.to_owned(),
            by: None,
            service: Some("pay-dns".to_owned()),
            run: None,
            since: "2026-11-22T10:00:00Z".parse().unwrap(),
            why: None,
            ask: None,
        }
    }

    #[test]
    fn each_kind_is_shown_with_what_to_do() {
        let waits = Line {
            why: Some("as many of Trueline's are open as may be at once (1)".to_owned()),
            ..line(Standing::Limited, None, "Add b")
        };
        let declined = Line {
            ask: Some("trueline apply --service pay-dns".to_owned()),
            ..line(Standing::Declined, Some(3), "Add c")
        };
        let lines = vec![line(Standing::Open, Some(1), "Add a"), waits, declined];
        let unseen =
            Unseen { repository: "acme/web".to_owned(), why: "GitHub answered 502".into() };
        let board = Board { lines, unseen: vec![unseen], ..Board::default() };
        insta::assert_snapshot!(markdown(&board), @"
        Trueline keeps this up to date: the pull requests that it filed, and those that wait to be filed. Close it to have it left alone; open it again to have it kept.

        ### Open

        They wait to be merged or closed.

        - [`acme/app` 1](https://github.com/acme/app/pull/1) Add a, `pay-dns`, since 2026-11-22

        ### Waiting for their turn

        As many are open, or were opened within an hour, as `[forge.limits]` of `trueline.toml` lets.

        - `acme/app` Add b, `pay-dns`, since 2026-11-22: as many of Trueline's are open as may be at once (1)

        ### Declined

        People closed them. They are not filed again before somebody asks, or something else is wanted.

        - [`acme/app` 3](https://github.com/acme/app/pull/3) Add c, `pay-dns`, since 2026-11-22; ask again with `trueline apply --service pay-dns`

        ### Not seen

        These can't be looked at; what is shown of them may be old.

        - `acme/web`: GitHub answered 502
        ");
        assert!(markdown(&Board::default()).ends_with("Nothing is open, and nothing waits.\n"));
    }

    #[test]
    fn what_people_wrote_is_text_and_too_much_is_counted() {
        let hostile = "x](http://b) @acme/all #1 <!-- a\n# b | `c`";
        let mut board =
            Board { lines: vec![line(Standing::Edited, Some(1), hostile)], ..Board::default() };
        let text = markdown(&board);
        for part in ["](http://b)", "@acme", "#1", "<!--", "\n# b"] {
            assert!(!text.contains(part), "{part}: {text}");
        }
        board.lines = vec![line(Standing::Open, Some(1), "a"); 230];
        let text = markdown(&board);
        assert_eq!(text.matches("\n- [").count(), MOST);
        assert!(text.contains("and 30 more"));
    }
}
