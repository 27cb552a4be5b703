//! Light or dark: as the machine is, or as somebody chose, kept in a cookie.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;

use super::form::Form;
use super::guest::Guest;
use super::local::sent_to;

/// The cookie that keeps it.
const COOKIE: &str = "trueline-theme";

/// How long it is kept, in seconds.
const KEPT_S: u32 = 365 * 24 * 60 * 60;

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Theme {
    /// As the machine is.
    #[default]
    Auto,
    Light,
    Dark,
}

impl Theme {
    fn named(word: &str) -> Self {
        match word {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::Auto,
        }
    }

    /// Returns its word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Returns the one that the button leads to.
    pub(super) fn next(self) -> Self {
        match self {
            Self::Auto => Self::Dark,
            Self::Dark => Self::Light,
            Self::Light => Self::Auto,
        }
    }

    /// Reads what was chosen.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let all = headers.get_all(header::COOKIE).iter().filter_map(|one| one.to_str().ok());
        let mut pairs =
            all.flat_map(|one| one.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs
            .find(|(name, _)| *name == COOKIE)
            .map(|(_, word)| Self::named(word))
            .unwrap_or_default()
    }
}

/// `POST /theme`: keeps what is chosen.
pub(super) async fn choose(guest: Guest, form: Form) -> Response {
    let theme = Theme::named(form.text("theme"));
    let secure = if guest.app().auth().settings().is_https() { "; Secure" } else { "" };
    let cookie = format!(
        "{COOKIE}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age={KEPT_S}{secure}",
        theme.word()
    );
    let mut response = sent_to(form.next());
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
