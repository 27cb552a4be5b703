//! Messages of the Language Server Protocol over two streams: framed, bounded, read as JSON. It knows no method.

use std::io::{BufRead, Read as _, Write};

use serde_json::{Value, json};

/// The largest message that is read, in bytes: a whole document is in one at most.
const MOST_BYTES: usize = 64 << 20;
/// The longest line of a header.
const MOST_HEADER: u64 = 4096;
/// How many lines a header has at most.
const MOST_LINES: usize = 32;

/// Codes of errors, as JSON-RPC and the protocol number them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    Parse = -32700,
    InvalidRequest = -32600,
    MethodNotFound = -32601,
    InvalidParams = -32602,
    Internal = -32603,
    NotInitialized = -32002,
}

/// Something that came in.
#[derive(Debug, PartialEq)]
pub(super) enum Incoming {
    /// A request where it has an id, a notification otherwise.
    Call(Call),
    /// An answer to a request of ours; none of them is waited for.
    Answer,
    /// A whole frame with something in it that is no message.
    Unreadable(Code, String),
    /// The client closed the stream.
    End,
    /// The stream cannot be read on: nobody knows where the next message begins.
    Broken(String),
}

/// A request or a notification.
#[derive(Debug, PartialEq)]
pub(super) struct Call {
    pub(super) id: Option<Value>,
    pub(super) method: String,
    pub(super) params: Value,
}

/// Reads the next message.
pub(super) fn read(stream: &mut impl BufRead) -> Incoming {
    match frame(stream) {
        Ok(Some(bytes)) => message(&bytes),
        Ok(None) => Incoming::End,
        Err(why) => Incoming::Broken(why),
    }
}

fn frame(stream: &mut impl BufRead) -> Result<Option<Vec<u8>>, String> {
    let mut length = None;
    for number in 0..MOST_LINES {
        let mut line = Vec::new();
        let read = stream.by_ref().take(MOST_HEADER).read_until(b'\n', &mut line);
        let read = read.map_err(|error| format!("the input cannot be read: {error}"))?;
        if read == 0 && number == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line);
        let Some(line) = line.strip_suffix('\n') else {
            return Err(format!("a header has no end: `{}`", shown(&line)));
        };
        let line = line.trim_end_matches('\r');
        if line.is_empty() {
            let length = length.ok_or("a message has no Content-Length")?;
            return body(stream, length).map(Some);
        }
        let Some((name, value)) = line.split_once(':') else {
            return Err(format!("this is no header: `{}`", shown(line)));
        };
        if name.trim().eq_ignore_ascii_case("content-length") {
            let bytes = value.trim().parse::<usize>().ok().filter(|bytes| *bytes <= MOST_BYTES);
            length = Some(bytes.ok_or_else(|| {
                format!("`{}` is no length of at most {MOST_BYTES} bytes", shown(value.trim()))
            })?);
        }
    }
    Err(format!("a header has more than {MOST_LINES} lines"))
}

fn body(stream: &mut impl BufRead, length: usize) -> Result<Vec<u8>, String> {
    // Grows with what comes, not with what is announced.
    let mut bytes = Vec::new();
    let read = stream.by_ref().take(length as u64).read_to_end(&mut bytes);
    let read = read.map_err(|error| format!("the input cannot be read: {error}"))?;
    if read < length {
        return Err(format!("the input ends {} bytes before its message does", length - read));
    }
    Ok(bytes)
}

fn message(bytes: &[u8]) -> Incoming {
    let value: Value = match serde_json::from_slice(bytes) {
        Ok(value) => value,
        Err(error) => return Incoming::Unreadable(Code::Parse, format!("no JSON: {error}")),
    };
    let Value::Object(mut fields) = value else {
        return Incoming::Unreadable(Code::InvalidRequest, "a message is an object".to_owned());
    };
    let id = fields.remove("id").filter(|id| !id.is_null());
    let params = fields.remove("params").unwrap_or_default();
    match (fields.remove("method"), id) {
        (Some(Value::String(method)), id) => Incoming::Call(Call { id, method, params }),
        (None, Some(_)) => Incoming::Answer,
        _ => Incoming::Unreadable(Code::InvalidRequest, "a message has no `method`".to_owned()),
    }
}

fn shown(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_default).collect()
}

/// Writes a message.
pub(super) fn write(stream: &mut impl Write, message: &Value) -> std::io::Result<()> {
    let text = message.to_string();
    write!(stream, "Content-Length: {}\r\n\r\n{text}", text.len())?;
    stream.flush()
}

/// An answer to a request.
pub(super) fn answer(id: &Value, result: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": result})
}

/// An error in the place of an answer; the id is null where nobody knows what it was.
pub(super) fn error(id: &Value, code: Code, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code as i32, "message": message}})
}

/// A request.
pub(super) fn request(id: &str, method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

/// A notification.
pub(super) fn notification(method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": params})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8]) -> String {
        let mut stream = bytes;
        match read(&mut stream) {
            Incoming::Call(call) => {
                format!("{} {} {}", call.method, call.id.unwrap_or_default(), call.params)
            }
            other => format!("{other:?}"),
        }
    }

    fn framed(body: &str) -> Vec<u8> {
        format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }

    #[test]
    fn messages_are_read() {
        assert_eq!(check(&framed(r#"{"id":1,"method":"a","params":{"x":1}}"#)), r#"a 1 {"x":1}"#);
        assert_eq!(check(&framed(r#"{"id":99999999999,"method":"a"}"#)), "a 99999999999 null");
        assert_eq!(check(&framed(r#"{"method":"exit","id":null}"#)), "exit null null");
        assert_eq!(check(&framed(r#"{"id":1,"result":null}"#)), "Answer");
        let mut loose = b"content-length:2\r\nContent-Type: x; charset=utf-8\r\n\r\n{}".to_vec();
        assert!(check(&loose).starts_with("Unreadable(InvalidRequest"));
        loose.truncate(loose.len() - 1);
        assert!(check(&loose).contains("ends 1 bytes before"));
        assert_eq!(check(b""), "End");
    }

    #[test]
    fn garbage_is_told() {
        for (bytes, expected) in [
            (&b"garbage\r\n\r\n"[..], "this is no header: `garbage`"),
            (b"Content-Length: 5", "a header has no end"),
            (b"Content-Length: -5\r\n\r\n", "is no length"),
            (b"Content-Length: 99999999999999\r\n\r\n", "is no length"),
            (b"X: 1\r\n\r\n", "has no Content-Length"),
            (b"Content-Length: 60000000\r\n\r\n{}", "ends 59999998 bytes before"),
            (b"Content-Length: 3\r\n\r\n{x}", "Unreadable(Parse"),
            (b"Content-Length: 2\r\n\r\n[]", "Unreadable(InvalidRequest"),
            (b"Content-Length: 1\r\n\r\n\xff", "Unreadable(Parse"),
        ] {
            assert!(check(bytes).contains(expected), "{}", check(bytes));
        }
        assert!(check(&b"X: 1\r\n".repeat(100)).contains("more than 32 lines"));
        assert!(check(&vec![b'x'; 100_000]).contains("has no end"));
    }

    #[test]
    fn what_is_written_can_be_read() {
        let mut bytes = Vec::new();
        write(&mut bytes, &notification("ü", &json!({"a": "🙂"}))).unwrap();
        assert_eq!(check(&bytes), r#"ü null {"a":"🙂"}"#);
    }
}
