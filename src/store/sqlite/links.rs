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
    let mut user = read(&mut write, name).await?;
    user.links.retain(|known| known.provider != link.provider);
    user.links.push(link.clone());
    save(&mut write, &user).await?;
    let detail = json!({
        "user": name, "provider": link.provider, "subject": link.subject, "groups": link.groups,
    });
    write.audit(at, &by.name, "user.linked", &by.on(&detail)).await?;
    write.commit().await?;
    Ok(user)
}

/// Takes away the account that a user has with a provider; the last way to sign in only where nobody says which ways there are.
pub(super) async fn unlink(
    store: &SqliteStore,
    by: &Actor,
    at: Timestamp,
    (name, provider, ways): (&str, &str, Option<&[&str]>),
) -> Result<User, StoreError> {
    let mut writer = store.writer.lock().await;
    let mut write = Write::begin(&mut writer, &store.catalog).await?;
    let mut user = read(&mut write, name).await?;
    let place = user.links.iter().position(|known| known.provider == provider);
    let missing = || StoreError::Missing(format!("account of user {name} with {provider}"));
    let place = place.ok_or_else(missing)?;
    if ways.is_some_and(|ways| !user.signs_in_without(provider, ways)) {
        return Err(StoreError::Conflict(format!("the last way of user {name} to sign in")));
    }
    let link = user.links.remove(place);
    save(&mut write, &user).await?;
    let detail = json!({"user": name, "provider": link.provider, "subject": link.subject});
    write.audit(at, &by.name, "user.unlinked", &by.on(&detail)).await?;
    write.commit().await?;
    Ok(user)
}

async fn read(write: &mut Write<'_>, name: &str) -> Result<User, StoreError> {
    let catalog = write.catalog;
    let body: Option<String> =
        sqlx::query_scalar("SELECT body FROM users WHERE catalog = $1 AND name = $2")
            .bind(catalog)
            .bind(name)
            .fetch_optional(write.connection())
            .await
            .map_err(StoreError::database("reading a user"))?;
    let body = body.ok_or_else(|| StoreError::Missing(format!("user {name}")))?;
    rows::from_json("a user", &body)
}

async fn save(write: &mut Write<'_>, user: &User) -> Result<(), StoreError> {
    let catalog = write.catalog;
    sqlx::query("UPDATE users SET body = $3 WHERE catalog = $1 AND name = $2")
        .bind(catalog)
        .bind(&user.name)
        .bind(rows::to_json("a user", user)?)
        .execute(write.connection())
        .await
        .map_err(StoreError::database("writing an account elsewhere"))?;
    Ok(())
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

    #[tokio::test]
    async fn an_account_is_taken_away_but_not_the_last_way_in() {
        let store = SqliteStore::in_memory("main").await.expect("opens");
        let by = Actor {
            name: "ada".to_owned(),
            kind: ActorKind::Person,
            via: "test".to_owned(),
            correlation: None,
        };
        let user = User {
            name: "ada".to_owned(),
            links: vec![
                account("s1", &[]),
                Link { provider: "gone".to_owned(), ..account("s2", &[]) },
            ],
            ..User::default()
        };
        store.save_user(&by, at(1), (&user, true)).await.expect("saved");
        let ways: &[&str] = &["corp", "github"];
        let unlink = async |provider: &str, ways| {
            store.unlink(&by, at(2), ("ada", provider, ways)).await.map(|user| user.links.len())
        };
        let last = unlink("corp", Some(ways)).await;
        assert!(
            matches!(&last, Err(StoreError::Conflict(_))),
            "nobody can sign in with gone: {last:?}"
        );
        assert_eq!(unlink("gone", Some(ways)).await.ok(), Some(1));
        assert!(matches!(unlink("gone", Some(ways)).await, Err(StoreError::Missing(_))));
        assert!(matches!(unlink("corp", Some(ways)).await, Err(StoreError::Conflict(_))));
        assert_eq!(unlink("corp", None).await.ok(), Some(0), "whoever manages users may");
        assert_eq!(store.user_of("corp", "s1").await.expect("read"), None);
        let other = store.unlink(&by, at(3), ("eve", "corp", None)).await;
        assert!(matches!(other, Err(StoreError::Missing(_))));
        let chain = store.audit_after(0, 9).await.expect("read");
        assert_eq!(verify_chain(&chain), Ok(()));
        let told: Vec<&str> = chain.iter().map(|entry| entry.what.as_str()).collect();
        assert_eq!(told, ["user.created", "user.unlinked", "user.unlinked"]);
    }
}
