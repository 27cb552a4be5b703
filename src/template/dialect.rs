//! Reads a tag as other dialects write it, and writes it as it is written here. It reports nothing.

use super::check::Rewrite;
use super::helpers;
use super::parse::parse;

/// The longest tag that is read in this way.
const MOST: usize = 400;

/// Words of other dialects that begin another case of an `if`.
pub(super) const ELSE_IFS: [&str; 4] = ["elseif", "elsif", "elif", "else-if"];

/// Names that helpers have elsewhere.
const RENAMED: [(&str, &str); 14] = [
    ("uppercase", "upper"),
    ("upcase", "upper"),
    ("toUpperCase", "upper"),
    ("lowercase", "lower"),
    ("downcase", "lower"),
    ("toLowerCase", "lower"),
    ("strip", "trim"),
    ("toJson", "json"),
    ("tojson", "json"),
    ("to_json", "json"),
    ("jsonencode", "json"),
    ("b64enc", "base64"),
    ("base64encode", "base64"),
    ("slugify", "slug"),
];

/// Returns what a helper of another dialect is called here.
pub(super) fn renamed(name: &str) -> Option<&'static str> {
    RENAMED.iter().find(|(theirs, _)| *theirs == name).map(|(_, ours)| *ours)
}

/// Says what to write instead of a helper of another dialect.
pub(super) fn foreign_helper(name: &str) -> Option<String> {
    let hint = match name {
        "range" | "for" | "foreach" => "write `{{#each fields.x as |item|}}…{{/each}}`",
        "urlencode" | "url_encode" | "urlquery" | "encodeURIComponent" | "encodeURI" | "escape"
        | "escapeHtml" | "escapeJson" | "json_escape" | "quote" | "squote" | "hcl" | "safe" => {
            "leave it out: values are escaped for the place where they stand"
        }
        "toYaml" | "to_yaml" | "yaml" => "write `{{json x}}`, which is YAML too",
        "include" | "template" | "partial" => "write the text here: there are no partials",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Returns how the tag around a byte of a text is written here, where it is plain what was meant.
pub(super) fn translated(text: &str, offset: usize) -> Option<Rewrite> {
    let before = text.get(..offset + 2).or_else(|| text.get(..offset))?;
    let start = before.rfind("{{")?;
    let is_raw = text.get(start..)?.starts_with("{{{");
    let (open, close) = if is_raw { (3, "}}}") } else { (2, "}}") };
    let inside = text.get(start + open..)?;
    let inside = inside.get(..inside.find(close)?)?;
    if inside.len() > MOST || inside.contains(['\n', '{']) {
        return None;
    }
    let end = start + open + inside.len() + close.len();
    let (written, is_sure) = tag(inside)?;
    let rewrite = Rewrite { start, end, text: written, safe: is_sure && !is_raw };
    let whole = format!("{}{}{}", text.get(..start)?, rewrite.text, text.get(end..)?);
    let tag = start..start + rewrite.text.len();
    let is_fine = !parse(&whole).problems.iter().any(|problem| tag.contains(&problem.offset));
    (is_fine && text.get(start..end) != Some(&rewrite.text)).then_some(rewrite)
}

/// Writes the inside of a tag anew, and tells whether nothing was guessed.
fn tag(inside: &str) -> Option<(String, bool)> {
    let (inside, left) = inside.strip_prefix('~').map_or((inside, ""), |rest| (rest, "~"));
    let (inside, right) = inside.strip_suffix('~').map_or((inside, ""), |rest| (rest, "~"));
    let trimmed = inside.trim();
    let raw = trimmed.strip_prefix('&');
    let block = trimmed.strip_prefix('#');
    let mut reader = Reader { tokens: tokens(block.or(raw).unwrap_or(trimmed))?, is_sure: true };
    reader.is_sure = raw.is_none();
    reader.tokens.reverse();
    let written = if block.is_some() { reader.block()? } else { reader.value()? };
    let is_whole = reader.tokens.is_empty();
    is_whole.then(|| (format!("{{{{{left}{written}{right}}}}}"), reader.is_sure))
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    /// A word with a parenthesis right behind it, which is read already.
    Called(&'a str),
    Text(&'a str),
    Sign(&'a str),
}

const SIGNS: [&str; 16] =
    ["===", "!==", "==", "!=", ">=", "<=", "&&", "||", ">", "<", "!", "|", "(", ")", ",", ":"];

fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' => rest.get(1..)?.find(first)? + 2,
            _ => rest
                .find(|c: char| !(c.is_alphanumeric() || "_-./@".contains(c)))
                .unwrap_or(rest.len()),
        };
        let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign));
        let (token, after) = if length == 0 {
            let sign = sign?;
            (Token::Sign(sign), rest.get(sign.len()..)?)
        } else {
            let (word, after) = rest.split_at(length);
            match after.strip_prefix('(') {
                _ if matches!(first, '"' | '\'') => (Token::Text(word), after),
                Some(after) => (Token::Called(word), after),
                None => (Token::Word(word), after),
            }
        };
        found.push(token);
        rest = after.trim_start();
    }
    Some(found)
}

/// What a tag says, whatever the dialect.
enum Said {
    Leaf(String),
    Call(String, Vec<Said>),
}

impl Said {
    /// Writes it: a call in parentheses where it is a value of another.
    fn write(&self, is_value: bool) -> String {
        match self {
            Said::Leaf(text) => text.clone(),
            Said::Call(name, values) => {
                let values = values.iter().map(|value| value.write(true));
                let parts: Vec<String> = std::iter::once(name.clone()).chain(values).collect();
                let call = parts.join(" ");
                if is_value { format!("({call})") } else { call }
            }
        }
    }
}

/// Reads tokens, the next one last; a tag is too short to nest deep.
struct Reader<'a> {
    tokens: Vec<Token<'a>>,
    is_sure: bool,
}

impl<'a> Reader<'a> {
    fn next(&self) -> Option<Token<'a>> {
        self.tokens.last().copied()
    }

    fn take(&mut self, signs: &[&str]) -> Option<&'a str> {
        match self.next()? {
            Token::Sign(text) | Token::Word(text) if signs.contains(&text) => {
                self.tokens.pop();
                Some(text)
            }
            _ => None,
        }
    }

    fn value(&mut self) -> Option<String> {
        let mut head = "";
        if self.take(&ELSE_IFS).is_some() {
            head = "else if ";
        } else if self.take(&["else"]).is_some() {
            self.take(&["if"])?;
            head = "else if ";
        }
        let said = self.piped()?;
        Some(format!("{head}{}", said.write(!head.is_empty())))
    }

    /// Reads what stands behind `{{#`.
    fn block(&mut self) -> Option<String> {
        let Some(Token::Word(name @ ("if" | "unless" | "each" | "with"))) = self.next() else {
            return None;
        };
        self.tokens.pop();
        let mut names = Vec::new();
        if let [.., Token::Word("in" | "of"), Token::Word(item)] = self.tokens.as_slice() {
            names.push(*item);
            self.tokens.truncate(self.tokens.len() - 2);
        }
        let said = self.piped()?.write(true);
        if names.is_empty() && self.take(&["as"]).is_some() {
            while let Some(token) = self.tokens.pop() {
                match token {
                    Token::Word(word) => names.push(word),
                    Token::Sign("|" | "," | "(" | ")") => {}
                    _ => return None,
                }
            }
        }
        Some(match names.as_slice() {
            [] => format!("#{name} {said}"),
            names => format!("#{name} {said} as |{}|", names.join(" ")),
        })
    }

    /// `value | filter: argument`
    fn piped(&mut self) -> Option<Said> {
        let mut said = self.either()?;
        while self.take(&["|"]).is_some() {
            let (name, mut values) = match self.tokens.pop()? {
                Token::Called(name) => (name, self.listed()?),
                Token::Word(name) => (name, Vec::new()),
                _ => return None,
            };
            if self.take(&[":"]).is_some() {
                values.push(self.compared()?);
                while self.take(&[","]).is_some() {
                    values.push(self.compared()?);
                }
            }
            values.insert(0, said);
            said = Said::Call(self.name(name), values);
        }
        Some(said)
    }

    fn either(&mut self) -> Option<Said> {
        let mut said = self.both()?;
        while self.take(&["||", "or"]).is_some() {
            said = Said::Call("or".to_owned(), vec![said, self.both()?]);
        }
        Some(said)
    }

    fn both(&mut self) -> Option<Said> {
        let mut said = self.compared()?;
        while self.take(&["&&", "and"]).is_some() {
            said = Said::Call("and".to_owned(), vec![said, self.compared()?]);
        }
        Some(said)
    }

    fn compared(&mut self) -> Option<Said> {
        let left = self.operand()?;
        let signs = ["===", "!==", "==", "!=", ">=", "<=", ">", "<"];
        let Some(sign) = self.take(&signs) else { return Some(left) };
        let name = match sign {
            "===" | "==" => "eq",
            "!==" | "!=" => "ne",
            ">=" => "gte",
            "<=" => "lte",
            ">" => "gt",
            _ => "lt",
        };
        Some(Said::Call(name.to_owned(), vec![left, self.operand()?]))
    }

    fn operand(&mut self) -> Option<Said> {
        if self.take(&["!"]).is_some() {
            return Some(Said::Call("not".to_owned(), vec![self.operand()?]));
        }
        match self.tokens.pop()? {
            Token::Sign("(") => {
                let said = self.piped()?;
                self.take(&[")"]).map(|_| said)
            }
            Token::Sign(_) => None,
            Token::Called(name) => {
                let values = self.listed()?;
                Some(Said::Call(self.name(name), values))
            }
            Token::Text(text) => Some(Said::Leaf(text.to_owned())),
            Token::Word(name) if helpers::find(name).is_some() => {
                let mut values = Vec::new();
                while self.begins_a_value() {
                    values.push(self.operand()?);
                    self.take(&[","]);
                }
                Some(Said::Call(name.to_owned(), values))
            }
            Token::Word(path) => Some(Said::Leaf(self.path(path))),
        }
    }

    fn begins_a_value(&self) -> bool {
        match self.next() {
            Some(Token::Word(word)) => !matches!(word, "and" | "or" | "as"),
            Some(Token::Called(_) | Token::Text(_) | Token::Sign("(" | "!")) => true,
            _ => false,
        }
    }

    /// Reads the values of a call up to its `)`.
    fn listed(&mut self) -> Option<Vec<Said>> {
        let mut values = Vec::new();
        while self.take(&[")"]).is_none() {
            values.push(self.piped()?);
            self.take(&[","]);
        }
        Some(values)
    }

    fn name(&mut self, name: &str) -> String {
        let Some(ours) = renamed(name) else { return name.to_owned() };
        self.is_sure = false;
        ours.to_owned()
    }

    /// A path without the dot that other dialects begin it with.
    fn path(&mut self, path: &str) -> String {
        if let Some(rest) = path.strip_prefix(".Values.") {
            self.is_sure = false;
            return format!("fields.{rest}");
        }
        match path.strip_prefix('.') {
            Some("") => "this".to_owned(),
            Some(rest) if rest.starts_with(char::is_alphabetic) => rest.to_owned(),
            _ => path.to_owned(),
        }
    }
}

#[cfg(test)]
#[path = "dialect_tests.rs"]
mod tests;
