//! What a text without quotes means: null, boolean, exact number or text. Never guesses.

use serde_json::Number;

use super::source::shorten;
use super::tree::{Scalar, Style};

/// Why a plain scalar is neither surely a number nor surely a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    /// What is wrong.
    pub(super) message: String,
    /// What to do.
    pub(super) hint: String,
}

/// Returns what a plain scalar means.
pub(super) fn resolve(text: String) -> Result<Scalar, Doubt> {
    match text.as_str() {
        "" | "~" | "null" => return Ok(Scalar::Null),
        "true" => return Ok(Scalar::Bool(true)),
        "false" => return Ok(Scalar::Bool(false)),
        _ => {}
    }
    match number(&text) {
        None => Ok(Scalar::Text(text, Style::Plain)),
        Some(Ok(number)) => Ok(Scalar::Number(number)),
        Some(Err((what, instead))) => {
            let text = shorten(&text);
            let hint = match instead {
                "" => {
                    format!("quote it where it is a text: `\"{text}\"`; else write another number")
                }
                _ => format!("quote it where it is a text: `\"{text}\"`; {instead}"),
            };
            Err(Doubt { message: format!("`{text}` {what}"), hint })
        }
    }
}

/// What is wrong with a number, and what to write where a number is meant.
type Wrong = (&'static str, &'static str);

/// Returns the number that a text is, or what is wrong with it; nothing where it is a text.
fn number(text: &str) -> Option<Result<Number, Wrong>> {
    let bare = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !bare.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    if matches!(bare, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(Err(("is not a number that JSON has", "")));
    }
    if is_based(bare) {
        return Some(Err((
            "is read as different numbers by different readers",
            "a number is decimal",
        )));
    }
    if bare.contains('_') && bare.chars().all(|each| matches!(each, '0'..='9' | '_' | '.')) {
        let instead = "a number has no underscores";
        return Some(Err(("is a number to some readers and a text to others", instead)));
    }
    let digits = Decimal::split(bare)?;
    Some(digits.check(text).map_or_else(|| digits.exact(text), Err))
}

/// Tells whether a text is a hexadecimal, octal or binary number.
fn is_based(bare: &str) -> bool {
    let digits = |rest: &str, base: u32| {
        !rest.is_empty() && rest.chars().all(|each| each.is_digit(base) || each == '_')
    };
    let Some(rest) = bare.strip_prefix('0') else { return false };
    rest.strip_prefix(['x', 'X']).is_some_and(|rest| digits(rest, 16))
        || rest.strip_prefix(['o', 'O']).is_some_and(|rest| digits(rest, 8))
        || rest.strip_prefix(['b', 'B']).is_some_and(|rest| digits(rest, 2))
}

/// A decimal number without its sign, in its parts.
struct Decimal<'a> {
    whole: &'a str,
    fraction: Option<&'a str>,
    exponent: Option<&'a str>,
}

impl<'a> Decimal<'a> {
    fn split(bare: &'a str) -> Option<Self> {
        let (mantissa, exponent) = match bare.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (bare, None),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let exponent_digits = exponent.map(|part| part.strip_prefix(['+', '-']).unwrap_or(part));
        let is_number = is_digits(whole)
            && fraction.is_none_or(is_digits)
            && (!whole.is_empty() || fraction.is_some_and(|part| !part.is_empty()))
            && exponent_digits.is_none_or(|part| !part.is_empty() && is_digits(part));
        is_number.then_some(Self { whole, fraction, exponent })
    }

    /// Returns why the way it is written is in doubt.
    fn check(&self, text: &str) -> Option<Wrong> {
        if text.starts_with('+') {
            return Some(("starts with a plus that a number would lose", "a number has no plus"));
        }
        if self.whole.is_empty() || self.fraction == Some("") {
            return Some((
                "is a number to some readers only",
                "a number has digits on both sides of the point",
            ));
        }
        if self.whole.len() > 1 && self.whole.starts_with('0') {
            return Some((
                "starts with a zero that a number would lose",
                "a number has no leading zeros",
            ));
        }
        if text == "-0" {
            return Some(("is a number that would lose its sign", "the number is `0`"));
        }
        None
    }

    /// Returns the number where it can be held without loss.
    fn exact(&self, text: &str) -> Result<Number, Wrong> {
        if self.fraction.is_none() && self.exponent.is_none() {
            let signed = text.parse::<i64>().ok().map(Number::from);
            let number = signed.or_else(|| text.parse::<u64>().ok().map(Number::from));
            return number.ok_or(("does not fit 64 bits", ""));
        }
        let value: f64 = text.parse().map_err(|_| ("is not a number", ""))?;
        let number = Number::from_f64(value).ok_or(("is larger than a number can be", ""))?;
        let held = number.to_string();
        let held = Decimal::split(held.trim_start_matches('-'));
        if held.is_some_and(|held| held.normal() == self.normal()) {
            return Ok(number);
        }
        Err(("has more digits than a number can hold", "a number has at most 15 digits"))
    }

    /// Returns the digits that count, and the power of ten of the point before them.
    fn normal(&self) -> (String, i64) {
        let digits = format!("{}{}", self.whole, self.fraction.unwrap_or_default());
        let significant = digits.trim_start_matches('0');
        let zeros = digits.len() - significant.len();
        let significant = significant.trim_end_matches('0');
        if significant.is_empty() {
            return (String::new(), 0);
        }
        let exponent = self.exponent.map_or(0, |part| part.parse().unwrap_or(i64::MAX));
        let length = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let point = exponent.saturating_add(length(self.whole.len())).saturating_sub(length(zeros));
        (significant.to_owned(), point)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match resolve(text.to_owned()) {
            Ok(Scalar::Null) => "null".to_owned(),
            Ok(Scalar::Bool(value)) => format!("bool {value}"),
            Ok(Scalar::Number(number)) => format!("number {number}"),
            Ok(Scalar::Text(text, _)) => format!("text {text}"),
            Err(doubt) => format!("doubt {}", doubt.message),
        }
    }

    #[test]
    fn words_mean_what_the_core_of_yaml_1_2_says() {
        for text in ["", "~", "null"] {
            assert_eq!(shown(text), "null");
        }
        assert_eq!(shown("true"), "bool true");
        assert_eq!(shown("false"), "bool false");
        for text in [
            "no",
            "on",
            "yes",
            "off",
            "y",
            "True",
            "TRUE",
            "Null",
            "NULL",
            "nan",
            "inf",
            "-",
            "--",
            "-.",
            ".",
            "...",
            "+",
            "1.4.0",
            "2027-06-30",
            "12:30",
            "1 000",
            "1,5",
            "0xyz",
            "0o9",
            "1e",
            "e5",
            "1e+",
            "1_000_a",
            "12a",
            "-x",
            "+.nan",
            ".infinity",
            "١",
            "0b2",
            "0x",
        ] {
            assert_eq!(shown(text), format!("text {text}"));
        }
    }

    #[test]
    fn numbers_are_exact() {
        for (text, number) in [
            ("0", "0"),
            ("-7", "-7"),
            ("18446744073709551615", "18446744073709551615"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("1.10", "1.1"),
            ("-0.0", "-0.0"),
            ("1e3", "1000.0"),
            ("1.5E-7", "1.5e-7"),
            ("123456789012345.6", "123456789012345.6"),
            ("0e99999999999999999999", "0.0"),
            ("5e-324", "5e-324"),
            ("1101859578746906.2", "1101859578746906.2"),
        ] {
            assert_eq!(shown(text), format!("number {number}"));
        }
    }

    #[test]
    fn what_readers_disagree_about_is_a_doubt() {
        for text in [
            "007",
            "-01",
            "00",
            "0o17",
            "0x1F",
            "-0xff",
            "0b101",
            "1_000",
            "1_000.5",
            "+1",
            "+1.5",
            ".5",
            "1.",
            "-0",
            "01.5",
            ".inf",
            "-.inf",
            "+.INF",
            ".NaN",
            "1e999",
            "-1e999",
            "1e-999",
            "18446744073709551616",
            "-9223372036854775809",
            "3.14159265358979323846",
            "0.1e99999999999999999999",
        ] {
            assert!(shown(text).starts_with("doubt"), "{text}: {}", shown(text));
        }
        let doubt = resolve("1_000".to_owned()).unwrap_err();
        assert_eq!(doubt.message, "`1_000` is a number to some readers and a text to others");
        assert_eq!(
            doubt.hint,
            "quote it where it is a text: `\"1_000\"`; a number has no underscores"
        );
    }
}
