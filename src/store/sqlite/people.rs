//! Users and keys in their tables, and what anybody did in the audit chain.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::write::Write;
use super::{SqliteStore, decisions, links, rows, sessions};
use crate::store::{
    Actor, DecisionKind, Key, Link, PeopleStore, Session, SessionSeen, StoreError, Taken, User,
};

type KeyRow = (String, Option<i64>);

fn key_of((body, used): KeyRow) -> Result<Key, StoreError> {
    let key: Key = rows::from_json("a key", &body)?;
    Ok(Key { last_used: used.map(rows::time).transpose()?, ..key })
}

/// What is told of a user: never the password's hash.
fn told_of(user: &User) -> Value {
    let mut told = json!({
        "user": user.name, "type": user.kind, "roles": user.roles, "teams": user.teams,
        "disabled": user.disabled, "hasPassword": user.password.is_some(),
    });
    if let (Some(told), false) = (told.as_object_mut(), user.links.is_empty()) {
        let links = user.links.iter().map(|it| json!([it.provider, it.subject, it.groups]));
        told.insert("links".to_owned(), links.collect());
    }
    told
}

#[async_trait]
impl PeopleStore for SqliteStore {
    async fn users(&self) -> Result<Vec<User>, StoreError> {
        let found: Vec<String> =
            sqlx::query_scalar("SELECT body FROM users WHERE catalog = $1 ORDER BY name")
                .bind(&self.catalog)
                .fetch_all(&self.readers)
                .await
                .map_err(StoreError::database("reading users"))?;
        found.iter().map(|body| rows::from_json("a user", body)).collect()
    }

    async fn user(&self, name: &str) -> Result<Option<User>, StoreError> {
        let found: Option<String> =
            sqlx::query_scalar("SELECT body FROM users WHERE catalog = $1 AND name = $2")
                .bind(&self.catalog)
                .bind(name)
                .fetch_optional(&self.readers)
                .await
                .map_err(StoreError::database("reading a user"))?;
        found.map(|body| rows::from_json("a user", &body)).transpose()
    }

    async fn save_user(
        &self,
        by: &Actor,
        at: Timestamp,
        (user, is_new): (&User, bool),
    ) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().await;
        let mut write = Write::begin(&mut writer, &self.catalog).await?;
        let text = if is_new {
            "INSERT INTO users (catalog, name, body) VALUES ($1, $2, $3)
             ON CONFLICT (catalog, name) DO NOTHING"
        } else {
            "UPDATE users SET body = $3 WHERE catalog = $1 AND name = $2"
        };
        let done = sqlx::query(text)
            .bind(&self.catalog)
            .bind(&user.name)
            .bind(rows::to_json("a user", user)?)
            .execute(write.connection())
            .await
            .map_err(StoreError::database("writing a user"))?;
        if done.rows_affected() == 0 {
            let name = format!("user {}", user.name);
            return Err(if is_new {
                StoreError::Conflict(name)
            } else {
                StoreError::Missing(name)
            });
        }
        let what = if is_new { "user.created" } else { "user.changed" };
        write.audit(at, &by.name, what, &by.on(&told_of(user))).await?;
        write.commit().await
    }

    async fn user_of(&self, provider: &str, subject: &str) -> Result<Option<User>, StoreError> {
        links::user_of(self, (provider, subject)).await
    }

    async fn link(
        &self,
        by: &Actor,
        at: Timestamp,
        (name, link): (&str, &Link),
    ) -> Result<User, StoreError> {
        links::link(self, by, at, (name, link)).await
    }

    async fn unlink(
        &self,
        by: &Actor,
        at: Timestamp,
        asked: (&str, &str, Option<&[&str]>),
    ) -> Result<User, StoreError> {
        links::unlink(self, by, at, asked).await
    }

    async fn keys(&self, owner: Option<&str>) -> Result<Vec<Key>, StoreError> {
        let found: Vec<KeyRow> = sqlx::query_as(
            "SELECT body, last_used FROM keys
             WHERE catalog = $1 AND ($2 IS NULL OR owner = $2)
             ORDER BY body ->> 'createdAt' DESC, id",
        )
        .bind(&self.catalog)
        .bind(owner)
        .fetch_all(&self.readers)
        .await
        .map_err(StoreError::database("reading keys"))?;
        found.into_iter().map(key_of).collect()
    }

    async fn key(&self, id: &str) -> Result<Option<Key>, StoreError> {
        let found: Option<KeyRow> =
            sqlx::query_as("SELECT body, last_used FROM keys WHERE catalog = $1 AND id = $2")
                .bind(&self.catalog)
                .bind(id)
                .fetch_optional(&self.readers)
                .await
                .map_err(StoreError::database("reading a key"))?;
        found.map(key_of).transpose()
    }

    async fn add_key(&self, by: &Actor, at: Timestamp, key: &Key) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().await;
        let mut write = Write::begin(&mut writer, &self.catalog).await?;
        sqlx::query("INSERT INTO keys (catalog, id, owner, body) VALUES ($1, $2, $3, $4)")
            .bind(&self.catalog)
            .bind(&key.id)
            .bind(&key.owner)
            .bind(rows::to_json("a key", key)?)
            .execute(write.connection())
            .await
            .map_err(StoreError::database("writing a key"))?;
        let detail = json!({
            "key": key.id, "owner": key.owner, "note": key.note, "scopes": key.scopes,
            "expiresAt": key.expires_at,
        });
        write.audit(at, &by.name, "key.created", &by.on(&detail)).await?;
        write.commit().await
    }

    async fn revoke_key(&self, by: &Actor, at: Timestamp, id: &str) -> Result<bool, StoreError> {
        let Some(key) = self.key(id).await?.filter(|key| key.revoked_at.is_none()) else {
            return Ok(false);
        };
        let key = Key { revoked_at: Some(at), ..key };
        let mut writer = self.writer.lock().await;
        let mut write = Write::begin(&mut writer, &self.catalog).await?;
        sqlx::query("UPDATE keys SET body = $3 WHERE catalog = $1 AND id = $2")
            .bind(&self.catalog)
            .bind(id)
            .bind(rows::to_json("a key", &key)?)
            .execute(write.connection())
            .await
            .map_err(StoreError::database("taking a key back"))?;
        let detail = by.on(&json!({"key": id, "owner": key.owner}));
        write.audit(at, &by.name, "key.revoked", &detail).await?;
        write.commit().await?;
        Ok(true)
    }

    async fn key_used(&self, id: &str, at: Timestamp) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().await;
        let mut write = Write::begin(&mut writer, &self.catalog).await?;
        sqlx::query("UPDATE keys SET last_used = $3 WHERE catalog = $1 AND id = $2")
            .bind(&self.catalog)
            .bind(id)
            .bind(at.as_millisecond())
            .execute(write.connection())
            .await
            .map_err(StoreError::database("remembering the use of a key"))?;
        write.commit().await
    }

    async fn add_session(
        &self,
        by: &Actor,
        at: Timestamp,
        (session, hash): (&Session, &str),
    ) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().await;
        let mut write = Write::begin(&mut writer, &self.catalog).await?;
        sessions::add(&mut write, at, (session, hash)).await?;
        let detail =
            json!({"session": session.id, "kind": session.kind, "address": session.address});
        write.audit(at, &by.name, "session.began", &by.on(&detail)).await?;
        write.commit().await
    }

    async fn session(&self, hash: &str) -> Result<Option<SessionSeen>, StoreError> {
        sessions::by_secret(&self.readers, &self.catalog, hash).await
    }

    async fn user_in_session(&self, name: &str, session: &str) -> Result<Option<User>, StoreError> {
        let found: Option<String> = sqlx::query_scalar(
            "SELECT users.body FROM users JOIN sessions
             ON sessions.catalog = users.catalog AND sessions.id = $3 AND sessions.owner = users.name
             WHERE users.catalog = $1 AND users.name = $2",
        )
        .bind(&self.catalog)
        .bind(name)
        .bind(session)
        .fetch_optional(&self.readers)
        .await
        .map_err(StoreError::database("reading who a session is of"))?;
        found.map(|body| rows::from_json("a user", &body)).transpose()
    }

    async fn sessions(&self, owner: &str) -> Result<Vec<SessionSeen>, StoreError> {
        sessions::of(&self.readers, &self.catalog, owner).await
    }

    async fn rotate(&self, at: Timestamp, old: &str, new: &str) -> Result<Taken, StoreError> {
        let mut writer = self.writer.lock().await;
        let mut write = Write::begin(&mut writer, &self.catalog).await?;
        let taken = sessions::rotate(&mut write, at, (old, new)).await?;
        write.commit().await?;
        Ok(taken)
    }

    async fn session_seen(&self, id: &str, at: Timestamp) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().await;
        let mut write = Write::begin(&mut writer, &self.catalog).await?;
        sessions::seen(&mut write, id, at).await?;
        write.commit().await
    }

    async fn end_sessions(
        &self,
        by: &Actor,
        at: Timestamp,
        (owner, id): (&str, Option<&str>),
    ) -> Result<u64, StoreError> {
        let mut writer = self.writer.lock().await;
        let mut write = Write::begin(&mut writer, &self.catalog).await?;
        let ended = sessions::end(&mut write, owner, id).await?;
        for session in &ended {
            let detail = by.on(&json!({"session": session, "owner": owner}));
            write.audit(at, &by.name, "session.ended", &detail).await?;
        }
        write.commit().await?;
        Ok(u64::try_from(ended.len()).unwrap_or(u64::MAX))
    }

    async fn tell(
        &self,
        by: &Actor,
        at: Timestamp,
        (what, detail): (&str, &Value),
    ) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().await;
        let mut write = Write::begin(&mut writer, &self.catalog).await?;
        write.audit(at, &by.name, what, &by.on(detail)).await?;
        write.commit().await
    }

    async fn decide_as(
        &self,
        by: &Actor,
        at: Timestamp,
        decision: &DecisionKind,
    ) -> Result<i64, StoreError> {
        let mut writer = self.writer.lock().await;
        let mut write = Write::begin(&mut writer, &self.catalog).await?;
        let seq = decisions::add_as(&mut write, by, at, decision).await?;
        write.commit().await?;
        Ok(seq)
    }
}
