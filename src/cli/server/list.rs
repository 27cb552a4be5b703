//! Lists of a server, page by page: in smaller pages where one is too large to be read.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Failure, Server};

/// The longest page that is asked for.
const PAGE: usize = 200;

#[derive(Debug, Deserialize)]
struct Page<T> {
    items: Vec<T>,
    #[serde(default)]
    next: Option<String>,
}

impl Server {
    /// Reads a list page by page, at most so many entries; tells whether there are more.
    pub(in crate::cli) async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, Option<&str>)],
        most: usize,
    ) -> Result<(Vec<T>, bool), Failure> {
        let mut found = Vec::new();
        let mut cursor: Option<String> = None;
        let mut longest = PAGE;
        loop {
            let size = longest.min(most.saturating_sub(found.len())).max(1);
            let asked = with(path, parameters, (size, cursor.as_deref()));
            let answer = self.got(&asked, "application/json").await?;
            if answer.status == 200 && answer.truncated && size > 1 {
                longest = size / 2;
                continue;
            }
            let page: Page<T> = self.read(&answer)?;
            let is_empty = page.items.is_empty();
            found.extend(page.items);
            match page.next {
                None => return Ok((found, false)),
                Some(_) if found.len() >= most => {
                    found.truncate(most);
                    return Ok((found, true));
                }
                // A page that brings neither an entry nor another place would be asked for for ever.
                next if is_empty && next == cursor => return Ok((found, false)),
                next => cursor = next,
            }
        }
    }
}

/// Writes what is asked for a page.
fn with(
    path: &str,
    parameters: &[(&str, Option<&str>)],
    (size, cursor): (usize, Option<&str>),
) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters.iter().filter_map(|(name, it)| Some((name, (*it)?))) {
        query.append_pair(name, value);
    }
    query.append_pair("limit", &size.to_string());
    query.extend_pairs(cursor.iter().map(|cursor| ("cursor", cursor)));
    format!("{path}?{}", query.finish())
}
