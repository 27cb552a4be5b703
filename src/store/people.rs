//! Who may use the API: users, keys, sessions; and what any of them did. It keeps hashes, never a secret, and decides nothing.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::decision::DecisionKind;
use super::error::StoreError;

/// What kind of somebody acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActorKind {
    /// A person.
    #[default]
    Person,
    /// A script, or another program.
    Machine,
    /// A program that decides by itself; it proposes, and never approves.
    Agent,
    /// Whoever has the store at hand, on the machine itself.
    Operator,
}

impl std::fmt::Display for ActorKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ActorKind::Person => "person",
            ActorKind::Machine => "machine",
            ActorKind::Agent => "agent",
            ActorKind::Operator => "operator",
        })
    }
}

/// Who does something, as the audit chain tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The name.
    pub name: String,
    /// What kind of somebody.
    pub kind: ActorKind,
    /// By what it is known: `key tl_1a2b3c4d`, `session 17ab…`, `command line`.
    pub via: String,
    /// What ties the entry to the request.
    pub correlation: Option<String>,
}

impl Actor {
    /// Adds who it was to what is told.
    pub(in crate::store) fn on(&self, detail: &Value) -> Value {
        let mut detail = match detail {
            Value::Object(map) => map.clone(),
            _ => serde_json::Map::new(),
        };
        let mut actor = json!({"type": self.kind, "via": self.via});
        if let (Some(map), Some(id)) = (actor.as_object_mut(), &self.correlation) {
            map.insert("correlation".to_owned(), json!(id));
        }
        detail.insert("actor".to_owned(), actor);
        Value::Object(detail)
    }
}

/// Somebody who may use the API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The name, as decisions are signed with it.
    pub name: String,
    /// What kind of somebody.
    pub kind: ActorKind,
    /// Hash of the password; nobody signs in with one where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Roles, each with the teams that it holds for: `maintainer` of `payments`, or of `*`.
    #[serde(default)]
    pub roles: Vec<(String, Vec<String>)>,
    /// Teams, besides those that the catalog names.
    #[serde(default)]
    pub teams: Vec<String>,
    /// Accounts elsewhere that it signs in with, one of each provider.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// Nothing of it is let in.
    #[serde(default)]
    pub disabled: bool,
    /// Rises with every change, so that what was made before a password changed can be told apart.
    #[serde(default)]
    pub version: u64,
    /// When it was made.
    #[serde(default)]
    pub created_at: Timestamp,
}

impl User {
    /// Tells whether it could still sign in without its account with a provider: by a password, or with another of those that people
    /// can sign in with now.
    pub fn signs_in_without(&self, provider: &str, ways: &[&str]) -> bool {
        let others = self.links.iter().filter(|link| link.provider != provider);
        let mut others = others.map(|link| link.provider.as_str());
        self.password.is_some() || others.any(|other| ways.contains(&other))
    }
}

/// An account elsewhere that a user signs in with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// Who vouches, by the name of the configuration.
    pub provider: String,
    /// What stays the same there whatever becomes of the name.
    pub subject: String,
    /// The groups there, as they were when the user signed in last.
    #[serde(default)]
    pub groups: Vec<String>,
    /// When that was, within an hour.
    #[serde(default)]
    pub seen_at: Timestamp,
}

/// A key of the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    /// Its public part, by which it is found and named.
    pub id: String,
    /// Hash of all of it.
    pub hash: String,
    /// Whose it is: it can do no more than its owner.
    pub owner: String,
    /// What it is for, in the owner's words.
    pub note: String,
    /// What it is cut down to; nothing means all that its owner may.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, within a minute.
    #[serde(skip)]
    pub last_used: Option<Timestamp>,
}

/// What a session is held by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionKind {
    /// A cookie of a browser.
    Browser,
    /// A chain of refresh tokens.
    Refresh,
    /// The token of a CI job, which was taken for an access token.
    Job,
}

/// Somebody is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Its public name.
    pub id: String,
    /// Who is signed in.
    pub owner: String,
    /// What it is held by.
    pub kind: SessionKind,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// From which address it began.
    pub address: String,
    /// What the client called itself, cut short.
    pub agent: String,
}

/// A session, and when it was last seen, within a minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSeen {
    /// The session.
    pub session: Session,
    /// When it was last seen.
    pub seen_at: Timestamp,
    /// The secret that it was found by was used before.
    pub is_used: bool,
}

/// What came of a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was good; the new one has taken its place.
    Rotated(Session),
    /// It was used before: somebody has a copy. Its session is ended.
    Reused(Session),
    /// Nobody knows it, or its session has ended.
    Unknown,
}

/// Keeps who may use the API. Any process may write; every change of rights is told in the audit chain.
#[async_trait]
pub trait PeopleStore {
    /// Reads all users, by name.
    async fn users(&self) -> Result<Vec<User>, StoreError>;
    /// Reads one user.
    async fn user(&self, name: &str) -> Result<Option<User>, StoreError>;
    /// Adds a user, or writes it anew; `what` says which. A new one is refused where the name is taken.
    async fn save_user(
        &self,
        by: &Actor,
        at: Timestamp,
        (user, is_new): (&User, bool),
    ) -> Result<(), StoreError>;
    /// Finds the user of an account elsewhere, by who vouches for it and what stays the same there.
    async fn user_of(&self, provider: &str, subject: &str) -> Result<Option<User>, StoreError>;
    /// Writes down the account that a user has with a provider; refused where another user has it.
    async fn link(
        &self,
        by: &Actor,
        at: Timestamp,
        (name, link): (&str, &Link),
    ) -> Result<User, StoreError>;
    /// Takes away the account that a user has with a provider. Where the providers that people can sign in with now are named, the
    /// last way to sign in is kept: a password, or an account with one of those.
    async fn unlink(
        &self,
        by: &Actor,
        at: Timestamp,
        (name, provider, ways): (&str, &str, Option<&[&str]>),
    ) -> Result<User, StoreError>;
    /// Reads keys, newest first; of one owner where it is named.
    async fn keys(&self, owner: Option<&str>) -> Result<Vec<Key>, StoreError>;
    /// Reads one key.
    async fn key(&self, id: &str) -> Result<Option<Key>, StoreError>;
    /// Adds a key.
    async fn add_key(&self, by: &Actor, at: Timestamp, key: &Key) -> Result<(), StoreError>;
    /// Takes a key back; false where there is none that holds.
    async fn revoke_key(&self, by: &Actor, at: Timestamp, id: &str) -> Result<bool, StoreError>;
    /// Remembers that a key was used.
    async fn key_used(&self, id: &str, at: Timestamp) -> Result<(), StoreError>;
    /// Begins a session that is held by a secret of which this is the hash; forgets those that are past.
    async fn add_session(
        &self,
        by: &Actor,
        at: Timestamp,
        (session, hash): (&Session, &str),
    ) -> Result<(), StoreError>;
    /// Finds a session by the hash of its secret.
    async fn session(&self, hash: &str) -> Result<Option<SessionSeen>, StoreError>;
    /// Finds a user, where one of their sessions has this name.
    async fn user_in_session(&self, name: &str, session: &str) -> Result<Option<User>, StoreError>;
    /// Reads the sessions of somebody, newest first.
    async fn sessions(&self, owner: &str) -> Result<Vec<SessionSeen>, StoreError>;
    /// Puts a new secret in the place of one, once.
    async fn rotate(&self, at: Timestamp, old: &str, new: &str) -> Result<Taken, StoreError>;
    /// Remembers that a session was seen.
    async fn session_seen(&self, id: &str, at: Timestamp) -> Result<(), StoreError>;
    /// Ends sessions of somebody: one, or all; returns how many.
    async fn end_sessions(
        &self,
        by: &Actor,
        at: Timestamp,
        (owner, id): (&str, Option<&str>),
    ) -> Result<u64, StoreError>;
    /// Tells the audit chain what somebody did, or tried.
    async fn tell(
        &self,
        by: &Actor,
        at: Timestamp,
        (what, detail): (&str, &Value),
    ) -> Result<(), StoreError>;
    /// Records a decision of somebody who is known; returns its number.
    async fn decide_as(
        &self,
        by: &Actor,
        at: Timestamp,
        decision: &DecisionKind,
    ) -> Result<i64, StoreError>;
}
