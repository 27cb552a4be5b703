//! Signing in with a provider of OpenID Connect: the authorization code flow with PKCE, state and nonce.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::{Map, Value};
use url::Url;

use super::attempt::Attempt;
use super::claims::{at, groups, text};
use super::keys::{Document, Issuing};
use super::outside::{Outside, away, object};
use super::person::Person;
use super::rule::unmet;
use super::settings::OidcSettings;
use crate::digest::Digest;
use crate::secret::Secret;
use crate::serve::problem::Problem;

/// Proves later that whoever brings the code is who asked for it, without telling it now.
pub(super) fn challenge(verifier: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(Digest::of_bytes(verifier.reveal().as_bytes()).as_bytes())
}

/// Returns where somebody is sent to sign in.
pub(super) fn way(
    settings: &OidcSettings,
    document: &Document,
    (attempt, back): (&Attempt, &str),
) -> Result<String, Problem> {
    let place = document.authorization_endpoint.as_deref().and_then(|it| Url::parse(it).ok());
    let mut place = place.ok_or_else(|| away("it names no place to sign in"))?;
    place.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", &settings.client_id),
        ("redirect_uri", back),
        ("scope", &settings.scopes.join(" ")),
        ("state", attempt.state.reveal()),
        ("nonce", attempt.nonce.reveal()),
        ("code_challenge", &challenge(&attempt.verifier)),
        ("code_challenge_method", "S256"),
    ]);
    Ok(place.into())
}

/// Finds out who came back with a code.
pub(super) async fn who(
    outside: &Outside,
    (settings, issuing): (&OidcSettings, &Issuing),
    (attempt, code): (&Attempt, &str),
    (back, now): (&str, Timestamp),
) -> Result<Person, Problem> {
    let document = issuing.document(outside, now).await?;
    let tokens = tokens(outside, (settings, &document), (attempt, code, back)).await?;
    let token = text(&tokens, "id_token").ok_or_else(|| away("it gave no id token"))?;
    let expected = (settings.client_id.as_str(), Some(attempt.nonce.reveal()), now);
    let claims = issuing.verified(outside, token, expected).await?;
    let mut claims = claims.map_err(|refused| {
        tracing::warn!(provider = attempt.provider, %refused, "an id token was refused");
        Problem::forbidden(format!("the token that it gave is not believed: {refused}"))
    })?;
    let names = [&settings.claims.user, &settings.claims.groups];
    let mut wanted = names.into_iter().chain(settings.require.keys());
    if wanted.any(|name| at(&claims, name).is_none()) {
        more(outside, &document, (&tokens, &mut claims)).await?;
    }
    let unmet = unmet(&settings.require, &claims);
    if !unmet.is_empty() {
        let unmet = unmet.join("`, `");
        return Err(Problem::forbidden(format!(
            "you are not among those who are let in: `{unmet}` is not as it must be"
        )));
    }
    Ok(Person {
        provider: attempt.provider.clone(),
        subject: text(&claims, "sub").unwrap_or_default().to_owned(),
        name: text(&claims, &settings.claims.user).map(str::to_owned),
        groups: groups(&claims, &settings.claims.groups),
    })
}

/// Gives the code for tokens.
async fn tokens(
    outside: &Outside,
    (settings, document): (&OidcSettings, &Document),
    (attempt, code, back): (&Attempt, &str, &str),
) -> Result<Map<String, Value>, Problem> {
    let place = document.token_endpoint.as_deref();
    let place = place.ok_or_else(|| away("it names no place for codes"))?;
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", back),
        ("code_verifier", attempt.verifier.reveal()),
    ];
    let secret = match &settings.client_secret {
        Some(named) => Some(outside.secret(named).await?),
        None => None,
    };
    let methods = document.token_endpoint_auth_methods_supported.as_deref();
    let in_form = methods.is_some_and(|all| {
        let has = |method: &str| all.iter().any(|it| it == method);
        has("client_secret_post") && !has("client_secret_basic")
    });
    let mut head = None;
    match &secret {
        Some(secret) if !in_form => {
            head = Some(("authorization".to_owned(), basic(&settings.client_id, secret)));
        }
        Some(secret) => {
            form.extend([
                ("client_id", settings.client_id.as_str()),
                ("client_secret", secret.reveal()),
            ]);
        }
        None => form.push(("client_id", &settings.client_id)),
    }
    let (status, value) = outside.post(place, &form, head).await?;
    object(status, value)
}

/// Writes who we are as RFC 6749 has it: both halves as forms write them.
fn basic(client: &str, secret: &Secret) -> String {
    let written =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!(
        "Basic {}",
        STANDARD.encode(format!("{}:{}", written(client), written(secret.reveal())))
    )
}

/// Asks for what the token does not say; nothing that it says is changed.
async fn more(
    outside: &Outside,
    document: &Document,
    (tokens, claims): (&Map<String, Value>, &mut Map<String, Value>),
) -> Result<(), Problem> {
    let (Some(place), Some(access)) =
        (&document.userinfo_endpoint, text(tokens, "access_token").map(Secret::new))
    else {
        return Ok(());
    };
    let (status, value, _) = outside.get(place, Some(&access)).await?;
    let said = object(status, value)?;
    if text(&said, "sub") != text(claims, "sub") {
        return Err(Problem::forbidden("what it told belongs to somebody else"));
    }
    for (name, value) in said {
        claims.entry(name).or_insert(value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_written_as_the_standards_have_it() {
        // RFC 7636, appendix B.
        let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        let header = basic("a b:c", &Secret::new("s&%"));
        let read = STANDARD.decode(header.trim_start_matches("Basic ")).expect("base64");
        assert_eq!(String::from_utf8_lossy(&read), "a+b%3Ac:s%26%25");
    }
}
