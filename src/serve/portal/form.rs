//! What a form of the portal sends: its fields in their order. It is checked to come from our own pages before it is read.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::local;

/// The fields of a form.
#[derive(Clone, Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

/// Proves that a form is ours.
pub(super) const TOKEN: &str = "_token";

/// Names one showing of a form: what is sent twice takes effect once.
pub(super) const ONCE: &str = "_once";

impl Form {
    /// Reads one; what is not text is left out.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let pairs = url::form_urlencoded::parse(bytes);
        let text = |text: &str| !text.contains('\u{fffd}') && !text.contains('\0');
        let read = pairs.filter(|(name, value)| text(name) && text(value));
        // Browsers send line ends as the mail does.
        Self(read.map(|(name, value)| (name.into_owned(), value.replace("\r\n", "\n"))).collect())
    }

    /// Makes one of what was read otherwise.
    pub(super) fn of(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// Returns all fields in their order.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Adds a field.
    pub(super) fn add(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// Takes a field out, with all its values.
    pub(super) fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }

    /// Returns the first value of a field; nothing where it is empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name)?;
        Some(found.1.as_str()).filter(|value| !value.is_empty())
    }

    /// Returns a field, or nothing of it.
    pub(super) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// Returns all values of a field.
    pub(super) fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns where to go back to.
    pub(super) fn next(&self) -> &str {
        local::place(self.get("next"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Form {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Form>().cloned().unwrap_or_default())
    }
}

/// The parameters of a page: filters, and where a list begins. What is not known is not looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked(Form);

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::read(parts.uri.query().unwrap_or_default()))
    }
}

impl Asked {
    /// Reads parameters.
    pub(super) fn read(query: &str) -> Self {
        Self(Form::read(query.as_bytes()))
    }

    /// Returns all parameters as a form.
    pub(super) fn form(&self) -> &Form {
        &self.0
    }

    /// Returns a parameter; nothing where it is empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)
    }

    /// Returns a parameter, or nothing of it.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.text(name).trim()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_browsers_send_them() {
        let form = Form::read(b"a=1&b=&a=2&text=x%0D%0Ay&bad=%ff&nul=%00&next=//evil");
        assert_eq!(form.get("a"), Some("1"));
        assert_eq!(form.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!((form.get("b"), form.text("b")), (None, ""));
        assert_eq!(form.text("text"), "x\ny");
        assert_eq!((form.get("bad"), form.get("nul"), form.next()), (None, None, "/"));
    }
}
