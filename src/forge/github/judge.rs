//! What an answer of GitHub means: taken, or a fault that says whether trying again can help. Nothing is ever «gone»
//! here: that a thing is not shown may mean that the credential may not see it.

use reqwest::Method;
use serde_json::Value;

use crate::net::Response;
use crate::run::{Fault, FaultClass};

/// The longest text of GitHub's that is passed on, in bytes.
const SAID_BYTES: usize = 500;

/// A request that GitHub did not fulfil.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct Refused {
    /// Its status; 0 where there was no answer.
    pub status: u16,
    /// What it said, cleaned.
    pub said: String,
    /// What that means.
    pub fault: Fault,
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self { status: 0, said: String::new(), fault }
    }
}

impl From<Refused> for Fault {
    fn from(refused: Refused) -> Self {
        refused.fault
    }
}

/// Says that a request may be sent again although nobody knows what became of it, for whoever looks before they create.
pub fn classed_safe(fault: Fault) -> Fault {
    match fault.class {
        FaultClass::Unknown => Fault { class: FaultClass::Transient, ..fault },
        _ => fault,
    }
}

/// Judges an answer by its status.
pub(super) fn judge(method: &Method, what: &str, response: &Response) -> Result<(), Refused> {
    let status = response.status;
    if (200..300).contains(&status) || status == 302 {
        if !response.truncated {
            return Ok(());
        }
        let message = format!(
            "GitHub answered {what} with more than 1 MiB, which it does not; see what answers at the `apiUrl` of `[forge.github]`"
        );
        let known = method.is_idempotent();
        // Whoever reads may read again; what was to change has changed.
        let fault = if known { Fault::transient(message) } else { Fault::unknown(message) };
        return Err(Refused { status, said: String::new(), fault });
    }
    let said = said(&response.body);
    let tail = if said.is_empty() { String::new() } else { format!(": {said}") };
    let fault = match status {
        301 | 307 | 308 => Fault::terminal(format!(
            "GitHub says that {what} moved; write the new name of the repository"
        )),
        401 => Fault::terminal(format!("GitHub does not accept our credential{tail}")),
        403 => Fault::terminal(format!("GitHub does not let us {what}{tail}")),
        404 => Fault::terminal(format!(
            "GitHub shows nothing for {what}: it is not there, or our credential may not see it"
        )),
        408 | 425 => Fault::transient(format!("GitHub answered {status} to {what}{tail}")),
        500.. if method.is_idempotent() => {
            Fault::transient(format!("GitHub answered {status} to {what}{tail}"))
        }
        500.. => Fault::unknown(format!("GitHub answered {status} to {what}{tail}")),
        _ => Fault::terminal(format!("GitHub refused {what} ({status}){tail}")),
    };
    Err(Refused { status, said, fault })
}

/// Says that an answer was taken and can't be understood.
pub(super) fn not_understood(method: &Method, what: &str) -> Refused {
    let message = format!("what GitHub answered to {what} cannot be understood");
    let known = method.is_idempotent();
    Refused::from(if known { Fault::transient(message) } else { Fault::unknown(message) })
}

/// Returns what an answer that refuses says, as one clean line.
pub(super) fn said(body: &[u8]) -> String {
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return String::new() };
    let text = |value: &Value, name: &str| value.get(name)?.as_str().map(str::to_owned);
    let mut parts: Vec<String> = text(&value, "message").into_iter().collect();
    for error in value.get("errors").and_then(Value::as_array).into_iter().flatten().take(5) {
        let field = text(error, "field").map(|field| format!("`{field}` "));
        let why = error.as_str().map(str::to_owned);
        let why = why.or_else(|| text(error, "message")).or_else(|| text(error, "code"));
        parts.extend(why.map(|why| format!("{}{why}", field.unwrap_or_default())));
    }
    let line: String = parts.join("; ");
    let line: Vec<&str> = line.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    let mut line = line.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    line.truncate(line.floor_char_boundary(SAID_BYTES));
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &Method, status: u16, body: &str) -> String {
        let response = Response {
            status,
            headers: reqwest::header::HeaderMap::new(),
            body: body.as_bytes().to_vec(),
            truncated: false,
        };
        match judge(method, "`GET /x`", &response) {
            Ok(()) => "taken".to_owned(),
            Err(refused) => format!("{:?}: {}", refused.fault.class, refused.fault),
        }
    }

    #[test]
    fn each_status_has_its_meaning_and_none_says_gone() {
        let all = [200, 204, 302, 301, 401, 403, 404, 409, 422, 500, 502, 599];
        let told: Vec<String> = all.iter().map(|status| check(&Method::GET, *status, "")).collect();
        insta::assert_snapshot!(told.join("\n"), @"
        taken
        taken
        taken
        Terminal: GitHub says that `GET /x` moved; write the new name of the repository
        Terminal: GitHub does not accept our credential
        Terminal: GitHub does not let us `GET /x`
        Terminal: GitHub shows nothing for `GET /x`: it is not there, or our credential may not see it
        Terminal: GitHub refused `GET /x` (409)
        Terminal: GitHub refused `GET /x` (422)
        Transient: GitHub answered 500 to `GET /x`
        Transient: GitHub answered 502 to `GET /x`
        Transient: GitHub answered 599 to `GET /x`
        ");
        assert!(check(&Method::POST, 502, "").starts_with("Unknown"));
        assert!(check(&Method::PATCH, 500, "").starts_with("Unknown"));
    }

    #[test]
    fn an_answer_without_end_loses_nothing() {
        let class = |method: &Method, status: u16| {
            let body = b"{".to_vec();
            let headers = reqwest::header::HeaderMap::new();
            let response = Response { status, headers, body, truncated: true };
            judge(method, "`GET /x`", &response).unwrap_err().fault.class
        };
        assert_eq!(class(&Method::GET, 200), FaultClass::Transient);
        assert_eq!(class(&Method::POST, 201), FaultClass::Unknown, "it was taken");
        assert_eq!(class(&Method::POST, 422), FaultClass::Terminal, "it was refused");
    }

    #[test]
    fn what_github_says_is_one_clean_line() {
        let body = serde_json::json!({
            "message": "Validation\nFailed\u{1b}[31m",
            "errors": [{"field": "head", "code": "invalid"}, "odd", {"message": "A pull request already exists"}],
        });
        insta::assert_snapshot!(said(body.to_string().as_bytes()), @"Validation Failed [31m; `head` invalid; odd; A pull request already exists");
        assert_eq!(said(b"<html>502</html>"), "");
        assert!(
            said(format!("{{\"message\": \"{}\"}}", "é".repeat(9000)).as_bytes()).len()
                <= SAID_BYTES
        );
    }
}
