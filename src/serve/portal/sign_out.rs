//! `POST /sign-out`: ends the session, and has the browser forget it.

use axum::http::{HeaderValue, Method, header};
use axum::response::Response;

use super::form::Form;
use super::guest::Guest;
use super::local::sent_to;
use super::problem_page::Refused;

/// Signs out; who is signed out already is, too.
pub(super) async fn take(guest: Guest, form: Form) -> Result<Response, Refused> {
    if let Some(session) = guest.session() {
        let path = format!("/auth/sessions/{session}");
        guest.send((Method::DELETE, &path), &(), &form).await?;
    }
    let name = guest.app().auth().cookie();
    let secure = if guest.app().auth().settings().is_https() { "; Secure" } else { "" };
    let cookie = format!("{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}");
    let mut response = sent_to("/sign-in?done=signed-out");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
