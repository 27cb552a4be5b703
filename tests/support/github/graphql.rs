//! What is asked by GraphQL, held against an excerpt of GitHub's own schema: the mutation, its input, and what may be
//! read from its answer. It reads the one form of a document that is sent here, and refuses every other.
//!
//! The schema is documented as «GraphQL API › Public schema» (docs.github.com, `schema.docs.graphql`), the mutation as
//! «Reference › Pull requests › enablePullRequestAutoMerge». The excerpt is from npm `@octokit/graphql-schema` 15.26.1.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// A field of an input: its name and its type, as the schema writes it.
type Field = (&'static str, &'static str);

struct Mutation {
    name: &'static str,
    /// The fields of its one argument `input`.
    input: &'static [Field],
    /// The fields of its answer that have no parts.
    answer: &'static [&'static str],
}

const MUTATIONS: &[Mutation] = &[Mutation {
    name: "enablePullRequestAutoMerge",
    input: &[
        ("authorEmail", "String"),
        ("clientMutationId", "String"),
        ("commitBody", "String"),
        ("commitHeadline", "String"),
        ("expectedHeadOid", "GitObjectID"),
        ("mergeMethod", "PullRequestMergeMethod"),
        ("pullRequestId", "ID!"),
    ],
    answer: &["clientMutationId"],
}];

/// What a document asks for: the mutation, and its input with the variables filled in.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) mutation: String,
    pub(super) input: BTreeMap<String, Value>,
}

/// Reads what is asked, or says what is not as it is documented.
pub(super) fn read(body: &Value) -> Result<Asked, String> {
    let keys: BTreeSet<&str> =
        body.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    if let Some(key) = keys.iter().find(|key| !["query", "variables"].contains(*key)) {
        return Err(format!("`{key}` is no part of a GraphQL request"));
    }
    let query = body["query"].as_str().ok_or("there is no `query`")?;
    let tokens = tokens(query)?;
    let mut reader = Reader { tokens: &tokens };
    reader.word("mutation")?;
    let declared = reader.variables()?;
    reader.word("{")?;
    let name = reader.name()?;
    let known = MUTATIONS.iter().find(|mutation| mutation.name == name);
    let known = known.ok_or(format!("Field '{name}' doesn't exist on type 'Mutation'"))?;
    for word in ["(", "input", ":", "{"] {
        reader.word(word)?;
    }
    let mut input = BTreeMap::new();
    let mut used = BTreeSet::new();
    while reader.tokens.first() != Some(&"}") {
        let (field, variable) = reader.field()?;
        let (_, wanted) = known
            .input
            .iter()
            .find(|(name, _)| *name == field)
            .ok_or(format!("InputObject '{name}' doesn't accept argument '{field}'"))?;
        let of = declared.get(variable).ok_or(format!("Variable ${variable} is not declared"))?;
        // What may be absent can't stand where something must be.
        if of.trim_end_matches('!') != wanted.trim_end_matches('!')
            || wanted.ends_with('!') && !of.ends_with('!')
        {
            return Err(format!("Type mismatch on ${variable} and {field} ({of} / {wanted})"));
        }
        let value = &body["variables"][variable];
        fits(wanted, value).map_err(|why| format!("${variable} of type {of}: {why}"))?;
        used.insert(variable.to_owned());
        if input.insert(field.to_owned(), value.clone()).is_some() {
            return Err(format!("'{field}' is given twice"));
        }
    }
    let missing =
        known.input.iter().find(|(name, of)| of.ends_with('!') && !input.contains_key(*name));
    if let Some((field, _)) = missing {
        return Err(format!("Argument '{field}' on InputObject '{name}' is required"));
    }
    for word in ["}", ")", "{"] {
        reader.word(word)?;
    }
    while reader.tokens.first() != Some(&"}") {
        let field = reader.name()?;
        if !known.answer.contains(&field) {
            return Err(format!("Field '{field}' can't be selected from the answer of {name}"));
        }
    }
    for word in ["}", "}"] {
        reader.word(word)?;
    }
    let given = body["variables"].as_object().into_iter().flatten().map(|(name, _)| name);
    let unused = declared.keys().chain(given).find(|name| !used.contains(*name));
    match (unused, reader.tokens.first()) {
        (Some(name), _) => Err(format!("Variable ${name} is declared or given, but not used")),
        (None, Some(rest)) => Err(format!("`{rest}` is too much")),
        (None, None) => Ok(Asked { mutation: name.to_owned(), input }),
    }
}

/// Tells whether a value is one of a type.
fn fits(of: &str, value: &Value) -> Result<(), &'static str> {
    let text = value.as_str().ok_or("no text")?;
    let is_right = match of.trim_end_matches('!') {
        "GitObjectID" => text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "PullRequestMergeMethod" => ["MERGE", "REBASE", "SQUASH"].contains(&text),
        "ID" => !text.is_empty(),
        _ => true,
    };
    if is_right { Ok(()) } else { Err("not a value of that type") }
}

fn tokens(query: &str) -> Result<Vec<&str>, String> {
    let mut found = Vec::new();
    let mut rest = query.trim_start_matches([' ', '\n', ',']);
    while let Some(first) = rest.chars().next() {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = match first {
            c if is_name(c) => rest.find(|c| !is_name(c)).unwrap_or(rest.len()),
            '{' | '}' | '(' | ')' | ':' | '$' | '!' => 1,
            _ => return Err(format!("`{first}` is not expected in a document")),
        };
        found.push(&rest[..length]);
        rest = rest[length..].trim_start_matches([' ', '\n', ',']);
    }
    Ok(found)
}

struct Reader<'t, 'q> {
    tokens: &'t [&'q str],
}

impl<'q> Reader<'_, 'q> {
    fn next(&mut self) -> Result<&'q str, String> {
        let (first, rest) = self.tokens.split_first().ok_or("the document ends too soon")?;
        self.tokens = rest;
        Ok(first)
    }

    fn word(&mut self, wanted: &str) -> Result<(), String> {
        match self.next()? {
            found if found == wanted => Ok(()),
            found => Err(format!("`{wanted}` is expected, not `{found}`")),
        }
    }

    fn name(&mut self) -> Result<&'q str, String> {
        let name = self.next()?;
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if is_name { Ok(name) } else { Err(format!("a name is expected, not `{name}`")) }
    }

    /// `name: $variable`.
    fn field(&mut self) -> Result<(&'q str, &'q str), String> {
        let field = self.name()?;
        self.word(":")?;
        self.word("$")?;
        Ok((field, self.name()?))
    }

    /// `($name: Type!, …)`, where there is one.
    fn variables(&mut self) -> Result<BTreeMap<String, String>, String> {
        let mut declared = BTreeMap::new();
        if self.tokens.first() != Some(&"(") {
            return Ok(declared);
        }
        self.word("(")?;
        while self.tokens.first() != Some(&")") {
            self.word("$")?;
            let name = self.name()?;
            self.word(":")?;
            let mut of = self.name()?.to_owned();
            if self.tokens.first() == Some(&"!") {
                of += self.next()?;
            }
            declared.insert(name.to_owned(), of);
        }
        self.word(")")?;
        Ok(declared)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(query: &str, variables: &Value, expected: &str) {
        let read = read(&json!({"query": query, "variables": variables}));
        assert_eq!(read.err().unwrap_or_default(), expected);
    }

    #[test]
    fn what_is_not_in_the_schema_is_told() {
        let whole = "mutation($pull: ID!, $head: GitObjectID) { enablePullRequestAutoMerge(input: {pullRequestId: $pull, expectedHeadOid: $head}) { clientMutationId } }";
        let pull = json!({"pull": "PR_1", "head": "a".repeat(40)});
        check(whole, &pull, "");
        for (wrong, instead, expected) in [
            (
                "enablePull",
                "allowPull",
                "Field 'allowPullRequestAutoMerge' doesn't exist on type 'Mutation'",
            ),
            ("mutation", "query", "`mutation` is expected, not `query`"),
            (
                "pullRequestId:",
                "pullRequest:",
                "InputObject 'enablePullRequestAutoMerge' doesn't accept argument 'pullRequest'",
            ),
            (
                "pullRequestId: $pull,",
                "",
                "Argument 'pullRequestId' on InputObject 'enablePullRequestAutoMerge' is required",
            ),
            ("$pull: ID!", "$pull: ID", "Type mismatch on $pull and pullRequestId (ID / ID!)"),
            (
                "$pull: ID!",
                "$pull: String!",
                "Type mismatch on $pull and pullRequestId (String! / ID!)",
            ),
            (
                "{ clientMutationId }",
                "{ pullRequest }",
                "Field 'pullRequest' can't be selected from the answer of enablePullRequestAutoMerge",
            ),
            (": $head", ": $tip", "Variable $tip is not declared"),
            (", expectedHeadOid: $head", "", "Variable $head is declared or given, but not used"),
        ] {
            assert!(whole.contains(wrong));
            check(&whole.replacen(wrong, instead, 1), &pull, expected);
        }
        let short = json!({"pull": "PR_1", "head": "abc"});
        check(whole, &short, "$head of type GitObjectID: not a value of that type");
        check(whole, &json!({"head": "a".repeat(40)}), "$pull of type ID!: no text");
        check(&format!("{whole} x"), &pull, "`x` is too much");
    }
}
