//! Fills markers of a rendered text with their values, escaped for its target. What is filled in is never rendered.

use super::escape::{Target, escape};
use super::marker::{Piece, pieces};
use super::render::RenderError;

/// Fills the markers of a text; one whose path has no value is an error.
pub fn fill(
    text: &str,
    target: Target,
    value_of: &dyn Fn(&str) -> Option<String>,
) -> Result<String, RenderError> {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Marker(marker) => {
                let path = path_of(marker);
                let value = value_of(path)
                    .ok_or_else(|| RenderError::new(format!("`{path}` is not known")))?;
                let whole = filled.is_empty() && marker.len() == text.len();
                let value = if whole && target == Target::Url {
                    value
                } else {
                    escape(target, &value, &filled).map_err(|why| RenderError::of(path, why))?
                };
                filled.push_str(&value);
            }
        }
    }
    Ok(filled)
}

/// Returns the paths of the markers of a text.
pub fn marker_paths(text: &str) -> Vec<String> {
    let markers = pieces(text).filter_map(|piece| match piece {
        Piece::Marker(marker) => Some(path_of(marker).to_owned()),
        Piece::Text(_) => None,
    });
    markers.collect()
}

/// The path in a marker, without its frame and sign.
fn path_of(marker: &str) -> &str {
    let mut inside = marker.chars();
    inside.next();
    inside.next();
    inside.next_back();
    inside.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{sensitive, unknown};

    #[test]
    fn a_value_is_escaped_for_its_target() {
        let text = format!("{{\"key\": \"{}\"}}", sensitive("secrets.a/KEY"));
        let value = |path: &str| (path == "secrets.a/KEY").then(|| "p\"w".to_owned());
        assert_eq!(fill(&text, Target::Json, &value).as_deref(), Ok("{\"key\": \"p\\\"w\"}"));
        assert_eq!(marker_paths(&text), ["secrets.a/KEY"]);
    }

    #[test]
    fn a_marker_without_a_value_is_an_error() {
        let error =
            fill(&unknown("outputs.a.b"), Target::Text, &|_| None).expect_err("nothing known");
        assert_eq!(error.to_string(), "`outputs.a.b` is not known");
    }
}
