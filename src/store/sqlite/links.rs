//! Which accounts elsewhere users sign in with.

use jiff::Timestamp;
use serde_json::json;

use super::write::Write;
use super::{SqliteStore, rows};
use crate::store::{Actor, Link, StoreError, User};

const OF: &str = "SELECT body FROM users WHERE catalog = $1 AND EXISTS (
    SELECT 1 FROM json_each(users.body, '$.links')
    WHERE value ->> 'provider' = $2 AND value ->> 'subject' = $3) ORDER BY name LIMIT 1";

/// Finds the user of an account elsewhere.
pub(super) async fn user_of(
    store: &SqliteStore,
    (provider, subject): (&str, &str),
) -> Result<Option<User>, StoreError> {
    let found: Option<String> = sqlx::query_scalar(OF)
        .bind(&store.catalog)
        .bind(provider)
        .bind(subject)
        .fetch_optional(&store.readers)
        .await
        .map_err(StoreError::database("reading a user by an account elsewhere"))?;
    found.map(|body| rows::from_json("a user", &body)).transpose()
}

/// Writes down the account that a user has with a provider, in the place of the one that was there.
pub(super) async fn link(
    store: &SqliteStore,
    by: &Actor,
    at: Timestamp,
    (name, link): (&str, &Link),
) -> Result<User, StoreError> {
    let failed = StoreError::database("writing an account elsewhere");
    let mut writer = store.writer.lock().await;
    let mut write = Write::begin(&mut writer, &store.catalog).await?;
    let other: Option<String> = sqlx::query_scalar(OF)
        .bind(&store.catalog)
        .bind(&link.provider)
        .bind(&link.subject)
        .fetch_optional(write.connection())
        .await
        .map_err(&failed)?;
    let other: Option<User> = other.map(|body| rows::from_json("a user", &body)).transpose()?;
    if let Some(other) = other.filter(|other| other.name != name) {
        return Err(StoreError::Conflict(format!("the account of user {}", other.name)));
    }
    let body: Option<String> =
        sqlx::query_scalar("SELECT body FROM users WHERE catalog = $1 AND name = $2")
            .bind(&store.catalog)
            .bind(name)
            .fetch_optional(write.connection())
            .await
            .map_err(&failed)?;
    let body = body.ok_or_else(|| StoreError::Missing(format!("user {name}")))?;
    let mut user: User = rows::from_json("a user", &body)?;
    user.links.retain(|known| known.provider != link.provider);
    user.links.push(link.clone());
    sqlx::query("UPDATE users SET body = $3 WHERE catalog = $1 AND name = $2")
        .bind(&store.catalog)
        .bind(name)
        .bind(rows::to_json("a user", &user)?)
        .execute(write.connection())
        .await
        .map_err(&failed)?;
    let detail = json!({
        "user": name, "provider": link.provider, "subject": link.subject, "groups": link.groups,
    });
    write.audit(at, &by.name, "user.linked", &by.on(&detail)).await?;
    write.commit().await?;
    Ok(user)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::fixtures::at;
    use crate::store::{ActorKind, PeopleStore as _, Store as _, verify_chain};

    fn account(subject: &str, groups: &[&str]) -> Link {
        Link {
            provider: "corp".to_owned(),
            subject: subject.to_owned(),
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
            seen_at: at(10),
        }
    }

    #[tokio::test]
    async fn a_user_is_found_by_its_account_and_an_account_is_of_one_user() {
        let store = SqliteStore::in_memory("main").await.expect("opens");
        let by = Actor {
            name: "ada".to_owned(),
            kind: ActorKind::Person,
            via: "test".to_owned(),
            correlation: None,
        };
        for name in ["ada", "bob"] {
            let user = User { name: name.to_owned(), ..User::default() };
            store.save_user(&by, at(1), (&user, true)).await.expect("saved");
        }
        let link = async |name: &str, it: Link| store.link(&by, at(2), (name, &it)).await;
        assert_eq!(store.user_of("corp", "s1").await.expect("read"), None);
        link("ada", account("s1", &["a"])).await.expect("linked");
        let found = store.user_of("corp", "s1").await.expect("read").expect("there");
        assert_eq!((found.name.as_str(), found.links.len()), ("ada", 1));
        assert_eq!(store.user_of("other", "s1").await.expect("read"), None);
        assert!(matches!(link("bob", account("s1", &[])).await, Err(StoreError::Conflict(_))));
        assert!(matches!(link("eve", account("s9", &[])).await, Err(StoreError::Missing(_))));
        let again = link("ada", account("s2", &["b"])).await.expect("linked");
        assert_eq!(again.links, [account("s2", &["b"])]);
        assert_eq!(store.user_of("corp", "s1").await.expect("read"), None);
        let chain = store.audit_after(0, 9).await.expect("read");
        assert_eq!(verify_chain(&chain), Ok(()));
        assert_eq!(chain.iter().filter(|entry| entry.what == "user.linked").count(), 2);
    }
}
