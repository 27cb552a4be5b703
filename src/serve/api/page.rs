//! Lists by the page: `limit` and an opaque `cursor`. A cursor names a row, so pages stay whole while rows are added.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::Serialize;
use utoipa::ToSchema;

use crate::serve::problem::Problem;

/// How long a page is where nobody says.
pub(in crate::serve) const USUAL: u32 = 50;

/// How long a page is at most.
pub(in crate::serve) const MOST: u32 = 200;

/// How many rows are looked at for one page at most, where some of them are not to be seen.
pub(in crate::serve) const SEARCHED: usize = 2_000;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct Page<T> {
    /// What is listed.
    pub(in crate::serve) items: Vec<T>,
    /// Where the next page begins; absent on the last one. A page may be shorter than asked for and not be the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub(in crate::serve) next: Option<String>,
}

/// Reads `limit`.
pub(in crate::serve) fn limit(asked: Option<&str>) -> Result<u32, Problem> {
    let Some(asked) = asked else { return Ok(USUAL) };
    let read = asked.parse::<u32>().ok().filter(|limit| (1..=MOST).contains(limit));
    read.ok_or_else(|| Problem::parameter("limit", format!("a number from 1 to {MOST}")))
}

/// Writes where the next page of a list begins.
pub(in crate::serve) fn cursor(list: &str, place: &str) -> String {
    BASE64.encode(format!("{list}:{place}"))
}

/// Reads where a page begins; a cursor of another list is refused.
pub(in crate::serve) fn place(list: &str, cursor: Option<&str>) -> Result<Option<String>, Problem> {
    let Some(cursor) = cursor else { return Ok(None) };
    let read = || {
        let text = String::from_utf8(BASE64.decode(cursor).ok()?).ok()?;
        text.strip_prefix(list)?.strip_prefix(':').map(str::to_owned)
    };
    let wrong = || Problem::parameter("cursor", "take it from `next` of a page of this list");
    read().map(Some).ok_or_else(wrong)
}

/// Reads a place that is a number.
pub(in crate::serve) fn number(list: &str, cursor: Option<&str>) -> Result<Option<i64>, Problem> {
    let wrong = || Problem::parameter("cursor", "take it from `next` of a page of this list");
    let place = place(list, cursor)?;
    place.map(|place| place.parse().map_err(|_| wrong())).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_place_in_its_own_list() {
        let written = cursor("runs", "41");
        assert_eq!(number("runs", Some(&written)).expect("reads"), Some(41));
        assert_eq!(number("runs", None).expect("reads"), None);
        for (list, wrong) in
            [("tasks", written.as_str()), ("runs", "x"), ("runs", ""), ("runs", "cnVuczp4")]
        {
            assert_eq!(number(list, Some(wrong)).expect_err(wrong).status().as_u16(), 400);
        }
    }

    #[test]
    fn a_limit_is_a_number_from_1_to_200() {
        assert_eq!(limit(None).expect("reads"), 50);
        assert_eq!(limit(Some("200")).expect("reads"), 200);
        for wrong in ["0", "201", "-1", "x", "", "99999999999"] {
            assert!(limit(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
