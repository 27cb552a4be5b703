//! Laws of masking: whatever a secret is and however it is written, it does not come through.
#![expect(clippy::format_collect, reason = "the encodings read better so")]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use super::*;

/// What `encodeURIComponent` leaves as it is.
const COMPONENT: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

fn masked(text: &str, secret: &str) -> String {
    Masker::new(&[Secret::new(secret)]).text(text)
}

fn html(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            '\'' => "&#39;".to_owned(),
            c => c.to_string(),
        })
        .collect()
}

fn json(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

/// JSON as those write it that keep to ASCII.
fn ascii_json(text: &str) -> String {
    let mut units = [0; 2];
    let escaped = |c: char| match c {
        ' '..='~' if !"\"\\/<>&'".contains(c) => c.to_string(),
        c => c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
    };
    text.chars().map(escaped).collect()
}

fn hcl(text: &str) -> String {
    json(text).replace("${", "$${").replace("%{", "%%{")
}

fn hexed(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// A text in every encoding that we know of, by name.
fn encodings(secret: &str) -> Vec<(&'static str, String)> {
    let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let lower_percent: String = percent
        .split('%')
        .enumerate()
        .map(|(index, part)| match (index, part.split_at_checked(2)) {
            (1.., Some((digits, rest))) => format!("%{}{rest}", digits.to_lowercase()),
            _ => part.to_owned(),
        })
        .collect();
    let component = utf8_percent_encode(secret, &COMPONENT).to_string();
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let every_percent: String = secret.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let standard = STANDARD.encode(secret);
    let lines: Vec<String> =
        standard.as_bytes().chunks(19).map(|l| String::from_utf8_lossy(l).into_owned()).collect();
    vec![
        ("raw", secret.to_owned()),
        ("json", json(secret)),
        ("json in json", json(&json(secret))),
        ("ascii json", ascii_json(secret)),
        ("percent", percent.clone()),
        ("percent lower", lower_percent),
        ("percent twice", utf8_percent_encode(&percent, NON_ALPHANUMERIC).to_string()),
        ("percent all", every_percent),
        ("component", component),
        ("form", form),
        ("base64", standard.clone()),
        ("base64 in lines", lines.join("\n")),
        ("base64 in lines of json", lines.join("\\n")),
        ("base64 in a url", utf8_percent_encode(&standard, NON_ALPHANUMERIC).to_string()),
        ("base64 url", URL_SAFE.encode(secret)),
        ("base64 url bare", URL_SAFE_NO_PAD.encode(secret)),
        ("hex", hexed(secret)),
        ("hex upper", hexed(secret).to_uppercase()),
        ("html", html(secret)),
        ("html twice", html(&html(secret))),
        ("html in json", json(&html(secret))),
        ("shell", secret.replace('\'', r"'\''")),
        ("shell by quotes", secret.replace('\'', r#"'"'"'"#)),
        ("yaml", secret.replace('\'', "''")),
        ("hcl", hcl(secret)),
        ("crlf", secret.replace('\n', "\r\n")),
    ]
}

fn check(secret: &str, name: &str, encoded: &str) {
    let text = format!("before <{encoded}> after");
    let shown = masked(&text, secret);
    assert_eq!(shown, format!("before <{MASK}> after"), "{name} of {secret:?}");
}

#[test]
fn canaries_of_every_shape_are_hidden_in_every_encoding() {
    let pem = "-----BEGIN KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ\nc0VjcmV0L2tleQ==\n-----END KEY-----";
    for secret in [
        "hunter22",
        "a\"b/c&d",
        "p+q/r=s&t\"u'v<w>x%y z",
        "%25 is %2525",
        "already &amp; &lt;escaped&gt; &#39;once&#39; &amp;amp; twice",
        "{{braces}} and 63616e617279 and Y2FuYXJ5LQ==",
        "$${x} ${y} %{z} %%{a}",
        "back\\slash\\\\es\\n",
        "line one is long\nline two is longer",
        "tab\tand\u{8}bell\u{c}end",
        "schlüssel-ß-日本語-🔑-ключ",
        "postgres://user:p%40ss@db.example.com:5432/x?sslmode=require",
        "''quoted''\"\"doubled\"\"",
        "aaaaaaaaaaaaaaab",
        pem,
    ] {
        for (name, encoded) in encodings(secret) {
            check(secret, name, &encoded);
        }
    }
}

#[test]
fn a_secret_inside_longer_base64_and_hex_is_hidden_at_every_place() {
    let secret = "correct horse battery";
    for before in ["", "a", "ab", "abc", "user:"] {
        for after in ["", "z", "zy", "zyx"] {
            let whole = format!("{before}{secret}{after}");
            for encoded in [STANDARD.encode(&whole), URL_SAFE.encode(&whole), hexed(&whole)] {
                let shown = masked(&encoded, secret);
                assert!(shown.contains(MASK), "{whole}: {shown}");
                let left = shown.replace(MASK, "");
                assert!(left.len() <= 2 * (before.len() + after.len()) + 6, "{whole}: {shown}");
            }
        }
    }
}

#[test]
fn lines_of_a_secret_are_hidden_one_by_one() {
    let secret = "first long line\nshort\nsecond long line\n";
    let shown = masked("  | first long line\n  | short\n  | second long line", secret);
    assert_eq!(shown, "  | (sensitive)\n  | short\n  | (sensitive)");
}

#[test]
fn what_is_no_secret_stays() {
    let text = "plain text, 100% of it & more: c:\\temp\\new 'x' $${a} aGVsbG8= \u{1F511}";
    assert_eq!(masked(text, "another-secret"), text);
    assert_eq!(masked("the cat", "cat"), "the cat");
    assert_eq!(
        masked("hunter2 hunter22 hunter222", "hunter22"),
        "hunter2 (sensitive) (sensitive)2"
    );
    assert_eq!(Masker::new(&[]).text("\u{0}x"), "\u{0}x");
}

#[test]
fn a_stream_holds_back_little_and_loses_nothing() {
    let masker = Masker::new(&[Secret::new("correct horse battery staple")]);
    let mut stream = masker.stream();
    let passed = stream.push("x".repeat(10_000).as_bytes());
    assert!(passed.len() >= 10_000 - MOST_BYTES_OF_A_CHARACTER);
    assert_eq!(passed.len() + stream.finish().len(), 10_000);
    let none = Masker::default();
    assert_eq!(none.stream().push(b"ab"), b"ab");
}

#[test]
fn a_text_made_to_be_slow_is_not() {
    let masker = Masker::new(&[Secret::new(format!("{}b", "a".repeat(200)))]);
    let shown = masker.text(&"a".repeat(5_000));
    assert_eq!(shown.len(), 5_000);
    let slashes = Masker::new(&[Secret::new("\\".repeat(60) + "x")]);
    assert!(!slashes.text(&"\\".repeat(5_000)).is_empty());
}

/// At most a quote that could as well be the text's own is left of it.
fn hidden_in_every_encoding(secret: &str) {
    for (name, encoded) in encodings(secret) {
        // What surrounds it must not be taken for a part of it.
        let shown = masked(&format!("[\n{encoded}\n]"), secret);
        assert!(!shown.contains(&encoded), "{name} of {secret:?}: {shown}");
        assert!(shown.contains(MASK), "{name} of {secret:?}: {shown}");
        assert!(shown.len() <= MASK.len() + 8, "{name} of {secret:?}: {shown}");
    }
}

#[test]
fn quotes_at_the_end_are_hidden_however_they_are_escaped() {
    for secret in ["$\\+'\\'", "+\\<$''", "five quotes'''''", "four quotes\"\"\"\""] {
        hidden_in_every_encoding(secret);
    }
    assert_eq!(masked("'it ends in one''", "it ends in one'"), format!("'{MASK}'"));
}

fn any_secret() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{6,40}",
        "[\\\\\"'%&<>$\\{\\}+/= a]{6,20}",
        "(&|amp;|lt;|#39;|a|b){6,14}",
        "\\PC{6,20}",
        "[a-z\n\t é🔑]{9,40}"
    ]
    .prop_map(|text| text.trim().to_owned())
    .prop_filter("long enough", |text| text.chars().count() >= 6)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn no_secret_survives_in_any_encoding(secret in any_secret()) {
        hidden_in_every_encoding(&secret);
    }

    #[test]
    fn no_border_between_pieces_lets_it_through(
        secret in any_secret(), which in 0_usize..26, sizes in prop::collection::vec(1_usize..50, 1..60),
    ) {
        let all = encodings(&secret);
        let text = format!("start {} end {}", all[which % all.len()].1, "x".repeat(400));
        let masker = Masker::new(&[Secret::new(secret)]);
        let mut stream = masker.stream();
        let (mut rest, mut shown) = (text.as_bytes(), Vec::new());
        for size in sizes.into_iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at(size.min(rest.len()));
            shown.extend(stream.push(piece));
            rest = after;
        }
        shown.extend(stream.finish());
        prop_assert_eq!(String::from_utf8(shown).unwrap(), masker.text(&text));
    }

    #[test]
    fn texts_without_it_are_left_alone(text in "[a-y0-9 \\\\%&;+=/'\"]{0,80}") {
        prop_assert_eq!(masked(&text, "zzzz-ZZZZ-zzzz"), text);
    }
}
