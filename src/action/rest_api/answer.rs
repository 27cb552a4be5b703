//! Reads answers: success or which fault, what is kept of them, the outputs in them.

use jiff::fmt::rfc2822;
use jsonschema::PatternOptions;
use serde_json::{Map, Value, json};

use super::config::Prepared;
pub(in crate::action) use super::config::Statuses;
use super::poll::Accepted;
use crate::action::scrub::Scrub;
use crate::action::{Call, Response};
use crate::run::Fault;
use crate::template::strip_markers;

/// The largest body that is kept whole, in bytes; two of them fit what an action may keep.
const KEPT_BYTES: usize = 24 << 10;

/// The largest compiled pattern of `expect.schema`, in bytes.
const PATTERN_BYTES: usize = 1 << 20;

/// The longest pause that another side may ask for, in seconds.
const LONGEST_PAUSE_S: u64 = 24 * 60 * 60;

/// Tells whether an answer means success, and else which fault it is.
pub(in crate::action) fn judge(
    response: &Response,
    expect: &Statuses,
    what: &str,
    scrub: &Scrub,
) -> Result<(), Fault> {
    let status = response.status;
    let excerpt = scrub.excerpt(&response.body);
    let says = if excerpt.is_empty() { String::new() } else { format!(": {excerpt}") };
    if expect.contains(status) {
        if response.truncated {
            return Err(Fault::terminal(format!(
                "{what} answered {status} with more than 1 MiB{says}"
            )));
        }
        return Ok(());
    }
    Err(match status {
        300..=399 => {
            let location = response.header("location").map(|text| scrub.excerpt(text.as_bytes()));
            let to = location.map_or(String::new(), |text| format!(" to {text}"));
            Fault::terminal(format!("{what} answered {status}{to}: redirects are not followed"))
        }
        408 | 425 | 429 | 500..=599 => Fault {
            retry_after_ms: retry_after_ms(response),
            ..Fault::transient(format!("{what} answered {status}{says}"))
        },
        _ => Fault::terminal(format!("{what} answered {status}{says}")),
    })
}

/// Reads `Retry-After`; a date counts from the answer's own `Date`, for clocks differ.
fn retry_after_ms(response: &Response) -> Option<u64> {
    let text = response.header("retry-after")?;
    let seconds = if let Ok(seconds) = text.trim().parse::<u64>() {
        seconds
    } else {
        let moment = |text: &str| rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok();
        let pause = moment(&text)?.duration_since(moment(&response.header("date")?)?);
        u64::try_from(pause.as_secs()).unwrap_or(0)
    };
    Some(seconds.min(LONGEST_PAUSE_S) * 1000)
}

/// Returns the body as JSON, where it is that.
pub(in crate::action) fn json_body(response: &Response) -> Option<Value> {
    serde_json::from_slice(&response.body).ok()
}

/// Returns what is kept of a success: enough to find, compare and undo it, nothing secret.
pub(super) fn result(prepared: &Prepared, response: &Response, scrub: &Scrub) -> Value {
    let headers: Map<String, Value> = ["location", "etag", "content-type"]
        .into_iter()
        .filter_map(|name| {
            Some((name.to_owned(), scrub.excerpt(response.header(name)?.as_bytes()).into()))
        })
        .collect();
    let small = |value: Value| (value.to_string().len() <= KEPT_BYTES).then_some(value);
    let body = json_body(response).map(|body| scrub.value(&body)).and_then(small);
    let mut result = json!({
        "status": response.status,
        "headers": headers,
        "body": body.unwrap_or_else(|| scrub.excerpt(&response.body).into()),
        "url": scrub.excerpt(prepared.request.url.as_bytes()),
    });
    let sent = prepared.sent.as_ref().map(|sent| scrub.value(sent)).and_then(small);
    if let (Some(sent), Some(result)) = (sent, result.as_object_mut()) {
        result.insert("sentBody".to_owned(), sent);
    }
    result
}

/// Checks the body of an answer against `expect.schema`; nothing is fetched for it.
pub(super) fn fits(response: &Response, schema: Option<&Value>, what: &str) -> Result<(), Fault> {
    let Some(schema) = schema else { return Ok(()) };
    let validator = jsonschema::draft202012::options()
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES))
        .offline()
        .build(schema)
        .map_err(|error| Fault::terminal(format!("`expect.schema` cannot be used: {error}")))?;
    let Some(body) = json_body(response) else {
        return Err(Fault::terminal(format!(
            "{what} answered no JSON, and `expect.schema` asks for it"
        )));
    };
    validator.validate(&body).map_err(|error| {
        let place = error.instance_path().to_string();
        let place = if place.is_empty() { "the body".to_owned() } else { format!("`{place}`") };
        Fault::terminal(format!(
            "{what} answered what `expect.schema` does not allow: at {place}: {}",
            error.masked()
        ))
    })
}

/// Returns the outputs: each by its pointer into the body, else into the whole result; `status` always.
pub(super) fn outputs(
    call: &Call,
    response: &Response,
    result: &Value,
    scrub: &Scrub,
) -> Result<Map<String, Value>, Fault> {
    let mut outputs = outputs_so_far(call, response);
    for (name, pointer) in &call.outputs {
        if !outputs.contains_key(name) {
            let value =
                result.pointer(pointer).ok_or_else(|| missing(name, pointer, response, scrub))?;
            outputs.insert(name.clone(), stripped(value));
        }
    }
    Ok(outputs)
}

/// Returns those outputs that the body of an answer has, and its status.
pub(super) fn outputs_so_far(call: &Call, response: &Response) -> Map<String, Value> {
    let body = json_body(response);
    let found = call.outputs.iter().filter_map(|(name, pointer)| {
        Some((name.clone(), stripped(body.as_ref()?.pointer(pointer)?)))
    });
    let mut outputs = Map::from_iter([("status".to_owned(), json!(response.status))]);
    outputs.extend(found);
    outputs
}

/// Returns the outputs of work that was accepted first: what the last answer has, else what the first one had.
pub(super) fn outputs_after(
    call: &Call,
    response: &Response,
    accepted: &Accepted,
    scrub: &Scrub,
) -> Result<Map<String, Value>, Fault> {
    let mut outputs = accepted.outputs.clone();
    let mut last = outputs_so_far(call, response);
    last.remove("status");
    outputs.extend(last);
    for (name, pointer) in &call.outputs {
        if !outputs.contains_key(name) {
            let value = accepted.result.pointer(pointer);
            let value = value.ok_or_else(|| missing(name, pointer, response, scrub))?;
            outputs.insert(name.clone(), stripped(value));
        }
    }
    Ok(outputs)
}

fn missing(name: &str, pointer: &str, response: &Response, scrub: &Scrub) -> Fault {
    let excerpt = scrub.excerpt(&response.body);
    let kind = response.header("content-type").unwrap_or_else(|| "no type".to_owned());
    let why = match json_body(response) {
        Some(_) => format!("the answer has nothing at `{pointer}`"),
        None if excerpt.is_empty() => "the answer has no body".to_owned(),
        None => format!("the answer is not JSON ({})", scrub.excerpt(kind.as_bytes())),
    };
    let excerpt = if excerpt.is_empty() { excerpt } else { format!(": {excerpt}") };
    Fault::terminal(format!("output `{name}` is missing: {why}{excerpt}"))
}

/// Takes markers out of an output; it stays in clear, for whoever needs it needs it as it is.
pub(in crate::action) fn stripped(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(strip_markers(text)),
        Value::Array(items) => items.iter().map(stripped).collect(),
        Value::Object(map) => Value::Object(
            map.iter().map(|(key, value)| (strip_markers(key), stripped(value))).collect(),
        ),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&'static str, &str)], expected: Option<u64>) {
        let headers = headers.iter().map(|(name, value)| {
            (reqwest::header::HeaderName::from_static(name), value.parse().unwrap())
        });
        let response = Response {
            status: 429,
            headers: headers.collect(),
            body: Vec::new(),
            truncated: false,
        };
        assert_eq!(retry_after_ms(&response), expected, "{response:?}");
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        check(&[], None);
        check(&[("retry-after", "7")], Some(7000));
        check(&[("retry-after", "99999999999999999")], Some(86_400_000));
        check(&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"), date], Some(30_000));
        check(&[("retry-after", "Sun, 06 Nov 1994 08:49:07 GMT"), date], Some(0));
        check(&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")], None);
        check(&[("retry-after", "-1")], None);
        check(&[("retry-after", "soon"), date], None);
    }
}
