//! Values in what a forge shows: Markdown, commit messages and titles, as authors of templates wrote them, so that nothing
//! is known of what stands around a value (`reconcile::show::escaped` is for what Trueline writes whole). A value is text there: no mark, no link, no mention
//! of anybody, no reference that closes something, no word that a robot obeys.

/// Joins nothing and is seen by nobody: neither a space nor a mark to Markdown, so that what stands before and behind a
/// value sees a letter.
const GUARD: char = '\u{200b}';

/// A value inside Markdown as GitHub reads it.
pub(super) fn inside_markdown(text: &str, before: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    if needs_guard(text.chars().next(), before) {
        escaped.push(GUARD);
    }
    let mut chars = text.chars().peekable();
    let mut previous = None;
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        match c {
            '\\' | '`' | '*' | '[' | ']' | '~' | '|' | '$' | '\n' | '\r' | '\t' => {
                escaped.extend(["&#", u32::from(c).to_string().as_str(), ";"]);
            }
            '_' if !(is_word(previous) && is_word(next)) => escaped.push_str("&#95;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\0' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
        if names_something(c, next, &escaped) {
            escaped.push(GUARD);
        }
        previous = Some(c);
    }
    if text.is_empty() || !is_word(previous) {
        close(&mut escaped);
    }
    escaped
}

/// A value in plain text that a forge reads for names: a commit message, the title of a pull request.
pub(super) fn inside_message(text: &str, before: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 4);
    // What begins a line and has a colon could pass for a trailer.
    if before.is_empty() || before.ends_with('\n') {
        escaped.extend(Some(GUARD).filter(|_| text.contains(':')));
    }
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        escaped.push(if c.is_control() { ' ' } else { c });
        // `[skip ci]` and its like are words to robots.
        if c == '[' || names_something(c, chars.peek().copied(), &escaped) {
            escaped.push(GUARD);
        }
    }
    escaped
}

/// Tells whether a character, the last one of a text, makes a name, a reference or a link of what follows.
fn names_something(c: char, next: Option<char>, text: &str) -> bool {
    let ends = |word: &str| {
        let start = text.len().checked_sub(word.len());
        start.and_then(|start| text.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(word))
    };
    match c {
        '@' | '#' => true,
        '-' => ends("gh-"),
        ':' => next == Some('/'),
        '.' => ends("www."),
        _ => false,
    }
}

/// Tells whether something has to stand between a value and what comes before it.
fn needs_guard(first: Option<char>, before: &str) -> bool {
    let Some(first) = first.filter(|c| c.is_alphanumeric()) else { return true };
    let line = before.rsplit('\n').next().unwrap_or_default();
    // A number could count the items of a list.
    let begins = !line.chars().any(char::is_alphabetic);
    let entity = line
        .rsplit_once('&')
        .is_some_and(|(_, name)| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '#'));
    entity || begins && first.is_numeric()
}

fn close(escaped: &mut String) {
    if !escaped.ends_with(GUARD) {
        escaped.push(GUARD);
    }
}

fn is_word(c: Option<char>) -> bool {
    c.is_some_and(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser};

    use super::super::escape::Target;
    use super::super::laws::{any_value, scope_of};
    use super::super::render::render;
    use super::GUARD;

    /// Everywhere where a value may stand.
    const PLACES: &str = "# {{fields.a}}\n\nText **{{fields.a}}** and _{{fields.a}}_, a{{fields.a}}b `{{fields.a}}`\n{{fields.a}}\nx\n\n\
        - {{fields.a}}\n- b{{fields.a}}\n  {{fields.a}}\n\n1. {{fields.a}}\n\n> {{fields.a}}\n\n\
        | a | {{fields.a}} |\n|---|---|\n| {{fields.a}} | x{{fields.a}} |\n\n{{fields.a}}\n===\n\n{{fields.a}}{{fields.a}}\n\
        [l](http://h/) [{{fields.a}}](http://h/){{fields.a}}\n![{{fields.a}}](http://h/) a{{fields.a}}[y](http://h/)\n\n\
        ```\n{{fields.a}}\n```\n\n<!-- {{fields.a}} -->\n\n<details>\n{{fields.a}}\n</details>\n\n&{{fields.a}};\n\n\
        -{{fields.a}}\n\n{{fields.a}}. end\n\n{{fields.a}}) end\n\n\\{{fields.a}} \n\n*{{fields.a}}*{{fields.a}}**{{fields.a}}**\n";

    fn rendered(value: &str) -> String {
        let places = PLACES.replace("\\{{", "\\\\ {{");
        render(&places, Target::Markdown, &scope_of(value)).unwrap()
    }

    /// What a text is made of, whatever its words are.
    fn structure(markdown: &str) -> Vec<String> {
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_MATH;
        let mut found: Vec<String> = Vec::new();
        for event in Parser::new_ext(markdown, options) {
            let told = match event {
                Event::Text(_) => "text".to_owned(),
                Event::Code(_) => "code".to_owned(),
                Event::Html(_) => "html".to_owned(),
                Event::InlineHtml(_) => "inline html".to_owned(),
                other => format!("{other:?}"),
            };
            let again = matches!(told.as_str(), "text" | "html") && found.last() == Some(&told);
            if !again {
                found.push(told);
            }
        }
        found
    }

    /// What is read of a text, without guards.
    fn words(markdown: &str) -> String {
        let mut read = String::new();
        for event in Parser::new(markdown) {
            if let Event::Text(text) = event {
                read.push_str(&text);
            }
        }
        read.replace(GUARD, "")
    }

    #[test]
    fn plain_words_are_left_as_they_are() {
        for value in [
            "payments-db",
            "eu-west-1",
            "db.r6.large",
            "a_b_c",
            "10 GB",
            "Größe 3, (x): y!z",
            "1.4.0",
        ] {
            let shown =
                render("Text {{fields.a}} text", Target::Markdown, &scope_of(value)).unwrap();
            assert_eq!(shown, format!("Text {value} text"));
            let shown = render("feat: {{fields.a}}", Target::Message, &scope_of(value)).unwrap();
            assert_eq!(shown, format!("feat: {value}"));
        }
    }

    #[test]
    fn nobody_is_named_and_nothing_is_closed() {
        let check = |target: Target, value: &str, expected: &str| {
            let shown = render("a {{fields.a}} b", target, &scope_of(value)).unwrap();
            assert_eq!(shown.replace(GUARD, "·"), format!("a {expected} b"), "{value:?}");
        };
        for (value, markdown, message) in [
            ("@acme/team", "·@·acme/team", "@·acme/team"),
            ("Closes #1", "Closes #·1", "Closes #·1"),
            ("fixes GH-7", "fixes GH-·7", "fixes GH-·7"),
            ("acme/app#2", "acme/app#·2", "acme/app#·2"),
            (
                "Closes https://github.com/a/b/issues/1",
                "Closes https:·//github.com/a/b/issues/1",
                "Closes https:·//github.com/a/b/issues/1",
            ),
            ("www.example.com", "www.·example.com", "www.·example.com"),
            ("ann@acme.example", "ann@·acme.example", "ann@·acme.example"),
            ("[skip ci]", "·&#91;skip ci&#93;·", "[·skip ci]"),
            ("<!-- x -->", "·&lt;!-- x --&gt;·", "<!-- x -->"),
        ] {
            check(Target::Markdown, value, markdown);
            check(Target::Message, value, message);
        }
        let trailer =
            render("x\n\n{{fields.a}}", Target::Message, &scope_of("Co-authored-by: b")).unwrap();
        assert_eq!(trailer, format!("x\n\n{GUARD}Co-authored-by: b"));
        let lines =
            render("{{fields.a}}", Target::Message, &scope_of("a\nSigned-off-by: b")).unwrap();
        assert_eq!(lines, format!("{GUARD}a Signed-off-by: b"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_value_never_changes_the_structure_of_markdown(value in prop_oneof![
            any_value(), r"[#>*_`~|\[\]()<!&;:+=. \t\n0-9a-]{0,10}", "(\n|    |- |\\* |1\\. |# |> |```|~~~|---|<b>|<!--|-->|\\||\\$){0,4}",
        ]) {
            prop_assert_eq!(structure(&rendered(&value)), structure(&rendered("x")), "{}", rendered(&value));
        }

        #[test]
        fn a_value_in_markdown_reads_as_it_is(value in any_value()) {
            let shown = render("a {{fields.a}} b", Target::Markdown, &scope_of(&value)).unwrap();
            let value = value.replace('\0', "\u{fffd}").replace(GUARD, "");
            prop_assert_eq!(words(&shown), format!("a {value} b"));
        }

        #[test]
        fn a_message_keeps_its_lines_and_its_words(value in any_value()) {
            let shown = render("a {{fields.a}}\n\nb", Target::Message, &scope_of(&value)).unwrap();
            prop_assert_eq!(shown.lines().count(), 3);
            let read: String = value.chars().filter(|c| *c != GUARD).map(|c| if c.is_control() { ' ' } else { c }).collect();
            prop_assert_eq!(shown.replace(GUARD, ""), format!("a {read}\n\nb"));
            for name in ["@", "#", "["] {
                let mut followed = shown.match_indices(name).map(|(at, _)| shown[at + 1..].chars().next());
                prop_assert!(followed.all(|next| next == Some(GUARD)), "{}", shown);
            }
        }
    }
}
