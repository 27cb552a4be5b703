//! What people can ask for in a comment: `/trueline …`. It only reads; who may ask is decided elsewhere.

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Judge and plan again.
    Plan,
    /// Approve the plan that is shown, or what begins with a digest.
    Approve(Option<String>),
    /// Try again what stopped.
    Retry,
    /// Say what a rule is about.
    Explain(String),
    /// Say what can be asked for.
    Help,
    /// Something that nobody can be asked for.
    Unknown(String),
}

/// How much of a word is said back.
const MOST: usize = 60;

/// Reads the first line of a comment; nothing where it asks for nothing.
pub(super) fn command(body: &str) -> Option<Command> {
    let line = body.lines().find(|line| !line.trim().is_empty())?;
    // Quoted, indented and fenced lines are talk about a command.
    let rest = line.strip_prefix("/trueline")?;
    if !rest.is_empty() && !rest.starts_with([' ', '\t']) {
        return None;
    }
    let words: Vec<&str> = rest.split_whitespace().collect();
    Some(match words.as_slice() {
        [] | ["help"] => Command::Help,
        ["plan"] => Command::Plan,
        ["approve"] => Command::Approve(None),
        ["approve", digest] => Command::Approve(Some(digest.to_ascii_lowercase())),
        ["retry"] => Command::Retry,
        ["explain", rule] => Command::Explain((*rule).to_owned()),
        [word, ..] => Command::Unknown(word.chars().take(MOST).collect()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_the_first_line_and_nothing_else_is_one() {
        let check =
            |body: &str, expected: Option<Command>| assert_eq!(command(body), expected, "{body:?}");
        check("/trueline plan", Some(Command::Plan));
        check("\n/trueline plan  \r\nthank you", Some(Command::Plan));
        check("/trueline", Some(Command::Help));
        check("/trueline approve", Some(Command::Approve(None)));
        check("/trueline approve ABCDEF12", Some(Command::Approve(Some("abcdef12".into()))));
        check("/trueline explain fields/type", Some(Command::Explain("fields/type".into())));
        check("/trueline approve all of it", Some(Command::Unknown("approve".into())));
        check("/trueline dance", Some(Command::Unknown("dance".into())));
        for other in [
            "",
            "hello",
            "please /trueline plan",
            "> /trueline approve",
            "    /trueline plan",
            "```\n/trueline plan\n```",
            "/truelines plan",
            "/Trueline plan",
            "text\n/trueline approve",
        ] {
            check(other, None);
        }
    }
}
