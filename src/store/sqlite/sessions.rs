//! Sessions and the hashes of their secrets, in their tables.

use jiff::Timestamp;
use serde_json::json;
use sqlx::SqlitePool;

use super::rows;
use super::write::{OURSELVES, Write};
use crate::store::{Session, SessionSeen, StoreError, Taken};

type Row = (String, i64, Option<i64>);

fn seen_of((body, seen_at, used): Row) -> Result<SessionSeen, StoreError> {
    Ok(SessionSeen {
        session: rows::from_json("a session", &body)?,
        seen_at: rows::time(seen_at)?,
        is_used: used.is_some(),
    })
}

/// Begins a session; forgets those whose time is past.
pub(super) async fn add(
    write: &mut Write<'_>,
    at: Timestamp,
    (session, hash): (&Session, &str),
) -> Result<(), StoreError> {
    let failed = StoreError::database("beginning a session");
    sqlx::query("DELETE FROM sessions WHERE catalog = $1 AND expires_at < $2")
        .bind(write.catalog)
        .bind(at.as_millisecond())
        .execute(write.connection())
        .await
        .map_err(&failed)?;
    sqlx::query(
        "INSERT INTO sessions (catalog, id, owner, kind, body, expires_at, seen_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(write.catalog)
    .bind(&session.id)
    .bind(&session.owner)
    .bind(rows::to_word(&session.kind))
    .bind(rows::to_json("a session", session)?)
    .bind(session.expires_at.as_millisecond())
    .bind(at.as_millisecond())
    .execute(write.connection())
    .await
    .map_err(&failed)?;
    secret(write, &session.id, hash).await
}

async fn secret(write: &mut Write<'_>, session: &str, hash: &str) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO secrets (catalog, hash, session) VALUES ($1, $2, $3)")
        .bind(write.catalog)
        .bind(hash)
        .bind(session)
        .execute(write.connection())
        .await
        .map_err(StoreError::database("keeping the hash of a secret"))?;
    Ok(())
}

/// Finds a session by the hash of its secret.
pub(super) async fn by_secret(
    readers: &SqlitePool,
    catalog: &str,
    hash: &str,
) -> Result<Option<SessionSeen>, StoreError> {
    let found: Option<Row> = sqlx::query_as(
        "SELECT sessions.body, sessions.seen_at, secrets.used_at FROM secrets
         JOIN sessions ON sessions.catalog = secrets.catalog AND sessions.id = secrets.session
         WHERE secrets.catalog = $1 AND secrets.hash = $2",
    )
    .bind(catalog)
    .bind(hash)
    .fetch_optional(readers)
    .await
    .map_err(StoreError::database("reading a session"))?;
    found.map(seen_of).transpose()
}

/// Reads the sessions of somebody, newest first.
pub(super) async fn of(
    readers: &SqlitePool,
    catalog: &str,
    owner: &str,
) -> Result<Vec<SessionSeen>, StoreError> {
    let found: Vec<Row> = sqlx::query_as(
        "SELECT body, seen_at, NULL FROM sessions WHERE catalog = $1 AND owner = $2
         ORDER BY body ->> 'createdAt' DESC, id",
    )
    .bind(catalog)
    .bind(owner)
    .fetch_all(readers)
    .await
    .map_err(StoreError::database("reading sessions"))?;
    found.into_iter().map(seen_of).collect()
}

/// Puts a new secret in the place of one. One that was used before ends its session: somebody has a copy.
pub(super) async fn rotate(
    write: &mut Write<'_>,
    at: Timestamp,
    (old, new): (&str, &str),
) -> Result<Taken, StoreError> {
    let failed = StoreError::database("renewing a token");
    let found: Option<Row> = sqlx::query_as(
        "SELECT sessions.body, sessions.seen_at, secrets.used_at FROM secrets
         JOIN sessions ON sessions.catalog = secrets.catalog AND sessions.id = secrets.session
         WHERE secrets.catalog = $1 AND secrets.hash = $2 AND sessions.kind = 'refresh'",
    )
    .bind(write.catalog)
    .bind(old)
    .fetch_optional(write.connection())
    .await
    .map_err(&failed)?;
    let Some(found) = found.map(seen_of).transpose()? else { return Ok(Taken::Unknown) };
    let session = found.session;
    if session.expires_at < at {
        return Ok(Taken::Unknown);
    }
    if found.is_used {
        end(write, &session.owner, Some(&session.id)).await?;
        let detail = json!({"session": session.id, "owner": session.owner});
        write.audit(at, OURSELVES, "token.reused", &detail).await?;
        return Ok(Taken::Reused(session));
    }
    sqlx::query("UPDATE secrets SET used_at = $3 WHERE catalog = $1 AND hash = $2")
        .bind(write.catalog)
        .bind(old)
        .bind(at.as_millisecond())
        .execute(write.connection())
        .await
        .map_err(&failed)?;
    secret(write, &session.id, new).await?;
    seen(write, &session.id, at).await?;
    Ok(Taken::Rotated(session))
}

/// Remembers that a session was seen.
pub(super) async fn seen(write: &mut Write<'_>, id: &str, at: Timestamp) -> Result<(), StoreError> {
    sqlx::query("UPDATE sessions SET seen_at = $3 WHERE catalog = $1 AND id = $2")
        .bind(write.catalog)
        .bind(id)
        .bind(at.as_millisecond())
        .execute(write.connection())
        .await
        .map_err(StoreError::database("remembering a session"))?;
    Ok(())
}

/// Ends sessions of somebody, one or all; returns which.
pub(super) async fn end(
    write: &mut Write<'_>,
    owner: &str,
    id: Option<&str>,
) -> Result<Vec<String>, StoreError> {
    sqlx::query_scalar(
        "DELETE FROM sessions WHERE catalog = $1 AND owner = $2 AND ($3 IS NULL OR id = $3)
         RETURNING id",
    )
    .bind(write.catalog)
    .bind(owner)
    .bind(id)
    .fetch_all(write.connection())
    .await
    .map_err(StoreError::database("ending sessions"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::fixtures::at;
    use crate::store::{
        Actor, ActorKind, PeopleStore as _, SessionKind, SqliteStore, Store as _, verify_chain,
    };

    fn actor() -> Actor {
        let (name, via) = ("ada".to_owned(), "password".to_owned());
        Actor { name, kind: ActorKind::Person, via, correlation: None }
    }

    fn session(id: &str, until: i64) -> Session {
        Session {
            id: id.to_owned(),
            owner: "ada".to_owned(),
            kind: SessionKind::Refresh,
            created_at: at(10),
            expires_at: at(until),
            address: "127.0.0.1".to_owned(),
            agent: String::new(),
        }
    }

    #[tokio::test]
    async fn a_token_that_is_used_twice_ends_its_session() {
        let store = SqliteStore::in_memory("main").await.expect("opens");
        let one = session("s1", 500);
        store.add_session(&actor(), at(10), (&one, "h1")).await.expect("begun");
        assert_eq!(
            store.rotate(at(20), "h1", "h2").await.expect("read"),
            Taken::Rotated(one.clone())
        );
        assert_eq!(store.rotate(at(21), "h9", "h3").await.expect("read"), Taken::Unknown);
        assert_eq!(store.rotate(at(22), "h1", "h3").await.expect("read"), Taken::Reused(one));
        assert_eq!(store.rotate(at(23), "h2", "h4").await.expect("read"), Taken::Unknown);
        assert!(store.sessions("ada").await.expect("read").is_empty());
        let chain = store.audit_after(0, 9).await.expect("read");
        assert_eq!(verify_chain(&chain), Ok(()));
        let told: Vec<&str> = chain.iter().map(|entry| entry.what.as_str()).collect();
        assert_eq!(told, ["session.began", "token.reused"]);
        assert_eq!(chain[0].detail["actor"]["type"], "person");
    }

    #[tokio::test]
    async fn sessions_end_by_time_and_by_word() {
        let store = SqliteStore::in_memory("main").await.expect("opens");
        for (id, hash, until) in [("s1", "h1", 30), ("s2", "h2", 500), ("s3", "h3", 500)] {
            let session = session(id, until);
            store.add_session(&actor(), at(10), (&session, hash)).await.expect("begun");
        }
        assert_eq!(store.rotate(at(40), "h1", "h4").await.expect("read"), Taken::Unknown);
        assert_eq!(store.end_sessions(&actor(), at(41), ("bob", None)).await.expect("ended"), 0);
        let one = store.end_sessions(&actor(), at(41), ("ada", Some("s2"))).await;
        assert_eq!(one.expect("ended"), 1);
        assert_eq!(store.session("h2").await.expect("read"), None);
        assert!(store.session("h3").await.expect("read").is_some());
        assert_eq!(store.end_sessions(&actor(), at(42), ("ada", None)).await.expect("ended"), 2);
    }
}
